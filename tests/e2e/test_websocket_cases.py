"""What WebSocket programs send each other, well-formed or not (RFC 6455), reaches the other side as it was sent: over
HTTP/1, and over HTTP/2 (RFC 8441). The cases are those of Autobahn's test suite, by its chapters; the oracle is the same
server without vif between. vif does not read what passes: a server of vif's kind has nothing to add to it.
"""
import collections
import contextlib
import os
import struct
import threading
import zlib

import pytest

pytest.importorskip("websockets")

import wire
from proxies import forwarding
from test_tunnels import HANDSHAKE
from test_websocket import Program

MIB = 1 << 20

try:
    import h2_wire
    from test_tunnels_h2 import Client
except BaseException:  # hpack, or nghttp2 in vif, is missing  # pylint: disable=broad-except
    Client = None

if Client:
    class Windowed(Client):
        """Counts what vif lets it send, from the first frame on."""

        def __init__(self, server):
            self.windows = collections.Counter({0: 65535})
            super().__init__(server, window=MIB)

        def read_frame(self):
            got = super().read_frame()
            if got and got[0] == h2_wire.WINDOW_UPDATE:
                self.windows[got[2]] += struct.unpack(">I", got[3])[0]
            return got

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def masked(payload, mask):
    key = (mask * (len(payload) // 4 + 1))[:len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")


def frame(opcode, payload=b"", fin=True, reserved=0, mask=b"\x12\x34\x56\x78"):
    length = len(payload)
    short = length if length < 126 else 126 if length < 65536 else 127
    more = b"" if length < 126 else struct.pack(">H", length) if length < 65536 else struct.pack(">Q", length)
    return bytes([fin << 7 | reserved << 4 | opcode, 0x80 | short]) + more + mask + masked(payload, mask)


def closing(code=1000, reason=b""):
    return frame(CLOSE, struct.pack(">H", code) + reason)


def pieces(opcode, *payloads, between=b""):
    """A message in fragments, with other frames between them."""
    last = len(payloads) - 1
    return between.join(frame(CONTINUED if number else opcode, payload, fin=number == last)
                        for number, payload in enumerate(payloads))


def deflated(text):
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


BROKEN, NO_TEXT = 1002, 1007  # with what the server closes
UTF8 = "κόσμε \U0001f600".encode()

CASES = {}  # name: (bytes, frames that answer them, what is sent then, code of the server's close)


def good(name, data, answers=1):
    CASES[name] = (data, answers, closing(), 1000)


def ends(name, data, code):
    """The server closes by itself, or in answer to a close."""
    CASES[name] = (data, 0, b"", code)


for size in (0, 125, 126, 127, 128, 65535, 65536):
    good(f"1.text-{size}", frame(TEXT, b"*" * size))
    good(f"1.binary-{size}", frame(BINARY, b"\xfe" * size))
for size in (0, 5, 125):
    good(f"2.ping-{size}", frame(PING, b"\xff" * size))
ends("2.ping-126", frame(PING, b"*" * 126), BROKEN)
good("2.pong-unasked", frame(PONG, b"x") + frame(PING, b"y"))
good("2.ten-pings", b"".join(frame(PING, b"%d" % number) for number in range(10)), 10)
for reserved in (1, 2, 4, 7):
    ends(f"3.reserved-{reserved}", frame(TEXT, b"x", reserved=reserved), BROKEN)
for opcode in (3, 7, 11, 15):
    ends(f"4.opcode-{opcode}", frame(opcode, b"x"), BROKEN)
good("5.fragments", pieces(TEXT, b"a", b"", b"b"))
good("5.ping-between", pieces(TEXT, b"a", b"b", b"c", between=frame(PING, b"p")), 3)
ends("5.a-fragment-of-ping", frame(PING, b"x", fin=False), BROKEN)
ends("5.continued-nothing", frame(CONTINUED, b"x"), BROKEN)
ends("5.text-in-fragments", frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), BROKEN)
good("6.utf8", frame(TEXT, UTF8))
good("6.utf8-cut-by-fragments", pieces(TEXT, *(bytes([byte]) for byte in UTF8)))
for name, text in (("surrogate", b"\xed\xa0\x80"), ("overlong", b"\xc0\xaf"), ("cut", b"\xce"),
                   ("too-high", b"\xf4\x90\x80\x80")):
    ends(f"6.{name}", frame(TEXT, text), NO_TEXT)
ends("7.close-empty", frame(CLOSE), None)
ends("7.close-1-byte", frame(CLOSE, b"x"), BROKEN)
ends("7.close-long-reason", closing(1000, b"*" * 123), 1000)
ends("7.close-no-text", closing(1000, b"\xff"), NO_TEXT)
for code in (1000, 1001, 1003, 1011, 3000, 3999, 4000, 4999):
    ends(f"7.close-{code}", closing(code), code)
for code in (0, 999, 1004, 1005, 1006, 1016, 2999, 5000, 65535):
    ends(f"7.close-{code}", closing(code), BROKEN)
ends("7.after-close", closing() + frame(TEXT, b"late"), 1000)
good("9.long-text", frame(TEXT, b"*" * MIB))
good("9.long-binary", frame(BINARY, os.urandom(4 * MIB)))
good("9.long-in-fragments", pieces(BINARY, *[b"*" * 4096] * 200))
good("9.many", b"".join(frame(TEXT, b"%d" % number) for number in range(1000)), 1000)
good("10.fragments-of-the-server", frame(TEXT, b"pieces"), 4)
good("12.deflated", frame(TEXT, deflated(b"x" * 10000), reserved=4))
good("12.deflated-fragments", frame(TEXT, deflated(b"y" * 10000)[:5], fin=False, reserved=4) +
     frame(CONTINUED, deflated(b"y" * 10000)[5:]))
ends("12.deflated-garbage", frame(TEXT, b"\xff\xff\xff", reserved=4), BROKEN)
ends("13.unmasked", b"\x81\x01x", BROKEN)


def extension_of(name):
    return {"Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover"} if name.startswith("12.") else {}


class Fragmenting(Program):
    """Returns messages; one of them in fragments."""

    async def answer(self, connection, path=None):
        async for message in connection:
            await connection.send(["a", "", "b"] if message == "pieces" else message)


@pytest.fixture(scope="module")
def program():
    made = Fragmenting()
    yield made
    made.stop()


class Received:
    """The frames that have come: (first byte, payload). What a server sends is not masked."""

    def __init__(self):
        self.frames, self.rest = [], bytearray()

    def feed(self, data):
        self.rest += data
        while (end := self.end_of_frame()) and end[1] <= len(self.rest):
            self.frames.append((self.rest[0], bytes(self.rest[end[0]:end[1]])))
            del self.rest[:end[1]]

    def end_of_frame(self):
        """Where its payload begins, and ends; None: that is not known yet."""
        if len(self.rest) < 10 and len(self.rest) < 2 + {126: 2, 127: 8}.get(self.rest[1] if len(self.rest) > 1 else 127, 0):
            return None
        if self.rest[1] == 126:
            return 4, 4 + struct.unpack_from(">H", self.rest, 2)[0]
        if self.rest[1] == 127:
            return 10, 10 + struct.unpack_from(">Q", self.rest, 2)[0]
        return 2, 2 + self.rest[1]


class Http1:
    """A WebSocket as programs have it, up to its end. The bytes go out `step` by `step`."""

    def __init__(self, address):
        self.client = wire.Client(address)

    def send(self, data, step):
        with contextlib.suppress(ConnectionError):
            for at in range(0, len(data), step):
                self.client.socket.sendall(data[at:at + step])

    def run(self, case, fields, step):
        data, answers, tail, _ = case
        received = Received()
        self.client.request("GET", "/chat", {**HANDSHAKE, **fields})
        head = self.client.read_head()
        assert head.status == 101
        sender = threading.Thread(target=self.send, args=(data, step))
        sender.start()
        more = self.client.pending
        while True:
            received.feed(more)
            if tail and len(received.frames) >= answers:
                sender.join(wire.TIME_LIMIT)
                self.send(tail, step)
                tail = b""
            more = self.client.socket.recv(65536)
            if not more:
                break
        sender.join(wire.TIME_LIMIT)
        self.client.close()
        return head["sec-websocket-extensions"], received


class Http2:
    """The same in a stream of HTTP/2, within the windows that vif gives."""

    def __init__(self, vif):
        self.client = Windowed(vif)
        self.windows = self.client.windows
        self.received, self.has_ended = Received(), False

    def take(self):
        kind, flags, stream, payload = self.client.read_frame()
        if kind == h2_wire.DATA:
            self.received.feed(payload)
            self.client.give_back(stream, len(payload), flags)
        assert kind != h2_wire.RST_STREAM, payload
        self.has_ended = kind == h2_wire.DATA and bool(flags & h2_wire.END_STREAM)

    def send(self, stream, data, step):
        at = 0
        while at < len(data) and not self.has_ended:
            room = min(self.windows[0], self.windows[stream], step, 16384, len(data) - at)
            if room <= 0:
                self.take()
                continue
            self.client.data(stream, data[at:at + room])
            self.windows[0] -= room
            self.windows[stream] -= room
            at += room

    def run(self, case, fields, step):
        data, answers, tail, _ = case
        names = [(name.lower(), value) for name, value in fields.items()]
        stream, head = self.client.open(headers=(("sec-websocket-version", "13"), *names))
        self.windows[stream] += self.client.settings.get(4, 65535)
        self.send(stream, data, step)
        while not self.has_ended and len(self.received.frames) < answers:
            self.take()
        self.send(stream, tail, step)
        while not self.has_ended:
            self.take()
        self.client.socket.close()
        return head.get("sec-websocket-extensions"), self.received


def outcome(result):
    """Two tasks of the server send messages and pongs: these may come in any order between them."""
    extension, received = result
    assert not received.rest
    *others, last = received.frames
    return extension, [one for one in others if not one[0] & 8], [one for one in others if one[0] & 8], last


@pytest.fixture(scope="module")
def vif(module_server, program):
    return module_server(config={**forwarding(program), "limits": {"body": "1MiB"}})


@pytest.mark.parametrize("name", CASES)
def test_a_case_has_the_same_outcome_as_without_vif(vif, program, name):
    case = CASES[name]
    fields = extension_of(name)
    host, port = program.url.removeprefix("http://").split(":")
    length = len(case[0])
    wanted = outcome(Http1((host, int(port))).run(case, fields, length))
    kind, payload = wanted[-1]
    assert kind == 0x80 | CLOSE and (struct.unpack(">H", payload[:2])[0] if payload else None) == case[-1], wanted
    assert bool(wanted[0]) == bool(fields)
    for step in (length, 997 if length > 2000 else 1):
        assert outcome(Http1(("127.0.0.1", vif.port)).run(case, fields, step)) == wanted
        if Client:
            assert outcome(Http2(vif).run(case, fields, step)) == wanted
