"""What reaches the master from outside: who started it, where, and how its workers end."""
import os
import pty
import signal
import socket
import sys

import tree
import vif
import wire

LARGE = bytes(16 << 20)  # more than the sockets of both sides hold


# Starts a program with SIGCHLD ignored.
STARTER = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
"""


def workers_of(server):
    return vif.workers_of(server.process)


def test_a_worker_is_replaced_though_the_starter_ignores_its_children(server, root):
    """SIG_IGN of SIGCHLD outlives exec; then nobody would be told of a worker's end."""
    tree.write(root, "hello.txt", tree.HELLO)
    running = server(root, prefix=[sys.executable, "-c", STARTER])
    (worker,) = workers_of(running)
    os.kill(worker, signal.SIGTERM)
    wire.wait_until(lambda: workers_of(running) not in ([], [worker]), "another worker")
    assert running.get("/hello.txt").body == tree.HELLO


def test_vif_ends_with_its_terminal(root):
    """The kernel's SIGHUP, not somebody's: see test_a_hangup_sent_by_a_process_changes_nothing."""
    port = vif.free_port()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(vif.BINARY, [vif.BINARY, "-a", "127.0.0.1", "-p", str(port), "-q", str(root)])
    try:
        def accepts():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wire.wait_until(accepts, "vif to accept")
        os.close(terminal)
        wire.wait_until(lambda: not accepts(), "vif to end")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        pid = 0
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def test_a_worker_that_crashes_while_it_stops_is_told_of(server, root):
    tree.write(root, "large.bin", LARGE)
    running = server(root)
    (worker,) = workers_of(running)
    client = running.connect(receive_buffer=16384)
    client.request("GET", "/large.bin")
    assert client.read_head().status == 200
    process, running.process = running.process, None
    process.send_signal(signal.SIGTERM)
    wire.wait_until(lambda: "stopping" in running.stderr(), "the stop to begin")
    os.kill(worker, signal.SIGKILL)
    assert process.wait(vif.STOP_SECONDS) == 1
