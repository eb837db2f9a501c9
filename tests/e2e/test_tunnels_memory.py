"""What a quiet tunnel costs: two connections and a small struct, no buffer and no exchange."""
import selectors
import socket
import sys
import threading

import pytest
import vif as vif_process
import wire
from proxies import forwarding
from test_tunnels import GRANT, HANDSHAKE

sys.path.append(str(vif_process.REPOSITORY / "tests" / "stress"))

from idle_crowd import user_bytes  # noqa: E402

PAIRS = 2000
BYTES_PER_PAIR_MAX = 1024


class Grantor:
    """An origin of one thread that grants every upgrade, and returns what comes then."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.selector = selectors.DefaultSelector()
        self.granted = set()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_over:
            for key, _ in self.selector.select(0.1):
                if key.fileobj is self.listener:
                    self.selector.register(self.listener.accept()[0], selectors.EVENT_READ)
                else:
                    self.answer(key.fileobj)

    def answer(self, peer):
        data = peer.recv(65536)
        if not data:
            self.selector.unregister(peer)
            peer.close()
        elif peer in self.granted:
            peer.sendall(data)
        else:
            self.granted.add(peer)
            peer.sendall(GRANT)

    def stop(self):
        self.is_over = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


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


@pytest.mark.skipif(vif_process.IS_SANITIZED, reason="a sanitizer's own memory drowns ours")
@pytest.mark.skipif(vif_process.BACKEND in ("select", "poll"), reason="it cannot wait for so many, or has a list of them")
def test_a_quiet_tunnel_is_small(server):
    grantor = Grantor()
    try:
        config = {key: value for key, value in forwarding(grantor).items() if key != "log"}
        port = vif_process.free_port()
        running = server(config={**config, "listen": [f"127.0.0.1:{port}"], "limits": {"connections": PAIRS + 500}},
                         port=port)
        workers = vif_process.workers_of(running.process)
        first = opened(port, 200)
        echo(first)  # whatever is allocated once, and touched
        before = user_bytes(workers)
        clients = opened(port, PAIRS)
        echo(clients)
        cost = (user_bytes(workers) - before) / PAIRS
        print(f"{cost:.0f} bytes a pair")
        assert cost <= BYTES_PER_PAIR_MAX
        for client in first + clients:
            client.close()
    finally:
        grantor.stop()
