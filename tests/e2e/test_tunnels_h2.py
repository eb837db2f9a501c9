"""Tunnels of HTTP/2 clients: extended CONNECT (RFC 8441), of which a server behind vif gets an upgrade of HTTP/1.1."""
import base64
import signal
import socket
import struct
import threading
import time

import pytest

pytest.importorskip("hpack")

import h2_wire
import vif as vif_process
import wire
from proxies import log_lines, origins, proxy  # noqa: F401
from test_tunnels import GRANT, echoing, granting

if "nghttp2" not in vif_process.run("version").stdout:
    pytest.skip("vif is built without HTTP/2", allow_module_level=True)

ENABLE_CONNECT_PROTOCOL = 8


class Client(h2_wire.Client):
    """Notes the settings of the server."""

    def __init__(self, server, **options):
        super().__init__(server, **options)
        self.settings = {}
        while not self.settings:
            kind, flags, _, payload = self.read_frame()
            if kind == h2_wire.SETTINGS and not flags & h2_wire.ACK:
                self.settings = dict(struct.iter_unpack(">HI", payload))

    def tunnel(self, protocol="websocket", path="/chat", headers=(("sec-websocket-version", "13"),), end=False):
        """Asks for one; returns its stream."""
        self.next_stream()
        fields = [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":path", path),
                  (":authority", "localhost"), *headers]
        flags = h2_wire.END_HEADERS | (h2_wire.END_STREAM if end else 0)
        self.send(h2_wire.frame(h2_wire.HEADERS, flags, self.last_stream, self.encoder.encode(fields)))
        return self.last_stream

    def open(self, **options):
        stream = self.tunnel(**options)
        got = self.read_until(h2_wire.HEADERS)
        assert got[2] == stream and got[3][":status"] == "200", got
        assert not got[1] & h2_wire.END_STREAM
        return stream, got[3]

    def data(self, stream, content=b"", end=False):
        self.send(h2_wire.frame(h2_wire.DATA, h2_wire.END_STREAM if end else 0, stream, content))

    def take(self, stream, length):
        """So much content of the stream."""
        content = b""
        while len(content) < length:
            kind, flags, of, payload = self.read_until(h2_wire.DATA, h2_wire.RST_STREAM)
            assert (kind, of) == (h2_wire.DATA, stream), (kind, of, payload)
            self.give_back(stream, len(payload), flags)
            content += payload
        return content

    def take_end(self, stream):
        kind, flags, of, payload = self.read_until(h2_wire.DATA, h2_wire.RST_STREAM)
        assert (kind, of, payload) == (h2_wire.DATA, stream, b"") and flags & h2_wire.END_STREAM


def test_a_tunnel_goes_on_after_much_came_at_once(proxy):
    """The server is not read while there is no room, and again when the client has taken what there was."""
    much = 100 << 10

    def script(peer):
        while peer.take(1):
            peer.socket.sendall(b"x" * much)
        return False

    vif, _ = proxy(granting(script))
    client = Client(vif, window=1 << 20)
    stream, _ = client.open()
    for _ in range(20):
        client.data(stream, b"?")
        assert client.take(stream, much) == b"x" * much


def test_extended_connect_becomes_an_upgrade(proxy):
    vif, origin = proxy(granting(echoing, behind=b"hi"))
    client = Client(vif)
    assert client.settings[ENABLE_CONNECT_PROTOCOL] == 1
    stream, headers = client.open(path="/chat?x")
    request = origin.requests[-1]
    assert (request.method, request.target, request.version) == ("GET", "/chat?x", "HTTP/1.1")
    assert (request["Connection"], request["Upgrade"]) == ("Upgrade", "websocket")
    assert len(base64.b64decode(request["Sec-WebSocket-Key"], validate=True)) == 16
    assert request["Sec-WebSocket-Version"] == "13" and "Transfer-Encoding" not in request
    assert not {"upgrade", "connection", "sec-websocket-accept", "content-length"} & set(headers)
    assert client.take(stream, 2) == b"hi"
    client.data(stream, b"hello")
    assert client.take(stream, 5) == b"hello"


def test_keys_differ(proxy):
    vif, origin = proxy(granting(echoing))
    client = Client(vif)
    client.open()
    client.open()
    assert len({request["Sec-WebSocket-Key"] for request in origin.requests}) == 2


def test_several_tunnels_and_requests_share_a_connection(proxy):
    vif, _ = proxy(echo_or_answer)
    client = Client(vif)
    streams = [client.open()[0] for _ in range(3)]
    for number, stream in enumerate(streams):
        client.data(stream, b"%d" % number)
        assert client.take(stream, 1) == b"%d" % number
    assert client.get("/plain")[1] == b"plain"


def echo_or_answer(peer):
    request = peer.read_request()
    if request is None:
        return False
    if "Upgrade" not in request:
        return peer.answer("plain")
    peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    echoing(peer)
    return False


def test_much_passes_both_ways(proxy):
    vif, _ = proxy(granting(echoing))
    client = Client(vif, window=1 << 20)
    stream, _ = client.open()
    for number in range(64):
        data = bytes([number]) * 16384
        client.data(stream, data)
        assert client.take(stream, len(data)) == data


@pytest.mark.parametrize("first", ["client", "server"])
def test_the_end_of_a_side_is_end_stream(proxy, first):
    def server(peer):
        if first == "client":
            peer.wait_for_end()
            peer.send(b"late" + peer.pending)
        else:
            peer.socket.shutdown(1)
            peer.wait_for_end()
            got.append(peer.pending)

    got = []
    vif, _ = proxy(granting(server))
    client = Client(vif)
    stream, _ = client.open()
    if first == "client":
        client.data(stream, b"early", end=True)
        assert client.take(stream, 9) == b"lateearly"
        client.take_end(stream)
    else:
        client.take_end(stream)
        client.data(stream, b"still", end=True)
        wire.wait_until(lambda: got, "the client's end")
        assert got == [b"still"]
    assert log_lines(vif, 1)[0]["status"] == 200


def test_a_reset_of_either_side_cuts_the_other(proxy):
    ends = []

    def server(peer):
        try:
            if peer.take(1) == b"r":
                peer.reset()
                return
            ends.append("end")
        except ConnectionResetError:
            ends.append("reset")

    vif, _ = proxy(granting(server))
    client = Client(vif)
    stream, _ = client.open()
    client.data(stream, b"r")
    assert client.read_until(h2_wire.RST_STREAM)[2] == stream
    stream, _ = client.open()
    client.send(h2_wire.frame(h2_wire.RST_STREAM, 0, stream, struct.pack(">I", h2_wire.CANCEL)))
    wire.wait_until(lambda: ends, "the server's end")


@pytest.mark.parametrize("status, seen", [("200 OK", "502"), ("403 Forbidden", "403")])
def test_a_server_that_declines_gives_no_tunnel(proxy, status, seen):
    """2xx would mean that there is one."""
    vif, _ = proxy(lambda peer: peer.read_request() and peer.answer("no", status=status))
    client = Client(vif)
    stream = client.tunnel()
    assert client.read_until(h2_wire.HEADERS)[3][":status"] == seen
    assert log_lines(vif, 1)[0].get("upstream_cause") == ("not_upgraded" if seen == "502" else None)
    assert stream == 1


def test_only_what_is_allowed_is_connected(server, origins):
    origin = origins(granting(echoing))
    vif = server(config={"sites": [{"routes": {
        "/": {"proxy": origin.url}, "/text": {"respond": "text"}, "/none": {"proxy": {"to": origin.url, "upgrade": []}}}}]})
    client = Client(vif)
    for options in ({"path": "/text"}, {"protocol": "other"}, {"path": "/none"}):
        client.tunnel(**options)
        assert client.read_until(h2_wire.HEADERS)[3][":status"] == "501"
    assert not origin.requests


def test_it_is_not_offered_without_a_route_for_it(server):
    vif = server(config={"sites": [{"routes": {"/": {"respond": "text"}}}]})
    assert ENABLE_CONNECT_PROTOCOL not in Client(vif).settings


def test_limits_of_content_and_time_are_not_for_tunnels(proxy):
    vif, _ = proxy(granting(echoing), timeouts={"idle": "200ms", "body": "200ms", "write": "200ms"},
                   limits={"body": "1KiB"})
    client = Client(vif)
    stream, _ = client.open()
    time.sleep(1)
    client.data(stream, b"x" * 8192)
    assert client.take(stream, 8192) == b"x" * 8192


def test_the_limit_of_content_is_not_for_what_comes_before_the_server_agrees(proxy):
    may_grant = threading.Event()

    def agree(peer):
        if peer.read_request() and may_grant.wait(30):
            peer.send(GRANT)
            echoing(peer)
        return False

    vif, origin = proxy(agree, limits={"body": "1KiB"})
    client = Client(vif)
    stream = client.tunnel()
    wire.wait_until(lambda: origin.requests, "the request to be forwarded")
    client.data(stream, b"x" * 2000)
    client.send(h2_wire.frame(h2_wire.PING, 0, 0, bytes(8)))
    assert client.read_until(h2_wire.PING, h2_wire.RST_STREAM, h2_wire.HEADERS)[0] == h2_wire.PING
    may_grant.set()
    assert client.read_until(h2_wire.HEADERS)[3][":status"] == "200"
    assert client.take(stream, 2000) == b"x" * 2000


MORE_THAN_A_WINDOW = bytes(65535 + 1)  # and so little that vif goes on reading, and sees the server's end


def ending(peer):
    peer.send(MORE_THAN_A_WINDOW)
    peer.socket.shutdown(socket.SHUT_WR)
    peer.wait_for_end()


def breaking(peer):
    peer.send(MORE_THAN_A_WINDOW)
    peer.take(1)
    peer.reset()


def test_a_client_that_gives_no_window_does_not_stay_behind_its_server(proxy):
    vif, _ = proxy(granting(ending), timeouts={"write": "500ms"})
    client = Client(vif)
    client.open()
    line = log_lines(vif, 1)[0]
    assert (line["outcome"], line["bytes"]) == ("timed_out", 65535)


def test_a_client_that_gives_no_window_is_cut_off_at_once(proxy):
    vif, _ = proxy(granting(breaking), timeouts={"write": "1h"})
    client = Client(vif)
    stream, _ = client.open()
    got = 0
    while got < 65535:
        got += len(client.read_until(h2_wire.DATA)[3])
    client.data(stream, b"x")
    assert client.read_until(h2_wire.RST_STREAM)[2] == stream
    line = log_lines(vif, 1)[0]
    assert (line["outcome"], line["upstream_cause"]) == ("upstream_failed", "reset")


def test_a_place_does_not_wait_for_a_window(proxy):
    """The server has ended: another request has its place, while the stream is still there."""
    def script(peer):
        request = peer.read_request()
        if request is None:
            return False
        if "Upgrade" not in request:
            return peer.answer("plain")
        peer.send(GRANT)
        ending(peer)
        return False

    vif, _ = proxy(script, connections=1, queue_timeout="15s", timeouts={"write": "1h"})
    client = Client(vif)
    client.open()
    assert vif.get("/plain").body == b"plain"


def test_a_quiet_one_ends_in_order(proxy):
    vif, _ = proxy(granting(lambda peer: peer.wait_for_end()), tunnel_idle_timeout="300ms")
    client = Client(vif)
    stream, _ = client.open()
    client.take_end(stream)
    line = log_lines(vif, 1)[0]
    assert (line["outcome"], line["upstream_cause"]) == ("timed_out", "tunnel_idle")


def test_it_ends_in_order_when_vif_shuts_down(proxy):
    vif, _ = proxy(granting(lambda peer: peer.wait_for_end()))
    client = Client(vif)
    stream, _ = client.open()
    vif.process.send_signal(signal.SIGTERM)
    client.take_end(stream)
    assert client.is_closed()
    assert vif.process.wait(vif_process.STOP_SECONDS) == 0


def test_its_line_has_the_bytes_of_both_sides(proxy):
    vif, _ = proxy(granting(echoing))
    client = Client(vif)
    stream, _ = client.open()
    client.data(stream, b"abc", end=True)
    assert client.take(stream, 3) == b"abc"
    client.take_end(stream)
    line = log_lines(vif, 1)[0]
    assert (line["method"], line["target"], line["status"], line["version"]) == ("CONNECT", "/chat", 200, "2.0")
    assert (line["bytes"], line["received"], line["outcome"]) == (3, 3, "complete")


def test_a_client_that_leaves_is_noticed_at_once(proxy):
    """Its FIN without the end of the stream cuts the tunnel off, though the server may have more to say."""
    ends = []

    def server(peer):
        try:
            ends.append(peer.take(1))
        except ConnectionResetError:
            ends.append("reset")

    vif, _ = proxy(granting(server), timeouts={"write": "1h", "idle": "1h"})
    client = Client(vif)
    client.open()
    client.socket.shutdown(socket.SHUT_WR)
    wire.wait_until(lambda: ends, "the server's end")
    assert log_lines(vif, 1)[0]["outcome"] == "client_left"


def test_a_client_that_has_said_all_gets_the_rest(proxy):
    """It may close its side of the connection, too."""
    def server(peer):
        peer.wait_for_end()
        peer.send(b"rest")

    vif, _ = proxy(granting(server))
    client = Client(vif)
    stream, _ = client.open()
    client.data(stream, b"all", end=True)
    client.socket.shutdown(socket.SHUT_WR)
    client.send = lambda data: None  # no acknowledgements any more
    assert client.take(stream, 4) == b"rest"
    client.take_end(stream)
