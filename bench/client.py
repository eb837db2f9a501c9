"""The least HTTP/1.1 client that checks and trials need: one connection, Content-Length bodies."""

import socket
import struct


class Client:
    """One connection. Whatever goes wrong with it is an OSError (ConnectionError, TimeoutError)."""

    def __init__(self, port, timeout=5):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
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
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                       if line.lower().startswith(b"content-length:")), 0)
        while len(self._received) < length:
            self._receive_more()
        body, self._received = self._received[:length], self._received[length:]
        return status, body

    def get(self, path, closes=False):
        self.send(path, closes=closes)
        return self.receive()

    def _take_head(self):
        while b"\r\n\r\n" not in self._received:
            self._receive_more()
        head, self._received = self._received.split(b"\r\n\r\n", 1)
        return head

    def _receive_more(self):
        chunk = self._socket.recv(262144)
        if not chunk:
            raise ConnectionError("closed by the server")
        self._received += chunk
