"""Servers that misbehave, and clients that leave: what the other side gets, and what the logs say."""
import resource
import socket
import threading
import time

import pytest

import protocols
import test_framing
import vif as vif_process
import wire
from origin import Origin
from proxies import forwarding, log_lines, named, origins, proxy  # noqa: F401

pytestmark = pytest.mark.any_protocol

OK = b"HTTP/1.1 200 OK\r\n"

# Name, what the origin sends before it closes, and the cause in the log.
BAD = [
    ("nothing", b"", "closed"),
    ("garbage", b"\x16\x03\x01\x02\x00\x01\x00" * 10, "bad_response"),
    ("a greeting of SMTP", b"220 mail.example ESMTP\r\n", "bad_response"),
    ("HTTP/2", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "bad_response"),
    ("HTTP/2.0 in letters", b"HTTP/2.0 200 OK\r\n\r\n", "bad_response"),
    ("a line before it", b"\r\n" + OK + b"Content-Length: 0\r\n\r\n", "bad_response"),
    ("half a status line", b"HTTP/1.1 20", "cut"),
    ("half a head", OK + b"Content-Length: 5\r\nX-Half: y", "cut"),
    ("status 99", b"HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n", "bad_response"),
    ("status 600", b"HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n", "bad_response"),
    ("status 999", b"HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n", "bad_response"),
    ("status of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", "bad_response"),
    ("two lengths", OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "bad_response"),
    ("two lengths in a line", OK + b"Content-Length: 5, 6\r\n\r\nhello!", "bad_response"),
    ("a length that is none", OK + b"Content-Length: -1\r\n\r\n", "bad_response"),
    ("a length with a sign", OK + b"Content-Length: +5\r\n\r\nhello", "bad_response"),
    ("a length beside chunks", OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bad_response"),
    ("another coding", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "bad_response"),
    ("chunked twice", OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bad_response"),
    ("chunks in 1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bad_response"),
    ("a folded header", OK + b"X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n", "bad_response"),
    ("a fold in front", OK + b" X-A: b\r\nContent-Length: 0\r\n\r\n", "bad_response"),
    ("a NUL", OK + b"X-A: b\x00c\r\nContent-Length: 0\r\n\r\n", "bad_response"),
    ("a bare CR", OK + b"X-A: b\rX-B: c\r\nContent-Length: 0\r\n\r\n", "bad_response"),
    ("bare LFs", OK.replace(b"\r", b"") + b"Content-Length: 0\n\n", "bad_response"),
    ("a blank before the colon", OK + b"Content-Length : 5\r\n\r\nhello", "bad_response"),
    ("a header without a name", OK + b": x\r\nContent-Length: 0\r\n\r\n", "bad_response"),
    ("a header without a colon", OK + b"Nonsense\r\nContent-Length: 0\r\n\r\n", "bad_response"),
    ("a long head", OK + b"X-A: " + b"b" * 40000 + b"\r\nContent-Length: 0\r\n\r\n", "bad_response"),
    ("an endless line", OK + b"X-A: " + b"b" * 100000, "bad_response"),
    ("201 headers", OK + b"X-A: b\r\n" * 201 + b"\r\n", "bad_response"),
    ("17 interim responses", b"HTTP/1.1 102 Processing\r\n\r\n" * 17 + OK + b"Content-Length: 0\r\n\r\n", "bad_response"),
    ("only interim ones", b"HTTP/1.1 103 Early Hints\r\n\r\n", "cut"),
    ("101", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx", "unasked_upgrade"),
    ("33 names in Connection", OK + b"Connection: " + b"a," * 33 + b"\r\nContent-Length: 0\r\n\r\n", "bad_response"),
]


@pytest.mark.parametrize("reply, cause", [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_no_answer_or_a_bad_one_is_an_error_with_its_cause(proxy, reply, cause):
    """And nothing of it reaches the client."""
    vif, origin = proxy(lambda peer: peer.read_request() and peer.send(reply) and False)
    with vif.connect() as client:
        client.request("GET", "/secret-path")
        response = client.read_response(interim=True)
        while response.status < 200:
            response = client.read_response(interim=True)
    assert response.status == 502
    line = log_lines(vif, 1)[0]
    assert (line["status"], line["upstream_cause"], line["upstream"]) == (502, cause, origin.url)
    wire.wait_until(lambda: f"({cause}); GET /secret-path" in vif.stderr(), "the error log")


CUT = {
    "a length": OK + b"Content-Length: 100000\r\n\r\n" + b"x" * 5000,
    "a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n1388\r\n" + b"x" * 4000,
    "between chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n1388\r\n" + b"x" * 5000 + b"\r\n",
    "before the last line": OK + b"Transfer-Encoding: chunked\r\n\r\n1388\r\n" + b"x" * 5000 + b"\r\n0\r\n",
    "a bad chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n1388\r\n" + b"x" * 5000 + b"\r\nnonsense\r\n",
    "a chunk too long": OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx",
    "a chunk that does not end": OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize("name", CUT)
def test_a_response_that_is_cut_is_cut_for_the_client(proxy, name, resets):
    passed_on = threading.Event()

    def script(peer):
        if peer.read_request() and peer.send(CUT[name]):
            passed_on.wait(wire.TIME_LIMIT)
            (peer.reset if resets else peer.close)()
        return False

    vif, _ = proxy(script)
    with vif.connect() as client:
        client.request("GET", "/")
        passed_on.set()
        with pytest.raises((wire.ProtocolError, ConnectionResetError)):
            client.read_response()
    line = log_lines(vif, 1)[0]
    assert line["outcome"] == "upstream_failed"
    assert line["upstream_cause"] in ("cut", "bad_response", "reset")
    vif.check_alive()


@pytest.mark.http1
def test_a_cut_response_is_no_whole_one_for_http_1_0(proxy):
    """There the end of the connection is the end of the content: only a reset says that it is not."""
    vif, _ = proxy(lambda peer: peer.read_request() and peer.send(CUT["a chunk"]) and False)
    with vif.connect() as client:
        client.send(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            while client.fill():
                pass


def test_bytes_behind_an_answer_are_not_the_next_answer(proxy):
    """A response that is too long, or that nobody asked for, ends the connection."""
    extra = OK + b"Content-Length: 4\r\n\r\nEVIL"

    def script(peer):
        return peer.read_request() and peer.send(OK + b"Content-Length: 4\r\n\r\ngood" + extra)

    vif, origin = proxy(script)
    for _ in range(5):
        assert vif.get("/").body == b"good"
    assert origin.connection_count == 5


def test_content_to_head_is_not_the_next_answer(proxy):
    vif, _ = proxy(lambda peer: peer.read_request() and peer.send(OK + b"Content-Length: 4\r\n\r\nEVIL"))
    for _ in range(3):
        assert vif.exchange("HEAD", "/").body == b""
        assert vif.get("/").body == b"EVIL"


def test_an_idle_server_that_speaks_is_dropped(proxy):
    spoken = threading.Event()

    def script(peer):
        if not peer.read_request() or not peer.answer(b"good"):
            return False
        if peer.number == 0:
            peer.send(OK + b"Content-Length: 4\r\n\r\nEVIL")
            peer.wait_for_end()
            spoken.set()
        return True

    vif, origin = proxy(script)
    assert vif.get("/").body == b"good"
    assert spoken.wait(wire.TIME_LIMIT)
    assert vif.get("/").body == b"good"
    assert origin.connection_count == 2


# ---- time-outs ----

def test_a_silent_server(proxy):
    vif, _ = proxy(lambda peer: peer.read_request() and peer.wait_for_end(), first_byte_timeout="200ms")
    assert vif.get("/").status == 504
    assert log_lines(vif, 1)[0]["upstream_cause"] == "first_byte_timeout"


def test_a_head_that_drips(proxy):
    """Each byte is in time, but not the head."""
    vif, _ = proxy(lambda peer: peer.read_request() and peer.send(OK) and drip(peer), first_byte_timeout="300ms")
    assert vif.get("/").status == 504
    assert log_lines(vif, 1)[0]["upstream_cause"] == "first_byte_timeout"


def drip(peer):
    while peer.send(b"X"):
        time.sleep(0.02)


def test_a_server_that_stops_within_its_answer(proxy):
    vif, _ = proxy(lambda peer: peer.read_request() and peer.send(CUT["a length"]) and peer.wait_for_end(),
                   between_bytes_timeout="200ms")
    with vif.connect() as client:
        client.request("GET", "/")
        with pytest.raises((wire.ProtocolError, ConnectionResetError)):
            client.read_response()
    line = log_lines(vif, 1)[0]
    assert (line["upstream_cause"], line["outcome"]) == ("between_bytes_timeout", "upstream_failed")


@pytest.mark.http1
def test_a_server_that_takes_no_content(proxy):
    go_on = threading.Event()

    def script(peer):
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        go_on.wait(wire.TIME_LIMIT)

    vif, _ = proxy(script, send_timeout="300ms", limits={"body": "100MiB"})
    with vif.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n")
        sender = threading.Thread(target=send_much, args=(client, 50_000_000), daemon=True)
        sender.start()
        response = client.read_response()
    go_on.set()
    assert response.status == 504
    assert log_lines(vif, 1)[0]["upstream_cause"] == "send_timeout"


def send_much(client, length):
    try:
        while length > 0:
            length -= client.socket.send(b"x" * min(length, 65536))
    except OSError:
        pass


def test_nobody_listens(server):
    port = vif_process.free_port()
    vif = server(config={"sites": [{"routes": {"/": {"proxy": port}}}],
                         "log": {"access": {"path": "-", "format": "json"}}})
    assert vif.get("/").status == 502
    assert log_lines(vif, 1)[0]["upstream_cause"] == "connect_refused"


def test_a_name_without_an_address(server):
    vif = server(config={"sites": [{"routes": {"/": {"proxy": "http://no-such-host.invalid:80"}}}],
                         "log": {"access": {"path": "-", "format": "json"}}})
    response = vif.get("/")
    assert (response.status, response["retry-after"]) == (503, "1")
    assert log_lines(vif, 1)[0]["upstream_cause"] == "no_address"


def test_localhost_is_both_loopback_addresses(server, origins):
    origin = origins()
    vif = server(config={"sites": [{"routes": {"/": {"proxy": f"http://localhost:{origin.address[1]}"}}}]})
    assert vif.get("/").status == 200


# ---- retries ----

def closes_second(peer):
    """Answers the first request of a connection, and closes instead of answering the second."""
    request = peer.read_request()
    if request is None:
        return False
    if request.target == "/second" and len(peer.seen) > 0:
        return False
    peer.seen.append(request)
    return peer.answer(request.method)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_a_kept_connection_that_closes_is_not_noticed(proxy, method):
    vif, origin = proxy(closes_second)
    assert vif.get("/first").status == 200
    assert vif.exchange(method, "/second", body=b"content" if method == "PUT" else None).status == 200
    assert [request.target for request in origin.requests] == ["/first", "/second", "/second"]
    assert method != "PUT" or origin.requests[-1].body == b"content"
    assert origin.connection_count == 2


def test_what_may_have_had_an_effect_is_not_repeated(proxy):
    vif, origin = proxy(closes_second)
    assert vif.get("/first").status == 200
    assert vif.exchange("POST", "/second", body=b"content").status == 502
    assert [request.target for request in origin.requests] == ["/first", "/second"]


def test_unless_the_client_says_that_it_may_be(proxy):
    vif, origin = proxy(closes_second)
    assert vif.get("/first").status == 200
    assert vif.exchange("POST", "/second", {"Idempotency-Key": "7"}, body=b"content").status == 200
    assert origin.requests[-1].body == b"content"


def test_a_new_connection_that_closes_is_not_tried_for_ever(proxy):
    vif, origin = proxy(lambda peer: peer.read_request() and False)
    assert vif.get("/").status == 502
    assert len(origin.requests) <= 3


def test_a_request_is_tried_three_times(server, origins):
    closing = [origins(lambda peer: peer.read_request() and False) for _ in range(5)]
    vif = server(config=forwarding(closing))
    assert vif.get("/").status == 502
    assert sum(len(origin.requests) for origin in closing) == 3


def kept_connections(vif, origin, gates):
    """Leaves an idle connection for each of the gates. Returns their numbers, of the one that was used last at the end."""
    clients = [vif.connect() for _ in gates]
    for client, path in zip(clients, gates):
        client.request("GET", path)
    wire.wait_until(lambda: len(origin.requests) == len(gates), "all requests at the origin")
    numbers = []
    for client, path in zip(clients, gates):
        gates[path].set()
        numbers.append(client.read_response().body)
        client.close()
    assert len(set(numbers)) == origin.connection_count == len(gates)
    return numbers


def waits_at(gates, then):
    """A script: requests for a gate's path wait for it, and get the connection's number; all others are for `then`."""
    def script(peer):
        request = peer.read_request()
        if request is None or request.target not in gates:
            return request is not None and then(peer)
        return gates[request.target].wait(wire.TIME_LIMIT) and peer.answer(str(peer.number))

    return script


def test_a_closed_connection_is_followed_by_a_new_one(proxy):
    """Not by another that was kept for as long, and may be closed as well."""
    gates = {"/a": threading.Event(), "/b": threading.Event()}
    vif, origin = proxy(waits_at(gates, lambda peer: peer.number >= len(gates) and peer.answer(b"new")))
    kept_connections(vif, origin, gates)
    assert vif.get("/late").body == b"new"
    assert [request.target for request in origin.requests[2:]] == ["/late"] * 2


def test_the_connection_that_was_used_last_is_used_again(proxy):
    gates = {"/a": threading.Event(), "/b": threading.Event(), "/c": threading.Event()}
    vif, origin = proxy(waits_at(gates, lambda peer: peer.answer(str(peer.number))))
    numbers = kept_connections(vif, origin, gates)
    assert [vif.get("/again").body for _ in range(3)] == numbers[-1:] * 3


@pytest.mark.parametrize("size, is_repeated", [
    (1000, True),
    pytest.param(400_000, False, marks=pytest.mark.http1),  # more than the test's client of HTTP/2 sends
])
def test_only_a_request_that_is_held_whole_is_repeated(server, origins, size, is_repeated):
    """A server closes when it has the whole: what was sent and forgotten cannot be sent to another."""
    body, tries = bytes(i % 251 for i in range(size)), []

    def script(peer):
        request = peer.read_request()
        if request is None:
            return False
        tries.append(request.body)
        return len(tries) > 1 and peer.answer(request.body)

    servers = [origins(script), origins(script)]
    vif = server(config=forwarding(servers))
    response = vif.exchange("PUT", "/", body=body)
    assert response.status == (200 if is_repeated else 502)
    assert tries == ([body, body] if is_repeated else [body])
    assert sum(origin.connection_count for origin in servers) == len(tries)


def test_a_connection_that_closed_long_ago_is_not_used(proxy):
    vif, origin = proxy(lambda peer: peer.read_request() and peer.answer(b"x") and False)
    for count in range(1, 6):
        assert vif.exchange("POST", "/", body=b"x").status == 200
        assert origin.connection_count == count
        wire.wait_until(lambda: not has_connections_to(origin), "vif to close its end")


def has_connections_to(origin):
    return any(end.peer_port == origin.address[1] for end in wire.tcp_ends()
               if end.state in (wire.ESTABLISHED, wire.CLOSE_WAIT))


# ---- clients ----

def leave_while(proxy, begin, **options):
    """The client of a request leaves; returns when the origin knows."""
    begun, told = threading.Event(), threading.Event()

    def script(peer):
        if peer.read_head() is None:
            return False
        begin(peer)
        begun.set()
        peer.wait_for_end()
        told.set()
        return False

    vif, _ = proxy(script, **options)
    client = vif.connect()
    return vif, client, begun, told


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("answer", [b"", OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"], ids=["silent", "streaming"])
def test_a_client_that_leaves_takes_its_request_with_it(proxy, how, answer):
    vif, client, begun, told = leave_while(proxy, lambda peer: peer.send(answer) if answer else None)
    client.request("GET", "/")
    assert begun.wait(wire.TIME_LIMIT)
    if how == "reset":
        wire.Client.reset(client)
    else:
        client.close()
    assert told.wait(wire.TIME_LIMIT)
    vif.check_alive()


@pytest.mark.http1
def test_a_client_that_leaves_within_its_content(proxy):
    vif, client, begun, told = leave_while(proxy, lambda peer: peer.take(10))
    client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n0123456789")
    assert begun.wait(wire.TIME_LIMIT)
    client.close()
    assert told.wait(wire.TIME_LIMIT)


# ---- uploads ----

@pytest.mark.http1
@pytest.mark.parametrize("ends", ["keeps reading", "stops reading", "closes", "resets"])
def test_an_early_answer_to_an_upload_is_passed_on(proxy, ends):
    release = threading.Event()

    def script(peer):
        if peer.read_head() is None:
            return False
        peer.take(1000)
        peer.answer(b"no", status="413 Content Too Large")
        if ends == "closes":
            peer.socket.shutdown(socket.SHUT_WR)
        elif ends == "resets":
            peer.close()
        elif ends == "keeps reading":
            peer.wait_for_end()
        else:
            release.wait(wire.TIME_LIMIT)
        return False

    vif, _ = proxy(script, limits={"body": "100MiB"})
    with vif.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n")
        sender = threading.Thread(target=send_much, args=(client, 50_000_000), daemon=True)
        sender.start()
        response = client.read_response()
    release.set()
    assert (response.status, response.body) == (413, b"no")
    assert response["connection"] == "close"  # so that no request is sent behind the rest of the content
    vif.check_alive()


@pytest.mark.http1
def test_a_connection_with_half_a_request_is_not_used_again(proxy):
    """The rest of the content would be taken for the beginning of the next request, or the other way round."""
    def script(peer):
        request = peer.read_head()
        if request is None:
            return False
        if request.method == "POST":
            return peer.take(4) == b"1234" and peer.answer(b"no", status="413 Content Too Large")
        return peer.answer(b"ok")

    vif, origin = proxy(script)
    with vif.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n1234")
        assert client.read_response().status == 413
    assert vif.get("/").body == b"ok"
    assert origin.connection_count == 2


@pytest.mark.http1
@pytest.mark.parametrize("reply", [b"HTTP/1.1 100 Continue\r\n\r\n", b""], ids=["sent", "never sent"])
def test_continue_comes_from_the_server(proxy, reply):
    """Or after a second, for a server that knows nothing of it."""
    may_continue = threading.Event()

    def script(peer):
        request = peer.read_head()
        if request is None:
            return False
        assert request["Expect"] == "100-continue"
        assert may_continue.wait(wire.TIME_LIMIT)
        peer.send(reply)
        peer.read_content(request)
        return peer.answer(request.body)

    vif, _ = proxy(script)
    with vif.connect() as client:
        client.send(wire.request_bytes("POST", "/", {"Expect": "100-continue", "Content-Length": "4"}))
        if reply:
            assert client.is_silent(0.2)
        may_continue.set()
        assert client.read_response(interim=True).status == 100
        client.send(b"abcd")
        assert client.read_response().body == b"abcd"


@pytest.mark.http1
def test_a_server_that_does_not_want_the_content(proxy):
    vif, _ = proxy(lambda peer: peer.read_head() and peer.answer(b"no", status="403 Forbidden") and False)
    with vif.connect() as client:
        client.send(wire.request_bytes("POST", "/", {"Expect": "100-continue", "Content-Length": "4"}))
        assert client.read_response().status == 403


# ---- streaming ----

@pytest.mark.parametrize("length", [None, 600])
def test_each_event_leaves_at_once(proxy, length):
    """The origin sends an event only when the client has the one before: nothing may wait for more."""
    received = threading.Semaphore(0)
    framing = f"Content-Length: {length}" if length else "Transfer-Encoding: chunked"

    def script(peer):
        if peer.read_request() is None:
            return False
        peer.send(f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{framing}\r\n\r\n")
        for i in range(100):
            event = b"%06d" % i
            peer.send(event if length else b"6\r\n" + event + b"\r\n")
            assert received.acquire(timeout=wire.TIME_LIMIT)
        return peer.send(b"" if length else b"0\r\n\r\n")

    vif, _ = proxy(script)
    with vif.connect() as client:
        for i, event in enumerate(events(client, 6)):
            assert event == b"%06d" % i
            received.release()
    assert i == 99


def events(client, size):
    """Content, as it comes."""
    client.request("GET", "/")
    if protocols.IS_HTTP2:
        stream = client.open[-1]
        taken = 0
        while True:
            content = b"".join(client.received[stream][1])
            while len(content) - taken >= size:
                yield content[taken : taken + size]
                taken += size
            if client.received[stream][2]:
                return
            client.take_frame()
    response = client.read_head()
    if "content-length" in response:
        for _ in range(int(response["content-length"]) // size):
            yield client.take(size)
        return
    while (length := int(client.take_line(), 16)) > 0:
        yield client.take(length)
        client.take(2)
    client.take_line()


def resident(vif):
    """Pages of the worker and the master together, in bytes."""
    total = 0
    for pid in vif_process_ids(vif):
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            total += int(file.read().split()[1]) * resource.getpagesize()
    return total


def vif_process_ids(vif):
    return [vif.process.pid, *vif_process.workers_of(vif.process)]


def warm_up(vif):
    """So that what is measured is not the program itself, whose pages come with their first use."""
    for _ in range(3):
        assert vif.exchange("POST", "/warm", body=b"x" * 200000).status == 200


SIZE = max(64 << 20, (wire.held_by_kernel(2) & -(1 << 20)) + (4 << 20))  # more than the kernel can take in vif's place

# Two rings of 128 KiB, and what the program needs besides. io_uring reads ahead, into 4 MiB that all connections share.
MEMORY_MAX = (8 if vif_process.BACKEND == "io_uring" else 1) << 20


@pytest.mark.http1
@pytest.mark.skipif(vif_process.IS_SANITIZED, reason="its memory figures say nothing")
def test_a_download_to_a_slow_client_holds_little(proxy):
    state = {"sent": 0}

    def script(peer):
        request = peer.read_request()
        if request is None or request.target == "/warm":
            return request is not None and peer.answer(b"x" * 200000)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n")
        while state["sent"] < SIZE:
            state["sent"] += peer.socket.send(b"x" * min(65536, SIZE - state["sent"]))
        return True

    vif, _ = proxy(script)
    warm_up(vif)
    before = resident(vif)
    with vif.connect(receive_buffer=65536) as client:
        client.request("GET", "/")
        client.read_head()
        wire.wait_until(lambda: is_steady(state), "the origin to be stopped")
        assert state["sent"] < SIZE
        assert resident(vif) - before < MEMORY_MAX
        most = 0
        for _ in range(SIZE >> 20):
            assert len(client.take(1 << 20)) == 1 << 20
            most = max(most, resident(vif) - before)
    assert most < MEMORY_MAX, most


def is_steady(state):
    before = state["sent"]
    time.sleep(0.3)
    return state["sent"] == before


@pytest.mark.http1
@pytest.mark.skipif(vif_process.IS_SANITIZED, reason="its memory figures say nothing")
@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_to_a_slow_server_holds_little(proxy, chunked):
    may_read = threading.Event()

    def script(peer):
        request = peer.read_head()
        if request is None or request.target == "/warm":
            return request is not None and peer.read_content(request) and peer.answer(b"x" * 200000)
        assert may_read.wait(wire.TIME_LIMIT)
        peer.read_content(request)
        return peer.answer(str(len(request.body)))

    vif, _ = proxy(script, limits={"body": "1GiB"}, timeouts={"body": "60s", "min_rate": "none"})
    warm_up(vif)
    before = resident(vif)
    state = {"sent": 0}
    with vif.connect() as client:
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {SIZE}"
        client.send(f"POST / HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n".encode())
        piece = b"x" * 65536
        piece = b"10000\r\n" + piece + b"\r\n" if chunked else piece

        def send():
            for _ in range(SIZE // 65536):
                client.socket.sendall(piece)
                state["sent"] += 65536
            if chunked:
                client.socket.sendall(b"0\r\n\r\n")

        threading.Thread(target=send, daemon=True).start()
        wire.wait_until(lambda: state["sent"] > 0 and is_steady(state), "the client to be stopped")
        assert state["sent"] < SIZE
        assert resident(vif) - before < MEMORY_MAX
        may_read.set()
        assert client.read_response().body == str(SIZE).encode()
        assert resident(vif) - before < MEMORY_MAX


# ---- several servers ----

def test_round_robin(server, origins):
    several = [origins(named(name)) for name in "abc"]
    vif = server(config=forwarding(several))
    bodies = [vif.get("/").body for _ in range(9)]
    assert sorted(bodies) == [b"a"] * 3 + [b"b"] * 3 + [b"c"] * 3
    assert bodies[0:3] == bodies[3:6]


def test_least_connections(server, origins):
    release = threading.Event()

    def slow(peer):
        return peer.read_request() is not None and release.wait(wire.TIME_LIMIT) and peer.answer(b"slow")

    vif = server(config=forwarding([origins(slow), origins(named(b"fast"))], balance="least_connections"))
    with vif.connect() as one, vif.connect() as other:
        one.request("GET", "/")
        other.request("GET", "/")
        wire.wait_until(lambda: len(log_lines(vif, 1)) == 1, "the fast one")
        assert [vif.get("/").body for _ in range(5)] == [b"fast"] * 5
        release.set()
        assert {one.read_response().body, other.read_response().body} == {b"slow", b"fast"}


def test_another_server_gets_what_one_does_not_take(server, origins):
    dead = origins()
    dead.stop()
    vif = server(config=forwarding([dead, origins(named(b"alive"))], max_failures=2, retry_after="60s"))
    for method in ("GET", "POST") * 4:
        assert vif.exchange(method, "/", body=b"x" if method == "POST" else None).body == b"alive"
    wire.wait_until(lambda: "is left out for 60000 ms" in vif.stderr(), "the error log")
    assert vif.stderr().count("is left out") == 1
    assert "after 2 failures" in vif.stderr()


class Moody:
    """A script that answers with its name, or closes."""

    def __init__(self, name, answers=True):
        self.name = name
        self.answers = answers
        self.failures = 0

    def __call__(self, peer):
        if peer.read_request() is None:
            return False
        self.failures += not self.answers
        return self.answers and peer.answer(self.name)


def test_failures_count_when_they_are_in_a_row(server, origins):
    moody = Moody("moody")
    vif = server(config=forwarding([origins(moody), origins(Moody("steady"))], max_failures=2, retry_after="60s"))
    for _ in range(5):
        moody.answers = False
        while moody.failures == 0:
            assert vif.get("/").body == b"steady"
        moody.failures, moody.answers = 0, True
        while vif.get("/").body != b"moody":
            assert "is left out" not in vif.stderr()
    assert "is left out" not in vif.stderr()


def test_who_answers_again_is_not_left_out(server, origins):
    """When all fail, the last one is not left out, and each gets its chance."""
    first, second = Moody("first", answers=False), Moody("second", answers=False)
    servers = [origins(first), origins(second)]
    vif = server(config=forwarding(servers, max_failures=1, retry_after="60s"))
    assert vif.get("/").status == 502
    wire.wait_until(lambda: vif.stderr().count("is left out") == 1, "one to be left out")
    first.answers = True
    assert [vif.get("/").body for _ in range(3)] == [b"first"] * 3
    before = len(servers[1].requests)
    assert [vif.get("/").body for _ in range(4)] == [b"first"] * 4
    assert len(servers[1].requests) == before


def test_a_full_server_has_not_failed(server, origins):
    release = threading.Event()

    def script(peer):
        return peer.read_request() is not None and release.wait(wire.TIME_LIMIT) and peer.answer(b"x")

    servers = [origins(script), origins(script)]
    vif = server(config=forwarding(servers, connections=1, queue=0, max_failures=1, retry_after="60s"))
    clients = [vif.connect() for _ in servers]
    for client in clients:
        client.request("GET", "/")
    wire.wait_until(lambda: all(origin.requests for origin in servers), "both to be busy")
    for _ in range(3):
        assert vif.get("/").status == 503
    release.set()
    for client in clients:
        assert client.read_response().status == 200
    assert "is left out" not in vif.stderr()


def test_the_last_server_is_never_left_out(server, origins):
    state = {"answers": False}

    def script(peer):
        return peer.read_request() is not None and state["answers"] and peer.answer(b"back")

    vif = server(config=forwarding([origins(script)], max_failures=1, retry_after="60s"))
    assert vif.get("/").status == 502
    state["answers"] = True
    assert vif.get("/").body == b"back"


def test_more_requests_than_connections_wait_in_turn(server, origins):
    release, order = threading.Semaphore(0), []

    def script(peer):
        request = peer.read_request()
        if request is None:
            return False
        order.append(request.target)
        assert release.acquire(timeout=wire.TIME_LIMIT)
        return peer.answer(request.target)

    origin = origins(script)
    vif = server(config=forwarding(origin, connections=1, queue=3))
    clients = [vif.connect() for _ in range(4)]
    for number, client in enumerate(clients):
        client.request("GET", f"/{number}")
        wire.wait_until(client.has_been_read, "it to be in the queue")
    response = vif.get("/5")
    assert (response.status, response["retry-after"]) == (503, "1")
    for client in clients:
        release.release()
    for number, client in enumerate(clients):
        assert client.read_response().body == f"/{number}".encode()
    assert order == ["/0", "/1", "/2", "/3"]
    assert origin.connection_count == 1


def test_who_waits_too_long_is_told(server, origins):
    release = threading.Event()
    origin = origins(lambda peer: peer.read_request() is not None and release.wait(wire.TIME_LIMIT) and peer.answer(b"x"))
    vif = server(config=forwarding(origin, connections=1, queue_timeout="200ms"))
    with vif.connect() as first:
        first.request("GET", "/")
        wire.wait_until(lambda: origin.requests, "the first request")
        response = vif.get("/")
        assert (response.status, response["retry-after"]) == (503, "1")
        release.set()
        assert first.read_response().status == 200
    assert {line.get("upstream_cause") for line in log_lines(vif, 2)} == {None, "queue_timeout"}


def test_idle_connections_are_few_and_not_for_ever(server, origins):
    origin = origins()
    vif = server(config=forwarding(origin, idle_connections=1, idle_timeout="2s"))
    assert vif.get("/").status == 200
    assert vif.get("/").status == 200
    assert origin.connection_count == 1
    peer = origin.peers[0]
    wire.wait_until(lambda: peer.socket.fileno() == -1, "the idle connection to be closed")
    assert vif.get("/").status == 200
    assert origin.connection_count == 2


# ---- smuggling ----

@pytest.mark.http1
@pytest.mark.parametrize("request_", [row[1] for row in test_framing.DOUBTFUL], ids=[row[0] for row in test_framing.DOUBTFUL])
def test_nothing_is_smuggled_to_a_server(shared, request_):
    """What has two meanings reaches no server whole, and what follows it not at all."""
    vif, origin = shared
    origin.requests.clear()
    with vif.connect() as client:
        try:
            client.send(request_ + test_framing.FOLLOWER)
            client.finish_sending()
        except OSError:
            pass  # it was refused already
        answer = client.take_at_most(1 << 20)
    assert answer.startswith(b"HTTP/1.1 4") or answer.startswith(b"HTTP/1.1 5") or not answer
    assert b"200 OK" not in answer
    assert all(request.body in (b"", None) and request.target != "/digits.txt" for request in origin.requests)


@pytest.fixture(scope="module")
def shared(module_server):
    origin = Origin()
    yield module_server(config=forwarding(origin)), origin
    origin.stop()
