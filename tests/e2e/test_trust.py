"""Changes that nobody is told of: what is in the cache is believed for about a second, and then compared."""
import json
import mmap
import os
import subprocess

import pytest

import mounts
import tree
import vif
import wire


@pytest.fixture
def mounting(server, root):
    """A server in a mount namespace of its own."""
    return server(root, prefix=mounts.prefix())


def soon(running, target, expected):
    """The answer is what is expected, a second after the change at the latest; the machine may be busy."""
    client = running.connect()

    def is_there():
        response = client.exchange("GET", target)
        return (response.status, response.body) == expected

    wire.wait_until(is_there, f"{target} to be {expected}")


def test_written_by_a_name_that_was_made_later(server, root):
    path = tree.write(root, "a.txt", b"old")
    running = server(root)
    assert running.get("/a.txt").body == b"old"
    for index in range(3):
        other = root.parent / f"other-{index}"
        os.link(path, other)
        other.write_bytes(b"%d" % index)
        soon(running, "/a.txt", (200, b"%d" % index))


def test_written_by_another_name_with_its_size_and_time_put_back(server, root):
    path = tree.write(root, "a.txt", b"old")
    os.utime(path, (1000000000, 1000000000))
    running = server(root)
    assert running.get("/a.txt").body == b"old"
    os.link(path, root.parent / "other")
    (root.parent / "other").write_bytes(b"new")
    os.utime(root.parent / "other", (1000000000, 1000000000))
    soon(running, "/a.txt", (200, b"new"))


def test_written_by_a_mapping_that_stays_open(server, root):
    path = tree.write(root, "a.txt", b"A" * 4096)
    running = server(root)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 4096) as memory:
        assert running.get("/a.txt").body == b"A" * 4096
        memory[:] = b"B" * 4096
        memory.flush()
        soon(running, "/a.txt", (200, b"B" * 4096))


def test_mounted_over_a_folder_that_was_asked_for(mounting, root):
    """A disk or a volume that comes late."""
    (root / "m").mkdir()
    assert mounting.get("/m/x").status == 404
    mounts.inside(mounting, "mount", "-t", "tmpfs", "none", root / "m")
    mounts.inside(mounting, "sh", "-c", f"echo one >{root}/m/x")
    soon(mounting, "/m/x", (200, b"one\n"))
    mounts.inside(mounting, "sh", "-c", f"echo two >{root}/m/x")
    soon(mounting, "/m/x", (200, b"two\n"))
    mounts.inside(mounting, "umount", root / "m")
    wire.wait_until(lambda: mounting.get("/m/x").status == 404, "404")


def test_mounted_over_a_file_that_is_cached(mounting, root):
    tree.write(root, "m/x", b"beneath\n")
    tree.write(root, "file", b"above\n")
    assert mounting.get("/m/x").body == b"beneath\n"
    mounts.inside(mounting, "mount", "-t", "tmpfs", "none", root / "m")
    wire.wait_until(lambda: mounting.get("/m/x").status == 404, "404")
    mounts.inside(mounting, "umount", root / "m")
    soon(mounting, "/m/x", (200, b"beneath\n"))
    mounts.inside(mounting, "mount", "--bind", root / "file", root / "m/x")
    soon(mounting, "/m/x", (200, b"above\n"))
    tree.write(root, "file", b"above, changed\n")
    soon(mounting, "/m/x", (200, b"above, changed\n"))


def test_a_folder_bound_over_one_that_is_cached(mounting, root):
    tree.write(root, "m/x", b"beneath\n")
    tree.write(root.parent, "other/x", b"above\n")
    assert mounting.get("/m/x").body == b"beneath\n"
    assert mounting.get("/m/y").status == 404
    mounts.inside(mounting, "mount", "--bind", root.parent / "other", root / "m")
    soon(mounting, "/m/x", (200, b"above\n"))
    tree.write(root.parent, "other/x", b"changed\n")
    tree.write(root.parent, "other/y", b"new\n")
    soon(mounting, "/m/x", (200, b"changed\n"))
    soon(mounting, "/m/y", (200, b"new\n"))
    mounts.inside(mounting, "umount", root / "m")
    soon(mounting, "/m/x", (200, b"beneath\n"))


def test_a_mount_is_noticed_before_the_next_request(mounting, root):
    """No second passes: the kernel tells of the mount table's changes, and /proc is there."""
    tree.write(root, "m/x", b"beneath")
    kept = mounting.connect()

    def ask(target):
        """On a connection that was there before, and on a new one."""
        statuses = {kept.exchange("GET", target).status, mounting.get(target).status}
        assert len(statuses) == 1
        return statuses.pop()

    for _ in range(10):
        assert (ask("/m/x"), ask("/m/y")) == (200, 404)
        mounts.inside(mounting, "mount", "-t", "tmpfs", "none", root / "m")
        assert (ask("/m/x"), ask("/m/y")) == (404, 404)
        mounts.inside(mounting, "touch", root / "m/y")
        assert (ask("/m/x"), ask("/m/y")) == (404, 200)
        mounts.inside(mounting, "umount", root / "m")


def test_a_mount_over_the_root_is_noticed_before_the_next_request(server, root):
    tree.write(root, "x", b"beneath")
    config = {"sandbox": False, "sites": [{"routes": {"/": {"files": str(root)}}}]}
    running = server(config=config, prefix=mounts.prefix())
    for _ in range(10):
        assert running.get("/x").status == 200
        mounts.inside(running, "mount", "-t", "tmpfs", "none", root)
        assert running.get("/x").status == 404
        mounts.inside(running, "umount", "--lazy", root)  # it is held open as the root


def test_a_mount_over_the_root_is_noticed_in_a_sandbox(mounting, root):
    """Other workers take over, which may see the new root."""
    tree.write(root, "x", b"beneath")
    assert mounting.get("/x").status == 200
    mounts.inside(mounting, "mount", "-t", "tmpfs", "-o", "mode=755", "none", root)
    wire.wait_until(lambda: mounting.get("/x").status == 404, "the file system over the root")
    mounts.inside(mounting, "sh", "-c", f"echo above >{root}/y")
    wire.wait_until(lambda: mounting.get("/y").status == 200, "its file")


def test_a_sibling_beside_a_file_behind_a_link(server, root):
    """It is not looked for at each request, but soon."""
    tree.write(root, "real/style.css", b"plain")
    os.symlink("real", root / "link")
    running = server(root)
    assert running.get("/link/style.css").body == b"plain"
    tree.write(root, "real/style.css.gz", b"coded")
    wire.wait_until(lambda: running.get("/link/style.css", {"Accept-Encoding": "gzip"}).body == b"coded", "the sibling")


def hides_proc():
    return [*mounts.prefix(), "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" "$@"']


@pytest.mark.skipif(vif.IS_SANITIZED, reason="a sanitizer needs /proc itself")
def test_check_says_that_there_is_no_proc(root, tmp_path):
    file = tmp_path / "vif.json"
    file.write_text(json.dumps({"sites": [{"routes": {"/": {"files": {"root": str(root)}}}}]}), encoding="utf-8")
    for prefix, count in ((hides_proc(), 1), ([], 0)):
        checked = subprocess.run([*prefix, vif.BINARY, "check", "-c", file], capture_output=True, text=True, check=True)
        assert checked.stderr.count("vif: warning: /proc is not mounted: files cannot be watched") == count
        assert checked.stderr.count("\n") == count


@pytest.mark.skipif(vif.IS_SANITIZED, reason="a sanitizer needs /proc itself")
def test_without_proc(server, root):
    """Nothing leads from a descriptor to a file then: files are opened by their paths, and compared at each request."""
    tree.write(root, "small.txt", b"small")
    tree.write(root, "large.bin", b"L" * 300000)
    os.symlink("small.txt", root / "link.txt")
    os.mkfifo(root / "fifo")
    running = server(root, prefix=hides_proc())
    for _ in range(2):
        assert running.get("/small.txt").body == b"small"
        assert running.get("/large.bin").body == b"L" * 300000
        assert running.get("/link.txt").body == b"small"
        assert running.get("/").status == 200
        assert running.get("/fifo").status == 403
    tree.write(root, "small.txt", b"changed")
    assert running.get("/small.txt").body == b"changed"
    assert running.stderr().count("/proc") == 1
