"""What an idle connection costs: one small struct, no buffer. tests/stress measures ten times as many, and more."""

import socket
import sys

import pytest
import tree
import vif
import wire

sys.path.append(str(vif.REPOSITORY / "tests" / "stress"))

from idle_crowd import Crowd, build_client, user_bytes  # noqa: E402

# poll(2) has a list to give to the kernel, which looks through it in each turn.
CONNECTIONS = 3000 if vif.BACKEND == "poll" else 10000
BYTES_PER_CONNECTION_MAX = 320 if vif.BACKEND == "poll" else 256


@pytest.mark.skipif(vif.IS_SANITIZED, reason="a sanitizer's own memory drowns ours")
@pytest.mark.skipif(vif.BACKEND == "select", reason="it cannot wait for so many")
def test_an_idle_connection_is_small(server, root, tmp_path):
    (root / "hello.txt").write_bytes(tree.HELLO)
    program = build_client(tmp_path)
    running = server(root, "--limit", f"connections={CONNECTIONS + 100}", workers=1)
    workers = vif.workers_of(running.process)
    with Crowd(program, running.port, 300, "/hello.txt") as crowd:
        crowd.ask_again()  # whatever is allocated once, and touched
    before = user_bytes(workers)
    with Crowd(program, running.port, CONNECTIONS, "/hello.txt") as crowd:
        assert (user_bytes(workers) - before) / CONNECTIONS <= BYTES_PER_CONNECTION_MAX
        # What a request needs is given back, however many there were.
        crowd.ask_again()
        assert (user_bytes(workers) - before) / CONNECTIONS <= BYTES_PER_CONNECTION_MAX


# 8 MiB for 300 of 10,000 names; held by each of them alone it would be 118.
READERS = 100
NAMES = 4000
READERS_BYTES_MAX = (8 << 20) * READERS // 300


@pytest.mark.skipif(vif.IS_SANITIZED, reason="a sanitizer's own memory drowns ours")
def test_listings_that_nobody_reads_are_small(server, root):
    """What they have in common, the names, is held once."""
    (root / "many").mkdir()
    for index in range(NAMES):
        (root / "many" / f"name-{index:05}").touch()
    running = server(root, workers=1)
    workers = vif.workers_of(running.process)
    listing = running.get("/many/")
    assert listing.status == 200
    before = user_bytes(workers)
    readers = [running.connect() for _ in range(READERS)]
    for reader in readers:
        reader.send(b"GET /many/ HTTP/1.1\r\nHost: a\r\n\r\n")
    for reader in readers:
        assert reader.socket.recv(1, socket.MSG_PEEK)  # its listing has begun
    assert user_bytes(workers) - before <= READERS_BYTES_MAX
