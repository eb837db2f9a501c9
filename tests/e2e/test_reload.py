"""New settings in living workers: what SIGHUP makes of a changed file."""
import json
import os
import pathlib
import re
import signal
import socket
import threading

import pytest

import protocols
import tree
import vif
import wire
from proxies import origins  # noqa: F401

LARGE = bytes(24 << 20)  # more than the sockets of both sides hold


def workers_of(server):
    return vif.workers_of(server.process)


class Site:
    """A server with a configuration that can be changed."""

    def __init__(self, server, root, binary=vif.BINARY, **config):
        tree.write(root, "hello.txt", tree.HELLO)
        self.config = {"sites": [{"routes": {"/": {"files": str(root)}, "/text": {"respond": "one"}}}], **config}
        workers = self.config.get("workers", 2)
        self.running = server(config={**self.config, "workers": workers}, binary=binary)
        self.config = json.loads(self.running.config_path.read_text(encoding="utf-8"))

    def write(self, **config):
        self.config.update(config)
        self.running.config_path.write_text(json.dumps(self.config, indent=1), encoding="utf-8")

    def set_text(self, text):
        self.config["sites"][0]["routes"]["/text"] = {"respond": text}
        self.write()

    def ends(self):
        """Of reloads, as the log has them: the generations in force, and None for a refused one."""
        lines = re.findall(r"reload: (?:generation (\d+) is in force|the settings (stay))", self.running.stderr())
        return [int(number) if number else None for number, _ in lines]

    def reload(self, is_good=True):
        before = len(self.ends())
        self.running.process.send_signal(signal.SIGHUP)
        wire.wait_until(lambda: len(self.ends()) > before, "the end of the reload")
        assert (self.ends()[-1] is not None) == is_good, self.running.stderr()

    def text(self):
        return self.running.get("/text").body


@pytest.fixture
def site(server, root):
    return Site(server, root)


@pytest.mark.any_protocol
def test_routes_change_and_no_worker_ends(site):
    before = workers_of(site.running)
    site.set_text("two")
    site.reload()
    assert site.text() == b"two"
    wire.wait_until(lambda: workers_of(site.running) == before, "the reader to end, and no worker")
    assert site.running.get("/hello.txt").body == tree.HELLO


def test_a_wrong_file_changes_nothing_and_every_mistake_is_told(site):
    site.running.config_path.write_text('{"sites": [], "limit": 1,\n "worker": 3}', encoding="utf-8")
    site.reload(is_good=False)
    assert site.text() == b"one"
    for words in ('.yaml:1:15: error: unknown option "limit"', '.yaml:2:2: error: unknown option "worker"'):
        wire.wait_until(lambda said=words: said in site.running.stderr(), words)
    site.set_text("two")
    site.reload()
    assert site.text() == b"two"


def test_a_missing_file_changes_nothing(site):
    site.running.config_path.rename(site.running.config_path.with_suffix(".away"))
    site.reload(is_good=False)
    assert site.text() == b"one"


def test_limits_and_headers_change(site):
    site.config["sites"][0]["headers"] = {"set": {"X-Edition": "2"}}
    site.write(limits={"uri": 100})
    site.reload()
    response = site.running.get("/hello.txt")
    assert response["X-Edition"] == "2"
    assert site.running.get("/" + "a" * 200).status == 414


def test_a_request_ends_by_the_settings_that_it_began_with(site, root):
    """A slow download, an upload, and an idle connection outlive twenty reloads."""
    tree.write(root, "large.bin", LARGE)
    download = site.running.connect(receive_buffer=16384)
    download.request("GET", "/large.bin")
    assert download.read_head().status == 200
    upload = site.running.connect()
    upload.send(wire.request_bytes("POST", "/text", {"Content-Length": "30"}))
    idle = site.running.connect()
    assert idle.exchange("GET", "/text").body == b"one"
    for number in range(20):
        site.set_text(f"edition {number}")
        site.reload()
        upload.send(b"x")
    assert idle.exchange("GET", "/text").body == b"edition 19"
    upload.send(b"x" * 10)
    assert upload.read_response("POST").body == b"one"
    assert len(download.take(len(LARGE))) == len(LARGE)


def test_a_listener_comes_and_goes(site):
    port = vif.free_port()
    first = site.config["listen"]
    site.write(listen=[*first, f"127.0.0.1:{port}"])
    site.reload()
    with wire.Client(("127.0.0.1", port)) as client:
        assert client.exchange("GET", "/text").body == b"one"
        site.write(listen=first)
        site.reload()
        assert client.exchange("GET", "/text").body == b"one"  # kept
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert site.text() == b"one"


def test_a_listener_that_cannot_be_opened_changes_nothing(site):
    with socket.socket() as other:
        other.bind(("127.0.0.1", vif.free_port()))
        other.listen()
        port = other.getsockname()[1]
        free = vif.free_port()
        site.write(listen=[*site.config["listen"], f"127.0.0.1:{free}", f"127.0.0.1:{port}"])
        site.set_text("two")
        site.reload(is_good=False)
        wire.wait_until(lambda: f"cannot listen on 127.0.0.1:{port}" in site.running.stderr(), "the log to say why")
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", free)) != 0
    assert site.text() == b"one"


def test_a_site_is_served_on_listeners_whose_numbers_change(server, root):
    """Of a connection that is kept, too."""
    ports = [vif.free_port(), vif.free_port()]
    addresses = [f"127.0.0.1:{port}" for port in ports]
    site = Site(server, root)
    own = site.config["listen"]
    site.config["sites"].append({"hosts": "other", "listen": addresses[1], "routes": {"/": {"respond": "other"}}})
    site.write(listen=[*own, *addresses])
    site.reload()
    with wire.Client(("127.0.0.1", ports[1])) as client:
        assert client.exchange("GET", "/", {"Host": "other"}).body == b"other"
        site.write(listen=[addresses[1], *own])
        site.reload()
        assert client.exchange("GET", "/", {"Host": "other"}).body == b"other"
    assert site.running.get("/text", {"Host": "other"}).body == b"one"  # by the site of all hosts


def test_a_unix_socket_comes_and_goes(site, tmp_path):
    path = tmp_path / "vif.sock"
    first = site.config["listen"]
    site.write(listen=[*first, f"unix:{path}"])
    site.reload()
    with wire.Client(str(path), family=socket.AF_UNIX) as client:
        assert client.exchange("GET", "/text").body == b"one"
    site.write(listen=first)
    site.reload()
    wire.wait_until(lambda: not path.exists(), "the socket's file to go")


def test_there_are_more_workers_and_fewer(site):
    before = workers_of(site.running)
    site.write(workers=4)
    site.reload()
    wire.wait_until(lambda: len(workers_of(site.running)) == 4, "four workers")
    assert set(before) <= set(workers_of(site.running))
    site.write(workers=1)
    site.reload()
    wire.wait_until(lambda: len(workers_of(site.running)) == 1, "one worker")
    for _ in range(20):
        assert site.text() == b"one"
    site.write(workers=3)
    site.reload()
    wire.wait_until(lambda: len(workers_of(site.running)) == 3, "three workers")
    for _ in range(20):
        assert site.text() == b"one"


def test_logs_move_and_change_their_format(site, tmp_path):
    site.write(log={"access": {"path": str(tmp_path / "one.log")}, "error": str(tmp_path / "error.log")})
    site.running.process.send_signal(signal.SIGHUP)
    errors = tmp_path / "error.log"
    wire.wait_until(lambda: errors.exists() and "is in force" in errors.read_text(), "the end of the reload")
    assert site.text() == b"one"
    wire.wait_until(lambda: "GET /text" in (tmp_path / "one.log").read_text(), "a line in the access log")
    site.write(log={"access": {"path": str(tmp_path / "two.log"), "format": "json"}, "error": "-"})
    site.reload()
    assert site.text() == b"one"
    wire.wait_until(lambda: '"target":"/text"' in (tmp_path / "two.log").read_text(), "a line of JSON")
    site.write(log={})
    site.reload()
    assert site.text() == b"one"


def test_a_log_that_cannot_be_opened_changes_nothing(site, tmp_path):
    site.set_text("two")
    site.write(log={"access": str(tmp_path)})
    site.reload(is_good=False)
    assert site.text() == b"one"


def test_a_stopped_worker_holds_nobody_up_and_takes_it_later(site):
    stopped, other = workers_of(site.running)
    os.kill(stopped, signal.SIGSTOP)
    wire.wait_until(lambda: "was stopped by signal" in site.running.stderr(), "the master to notice")
    site.set_text("two")
    site.reload()
    wire.wait_until(lambda: f"worker process {stopped} is stopped" in site.running.stderr(), "the log to say who has not")
    assert site.text() == b"two"
    os.kill(stopped, signal.SIGCONT)
    wire.wait_until(lambda: "goes on" in site.running.stderr(), "the master to notice")
    os.kill(other, signal.SIGSTOP)
    wire.wait_until(lambda: all(site.text() == b"two" for _ in range(3)), "the new settings")
    os.kill(other, signal.SIGCONT)


def test_a_worker_that_is_replaced_begins_with_the_new_settings(server, root):
    site = Site(server, root, workers=1)
    site.set_text("two")
    site.reload()
    (worker,) = workers_of(site.running)
    os.kill(worker, signal.SIGTERM)
    wire.wait_until(lambda: workers_of(site.running) not in ([], [worker]), "another worker")
    assert site.text() == b"two"
    site.set_text("three")
    site.reload()
    assert site.text() == b"three"


def test_many_requests_for_a_reload_are_few_reloads(site):
    site.set_text("last")
    for _ in range(50):
        site.running.process.send_signal(signal.SIGHUP)
    wire.wait_until(lambda: site.text() == b"last", "the new settings")
    site.reload()
    assert len(site.ends()) < 40


@pytest.mark.any_protocol
def test_no_request_fails_while_the_settings_change(site):
    """Clients that keep their connection and clients that do not, over a hundred reloads (twenty with TLS)."""
    failures, counts, is_over = [], [], threading.Event()

    def client(keeps):
        count, connection = 0, None
        try:
            while not is_over.is_set():
                connection = connection if keeps and connection else site.running.connect()
                body = connection.exchange("GET", "/text").body
                assert re.fullmatch(rb"one|edition \d+", body), body
                count += 1
                if not keeps:
                    connection.close()
        except Exception as error:  # pylint: disable=broad-except
            failures.append(repr(error))
        counts.append(count)

    threads = [threading.Thread(target=client, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for number in range(100 if protocols.PROTOCOL == "h1" else 20):
        site.set_text(f"edition {number}")
        site.reload()
    is_over.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert min(counts) > 0


def test_settings_in_use_keep_their_memory(server, root):
    """A request outlives the settings that it began with, which are not the first ones, and those after them."""
    site = Site(server, root, workers=1)
    site.set_text("two")
    site.reload()
    upload = site.running.connect()
    upload.send(wire.request_bytes("POST", "/text", {"Content-Length": "2"}) + b"x")
    with site.running.connect() as other:  # the worker has the request when it has answered one after it
        assert other.exchange("GET", "/text").body == b"two"
    for number in range(5):
        site.set_text(f"edition {number}")
        site.reload()
    upload.send(b"x")
    assert upload.read_response("POST").body == b"two"
    assert site.text() == b"edition 4"


def test_connections_to_servers_outlive_a_reload(server, root, origins):
    site, origin = Site(server, root, workers=1), origins()
    site.config["sites"][0]["routes"]["/api"] = {"proxy": origin.url}
    site.write()
    site.reload()
    for number in range(3):
        assert site.running.get("/api").status == 200
        site.set_text(f"edition {number}")
        site.reload()
    assert site.running.get("/api").status == 200
    assert origin.connection_count == 1


def descriptors_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory_of(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1])


def test_two_hundred_reloads_leave_nothing_behind(site, tmp_path):
    """Alternating listeners, logs and routes."""
    port = vif.free_port()
    first = site.config["listen"]

    def change(number):
        is_odd = number % 2
        site.set_text(f"edition {number}")
        site.write(listen=[*first, f"127.0.0.1:{port}"] if is_odd else first,
                   log={"access": str(tmp_path / ("odd.log" if is_odd else "even.log"))})
        site.reload()

    workers = workers_of(site.running)
    for number in range(20):
        change(number)

    def has_no_reader():
        return sorted(vif.children_of(site.running.process.pid)) == workers

    wire.wait_until(has_no_reader, "the reader to end")
    processes = [site.running.process.pid, *workers]
    descriptors = [descriptors_of(pid) for pid in processes]
    memory = [memory_of(pid) for pid in processes]
    for number in range(20, 200):
        change(number)
    wire.wait_until(has_no_reader, "the reader to end, and no worker")
    wire.wait_until(lambda: [descriptors_of(pid) for pid in processes] == descriptors, "as many descriptors as before")
    if not vif.IS_SANITIZED:
        assert max(now - before for now, before in zip(map(memory_of, processes), memory)) < 300
