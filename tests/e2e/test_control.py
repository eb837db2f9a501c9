"""The commands for a running vif: reload, status, stop and reopen, over its control socket."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile

import pytest

import succession
import tree
import vif
import wire
from test_reload import LARGE, Site

pytestmark = pytest.mark.any_backend


def control(site, *words, **options):
    running = getattr(site, "running", site)
    return vif.run(words[0], "--pid", running.process.pid, *words[1:], **options)


def wait_for_end(running):
    process, running.process = running.process, None
    return process.wait(vif.STOP_SECONDS)


@pytest.fixture
def site(server, root):
    return Site(server, root)


@pytest.mark.parametrize("round", range(5))
def test_commands_are_taken_when_the_banner_is_shown(root, round):
    process = vif.start("-a", "127.0.0.1", "-p", vif.free_port(), "-w", "1", root)
    try:
        while "http://" not in process.stderr.readline():
            assert process.poll() is None
        status = vif.run("status", "--pid", process.pid)
        assert (status.returncode, status.stderr) == (0, "")
    finally:
        process.terminate()
        process.communicate(timeout=vif.STOP_SECONDS)


def listen_for_commands(folder, number):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{folder}/{number}.sock")
    listener.listen()
    listener.settimeout(wire.TIME_LIMIT)
    return listener


def answer_command(listener, expected, answer):
    connection = listener.accept()[0]
    while (command := connection.recv(100)) == b"":  # to see whether somebody listens
        connection.close()
        connection = listener.accept()[0]
    with connection:
        assert command == expected
        connection.sendall(answer)


def test_one_that_takes_anothers_place_is_found_however_often(tmp_path):
    """Each time the folder has been read, the only one that is meant leaves, and another one takes its place."""
    config = tmp_path / "vif.yaml"
    config.touch()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as listeners:
        place = {**os.environ, "RUNTIME_DIRECTORY": folder}
        other = listeners.enter_context(listen_for_commands(folder, 1))
        meant = listeners.enter_context(listen_for_commands(folder, 2))
        command = subprocess.Popen([vif.BINARY, "status", "-c", config], env=place, stdout=subprocess.PIPE, text=True)
        for number in range(3, 6):
            connection = other.accept()[0]
            connection.close()  # somebody listens
            connection = other.accept()[0]
            assert connection.recv(100) == b"title\n"
            os.unlink(f"{folder}/{number - 1}.sock")
            meant.close()
            meant = listeners.enter_context(listen_for_commands(folder, number))
            connection.sendall(b"done\n/other\n")
            connection.close()
        answer_command(other, b"title\n", b"done\n/other\n")
        answer_command(meant, b"title\n", b"done\n%s\n" % str(config).encode())
        answer_command(meant, b"status\n", b"done\nhere\n")
        assert command.communicate(timeout=wire.TIME_LIMIT)[0] == "here\n"


def test_a_vif_that_hangs_is_not_said_to_be_absent(server, root):
    with tempfile.TemporaryDirectory() as folder:  # the path of a socket is short
        running = server(root, prefix=["env", f"RUNTIME_DIRECTORY={folder}"])
        place = {**os.environ, "RUNTIME_DIRECTORY": folder}
        wire.wait_until(lambda: vif.run("status", env=place).returncode == 0, "the control socket")
        os.kill(running.process.pid, signal.SIGSTOP)
        try:
            outcome = vif.run("status", "-c", "other.yaml", env=place)
        finally:
            os.kill(running.process.pid, signal.SIGCONT)
        assert outcome.returncode == 1
        assert f"process {running.process.pid} does not answer" in outcome.stderr
        outcome = vif.run("status", "-c", "other.yaml", env=place)
        assert (outcome.returncode, "no such vif runs" in outcome.stderr) == (1, True)
        running.stop()


def test_reload_says_that_all_workers_have_it(site):
    site.set_text("two")
    result = control(site, "reload")
    assert (result.returncode, result.stderr) == (0, "")
    change, end = result.stdout.splitlines()
    name = site.running.config_path.name
    assert re.fullmatch(rf"~ sites\[\*\]\.routes\./text\.respond: one -> two \(.*{name}:\d+\)", change)
    assert end.startswith("generation 2 is in force in 2 worker processes")
    assert site.text() == b"two"


def test_reload_says_what_has_changed(site):
    """Against the settings in force, which are not always the first ones; of what is new, the whole."""
    site.config["sites"].append({"hosts": ["b.example", "c.example"], "routes": {"/": {"respond": "b"}}})
    site.write(limits={"uri": 200})
    changes = control(site, "reload").stdout.splitlines()[:-1]
    assert [line.split(" (")[0] for line in changes] == ["+ limits.uri: 200", "+ sites[b.example, c.example]"]
    site.config["sites"].pop()
    site.write(limits={"uri": 300})
    changes = control(site, "reload").stdout.splitlines()[:-1]
    assert [line.split(" (")[0] for line in changes] == ["~ limits.uri: 200 -> 300", "- sites[b.example, c.example]"]
    assert control(site, "reload").stdout.startswith("no option has changed\n")


def test_reload_tells_every_mistake_and_fails(site):
    site.running.config_path.write_text('{"sites": [], "limit": 1,\n "worker": 3}', encoding="utf-8")
    result = control(site, "reload")
    assert (result.returncode, result.stdout) == (1, "")
    assert '.yaml:1:15: error: unknown option "limit"' in result.stderr
    assert '.yaml:2:2: error: unknown option "worker"' in result.stderr
    assert site.text() == b"one"


def test_reload_does_not_wait_for_a_stopped_worker(site):
    (stopped, *_) = json.loads(control(site, "status", "--json").stdout)["workers"]
    os.kill(stopped["pid"], signal.SIGSTOP)
    wire.wait_until(lambda: "is stopped" not in control(site, "status").stdout and
                    f"worker {stopped['pid']}: stopped" in control(site, "status").stdout, "the master to notice")
    result = control(site, "reload")
    assert result.returncode == 0
    assert f"worker process {stopped['pid']} is stopped" in result.stdout
    os.kill(stopped["pid"], signal.SIGCONT)
    wire.wait_until(lambda: control(site, "status").stdout.count("generation 2,") == 2, "both workers to have it")


def test_reload_without_a_file_fails(server, root):
    running = server(root)
    result = control(running, "reload")
    assert result.returncode == 1
    assert "without a configuration file" in result.stderr


def test_status_shows_workers_and_listeners(site):
    site.text()
    status = json.loads(control(site, "status", "--json").stdout)
    assert status["pid"] == site.running.process.pid
    assert status["serves"] == str(site.running.config_path)
    assert status["listeners"] == [f"127.0.0.1:{site.running.port}"]
    assert status["generation"] == 1 and status["last_reload"] is None
    assert sum(worker["requests"] for worker in status["workers"]) == 1
    assert {worker["state"] for worker in status["workers"]} == {"serving"}
    assert f"process {status['pid']}" in control(site, "status").stdout


def test_status_finds_the_server_of_a_file(site):
    assert vif.run("status", "-c", site.running.config_path).returncode == 0
    assert vif.run("status", "-c", site.running.config_path.with_suffix(".other")).returncode == 1


def test_stop_waits_for_requests(site, root):
    tree.write(root, "large.bin", LARGE)
    client = site.running.connect(receive_buffer=16384)
    client.request("GET", "/large.bin")
    assert client.read_head().status == 200
    stopping = vif.start("stop", "--pid", site.running.process.pid)
    wire.wait_until(lambda: "stopping" in site.running.stderr(), "the stop to begin")
    assert len(client.take(len(LARGE))) == len(LARGE)
    client.close()
    assert stopping.wait(vif.STOP_SECONDS) == 0
    assert stopping.stdout.read() == "vif has stopped\n"
    assert wait_for_end(site.running) == 0


def test_stop_now_cuts_requests_off_and_says_so(site, root):
    tree.write(root, "large.bin", LARGE)
    client = site.running.connect(receive_buffer=16384)
    client.request("GET", "/large.bin")
    assert client.read_head().status == 200
    result = control(site, "stop", "--now")
    assert result.returncode == 1
    assert "cut off" in result.stderr
    assert wait_for_end(site.running) == 1


def test_reopen_begins_new_log_files(server, root, tmp_path):
    site = Site(server, root, log={"access": str(tmp_path / "access.log")})
    (tmp_path / "access.log").rename(tmp_path / "access.log.1")
    assert control(site, "reopen").returncode == 0
    wire.wait_until((tmp_path / "access.log").exists, "the new file")


def test_a_server_that_is_not_there_is_said(tmp_path):
    result = vif.run("status", "--pid", 1)
    assert result.returncode == 1
    assert "no such vif runs" in result.stderr


def socket_of(site):
    return succession.socket_of(site.running.process.pid)


def ask(site, text):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(socket_of(site)))
        client.settimeout(wire.TIME_LIMIT)
        with contextlib.suppress(BrokenPipeError):  # it may have been answered before
            client.sendall(text)
        answer = b""
        while piece := client.recv(4096):
            answer += piece
        return answer


def test_the_socket_is_for_its_owner_and_goes_with_the_server(site):
    path = socket_of(site)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o022 == 0
    assert control(site, "stop").returncode == 0
    assert wait_for_end(site.running) == 0
    assert not path.exists()


def test_what_is_no_command_is_refused(site):
    assert ask(site, b"launch\n").startswith(b"failed\n")
    assert ask(site, b"x" * 5000).startswith(b"failed\n")
    assert ask(site, b"status\n").startswith(b"done\n")


def test_clients_that_say_nothing_hold_nobody_up(site):
    idle = []
    for _ in range(40):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(socket_of(site)))
        idle.append(client)
    assert ask(site, b"status\n").startswith(b"failed\ntoo many")
    assert site.text() == b"one"
    for client in idle:
        client.close()
    wire.wait_until(lambda: ask(site, b"status\n").startswith(b"done"), "room for a command")
