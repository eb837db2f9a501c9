"""Master and workers: who is replaced, who finishes what, and what signals do."""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

import tree
import vif
import wire

LARGE = bytes(range(256)) * (64 << 10)  # 16 MiB: more than the sockets of both sides hold


@pytest.fixture
def folder(root):
    (root / "hello.txt").write_bytes(tree.HELLO)
    (root / "large.bin").write_bytes(LARGE)
    return root


def configured(folder, **settings):
    return {"sites": [{"routes": {"/": {"files": {"root": str(folder)}}}}], **settings}


def workers_of(process):
    return vif.workers_of(process)


def is_running(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for_workers(server, count, *gone):
    def found():
        pids = workers_of(server.process)
        return pids if len(pids) == count and not set(pids) & set(gone) else None

    return wire.wait_until(found, f"{count} workers without {gone}")


def check_words(server):
    """No word from a sanitizer; deaths by signal are what this file is about."""
    words = server.stderr()
    assert not [word for word in vif.ACCUSATIONS if word != "was ended by signal" and word in words], words


def wait_for_taken(pid, number):
    """Until the process has read this signal, which it blocks; or has ended."""
    def is_taken():
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            return True
        pending = next(line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd:"))
        return not int(pending, 16) >> (number - 1) & 1

    wire.wait_until(is_taken, f"signal {number} to be taken")


def wait_for_end(server):
    """The exit status, and how long it took; the fixture has nothing left to stop."""
    began = time.monotonic()
    process, server.process = server.process, None
    try:
        status = process.wait(vif.STOP_SECONDS)
    except BaseException:
        process.kill()
        raise
    check_words(server)
    return status, time.monotonic() - began


def stop(server):
    """As the fixture does, for servers whose workers were killed."""
    for client in server.clients:
        client.close()
    server.process.send_signal(signal.SIGTERM)
    assert wait_for_end(server)[0] == 0


def start_download(server):
    """A client in the middle of a response that is larger than all buffers on the way."""
    client = server.connect(receive_buffer=16384)
    client.request("GET", "/large.bin")
    head = client.read_head()
    assert head.status == 200
    return client


def finish_download(client):
    assert client.take(len(LARGE)) == LARGE


# Signals and limits that would end a process without a word.


@pytest.mark.parametrize("name", ["SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO", "SIGPWR", "SIGSTKFLT"])
def test_a_signal_without_a_meaning_ends_nobody(server, folder, name):
    running = server(folder, workers=2)
    workers = wait_for_workers(running, 2)
    number = getattr(signal, name)
    for pid in [running.process.pid, *workers]:
        os.kill(pid, number)
    wire.wait_until(lambda: f"signal {int(number)} (" in running.stderr(), "a word about the signal")
    assert workers_of(running.process) == workers
    assert running.get("/hello.txt").body == tree.HELLO


def writes_of(pid):
    counts = pathlib.Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in counts if line.startswith("syscw:"))


def test_nothing_dies_at_the_limit_of_file_sizes(server, folder, tmp_path):
    log = tmp_path / "access.log"
    running = server(folder, "--log-file", log, "--user", "root")  # else its limits cannot be set
    (worker,) = wait_for_workers(running, 1)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (100, 100))
    for _ in range(10):
        assert running.get("/hello.txt").body == tree.HELLO
    wire.wait_until(lambda: log.stat().st_size > 0, "the lines that fit")
    written = writes_of(worker)  # of which the limit lets none through; its error log is a file too
    wire.wait_until(lambda: writes_of(worker) > written, "another write")
    assert workers_of(running.process) == [worker]
    assert running.get("/hello.txt").body == tree.HELLO
    assert log.stat().st_size <= 100 and log.read_bytes().count(b"\n") == 1  # a part of a line is removed again


def test_a_replaced_worker_counts_from_nothing(server, folder):
    """What its predecessor had open is gone: at the limit, new clients would get 503 for ever."""
    running = server(folder, "--limit", "connections=3")
    (worker,) = wait_for_workers(running, 1)
    holders = [start_download(running) for _ in range(3)]
    os.kill(worker, signal.SIGKILL)
    wait_for_workers(running, 1, worker)
    for _ in range(3):
        assert running.get("/hello.txt").status == 200
    held = [running.connect() for _ in range(3)]
    for client in held:
        assert client.exchange("GET", "/hello.txt").status == 200
    del holders
    stop(running)


# Workers that die.


class Load(threading.Thread):
    """Requests, each on a connection of its own, until told to stop."""

    def __init__(self, server):
        super().__init__()
        self.server, self.stopping, self.answered, self.failures = server, False, 0, []

    def run(self):
        while not self.stopping:
            try:
                assert self.server.get("/hello.txt").body == tree.HELLO
                self.answered += 1
            except (OSError, AssertionError) as error:
                self.failures.append(error)


def wait_for_answers(loads, count):
    """Until each has so many more than now."""
    goals = [load.answered + count for load in loads]
    wire.wait_until(lambda: all(load.answered >= goal for load, goal in zip(loads, goals)), "answers")


def test_a_killed_worker_is_replaced_and_the_sockets_stay(server, folder):
    running = server(folder, workers=2)
    before = wait_for_workers(running, 2)
    loads = [Load(running) for _ in range(4)]
    for load in loads:
        load.start()
    wait_for_answers(loads, 20)
    os.kill(before[0], signal.SIGKILL)
    wait_for_workers(running, 2, before[0])
    wait_for_answers(loads, 40)
    for load in loads:
        load.stopping = True
    for load in loads:
        load.join()
        # What the dead worker had accepted is lost; nothing is refused, and nothing fails later.
        assert len(load.failures) <= 1, load.failures
        assert not any(isinstance(error, ConnectionRefusedError) for error in load.failures)
    assert f"worker process {before[0]} was ended by signal 9" in running.stderr()
    assert before[1] in workers_of(running.process)
    stop(running)


def test_a_replaced_worker_counts_its_own_connections(server, folder):
    """Those of the one before are gone with it, and leave their places to others."""
    limit = 4
    running = server(config=configured(folder, limits={"connections": limit}))
    (before,) = wait_for_workers(running, 1)
    for _ in range(limit):
        assert running.connect().exchange("GET", "/hello.txt").status == 200
    os.kill(before, signal.SIGKILL)
    wait_for_workers(running, 1, before)
    # Nobody is idle when the last one comes, so nobody could make room for it.
    clients = [running.connect() for _ in range(limit)]
    for client in clients[:-1]:
        client.send(b"GET /hello.txt HTTP/1.1\r\nHost: a\r\n")
    assert clients[-1].exchange("GET", "/hello.txt").status == 200
    stop(running)


def test_a_queue_outlives_its_worker(server, folder):
    running = server(folder, workers=1)
    (worker,) = wait_for_workers(running, 1)
    os.kill(worker, signal.SIGSTOP)
    clients = [running.connect() for _ in range(20)]
    for client in clients:
        client.request("GET", "/hello.txt")
    os.kill(worker, signal.SIGKILL)
    for client in clients:
        assert client.read_response().body == tree.HELLO
    stop(running)


def expect_answers(server, count=20):
    """On fresh connections, which the kernel spreads over the sockets of all workers."""
    clients = [server.connect() for _ in range(count)]
    for client in clients:
        client.request("GET", "/hello.txt")
    for client in clients:
        assert client.read_response().body == tree.HELLO
        client.close()


def test_another_worker_accepts_for_one_that_is_stopped(server, folder):
    running = server(folder, workers=2)
    stopped, other = wait_for_workers(running, 2)
    os.kill(stopped, signal.SIGSTOP)
    expect_answers(running)
    wire.wait_until(lambda: f"worker process {stopped} was stopped by signal 19" in running.stderr(), "a word")
    wire.wait_until(lambda: f"worker process {other} accepts new connections in place of one that cannot" in running.stderr(),
                    "a word about who accepts")
    expect_answers(running)
    os.kill(stopped, signal.SIGCONT)
    wire.wait_until(lambda: f"worker process {stopped} goes on" in running.stderr(), "a word about its return")
    os.kill(other, signal.SIGSTOP)  # the roles change
    expect_answers(running)
    os.kill(other, signal.SIGCONT)
    wire.wait_until(lambda: f"worker process {other} goes on" in running.stderr(), "a word about its return")
    assert workers_of(running.process) == [stopped, other]
    download = start_download(running)
    running.process.send_signal(signal.SIGTERM)
    finish_download(download)
    assert wait_for_end(running)[0] == 0


def test_another_worker_accepts_while_one_finishes_alone(server, folder):
    running = server(folder, workers=2)
    before = wait_for_workers(running, 2)
    downloads = [start_download(running) for _ in range(20)]  # not all of them at the other one
    os.kill(before[0], signal.SIGTERM)
    words = f"worker process {before[1]} accepts new connections in place of one that cannot"
    wire.wait_until(lambda: words in running.stderr(), "the other one to accept")
    expect_answers(running)
    assert workers_of(running.process) == before
    for download in downloads:
        download.close()
    wait_for_workers(running, 2, before[0])
    expect_answers(running)


def test_nobody_waits_for_a_worker_that_keeps_dying(server, folder):
    """In the pauses before it is replaced, the other one accepts from its sockets."""
    running = server(folder, workers=2)
    dying, other = wait_for_workers(running, 2)
    while True:
        os.kill(dying, signal.SIGKILL)
        wire.wait_until(lambda: dying not in workers_of(running.process), "its end to be seen")
        if "the next one starts in 3200 ms" in running.stderr():
            break
        (dying,) = set(wait_for_workers(running, 2)) - {other}
    began = time.monotonic()
    expect_answers(running, 40)
    assert time.monotonic() - began < 3 or workers_of(running.process) == [other]
    wait_for_workers(running, 2, dying)
    expect_answers(running)
    stop(running)


def test_workers_that_keep_dying_are_given_pauses(server, folder):
    running = server(folder, workers=1)
    pauses = [100, 200, 400, 800]
    while (found := re.findall(r"the next one starts in (\d+) ms", running.stderr())[-4:]) != list(map(str, pauses)):
        assert len(found) < 4 or found[0] != "100", found
        (worker,) = wait_for_workers(running, 1)
        os.kill(worker, signal.SIGKILL)
        wire.wait_until(lambda: f"worker process {worker} was ended by signal 9" in running.stderr(), "a word about its end")
        wire.wait_until(lambda: worker not in workers_of(running.process), "its end to be seen")
    assert running.get("/hello.txt").body == tree.HELLO
    stop(running)


def test_workers_leave_when_the_master_is_killed(server, folder):
    running = server(folder, workers=2)
    workers = wait_for_workers(running, 2)
    idle = running.connect()
    assert idle.exchange("GET", "/hello.txt").status == 200
    running.process.kill()
    status, _ = wait_for_end(running)
    assert status == -signal.SIGKILL
    idle.read_end()
    wire.wait_until(lambda: not any(map(is_running, workers)), "the workers to leave")


def test_a_worker_that_is_told_to_go_finishes_and_is_replaced(server, folder):
    running = server(folder, workers=1)
    (worker,) = wait_for_workers(running, 1)
    download = start_download(running)
    os.kill(worker, signal.SIGTERM)
    wait_for_taken(worker, signal.SIGTERM)
    finish_download(download)
    wait_for_workers(running, 1, worker)
    assert running.get("/hello.txt").body == tree.HELLO


# Stopping.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_stop_finishes_downloads(server, folder, number):
    running = server(folder, workers=2)
    workers = wait_for_workers(running, 2)
    download = start_download(running)
    running.process.send_signal(number)
    wire.wait_until(lambda: "stopping: " in running.stderr(), "the signal to be taken")
    for worker in workers:
        wait_for_taken(worker, signal.SIGTERM)
    assert running.process.poll() is None
    finish_download(download)
    download.read_end()
    status, seconds = wait_for_end(running)
    assert status == 0
    assert seconds < 15  # half of what the download was given


def test_the_terminal_interrupts_every_process(server, folder):
    running = server(folder, workers=2)
    download = start_download(running)
    for pid in [*wait_for_workers(running, 2), running.process.pid]:
        os.kill(pid, signal.SIGINT)
    wire.wait_until(lambda: "stopping: " in running.stderr(), "the signal to be taken")
    finish_download(download)
    assert wait_for_end(running)[0] == 0


def test_idle_connections_are_closed_and_new_ones_refused(server, folder):
    running = server(folder, workers=2)
    idle = [running.connect() for _ in range(8)]
    for client in idle:
        assert client.exchange("GET", "/hello.txt").status == 200
    download = start_download(running)
    running.process.send_signal(signal.SIGTERM)
    for client in idle:
        client.read_end()
    wire.wait_until(lambda: not running.accepts(), "connections to be refused")
    finish_download(download)
    assert wait_for_end(running)[0] == 0


def test_a_second_signal_ends_at_once(server, folder):
    running = server(folder, workers=2)
    download = start_download(running)
    running.process.send_signal(signal.SIGINT)
    wire.wait_until(lambda: "stopping: " in running.stderr(), "the first signal to be taken")
    time.sleep(0.3)  # nobody presses a key twice in less; see the next test
    running.process.send_signal(signal.SIGINT)
    status, seconds = wait_for_end(running)
    assert status == 1
    assert seconds < 15  # half of what the download was given
    assert "told to stop again" in running.stderr()
    download.read_end_or_reset()


SAME_STOP_SECONDS = 0.2  # as in proc/master.c


def test_a_signal_to_the_process_and_its_group_is_one(server, folder):
    """As timeout(1) and others send it. Where the machine let too much time pass between them, they are sent again."""
    seconds = SAME_STOP_SECONDS
    while seconds >= SAME_STOP_SECONDS:
        running = server(folder, workers=2)
        download = start_download(running)
        began = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        wire.wait_until(lambda: "stopping: " in running.stderr(), "the first signal to be taken")
        running.process.send_signal(signal.SIGTERM)
        wait_for_taken(running.process.pid, signal.SIGTERM)
        seconds = time.monotonic() - began
        download.take_at_most(len(LARGE))
        status, _ = wait_for_end(running)
    assert status == 0
    assert "told to stop again" not in running.stderr()


def test_downloads_that_take_too_long_are_cut(server, folder):
    running = server(config=configured(folder, timeouts={"drain": "700ms"}))
    download = start_download(running)
    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    status, _ = wait_for_end(running)
    assert status == 0
    assert 0.6 < time.monotonic() - began < vif.STOP_SECONDS / 2
    download.read_end_or_reset()


def test_a_worker_that_hangs_is_killed_after_the_deadline(server, folder):
    running = server(config=configured(folder, timeouts={"drain": "300ms"}))
    (worker,) = wait_for_workers(running, 1)
    os.kill(worker, signal.SIGSTOP)
    running.process.send_signal(signal.SIGTERM)
    status, seconds = wait_for_end(running)
    assert status == 1
    assert 1.2 < seconds < vif.STOP_SECONDS / 2
    assert "did not end in time" in running.stderr()


def test_a_hangup_sent_by_a_process_changes_nothing(server, folder):
    running = server(folder)
    before = wait_for_workers(running, 1)
    running.process.send_signal(signal.SIGHUP)
    wire.wait_until(lambda: "SIGHUP" in running.stderr(), "a word about it")
    assert running.get("/hello.txt").status == 200
    assert workers_of(running.process) == before


def test_a_hangup_is_for_the_master_alone(server, folder):
    """A worker that gets it, too, as all processes of a group do, goes on as if nothing had happened."""
    running = server(folder)
    (worker,) = wait_for_workers(running, 1)
    with running.connect() as client:
        assert client.exchange("GET", "/hello.txt").status == 200
        os.kill(worker, signal.SIGHUP)
        for _ in range(2):
            response = client.exchange("GET", "/hello.txt")
            assert (response.status, response["connection"]) == (200, None)
    assert workers_of(running.process) == [worker]


# Starting.


def test_a_port_that_is_taken_is_said(server, folder):
    running = server(folder, workers=2)  # of the same user, and sharing its port among its own workers
    ended = vif.run("-a", running.host, "-p", running.port, "-w", 2, folder)
    assert ended.returncode == 1
    assert f"{running.host}:{running.port} is taken" in ended.stderr
    assert running.get("/hello.txt").status == 200


def test_a_start_that_fails_says_so_once(folder):
    log = folder / "access.log"
    os.mkfifo(log)  # nobody reads from it, which only opening it tells
    ended = vif.run("-a", "127.0.0.1", "-p", vif.free_port(), "-w", 4, "--log-file", log, folder)
    assert ended.returncode == 1
    assert ended.stderr.count(str(log)) == 1
    assert len(ended.stderr.splitlines()) == 1, ended.stderr


@pytest.mark.parametrize("is_abstract", [False, True])
def test_readiness_is_told_to_the_service_manager(server, folder, tmp_path, is_abstract):
    """Every server of these tests is waited for in this way."""
    running = server(folder, notify_socket=("@" if is_abstract else "") + str(tmp_path / "notify"))
    assert running.get("/hello.txt").status == 200
    running.process.send_signal(signal.SIGTERM)
    wire.wait_until(lambda: running.manager.has_heard("STOPPING=1"), "it to say that it stops")
    assert wait_for_end(running)[0] == 0


# Unix sockets.


def test_a_unix_socket_is_served_and_removed(server, folder, tmp_path):
    path, port = tmp_path / "socket", vif.free_port()
    with socket.socket(socket.AF_UNIX) as stale:  # what a crash leaves
        stale.bind(str(path))
    listen = [f"127.0.0.1:{port}", f"unix:{path}"]
    running = server(config=configured(folder, listen=listen), workers=2)
    for _ in range(10):
        with wire.Client(str(path), family=socket.AF_UNIX) as client:
            assert client.exchange("GET", "/hello.txt").body == tree.HELLO
    busy = tmp_path / "busy.yaml"
    busy.write_text(running.config_path.read_text().replace(str(port), str(vif.free_port())))
    ended = vif.run("run", "-c", busy)
    assert ended.returncode == 1
    assert str(path) in ended.stderr
    assert path.exists()
    running.stop()
    assert not path.exists()


def test_a_unix_socket_has_the_access_that_was_asked_for(server, folder, tmp_path):
    path = tmp_path / "socket"
    config = configured(folder, listen=f"unix:{path}")
    server(config={**config, "unix_socket": {"mode": "0606", "group": os.getegid()}})
    status = path.stat()
    assert (status.st_mode & 0o777, status.st_gid) == (0o606, os.getegid())


def test_whose_a_unix_socket_may_be(tmp_path):
    """Without privileges a file cannot be given away: vif says so, and leaves nothing behind."""
    with tempfile.TemporaryDirectory() as name:  # which another user can enter
        place = pathlib.Path(name)
        place.chmod(0o777)
        binary = shutil.copy(vif.BINARY, place)
        config = {"listen": f"unix:{place}/socket", "unix_socket": {"owner": 4242},
                  "sites": [{"routes": {"/": {"respond": "a"}}}]}
        (place / "vif.yaml").write_text(json.dumps(config))
        user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        ended = subprocess.run([binary, "run", "-c", place / "vif.yaml"], capture_output=True, text=True,
                               timeout=wire.TIME_LIMIT, check=False, **user)
        assert ended.returncode == 1
        assert ended.stderr == (f"vif: may not give unix:{place}/socket to that owner or group: only root may, or, "
                                "for a group, one of its members\n")
        assert not (place / "socket").exists()


# Logs.


def has_open(pid, path):
    def target(link):
        try:
            return os.readlink(link)
        except FileNotFoundError:  # closed meanwhile
            return None

    return any(target(link) == str(path) for link in pathlib.Path(f"/proc/{pid}/fd").iterdir())


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_log_files_are_opened_anew(server, folder, tmp_path):
    access, error = tmp_path / "access.log", tmp_path / "error.log"
    log = {"access": {"path": str(access), "format": "common"}, "error": {"path": str(error)}}
    running = server(config=configured(folder, log=log), workers=2)
    for _ in range(20):
        running.get("/hello.txt?before")
    wire.wait_until(lambda: len(lines_of(access)) == 20, "lines in the access log")
    moved = access.rename(tmp_path / "access.1"), error.rename(tmp_path / "error.1")
    running.process.send_signal(signal.SIGUSR1)
    wire.wait_until(lambda: access.exists() and error.exists(), "new files")
    processes = [running.process.pid, *workers_of(running.process)]
    wire.wait_until(lambda: not any(has_open(pid, path) for pid in processes for path in moved), "the old ones closed")
    for _ in range(20):
        running.get("/hello.txt?after")
    running.stop()
    assert len(lines_of(moved[0])) == 20
    assert sum("?after" in line for line in lines_of(access)) == 20
    assert any("stopping" in line for line in lines_of(error))
    assert not any("stopping" in line for line in lines_of(moved[1]))


def test_a_full_disk_costs_lines_and_nothing_else(server, folder):
    log = {"access": {"path": "/dev/full", "format": "json"}}
    running = server(config=configured(folder, log=log))
    with running.connect() as client:
        for _ in range(3000):
            assert client.exchange("GET", "/hello.txt").status == 200
    wire.wait_until(lambda: "No space left on device" in running.stderr(), "a word about the full disk")
    assert running.stderr().count("No space left on device") == 1
    running.stop()
    assert "access log: closed; lines dropped: 3000" in running.stderr()


def test_an_access_log_that_nobody_reads_stops_nothing(folder):
    port = vif.free_port()
    reading, writing = os.pipe()
    command = [vif.BINARY, "-a", "127.0.0.1", "-p", str(port), "-w", "1", str(folder)]
    process = vif.subprocess.Popen(command, stdout=writing, stderr=vif.subprocess.PIPE, text=True)
    os.close(writing)
    try:
        wire.wait_until(lambda: accepts(port), "vif to accept")
        with wire.Client(("127.0.0.1", port)) as client:
            for _ in range(5000):
                assert client.exchange("GET", "/hello.txt?" + "x" * 200).status == 200
        process.terminate()
        _, words = process.communicate(timeout=vif.STOP_SECONDS)
        assert process.returncode == 0
        assert "lines dropped: " in words
    finally:
        process.kill()
        os.close(reading)


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_ps_tells_the_processes_apart(server, root):
    process = server(root, workers=2).process
    assert vif.name_of(process.pid) == "vif"
    assert [vif.name_of(pid) for pid in vif.workers_of(process)] == ["vif worker 0", "vif worker 1"]
