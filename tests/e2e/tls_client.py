"""A client of HTTP/1.1 over TLS, by Python's ssl."""
import socket
import ssl

import wire


def context_for(authority, version=None, client=None):
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.check_hostname = False
    if version:
        context.minimum_version = context.maximum_version = version
    if client:
        context.load_cert_chain(*map(str, client))
    return context


class TlsClient:
    def __init__(self, port, context, name=None, session=None):
        plain = socket.create_connection(("127.0.0.1", port), wire.TIME_LIMIT)
        plain.settimeout(wire.TIME_LIMIT)
        try:
            self.socket = context.wrap_socket(plain, server_hostname=name, session=session)
        except BaseException:
            plain.close()
            raise
        self.rest = b""

    def get(self, target="/", host="localhost", **fields):
        """Status, headers in lower case, and body of an answer with Content-Length."""
        lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *(f"{key}: {value}" for key, value in fields.items())]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        head, rest = self.read_head()
        first, *others = head.decode("latin-1").split("\r\n")
        headers = {line.split(":")[0].lower(): line.split(":", 1)[1].strip() for line in others}
        length = int(headers.get("content-length", 0))
        while len(rest) < length:
            rest += self.receive()
        self.rest = rest[length:]
        return int(first.split()[1]), headers, rest[:length]

    def read_head(self):
        data = self.rest
        while b"\r\n\r\n" not in data:
            data += self.receive()
        head, _, rest = data.partition(b"\r\n\r\n")
        return head, rest

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the connection ended")
        return data

    def subject(self):
        return dict(pair for part in self.socket.getpeercert()["subject"] for pair in part)["commonName"]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def get(port, context, name=None, target="/", host=None, session=None):
    with TlsClient(port, context, name, session) as client:
        return client.get(target, host or name or "localhost")


def refusal(port, context, name=None):
    """What the handshake, or the first answer, failed with, as OpenSSL words it."""
    try:
        get(port, context, name)
    except (ssl.SSLError, ConnectionError) as fault:
        return str(fault)
    raise AssertionError("it was not refused")
