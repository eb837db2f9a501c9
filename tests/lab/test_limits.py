"""What each model does when there is no more of something: it closes clients unserved, and goes on with the others."""
import os
import pathlib
import resource
import select
import signal
import socket
import subprocess
import time

import pytest

import model
import tree
import vif
import wire

DESCRIPTORS = 60

# Those that serve as many clients as they have descriptors, in one process.
UNBOUNDED = ["threads", "select", "poll", "epoll-level", "epoll-edge", "io-uring", "offload", "coroutines"]


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


@pytest.fixture
def start(site_root, tmp_path):
    """start(name, limits=None): a model of its own."""
    made = []

    def start(name, limits=None):
        made.append(model.Model(name, site_root, tmp_path, limits))
        return made[-1]

    yield start
    for server in made:
        server.stop()


def answered(clients):
    """Those that there is something to read for."""
    question = select.poll()
    by_number = {client.socket.fileno(): client for client in clients}
    for number in by_number:
        question.register(number, select.POLLIN)
    return [by_number[number] for number, _ in question.poll(0)]


def is_closed(client):
    """The server closed it, or reset it, without a word."""
    if not answered([client]):
        return False
    try:
        return client.socket.recv(1, socket.MSG_PEEK) == b""
    except ConnectionResetError:
        return True


def open_clients(server, count):
    clients = [server.connect() for _ in range(count)]
    wire.wait_until(lambda: any(map(is_closed, clients)), "a client to be closed unserved")
    time.sleep(0.2)
    return clients, [client for client in clients if not is_closed(client)]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("name", UNBOUNDED)
def test_no_descriptors_left(start, name):
    server = start(name, few_descriptors)
    clients, served = open_clients(server, DESCRIPTORS + 20)
    assert 10 < len(served) < DESCRIPTORS
    before = cpu_seconds(server.process.pid)
    time.sleep(0.5)
    assert cpu_seconds(server.process.pid) - before < 0.2, "it spins"
    for client in served:
        assert client.exchange("GET", "/lab/hello").status == 200
    for client in clients:
        client.close()
    wire.wait_until(lambda: is_served(server), "room for another client")


def test_the_list_names_them_all():
    listed = vif.run("lab", "--list").stdout
    assert [line.split(":")[0] for line in listed.splitlines() if line[0] != " "] == model.NAMES
    for line in listed.splitlines():
        source = line[line.rfind("(") + 1 : -1]
        assert line[0] == " " or (vif.REPOSITORY / source).exists()


def is_served(server):
    try:
        return server.get("/hello.txt").body == tree.HELLO
    except (wire.ProtocolError, ConnectionError):
        return False


def test_select_ends_at_its_set(start):
    server = start("select")
    clients, served = open_clients(server, 1100)
    assert 900 < len(served) < 1024
    assert served[0].exchange("GET", "/hello.txt").body == tree.HELLO
    assert served[-1].exchange("GET", "/hello.txt").body == tree.HELLO
    for client in clients:
        client.close()


def test_the_queue_of_the_pool_is_bounded(start):
    server = start("thread-pool")
    clients, open_ones = open_clients(server, 64 + 256 + 30)
    assert len(open_ones) == 64 + 256
    for client in open_ones:
        client.request("GET", "/hello.txt")
    wire.wait_until(lambda: len(answered(open_ones)) == 64, "an answer from each thread")
    time.sleep(0.2)
    first, waiting = answered(open_ones), [client for client in open_ones if client not in answered(open_ones)]
    assert len(first) == 64
    for client in first + waiting[:-1]:
        client.close()
    assert waiting[-1].read_response().body == tree.HELLO
    for client in clients:
        client.close()


def test_another_waits_while_one_is_served(start):
    server = start("one")
    with server.connect() as first, server.connect() as second:
        assert first.exchange("GET", "/hello.txt").body == tree.HELLO
        second.request("GET", "/hello.txt")
        assert second.is_silent(0.3)
        first.close()
        assert second.read_response().body == tree.HELLO


def test_a_silent_client_is_not_waited_for_for_ever(start):
    server = start("one")
    with server.connect() as silent, server.connect() as second:
        assert silent.exchange("GET", "/hello.txt").body == tree.HELLO
        began = time.monotonic()
        assert second.exchange("GET", "/hello.txt").body == tree.HELLO
        assert 3 < time.monotonic() - began < 8
        assert is_closed(silent)


def children(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


@pytest.mark.parametrize("name", ["prefork", "workers"])
def test_a_process_that_dies_is_replaced(start, name):
    server = start(name)
    count = model.AT_A_TIME["prefork"] if name == "prefork" else len(os.sched_getaffinity(0))
    wire.wait_until(lambda: len(children(server.process.pid)) == count, "its processes", seconds=15)
    before = children(server.process.pid)
    for pid in before:
        os.kill(pid, signal.SIGKILL)

    def are_replaced():
        now = children(server.process.pid)
        return len(now) == count and not set(now) & set(before)

    wire.wait_until(are_replaced, "others in their place", seconds=15)
    for _ in range(20):
        assert server.get("/hello.txt").body == tree.HELLO


@pytest.mark.parametrize("name", ["prefork", "workers"])
def test_no_process_outlives_its_parent(site_root, tmp_path, name):
    server = model.Model(name, site_root, tmp_path)
    pids = wire.wait_until(lambda: children(server.process.pid), "its processes")
    server.process.kill()
    server.process.wait()
    wire.wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}/exe").exists() for pid in pids), "their end")
