"""The client's side of the wire: a raw socket and a parser that forgives nothing.

What a browser would overlook (a bare LF, two Content-Length fields, a byte too many behind the body, a reset
instead of a close) is a failure here. Nothing is sent or repaired behind the test's back.
"""
import contextlib
import email.utils
import fcntl
import pathlib
import random
import re
import select
import socket
import ssl
import struct
import termios
import time
import typing

TIME_LIMIT = 20.0  # seconds for any single wait: far more than any takes, on a busy machine too

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)")
FIELD_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(;[\t\x20-\x7e\x80-\xff]*)?")
SINGLETONS = {
    "accept-ranges", "age", "content-encoding", "content-length", "content-location", "content-range",
    "content-type", "date", "etag", "expires", "last-modified", "location", "retry-after", "server",
    "transfer-encoding",
}
NO_CONTENT = (204, 304)
NOT_NOW = BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError


def held_by_kernel(connections):
    """At most so many bytes are on their way over so many connections: both sides' buffers grow up to a bound."""
    most = sum(int(pathlib.Path(f"/proc/sys/net/ipv4/{name}").read_text(encoding="ascii").split()[2])
               for name in ("tcp_rmem", "tcp_wmem"))
    return connections * most


class ProtocolError(AssertionError):
    """The server said something that RFC 9112 does not allow."""


class Response:
    """One message as received: `fields` in order, `body` without its framing."""

    def __init__(self, status, reason, fields):
        self.status = status
        self.reason = reason
        self.fields = fields
        self.body = b""
        self.trailers = []
        self.head_bytes = 0

    def values(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def __getitem__(self, name):
        """The one value of a field, or None; several lines of it are a failure."""
        found = self.values(name)
        assert len(found) <= 1, f"{name} is there {len(found)} times: {found}"
        return found[0] if found else None

    def __contains__(self, name):
        return bool(self.values(name))

    def tokens(self, name):
        """The members of a comma-separated list, in lower case."""
        joined = ",".join(self.values(name)).lower()
        return [token.strip() for token in joined.split(",") if token.strip()]

    @property
    def closes(self):
        return "close" in self.tokens("connection")

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.fields} {len(self.body)} bytes {self.body[:120]!r}>"


def request_bytes(method="GET", target="/", fields=None, body=None, version="HTTP/1.1", host="localhost"):
    """A well-formed request. `fields` is a mapping or a list of pairs; str is sent as Latin-1. Content-Length
    is added for a body unless the caller frames it."""
    pairs = list(fields.items()) if hasattr(fields, "items") else list(fields or [])
    names = {name.lower() for name, _ in pairs}
    if host is not None and "host" not in names:
        pairs.insert(0, ("Host", host))
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", str(len(body))))
    head = f"{method} {target} {version}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in pairs)
    return head.encode("latin-1") + b"\r\n" + (body or b"")


def chunked(*pieces, trailers=b""):
    """The chunked coding of `pieces`, a chunk each."""
    lines = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return lines + b"0\r\n" + trailers + b"\r\n"


class Client:
    """A connection. Every wait ends after TIME_LIMIT seconds with a failure."""

    def __init__(self, address, source=None, receive_buffer=None, family=socket.AF_INET):
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(TIME_LIMIT)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.ports = self.socket.getpeername()[1], self.socket.getsockname()[1]
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Sending.

    def send(self, data):
        self.socket.sendall(data)

    def send_byte_by_byte(self, data):
        for index in range(len(data)):
            self.socket.send(data[index : index + 1])

    def send_in_segments(self, data, seed):
        """Random cuts; the seed makes a failure repeatable."""
        source = random.Random(seed)
        while data:
            length = min(len(data), source.choice((1, 1, 2, 3, 5, 8, 13, 40, 200)))
            self.socket.sendall(data[:length])
            data = data[length:]

    def request(self, *arguments, **options):
        self.send(request_bytes(*arguments, **options))

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    # Receiving.

    def fill(self):
        """Receives once; false at the end of the stream. A reset raises ConnectionResetError."""
        data = self.socket.recv(262144)
        self.pending += data
        return bool(data)

    def take(self, length):
        pieces, missing = [self.pending[:length]], length - len(self.pending[:length])
        self.pending = self.pending[length:]
        while missing:
            data = self.socket.recv(min(missing, 1 << 20))
            if not data:
                raise ProtocolError(f"closed {missing} bytes before the end of {length}")
            pieces.append(data)
            missing -= len(data)
        return b"".join(pieces)

    def send_and_take(self, data):
        """Sends `data` as fast as it is taken, and meanwhile takes as many bytes. By one thread: Python's ssl lets no two
        use a connection at a time (before 3.13 without a word)."""
        rest, pieces, missing = memoryview(data), [self.pending], len(data) - len(self.pending)
        self.pending = b""
        self.socket.setblocking(False)
        while missing > 0:
            with contextlib.suppress(*NOT_NOW):
                while rest:
                    rest = rest[self.socket.send(rest[:65536]):]
            try:
                piece = self.socket.recv(min(missing, 1 << 20))
                if not piece:
                    raise ProtocolError(f"closed {missing} bytes before the end of {len(data)}")
                pieces.append(piece)
                missing -= len(piece)
            except NOT_NOW:
                ready = select.select([self.socket], [self.socket] if rest else [], [], TIME_LIMIT)
                assert any(ready), f"{missing} bytes did not come"
        self.socket.settimeout(TIME_LIMIT)
        return b"".join(pieces)

    def take_at_most(self, length):
        """What comes until `length` bytes are there or the connection ends, in whatever way."""
        try:
            while len(self.pending) < length and self.fill():
                pass
        except ConnectionResetError:
            pass
        taken, self.pending = self.pending[:length], self.pending[length:]
        return bytes(taken)

    def take_line(self, limit=65536):
        while b"\n" not in self.pending:
            if len(self.pending) > limit:
                raise ProtocolError("a line without end")
            if not self.fill():
                raise ProtocolError(f"closed inside a line: {self.pending!r}")
        line, self.pending = self.pending.split(b"\n", 1)
        if not line.endswith(b"\r"):
            raise ProtocolError(f"a line that ends in a bare LF: {line!r}")
        return line[:-1]

    def take_fields(self):
        fields = []
        while True:
            line = self.take_line()
            if not line:
                return fields
            match = FIELD_LINE.fullmatch(line)
            if not match:
                raise ProtocolError(f"not a field line: {line!r}")
            name, value = match.groups()
            fields.append((name.decode(), value.rstrip(b" \t").decode("latin-1")))

    def take_chunked(self, response):
        pieces = []
        while True:
            line = self.take_line()
            match = CHUNK_LINE.fullmatch(line)
            if not match:
                raise ProtocolError(f"not a chunk line: {line!r}")
            length = int(match.group(1), 16)
            if length == 0:
                break
            pieces.append(self.take(length))
            if self.take(2) != b"\r\n":
                raise ProtocolError("a chunk that does not end in CRLF")
        response.trailers = self.take_fields()
        return b"".join(pieces)

    def take_to_end(self):
        while self.fill():
            pass
        data, self.pending = self.pending, b""
        return data

    def read_head(self):
        """The status line and the fields, checked; the content is left unread."""
        line = self.take_line()
        match = STATUS_LINE.fullmatch(line)
        if not match:
            raise ProtocolError(f"not a status line: {line!r}")
        response = Response(int(match.group(1)), match.group(2).decode("latin-1"), self.take_fields())
        check_fields(response)
        return response

    def read_response(self, method="GET", interim=False):
        """Exactly one response with its content. 1xx responses fail unless `interim`, which returns one."""
        response = self.read_head()
        if response.status < 200:
            if not interim:
                raise ProtocolError(f"an interim response that nobody asked for: {response}")
            return response
        if method == "HEAD" or response.status in NO_CONTENT:
            return response
        if "transfer-encoding" in response:
            if response.tokens("transfer-encoding") != ["chunked"]:
                raise ProtocolError(f"cannot be framed: {response}")
            response.body = self.take_chunked(response)
        elif "content-length" in response:
            response.body = self.take(int(response["content-length"]))
        else:
            if not response.closes:
                raise ProtocolError(f"neither length nor close: {response}")
            response.body = self.take_to_end()
        return response

    def exchange(self, method="GET", target="/", *arguments, **options):
        self.request(method, target, *arguments, **options)
        return self.read_response(method)

    def read_end(self):
        """The server closes in order, and not one byte comes before that."""
        try:
            rest = self.take_to_end()
        except ConnectionResetError:
            raise ProtocolError("the connection was reset instead of closed") from None
        if rest:
            raise ProtocolError(f"bytes behind the last response: {rest[:300]!r}")

    def read_end_or_reset(self):
        """How the connection ends, for those tests that allow both; returns all bytes before that."""
        pieces = [self.pending]
        self.pending = b""
        try:
            while True:
                data = self.socket.recv(1 << 20)
                if not data:
                    break
                pieces.append(data)
        except ConnectionResetError:
            pass
        return b"".join(pieces)

    def read_last(self, method="GET"):
        """The connection's last response: it says so, and then the server closes."""
        response = self.read_response(method)
        assert response.closes, f"the last response does not say Connection: close: {response}"
        self.read_end()
        return response

    def is_silent(self, seconds):
        """True where nothing (no byte, no close) comes within `seconds`."""
        assert not self.pending
        question = select.poll()  # select() is for descriptors below 1,024
        question.register(self.socket, select.POLLIN)
        return not question.poll(1000 * seconds)

    def unread(self):
        """Bytes that the kernel has for us."""
        return struct.unpack("i", fcntl.ioctl(self.socket, termios.FIONREAD, bytes(4)))[0]

    def server_state(self):
        """The state of the server's end of this connection as the kernel tells it: ESTABLISHED and so on; None when that
        end is gone."""
        return next((end.state for end in tcp_ends() if (end.port, end.peer_port) == self.ports), None)

    def has_been_read(self):
        """Whether the server has accepted this connection and read all that was sent to it, of which nothing is on its
        way any more."""
        ends = [end for end in tcp_ends() if {end.port, end.peer_port} == set(self.ports) and end.state == ESTABLISHED]
        return len(ends) == 2 and not any(end.unread if end.port == self.ports[0] else end.unconfirmed for end in ends)


class TcpEnd(typing.NamedTuple):
    """One end of a connection on this machine."""
    port: int
    peer_port: int
    state: str
    unconfirmed: int
    unread: int


# In /proc/net/tcp.
ESTABLISHED, SYN_SENT, TIME_WAIT, CLOSE_WAIT = "01", "02", "06", "08"


def tcp_ends(*tables):
    """Those of the tables, or of IPv4."""
    rows = [row.split() for table in tables or ["tcp"]
            for row in pathlib.Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]]
    return [TcpEnd(port_of(row[1]), port_of(row[2]), row[3], *(int(queue, 16) for queue in row[4].split(":"))) for row in rows]


def port_of(text):
    return int(text.split(":")[1], 16)


def check_fields(response):
    """What must hold for the fields of every response."""
    for name in SINGLETONS:
        if len(response.values(name)) > 1:
            raise ProtocolError(f"{name} is there twice: {response}")
    length = response["content-length"]
    if length is not None and not re.fullmatch("[0-9]+", length):
        raise ProtocolError(f"Content-Length: {length!r}")
    if length is not None and "transfer-encoding" in response:
        raise ProtocolError(f"Content-Length and Transfer-Encoding: {response}")
    if response.status < 200:
        return
    if response.status == 204 and (length is not None or "transfer-encoding" in response):
        raise ProtocolError(f"204 with a length (RFC 9110 section 8.6): {response}")
    if response.status < 500 or "date" in response:  # RFC 9110 section 6.6.1
        check_date(response["date"])


def check_date(text):
    """Date (RFC 9110 section 6.6.1): an IMF-fixdate of about now."""
    if text is None:
        raise ProtocolError("a response without Date")
    parsed = email.utils.parsedate_to_datetime(text)
    if email.utils.format_datetime(parsed, usegmt=True) != text:
        raise ProtocolError(f"not an IMF-fixdate: {text!r}")
    if abs(parsed.timestamp() - time.time()) > 30:
        raise ProtocolError(f"a wrong clock: {text!r}")


def wait_until(condition, what, seconds=TIME_LIMIT):
    """Polls `condition`; its first true value is the result."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.005)


def unless_late(attempt, seconds):
    """attempt(tick) does something so often that the server does not lose its patience, and ticks each time. Where we
    were late ourselves, for the machine was busy, it is tried again."""
    while True:
        times = [time.monotonic()]
        try:
            attempt(lambda: times.append(time.monotonic()))
            return
        except (AssertionError, OSError):
            times.append(time.monotonic())
            if max(later - earlier for earlier, later in zip(times, times[1:])) < seconds:
                raise
