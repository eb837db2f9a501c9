"""Trial: connections over TLS that made one request and wait.

What ought to happen: a connection costs what OpenSSL keeps for it, 13.6 KB with OpenSSL 3.0, and little more.
"""

import struct
import time
from dataclasses import replace

from client import Client, without_checks
from measure import make_certificate, start

TITLE = "Idle connections over TLS"
WARM_UP = 50
CONNECTIONS = 1000
MEANS = f"""\
{CONNECTIONS} clients connect over TLS, make one request and wait: the resident memory of the server that each of them costs,
over HTTP/1.1 and over HTTP/2. What the kernel keeps for a socket is not in it."""
HEADINGS = ["server", "HTTP/1.1", "HTTP/2", ""]

SETTLE_SECONDS = 0.5

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, ACK = 1, 1
# By RFC 7541: GET and https by their numbers, then a path and an authority in full.
REQUEST = b"\x82\x87\x04\x09/hot.html\x01\x09localhost"


def _frame(kind, flags, stream, content=b""):
    return struct.pack(">I", len(content))[1:] + struct.pack(">BBI", kind, flags, stream) + content


class H2Client(Client):
    """One request over HTTP/2, with what the protocol asks for around it."""

    def get(self, path, closes=False):
        assert path == "/hot.html" and not closes
        self._socket.sendall(PREFACE + _frame(SETTINGS, 0, 0) + _frame(HEADERS, 5, 1, REQUEST))
        while not self._is_last():
            pass

    def _is_last(self):
        head = self._take(9)
        kind, flags = head[3], head[4]
        self._take(int.from_bytes(head[:3], "big"))
        if kind == SETTINGS and not flags & ACK:
            self._socket.sendall(_frame(SETTINGS, ACK, 0))
        return kind in (DATA, HEADERS) and bool(flags & END_STREAM)

    def _take(self, length):
        while len(self._received) < length:
            self._receive_more()
        taken, self._received = self._received[:length], self._received[length:]
        return taken


def _connect(kind, port, count):
    """So many connections that made a request."""
    context = without_checks("h2" if kind is H2Client else "http/1.1")
    clients = []
    for _ in range(count):
        client = kind(port, security=context)
        clients.append(client)
        client.get("/hot.html")
    return clients


def _measure(kind, server, site, core):
    process = start(server, site, core=core)
    clients = []
    try:
        clients += _connect(kind, site.port, WARM_UP)
        time.sleep(SETTLE_SECONDS)
        before = process.memory_mib()
        clients += _connect(kind, site.port, CONNECTIONS)
        time.sleep(SETTLE_SECONDS)
        return f"{(process.memory_mib() - before) * (1 << 20) / CONNECTIONS:,.0f} bytes"
    finally:
        for client in clients:
            client.close()
        process.stop()


def run(server, site, core):
    certificate = make_certificate(site.folder)
    cells = [_measure(kind, server, replace(site, wire=wire, path="/hot.html", certificate=certificate), core)
             for kind, wire in ((Client, "https"), (H2Client, "h2"))]
    return [server.name, *cells, ""]
