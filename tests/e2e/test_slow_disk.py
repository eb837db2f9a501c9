"""A slow disk keeps only those waiting who ask for what is on it."""
import itertools
import threading
import time

import pytest
import slow_disk
import wire

CROWD = 32
STALL_MS = 100
SECONDS = 1.0
ROUNDS = 10

serial = itertools.count()


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return slow_disk.build(tmp_path_factory.mktemp("slowfs"))


@pytest.fixture
def mount(server, program):
    """mount(folder, stall_ms): gone before the server ends, which has nothing to wait for then."""
    assert server
    disks = []

    def mount_one(folder, stall_ms, *options):
        disks.append(slow_disk.SlowDisk(program, folder, stall_ms, *options))
        return disks[-1]

    yield mount_one
    for disk in disks:
        disk.unmount()


class Crowd:
    """Clients each of which asks for one new thing after another, in a folder of its own."""

    def __init__(self, running, prefix, kind):
        self.running, self.prefix, self.kind = running, prefix, kind
        self.stopping = threading.Event()
        self.answers = []  # (path from the mount point, status, body)
        self.errors = []
        self.threads = [threading.Thread(target=self.ask, args=(number,)) for number in range(CROWD)]

    def ask(self, number):
        try:
            with self.running.connect() as client:
                while not self.stopping.is_set():
                    path = f"/{number}/{self.kind}-{next(serial)}"
                    response = client.exchange("GET", self.prefix + path)
                    self.answers.append((path, response.status, response.body))
        except (OSError, AssertionError) as error:
            self.errors.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def waits_for(client, target, body):
    """How long each answer took, asked for one after another."""
    waits = []
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        began = time.monotonic()
        assert client.exchange("GET", target).body == body
        waits.append(time.monotonic() - began)
    return waits


def check_hot(client, target, body):
    """Somebody is always waiting for the disk: a loop that waited with them would answer a few times a second, in each
    round. On a busy machine answers wait for a processor, though not in each round."""
    rounds = []
    for _ in range(ROUNDS):
        waits = sorted(waits_for(client, target, body))
        most = waits[len(waits) * 95 // 100]
        if len(waits) > 5 * SECONDS * 1000 / STALL_MS and most < STALL_MS / 2000:
            return
        rounds.append((len(waits), most))
    raise AssertionError(f"answers, and the time of most of them, in each round: {rounds}")


@pytest.mark.parametrize("kind, remember_seconds", [("heavy", 60), ("stiff", 0)])
def test_hot_files_beside_slow_ones(server, root, mount, kind, remember_seconds):
    (root / "hot.txt").write_bytes(b"hot\n")
    mount(root / "slow", STALL_MS, "-o", f"remember_seconds={remember_seconds}")
    running = server(root)
    with running.connect() as client, Crowd(running, "/slow", kind) as crowd:
        check_hot(client, "/hot.txt", b"hot\n")
        wire.wait_until(lambda: len(crowd.answers) >= CROWD, "as many answers as clients")
    assert not crowd.errors
    for path, status, body in crowd.answers:
        assert (status, body) == (200, slow_disk.content_of(path))


def test_hot_files_beside_slow_names(server, root, mount):
    (root / "hot.txt").write_bytes(b"hot\n")
    mount(root / "slow", STALL_MS)
    running = server(root)
    with running.connect() as client, Crowd(running, "/slow", "absent") as crowd:
        check_hot(client, "/hot.txt", b"hot\n")
        wire.wait_until(lambda: len(crowd.answers) >= CROWD, "as many answers as clients")
    assert not crowd.errors
    assert {status for _, status, _ in crowd.answers} == {404}


@pytest.mark.parametrize("kind", ["stiff", "absent"])
def test_hot_files_on_the_slow_disk_itself(server, root, mount, kind):
    mount(root, STALL_MS, "-o", "remember_seconds=0")
    running = server(root)
    body = slow_disk.content_of("/7/stiff-hot")
    with running.connect() as client, running.connect() as other:
        client.exchange("GET", "/7/stiff-hot")
        with Crowd(running, "", kind) as crowd:
            # The one that looks again now and then waits; who asks meanwhile does not.
            def look():
                while not crowd.stopping.is_set():
                    waits_for(other, "/7/stiff-hot", body)

            looking = threading.Thread(target=look)
            looking.start()
            try:
                check_hot(client, "/7/stiff-hot", body)
            finally:
                crowd.stopping.set()
                looking.join()
    assert not crowd.errors


def test_a_dead_disk_keeps_no_other_waiting(server, tmp_path, mount):
    """More clients wait for the one than there are threads for it; what is cold elsewhere is still found."""
    mount(tmp_path / "dead", 3600_000)
    mount(tmp_path / "alive", 0)
    near = tmp_path / "near"
    near.mkdir()
    routes = {f"/{name}": {"files": {"root": str(tmp_path / name)}} for name in ("dead", "alive", "near")}
    running = server(config={"sites": [{"routes": routes}]})
    for number in range(CROWD):
        running.connect().request("GET", f"/dead/{number}/absent")
    for number in range(20):
        (near / f"{number}.txt").write_bytes(b"near")
        assert running.get(f"/near/{number}.txt").body == b"near"
        assert running.get(f"/alive/{number}/quick-0").body == slow_disk.content_of(f"/{number}/quick-0")


def test_a_client_that_leaves_takes_nobody_with_it(server, root, mount):
    """Its place in the queue is free, and what was hot stays so."""
    mount(root / "slow", STALL_MS)
    running = server(root)
    for number in range(2 * CROWD):
        client = wire.Client((running.host, running.port))
        client.request("GET", f"/slow/{number}/absent")
        client.reset()
    assert running.get("/slow/1/quick-1").body == slow_disk.content_of("/1/quick-1")
    running.check_alive()
