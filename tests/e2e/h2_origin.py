"""A server behind vif that speaks HTTP/2, in the clear or by TLS, frame by frame, and does what a test tells it."""
import socket
import struct

import hpack

import h2_wire as wire
from h2_wire import END_HEADERS, END_STREAM, frame
from origin import Origin


class Call:
    """A request: its headers, and what has come of its content."""

    def __init__(self, stream, fields):
        self.stream = stream
        self.fields = fields
        self.body = b""
        self.trailers = None
        self.has_ended = False
        self.reset_code = None

    def values(self, name):
        return [value for key, value in self.fields if key == name]

    def __getitem__(self, name):
        found = self.values(name)
        assert len(found) <= 1, f"{name}: {found}"
        return found[0] if found else None


class H2Peer(wire.Frames):
    """The origin's end of a connection."""

    def __init__(self, peer, credits=True, before_settings=lambda peer: None, **settings):
        """`credits`: whether content opens the windows again."""
        super().__init__(peer.socket)
        self.peer = peer
        self.calls = {}
        self.credits = credits
        self.initial_window = 65535
        self.windows = {0: 65535}
        self.encoder = hpack.Encoder()
        preface = peer.take(len(wire.PREFACE))
        assert preface in (wire.PREFACE, None), preface
        before_settings(peer)
        self.buffer = peer.pending
        self.send(wire.settings(**settings))

    def decode(self, block):
        return self.decoder.decode(block)

    def take_headers(self, stream, fields):
        if stream in self.calls:
            self.calls[stream].trailers = fields
            return
        self.calls[stream] = call = Call(stream, fields)
        self.peer.origin.note(call)

    def take_settings(self, payload):
        for key, value in struct.iter_unpack(">HI", payload):
            if key == wire.INITIAL_WINDOW_SIZE:
                for stream in self.windows:
                    self.windows[stream] += (value - self.initial_window) if stream else 0
                self.initial_window = value

    def window(self, stream):
        return self.windows.get(stream, self.initial_window)

    def room(self, stream):
        """What may be sent on a stream."""
        return min(self.window(stream), self.window(0))

    def step(self):
        """Takes a frame; None at the end."""
        got = self.read_frame()
        if got is None:
            return None
        kind, flags, stream, payload = got
        if kind == wire.SETTINGS and not flags & wire.ACK:
            self.take_settings(payload)
        if kind == wire.WINDOW_UPDATE:
            self.windows[stream] = self.window(stream) + struct.unpack(">I", payload)[0]
        if kind == wire.HEADERS:
            self.take_headers(stream, payload)
        if kind == wire.DATA:
            self.calls[stream].body += payload
            if self.credits:
                self.give_back(stream, len(payload), flags)
        if kind == wire.RST_STREAM:
            self.calls[stream].reset_code = struct.unpack(">I", payload)[0]
        if kind in (wire.HEADERS, wire.DATA) and flags & END_STREAM:
            self.calls[stream].has_ended = True
        return got

    def wait(self, condition):
        """Takes frames until the condition is true; False at the end."""
        while not condition():
            if self.step() is None:
                return False
        return True

    def next_call(self, whole=True):
        """The next request that was not returned yet; None at the end."""
        done = getattr(self, "returned", 0)
        calls = self.calls
        if not self.wait(lambda: len(calls) > done and (not whole or list(calls.values())[done].has_ended)):
            return None
        self.returned = done + 1
        return list(calls.values())[done]

    def head(self, call, *fields, status="200", end=False):
        block = self.encoder.encode([(":status", status), *fields])
        self.send(frame(wire.HEADERS, END_HEADERS | (END_STREAM if end else 0), call.stream, block))

    def data(self, call, body, end=False):
        """As far as the windows allow, and when they open; False if vif leaves meanwhile."""
        begin = 0
        while begin < len(body) or (end and not body):
            if not self.wait(lambda: self.room(call.stream) > 0 or call.reset_code is not None) or call.reset_code is not None:
                return False
            piece = body[begin:begin + min(16384, self.room(call.stream))]
            begin += len(piece)
            for stream in (0, call.stream):
                self.windows[stream] = self.window(stream) - len(piece)
            self.send(frame(wire.DATA, END_STREAM if end and begin == len(body) else 0, call.stream, piece))
            if not body:
                break
        return True

    def trailers(self, call, *fields):
        self.send(frame(wire.HEADERS, END_HEADERS | END_STREAM, call.stream, self.encoder.encode(fields)))

    def answer(self, call, body=b"", *fields, status="200"):
        self.head(call, *fields, ("content-length", str(len(body))), status=status, end=not body)
        if body:
            self.data(call, body, end=True)

    def reset(self, call, code):
        self.send(frame(wire.RST_STREAM, 0, call.stream, struct.pack(">I", code)))

    def say_goodbye(self, last, code=0):
        self.send(frame(wire.GOAWAY, 0, 0, struct.pack(">II", last, code)))


class H2Origin(Origin):
    """Its scripts get an H2Peer, once for each connection. `otherwise`: with TLS, the script for connections whose client
    has not agreed on HTTP/2; it gets a Peer."""

    def __init__(self, script, tls=None, otherwise=None, address=("127.0.0.1", 0), family=socket.AF_INET, **options):
        def run(peer):
            if otherwise and peer.socket.selected_alpn_protocol() != "h2":
                return otherwise(peer)
            script(H2Peer(peer, **options))
            return False

        super().__init__(run, tls=tls, address=address, family=family)

    @property
    def url(self):
        return f"{'https' if self.tls else 'h2c'}://{self.address[0]}:{self.address[1]}"


def echo(h2):
    """Answers with the content, and its method and path as a header."""
    while call := h2.next_call():
        h2.answer(call, call.body, ("x-request", f"{call[':method']} {call[':path']}"))
