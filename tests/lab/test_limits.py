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
UNBOUNDED = [name for name in model.NAMES
             if name not in model.AT_A_TIME | model.CHILDREN and name not in ("fork", *model.OWN_TCP)]


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


@pytest.fixture
def connect():
    """connect(server, count): so many clients. All are closed at the end, also of a test that failed: descriptors
    are few."""
    made = []

    def connect(server, count):
        clients = [server.connect() for _ in range(count)]
        made.extend(clients)
        return clients

    yield connect
    for client in made:
        client.close()


def readable(clients):
    """Those with something to read: an answer, or the end."""
    question = select.poll()
    by_number = {client.socket.fileno(): client for client in clients}
    for number in by_number:
        question.register(number, select.POLLIN)
    return [by_number[number] for number, _ in question.poll(0)]


def is_closed(client):
    """The server closed it, or reset it, without a word."""
    if not readable([client]):
        return False
    try:
        return client.socket.recv(1, socket.MSG_PEEK) == b""
    except ConnectionResetError:
        return True


def is_served(client):
    """Asks, and waits for the answer; false where the server closed the client, or reset it, without a word."""
    try:
        return client.exchange("GET", "/lab/hello").status == 200
    except (ConnectionError, wire.ProtocolError):
        assert client.pending == b""
        return False


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("name", UNBOUNDED)
def test_no_descriptors_left(start, connect, name):
    server = start(name, few_descriptors)
    clients = connect(server, DESCRIPTORS + 20)
    served = [client for client in clients if is_served(client)]
    assert 10 < len(served) < DESCRIPTORS
    before = cpu_seconds(server.process.pid)
    time.sleep(0.5)
    assert name == "spin" or cpu_seconds(server.process.pid) - before < 0.2, "it spins"
    assert all(map(is_served, served))
    for client in clients:
        client.close()
    wire.wait_until(lambda: has_room(server), "room for another client")


def descriptor_count(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


@pytest.mark.parametrize("name", UNBOUNDED + ["thread-pool"])
def test_the_first_client_after_many_is_served(start, connect, name):
    """Whenever it comes: a server that waits in accept without a descriptor must not close it."""
    server = start(name, few_descriptors)
    clients = connect(server, DESCRIPTORS + 20)
    served = [client for client in clients if is_served(client)]
    assert 10 < len(served) < DESCRIPTORS
    for client in clients:
        client.close()
    wire.wait_until(lambda: descriptor_count(server) <= DESCRIPTORS // 2, "its descriptors to be free")
    for _ in range(3):
        assert has_room(server)


def test_a_client_that_never_says_anything_holds_the_server(start):
    """It is accepted at once, not when its first bytes come."""
    server = start("one")
    with server.connect() as silent, server.connect() as second:
        second.request("GET", "/hello.txt")
        assert second.is_silent(0.3)
        assert second.read_response().body == tree.HELLO
        assert is_closed(silent)


def suggestions(server):
    """The commands that it prints, by their first word."""
    wire.wait_until(lambda: "perf record" in server.stderr(), "its suggestions")
    lines = server.stderr().split("Try, in another terminal:\n")[1].splitlines()
    commands = [line.split("    (")[0].strip() for line in lines]
    return {command.split()[0] + str(index): command for index, command in enumerate(commands)}


def output_of(command):
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, check=False).stdout


@pytest.mark.parametrize("name", ["threads", *model.CHILDREN])
def test_suggestions_are_about_the_processes_that_serve(start, name):
    server = start(name)
    count = model.CHILDREN.get(name, 0)
    wire.wait_until(lambda: len(children(server.process.pid)) == count, "its processes")
    pids = set(map(str, children(server.process.pid) or [server.process.pid]))
    commands = suggestions(server)
    assert {line.split()[0] for line in output_of(commands["ps2"]).splitlines()[1:]} == pids
    listening = [line.split() for line in output_of(commands["lsof3"]).splitlines() if "(LISTEN)" in line]
    assert {words[1] for words in listening} == pids
    assert all(f":{server.port}" in " ".join(words) for words in listening)


def test_the_suggested_load_shows_who_is_not_served(start):
    """Other tools give the rate of the one client that is."""
    server = start("one")
    command = suggestions(server)["vif0"].split()
    command[command.index("5s")] = "1500ms"
    result = vif.run(*command[1:])
    assert result.returncode == 1
    assert "none" not in next(line for line in result.stdout.splitlines() if line.split()[:1] == ["errors"])


def test_the_list_names_them_all():
    listed = vif.run("lab", "--list").stdout
    assert [line.split(":")[0] for line in listed.splitlines() if line[0] != " "] == model.EVERY
    assert max(map(len, model.EVERY)) <= 11, "the table has no more room"
    for line in listed.splitlines():
        source = line[line.rfind("(") + 1 : -1]
        assert line[0] == " " or (vif.REPOSITORY / source).exists()


def has_room(server):
    with server.connect() as client:
        return is_served(client)


def test_what_is_not_built_in_is_named(start):
    """The reasons, and the same from `--serve`."""
    reasons = model.unavailable()
    assert set(reasons) <= set(model.OPTIONAL) and "kqueue" in reasons
    for name, reason in reasons.items():
        result = vif.run("lab", "--serve", name, ".")
        assert result.returncode == 1 and result.stderr == f"vif: {name} is not available here: {reason}\n"


def test_a_loop_that_spins_takes_a_processor_without_clients(start):
    """The others take none: test_no_descriptors_left."""
    server = start("spin")
    wire.wait_until(lambda: has_room(server), "a first answer")
    before = cpu_seconds(server.process.pid)
    wire.wait_until(lambda: cpu_seconds(server.process.pid) - before > 0.2, "it to spin")


def test_a_process_is_born_for_each_client_and_leaves_no_zombie(start, connect):
    server = start("fork")
    clients = connect(server, 5)
    assert all(map(is_served, clients))
    wire.wait_until(lambda: len(children(server.process.pid)) == 5, "a process each")
    for client in clients:
        client.close()
    wire.wait_until(lambda: children(server.process.pid) == [], "no process, and no zombie")


def test_select_ends_at_its_set(start, connect):
    server = start("select")
    clients = connect(server, 1100)
    served = [client for client in clients if is_served(client)]
    assert 900 < len(served) < 1024
    assert is_served(served[0]) and is_served(served[-1])


def test_the_queue_of_the_pool_is_bounded(start, connect):
    """A queue has as many places as it has only when no thread is on its way to take from it."""
    server = start("thread-pool")
    held = connect(server, 64)
    assert all(map(is_served, held))  # each has a thread
    others = connect(server, 256 + 30)
    wire.wait_until(lambda: sum(map(is_closed, others)) == 30, "those that find no place to be closed")
    waiting = [client for client in others if not is_closed(client)]
    assert all(map(is_served, held))  # before they time out
    for client in waiting:
        client.request("GET", "/hello.txt", {"Connection": "close"})
    assert all(map(is_served, held)) and not readable(waiting)
    for client in held:
        client.close()
    for client in waiting:
        assert client.read_last().body == tree.HELLO


def test_another_waits_while_one_is_served(start):
    server = start("one")
    with server.connect() as first, server.connect() as second:
        assert first.exchange("GET", "/hello.txt").body == tree.HELLO
        second.request("GET", "/hello.txt")
        assert second.is_silent(0.3)
        assert first.exchange("GET", "/hello.txt").body == tree.HELLO and second.is_silent(0)
        first.close()
        assert second.read_response().body == tree.HELLO


def test_a_silent_client_is_not_waited_for_for_ever(start):
    server = start("one")
    with server.connect() as silent, server.connect() as second:
        began = time.monotonic()
        assert silent.exchange("GET", "/hello.txt").body == tree.HELLO
        assert second.exchange("GET", "/hello.txt").body == tree.HELLO
        assert time.monotonic() - began > 3
        assert is_closed(silent)


def children(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


@pytest.mark.parametrize("name", model.CHILDREN)
def test_a_process_that_dies_is_replaced(start, name):
    server = start(name)
    count = model.CHILDREN[name]
    wire.wait_until(lambda: len(children(server.process.pid)) == count, "its processes")
    before = children(server.process.pid)
    for pid in before:
        os.kill(pid, signal.SIGKILL)

    def are_replaced():
        now = children(server.process.pid)
        return len(now) == count and not set(now) & set(before)

    wire.wait_until(are_replaced, "others in their place")
    for _ in range(20):
        assert server.get("/hello.txt").body == tree.HELLO


@pytest.mark.parametrize("name", [*model.CHILDREN, "fork"])
def test_no_process_outlives_its_parent(site_root, tmp_path, connect, name):
    server = model.Model(name, site_root, tmp_path)
    held = connect(server, 3)
    assert name != "fork" or all(map(is_served, held))
    pids = wire.wait_until(lambda: children(server.process.pid), "its processes")
    server.process.kill()
    server.process.wait()
    wire.wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}/exe").exists() for pid in pids), "their end")
