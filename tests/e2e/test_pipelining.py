"""Several requests on their way at once: each is answered, in order, however the bytes are cut."""
import pytest

import tree
import wire

TARGETS = [
    ("/hello.txt", 200, tree.HELLO),
    ("/digits.txt", 200, b"0123456789"),
    ("/nothing", 404, None),
    ("/one.txt", 200, b"1"),
    ("/empty.txt", 200, b""),
    ("/indexed/", 200, b"<p>indexed</p>\n"),
    ("/plain/", 200, None),
]


def plan(count):
    return [TARGETS[index % len(TARGETS)] for index in range(count)]


def requests(targets):
    return b"".join(wire.request_bytes("GET", target) for target, _, _ in targets)


def check(client, targets):
    for target, status, body in targets:
        response = client.read_response()
        assert response.status == status, (target, response)
        if body is not None:
            assert response.body == body, target
    assert client.exchange("GET", "/hello.txt").body == tree.HELLO


@pytest.mark.parametrize("count", [2, 3, 16, 200, 1000])
def test_pipeline(client, count):
    targets = plan(count)
    client.send(requests(targets))
    check(client, targets)


@pytest.mark.parametrize("count", [2, 16, 200])
def test_pipeline_byte_by_byte(client, count):
    targets = plan(count)
    client.send_byte_by_byte(requests(targets))
    check(client, targets)


@pytest.mark.parametrize("seed", range(10))
def test_pipeline_in_segments(client, seed):
    targets = plan(50)
    client.send_in_segments(requests(targets), seed)
    check(client, targets)


@pytest.mark.parametrize("size", [1, 1023, 1460, 4096, 16384, 16385])
def test_pipeline_cut_at_every_so_many_bytes(client, size):
    targets = plan(20 if size == 1 else 600)
    data = requests(targets)
    for start in range(0, len(data), size):
        client.send(data[start : start + size])
    check(client, targets)


def test_pipeline_mixes_methods_and_bodies(client):
    parts = [
        (wire.request_bytes("HEAD", "/hello.txt"), "HEAD", 200, b""),
        (wire.request_bytes("POST", "/hello.txt", body=b"GET / HTTP/1.1\r\n\r\n"), "POST", 405, None),
        (wire.request_bytes("GET", "/hello.txt"), "GET", 200, tree.HELLO),
        (wire.request_bytes("PUT", "/x", {"Transfer-Encoding": "chunked"}, body=wire.chunked(b"abc")), "PUT",
         405, None),
        (wire.request_bytes("GET", "/digits.txt", {"Range": "bytes=2-4"}), "GET", 206, b"234"),
        (wire.request_bytes("HEAD", "/nothing"), "HEAD", 404, b""),
        (wire.request_bytes("GET", "/one.txt"), "GET", 200, b"1"),
    ]
    client.send(b"".join(part[0] for part in parts))
    for _, method, status, body in parts:
        response = client.read_response(method)
        assert response.status in (status, 404 if method == "PUT" else status), (method, response)
        if body is not None:
            assert response.body == body


def test_pipeline_behind_a_large_response(client):
    client.send(wire.request_bytes("GET", "/big.bin") + requests(plan(16)))
    assert client.read_response().body == tree.BIG
    check(client, plan(16))


def test_pipeline_of_large_responses(client):
    client.send(wire.request_bytes("GET", "/big.bin") * 8)
    for _ in range(8):
        assert client.read_response().body == tree.BIG


def test_pipeline_ends_at_a_bad_request(client):
    client.send(requests(plan(5)) + b"GET / HTTP/1.1\r\nHost : x\r\n\r\n" + requests(plan(5)))
    for _, status, _ in plan(5):
        assert client.read_response().status == status
    assert client.read_last().status == 400


def test_pipeline_ends_at_connection_close(client):
    client.send(requests(plan(5)) + wire.request_bytes("GET", "/one.txt", {"Connection": "close"})
                + requests(plan(5)))
    for _, status, _ in plan(5):
        assert client.read_response().status == status
    assert client.read_last().body == b"1"


def test_pipeline_of_a_client_that_has_finished_sending(client):
    targets = plan(100)
    client.send(requests(targets))
    client.finish_sending()
    for _, status, _ in targets:
        assert client.read_response().status == status
    client.read_end()


def test_pipeline_that_nobody_reads_is_bounded(client):
    """A client that only sends: sooner or later the server stops reading, and all is answered in the end."""
    request = wire.request_bytes("GET", "/big.bin")
    client.socket.settimeout(0.3)
    sent = b""
    try:
        while len(sent) < 64 << 20:
            block = request * 500
            written = client.socket.send(block)
            sent += block[:written]
    except TimeoutError:
        pass
    assert len(sent) < 64 << 20, "64 MiB of requests were taken in without one response being read"
    client.socket.settimeout(wire.TIME_LIMIT)
    for _ in range(3):
        assert client.read_response().body == tree.BIG


def test_handler_that_ends_while_an_earlier_response_is_being_sent(server, root):
    """The folder is read off the loop, and done long before the client takes the first response."""
    with open(root / "large.bin", "wb") as file:
        file.truncate(30 << 20)
    tree.write(root, "folder/a.txt", b"a")
    client = server(root).connect(receive_buffer=4096)
    for _ in range(2):
        client.send(wire.request_bytes("GET", "/large.bin") + wire.request_bytes("GET", "/folder/") * 3)
        assert len(client.read_response().body) == 30 << 20
        for _ in range(3):
            assert b"a.txt" in client.read_response().body


@pytest.mark.parametrize(
    "bad",
    [b"BAD", b"GET / HTTX/1.1", b"GET / HTTP/9.9", b"GET /%zz HTTP/1.1", b"GET  / HTTP/1.1", b"\x00",
     b"GET / HTTP/1.1\r\nX : y",
     b"GET /" + b"x" * 9000 + b" HTTP/1.1", b"GET / HTTP/1.1\r\nX: " + b"x" * 20000],
    ids=lambda bad: repr(bad[:30]),
)
@pytest.mark.parametrize("read_slowly", [False, True])
def test_bad_request_takes_nothing_from_the_response_before_it(site, bad, read_slowly):
    with site.connect(receive_buffer=4096 if read_slowly else None) as client:
        client.send(wire.request_bytes("GET", "/big.bin") + bad + b"\r\n\r\n")
        assert client.read_response().body == tree.BIG
        assert client.read_last().status in (400, 414, 431, 505)


def test_refused_content_takes_nothing_from_the_response_before_it(site):
    with site.connect(receive_buffer=4096) as client:
        client.send(wire.request_bytes("GET", "/big.bin"))
        client.send(wire.request_bytes("POST", "/hello.txt", {"Transfer-Encoding": "chunked"})
                    + b"4\r\nbody\r\nxyz\r\n")
        assert client.read_response().body == tree.BIG
        assert client.read_response().status in (400, 405)
        client.read_end()


def test_content_that_arrives_while_an_earlier_response_is_being_sent(server, root):
    with open(root / "large.bin", "wb") as file:
        file.truncate(30 << 20)
    tree.write(root, "one.txt", b"1")
    client = server(root).connect(receive_buffer=4096)
    client.send(wire.request_bytes("GET", "/large.bin"))
    head = client.read_head()
    for method in ("POST", "PUT"):
        client.send(wire.request_bytes(method, "/one.txt", {"Content-Length": "3000"}))
        for _ in range(30):
            client.send(b"x" * 100)
    client.send(wire.request_bytes("GET", "/one.txt"))
    assert len(client.take(int(head["content-length"]))) == 30 << 20
    assert client.read_response().status == 405
    assert client.read_response().status == 405
    assert client.read_response().body == b"1"
