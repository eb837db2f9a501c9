"""Files that change while they are asked for: one tag never stands for two contents."""

import os
import threading
import time

import pytest
import tree


class Rewriting:
    """A thread that writes a file in place, over and over, each time full of another letter."""

    def __init__(self, path, size):
        self.path, self.size = path, size
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        letter = 0
        with open(self.path, "r+b", buffering=0) as file:
            while not self.stopping.is_set():
                letter = (letter + 1) % 26
                content = bytes([65 + letter]) * self.size
                for at in range(0, self.size, 65536):
                    os.pwrite(file.fileno(), content[at:at + 65536], at)
                self.stopping.wait(0.02)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


@pytest.mark.parametrize("size", [1 << 10, 60 << 10, 300 << 10, 3 << 20])
def test_a_tag_stands_for_one_content(server, root, size):
    path = root / "changing.bin"
    path.write_bytes(b"A" * size)
    running = server(root, workers=1)
    contents = {}
    with Rewriting(path, size):
        for _ in range(60):
            with running.connect() as client:
                client.request("GET", "/changing.bin")
                head = client.read_head()
                # Cut short where the file changed on the way: then the client knows.
                body = client.take_at_most(size)
                if len(body) == size:
                    contents.setdefault(head["etag"].removeprefix("W/"), set()).add(body)
    assert contents or size > 1 << 20
    assert all(len(versions) == 1 for versions in contents.values())


def test_a_file_that_fails_at_once_off_the_loop(server, root):
    """What sysfs says of a file's size is not true, and reading it fails fast, often before the loop looks again."""
    running = server("/sys", workers=1)
    for _ in range(300):
        assert running.get("/kernel/profiling").status in (200, 404, 500, 503)
    running.check_alive()


def test_a_write_through_mmap_is_seen_when_it_is_closed(server, root):
    import mmap

    path = root / "mapped.txt"
    path.write_bytes(b"A" * 4096)
    running = server(root, workers=1)
    assert running.get("/mapped.txt").body == b"A" * 4096
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 4096) as memory:
        memory[:] = b"Z" * 4096
        memory.flush()
    assert running.get("/mapped.txt").body == b"Z" * 4096


def test_a_link_to_a_file_with_its_time_put_back(server, root):
    path = root / "real.txt"
    path.write_bytes(b"AAAA")
    os.link(path, root / "hard.txt")
    os.symlink("real.txt", root / "soft.txt")
    running = server(root, workers=1)
    os.utime(path, (1000000000, 1000000000))
    time.sleep(0.1)  # what was touched just now is not kept
    names = ["/real.txt", "/hard.txt", "/soft.txt"]
    assert [running.get(name).body for name in names] == [b"AAAA"] * 3
    status = path.stat()
    path.write_bytes(b"BBBB")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert [running.get(name).body for name in names] == [b"BBBB"] * 3


def test_vary_is_added_to(server, root):
    (root / "style.css").write_bytes(tree.HELLO)
    (root / "style.css.gz").write_bytes(b"not really")
    site = {"routes": {"/": {"files": {"root": str(root)}, "headers": {"set": {"Vary": "Origin"}}}}}
    running = server(config={"sites": [site]})
    assert running.get("/style.css").values("vary") == ["Accept-Encoding", "Origin"]
