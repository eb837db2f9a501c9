"""What an idle connection costs: one small struct, no buffer."""

import re
from pathlib import Path

import pytest
import tree
import vif
import wire

CONNECTIONS = 4000
BYTES_PER_CONNECTION_MAX = 320  # 256 for the struct; the rest is the allocator's


def private_bytes(pid):
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * int(re.search(r"^Private_Dirty:\s+(\d+)", rollup, re.MULTILINE).group(1))


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(vif.IS_SANITIZED, reason="a sanitizer's own memory drowns ours")
@pytest.mark.skipif(vif.BACKEND == "select", reason="it cannot wait for so many")
def test_an_idle_connection_is_small(server, root):
    (root / "hello.txt").write_bytes(tree.HELLO)
    running = server(root, workers=1)
    wire.wait_until(lambda: len(children(running.process.pid)) == 1, "the worker")
    (worker,) = children(running.process.pid)
    clients = []

    def open_clients(count):
        for _ in range(count):
            client = running.connect()
            assert client.exchange("GET", "/hello.txt").body == tree.HELLO
            clients.append(client)

    open_clients(300)  # whatever is allocated once
    before = private_bytes(worker)
    open_clients(CONNECTIONS)
    assert (private_bytes(worker) - before) / CONNECTIONS <= BYTES_PER_CONNECTION_MAX
