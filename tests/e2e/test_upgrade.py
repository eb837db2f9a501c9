"""Another program takes the place of a running vif, or fails to."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import threading
import time

import pytest

import protocols
import succession
import tree
import vif
import wire
from test_process import is_running
from test_reload import LARGE, Site, workers_of

pytestmark = pytest.mark.any_backend


@pytest.fixture(autouse=True)
def _orphans():
    succession.adopt_orphans()


@pytest.fixture
def site(server, root):
    site = Site(server, root)
    succession.wait_until_found(site.running)
    return site


def program(folder, text):
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def refused(site, *options):
    result = vif.run("upgrade", "--pid", site.running.process.pid, *options)
    assert (result.returncode, result.stdout) == (1, ""), result
    assert f"process {site.running.process.pid} goes on as before" in result.stderr
    return result.stderr


def test_a_program_that_was_replaced_takes_over(server, root, tmp_path):
    """The file at the path of the running one, as a package puts a new one there."""
    binary = tmp_path / "vif"
    shutil.copy(vif.BINARY, binary)
    site = Site(server, root, binary=binary)
    succession.wait_until_found(site.running)
    workers = workers_of(site.running)
    shutil.copy(vif.BINARY, tmp_path / "new")
    os.rename(tmp_path / "new", binary)
    former = succession.upgrade(site.running)
    assert former.wait(vif.STOP_SECONDS) == 0
    assert pathlib.Path(f"/proc/{site.running.process.pid}/exe").readlink() == binary
    assert not set(workers) & set(workers_of(site.running))
    assert site.text() == b"one"


def test_another_program_takes_over_and_the_first_one_again(site, tmp_path):
    other = tmp_path / "other"
    shutil.copy(vif.BINARY, other)
    for binary in (other, vif.BINARY):
        former = succession.upgrade(site.running, "--binary", binary)
        assert former.wait(vif.STOP_SECONDS) == 0
        assert os.path.samefile(f"/proc/{site.running.process.pid}/exe", binary)
        assert site.text() == b"one"


def test_what_has_begun_ends_in_the_old_one(site, root):
    """A slow download, an upload and a kept connection; the configuration is read anew."""
    tree.write(root, "large.bin", LARGE)
    download = site.running.connect(receive_buffer=16384)
    download.request("GET", "/large.bin")
    assert download.read_head().status == 200
    upload = site.running.connect()
    upload.send(wire.request_bytes("POST", "/text", {"Content-Length": "30"}))
    idle = site.running.connect()
    assert idle.exchange("GET", "/text").body == b"one"
    site.set_text("two")
    former = succession.upgrade(site.running)
    idle.read_end()
    for _ in range(4):
        assert site.text() == b"two"
    upload.send(b"x" * 30)
    assert upload.read_response("POST").body == b"one"
    assert former.poll() is None
    assert len(download.take(len(LARGE))) == len(LARGE)
    download.close()
    assert former.wait(vif.STOP_SECONDS) == 0
    assert site.text() == b"two"


def test_a_stop_of_the_old_one_lets_it_finish(site, root):
    """As a service manager does to all processes of a unit."""
    tree.write(root, "large.bin", LARGE)
    download = site.running.connect(receive_buffer=16384)
    download.request("GET", "/large.bin")
    assert download.read_head().status == 200
    former = succession.upgrade(site.running)
    time.sleep(0.3)  # within less, two signals are one stop
    former.send_signal(signal.SIGTERM)
    assert len(download.take(len(LARGE))) == len(LARGE)
    download.close()
    assert former.wait(vif.STOP_SECONDS) == 0


def test_the_signal_does_the_same(site):
    former = site.running.process
    former.send_signal(signal.SIGUSR2)
    assert former.wait(vif.STOP_SECONDS) == 0
    succession.follow(site.running)
    assert site.text() == b"one"


@pytest.mark.parametrize("text, reason", [
    ("echo no such luck >&2; exit 3", "no such luck\n{path} did not take over: it ended with status 3"),
    ("kill -SEGV $$", "{path} did not take over: signal 11 (Segmentation fault) ended it"),
    ("exec sleep 1000", "{path} did not take over: it was not ready after 0.5 s"),
])
def test_a_program_that_does_not_come_up_changes_nothing(site, tmp_path, text, reason):
    path = program(tmp_path, text)
    workers = workers_of(site.running)
    idle = site.running.connect()
    assert idle.exchange("GET", "/text").body == b"one"
    limit = "500ms" if "sleep" in text else "60s"
    assert reason.format(path=path) in refused(site, "--binary", path, "--timeout", limit)
    assert idle.exchange("GET", "/text").body == b"one"
    wire.wait_until(lambda: sorted(vif.children_of(site.running.process.pid)) == workers, "nothing to be left of it")
    for _ in range(4):
        assert site.text() == b"one"
    assert f"upgrade: {path} did not take over" in site.running.stderr()
    former = succession.upgrade(site.running)
    assert former.wait(vif.STOP_SECONDS) == 0


def test_what_is_no_program_changes_nothing(site, tmp_path):
    path = tmp_path / "text"
    path.write_text("hello", encoding="utf-8")
    assert f"cannot run {path}: Permission denied" in refused(site, "--binary", path)
    result = vif.run("upgrade", "--pid", site.running.process.pid, "--binary", tmp_path / "nothing")
    assert result.returncode == 2 and "No such file" in result.stderr
    assert site.text() == b"one"


def test_mistakes_in_the_configuration_are_told_and_change_nothing(site):
    site.running.config_path.write_text('{"sites": [], "limit": 1}', encoding="utf-8")
    assert '.yaml:1:15: error: unknown option "limit"' in refused(site)
    assert site.text() == b"one"


def test_a_new_address_that_is_taken_changes_nothing(site):
    with socket.socket() as other:
        other.bind(("127.0.0.1", vif.free_port()))
        other.listen()
        port = other.getsockname()[1]
        site.write(listen=[*site.config["listen"], f"127.0.0.1:{port}"])
        assert f"127.0.0.1:{port} is taken" in refused(site)
    assert site.text() == b"one"


def test_a_worker_that_cannot_start_changes_nothing(site, tmp_path):
    """One worker of the new vif may have accepted already; the sockets are not ended with it."""
    pipe = tmp_path / "pipe"  # which nobody reads
    os.mkfifo(pipe)
    site.write(log={"access": str(pipe)})
    assert f"cannot open the access log {pipe}" in refused(site)
    for _ in range(20):
        assert site.text() == b"one"


def test_a_new_vif_that_dies_before_it_may_go_on_changes_nothing(site, tmp_path):
    """Its first worker accepts already when there is a second one. It must not end the sockets with itself."""
    path = program(tmp_path, f'kill -STOP $PPID; exec {vif.BINARY} "$@"')
    master, before = site.running.process.pid, vif.children_of(site.running.process.pid)
    upgrading = vif.start("upgrade", "--pid", master, "--binary", path)
    (new,) = wire.wait_until(lambda: set(vif.children_of(master)) - set(before), "the new vif")
    workers = wire.wait_until(lambda: vif.children_of(new)[1:] and vif.children_of(new), "its workers")
    os.kill(new, signal.SIGKILL)
    wire.wait_until(lambda: not any(map(is_running, workers)), "its workers to end")
    os.kill(master, signal.SIGCONT)
    assert upgrading.wait(vif.STOP_SECONDS) == 1
    assert "signal 9 (Killed) ended it" in upgrading.stderr.read()
    for _ in range(30):
        assert site.text() == b"one"


def test_one_upgrade_at_a_time(site, tmp_path):
    path = program(tmp_path, "exec sleep 1000")
    first = vif.start("upgrade", "--pid", site.running.process.pid, "--binary", path)
    wire.wait_until(lambda: f"starting {path}" in site.running.stderr(), "the upgrade to begin")
    result = vif.run("upgrade", "--pid", site.running.process.pid)
    assert result.returncode == 1 and "an upgrade is under way" in result.stderr
    (child,) = set(vif.children_of(site.running.process.pid)) - set(workers_of(site.running))
    os.kill(child, signal.SIGKILL)
    assert first.wait(vif.STOP_SECONDS) == 1
    assert site.text() == b"one"


def test_a_stop_ends_the_upgrade_too(site, tmp_path):
    path = program(tmp_path, "exec sleep 1000")
    upgrading = vif.start("upgrade", "--pid", site.running.process.pid, "--binary", path)
    wire.wait_until(lambda: f"starting {path}" in site.running.stderr(), "the upgrade to begin")
    site.running.stop()
    assert upgrading.wait(vif.STOP_SECONDS) == 1
    assert "vif is stopping" in upgrading.stderr.read()


def test_connections_that_nobody_has_accepted_are_served_by_the_new_one(server, root):
    """They are in the queues of sockets whose workers are stopped."""
    site = Site(server, root, timeouts={"drain": "1s"})
    succession.wait_until_found(site.running)
    for worker in workers_of(site.running):
        os.kill(worker, signal.SIGSTOP)
    clients = [site.running.connect() for _ in range(20)]
    for client in clients:
        client.request("GET", "/text")
    former = succession.upgrade(site.running)
    for client in clients:
        assert client.read_response().body == b"one"
    assert former.wait(vif.STOP_SECONDS) == 1  # it had to kill its workers
    assert "requests did not end in time" in site.running.stderr()
    site.running.stderr_path.write_text("", encoding="utf-8")


@pytest.mark.parametrize("before, after", [(1, 3), (3, 1)])
def test_the_number_of_workers_changes(server, root, before, after):
    site = Site(server, root, workers=before)
    succession.wait_until_found(site.running)
    site.write(workers=after)
    former = succession.upgrade(site.running)
    assert former.wait(vif.STOP_SECONDS) == 0
    assert len(workers_of(site.running)) == after
    for _ in range(30):
        assert site.text() == b"one"
    site.write(workers=2)
    assert vif.run("reload", "--pid", site.running.process.pid).returncode == 0
    for _ in range(30):
        assert site.text() == b"one"


def test_listeners_come_and_go_and_unix_sockets_stay(site, tmp_path):
    path, gone = tmp_path / "vif.sock", tmp_path / "gone.sock"
    first, port = site.config["listen"], vif.free_port()
    site.write(listen=[*first, f"unix:{path}", f"unix:{gone}"])
    assert vif.run("reload", "--pid", site.running.process.pid).returncode == 0
    number = path.stat().st_ino
    site.write(listen=[f"127.0.0.1:{port}", f"unix:{path}", *first])
    former = succession.upgrade(site.running)
    assert former.wait(vif.STOP_SECONDS) == 0
    assert path.stat().st_ino == number
    assert not gone.exists()
    for address, family in (((site.running.host, port), socket.AF_INET), (str(path), socket.AF_UNIX)):
        with wire.Client(address, family=family) as client:
            assert client.exchange("GET", "/text").body == b"one"
    assert site.text() == b"one"
    site.running.stop()
    assert not path.exists()


def test_a_port_that_the_kernel_has_chosen_stays(server, root):
    port = vif.free_port()
    running = server(config={"listen": ["localhost:0", f"127.0.0.1:{port}"],
                             "sites": [{"routes": {"/": {"files": str(root)}}}]}, port=port)
    before = succession.wait_until_found(running)["listeners"]
    assert before[0].rpartition(":")[2] != "0"
    former = succession.upgrade(running)
    assert former.wait(vif.STOP_SECONDS) == 0
    assert succession.status_of(running)["listeners"] == before


def test_the_quick_server_is_upgraded_too(server, root):
    tree.write(root, "hello.txt", tree.HELLO)
    running = server(root, workers=2)
    wire.wait_until(lambda: vif.run("status", "--pid", running.process.pid).returncode == 0, "the control socket")
    former = running.process
    assert vif.run("upgrade", "--pid", former.pid).returncode == 0
    assert former.wait(vif.STOP_SECONDS) == 0
    running.process = succession.Heir(int(re.search(r"process (\d+), vif \S+, has taken over", running.stderr())[1]))
    assert running.get("/hello.txt").body == tree.HELLO


def test_the_service_manager_hears_of_the_new_process(server, root, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    site = Site(server, root)
    manager = site.running.manager
    wire.wait_until(lambda: manager.has_heard("WATCHDOG=1"), "a sign of life")
    succession.upgrade(site.running)
    wire.wait_until(lambda: manager.has_heard(f"MAINPID={site.running.process.pid}"), "the new main process")
    wire.wait_until(lambda: manager.has_heard("READY=1"), "the new one to be ready")
    wire.wait_until(lambda: manager.has_heard("WATCHDOG=1"), "a sign of life")
    assert not manager.has_heard("STOPPING=1")


def test_log_files_go_on(site, tmp_path):
    log = tmp_path / "access.log"
    site.write(log={"access": str(log), "error": str(tmp_path / "error.log")})
    assert vif.run("reload", "--pid", site.running.process.pid).returncode == 0
    assert site.text() == b"one"
    former = succession.upgrade(site.running)
    assert former.wait(vif.STOP_SECONDS) == 0
    assert site.text() == b"one"
    wire.wait_until(lambda: log.read_text(encoding="ascii").count("GET /text") == 2, "lines in the access log")
    assert "has taken over" in (tmp_path / "error.log").read_text(encoding="utf-8")


def test_tls_sessions_are_resumed_by_the_new_one(server, root):
    certificate, key = map(str, protocols.certificate())
    port = vif.free_port()
    running = server(config={"listen": [{"address": f"127.0.0.1:{port}",
                                         "tls": {"certificate": certificate, "key": key}}],
                             "sites": [{"routes": {"/": {"files": str(root)}}}]}, port=port, workers=2)
    succession.wait_until_found(running)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def connect(session=None):
        with socket.create_connection(("127.0.0.1", port)) as plain:
            with context.wrap_socket(plain, session=session) as client:
                return client.session, client.session_reused

    session, _ = connect()
    assert connect(session)[1]
    former = succession.upgrade(running)
    assert former.wait(vif.STOP_SECONDS) == 0
    assert connect(session)[1]


def begin_upgrade(site):
    """The command, and the process that is to take over, when it is ready: it and the old one are stopped then."""
    former = site.running.process
    before = set(vif.children_of(former.pid))
    command = vif.start("upgrade", "-c", site.running.config_path)
    wire.wait_until(lambda: set(vif.children_of(former.pid)) - before, "another process")
    former.send_signal(signal.SIGSTOP)

    def find():
        return [pid for pid in vif.children_of(former.pid) if succession.takes_commands(pid)]

    try:
        (heir,) = wire.wait_until(find, "the control socket of the new one")
        os.kill(heir, signal.SIGSTOP)
    except BaseException:
        former.send_signal(signal.SIGCONT)
        raise
    return command, heir


def is_waiting(process):
    """Whether it has asked somebody, or has ended."""
    try:
        sockets = [fd for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir() if "socket:" in os.readlink(fd)]
        return bool(sockets) and pathlib.Path(f"/proc/{process.pid}/wchan").read_text(encoding="ascii") != "0"
    except FileNotFoundError:
        return process.poll() is not None


def test_a_command_between_the_old_and_the_new_one(site):
    """The old one has left, and the new one does not know yet."""
    former = site.running.process
    upgrading, heir = begin_upgrade(site)
    try:
        former.send_signal(signal.SIGCONT)
        wire.wait_until(lambda: not succession.socket_of(former.pid).exists(), "the old one to close its control socket")
        asking = vif.start("status", "-c", site.running.config_path, "--json")
        wire.wait_until(lambda: is_waiting(asking), "a command to look for vif")
    finally:
        os.kill(heir, signal.SIGCONT)
    said, complained = asking.communicate(timeout=wire.TIME_LIMIT)
    assert asking.returncode == 0, complained
    assert json.loads(said)["pid"] == heir
    assert upgrading.wait(wire.TIME_LIMIT) == 0, upgrading.stderr.read()
    assert succession.follow(site.running).wait(vif.STOP_SECONDS) == 0


def test_a_reload_that_waits_for_the_upgrade_is_one_of_the_new_one(site):
    """Which may have read the configuration before it was changed."""
    former = site.running.process
    upgrading, heir = begin_upgrade(site)
    try:
        site.set_text("two")
        reloading = vif.start("reload", "-c", site.running.config_path)
        wire.wait_until(lambda: is_waiting(reloading), "the reload to ask")
    finally:
        former.send_signal(signal.SIGCONT)
        os.kill(heir, signal.SIGCONT)
    said, complained = reloading.communicate(timeout=wire.TIME_LIMIT)
    assert reloading.returncode == 0, complained
    assert "/text" in said
    assert upgrading.wait(wire.TIME_LIMIT) == 0, upgrading.stderr.read()
    assert succession.follow(site.running).wait(vif.STOP_SECONDS) == 0
    assert site.text() == b"two"


@pytest.mark.parametrize("words", [["status"], ["reopen"], ["upstream", "list"]], ids=" ".join)
def test_commands_without_end_find_a_vif_through_upgrades(site, words):
    """Three at a time, one after the other, while three programs take over."""
    failures, counts, is_over = [], [], threading.Event()

    def ask():
        count = 0
        while not is_over.is_set() and not failures:
            result = vif.run(*words, "-c", site.running.config_path)
            count += 1
            if result.returncode != 0:
                failures.append(result)
        counts.append(count)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        assert succession.upgrade(site.running).wait(vif.STOP_SECONDS) == 0
    is_over.set()
    for thread in threads:
        thread.join()
    assert not failures and min(counts) > 0


def test_no_request_fails_while_programs_change(site):
    """Clients that keep their connection and clients that do not, over ten upgrades and as many reloads. A kept
    connection is closed after a response that says so."""
    failures, counts, is_over = [], [], threading.Event()

    def client(keeps):
        count, connection = 0, None
        try:
            while not is_over.is_set():
                connection = connection or site.running.connect()
                response = connection.exchange("GET", "/text")
                assert re.fullmatch(rb"one|edition \d+", response.body), response
                count += 1
                if not keeps or response.closes:
                    connection.close()
                    connection = None
        except Exception as error:  # pylint: disable=broad-except
            failures.append(repr(error))
            is_over.set()
        counts.append(count)

    threads = [threading.Thread(target=client, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for number in range(10):
        site.set_text(f"edition {number}")
        assert vif.run("reload", "-c", site.running.config_path).returncode == 0
        assert succession.upgrade(site.running).wait(vif.STOP_SECONDS) == 0
    is_over.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert min(counts) > 0
