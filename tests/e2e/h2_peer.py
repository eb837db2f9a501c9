"""Peers of HTTP/2 that break the rules, and what vif is to do about it: RFC 9113 knows errors of a connection, errors of
a stream, and what is passed over. Each is checked together with those who must not notice: another connection, and
where the connection goes on, another stream of it.
"""
import struct
from dataclasses import dataclass

import pytest

import h2_wire as wire
import protocols
import vif
from h2_wire import END_HEADERS, END_STREAM, frame

SMALL = b"small content\n"
WINDOW = 1000  # of the peers' streams
LARGE = bytes(range(250)) * 20  # more than the window


def integer(value, prefix, first):
    """RFC 7541 section 5.1; the bits in front of the number are `first`."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([first | value])
    encoded, value = [first | most], value - most
    while value > 127:
        encoded.append(128 | value & 127)
        value >>= 7
    return bytes([*encoded, value])


def literal(name, value, first=0x00):
    """A header that is not remembered (0x00), must never be (0x10), or is (0x40)."""
    name, value = (text.encode() if isinstance(text, str) else text for text in (name, value))
    return bytes([first]) + integer(len(name), 7, 0) + name + integer(len(value), 7, 0) + value


class Literals:
    """In the place of hpack's encoder: what the tables hold is what a test has put there."""

    @staticmethod
    def encode(headers):
        return b"".join(literal(name, value) for name, value in headers)


class Misbehaviour:
    """Has Client or SecureClient beneath it: a connection with a download that waits for a window, and which gets the
    rest in the end."""

    def __init__(self, server):
        super().__init__(server, introduce=False)
        self.encoder = Literals()
        self.pings = 0
        self.bystander, self.bystander_content, self.bystander_waits = None, b"", True

    def begin(self):
        """Both sides have seen the settings of the other one."""
        self.introduce(WINDOW)
        while self.read_until(wire.SETTINGS)[1] != wire.ACK:
            pass
        self.bystander = self.ask("/large.bin")
        while len(self.bystander_content) < WINDOW:
            self.read_until(wire.DATA)
        return self

    def send(self, data):
        """Where vif has closed already, what it said before tells why."""
        try:
            super().send(data)
        except OSError:
            pass

    def read_frame(self):
        got = super().read_frame()
        if got and got[0] == wire.DATA and got[2] == self.bystander:
            self.bystander_content += got[3]
            self.bystander_waits = not got[1] & END_STREAM
        return got

    # What is sent, as bytes; last_stream is the stream that it is about.

    def opened(self, *headers, path="/small.txt", method="OPTIONS"):
        """A stream that is open: content is to follow."""
        return self.head(path, method=method, headers=headers, end=False)

    def half_closed(self):
        """The request is complete; the response waits for a window."""
        return self.head("/large.bin")

    def closed(self):
        """Both have ended it."""
        assert self.get("/small.txt")[1] == SMALL
        return b""

    def reset(self):
        return self.opened() + frame(wire.RST_STREAM, 0, self.last_stream, bytes(4))

    def of_last(self, kind, payload, flags=0):
        return frame(kind, flags, self.last_stream, payload)

    def block(self, encoded, flags=END_HEADERS | END_STREAM):
        """HEADERS on a new stream that are encoded already."""
        return frame(wire.HEADERS, flags, self.next_stream(), encoded)

    def fields(self, *headers, flags=END_HEADERS | END_STREAM):
        """HEADERS on a new stream of these and no others, as they are."""
        return self.block(self.encoder.encode(headers), flags)

    # What comes back.

    def goes_on(self):
        """A PING is answered, and so is a request; the other stream ends well."""
        self.pings += 1
        opaque = struct.pack(">Q", self.pings)
        self.send(frame(wire.PING, 0, 0, opaque))
        while self.read_until(wire.PING)[1:] != (wire.ACK, 0, opaque):
            pass
        others = []
        if self.bystander_waits:
            self.credit(self.bystander, len(LARGE))
            others = [self.bystander]
        stream = self.ask("/small.txt")
        assert self.answers(stream, *others, credits=False)[stream][1] == SMALL
        assert self.bystander_content == LARGE


class Plain(Misbehaviour, wire.Client):
    pass


class Secure(Misbehaviour, wire.SecureClient):
    pass


@dataclass(frozen=True)
class Ends:
    """The connection ends with this code: GOAWAY, and it is closed."""

    code: int

    def check(self, peer):
        assert peer.goaway()[1] == self.code
        assert peer.is_closed()


@dataclass(frozen=True)
class Resets:
    """The last stream ends with this code, and nothing else does."""

    code: int

    def check(self, peer):
        assert peer.answers(peer.last_stream)[peer.last_stream] == self.code
        peer.goes_on()


@dataclass(frozen=True)
class Answers:
    """The last stream has this status."""

    status: int

    def check(self, peer):
        assert peer.answers(peer.last_stream)[peer.last_stream][0][":status"] == str(self.status)
        peer.goes_on()


class PassesOver:
    """Nothing comes of it."""

    @staticmethod
    def check(peer):
        peer.goes_on()


PASSES_OVER = PassesOver()


class Target:
    """A server, spoken to in one of its ways, beside a connection that is always there."""

    def __init__(self, server, kind, port):
        self.server = server
        self.host, self.port = server.host, port
        self.kind = kind
        self.peers = []
        self.witness = self.connect().begin()

    def connect(self):
        self.peers.append(self.kind(self))
        return self.peers[-1]

    def finish(self):
        for peer in self.peers:
            peer.socket.close()

    def judge(self, act, reaction):
        """`act` gets a peer, and returns what it sends."""
        peer = self.connect().begin()
        peer.send(act(peer))
        reaction.check(peer)
        peer.socket.close()
        self.check_witness()

    def check_witness(self):
        assert self.witness.get("/small.txt")[1] == SMALL
        self.server.check_alive()


@pytest.fixture(scope="module", name="target", params=["h2c", "h2"])
def fixture_target(request, module_server, tmp_path_factory):
    is_secure = request.param == "h2"
    if is_secure and "OpenSSL" not in vif.run("version").stdout:
        pytest.skip("vif is built without TLS")
    root = tmp_path_factory.mktemp("peers")
    (root / "small.txt").write_bytes(SMALL)
    (root / "large.bin").write_bytes(LARGE)
    plain = vif.free_port()
    port = vif.free_port() if is_secure else plain
    listen = [f"127.0.0.1:{plain}"]
    if is_secure:
        certificate, key = map(str, protocols.certificate())
        listen.append({"address": f"127.0.0.1:{port}", "tls": {"certificate": certificate, "key": key}})
    config = {"listen": listen, "sites": [{"routes": {"/": {"files": str(root)}}}],
              "timeouts": {"idle": "1h", "write": "1h", "body": "1h"}}  # however long the machine takes
    target = Target(module_server(config=config, port=plain), Secure if is_secure else Plain, port)
    yield target
    target.finish()
