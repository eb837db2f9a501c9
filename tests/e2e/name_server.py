"""A name server of the tests' own (DNS over UDP and TCP): what a name has, how long that holds, and how it fails."""
import contextlib
import ipaddress
import socket
import struct
import threading

A, AAAA, SRV = 1, 28, 33
NO_ERROR, SERVER_FAILED, NO_SUCH_NAME = 0, 2, 3


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"


def read_name(message, at):
    labels = []
    while message[at] != 0:
        labels.append(message[at + 1:at + 1 + message[at]].decode().lower())
        at += 1 + message[at]
    return ".".join(labels), at + 1


class NameServer:
    """`names`: {name: [address or (priority, weight, port, target)]}; `ttl` in seconds."""

    def __init__(self, names=None, ttl=1, address="127.0.0.1"):
        self.names = dict(names or {})
        self.ttl = ttl
        self.is_silent = False
        self.fails = False
        self.failing = set()  # names
        self.truncates = False  # over UDP: the client has to ask over TCP
        self.asked = []
        self.lock = threading.Lock()
        self.udp, self.tcp = self.bind(address)
        self.tcp.listen(16)
        self.address = f"{address}:{self.udp.getsockname()[1]}"
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    @staticmethod
    def bind(address):
        """Both kinds on the same port."""
        for _ in range(100):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            udp.bind((address, 0))
            try:
                tcp.bind(udp.getsockname())
                return udp, tcp
            except OSError:
                udp.close()
                tcp.close()
        raise OSError("no port is free for both")

    def records(self, name, kind):
        """Data of the records of that kind."""
        for value in self.names.get(name, []):
            if isinstance(value, tuple) and kind == SRV:
                yield struct.pack("!HHH", *value[:3]) + encode_name(value[3])
            elif not isinstance(value, tuple):
                address = ipaddress.ip_address(value)
                if kind == (A if address.version == 4 else AAAA):
                    yield address.packed

    def answer(self, message, over_tcp):
        """None: no answer."""
        name, end = read_name(message, 12)
        kind, _ = struct.unpack_from("!HH", message, end)
        with self.lock:
            self.asked.append((name, kind))
        if self.is_silent:
            return None
        code = SERVER_FAILED if self.fails or name in self.failing else NO_ERROR if name in self.names else NO_SUCH_NAME
        data = [] if code else list(self.records(name, kind))
        is_cut = self.truncates and not over_tcp
        records = b"" if is_cut else b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, self.ttl, len(one)) + one for one in data)
        flags = 0x8180 | code | (0x0200 if is_cut else 0)
        head = message[:2] + struct.pack("!HHHHH", flags, 1, 0 if is_cut else len(data), 0, 0)
        return head + message[12:end + 4] + records

    def serve_udp(self):
        while True:
            try:
                message, peer = self.udp.recvfrom(4096)
                if not message:  # it is shut down
                    return
                if (answer := self.answer(message, False)) is not None:
                    self.udp.sendto(answer, peer)
            except OSError:
                return

    def serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError, struct.error):
                length, = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))
                answer = self.answer(connection.recv(length, socket.MSG_WAITALL), True)
                if answer is not None:
                    connection.sendall(struct.pack("!H", len(answer)) + answer)

    def stop(self):
        for one in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
