"""`vif load`: what it counts, what it says, and that each thing that may go wrong is told by its name."""
import contextlib
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import threading
import time
import xml.etree.ElementTree

import pytest

import vif

pytestmark = pytest.mark.any_backend  # vif load has one of its own

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class Fake:
    """A server of one function: answer(connection, request, number), with `number` from 0 over all requests."""

    def __init__(self, answer, address=("127.0.0.1", 0), family=socket.AF_INET):
        self.answer = answer
        self.requests = []
        self.bodies = []
        self.reads_bodies = True
        self.connections = 0
        self._lock = threading.Lock()
        self.socket = socket.socket(family)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(address)
        self.socket.listen(128)
        self.url = "http://127.0.0.1:%d/" % self.socket.getsockname()[1] if family == socket.AF_INET else None
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        received = b""
        with connection, contextlib.suppress(OSError):
            while True:
                while b"\r\n\r\n" not in received:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    received += piece
                request, received = received.split(b"\r\n\r\n", 1)
                length = re.search(rb"\r\nContent-Length: (\d+)", request)
                while self.reads_bodies and length and len(received) < int(length[1]):
                    received += connection.recv(1 << 20)
                body, received = received[:int(length[1])] if length else b"", received[int(length[1]) if length else 0:]
                with self._lock:
                    number = len(self.requests)
                    self.requests.append(request)
                    self.bodies.append(body)
                if self.answer(connection, request, number) is False:
                    return

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.fixture
def fake():
    made = []

    def make(answer, **options):
        made.append(Fake(answer, **options))
        return made[-1]

    yield make
    for server in made:
        server.close()


def answers(data):
    """An answer function that sends the same to everybody."""
    return lambda connection, request, number: connection.sendall(data)


def run(*arguments, **options):
    return subprocess.run([vif.BINARY, "load", *map(str, arguments)], capture_output=True, text=True, timeout=50,
                          check=False, **options)


def measure(*arguments, exit_code=0):
    """The result as JSON, of a run that is quick unless `arguments` say otherwise."""
    result = run("--json", "-", "--warm-up", "0", *arguments)
    assert result.returncode == exit_code, result.stderr
    return json.loads(result.stdout)


def errors_of(result):
    return {kind: count for kind, count in result["errors"].items() if count}


# What is counted.


def test_counts_what_the_server_answered(fake):
    server = fake(answers(OK))
    result = measure("-n", 100, "-c", 4, server.url)
    assert len(server.requests) == 100
    assert (result["sent"], result["answers"], result["statuses"]["2xx"]) == (100, 100, 100)
    assert result["bytes_received"] == 100 * len(OK)
    assert result["latency_us"]["count"] == 100
    assert result["connects"] == result["connections_open_most"] == server.connections == 4
    assert errors_of(result) == {}
    assert result["targets"][0] == {**result["targets"][0], "path": "/", "sent": 100, "answers": 100}


def test_ends_when_the_time_is_up(fake):
    server = fake(answers(OK))
    began = time.monotonic()
    result = measure("-d", "500ms", "-c", 2, server.url)
    assert time.monotonic() - began < 15
    assert result["elapsed_s"] == 0.5
    assert result["answers"] == pytest.approx(result["answers_per_second"] * result["elapsed_s"], rel=0.01)


def test_warm_up_is_not_measured(fake):
    server = fake(answers(OK))
    result = measure("-d", "300ms", "--warm-up", "300ms", "-c", 1, server.url)
    assert 0 < result["answers"] < len(server.requests)
    assert result["latency_us"]["count"] == result["answers"]


def test_a_connection_for_each_request(fake):
    def answer(connection, request, number):
        assert b"\r\nConnection: close" in request
        connection.sendall(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        return False

    server = fake(answer)
    result = measure("-n", 50, "-c", 4, "--close", server.url)
    assert (result["answers"], errors_of(result)) == (50, {})
    assert server.connections == 50
    assert result["connections_open_most"] <= 4


def test_a_server_that_keeps_what_should_be_closed(fake):
    server = fake(answers(OK))
    result = measure("-n", 20, "-c", 2, "--close", server.url)
    assert (result["answers"], server.connections, errors_of(result)) == (20, 20, {})


def test_a_server_that_closes_politely_now_and_then(fake):
    def answer(connection, request, number):
        if number % 10 < 9:
            return connection.sendall(OK)
        connection.sendall(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        return False

    result = measure("-n", 100, "-c", 2, fake(answer).url)
    assert (result["answers"], errors_of(result)) == (100, {})
    assert result["connects"] >= 10


def test_pipelines(fake):
    server = fake(answers(OK))
    result = measure("-n", 64, "-c", 1, "--pipeline", 16, server.url)
    assert (result["answers"], len(server.requests), errors_of(result)) == (64, 64, {})


def test_threads_share_the_work(fake):
    server = fake(answers(OK))
    result = measure("-n", 101, "-c", 5, "-t", 2, server.url)
    assert (result["answers"], result["threads"], server.connections) == (101, 2, 5)
    assert len(server.requests) == 101


@pytest.mark.parametrize("data", [
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n",
    b"HTTP/1.1 200\r\nContent-Length:0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 5000 + b"\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\tContent-Length: 9\r\nContent-Length:\r\n 2\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\nContent-Length: 2, 2\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 150 + b"Content-Length: 2\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 999 + b"Content-Length: 2\r\n\r\nhi",
], ids=["chunked", "interim", "204", "304", "no reason", "long head", "folded", "lengths that agree", "150 headers",
        "1000 headers"])
def test_answers_of_every_kind(fake, data):
    result = measure("-n", 20, "-c", 2, fake(answers(data)).url)
    assert (result["answers"], errors_of(result)) == (20, {})


def test_answers_in_pieces(fake):
    def answer(connection, request, number):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in OK:
            connection.sendall(bytes([byte]))
            time.sleep(0.0005)

    result = measure("-n", 5, "-c", 1, fake(answer).url)
    assert (result["answers"], errors_of(result)) == (5, {})


def test_heads_that_change(fake):
    def answer(connection, request, number):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: 2\r\n\r\nhi" % number)

    result = measure("-n", 30, "-c", 3, fake(answer).url)
    assert (result["answers"], errors_of(result)) == (30, {})


def test_content_that_ends_with_the_connection(fake):
    def answer(connection, request, number):
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nhi")
        return False

    result = measure("-n", 10, "-c", 2, fake(answer).url)
    assert (result["answers"], errors_of(result)) == (10, {})


def test_answers_to_head_have_no_content(fake):
    server = fake(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"))
    result = measure("-n", 10, "-c", 1, "-m", "HEAD", server.url)
    assert (result["answers"], errors_of(result)) == (10, {})
    assert server.requests[0].startswith(b"HEAD / HTTP/1.1\r\n")


def test_the_request_is_what_was_asked_for(fake):
    server = fake(answers(OK))
    measure("-n", 1, "-c", 1, "-H", "A: b", "-H", "Host: example.org", server.url + "x%20y?z=1#here")
    assert server.requests == [b"GET /x%20y?z=1 HTTP/1.1\r\nHost: example.org\r\nA: b"]


def test_a_body_makes_it_a_post(fake):
    server = fake(answers(OK))
    result = measure("-n", 6, "-c", 2, "--body", "a=b&c", "-H", "Content-Type: x/y", server.url)
    assert set(server.requests) == {b"POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 5\r\nContent-Type: x/y"
                                    % server.url[7:-1].encode()}
    assert server.bodies == [b"a=b&c"] * 6
    target = result["targets"][0]
    assert (target["method"], target["body_bytes"]) == ("POST", 5)
    assert result["bytes_sent"] == 6 * (len(server.requests[0]) + 4 + 5)
    assert "2 connections, PUT with 5 B\n" in run("-n", 6, "-c", 2, "-m", "PUT", "--body", "a=b&c", server.url).stdout


@pytest.mark.parametrize("method, has_length", [("POST", True), ("PUT", True), ("PATCH", True), ("GET", False),
                                                ("DELETE", False)])
def test_no_body_and_an_empty_one(fake, method, has_length):
    """RFC 9110 section 8.6: where content is usual, that there is none is said."""
    server = fake(answers(OK))
    measure("-n", 1, "-c", 1, "-m", method, server.url)
    measure("-n", 1, "-c", 1, "-m", method, "--body", "", server.url)
    assert [b"\r\nContent-Length: 0" in request for request in server.requests] == [has_length, True]
    assert [request.split()[0].decode() for request in server.requests] == [method] * 2


@pytest.mark.parametrize("more", [[], ["--pipeline", "4"], ["--close"], ["-t", "2"]], ids=" ".join)
def test_a_large_body_of_a_file(fake, tmp_path, more):
    body = os.urandom(3 << 20)
    (tmp_path / "body").write_bytes(body)
    server = fake(answers(OK))
    result = measure("-n", 4, "-c", 2, "--body-file", tmp_path / "body", *more, server.url)
    assert (result["answers"], errors_of(result)) == (4, {})
    assert server.bodies == [body] * 4
    assert result["bytes_sent"] == sum(len(request) + 4 + len(body) for request in server.requests)


def test_a_body_of_standard_input(fake):
    server = fake(answers(OK))
    command = [vif.BINARY, "load", "-n", "1", "-c", "1", "-m", "PUT", "--body-file", "-", server.url]
    assert subprocess.run(command, input=b"\0\r\n\r\n", capture_output=True, check=True, timeout=20).stderr == b""
    assert server.requests[0].startswith(b"PUT ") and server.bodies == [b"\0\r\n\r\n"]


def test_a_body_may_be_refused_half_way(fake, tmp_path):
    """What counts as sent is what the server took."""
    (tmp_path / "body").write_bytes(bytes(16 << 20))

    def refuse(connection, request, number):
        connection.sendall(b"HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):  # or else the kernel would take the answer back
            pass
        return False

    server = fake(refuse)
    server.reads_bodies = False
    result = measure("-n", 2, "-c", 1, "--body-file", tmp_path / "body", server.url, exit_code=1)
    assert (result["sent"], result["wrong_statuses"], errors_of(result)) == (2, {"413": 2}, {"status": 2})
    assert result["bytes_sent"] < 2 * (16 << 20)


def test_a_body_that_is_too_large(tmp_path):
    with open(tmp_path / "body", "wb") as file:
        file.truncate((16 << 20) + 1)
    result = run("--body-file", tmp_path / "body", "a")
    assert result.returncode == 2
    assert f"{tmp_path}/body: a body has at most 16 MiB" in result.stderr


def test_the_host_is_that_of_the_url(fake):
    server = fake(answers(OK))
    measure("-n", 1, "-c", 1, server.url.removeprefix("http://").removesuffix("/") + "?q")
    port = server.socket.getsockname()[1]
    assert server.requests == [b"GET /?q HTTP/1.1\r\nHost: 127.0.0.1:%d" % port]


def test_ipv6(fake):
    server = fake(answers(OK), address=("::1", 0), family=socket.AF_INET6)
    port = server.socket.getsockname()[1]
    assert measure("-n", 3, "-c", 1, f"http://[::1]:{port}/")["answers"] == 3
    assert server.requests[0].endswith(b"Host: [::1]:%d" % port)
    # "localhost" is whichever of its addresses somebody listens on.
    assert measure("-n", 3, "-c", 1, f"http://localhost:{port}/")["answers"] == 3


def test_unix_sockets(fake, tmp_path):
    path = str(tmp_path / "socket")
    server = fake(answers(OK), address=path, family=socket.AF_UNIX)
    assert measure("-n", 3, "-c", 2, f"unix:{path}:/a")["answers"] == 3
    assert server.requests[0] == b"GET /a HTTP/1.1\r\nHost: localhost"
    assert measure("-n", 3, "-c", 2, f"unix:{path}")["answers"] == 3


def test_many_connections(server, root):
    (root / "a").write_text("hello")
    site = server(root)
    result = measure("-d", "500ms", "-c", 500, f"http://127.0.0.1:{site.port}/a")
    assert result["connections_open_most"] == 500
    assert errors_of(result) == {}


# A constant rate.


def test_the_rate_is_kept(server, root):
    (root / "a").write_text("hello")
    site = server(root)
    result = measure("-d", "1s", "-r", 500, "-c", 500, f"http://127.0.0.1:{site.port}/a")
    assert result["rate_was_kept"]
    assert result["answers"] == result["sent"] == result["due"] == 500
    assert result["latency_us"]["mean"] >= result["service_us"]["mean"]


@pytest.mark.parametrize("rate, duration, more", [
    (5, "1s", ["-c", 5]),
    (5, "1s", ["-c", 6, "--warm-up", "330ms"]),
    (5, "1s", ["-c", 5, "-t", 2]),
    (5, "1s", ["-c", 5, "--close"]),
    (50, "100ms", ["-c", 11, "--warm-up", "107ms"]),
    (500, "10ms", ["-c", 64]),
    (1000, "5ms", ["-c", 13, "-t", 3]),
], ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else str(value))
def test_a_window_has_as_many_requests_as_the_rate_says(fake, rate, duration, more):
    """To the last one, which is due just before the end; and none from behind it. There is a connection for each, so
    that none waits for the answer to another."""
    for _ in range(1 if duration == "1s" else 10):
        server = fake(answers(OK))
        result = measure("-r", rate, "-d", duration, *more, server.url)
        assert result["answers"] == result["sent"] == result["due"] == 5
        if "--warm-up" not in more:
            assert len(server.requests) == 5


def test_without_a_rate_nobody_asks_behind_the_window(fake):
    server = fake(answers(OK))
    result = measure("-d", "50ms", "-c", 3, server.url)
    assert result["elapsed_s"] == 0.05
    assert result["answers"] == result["sent"] == len(server.requests)


def test_a_stall_is_charged_with_every_request_that_it_held_up(fake):
    """At 50 a second a second of standstill is fifty requests late. Who sends the next request only when it has the
    answer to the last one sees a single slow one."""

    def answer(connection, request, number):
        if number == 30:
            time.sleep(1)
        connection.sendall(OK)

    result = measure("-d", "2s", "-r", 50, "-c", 1, fake(answer).url)
    assert 50 < result["answers"] <= result["due"] == 100
    assert result["latency_us"]["p90"] > 500_000
    assert result["latency_us"]["p75"] > 200_000
    assert result["service_us"]["p90"] < 500_000
    assert result["service_us"]["max"] > 950_000


def test_a_rate_that_cannot_be_kept(fake):
    def answer(connection, request, number):
        time.sleep(0.02)
        connection.sendall(OK)

    server = fake(answer)
    arguments = ("-d", "1s", "-r", 200, "-c", 1, "--warm-up", "0", server.url)
    result = run(*arguments)
    assert "The rate could not be kept: of " in result.stdout
    result = measure(*arguments)
    assert not result["rate_was_kept"]
    assert result["sent"] < 60 and result["due"] == 200


def test_a_rate_that_leaves_nothing_to_count(fake):
    """All that is sent in the window was due before it."""

    def answer(connection, request, number):
        time.sleep(0.05)
        connection.sendall(OK)

    url = fake(answer).url
    arguments = ("-d", "300ms", "-r", 60, "-c", 1, "--warm-up", "500ms", url)
    result = measure(*arguments, exit_code=1)
    assert (result["sent"], result["answers"]) == (0, 0)
    assert result["bytes_sent"] > 0 and result["bytes_received"] > 0
    assert result["latency_us"]["p50"] is None and result["service_us"]["mean"] is None
    said = run(*arguments)
    assert "No waiting could be counted." in said.stdout and "than those that are counted" not in said.stdout
    assert re.search("nothing was answered: of [12][0-9] requests that were due 0 were sent", said.stderr)


def test_a_rate_with_connections_of_their_own(fake):
    def answer(connection, request, number):
        connection.sendall(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        return False

    server = fake(answer)
    result = measure("-d", "500ms", "-r", 100, "-c", 50, "--close", server.url)
    assert (result["answers"], errors_of(result)) == (50, {})
    assert result["sent"] == result["due"] == server.connections == 50


# What may go wrong.


def test_nobody_listens():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        result = run(f"http://127.0.0.1:{port}/")
    assert result.returncode == 1
    assert result.stderr == (f"vif: cannot connect to http://127.0.0.1:{port}/: Connection refused; "
                             "is the server running?\n")


def test_too_few_descriptors(fake):
    script = 'ulimit -n 60; exec "$0" load -c 100 "$1"'
    result = subprocess.run(["bash", "-c", script, vif.BINARY, fake(answers(OK)).url], capture_output=True, text=True,
                            timeout=20, check=False)
    assert result.returncode == 1
    assert result.stderr == ("vif: not enough descriptors for 100 connections: raise the limit (ulimit -n), or use "
                             "fewer\n")


def test_no_such_socket(tmp_path):
    result = run(f"unix:{tmp_path}/none")
    assert (result.returncode, result.stdout) == (1, "")
    assert "No such file or directory" in result.stderr


def test_connections_refused_later(fake):
    def answer(connection, request, number):
        server.close()
        connection.sendall(OK)
        time.sleep(0.01)

    server = fake(answer)
    result = measure("-d", "500ms", "--warm-up", "1ms", "-c", 4, "--connect-rate", 20, server.url, exit_code=1)
    assert result["answers"] > 0
    assert set(errors_of(result)) <= {"connect_refused", "reset"} and result["errors"]["connect_refused"] > 0


def test_connections_that_are_not_made_in_time():
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):  # the queue is full, whatever the kernel makes of 0
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        time.sleep(0.1)
        result = run("-c", 2, "--timeout", "200ms", "http://127.0.0.1:%d/" % listener.getsockname()[1])
    assert result.returncode == 1
    assert "Connection timed out" in result.stderr


def reset(connection, request, number):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def close(connection, request, number):
    return False


def cut_short(connection, request, number):
    connection.sendall(OK[:-1])
    return False


def cut_in_the_head(connection, request, number):
    connection.sendall(OK[:20])
    return False


def never(connection, request, number):
    time.sleep(30)


@pytest.mark.parametrize("answer, kind", [
    (reset, "reset"),
    (close, "closed"),
    (cut_short, "closed"),
    (cut_in_the_head, "closed"),
    (answers(b"<html>hello</html>"), "malformed"),
    (answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi"), "malformed"),
    (answers(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"Content-Length: 2\r\n\r\nhi"), "malformed"),
    (answers(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "status"),
    (answers(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), "status"),
    (answers(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x00"), "status"),
    (never, "timed_out"),
], ids=["reset", "closed", "cut short", "cut in the head", "not HTTP", "two lengths", "1001 headers",
        "404", "500", "101", "silence"])
def test_errors_are_no_answers(fake, answer, kind):
    result = measure("-n", 6, "-c", 2, "--timeout", "300ms", fake(answer).url, exit_code=1)
    assert errors_of(result) == {kind: 6}
    assert (result["sent"], result["answers"], result["latency_us"]["count"]) == (6, 0, 0)


@pytest.mark.parametrize("behind", [b"HTTP", b"\r\n", b"x", OK], ids=["a beginning", "a line end", "x", "an answer"])
@pytest.mark.parametrize("head", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
def test_an_answer_with_bytes_behind_it_is_none(fake, head, behind):
    """Each request counts once."""
    said = OK.replace(b"\r\n\r\n", b"\r\n" + head + b"\r\n") + behind
    result = measure("-n", 6, "-c", 1, fake(answers(said)).url, exit_code=1)
    assert (result["sent"], result["answers"], errors_of(result)) == (6, 0, {"stray": 6})


def test_bytes_behind_a_pipeline(fake):
    """The three before it are whole."""

    def answer(connection, request, number):
        if number % 4 == 3:
            connection.sendall(OK * 4 + b"more")

    result = measure("-n", 8, "-c", 1, "--pipeline", 4, fake(answer).url, exit_code=1)
    assert (result["sent"], result["answers"], errors_of(result)) == (8, 6, {"stray": 2})


class Greeting(Fake):
    """Has its answer ready before it was asked."""

    def _serve(self, connection):
        with contextlib.suppress(OSError):
            connection.sendall(OK)
        super()._serve(connection)


def test_an_answer_before_the_request_is_none():
    """At a rate connections wait for their turn."""
    server = Greeting(answers(OK))
    result = measure("-r", 20, "-d", "500ms", "-c", 1, "--warm-up", "100ms", "--timeout", "2s", server.url, exit_code=1)
    server.close()
    assert result["errors"]["stray"] > 0
    assert result["answers"] + result["errors"]["closed"] + result["errors"]["reset"] <= result["sent"]
    assert result["answers"] <= len(server.requests)


def test_bytes_behind_the_last_answer_that_come_late(fake):
    """It has said that it would close."""

    def answer(connection, request, number):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        if number > 0:
            return False
        time.sleep(0.05)  # or else they may be read together
        connection.sendall(b"x")

    result = measure("-n", 3, "-c", 1, fake(answer).url, exit_code=1)
    assert result["sent"] == 3 and errors_of(result) == {"stray": 1}


def test_a_pipeline_that_breaks_loses_what_was_under_way(fake):
    def answer(connection, request, number):
        connection.sendall(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        return False

    result = measure("-n", 8, "-c", 1, "--pipeline", 4, fake(answer).url, exit_code=1)
    assert (result["answers"], result["errors"]["closed"]) == (2, 6)


@pytest.mark.parametrize("more", [b"", OK * 3], ids=["silent", "answered all the same"])
def test_requests_behind_an_answer_that_closes_are_lost(fake, more):
    """Also where the server leaves the connection open: they are counted at once, and nothing is waited for."""

    def answer(connection, request, number):
        if number % 4 == 3:
            connection.sendall(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + more)
            time.sleep(1)

    began = time.monotonic()
    result = measure("-n", 4, "-c", 1, "--pipeline", 4, "--timeout", "30s", fake(answer).url, exit_code=1)
    assert (result["sent"], result["answers"], errors_of(result)) == (4, 1, {"closed": 3})
    assert time.monotonic() - began < 20


def test_wrong_statuses_are_told(fake):
    def answer(connection, request, number):
        connection.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % (404 if number % 3 else 999))

    url = fake(answer).url
    assert measure("-n", 6, "-c", 1, url, exit_code=1)["wrong_statuses"] == {"404": 4, "999": 2}
    said = run("-n", 6, "-c", 1, url).stdout
    assert "6 answers with another status than wanted (200 to 399)\n               4 of 404, 2 of 999\n" in said


def test_the_right_status_may_be_another(server, root):
    site = server(root)
    result = measure("-n", 5, "-c", 1, "--status", 404, f"http://127.0.0.1:{site.port}/nothing")
    assert (result["answers"], result["statuses"]["4xx"]) == (5, 5)


def test_a_server_that_goes_away_is_not_waited_for_without_end(fake):
    def answer(connection, request, number):
        if number == 0:
            return connection.sendall(OK)
        server.close()
        return False

    server = fake(answer)
    result = measure("-n", 100, "-c", 1, "--timeout", "200ms", server.url, exit_code=1)
    assert result["was_stopped"] and result["answers"] == 1


def test_a_timeout_is_told_soon(fake):
    began = time.monotonic()
    measure("-d", "300ms", "-c", 3, "--timeout", "200ms", fake(never).url, exit_code=1)
    assert time.monotonic() - began < 15  # the server says nothing for 30


# What it says.


def test_the_table(fake):
    result = run("-n", 50, "-c", 2, fake(answers(OK)).url)
    assert (result.returncode, result.stderr) == (0, "")
    assert re.search(r"  answers    50 in \d+\.\d\d s: \d+ a second\n", result.stdout)
    assert "  statuses   2xx 50\n  errors     none\n" in result.stdout
    assert re.search(r" p50 +p75 +p90 +p99 +p99.9 +max +mean +stddev\n  latency ( +[\d.]+ (us|ms|s)){8}\n", result.stdout)
    assert max(map(len, result.stdout.splitlines())) <= 90
    assert "\033" not in result.stdout


def test_files(fake, tmp_path):
    url = fake(answers(OK)).url
    result = run("-n", 50, "-c", 2, "--json", tmp_path / "a.json", "--svg", tmp_path / "a.svg", url)
    assert result.returncode == 0 and "answers    50" in result.stdout
    assert json.loads((tmp_path / "a.json").read_text())["answers"] == 50
    drawing = xml.etree.ElementTree.parse(tmp_path / "a.svg").getroot()
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert "http" not in (tmp_path / "a.svg").read_text().replace("http://www.w3.org/2000/svg", "").replace(url, "")


@pytest.mark.parametrize("flag, what", [("--json", "the figures (--json)"), ("--svg", "the drawing (--svg)")])
def test_files_that_cannot_be_written_are_told_before_the_run(fake, tmp_path, flag, what):
    server = fake(answers(OK))
    result = run("-n", 1, "-c", 1, flag, tmp_path / "none" / "a", server.url)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"vif: cannot write {what} to {tmp_path}/none/a: No such file or directory\n"
    assert server.connections == 0


def test_files_are_left_alone_where_there_is_nothing_to_write(tmp_path):
    (tmp_path / "old").write_text("old")
    result = run("-c", 1, "--json", tmp_path / "old", "--svg", tmp_path / "new", f"unix:{tmp_path}/none")
    assert result.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["old"] and (tmp_path / "old").read_text() == "old"


def test_files_are_written_anew(fake, tmp_path):
    (tmp_path / "a").write_text("x" * 100000)
    assert run("-n", 1, "-c", 1, "--json", tmp_path / "a", fake(answers(OK)).url).returncode == 0
    assert json.loads((tmp_path / "a").read_text())["answers"] == 1


@pytest.mark.parametrize("flag, begins", [("--json", "{"), ("--svg", "<svg")])
def test_what_goes_to_standard_output_goes_there_alone(fake, flag, begins):
    result = run("-n", 50, "-c", 1, flag, "-", fake(answers(OK)).url)
    assert result.stdout.lstrip().startswith(begins) and "answers    50" not in result.stdout
    assert (result.returncode, result.stderr) == (0, "")


def test_json_is_all_there_is_where_things_go_wrong_too(fake):
    result = run("-n", 5, "-c", 1, "--json", "-", fake(answers(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")).url)
    assert (result.returncode, result.stderr) == (1, "")
    assert json.loads(result.stdout)["errors"]["status"] == 5


def test_a_progress_line_for_those_who_look_on(fake):
    """On a terminal only, and gone at the end."""
    master, slave = pty.openpty()
    with subprocess.Popen([vif.BINARY, "load", "-d", "700ms", "-c", "2", fake(answers(OK)).url], stdout=slave,
                          stderr=slave, stdin=subprocess.DEVNULL) as process:
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):
            while piece := os.read(master, 65536):
                shown += piece
        os.close(master)
    assert process.returncode == 0
    assert re.search(rb"\r\033\[K  [=-]{20} 0\.\d of 0\.7 s  \d+/s  p50 \d+", shown)
    assert shown.rindex(b"\033[K") < shown.index(b"answers    ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_measured_until_it_was_stopped_counts(fake, number):
    server = fake(answers(OK))
    with subprocess.Popen([vif.BINARY, "load", "-d", "50s", "--warm-up", "0", "-c", "2", server.url],
                          stdout=subprocess.PIPE, text=True) as process:
        while len(server.requests) < 100:
            time.sleep(0.01)
        process.send_signal(number)
        said = process.communicate(timeout=10)[0]
    assert process.returncode == 0
    assert "It was stopped before its end." in said and "errors     none" in said


def test_nothing_that_was_answered_until_it_was_stopped(fake):
    server = fake(never)
    with subprocess.Popen([vif.BINARY, "load", "-d", "50s", "--warm-up", "0", "-c", "2", server.url],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while len(server.requests) < 2:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=10)[1]
    assert (process.returncode, said) == (1, "vif: nothing was answered before it was stopped\n")


@pytest.mark.parametrize("more", [[], ["--close"]])
def test_nothing_that_was_due(fake, more):
    result = run("-r", "0.5", "-d", "300ms", "--warm-up", "100ms", "-c", 1, *more, fake(answers(OK)).url)
    assert result.returncode == 1
    assert result.stderr == "vif: no request was due in this time: give it longer (-d), or a higher rate (-r)\n"


@pytest.mark.parametrize("arguments, said", [
    ([], "load needs a URL: vif load http://localhost:8080/"),
    (["--json", "http://a/"], 'load needs a URL: --json took "http://a/" for the file to write; standard output is '
                              "--json -"),
    (["https://localhost/"], "https needs TLS, which vif does not speak yet"),
    (["http://host.invalid/"], 'the host "host.invalid" has no address: '),
    (["unix:"], 'the path behind "unix:" is empty'),
    (["unix:/a:b"], "the path behind the socket must begin with '/'"),
    (["a", "b"], 'unexpected argument "b" after "a": only one URL can be measured'),
    (["--conections", "1", "a"], "did you mean --connections? (see vif load --help)"),
    (["-p", "1", "a"], "unknown option -p"),
    (["-c"], "--connections needs a value: --connections N"),
    (["-c", "0", "a"], 'expected a number from 1 to 1000000, such as 64, not "0"'),
    (["-d", "5", "a"], 'expected a time from 1ms to 1d, such as 10s or 1m30s, not "5"'),
    (["-n", "x", "a"], "expected a number above 0"),
    (["-r", "0", "a"], "expected requests a second"),
    (["-r", "nan", "a"], "expected requests a second"),
    (["--pipeline", "65", "a"], "expected a number from 1 to 64"),
    (["--warm-up", "-1", "a"], "expected a time up to 1d"),
    (["--timeout", "0", "a"], "expected a time from 1ms to 1d"),
    (["--connect-rate", "0", "a"], "expected connections a second"),
    (["-t", "65", "a"], "expected a number from 1 to 64"),
    (["-t", "9", "-c", "8", "a"], "9 threads need as many connections at least: -c 9"),
    (["-t", "9", "-n", "8", "a"], "9 threads need as many requests at least: -n 9"),
    (["-m", "A B", "a"], "expected a method but CONNECT"),
    (["-H", "A", "a"], "expected NAME: VALUE"),
    (["-H", "A: \r\nB: c", "a"], "expected NAME: VALUE"),
    (["-H", "Host: x", "-H", "host: y", "a"], "a request has one Host, and there is one already"),
    (["-H", "Content-Length: 5", "a"], "Content-Length and Transfer-Encoding are not to be chosen"),
    (["--body", "a", "--body-file", "b", "a"], "a request has one body: --body gives one already"),
    (["--body-file", "/nowhere", "a"], "/nowhere: No such file or directory"),
    (["--body-file", "/", "a"], "/: Is a directory"),
    (["--body-file", "", "a"], "expected the name of a file, or - for standard input"),
    (["-m", "TRACE", "--body", "x", "a"], "a TRACE request has no body"),
    (["--status", "99", "a"], "expected a number from 200 to 599"),
    (["--json", "", "a"], "expected the name of a file"),
    (["--json", "-", "--svg", "-", "a"], "name a file for one"),
    (["--close", "--pipeline", "2", "a"], "--close and --pipeline contradict each other"),
    (["--close=1", "a"], "--close=1: takes no value"),
], ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "")
def test_mistakes(arguments, said):
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize("url, marked, said", [
    ("https://localhost/", "https", "https needs TLS, which vif does not speak yet"),
    ("ftp://localhost/", "ftp", "only http:// and unix: can be measured"),
    ("://localhost/", "", "the host is missing"),
    ("http:///x", "", "the host is missing: http://localhost:8080/"),
    ("http://:8080/", "", "the host is missing"),
    ("", None, "the host is missing"),
    ("?q", "", "the host is missing"),
    ("localhost:80a/x", "80a", "the port must be a number, such as 8080"),
    ("http://localhost:-1/", "-1", "the port must be a number, such as 8080"),
    ("http://localhost:65536/", "65536", "the port must be a number from 1 to 65535"),
    ("localhost:0", "0", "the port must be a number from 1 to 65535"),
    ("localhost:99999999999999999999", "99999999999999999999", "the port must be a number from 1 to 65535"),
    ("http://::1/", "::1", "an IPv6 address stands in brackets: http://[::1]:8080/"),
    ("fe80::1:8080/x", "fe80::1:8080", "an IPv6 address stands in brackets"),
    ("http://[::1/", "[::1", "the ']' behind the IPv6 address is missing"),
    ("http://[::1]8080/", "8080", "behind ']' only a port can follow"),
    ("http://21200/", "21200", "a port stands behind a host: http://localhost:21200/"),
    ("8080", "8080", "a port stands behind a host: http://localhost:8080/"),
    ("8080/a?b", "8080", "a port stands behind a host: http://localhost:8080/"),
    ("http://70000/", "70000", "an IPv4 address is four numbers from 0 to 255: http://127.0.0.1:8080/"),
    ("http://21200:80/", "21200", "an IPv4 address is four numbers from 0 to 255"),
    ("127.1:8080", "127.1", "an IPv4 address is four numbers from 0 to 255"),
    ("0x7f000001", "0x7f000001", "an IPv4 address is four numbers from 0 to 255"),
    ("0x7f.0.0.0x1", "0x7f.0.0.0x1", "an IPv4 address is four numbers from 0 to 255"),
    ("127.0.0.01", "127.0.0.01", "an IPv4 address is four numbers from 0 to 255"),
    ("127.0.0.256", "127.0.0.256", "an IPv4 address is four numbers from 0 to 255"),
    ("1.2.3.4.5", "1.2.3.4.5", "an IPv4 address is four numbers from 0 to 255"),
    ("http://me:secret@localhost/", "me:secret@", "user names do not belong in a URL"),
    ("me@localhost", "me@", "user names do not belong in a URL"),
    ("http://localhost/a b", " ", "a URL has no blanks: %20 stands for one"),
    ("localhost:80:80", "80:80", "the port must be a number, such as 8080"),
    (" http://localhost/", " ", "a URL has no blanks"),
    ("localhost/a\tb", None, "a URL has no control characters"),
    ("localhost/%zz", "localhost/%zz", "expected a URL such as"),
    ("http://[x]/", "http://[x]/", "expected a URL such as"),
])
def test_mistakes_in_urls_are_pointed_at(url, marked, said):
    result = run(url)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr
    if marked is not None:  # None: there is nothing that could be shown
        shown, below = [line.split("|", 1)[1] for line in result.stderr.splitlines() if " | " in line][:2]
        assert below.count("^") + below.count("~") == max(len(marked), 1), result.stderr
        if marked:
            at = below.index("^")
            assert shown[at:at + len(marked)] == marked, result.stderr


def test_a_url_in_a_url(fake):
    server = fake(answers(OK))
    measure("-n", 1, "-c", 1, server.url.removeprefix("http://") + "?next=http://b")
    assert server.requests[0].startswith(b"GET /?next=http://b ")


def test_help():
    result = run("--help")
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) < 24 and max(map(len, result.stdout.splitlines())) <= 80
    assert result.stdout == subprocess.run([vif.BINARY, "help", "load"], capture_output=True, text=True,
                                           check=True).stdout
