"""Changes on disk are seen at the very next request, however they are made. Each test changes something many
times and asks right behind each change: a cache that looks again only now and then fails one of them."""
import os
import shutil

import pytest

import tree

pytestmark = pytest.mark.over_http2

ROUNDS = 100


@pytest.fixture(params=[[], ["--limit", "cache_file=0"], ["--limit", "cache=0"]],
                ids=["default", "descriptors", "no-memory"])
def running(request, server, root):
    """Servers that keep small files in memory, only descriptors, or as little as they can."""
    return server(root, *request.param)


@pytest.fixture
def look(running):
    """look(target): the status and the content, on one connection that persists."""
    client = running.connect()

    def ask(target):
        response = client.exchange("GET", target)
        return response.status, response.body

    return ask


def replace(root, name, content):
    """As editors and deployments do: a new file takes the name."""
    os.rename(tree.write(root, ".new", content), root / name)


def overwrite(root, name, content):
    with open(root / name, "r+b") as file:
        file.write(content)
        file.truncate()


def rewrite(root, name, content):
    (root / name).write_bytes(content)


@pytest.mark.parametrize("change", [replace, overwrite, rewrite])
@pytest.mark.parametrize("same_size", [True, False], ids=["same-size", "other-size"])
def test_changed(root, look, change, same_size):
    tree.write(root, "a.txt", b"begin")
    look("/a.txt")
    for index in range(ROUNDS):
        content = b"%05d" % index if same_size else b"x" * (index * 7) + b"%d" % index
        change(root, "a.txt", content)
        assert look("/a.txt") == (200, content)
        assert look("/a.txt") == (200, content)


@pytest.mark.parametrize("change", [replace, overwrite])
def test_changed_with_the_same_size_and_time(root, look, change):
    path = tree.write(root, "a.txt", b"begin")
    os.utime(path, (1000000000, 1000000000))
    look("/a.txt")
    for index in range(ROUNDS):
        content = b"%05d" % index
        change(root, "a.txt", content)
        os.utime(path, (1000000000, 1000000000))
        assert look("/a.txt") == (200, content)


def test_appended(root, look):
    path = tree.write(root, "a.txt", b"")
    for index in range(ROUNDS):
        with open(path, "ab") as file:
            file.write(b"line\n")
        assert look("/a.txt") == (200, b"line\n" * (index + 1))


def test_truncated(root, look):
    path = tree.write(root, "a.txt", b"x" * ROUNDS)
    for index in reversed(range(ROUNDS)):
        os.truncate(path, index)
        assert look("/a.txt") == (200, b"x" * index)


def test_created_and_deleted(root, look):
    for index in range(ROUNDS):
        assert look("/a.txt")[0] == 404
        tree.write(root, "a.txt", b"%d" % index)
        assert look("/a.txt") == (200, b"%d" % index)
        os.remove(root / "a.txt")


def test_created_below_a_folder_that_was_not_there(root, look):
    for index in range(ROUNDS):
        assert look("/d/e/a.txt")[0] == 404
        tree.write(root, "d/e/a.txt", b"%d" % index)
        assert look("/d/e/a.txt") == (200, b"%d" % index)
        shutil.rmtree(root / "d")


def test_renamed(root, look):
    tree.write(root, "a.txt", b"a")
    names = ["a.txt", "b.txt"]
    for _ in range(ROUNDS):
        assert look("/" + names[0]) == (200, b"a")
        assert look("/" + names[1])[0] == 404
        os.rename(root / names[0], root / names[1])
        names.reverse()


def test_folder_renamed(root, look):
    tree.write(root, "a/deep/x.txt", b"x")
    names = ["a", "b"]
    for _ in range(ROUNDS):
        assert look(f"/{names[0]}/deep/x.txt") == (200, b"x")
        assert look(f"/{names[1]}/deep/x.txt")[0] == 404
        os.rename(root / names[0], root / names[1])
        names.reverse()


def test_folders_swapped(root, look):
    tree.write(root, "live/a.txt", b"one")
    tree.write(root, "next/a.txt", b"two")
    for index in range(ROUNDS):
        assert look("/live/a.txt") == (200, (b"one", b"two")[index % 2])
        os.rename(root / "live", root / "old")
        os.rename(root / "next", root / "live")
        os.rename(root / "old", root / "next")


def test_symbolic_link_swapped(root, look):
    tree.write(root, "releases/1/a.txt", b"one")
    tree.write(root, "releases/2/a.txt", b"two")
    for index in range(ROUNDS):
        number = index % 2 + 1
        os.symlink(f"releases/{number}", root / "new")
        os.rename(root / "new", root / "current")
        assert look("/current/a.txt") == (200, (b"one", b"two")[number - 1])


def test_symbolic_link_to_a_file_swapped(root, look):
    tree.write(root, "one.txt", b"one")
    tree.write(root, "two.txt", b"two")
    for index in range(ROUNDS):
        name = ("one", "two")[index % 2]
        os.symlink(name + ".txt", root / "new")
        os.rename(root / "new", root / "a.txt")
        assert look("/a.txt") == (200, name.encode())


def test_target_of_a_symbolic_link_changed(root, look):
    os.symlink("real/a.txt", root / "a.txt")
    for index in range(ROUNDS):
        tree.write(root, "real/a.txt", b"%05d" % index)
        assert look("/a.txt") == (200, b"%05d" % index)


def test_changed_by_another_name(root, look):
    """A hard link outside of any folder that is watched."""
    tree.write(root, "a.txt", b"begin")
    outside = root.parent / "outside.txt"
    os.link(root / "a.txt", outside)
    look("/a.txt")
    for index in range(ROUNDS):
        with open(outside, "r+b") as file:
            file.write(b"%05d" % index)
        assert look("/a.txt") == (200, b"%05d" % index)


def test_changed_by_a_descriptor_that_was_open_before(root, look):
    path = tree.write(root, "a.txt", b"begin")
    with open(path, "r+b", buffering=0) as file:
        look("/a.txt")
        for index in range(ROUNDS):
            os.pwrite(file.fileno(), b"%05d" % index, 0)
            assert look("/a.txt") == (200, b"%05d" % index)


def test_file_becomes_folder_and_back(root, look):
    for _ in range(ROUNDS):
        tree.write(root, "a", b"file")
        assert look("/a") == (200, b"file")
        os.remove(root / "a")
        tree.write(root, "a/index.html", b"folder")
        assert look("/a")[0] in (301, 308)
        assert look("/a/") == (200, b"folder")
        shutil.rmtree(root / "a")
        assert look("/a")[0] == 404


def test_index_comes_and_goes(root, look):
    tree.write(root, "d/other.txt", b"x")
    for index in range(ROUNDS):
        assert b"other.txt" in look("/d/")[1]
        tree.write(root, "d/index.html", b"%d" % index)
        assert look("/d/") == (200, b"%d" % index)
        os.remove(root / "d/index.html")


def test_permission_taken_and_given(root, look):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = tree.write(root, "a.txt", b"x")
    for _ in range(ROUNDS):
        path.chmod(0)
        assert look("/a.txt")[0] == 403
        path.chmod(0o644)
        assert look("/a.txt") == (200, b"x")


def test_file_becomes_a_fifo(root, look):
    tree.write(root, "a.txt", b"x")
    assert look("/a.txt") == (200, b"x")
    os.remove(root / "a.txt")
    os.mkfifo(root / "a.txt")
    assert look("/a.txt")[0] in (403, 404)


def test_root_replaced(root, look):
    """Served is the folder that has the name now, or until a reload the one that had it."""
    tree.write(root, "a.txt", b"old")
    assert look("/a.txt") == (200, b"old")
    os.rename(root, root.parent / "moved")
    tree.write(root, "a.txt", b"new")
    assert look("/a.txt") in ((200, b"old"), (200, b"new"))


def test_conditions_see_changes(server, root):
    running = server(root)
    client = running.connect()
    tree.age(tree.write(root, "a.txt", b"begin"), seconds=10000)
    for index in range(ROUNDS):
        etag = client.exchange("GET", "/a.txt")["etag"]
        path = tree.write(root, "a.txt", b"%05d" % index)
        os.utime(path, (1500000000 + index, 1500000000 + index))
        response = client.exchange("GET", "/a.txt", {"If-None-Match": etag})
        assert (response.status, response.body) == (200, b"%05d" % index)


def test_many_files_do_not_confuse_the_cache(server, root):
    for index in range(300):
        tree.write(root, f"{index}.txt", b"%d" % index)
    running = server(root, "--limit", "cache_entries=64", "--limit", "cache=64KiB")
    client = running.connect()
    for step in (1, 7, 113):
        for index in range(300):
            number = index * step % 300
            assert client.exchange("GET", f"/{number}.txt").body == b"%d" % number


def test_many_missing_files_do_not_push_out_memory(server, root):
    tree.write(root, "a.txt", b"x")
    running = server(root)
    client = running.connect()
    for start in range(0, 5000, 100):
        for index in range(start, start + 100):
            client.request("GET", f"/missing/{index}")
        for _ in range(100):
            assert client.read_response().status == 404
    assert client.exchange("GET", "/a.txt").body == b"x"
