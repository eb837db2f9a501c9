"""Symbolic links: inside the root they are followed, however they are written; out of it only where that is wanted."""
import os
import threading

import pytest
import tree

pytestmark = [pytest.mark.over_http2, pytest.mark.any_backend]


@pytest.fixture
def linked(root, tmp_path):
    """A root with links, and a neighbour that is none of its business."""
    (tmp_path / "neighbour").mkdir()
    tree.write(tmp_path, "neighbour/secret.txt", tree.SECRET)
    tree.write(root, "real/file.txt", tree.HELLO)
    tree.write(root, "real/index.html", tree.INDEX)
    tree.write(root, "style.css", b"plain")
    tree.write(root, "kept/style.css.gz", b"compressed")
    os.symlink(root / "real" / "file.txt", root / "file.txt")
    os.symlink(root / "real", root / "folder")
    os.symlink(root / "folder" / "file.txt", root / "real" / "chain.txt")
    os.symlink(root, root / "real" / "top")
    os.symlink(root / "kept" / "style.css.gz", root / "style.css.gz")
    os.symlink(tmp_path / "neighbour" / "secret.txt", root / "out.txt")
    os.symlink(tmp_path / "neighbour", root / "out")
    os.symlink("../neighbour", root / "relative")
    os.symlink(root / ".." / "neighbour" / "secret.txt", root / "climbs.txt")
    return root


INSIDE = ["/file.txt", "/folder/file.txt", "/folder/chain.txt", "/real/top/file.txt", "/real/top/folder/file.txt"]
OUTSIDE = ["/out.txt", "/out/secret.txt", "/relative/secret.txt", "/climbs.txt"]


def test_absolute_links_that_stay_inside(server, linked):
    running = server(linked)
    for path in INSIDE * 3:
        response = running.get(path)
        assert (response.status, response.body) == (200, tree.HELLO), path
    assert running.get("/folder").status in (301, 308)
    assert running.get("/folder/").body == tree.INDEX
    assert running.get("/style.css", {"Accept-Encoding": "gzip"}).body == b"compressed"


def test_absolute_links_are_listed(server, linked):
    running = server(linked)
    page = running.get("/").body
    for name in (b"file.txt", b"folder/", b"style.css.gz"):
        assert b'href="./' + name + b'"' in page
    for name in (b"out.txt", b"out/", b"relative", b"climbs.txt"):
        assert b'href="./' + name not in page
    (linked / "real" / "index.html").unlink()
    assert b'href="./chain.txt"' in running.get("/folder/").body


def test_a_root_that_is_a_link_itself(server, linked, tmp_path):
    os.symlink(linked, tmp_path / "current")
    os.symlink(tmp_path / "current" / "real" / "file.txt", linked / "by-name.txt")
    running = server(tmp_path / "current")
    for path in ("/file.txt", "/by-name.txt"):
        assert running.get(path).body == tree.HELLO


def test_links_that_lead_out_are_not_followed(server, linked):
    running = server(linked)
    for path in OUTSIDE * 2:
        response = running.get(path)
        assert response.status == 404 and tree.SECRET not in response.body


def check_links_out(running):
    for path in INSIDE:
        assert running.get(path).body == tree.HELLO
    for path in OUTSIDE * 2:
        assert running.get(path).body == tree.SECRET
    assert b'href="./out.txt"' in running.get("/").body
    assert b"secret.txt" in running.get("/out/").body
    assert running.get("/../neighbour/secret.txt").status in (400, 404)


def test_links_out_where_they_are_wanted(server, linked):
    check_links_out(server(linked, "--follow-links"))


def test_links_out_by_the_configuration(server, linked):
    files = {"root": str(linked), "listing": True, "follow_links": True}
    check_links_out(server(config={"sites": [{"routes": {"/": {"files": files}}}]}))


def test_magic_links_never(server, root):
    os.symlink("/proc/self/root/etc/passwd", root / "magic")
    assert server(root, "--follow-links").get("/magic").status == 404


def test_links_that_swing_while_they_are_followed(server, root, tmp_path):
    """Now it is inside, now outside: what is outside is never seen."""
    (tmp_path / "neighbour").mkdir()
    tree.write(tmp_path, "neighbour/f.txt", tree.SECRET)
    tree.write(root, "real/f.txt", tree.HELLO)
    os.symlink(root / "swinging" / "f.txt", root / "f.txt")
    stopping = threading.Event()

    def swing():
        targets = [root / "real", tmp_path / "neighbour", "../neighbour", "real"]
        while not stopping.is_set():
            for target in targets:
                os.symlink(target, tmp_path / "next")
                os.rename(tmp_path / "next", root / "swinging")

    thread = threading.Thread(target=swing)
    running = server(root)
    thread.start()
    try:
        with running.connect() as client:
            seen = [client.exchange("GET", path) for path in ("/swinging/f.txt", "/f.txt") * 400]
    finally:
        stopping.set()
        thread.join()
    assert {response.status for response in seen} <= {200, 404}
    assert all(tree.SECRET not in response.body for response in seen)
    assert any(response.body == tree.HELLO for response in seen)
