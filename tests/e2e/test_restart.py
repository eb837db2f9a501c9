"""A new vif serves while the old one finishes its requests."""
import os
import re
import signal
import socket
import sys

import pytest

import succession
import tree
import vif
import wire
from test_reload import LARGE, Site, workers_of

pytestmark = pytest.mark.any_backend

# Becomes vif with the sockets whose numbers are given, as systemd does (sd_listen_fds(3)).
ACTIVATOR = """
import fcntl, os, sys
numbers = [int(number) for number in sys.argv[1].split(",")]
copies = [fcntl.fcntl(number, fcntl.F_DUPFD, 100) for number in numbers]
for place, copy in enumerate(copies):
    os.dup2(copy, 3 + place, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(copies)))
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.fixture(autouse=True)
def _orphans():
    succession.adopt_orphans()


def begin_download(running):
    client = running.connect(receive_buffer=16384)
    client.request("GET", "/large.bin")
    assert client.read_head().status == 200
    return client


def same_again(server, running, root, text):
    """Another server with the same port."""
    config = {"sites": [{"routes": {"/": {"files": str(root)}, "/text": {"respond": text}}}]}
    return server(config=config, workers=2, port=running.port)


def test_the_port_is_free_while_a_download_goes_on(server, root):
    tree.write(root, "large.bin", LARGE)
    site = Site(server, root)
    download = begin_download(site.running)
    site.running.process.send_signal(signal.SIGTERM)
    wire.wait_until(lambda: not site.running.accepts(), "connections to be refused")
    new = same_again(server, site.running, root, "new")
    assert new.get("/text").body == b"new"
    assert site.running.process.poll() is None
    assert len(download.take(len(LARGE))) == len(LARGE)
    download.close()
    process, site.running.process = site.running.process, None
    assert process.wait(vif.STOP_SECONDS) == 0
    assert new.get("/text").body == b"new"


def test_the_service_manager_hears_that_one_which_finishes_lives(server, root, monkeypatch):
    """Else its watchdog would cut off the requests."""
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    tree.write(root, "large.bin", LARGE)
    running = Site(server, root).running
    download = begin_download(running)
    running.process.send_signal(signal.SIGTERM)
    wire.wait_until(lambda: running.manager.has_heard("STOPPING=1"), "the end to begin")
    for _ in range(3):
        wire.wait_until(lambda: running.manager.has_heard("WATCHDOG=1"), "a sign of life")
    assert len(download.take(len(LARGE))) == len(LARGE)
    download.close()
    process, running.process = running.process, None
    assert process.wait(vif.STOP_SECONDS) == 0


def test_a_unix_socket_is_free_too(server, root, tmp_path):
    tree.write(root, "large.bin", LARGE)
    path = tmp_path / "vif.sock"
    config = {"sites": [{"routes": {"/": {"files": str(root)}}}]}
    port = vif.free_port()
    old = server(config={"listen": [f"unix:{path}", f"127.0.0.1:{port}"], **config}, port=port)
    download = begin_download(old)
    old.process.send_signal(signal.SIGTERM)
    wire.wait_until(lambda: not old.accepts(), "connections to be refused")
    new = server(config={"listen": [f"unix:{path}", f"127.0.0.1:{port}"], **config}, port=port)
    download.close()
    process, old.process = old.process, None
    assert process.wait(vif.STOP_SECONDS) == 0
    with wire.Client(str(path), family=socket.AF_UNIX) as client:
        assert client.exchange("GET", "/large.bin").status == 200
    new.stop()
    assert not path.exists()


def test_stop_without_waiting_leaves_the_workers_to_their_requests(server, root):
    """What a service manager needs: it starts the new process when the main one has ended."""
    tree.write(root, "large.bin", LARGE)
    site = Site(server, root)
    succession.wait_until_found(site.running)
    download = begin_download(site.running)
    workers = workers_of(site.running)
    process, site.running.process = site.running.process, None
    result = vif.run("stop", "--no-wait", "--pid", process.pid)
    assert (result.returncode, result.stderr) == (0, "")
    assert "closed its listeners" in result.stdout
    assert process.wait(vif.STOP_SECONDS) == 0
    new = same_again(server, site.running, root, "new")
    assert new.get("/text").body == b"new"
    assert len(download.take(len(LARGE))) == len(LARGE)
    download.close()
    for worker in workers:
        succession.wait_for_end(worker)


def test_stop_without_waiting_ends_by_the_drain_time(server, root):
    tree.write(root, "large.bin", LARGE)
    site = Site(server, root, timeouts={"drain": "1s"})
    succession.wait_until_found(site.running)
    download = begin_download(site.running)
    workers = workers_of(site.running)
    process, site.running.process = site.running.process, None
    assert vif.run("stop", "--no-wait", "--pid", process.pid).returncode == 0
    for worker in workers:
        succession.wait_for_end(worker)
    download.read_end_or_reset()


def activated(server, root, sockets, text, **config):
    numbers = ",".join(str(item.fileno()) for item in sockets)
    config = {"sites": [{"routes": {"/": {"files": str(root)}, "/text": {"respond": text}}}], **config}
    return server(config=config, workers=2, port=sockets[0].getsockname()[1],
                  prefix=[sys.executable, "-c", ACTIVATOR, numbers],
                  pass_fds=[item.fileno() for item in sockets])


@pytest.fixture
def listening():
    with socket.socket() as item:
        item.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        item.bind(("127.0.0.1", vif.free_port()))
        item.listen(100)
        yield item


def test_a_socket_of_the_service_manager_outlives_vif(server, root, listening):
    """Who connects while none runs waits in its queue."""
    old = activated(server, root, [listening], "old")
    assert old.get("/text").body == b"old"
    old.stop()
    waiting = [wire.Client(("127.0.0.1", old.port)) for _ in range(5)]
    for client in waiting:
        client.request("GET", "/text")
    new = activated(server, root, [listening], "new")
    for client in waiting:
        assert client.read_response().body == b"new"
        client.close()
    former = succession.upgrade(new)
    assert former.wait(vif.STOP_SECONDS) == 0
    for _ in range(10):
        assert new.get("/text").body == b"new"
    new.stop()
    with socket.create_connection(("127.0.0.1", new.port)):
        pass


def test_a_new_vif_answers_at_once_on_the_socket_of_the_service_manager(server, root, listening):
    tree.write(root, "large.bin", LARGE)
    old = activated(server, root, [listening], "old")
    succession.wait_until_found(old)
    download = begin_download(old)
    process, old.process = old.process, None
    assert vif.run("stop", "--no-wait", "--pid", process.pid).returncode == 0
    assert process.wait(vif.STOP_SECONDS) == 0
    new = activated(server, root, [listening], "new")
    for _ in range(10):
        assert new.get("/text").body == b"new"
    assert len(download.take(len(LARGE))) == len(LARGE)
    download.close()


def test_a_socket_that_no_listener_wants_is_told(server, root, listening):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        running = activated(server, root, [listening, other], "one")
        wire.wait_until(lambda: "1 socket of the service manager" in running.stderr(), "a word about it")
        assert running.get("/text").body == b"one"


def test_sockets_for_another_process_are_left_alone(server, root, monkeypatch):
    """LISTEN_PID says whose they are: the numbers mean something else here."""
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "3")
    monkeypatch.setenv("VIF_TAKES_OVER", f"{os.getpid() + 1} 3")
    site = Site(server, root)
    assert site.text() == b"one"
    assert not re.search("service manager", site.running.stderr())
