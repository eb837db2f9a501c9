"""A server behind vif that does what a test tells it, however wrong that is.

A test gives a script: a function that is called for each connection with a `Peer`, again and again while it returns
True. It reads requests as they came, and sends any bytes.
"""
import os
import contextlib
import socket
import struct
import threading

import wire


class Request:
    """A request as received; `body` without its framing."""

    def __init__(self, line, fields, body, raw):
        self.method, self.target, self.version = line.split(" ")
        self.fields = fields
        self.body = body
        self.raw = raw

    def values(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def __getitem__(self, name):
        found = self.values(name)
        assert len(found) <= 1, f"{name}: {found}"
        return found[0] if found else None

    def __contains__(self, name):
        return bool(self.values(name))


class Peer:
    """The origin's end of a connection."""

    def __init__(self, origin, connection, number):
        self.origin = origin
        self.socket = connection
        self.number = number  # of the connection, from 0
        self.pending = b""
        self.seen = []  # for scripts
        self.trailers = []  # of the last request

    def fill(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            return False
        self.pending += data
        return bool(data)

    def take(self, length):
        pieces, missing = [], length
        while missing > 0:
            if not self.pending and not self.fill():
                return None
            pieces.append(self.pending[:missing])
            self.pending = self.pending[missing:]
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def take_line(self):
        while b"\r\n" not in self.pending:
            if not self.fill():
                return None
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line

    def read_head(self):
        """The next request, without its content; None at the end."""
        lines = []
        while (line := self.take_line()) not in (b"", None):
            lines.append(line.decode("latin-1"))
        if line is None:
            return None
        fields = [tuple(text.split(": ", 1)) for text in lines[1:]]
        request = Request(lines[0], fields, b"", "\r\n".join(lines))
        self.origin.note(request)
        return request

    def read_content(self, request):
        """Sets `body`; None if it ends early."""
        if "transfer-encoding" in request:
            pieces = []
            while True:
                line = self.take_line()
                if line is None:
                    return None
                if int(line, 16) == 0:
                    break
                piece = self.take(int(line, 16) + 2)
                if piece is None:
                    return None
                pieces.append(piece[:-2])
            self.trailers = []
            while (line := self.take_line()) not in (b"", None):
                self.trailers.append(line.decode("latin-1"))
            request.body = b"".join(pieces)
        elif "content-length" in request:
            request.body = self.take(int(request["content-length"]))
        return request if request.body is not None else None

    def read_request(self):
        request = self.read_head()
        return request and self.read_content(request)

    def send(self, data):
        """False if vif has gone."""
        try:
            self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
            return True
        except OSError:
            return False

    def answer(self, body=b"", *lines, status="200 OK"):
        body = body if isinstance(body, bytes) else body.encode("latin-1")
        head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}"))
        return self.send(head.encode("latin-1") + b"\r\n" + body)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def wait_for_end(self):
        """Until vif closes, or resets."""
        while self.fill():
            pass


def echo(peer):
    """Answers with what it was asked."""
    request = peer.read_request()
    return request is not None and peer.answer(request.raw)


class Origin:
    """One listening socket; a thread for each connection."""

    def __init__(self, script=echo, address=("127.0.0.1", 0), family=socket.AF_INET, tls=None):
        """`tls`: an ssl.SSLContext; what becomes of each handshake is in `handshakes`."""
        self.script = script
        self.tls = tls
        self.handshakes = []
        self.requests = []
        self.lock = threading.Lock()
        self.connection_count = 0
        self.errors = []
        self.peers = []
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address)
        if family == socket.AF_UNIX:
            os.chmod(address, 0o666)  # workers are another user
        self.listener.listen(1024)
        self.address = self.listener.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{self.address[0]}:{self.address[1]}" if isinstance(self.address, tuple) else f"unix:{self.address}"

    def note(self, request):
        with self.lock:
            self.requests.append(request)

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(wire.TIME_LIMIT)
            if connection.family == socket.AF_INET:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = Peer(self, connection, self.connection_count)
            self.connection_count += 1
            self.peers.append(peer)
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def shake_hands(self, peer):
        """Whether the connection can be used."""
        if self.tls is None:
            return True
        try:
            peer.socket = self.tls.wrap_socket(peer.socket, server_side=True, suppress_ragged_eofs=False)
            self.handshakes.append("resumed" if peer.socket.session_reused else "full")
            return True
        except OSError as error:  # of which those of ssl are
            self.handshakes.append(str(error))
            return False

    def serve(self, peer):
        try:
            if not self.shake_hands(peer):
                return
            while self.script(peer):
                pass
        except (OSError, ValueError):
            pass  # vif has gone, or the test
        except Exception as error:
            self.errors.append(repr(error))
            raise
        finally:
            peer.close()

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for peer in self.peers:
            peer.close()
        assert not self.errors, self.errors


# Of <asm/socket.h> and <linux/sock_diag.h>.
SO_MEMINFO, SK_MEMINFO_DROPS = 55, 8


class Silent:
    """A port whose queue of connections is full, so that the kernel drops what else arrives: to a client it is as an
    address that is not reached."""

    def __init__(self, address, family):
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address)
        self.listener.listen(0)
        self.fillers = [socket.socket(family, socket.SOCK_STREAM)]
        self.fillers[0].connect(self.listener.getsockname())

    def tries(self):
        """How often somebody has asked for a connection so far: the packets that the kernel has dropped (SO_MEMINFO). Who
        goes on trying is counted again after a second, and so on."""
        return struct.unpack("9I", self.listener.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 9 * 4))[SK_MEMINFO_DROPS]

    def is_being_tried(self):
        """Whether a connection to its port is on its way."""
        port = self.listener.getsockname()[1]
        return any(end.peer_port == port and end.state == wire.SYN_SENT for end in wire.tcp_ends("tcp", "tcp6"))

    def stop(self):
        for one in (self.listener, *self.fillers):
            one.close()
