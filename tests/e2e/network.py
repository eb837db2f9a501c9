"""Two network namespaces and a cable between them: a server is in one, its clients in the other. Only root can."""
import contextlib
import ctypes
import itertools
import os
import socket
import subprocess

import pytest

CLONE_NEWNET = 0x40000000

counter = itertools.count()


def ip(*words):
    result = subprocess.run(["ip", *map(str, words)], capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, f"ip {' '.join(map(str, words))}: {result.stderr}"
    return result.stdout


def set_namespace(fd):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def namespace(name):
    """This thread's new sockets are in the namespace; they stay there."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    other = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        set_namespace(other)
        yield
    finally:
        set_namespace(before)
        os.close(before)
        os.close(other)


class Cable:
    """The server's end is `interface`, with `address` and `address6`; the other one has many addresses."""

    interface = "shielded"
    address, address6 = "10.77.0.1", "fd77::1"
    clients = [f"10.77.0.{i}" for i in range(2, 8)]
    clients6 = ["fd77:0:0:1::2", "fd77:0:0:2::2"]

    def __init__(self):
        self.inside, self.outside = (f"vif-test-{os.getpid()}-{next(counter)}-{end}" for end in ("in", "out"))
        ip("netns", "add", self.inside)
        ip("netns", "add", self.outside)
        ip("-n", self.inside, "link", "add", self.interface, "type", "veth", "peer", "name", "end", "netns", self.outside)
        ip("-n", self.inside, "link", "add", "spare", "type", "veth", "peer", "name", "spare", "netns", self.outside)
        ip("-n", self.inside, "addr", "add", f"{self.address}/24", "dev", self.interface)
        ip("-n", self.inside, "addr", "add", f"{self.address6}/48", "dev", self.interface, "nodad")
        for address in self.clients:
            ip("-n", self.outside, "addr", "add", f"{address}/24", "dev", "end")
        for address in self.clients6:
            ip("-n", self.outside, "addr", "add", f"{address}/48", "dev", "end", "nodad")
        for name, device in ((self.inside, self.interface), (self.inside, "lo"), (self.outside, "end")):
            ip("-n", name, "link", "set", device, "up")

    def prefix(self):
        """Words before a command that is to run with the server."""
        return ["ip", "netns", "exec", self.inside]

    def socket(self, family=socket.AF_INET):
        """At the clients' end."""
        with namespace(self.outside):
            return socket.socket(family, socket.SOCK_STREAM)

    def programs(self, interface=None):
        """What `ip link` says of XDP programs at the server's end."""
        text = ip("-n", self.inside, "-details", "link", "show", "dev", interface or self.interface)
        return [line.strip() for line in text.splitlines() if "prog/xdp" in line]

    def remove(self):
        for name in (self.inside, self.outside):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def why_not():
    """Why there can be none; empty: there can."""
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    name = f"vif-test-{os.getpid()}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    if not made:
        return "no network namespaces here"
    veth = subprocess.run(["ip", "-n", name, "link", "add", "one", "type", "veth", "peer", "name", "two"],
                          capture_output=True, check=False).returncode == 0
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return "" if veth else "the kernel has no veth"


@pytest.fixture
def cable():
    made = Cable()
    yield made
    made.remove()
