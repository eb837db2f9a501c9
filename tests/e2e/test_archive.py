"""Archives of folders: `?archive=tar`, read by Python's tarfile and by tar itself."""
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import urllib.parse

import pytest

import tree
import vif
import wire

pytestmark = [pytest.mark.over_http2, pytest.mark.any_backend]


def fetch(running, target="/?archive=tar"):
    response = running.get(target)
    assert response.status == 200
    assert response["content-type"] == "application/x-tar"
    return response.body


def members(archive):
    """name -> member, and the content of files."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as opened:
        found = opened.getmembers()
        return {m.name: (m, opened.extractfile(m).read() if m.isfile() else None) for m in found}


@pytest.fixture
def packed(root, server):
    tree.age(tree.write(root, "a.txt", b"a" * 700), seconds=1000)
    tree.write(root, "sub/b.bin", tree.BIG)
    tree.write(root, "sub/exactly.bin", b"x" * 512)
    tree.write(root, "sub/none", b"")
    tree.write(root, "run.sh", b"#!/bin/sh\n").chmod(0o744)
    (root / "empty").mkdir()
    tree.write(root, ".secret", b"hidden")
    tree.write(root, "sub/.git/config", b"hidden")
    return server(root, "--archives")


def test_everything_is_in_it(packed, root):
    found = members(fetch(packed))
    assert set(found) == {"files", "files/a.txt", "files/sub", "files/sub/b.bin", "files/sub/exactly.bin",
                          "files/sub/none", "files/run.sh", "files/empty"}
    assert found["files/a.txt"][1] == b"a" * 700
    assert found["files/sub/b.bin"][1] == tree.BIG
    assert found["files/sub/none"][1] == b""
    assert found["files/a.txt"][0].mtime == int((root / "a.txt").stat().st_mtime)
    assert found["files/empty"][0].isdir()
    assert {m.uid for m, _ in found.values()} == {0}


def test_modes_are_sane(packed):
    found = members(fetch(packed))
    assert found["files/run.sh"][0].mode == 0o755
    assert found["files/a.txt"][0].mode == 0o644
    assert found["files/sub"][0].mode == 0o755


def test_of_a_subfolder(packed):
    response = packed.get("/sub/?x=1&archive=tar")
    assert set(members(response.body)) == {"sub", "sub/b.bin", "sub/exactly.bin", "sub/none"}
    assert 'filename="sub.tar"' in response["content-disposition"]


def test_an_empty_folder(packed):
    assert set(members(fetch(packed, "/empty/?archive=tar"))) == {"empty"}


def test_tar_itself_takes_it(packed, root, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-x", "-C", out], input=fetch(packed), check=True, capture_output=True)
    assert (out / "files/sub/b.bin").read_bytes() == tree.BIG
    assert sorted(p.name for p in (out / "files").iterdir()) == ["a.txt", "empty", "run.sh", "sub"]


ODD = ["new\nline", 'quo"te\'s', "\u00e4\u6f22\U0001f600", "back\\slash", "l" * 255, "\u00fc" * 127, "x" * 100, "x" * 101,
       "  blank ", "-rf", "%41", "semi;colon"]


def test_odd_names(server, root, tmp_path):
    for name in ODD:
        tree.write(root, name, name.encode())
    with open(os.fsencode(root) + b"/no\xffutf8", "wb") as file:
        file.write(b"bytes")
    archive = fetch(server(root, "--archives"))
    found = members(archive)
    for name in ODD:
        assert found["files/" + name][1] == name.encode(), name
    assert found["files/no\udcffutf8"][1] == b"bytes"
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-x", "-C", out], input=archive, check=True, capture_output=True)
    assert sorted(os.listdir(os.fsencode(out / "files"))) == sorted(os.listdir(os.fsencode(root)))


def test_a_deep_folder(server, root):
    path = "/".join(["a" * 40] * 60)
    tree.write(root, path + "/end.txt", b"deep")
    assert members(fetch(server(root, "--archives")))[f"files/{path}/end.txt"][1] == b"deep"


@pytest.mark.http1
def test_a_folder_that_is_too_deep_is_cut(server, root):
    """No client takes half of it for the whole."""
    tree.write(root, "/".join(["a"] * 70) + "/end.txt", b"deep")
    running = server(root, "--archives")
    response = running.get("/?archive=tar")  # nothing was sent yet
    assert response.status == 403 and response["retry-after"] is None  # another try would end the same way
    assert b"64 folders" in response.body and b"download a folder inside it" in response.body
    as_json = running.get("/?archive=tar", {"Accept": "application/json"})
    assert as_json.status == 403 and "64 folders" in json.loads(as_json.body)["detail"]
    assert running.get("/" + "a/" * 10 + "?archive=tar").status == 200  # fewer beneath this one
    tree.write(root, "0/large", b"x" * 300000)
    with running.connect() as client:
        client.request("GET", "/?archive=tar")
        response = client.read_head()
        assert response.status == 200
        with pytest.raises((wire.ProtocolError, OSError)):  # it begins, and its last chunk never comes
            client.take_chunked(response)


def test_links(server, root, tmp_path):
    """To files they are files; to folders they are left out, as is what leads out of the root."""
    tree.write(root, "real/x.txt", b"x")
    tree.write(tmp_path / "outside", "secret.txt", tree.SECRET)
    os.symlink("real/x.txt", root / "to-file")
    os.symlink("real", root / "to-folder")
    os.symlink(".", root / "circle")
    os.symlink(tmp_path / "outside/secret.txt", root / "out")
    os.symlink(tmp_path / "outside", root / "out-folder")
    os.mkfifo(root / "fifo")
    running = server(root, "--archives")
    archive = fetch(running)
    found = members(archive)
    assert set(found) == {"files", "files/real", "files/real/x.txt", "files/to-file"}
    assert found["files/to-file"][0].isfile() and found["files/to-file"][1] == b"x"
    assert tree.SECRET not in archive
    assert set(members(fetch(running, "/to-folder/?archive=tar"))) == {"to-folder", "to-folder/x.txt"}


def test_times_out_of_the_ordinary(server, root):
    for name, seconds in (("old", -86400), ("late", 1 << 34)):
        os.utime(tree.write(root, name, b"x"), (seconds, seconds))
    found = members(fetch(server(root, "--archives")))
    for name in ("old", "late"):
        assert found["files/" + name][0].mtime == int((root / name).stat().st_mtime)


@pytest.mark.every_backend
def test_a_file_of_more_than_eight_gigabytes(server, root):
    """Its size is in a record of pax; only the beginning of it is read here."""
    with open(root / "huge", "wb") as file:
        file.truncate(9 << 30)
    with server(root, "--archives").connect() as client:
        client.request("GET", "/?archive=tar")
        beginning = b""
        while len(beginning) < 100000:
            beginning += client.socket.recv(65536)
    assert b"size=%d\n" % (9 << 30) in beginning


def test_head(packed):
    response = packed.exchange("HEAD", "/?archive=tar")
    assert (response.status, response.body) == (200, b"")
    assert response["content-type"] == "application/x-tar"


def test_no_ranges(packed):
    response = packed.get("/?archive=tar", {"Range": "bytes=0-99"})
    assert response.status == 200
    assert "files/a.txt" in members(response.body)


@pytest.mark.parametrize("name", ["\u00e4 b", 'quo"te', "new\nline", "a;b=c", "100%"])
def test_the_name_of_the_download(server, root, name):
    tree.write(root, name + "/x.txt", b"x")
    response = server(root, "--archives").get("/" + urllib.parse.quote(name) + "/?archive=tar")
    plain, whole = re.fullmatch(r"attachment; filename=\"([-\w. ]+)\.tar\"; filename\*=UTF-8''([-\w.~%]+)\.tar",
                                response["content-disposition"], re.ASCII).groups()
    assert urllib.parse.unquote(whole) == name
    assert len(plain) == len(name.encode())


def test_off_by_default(server, root):
    tree.write(root, "a.txt", b"x")
    running = server(root)
    response = running.get("/?archive=tar")
    assert response["content-type"].startswith("text/html")
    assert b"archive=tar" not in response.body


def test_the_page_links_to_it(packed):
    assert b'href="?archive=tar"' in packed.get("/sub/").body


def test_without_listing_there_is_none(server, root):
    tree.write(root, "a/a.txt", b"x")
    assert server(root, "--archives", "--no-listing").get("/a/?archive=tar").status == 404


def test_an_index_answers_in_its_place(server, root):
    tree.write(root, "index.html", b"<p>index</p>")
    assert server(root, "--archives").get("/?archive=tar").body == b"<p>index</p>"


def test_hidden_names_where_they_are_served(server, root):
    tree.write(root, ".secret", b"hidden")
    assert "files/.secret" in members(fetch(server(root, "--archives", "--hidden")))


def read_some(running, count):
    client = running.connect()
    client.request("GET", "/?archive=tar")
    received = b""
    while len(received) < count:
        received += client.socket.recv(65536)
    return client


@pytest.mark.every_backend
def test_a_client_that_leaves_half_way(server, root):
    with open(root / "large", "wb") as file:
        file.truncate(1 << 30)
    running = server(root, "--archives")
    for _ in range(70):  # more than may be sent at a time
        read_some(running, 100000).close()
    wire.wait_until(lambda: running.exchange("HEAD", "/?archive=tar").status == 200, "room for another")


@pytest.mark.skipif(vif.IS_SANITIZED, reason="memory of a sanitizer")
@pytest.mark.every_backend
def test_slow_clients_hold_little(server, root):
    with open(root / "large", "wb") as file:
        file.truncate(1 << 30)
    running = server(root, "--archives")
    clients = [read_some(running, 100000) for _ in range(20)]
    with open(f"/proc/{vif.workers_of(running.process)[0]}/statm", encoding="ascii") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert resident < 40 << 20
    for client in clients:
        client.close()


def test_no_more_than_so_many(server, root):
    with open(root / "large", "wb") as file:
        file.truncate(1 << 30)
    running = server(root, "--archives")
    clients = [read_some(running, 100000) for _ in range(64)]
    assert running.get("/?archive=tar").status == 503
    for client in clients:
        client.close()


@pytest.mark.http1
def test_a_file_that_shrinks_ends_it(server, root):
    """Its promised bytes cannot be had: the client must be able to tell."""
    with open(root / "large", "wb") as file:
        file.truncate(1 << 30)
    running = server(root, "--archives")
    client = read_some(running, 100000)
    os.truncate(root / "large", 1000)
    received = b""
    while piece := client.socket.recv(1 << 20):
        received = (received + piece)[-10:]
    assert not received.endswith(b"0\r\n\r\n")


@pytest.mark.http1
def test_a_file_that_grows_is_cut(server, root):
    tree.write(root, "log", b"x" * (20 << 20))
    running = server(root, "--archives")
    client = read_some(running, 100000)
    with open(root / "log", "ab") as file:
        file.write(b"y" * 1000)
    received = b""
    while not received.endswith(b"0\r\n\r\n"):
        received = (received + client.socket.recv(1 << 20))[-2000:]
    assert b"y" not in received


assert shutil.which("tar")
