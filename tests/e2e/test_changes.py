"""Files that change while they are asked for: one tag never stands for two contents."""

import os
import threading
import time

import pytest
import tree
import wire

pytestmark = pytest.mark.over_http2


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
@pytest.mark.http1
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


def deploy(path, content, seconds=1):
    """As a build does that gives all files one time: made beside, dated, moved into its place."""
    new = path.with_name("new")
    new.write_bytes(content)
    os.utime(new, (seconds, seconds))
    os.replace(new, path)


@pytest.mark.parametrize("size", [4, 300 << 10])
@pytest.mark.parametrize("in_place", [False, True])
def test_one_time_for_all_versions(server, root, size, in_place):
    """SOURCE_DATE_EPOCH, Nix, ostree, npm: neither time nor size tells one version from another."""
    path = root / "f"
    deploy(path, b"A" * size)
    running = server(root, workers=2)
    wire.wait_until(lambda: not running.get("/f")["etag"].startswith("W/"), "the change to be old enough")
    before = running.get("/f")
    assert running.exchange("HEAD", "/f")["etag"] == before["etag"]
    if in_place:
        with open(path, "r+b") as file:
            file.write(b"B" * size)
        os.utime(path, (1, 1))
    else:
        deploy(path, b"B" * size)
    fresh = running.get("/f", {"If-None-Match": before["etag"]})
    assert (fresh.status, fresh.body) == (200, b"B" * size)
    assert fresh["etag"].removeprefix("W/") != before["etag"]
    for name in ("etag", "last-modified"):
        resumed = running.get("/f", {"Range": "bytes=2-", "If-Range": before[name]})
        assert (resumed.status, resumed.body) == (200, b"B" * size)


def test_copies_of_one_tree_have_the_same_tags(server, root, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for folder, seconds in ((root, 10**9), (copy, 10**9 + 7)):
        (folder / "app.js").write_bytes(b"export {}\n" * 1000)
        (folder / "app.js.br").write_bytes(b"not really")
        os.utime(folder / "app.js", (seconds, seconds))
    tags = []
    for folder in (root, copy):
        running = server(folder)
        tags.append([running.get("/app.js", {"Accept-Encoding": coding})["etag"] for coding in ("", "br")])
    assert tags[0] == tags[1]
    assert not tags[0][0].startswith("W/") and tags[0][0] != tags[0][1]


class Appending:
    """A thread that adds lines to a file."""

    def __init__(self, path):
        self.path = path
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        with open(self.path, "ab", buffering=0) as file:
            while not self.stopping.wait(0.002):
                file.write(b"another line\n")

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def take_slowly(client, length, pieces=20):
    """Reads content in so many steps, so that the file changes on the way."""
    body = b""
    while len(body) < length:
        part = client.take_at_most(min(length // pieces + 1, length - len(body)))
        if not part:
            break
        body += part
        time.sleep(0.01)
    return body


@pytest.mark.parametrize("fields", [{}, {"Range": "bytes=1000-7999999"}, {"Range": "bytes=0-9,4000000-"}])
@pytest.mark.http1
def test_a_file_that_grows_arrives_as_promised(server, root, fields):
    path = root / "x.log"
    path.write_bytes(tree.BIG * 8)
    running = server(root, workers=1)
    with Appending(path):
        for _ in range(3):
            with running.connect(receive_buffer=65536) as client:
                client.request("GET", "/x.log", fields)
                head = client.read_head()
                length = int(head["content-length"])
                body = take_slowly(client, length)
                assert len(body) == length
                if not fields:
                    assert body[:len(tree.BIG * 8)] == tree.BIG * 8
                elif "content-range" in head:
                    assert body == (tree.BIG * 8)[1000:8000000]


def test_a_small_log_is_served_while_it_is_written_to(server, root):
    path = root / "x.log"
    path.write_bytes(tree.HELLO)
    running = server(root, workers=1)
    with Appending(path), running.connect() as client:
        for _ in range(300):
            response = client.exchange("GET", "/x.log")
            assert response.status == 200 and response.body.startswith(tree.HELLO)


def cut(path):
    os.truncate(path, 1000)


def rewrite_longer(path):
    path.write_bytes(b"x" * (len(tree.BIG) * 9))


def change_and_grow(path):
    with open(path, "r+b") as file:
        file.seek(len(tree.BIG) * 4)
        file.write(b"x" * 4096)
        file.seek(0, os.SEEK_END)
        file.write(b"more")


def write_into(path):
    with open(path, "r+b") as file:
        file.write(b"x")


@pytest.mark.parametrize("change", [cut, rewrite_longer, change_and_grow, write_into])
@pytest.mark.http1
def test_what_changes_on_the_way_is_cut_short(server, root, change):
    path = root / "large.bin"
    path.write_bytes(tree.BIG * 8)
    running = server(root, workers=1)
    with running.connect(receive_buffer=65536) as client:
        client.request("GET", "/large.bin")
        length = int(client.read_head()["content-length"])
        client.take_at_most(100000)
        change(path)
        assert len(client.take_at_most(length)) < length - 100000


@pytest.mark.parametrize("change", [
    lambda path: os.replace(path, path.with_name("other")),
    lambda path: path.unlink(),
    lambda path: path.chmod(0o600),
    lambda path: os.link(path, path.with_name("other")),
    lambda path: deploy(path, b"new"),
], ids=["rename", "unlink", "chmod", "link", "replace"])
@pytest.mark.http1
def test_what_changes_no_byte_does_not_matter(server, root, change):
    path = root / "large.bin"
    path.write_bytes(tree.BIG * 8)
    running = server(root, workers=1)
    with running.connect(receive_buffer=65536) as client:
        client.request("GET", "/large.bin")
        length = int(client.read_head()["content-length"])
        body = client.take_at_most(100000)
        change(path)
        body += take_slowly(client, length - len(body))
        assert body == tree.BIG * 8
