"""Every bound has its answer: at the bound all is well, one beyond it is refused."""
import socket

import pytest

import tree
import wire


@pytest.fixture(scope="module")
def small(module_server, site_root):
    """Limits that are quick to reach."""
    limits = {"head": "1KiB", "uri": "256", "headers": "10", "body": "1KiB"}
    return module_server(site_root, *(word for pair in limits.items()
                                      for word in ("--limit", "=".join(pair))))


def head_of(length):
    """A valid head of exactly so many bytes."""
    head = wire.request_bytes("GET", "/hello.txt", {"X": ""})
    return wire.request_bytes("GET", "/hello.txt", {"X": "x" * (length - len(head))})


def answers(running, data, status):
    with running.connect() as client:
        client.send(data)
        response = client.read_response()
        assert response.status == status
        if status >= 400:
            assert response.closes
            client.read_end()
        else:
            assert client.exchange("GET", "/hello.txt").body == tree.HELLO


@pytest.mark.parametrize("length, status", [(1000, 200), (1024, 200), (1025, 431), (3000, 431), (70000, 431)])
def test_head(small, length, status):
    data = head_of(length)
    assert len(data) == length
    answers(small, data, status)


def test_head_byte_by_byte(small):
    with small.connect() as client:
        client.send_byte_by_byte(head_of(1025))
        assert client.read_last().status == 431


def test_head_that_never_ends(small):
    with small.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 5000)
        assert client.read_last().status == 431


@pytest.mark.parametrize("length, status", [(256, 404), (257, 414), (900, 414)])
def test_uri(small, length, status):
    with small.connect() as client:
        response = client.exchange("GET", "/" + "x" * (length - 1))
        assert response.status == status
        if status == 414:
            client.read_end()


@pytest.mark.parametrize("length, status", [(256, 200), (257, 414)])
def test_uri_with_query(small, length, status):
    with small.connect() as client:
        assert client.exchange("GET", "/hello.txt?" + "x" * (length - 11)).status == status


@pytest.mark.parametrize("length", [2000, 20000, 200000])
def test_uri_beyond_the_head(small, length):
    with small.connect() as client:
        client.send(b"GET /" + b"x" * length + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.read_last().status in (414, 431)


@pytest.mark.parametrize("length", [100, 2000, 200000])
def test_method_that_is_too_long(small, length):
    with small.connect() as client:
        client.send(b"X" * length + b" / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.read_response().status in (400, 414, 431, 501)


@pytest.mark.parametrize("count, status", [(10, 200), (11, 431), (40, 431)])
def test_fields(small, count, status):
    fields = [("Host", "localhost")] + [("X", "y")] * (count - 1)
    answers(small, wire.request_bytes("GET", "/hello.txt", fields), status)


@pytest.mark.parametrize("count, status", [(100, 200), (101, 431)])
def test_fields_by_default(site, count, status):
    fields = [("Host", "localhost")] + [("X", "y")] * (count - 1)
    answers(site, wire.request_bytes("GET", "/hello.txt", fields), status)


@pytest.mark.parametrize("length, status", [(0, 405), (1024, 405), (1025, 413), (10**15, 413)])
def test_body_by_length(small, length, status):
    with small.connect() as client:
        client.send(wire.request_bytes("POST", "/hello.txt", {"Content-Length": str(length)})
                    + b"x" * min(length, 4096))
        response = client.read_response()
        assert response.status == status
        if status == 413:
            assert response.closes
            client.read_end()
        else:
            assert client.exchange("GET", "/hello.txt").body == tree.HELLO


def test_body_too_long_is_told_before_it_is_sent(small):
    """With Expect: 100-continue, the client need not send it at all."""
    with small.connect() as client:
        client.send(wire.request_bytes("POST", "/hello.txt",
                                       {"Expect": "100-continue", "Content-Length": "1025"}))
        assert client.read_last().status == 413


@pytest.mark.parametrize("chunks, refused", [([1024], False), ([1] * 1024, False), ([1025], True),
                                             ([1000, 25], True), ([1] * 1025, True)],
                         ids=range(5))
def test_body_by_chunks(small, chunks, refused):
    with small.connect() as client:
        client.send(
            wire.request_bytes("POST", "/hello.txt", {"Transfer-Encoding": "chunked"})
            + wire.chunked(*[b"x" * length for length in chunks])
        )
        response = client.read_response()
        if refused:
            assert response.status in (405, 413)
            client.read_end()
        else:
            assert response.status == 405
            assert client.exchange("GET", "/hello.txt").body == tree.HELLO


def test_body_that_never_ends_is_cut_off(server, site_root):
    """What is on its way is read for as long as lingering takes, and no longer."""
    running = server(site_root, "--limit", "body=1KiB", "--timeout", "linger=300ms")
    with running.connect() as client:
        client.send(wire.request_bytes("POST", "/hello.txt", {"Transfer-Encoding": "chunked"}))

        def cut_off():
            try:
                client.send(b"100\r\n" + b"x" * 256 + b"\r\n")
                return False
            except (ConnectionResetError, BrokenPipeError):
                return True

        wire.wait_until(cut_off, "the end of a body whose limit is 1 KiB", seconds=10)


def test_body_limit_may_be_none_at_all(server, site_root):
    running = server(site_root, "--limit", "body=0")
    assert running.exchange("POST", "/hello.txt", body=b"").status == 405
    with running.connect() as client:
        client.request("POST", "/hello.txt", body=b"x")
        assert client.read_last().status == 413


# Connections.


def is_open(client):
    return client.is_silent(0)


def test_longest_idle_connection_makes_room(server, site_root):
    running = server(site_root, "--limit", "connections=4")
    clients = []
    for _ in range(4):
        client = running.connect()
        clients.append(client)
        assert client.exchange("GET", "/one.txt").body == b"1"
    assert clients[0].exchange("GET", "/one.txt").body == b"1"  # now the second is the longest idle
    late = running.connect()
    assert late.exchange("GET", "/one.txt").body == b"1"
    clients[1].read_end()
    for client in (clients[0], clients[2], clients[3]):
        assert client.exchange("GET", "/one.txt").body == b"1"


def hold(running, **options):
    """A connection in the middle of a response that its client does not read."""
    client = running.connect(receive_buffer=4096, **options)
    client.request("GET", "/fifty.bin")
    client.read_head()
    return client


@pytest.fixture
def fifty(root):
    tree.write(root, "one.txt", b"1")
    with open(root / "fifty.bin", "wb") as file:
        file.truncate(50 << 20)
    return root


def refused(client):
    """Answered 503 though it asked for nothing, or once it did."""
    try:
        client.request("GET", "/one.txt")
    except (BrokenPipeError, ConnectionResetError):
        pass
    response = client.read_response()
    assert response.status == 503
    assert int(response["retry-after"]) >= 0
    assert response.closes
    return True


SLOW_SECONDS = 1  # as in front/timeouts.c: who has taken nothing for so long has to make room for others


def test_503_is_not_taken_away_by_a_reset(server, fifty):
    """Whoever sent a request and is turned away gets the answer and its end, and no reset: what was sent was read."""
    def turn_five_away(_):
        running = server(fifty, "--limit", "connections=1")
        hold(running)
        clients = []
        for _ in range(5):
            clients.append(running.connect())
            clients[-1].request("GET", "/one.txt", {"X": "x" * 1000})
            assert clients[-1].read_response().status == 503
            clients[-1].read_end()
        # The last one has its answer, so whatever was sent to those before it has arrived.
        for client in clients[:-1]:
            assert client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0

    wire.unless_late(turn_five_away, SLOW_SECONDS)


def test_503_where_nobody_is_idle(server, fifty):
    def turn_five_away(_):
        running = server(fifty, "--limit", "connections=3")
        holders = [hold(running) for _ in range(3)]
        for _ in range(5):
            refused(running.connect())
        holders.pop().close()

        def served():
            with running.connect() as client:
                client.request("GET", "/one.txt")
                return client.read_response().status == 200

        wire.wait_until(served, "room after a connection has gone")

    wire.unless_late(turn_five_away, SLOW_SECONDS)


def test_connections_per_address(server, fifty):
    running = server(fifty, "--limit", "connections_per_address=2")
    first, second = running.connect(), running.connect()
    assert first.exchange("GET", "/one.txt").status == second.exchange("GET", "/one.txt").status == 200
    refused(running.connect())
    assert running.connect(source="127.0.0.2").exchange("GET", "/one.txt").status == 200
    assert first.exchange("GET", "/one.txt").status == 200
    second.close()

    def served():
        with running.connect() as client:
            client.request("GET", "/one.txt")
            return client.read_response().status == 200

    wire.wait_until(served, "room for the address")


def test_requests_per_connection(server, site_root):
    running = server(site_root, "--limit", "requests_per_connection=3")
    with running.connect() as client:
        for _ in range(2):
            assert not client.exchange("GET", "/one.txt").closes
        client.request("GET", "/one.txt")
        assert client.read_last().body == b"1"


def test_requests_per_connection_in_a_pipeline(server, site_root):
    running = server(site_root, "--limit", "requests_per_connection=3")
    with running.connect() as client:
        client.send(wire.request_bytes("GET", "/one.txt") * 10)
        assert not client.read_response().closes
        assert not client.read_response().closes
        assert client.read_last().body == b"1"


def test_many_connections_at_once(site):
    clients = [site.connect() for _ in range(400)]
    for client in clients:
        client.request("GET", "/hello.txt")
    for client in clients:
        assert client.read_response().body == tree.HELLO
    for client in clients:
        client.close()


@pytest.mark.parametrize("option", ["cache=0", "cache_file=0", "cache_entries=1"])
def test_cache_may_be_tiny(server, site_root, option):
    running = server(site_root, "--limit", option)
    with running.connect() as client:
        for _ in range(3):
            assert client.exchange("GET", "/hello.txt").body == tree.HELLO
            assert client.exchange("GET", "/digits.txt").body == b"0123456789"
            assert client.exchange("GET", "/big.bin").body == tree.BIG
            assert client.exchange("GET", "/nothing").status == 404
