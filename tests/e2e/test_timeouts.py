"""Each state of a connection has its time, and an end when that is over. All limits here are a few hundred
milliseconds; LATE is what a busy machine may add."""
import time

import pytest

import tree
import wire

SHORT = 0.3
LATE = 8.0


def quick(*names, **others):
    """Options that make the named timeouts short."""
    pairs = [f"{name}=300ms" for name in names] + [f"{name}={value}" for name, value in others.items()]
    return [word for pair in pairs for word in ("--timeout", pair)]


@pytest.fixture
def clock():
    """clock.check(): the time since clock.restart() is about SHORT. It is restarted before that which starts the server's:
    on a busy machine much time may pass between two lines of a test."""
    began = time.monotonic()

    class Clock:
        def restart(self):
            nonlocal began
            began = time.monotonic()

        def check(self, least=SHORT * 0.8, most=SHORT + LATE):
            passed = time.monotonic() - began
            assert least <= passed <= most, f"after {passed:.3f} s instead of about {SHORT}"

    return Clock()


def test_idle_before_the_first_request(server, site_root, clock):
    running = server(site_root, *quick("idle"))
    clock.restart()
    client = running.connect()
    client.read_end()
    clock.check()


def test_idle_between_requests(server, site_root, clock):
    running = server(site_root, *quick("idle"))
    client = running.connect()
    clock.restart()
    assert client.exchange("GET", "/hello.txt").body == tree.HELLO
    client.read_end()
    clock.check()


def test_idle_starts_anew_with_each_request(server, site_root, clock):
    running = server(site_root, *quick("idle"))

    def ask_every_100_ms(tick):
        client = running.connect()
        clock.restart()
        for _ in range(8):
            tick()
            assert client.is_silent(0.1)
            assert client.exchange("GET", "/hello.txt").body == tree.HELLO
        clock.check(least=0.8, most=8)

    wire.unless_late(ask_every_100_ms, SHORT * 0.8)


def test_head(server, site_root, clock):
    running = server(site_root, *quick("head"))
    client = running.connect()
    clock.restart()
    client.send(b"GET /hello.txt HTTP/1.1\r\nHost: loc")
    assert client.read_last().status == 408
    clock.check()


def test_head_after_another_request(server, site_root, clock):
    running = server(site_root, *quick("head"))
    client = running.connect()
    assert client.exchange("GET", "/hello.txt").body == tree.HELLO
    clock.restart()
    client.send(b"G")
    assert client.read_last().status == 408
    clock.check()


def test_head_that_drips(server, site_root, clock):
    """No byte buys more time."""
    running = server(site_root, *quick("head"))
    client = running.connect()
    clock.restart()
    for byte in wire.request_bytes("GET", "/hello.txt", {"X": "x" * 200}):
        client.send(bytes([byte]))
        if not client.is_silent(0.03):
            break
    assert client.read_last().status == 408
    clock.check()


def test_empty_lines_that_drip(server, site_root, clock):
    running = server(site_root, *quick("head", "idle"))
    client = running.connect()
    clock.restart()
    for _ in range(100):
        client.send(b"\r\n")
        if not client.is_silent(0.05):
            break
    data = client.read_end_or_reset()
    assert data == b"" or data.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 400 "))
    clock.check(least=0)


def test_idle_does_not_count_during_a_head(server, site_root):
    running = server(site_root, *quick("idle", head="10s"))
    client = running.connect()
    client.send(b"GET /hello.txt HTTP/1.1\r\n")
    assert client.is_silent(0.7)
    client.send(b"Host: localhost\r\n\r\n")
    assert client.read_response().body == tree.HELLO


@pytest.mark.parametrize("sent", [b"", b"some of it"])
def test_body(server, site_root, clock, sent):
    running = server(site_root, *quick("body"))
    client = running.connect()
    clock.restart()
    client.send(wire.request_bytes("POST", "/hello.txt", {"Content-Length": "1000"}) + sent)
    response = client.read_response()
    assert response.status in (405, 408)
    client.read_end()
    clock.check()


def test_chunked_body(server, site_root, clock):
    running = server(site_root, *quick("body"))
    client = running.connect()
    clock.restart()
    client.send(wire.request_bytes("POST", "/hello.txt", {"Transfer-Encoding": "chunked"}) + b"4\r\nbo")
    assert client.read_response().status in (405, 408)
    client.read_end()
    clock.check()


def test_body_starts_anew_with_each_byte(server, site_root):
    running = server(site_root, "--timeout", "body=600ms", "--timeout", "min_rate=none")

    def drip(tick):
        """A request whose content takes 0.8 s."""
        client = running.connect()
        client.send(wire.request_bytes("POST", "/hello.txt", {"Content-Length": "8"}))
        for _ in range(8):
            tick()
            time.sleep(0.1)
            client.send(b"x")
        assert client.read_response().status == 405
        assert client.exchange("GET", "/hello.txt").body == tree.HELLO

    wire.unless_late(drip, 0.4)


def test_body_below_the_minimum_rate(server, site_root, clock):
    running = server(site_root, *quick("body", min_rate="10KiB"))
    client = running.connect()
    clock.restart()
    client.send(wire.request_bytes("POST", "/hello.txt", {"Content-Length": "100000"}))
    try:
        for _ in range(200):
            client.send(b"x")
            time.sleep(0.02)
            if client.pending or client.server_state() != wire.ESTABLISHED:
                break
    except (BrokenPipeError, ConnectionResetError):
        pass
    data = client.read_end_or_reset()
    assert data.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 405 "))
    clock.check(least=SHORT * 0.5)


@pytest.fixture
def fifty(root):
    with open(root / "fifty.bin", "wb") as file:
        file.truncate(50 << 20)
    return root


def wait_for_the_end(client):
    """Without reading: what the server does with its end is known to the kernel."""
    wire.wait_until(lambda: client.server_state() != wire.ESTABLISHED, "the server to close its end")


def test_write_that_nobody_reads(server, fifty, clock):
    running = server(fifty, *quick("write"))
    client = running.connect(receive_buffer=4096)
    clock.restart()
    client.request("GET", "/fifty.bin")
    wait_for_the_end(client)
    clock.check()
    assert len(client.read_end_or_reset()) < 50 << 20


def test_write_of_a_pipeline_that_nobody_reads(server, site_root, clock):
    running = server(site_root, *quick("write"))
    client = running.connect(receive_buffer=4096)
    clock.restart()
    client.send(wire.request_bytes("GET", "/big.bin") * 100)
    wait_for_the_end(client)
    clock.check()


def test_write_to_a_slow_reader_goes_on(server, root):
    """Who reads, however slowly, is served while no minimum rate is set."""
    tree.write(root, "a.bin", bytes(4 << 20))
    running = server(root, *quick("write", min_rate="none"))

    def read_slowly(tick):
        client = running.connect(receive_buffer=65536)
        client.request("GET", "/a.bin")
        missing = int(client.read_head()["content-length"])
        while missing:
            tick()
            time.sleep(0.02)
            missing -= len(client.take(min(131072, missing)))

    wire.unless_late(read_slowly, SHORT * 0.8)


def test_response_below_the_minimum_rate(server, fifty, clock):
    running = server(fifty, *quick("write", min_rate="100MiB"))
    client = running.connect(receive_buffer=65536)
    clock.restart()
    client.request("GET", "/fifty.bin")
    received = 0
    try:
        while True:
            time.sleep(0.01)
            data = client.socket.recv(65536)
            if not data:
                break
            received += len(data)
    except ConnectionResetError:
        pass
    assert received < 50 << 20
    clock.check(most=8)


def test_linger_ends(server, site_root, clock):
    """Behind a refusal the server reads on for a while, so that the reply is not lost, but not for ever."""
    running = server(site_root, *quick("linger"))
    client = running.connect()
    clock.restart()
    client.send(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")
    assert client.read_last().status == 400

    def refused_by_the_kernel():
        try:
            client.send(b"x")
            return False
        except (BrokenPipeError, ConnectionResetError):
            return True

    wire.wait_until(refused_by_the_kernel, "the end of lingering")
    clock.check(least=SHORT * 0.5)


def test_linger_ends_with_the_client(server, site_root):
    running = server(site_root, *quick(linger="30s"))
    client = running.connect()
    client.request("GET", "/hello.txt", {"Connection": "close"})
    assert client.read_last().body == tree.HELLO
    client.finish_sending()
    wire.wait_until(lambda: client.server_state() in (None, wire.TIME_WAIT), "the server to let go")


def test_timers_of_many_connections(server, site_root, clock):
    running = server(site_root, *quick("idle"))
    clock.restart()
    clients = [running.connect() for _ in range(200)]
    for client in clients:
        client.read_end()
    clock.check()


def test_long_timeouts_are_not_short(server, site_root):
    running = server(site_root, "--timeout", "idle=1h", "--timeout", "head=24h", "--timeout", "body=90m")
    client = running.connect()
    assert client.is_silent(0.3)
    client.send(b"GET /hello.txt ")
    assert client.is_silent(0.3)
    client.send(b"HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.read_response().body == tree.HELLO
