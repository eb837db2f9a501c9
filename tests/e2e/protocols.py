"""What the tests of semantics speak: HTTP/1.1, HTTP/1.1 over TLS, HTTP/2 over TLS, or HTTP/2 without (VIF_PROTOCOL=h1,
h1s, h2 or h2c). Requests and responses are those of wire.py, whatever carries them, so that a test says what is served
and not how. A test that is about the bytes of HTTP/1 or about its connections is marked `http1`, and not run over others.
"""
import atexit
import functools
import os
import pathlib
import shutil
import ssl
import struct
import tempfile

import pki
import wire

PROTOCOL = os.environ.get("VIF_PROTOCOL", "h1")
NAMES = {"h1": "http/1.1", "h1s": "http/1.1", "h2": "h2", "h2c": "h2"}  # as ALPN has them
assert PROTOCOL in NAMES, f"VIF_PROTOCOL={PROTOCOL}: {', '.join(NAMES)}"

IS_SECURE = PROTOCOL in ("h1s", "h2")
IS_HTTP2 = NAMES[PROTOCOL] == "h2"
SCHEME = "https" if IS_SECURE else "http"
REQUEST_HEAD_MAX = 16384  # that goes into one frame
OF_CONNECTIONS = ("connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection")


def lacking(version):
    """Why the program of this version cannot speak it, or an empty string."""
    missing = [name for name, is_used in (("OpenSSL", IS_SECURE), ("nghttp2", IS_HTTP2)) if is_used and name not in version]
    return f"vif is built without {' and '.join(missing)}" if missing else ""


@functools.cache
def certificate():
    """The paths of a certificate for localhost and of its key, for all servers of this run."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vif-pki-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return pki.Authority(folder).issue("localhost", ["localhost", "127.0.0.1"])


@functools.cache
def client_context():
    """Who is there is the affair of other tests."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([NAMES[PROTOCOL]])
    return context


def connect(address, is_secure=IS_SECURE, **options):
    """A client in the protocol of this run."""
    if PROTOCOL == "h2" and not is_secure:
        return wire.Client(address, **options)  # a server that has plain listeners of its own
    carrier = SecureClient(address, **options) if is_secure else wire.Client(address, **options)
    return Http2Client(carrier) if IS_HTTP2 else carrier


class SecureClient(wire.Client):
    """HTTP/1.1 over TLS."""

    def __init__(self, address, **options):
        super().__init__(address, **options)
        try:
            self.socket = client_context().wrap_socket(self.socket)
        except BaseException:
            self.socket.close()
            raise
        assert self.socket.selected_alpn_protocol() == NAMES[PROTOCOL]

    def is_silent(self, seconds):
        """What comes without content of HTTP, such as tickets, is silence."""
        assert not self.pending
        self.socket.settimeout(seconds)
        try:
            self.fill()
            return False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(wire.TIME_LIMIT)


class Http2Client:
    """Requests and responses over HTTP/2, each on a stream. Responses are read in the order of the requests."""

    def __init__(self, carrier):
        import h2_wire  # needs hpack, which a run over HTTP/1 does without

        self.h2 = h2_wire
        self.carrier = carrier
        self.socket = carrier.socket
        self.frames = h2_wire.Frames(carrier.socket)
        self.frames.introduce(window=1 << 20)
        self.open = []  # streams whose response has not been read
        self.received = {}  # stream: [response or None, pieces of its content, has ended]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def has_been_read(self):
        return self.carrier.has_been_read()

    def request(self, method="GET", target="/", fields=None, body=None, host="localhost"):
        pairs = list(fields.items()) if hasattr(fields, "items") else list(fields or [])
        stream = self.frames.next_stream()
        head = self.frames.encoder.encode(head_of(method, target, pairs, body, host))
        assert len(head) <= REQUEST_HEAD_MAX
        end = self.h2.END_STREAM if body is None else 0
        self.frames.send(self.h2.frame(self.h2.HEADERS, self.h2.END_HEADERS | end, stream, head))
        self.open.append(stream)
        self.received[stream] = [None, [], False]
        if body is not None:
            self.send_body(stream, body)

    def send_body(self, stream, body):
        """Bodies of tests are smaller than the windows that vif begins with."""
        assert len(body) <= 65535
        pieces = [body[at : at + 16384] for at in range(0, len(body), 16384)] or [b""]
        for piece in pieces:
            last = self.h2.END_STREAM if piece is pieces[-1] else 0
            self.frames.send(self.h2.frame(self.h2.DATA, last, stream, piece))

    def read_response(self, method="GET", interim=False):
        stream = self.open.pop(0)
        state = self.received[stream]
        while not state[2]:
            self.take_frame()
            if interim and state[0] and state[0].status < 200:
                self.open.insert(0, stream)
                response, state[0] = state[0], None
                return response
        response, response.body = state[0], b"".join(state[1])
        check_length(response, method)
        del self.received[stream]
        return response

    def exchange(self, method="GET", target="/", *arguments, **options):
        self.request(method, target, *arguments, **options)
        return self.read_response(method)

    def read_end(self):
        """The server says goodbye and closes; no response comes before that."""
        while got := self.frames.read_frame():
            assert got[0] not in (self.h2.HEADERS, self.h2.DATA), got
        assert self.frames.goaways

    def take_frame(self):
        got = self.frames.read_frame()
        if got is None:
            raise wire.ProtocolError("closed before the end of a response")
        kind, flags, stream, payload = got
        if stream not in self.received:
            return
        state = self.received[stream]
        if kind == self.h2.HEADERS:
            assert state[0] is None or state[0].status < 200, "trailers that nobody expects"
            state[0] = response_of(payload)
        elif kind == self.h2.DATA:
            state[1].append(payload)
            self.frames.give_back(stream, len(payload), flags)
        elif kind == self.h2.RST_STREAM:
            code = struct.unpack(">I", payload)[0]
            if not state[2]:
                raise wire.ProtocolError(f"the stream was reset: {code}")
        state[2] |= kind in (self.h2.HEADERS, self.h2.DATA) and bool(flags & self.h2.END_STREAM)


def head_of(method, target, pairs, body, host):
    """Names in lower case, Host as :authority."""
    names = {name.lower(): value for name, value in pairs}
    found = [(":method", method), (":scheme", SCHEME), (":authority", names.get("host", host)), (":path", target)]
    if body is not None and "content-length" not in names:
        pairs = [*pairs, ("content-length", str(len(body)))]
    for name, value in pairs:
        assert name.lower() not in OF_CONNECTIONS, f"{name} is of HTTP/1: mark the test"
        if name.lower() != "host":
            found.append((name.lower(), value))
    return [(name.encode("latin-1"), value.strip(" \t").encode("latin-1")) for name, value in found if value is not None]


def response_of(pairs):
    """The response, with the rules of RFC 9113 section 8.2 and 8.3.2 for its headers."""
    texts = [(bytes(name).decode("ascii"), bytes(value).decode("latin-1")) for name, value in pairs]
    assert texts[0][0] == ":status", texts
    response = wire.Response(int(texts[0][1]), "", texts[1:])
    for name, value in response.fields:
        if name != name.lower() or name.startswith(":") or name in OF_CONNECTIONS or value != value.strip():
            raise wire.ProtocolError(f"not of HTTP/2: {name}: {value!r}")
    wire.check_fields(response)
    return response


def check_length(response, method):
    length = response["content-length"]
    if method == "HEAD" or response.status in wire.NO_CONTENT:
        assert response.body == b"", response
    elif length is not None:
        assert int(length) == len(response.body), response
