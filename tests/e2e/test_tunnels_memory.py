"""What a quiet tunnel costs: two connections and a small struct, no buffer and no exchange."""
import contextlib
import resource
import selectors
import socket
import subprocess
import sys

import pytest
import vif as vif_process
import wire
from proxies import forwarding
from test_tunnels import GRANT, HANDSHAKE

sys.path.append(str(vif_process.REPOSITORY / "tests" / "stress"))

from idle_crowd import user_bytes  # noqa: E402

PAIRS = {1: 2000, 2: 10000}  # with so many workers
DESCRIPTORS_TO_SPARE = 500
BYTES_PER_PAIR_MAX = 1024


def grant():
    """An origin that grants every upgrade, and returns what comes then; until its standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    selector = selectors.DefaultSelector()
    granted = set()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print(listener.getsockname()[1], flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                return
            if key.fileobj is listener:
                selector.register(listener.accept()[0], selectors.EVENT_READ)
                continue
            data = key.fileobj.recv(65536)
            if not data:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                continue
            key.fileobj.sendall(data if key.fileobj in granted else GRANT)
            granted.add(key.fileobj)


class Grantor:
    """The same as a process of its own, since each may have only so many descriptors."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(wire.TIME_LIMIT)


def opened(port, count):
    clients = []
    for _ in range(count):
        client = wire.Client(("127.0.0.1", port))
        client.request("GET", "/", HANDSHAKE)
        assert client.read_head().status == 101
        clients.append(client)
    return clients


def echo(clients):
    for client in clients:
        client.send(b"x" * 100)
        assert client.take(100) == b"x" * 100


@contextlib.contextmanager
def many_descriptors(count):
    """For this process and those that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count:
        pytest.skip(f"a process may have {hard} descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.skipif(vif_process.IS_SANITIZED, reason="a sanitizer's own memory drowns ours")
@pytest.mark.skipif(vif_process.BACKEND in ("select", "poll"), reason="it cannot wait for so many, or has a list of them")
@pytest.mark.parametrize("workers", PAIRS)
def test_a_quiet_tunnel_is_small(server, workers):
    pairs = PAIRS[workers]
    with many_descriptors(pairs * 3 // 2 + DESCRIPTORS_TO_SPARE), contextlib.ExitStack() as stack:
        grantor = Grantor()
        stack.callback(grantor.stop)
        config = {key: value for key, value in forwarding(grantor).items() if key != "log"}
        port = vif_process.free_port()
        running = server(config={**config, "listen": [f"127.0.0.1:{port}"], "limits": {"connections": pairs + 500}},
                         port=port, workers=workers)
        pids = vif_process.workers_of(running.process)
        first = opened(port, 200 * workers)
        stack.callback(lambda: [client.close() for client in first])
        echo(first)  # whatever is allocated once, and touched
        before = user_bytes(pids)
        clients = opened(port, pairs)
        stack.callback(lambda: [client.close() for client in clients])
        echo(clients)
        cost = (user_bytes(pids) - before) / pairs
        print(f"{cost:.0f} bytes a pair")
        assert cost <= BYTES_PER_PAIR_MAX


if __name__ == "__main__":
    grant()
