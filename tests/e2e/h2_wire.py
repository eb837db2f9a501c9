"""HTTP/2 on a raw socket: frames as they are, with nothing repaired or hidden. Only header compression is hpack's."""
import socket
import ssl
import struct

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE = 16
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 32
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
 REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)
INITIAL_WINDOW_SIZE = 4


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(**values):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", int(key[1:]), value) for key, value in values.items()))


class Frames:
    """Frames to and fro on a connected socket, with or without TLS."""

    def __init__(self, connected):
        self.socket = connected
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.buffer = b""
        self.last_stream = -1
        self.goaways = []  # (last stream, code) of each

    def introduce(self, window=65535):
        """`window`: of the streams and of the connection."""
        self.send(PREFACE + settings(_4=window))
        if window > 65535:
            self.credit(0, window - 65535)

    def send(self, data):
        self.socket.sendall(data)

    def credit(self, stream, count):
        self.send(frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", count)))

    def give_back(self, stream, count, flags):
        """Credit for content that was taken; none for a stream that ends with it."""
        if count:
            self.credit(0, count)
            if not flags & END_STREAM:
                self.credit(stream, count)

    def next_stream(self):
        self.last_stream += 2
        return self.last_stream

    def decode(self, block):
        return self.decoder.decode(block, raw=True)

    def read_frame(self):
        """(kind, flags, stream, payload); None at the end. The payload of HEADERS is what they say."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + self.length():
            data = self.socket.recv(65536)
            if not data:
                return None
            self.buffer += data
        end = 9 + self.length()
        kind, flags = self.buffer[3], self.buffer[4]
        stream = struct.unpack(">I", self.buffer[5:9])[0]
        payload, self.buffer = self.buffer[9:end], self.buffer[end:]
        if kind == SETTINGS and not flags & ACK:
            self.send(frame(SETTINGS, ACK))
        if kind == HEADERS:
            payload = self.decode(payload if flags & END_HEADERS else payload + self.read_continuations(stream))
        if kind == GOAWAY:
            self.goaways.append(struct.unpack(">II", payload[:8]))
        if kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        return kind, flags, stream, payload

    def read_continuations(self, of):
        """The rest of a head that is too long for one frame."""
        kind, flags, stream, payload = self.read_frame()
        assert (kind, stream) == (CONTINUATION, of)
        return payload if flags & END_HEADERS else payload + self.read_continuations(of)

    def length(self):
        return int.from_bytes(self.buffer[:3], "big")


class Client(Frames):
    """A connection without TLS. `window`: of its streams and of itself."""

    scheme = "http"

    def __init__(self, server, window=65535, introduce=True):
        super().__init__(self.connect(server))
        if introduce:
            self.introduce(window)

    @staticmethod
    def connect(server):
        return socket.create_connection((server.host, server.port), timeout=20)

    def decode(self, block):
        return dict(self.decoder.decode(block))

    def head(self, path="/", method="GET", headers=(), end=True):
        """The bytes of a request's head on a new stream."""
        self.next_stream()
        fields = [(":method", method), (":scheme", self.scheme), (":authority", "localhost"), (":path", path), *headers]
        flags = END_HEADERS | (END_STREAM if end else 0)
        return frame(HEADERS, flags, self.last_stream, self.encoder.encode(fields))

    def ask(self, path="/", **options):
        self.send(self.head(path, **options))
        return self.last_stream

    def read_until(self, *kinds):
        """The first frame of one of these kinds; those before it are dropped."""
        while True:
            got = self.read_frame()
            assert got, "the connection ended"
            if got[0] in kinds:
                return got

    def answers(self, *streams, credits=True):
        """{stream: (headers, content)} of these; a reset one has its code instead."""
        found, done = {stream: [{}, b""] for stream in streams}, {}
        while len(done) < len(streams):
            got = self.read_frame()
            assert got, f"the connection ended after {list(done)}"
            kind, flags, stream, payload = got
            if kind == DATA and credits:
                self.give_back(stream, len(payload), flags)
            if stream not in found:
                continue
            if kind == HEADERS:
                found[stream][0] = payload
            if kind == DATA:
                found[stream][1] += payload
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                done[stream] = tuple(found[stream])
            if kind == RST_STREAM and stream not in done:
                done[stream] = struct.unpack(">I", payload)[0]
        return done

    def get(self, path="/", **options):
        stream = self.ask(path, **options)
        return self.answers(stream)[stream]

    def goaway(self):
        """(last stream, code) of the next GOAWAY."""
        self.read_until(GOAWAY)
        return self.goaways[-1]

    def is_closed(self):
        """The server closes; what comes before that is dropped."""
        try:
            while self.read_frame():
                pass
        except ConnectionResetError:
            pass
        return True


class SecureClient(Client):
    """The same with TLS, which agrees on HTTP/2 by ALPN."""

    scheme = "https"

    @staticmethod
    def connect(server):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        return context.wrap_socket(Client.connect(server))
