"""Connections through the reverse proxy that leave HTTP, such as WebSocket: by 101, and by RFC 8441 over HTTP/2."""
import contextlib
import json
import os
import re
import signal
import socket
import threading
import time

import pytest

import protocols
import vif as vif_process
import wire
from proxies import forwarding, log_lines, origins, proxy  # noqa: F401

# Over HTTP/1 with and without TLS; test_tunnels_h2.py has the rest.
pytestmark = [pytest.mark.any_protocol, *([pytest.mark.http1] if protocols.IS_HTTP2 else [])]

HANDSHAKE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
GRANT = (f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         f"Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n").encode()
MIB = 1 << 20


def granting(after=lambda peer: None, behind=b""):
    """An origin that grants the upgrade, and then does `after`."""
    def script(peer):
        if peer.read_request():
            peer.send(GRANT + behind)
            after(peer)
        return False
    return script


def echoing(peer):
    """Everything back, until vif ends its side."""
    while peer.pending or peer.fill():
        data, peer.pending = peer.pending, b""
        if not peer.send(data):
            return


def upgraded(vif, more=b"", fields=None):
    client = vif.connect()
    client.send(wire.request_bytes("GET", "/chat?x", fields or HANDSHAKE) + more)
    response = client.read_head()
    assert response.status == 101, response
    return client, response


def take_end(client):
    """The server's FIN, and nothing before it."""
    assert client.take_to_end() == b""


# ---- the handshake ----

def test_the_handshake_is_forwarded(proxy):
    vif, origin = proxy(granting(echoing))
    client, response = upgraded(vif)
    request = origin.requests[-1]
    assert (request.method, request.target) == ("GET", "/chat?x")
    assert (request["Connection"], request["Upgrade"]) == ("Upgrade", "websocket")
    assert request["Sec-WebSocket-Key"] == HANDSHAKE["Sec-WebSocket-Key"]
    assert request["X-Forwarded-For"] == "127.0.0.1" and "Content-Length" not in request
    assert (response["Connection"], response["Upgrade"]) == ("Upgrade", "websocket")
    assert (response["Sec-WebSocket-Accept"], response["Via"]) == (ACCEPT, "1.1 vif")
    assert "content-length" not in response and "transfer-encoding" not in response
    client.send(b"hello")
    assert client.take(5) == b"hello"


def test_bytes_around_the_handshake_are_not_lost(proxy):
    """Behind the request, and behind the 101."""
    vif, _ = proxy(granting(echoing, behind=b"first"))
    client, _ = upgraded(vif, more=b"second")
    assert client.take(11) == b"firstsecond"


@pytest.mark.parametrize("value", ["websocket", "WebSocket", "foo, websocket", "h2c, websocket, foo"])
def test_one_protocol_of_a_list_is_forwarded(proxy, value):
    vif, origin = proxy(granting())
    upgraded(vif, fields={**HANDSHAKE, "Upgrade": value})
    assert origin.requests[-1]["Upgrade"].lower() == "websocket"


@pytest.mark.parametrize("fields", [
    {**HANDSHAKE, "Upgrade": "h2c"}, {**HANDSHAKE, "Upgrade": "foo"}, {**HANDSHAKE, "Connection": "keep-alive"},
    {"Connection": "Upgrade"}, {**HANDSHAKE, "Content-Length": "2"}], ids=range(5))
def test_what_is_not_an_upgrade_is_an_ordinary_request(proxy, fields):
    vif, origin = proxy()
    body = b"xy" if "Content-Length" in fields else None
    response = vif.exchange("GET", "/", fields, body=body)
    assert response.status == 200
    assert "Upgrade" not in origin.requests[-1] and "Connection" not in origin.requests[-1]


def test_http_1_0_cannot_upgrade(proxy):
    vif, origin = proxy()
    with vif.connect() as client:
        client.send(wire.request_bytes("GET", "/", HANDSHAKE, version="HTTP/1.0"))
        assert client.read_response().status == 200
    assert "Upgrade" not in origin.requests[-1]


def test_other_protocols_can_be_allowed(proxy):
    grant = GRANT.replace(b"websocket", b"chat/2")

    def script(peer):
        peer.read_request()
        peer.send(grant)
        echoing(peer)

    vif, origin = proxy(script, upgrade=["chat/2"])
    client, response = upgraded(vif, fields={**HANDSHAKE, "Upgrade": "websocket, Chat/2"})
    assert response["Upgrade"] == "Chat/2" == origin.requests[-1]["Upgrade"]
    client.send(b"x")
    assert client.take(1) == b"x"


def test_upgrades_can_be_forbidden(proxy):
    vif, origin = proxy(upgrade=[])
    assert vif.get("/", HANDSHAKE).status == 200
    assert "Upgrade" not in origin.requests[-1]


@pytest.mark.parametrize("grant", [GRANT.replace(b"websocket", b"other"), GRANT.replace(b"Upgrade: websocket\r\n", b""),
                                   GRANT.replace(b"Upgrade: websocket", b"Upgrade: websocket, x")])
def test_another_protocol_than_asked_for_is_refused(proxy, grant):
    vif, _ = proxy(lambda peer: peer.read_request() and peer.send(grant) and False)
    assert vif.get("/", HANDSHAKE).status == 502
    assert log_lines(vif, 1)[0]["upstream_cause"] == "unasked_upgrade"


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "426 Upgrade Required"])
def test_a_server_may_decline(proxy, status):
    """Its answer is passed on, and the connections live on."""
    vif, origin = proxy(lambda peer: peer.read_request() and peer.answer("no", status=status))
    with vif.connect() as client:
        for _ in range(2):
            response = client.exchange("GET", "/", HANDSHAKE)
            assert (response.status, response.body) == (int(status[:3]), b"no")
    assert origin.connection_count == 1


def test_a_request_behind_a_declined_upgrade_is_one(proxy):
    vif, origin = proxy(lambda peer: peer.read_request() and peer.answer("no"))
    with vif.connect() as client:
        client.send(wire.request_bytes("GET", "/one", HANDSHAKE) + wire.request_bytes("GET", "/two"))
        assert client.read_response().body == client.read_response().body == b"no"
    assert [request.target for request in origin.requests] == ["/one", "/two"]


# ---- bytes ----

def test_much_passes_both_ways_at_once(proxy):
    """With both sides as fast as they can, so that each has to wait for the other."""
    vif, _ = proxy(granting(echoing))
    client, _ = upgraded(vif)
    data = os.urandom(MIB) * 16
    assert client.send_and_take(data) == data


def test_a_side_that_takes_nothing_stops_the_other(proxy):
    """What is held for it is bounded."""
    sent = []

    def flood(peer):
        peer.socket.settimeout(1)
        try:
            while peer.socket.send(bytes(65536)):
                sent.append(65536)
        except TimeoutError:
            peer.socket.settimeout(wire.TIME_LIMIT)
            sent.append(None)
        peer.wait_for_end()

    vif, _ = proxy(granting(flood))
    client, _ = upgraded(vif)
    wire.wait_until(lambda: sent and sent[-1] is None, "the server to be stopped")
    assert sum(sent[:-1]) < wire.held_by_kernel(2) + MIB
    total = sum(sent[:-1])
    client.take(total // 2)


@pytest.mark.parametrize("first", ["client", "server"])
def test_each_side_ends_by_itself(proxy, first):
    """One side may go on after the end of the other's."""
    def server(peer):
        if first == "client":
            peer.wait_for_end()
            peer.send(b"late" + peer.pending)
        else:
            peer.send(b"bye")
            peer.socket.shutdown(socket.SHUT_WR)
            peer.wait_for_end()
            got.append(peer.pending)

    got = []
    if protocols.IS_SECURE and first == "client":
        pytest.skip("Python's TLS closes both sides at once")
    vif, _ = proxy(granting(server))
    client, _ = upgraded(vif)
    if first == "client":
        client.send(b"early")
        client.finish_sending()
        assert client.take_to_end() == b"lateearly"
        return
    assert client.take(3) == b"bye"
    take_end(client)
    client.send(b"still here")
    client.finish_sending()
    wire.wait_until(lambda: got, "the client's end")
    assert got[0] == b"still here"


def test_the_end_follows_the_last_byte(proxy):
    """Although the server takes nothing until all of it has been sent, as far as there is room."""
    got, may_read = [], threading.Event()

    def server(peer):
        may_read.wait(wire.TIME_LIMIT)
        peer.wait_for_end()
        got.append(len(peer.pending))

    vif, _ = proxy(granting(server))
    client, _ = upgraded(vif)
    client.socket.settimeout(1)
    sent = 0
    with pytest.raises(TimeoutError):
        while True:
            sent += client.socket.send(bytes(65536))
    client.socket.settimeout(wire.TIME_LIMIT)
    may_read.set()
    client.socket.shutdown(socket.SHUT_WR)
    wire.wait_until(lambda: got, "the server's end")
    assert got == [sent]


def test_a_server_that_breaks_cuts_its_client(proxy):
    vif, _ = proxy(granting(lambda peer: peer.take(1) and peer.reset()))
    client, _ = upgraded(vif)
    client.send(b"x")
    if protocols.IS_SECURE:  # Python takes a cut of TLS for an end
        client.take_at_most(1)
    else:
        with pytest.raises(ConnectionResetError):
            client.take_to_end()
    line = log_lines(vif, 1)[0]
    assert (line["outcome"], line["upstream_cause"]) == ("upstream_failed", "reset")


def test_a_client_that_breaks_cuts_its_server(proxy):
    ends = []

    def server(peer):
        try:
            peer.socket.recv(1)
            ends.append("end")
        except ConnectionResetError:
            ends.append("reset")

    vif, _ = proxy(granting(server))
    client, _ = upgraded(vif)
    client.reset()
    wire.wait_until(lambda: ends, "the server's end")
    assert ends == ["reset"]
    assert log_lines(vif, 1)[0]["outcome"] == "client_left"


# ---- time ----

def test_a_quiet_tunnel_ends_in_order(proxy):
    vif, origin = proxy(granting(lambda peer: peer.wait_for_end()), tunnel_idle_timeout="300ms")
    client, _ = upgraded(vif)
    began = time.monotonic()
    take_end(client)
    assert time.monotonic() - began >= 0.25
    line = log_lines(vif, 1)[0]
    assert (line["outcome"], line["upstream_cause"]) == ("timed_out", "tunnel_idle")


@pytest.mark.parametrize("side", ["client", "server"])
def test_bytes_of_one_side_keep_it_open(proxy, side):
    def server(peer):
        for _ in range(8):
            time.sleep(0.15)
            if side == "server":
                peer.send(b"x")
        peer.send(b"end")

    vif, _ = proxy(granting(server), tunnel_idle_timeout="700ms")
    client, _ = upgraded(vif)
    if side == "client":
        for _ in range(8):
            client.send(b"x")
            time.sleep(0.15)
    assert client.take(11 if side == "server" else 3).endswith(b"end")


def test_other_timeouts_do_not_end_it(proxy):
    vif, _ = proxy(granting(echoing), between_bytes_timeout="200ms", idle_timeout="200ms", send_timeout="200ms",
                   timeouts={"idle": "200ms", "body": "200ms", "head": "200ms", "write": "200ms"}, limits={"body": "1KiB"})
    client, _ = upgraded(vif)
    time.sleep(1)
    client.send(b"x" * 4096)
    assert client.take(4096) == b"x" * 4096


# ---- clients that take nothing ----

def flooding(then=lambda peer: None):
    """An origin that grants an upgrade, sends until it is stopped, and then does `then`. Others get an answer."""
    def flood(peer):
        peer.socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                peer.socket.send(bytes(65536))
        peer.socket.settimeout(wire.TIME_LIMIT)
        then(peer)

    def script(peer):
        request = peer.read_request()
        if request is None:
            return False
        if "Upgrade" not in request:
            return peer.answer("plain")
        peer.send(GRANT)
        flood(peer)
        return False

    return script


def reset(peer):
    peer.reset()


def wait(peer):
    peer.wait_for_end()


# select(2) does not tell of a reset behind bytes that nobody reads: there the time without a byte ends it.
CAUSES = {reset: ["tunnel_idle" if vif_process.BACKEND == "select" else "reset"], wait: ["tunnel_idle"]}


@pytest.mark.parametrize("then", [wait, reset])
def test_a_client_that_takes_nothing_does_not_stay_behind_its_server(proxy, then):
    """Its connection ends within the time to send, or at once behind a server that was cut."""
    vif, _ = proxy(flooding(then), tunnel_idle_timeout="1500ms", timeouts={"write": "500ms"})
    client = vif.connect(receive_buffer=4096)
    client.send(wire.request_bytes("GET", "/chat", HANDSHAKE))
    line = log_lines(vif, 1)[0]
    assert [line["upstream_cause"]] == CAUSES[then]
    assert line["outcome"] == ("timed_out" if line["upstream_cause"] == "tunnel_idle" else "upstream_failed")
    client.take_at_most(1 << 30)


@pytest.mark.parametrize("then", [wait, reset])
def test_a_place_does_not_wait_for_a_client_that_takes_nothing(proxy, then):
    """The server has ended: another request has its place, while the client is still there."""
    options = {"connections": 1, "queue_timeout": "15s", "tunnel_idle_timeout": "1500ms"}
    vif, _ = proxy(flooding(then), **options, timeouts={"write": "1h"})
    client = vif.connect(receive_buffer=4096)
    client.send(wire.request_bytes("GET", "/chat", HANDSHAKE))
    assert client.read_head().status == 101
    assert vif.get("/plain").body == b"plain"
    assert then is reset or [line["status"] for line in log_lines(vif, 1)] == [200]


def test_what_a_server_said_before_its_end_outlives_its_reset(proxy):
    """A server that has ended its side resets when it gets more: the client still takes all that it said."""
    def server(peer):
        peer.send(b"x" * 100_000)
        peer.socket.shutdown(socket.SHUT_WR)
        peer.take(1)
        peer.reset()

    vif, _ = proxy(granting(server))
    client, _ = upgraded(vif)
    assert len(client.take(100_000)) == 100_000
    take_end(client)

    def notices():
        """Not every backend hears of a reset behind a FIN by itself."""
        with contextlib.suppress(ConnectionError):
            client.send(b"y")
        return vif.stdout()

    wire.wait_until(notices, "the reset")
    line = log_lines(vif, 1)[0]
    assert (line["outcome"], line["upstream_cause"], line["bytes"]) == ("upstream_failed", "reset", 100_000)


# ---- settings, shutdown, logs ----

def test_it_outlives_a_change_of_settings(server, origins):
    origin = origins(granting(echoing))
    vif = server(config=forwarding(origin))
    client, _ = upgraded(vif)
    config = json.loads(vif.config_path.read_text(encoding="utf-8"))
    config["sites"] = [{"routes": {"/": {"respond": "other"}}}]
    vif.config_path.write_text(json.dumps(config), encoding="utf-8")
    vif.process.send_signal(signal.SIGHUP)
    wire.wait_until(lambda: vif.get("/").body == b"other", "the new settings")
    client.send(b"still")
    assert client.take(5) == b"still"
    client.close()


def test_it_ends_in_order_when_vif_shuts_down(proxy):
    """At the first pause: what is on its way arrives."""
    ends = []

    def server(peer):
        peer.wait_for_end()
        ends.append(len(peer.pending))

    vif, _ = proxy(granting(server))
    client, _ = upgraded(vif)
    client.send(b"x" * 5000)
    began = time.monotonic()
    vif.process.send_signal(signal.SIGTERM)
    take_end(client)
    assert time.monotonic() - began < 10
    client.close()
    assert vif.process.wait(vif_process.STOP_SECONDS) == 0
    assert ends == [5000]
    line = log_lines(vif, 1)[0]
    assert (line["outcome"], line["upstream_cause"]) == ("shutdown", "drained")


def test_a_busy_one_ends_soon_all_the_same(proxy):
    def server(peer):
        while peer.send(b"x"):
            time.sleep(0.05)

    vif, _ = proxy(granting(server))
    client, _ = upgraded(vif)
    vif.process.send_signal(signal.SIGTERM)
    client.take_to_end()
    client.close()
    assert vif.process.wait(vif_process.STOP_SECONDS) == 0


def test_its_line_is_logged_at_its_end(proxy):
    vif, origin = proxy(granting(echoing, behind=b"12345"))
    client, _ = upgraded(vif, fields={**HANDSHAKE, "User-Agent": "ws/1", "Referer": "http://x/"})
    client.send(b"abc")
    client.take(8)
    time.sleep(0.2)
    assert vif.stdout() == ""
    client.close()
    line = log_lines(vif, 1)[0]
    assert (line["method"], line["target"], line["status"]) == ("GET", "/chat?x", 101)
    assert (line["bytes"], line["received"], line["outcome"]) == (8, 3, "complete")
    assert (line["user_agent"], line["referer"], line["host"]) == ("ws/1", "http://x/", "localhost")
    assert line["upstream"] == origin.url and line["upstream_head_us"] > 0
    assert line["duration_us"] >= 200_000


def test_tunnels_are_counted(server, origins):
    origin = origins(granting(echoing))
    port = vif_process.free_port()
    config = forwarding(origin)
    listen = vif_process.free_port()
    vif = server(config={**config, "listen": [f"127.0.0.1:{listen}", {"address": f"127.0.0.1:{port}", "admin": True}]},
                 port=listen)

    def metric(name):
        with wire.Client(("127.0.0.1", port)) as admin:
            text = admin.exchange("GET", "/metrics").body.decode()
        return int(re.search(rf'^vif_{name}{{worker="0"}} (\d+)$', text, re.MULTILINE)[1])

    client, _ = upgraded(vif)
    client.send(b"hello")
    client.take(5)
    assert (metric("tunnels_total"), metric("tunnels_open")) == (1, 1)
    assert (metric("tunnel_bytes_received_total"), metric("tunnel_bytes_sent_total")) == (5, 5)
    client.close()
    wire.wait_until(lambda: metric("tunnels_open") == 0, "the end of the tunnel")
    wire.wait_until(lambda: metric("upstream_connections_open") == 0, "the server's end")
