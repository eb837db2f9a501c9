"""The least HTTP/1.1 client that checks and trials need: one connection, Content-Length or chunked bodies."""

import socket
import ssl
import struct


def without_checks(*protocols):
    """For a TLS client that takes any certificate, and speaks these protocols by ALPN."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


class Client:
    """One connection. Whatever goes wrong with it is an OSError (ConnectionError, TimeoutError)."""

    def __init__(self, port, timeout=5, source="", receive_bytes=None, security=None):
        """`source`: the address to come from; `receive_bytes`: how little the kernel may keep for it; `security`: an
        ssl.SSLContext, for TLS."""
        self._socket = socket.socket()
        self._socket.settimeout(timeout)
        if source:
            self._socket.bind((source, 0))
        if receive_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        try:
            self._socket.connect(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise
        if security:
            self._socket = security.wrap_socket(self._socket, server_hostname="localhost")
        self._received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()

    def abort(self):
        """Ends the connection with RST, and whatever waits for it, in another thread too."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has gone

    def reset(self):
        """Closes with RST, whatever was not sent or read."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def fileno(self):
        return self._socket.fileno()

    def send(self, path, count=1, closes=False):
        """Sends `count` GETs in one write."""
        fields = "Connection: close\r\n" if closes else ""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode() * count)

    def receive(self):
        """The next response, as (status, body)."""
        head = self._take_head()
        status = int(head.split(b" ", 2)[1])
        if b"transfer-encoding: chunked" in head.lower():
            return status, self._take_chunks()
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                       if line.lower().startswith(b"content-length:")), 0)
        while len(self._received) < length:
            self._receive_more()
        body, self._received = self._received[:length], self._received[length:]
        return status, body

    def get(self, path, closes=False):
        self.send(path, closes=closes)
        return self.receive()

    def list(self, path):
        """Asks for a page and reads it to the end of the connection; whether it was a page to its last tag."""
        self.send(path, closes=True)
        return self.read_to_end().rstrip(b"\r\n0").endswith(b"</html>")

    def read_to_end(self):
        """Everything until the server closes."""
        pieces = [self._received]
        while piece := self._socket.recv(262144):
            pieces.append(piece)
        return b"".join(pieces)

    def _take_head(self):
        return self._take_until(b"\r\n\r\n")

    def _take_chunks(self):
        body = b""
        while size := int(self._take_until(b"\r\n"), 16):
            while len(self._received) < size + 2:
                self._receive_more()
            body += self._received[:size]
            self._received = self._received[size + 2:]
        self._take_until(b"\r\n")
        return body

    def _take_until(self, end):
        while end not in self._received:
            self._receive_more()
        taken, self._received = self._received.split(end, 1)
        return taken

    def _receive_more(self):
        chunk = self._socket.recv(262144)
        if not chunk:
            raise ConnectionError("closed by the server")
        self._received += chunk
