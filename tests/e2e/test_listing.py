"""Listings of folders, as a page and as JSON."""
import html
import html.parser
import json
import os
import re
import urllib.parse

import pytest

import tree

pytestmark = [pytest.mark.any_protocol, pytest.mark.any_backend]

JSON = {"Accept": "application/json"}


class Links(html.parser.HTMLParser):
    """Collects hrefs and everything that a script could hide in."""

    def __init__(self, text):
        super().__init__()
        self.hrefs = []
        self.tags = []
        self.attributes = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend(name for name, _ in attrs)
        self.hrefs.extend(value for name, value in attrs if name == "href" and tag == "a")


def names(running, target):
    """The entries of a page, decoded, in their order; links that sort or lead elsewhere are left out."""
    response = running.get(target)
    assert response.status == 200
    assert response["content-type"] == "text/html; charset=utf-8"
    page = Links(response.body.decode("utf-8"))
    found = []
    for href in page.hrefs:
        path = href.split("?")[0]
        if not path or href.startswith("?") or path.startswith(("/", "http", "..")) or path == "./":
            continue
        path = urllib.parse.unquote_to_bytes(path.removeprefix("./")).decode("utf-8", "surrogateescape")
        if path not in found:
            found.append(path)
    return found


def entries(running, target):
    response = running.get(target, JSON)
    assert response.status == 200
    assert response["content-type"].startswith("application/json")
    found = json.loads(response.body)
    return found["entries"] if isinstance(found, dict) else found


def json_names(running, target):
    return [entry["name"] for entry in entries(running, target)]


@pytest.fixture
def mixed(root):
    """Three folders and three files whose orders by name, size and time all differ."""
    for index, (name, size, age) in enumerate([("b.txt", 300, 10), ("c.txt", 100, 30), ("a.txt", 200, 20)]):
        tree.age(tree.write(root, name, b"x" * size), seconds=age * 100 + index)
    for name in ("zz", "mm", "yy"):
        (root / name).mkdir()
    return root


def test_folders_first_then_by_name(server, mixed):
    assert names(server(mixed), "/") == ["mm/", "yy/", "zz/", "a.txt", "b.txt", "c.txt"]


@pytest.mark.parametrize(
    "query, files",
    [
        ("sort=name", ["a.txt", "b.txt", "c.txt"]),
        ("sort=name&order=desc", ["c.txt", "b.txt", "a.txt"]),
        ("sort=size", ["c.txt", "a.txt", "b.txt"]),
        ("sort=size&order=desc", ["b.txt", "a.txt", "c.txt"]),
        ("order=asc&sort=modified", ["c.txt", "a.txt", "b.txt"]),
        ("sort=modified&order=desc", ["b.txt", "a.txt", "c.txt"]),
        ("sort=nonsense", ["a.txt", "b.txt", "c.txt"]),
        ("sort=%3Cscript%3E&order=%22", ["a.txt", "b.txt", "c.txt"]),
        ("", ["a.txt", "b.txt", "c.txt"]),
    ],
)
def test_order(server, mixed, query, files):
    running = server(mixed)
    assert names(running, "/?" + query)[3:] == files
    assert json_names(running, "/?" + query)[3:] == files


def test_json(server, mixed):
    found = {entry["name"].rstrip("/"): entry for entry in entries(server(mixed), "/")}
    assert set(found) == {"mm", "yy", "zz", "a.txt", "b.txt", "c.txt"}
    assert found["a.txt"]["size"] == 200
    assert any(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(value)) for value in found["a.txt"].values())


@pytest.mark.parametrize(
    "accept, is_json",
    [
        (None, False), ("*/*", False), ("text/html", False), ("application/json", True),
        ("text/html, application/json;q=0.9", False), ("application/json, text/html;q=0.9", True),
        ("application/json;q=0", False), ("application/*", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False), ("nonsense", False),
    ],
)
def test_form_by_accept(site, accept, is_json):
    response = site.get("/plain/", {"Accept": accept} if accept else {})
    assert response["content-type"].startswith("application/json" if is_json else "text/html")
    assert "accept" in response.tokens("vary")


def test_hidden_names_are_absent(site):
    assert ".hidden.txt" not in names(site, "/plain/")
    assert b".hidden.txt" not in site.get("/plain/", JSON).body


def test_hidden_names_may_be_shown(server, site_root):
    running = server(site_root, "--hidden")
    assert ".hidden.txt" in names(running, "/plain/")
    assert ".hidden.txt" in json_names(running, "/plain/")


def test_only_what_would_be_served_is_shown(server, root, tmp_path):
    (tmp_path / "outside.txt").write_bytes(tree.SECRET)
    tree.write(root, "inside.txt", b"x")
    os.mkfifo(root / "fifo")
    os.symlink("inside.txt", root / "good-link")
    os.symlink("../outside.txt", root / "bad-link")
    os.symlink("/etc/passwd", root / "worse-link")
    os.symlink("nowhere", root / "dangling")
    running = server(root)
    assert sorted(names(running, "/")) == ["good-link", "inside.txt"]
    assert sorted(json_names(running, "/")) == ["good-link", "inside.txt"]


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"onmouseover="alert(1)',
    "'single' \"double\"",
    "a&b&amp;c",
    "javascript:alert(1)",
    "http:evil.example",
    "space and +plus",
    "hash#and?query",
    "percent%41",
    "semi;colon",
    "back\\slash",
    "line\nend",
    "carriage\rreturn",
    "tab\tand\x01control\x7f",
    "umlaut \u00e4\u00f6\u00fc \u4e2d \U0001f600",
    "-dash",
    "~tilde",
    "x" * 255,
    "</title><blink>",
    "{{7*7}}",
    "\u202eright to left",
]


@pytest.fixture(scope="module")
def hostile(module_server, tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile")
    for name in HOSTILE:
        tree.write(root, "d/" + name.replace("/", "\u2215"), name.encode())
    with open(os.path.join(os.fsencode(root / "d"), b"latin\xe4\xff1"), "wb") as file:
        file.write(b"latin")
    return module_server(root)


def test_hostile_names_are_escaped(hostile):
    text = hostile.get("/d/").body.decode("utf-8")
    assert "<script>alert" not in text and "<img src=x" not in text and "<blink>" not in text
    page = Links(text)
    assert "onmouseover" not in page.attributes and "onerror" not in page.attributes
    for href in page.hrefs:
        assert not href.lower().startswith(("javascript:", "http:", "//")), href


def test_hostile_names_lead_to_their_files(hostile):
    found = names(hostile, "/d/")
    assert len(found) == len(HOSTILE) + 1
    page = Links(hostile.get("/d/").body.decode("utf-8"))
    contents = set()
    for href in page.hrefs:
        target = urllib.parse.urljoin("/d/", html.unescape(href))
        if "?" in target or not target.startswith("/d/") or target == "/d/":
            continue
        response = hostile.get(target)
        assert response.status == 200, target
        contents.add(response.body)
    assert contents == {name.encode() for name in HOSTILE} | {b"latin"}


def test_hostile_names_in_json(hostile):
    found = json_names(hostile, "/d/")
    assert len(found) == len(HOSTILE) + 1
    expected = {name.replace("/", "\u2215") for name in HOSTILE}
    assert expected <= set(found)


def test_hostile_folder_name(hostile, server, root):
    tree.write(root, '<blink>"&\'/x.txt', b"x")
    response = server(root).get("/%3Cblink%3E%22%26%27/")
    assert response.status == 200
    assert b"<blink>" not in response.body


def test_query_is_not_reflected(site):
    assert b"<script>" not in site.get("/plain/?sort=<script>".replace("<", "%3C").replace(">", "%3E")).body
    assert b"reflected" not in site.get("/plain/?sort=reflected").body


def test_listing_may_be_off(server, site_root):
    running = server(site_root, "--no-listing")
    assert running.get("/plain/").status in (403, 404)
    assert running.get("/indexed/").status == 200
    assert running.get("/plain/a.txt").status == 200


def test_listing_is_off_in_files_unless_asked_for(server, site_root):
    running = server(config={"sites": [{"routes": {"/": {"files": {"root": str(site_root)}}}}]})
    assert running.get("/plain/").status in (403, 404)


def test_empty_folder(server, root):
    running = server(root)
    assert names(running, "/") == []
    assert entries(running, "/") == []


def test_listing_follows_the_folder(server, root):
    running = server(root)
    for index in range(50):
        tree.write(root, f"file{index:03d}", b"x")
        assert len(names(running, "/")) == index + 1
    for index in range(50):
        os.remove(root / f"file{index:03d}")
        assert len(entries(running, "/")) == 49 - index


def test_listing_of_many_files(server, root):
    for index in range(3000):
        (root / f"file-{index:05d}-with-a-longer-name.txt").touch()
    running = server(root)
    found = names(running, "/")
    assert found == sorted(found)
    assert len(found) == 3000
    assert len(entries(running, "/")) == 3000


def test_listing_leads_up(site):
    assert {"../", "..", "/plain/"} & set(Links(site.get("/plain/sub/").body.decode()).hrefs)


def test_listing_of_the_root_does_not_lead_up(server, root):
    assert not {"../", ".."} & set(Links(server(root).get("/").body.decode()).hrefs)


@pytest.mark.every_backend
def test_listing_in_a_pipeline(client):
    for _ in range(20):
        client.request("GET", "/plain/")
        client.request("GET", "/hello.txt")
    for _ in range(20):
        assert b"a.txt" in client.read_response().body
        assert client.read_response().body == tree.HELLO


@pytest.mark.http1
@pytest.mark.every_backend
def test_client_that_goes_before_the_listing_is_made(site):
    for _ in range(30):
        client = site.connect()
        client.request("GET", "/plain/")
        client.reset()
    assert site.get("/hello.txt").body == tree.HELLO


def test_page_needs_nothing_from_elsewhere(site):
    text = site.get("/plain/").body.decode()
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)


@pytest.fixture
def crowded(root):
    for number in range(3000):
        (root / f"file-{number}").touch()
    return root


@pytest.mark.every_backend
def test_a_large_folder_is_listed_whole(server, crowded):
    """It comes in chunks, as its length is not known before its end."""
    running = server(crowded)
    wanted = [f"file-{number}" for number in range(3000)]
    assert names(running, "/") == wanted
    assert json_names(running, "/?sort=name") == wanted
    assert json_names(running, "/?order=desc") == wanted[::-1]
    response = running.get("/")
    assert response["content-length"] is None and not response.closes
    assert response.body.endswith(b"</html>")


@pytest.mark.http1
@pytest.mark.every_backend
def test_a_large_folder_for_an_old_client(server, crowded):
    """No chunks, and the close is the end."""
    with server(crowded).connect() as client:
        client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        received = client.take_to_end()
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower() and b"content-length" not in head.lower()
    assert b"connection: close" in head.lower()
    assert body.count(b"<time") == 3000 and body.endswith(b"</html>")


def test_head_of_a_large_folder(server, crowded):
    response = server(crowded).exchange("HEAD", "/")
    assert response.status == 200 and response.body == b""


def test_control_characters_in_names_are_shown(server, root):
    for name in ("a\x1b[2Jb", "c\nd", "e\x7ff", "g\u202eh", "i\u009bj"):
        (root / name).touch()
    running = server(root)
    for headers in ({}, JSON):
        text = running.get("/", headers).body.decode("utf-8")
        shown = text.replace("\r", "").replace("\n", "")
        assert not any(ord(letter) < 32 or ord(letter) in (0x7f, 0x9b, 0x202e) for letter in shown)
    assert len(json_names(running, "/")) == 5


def listing_of(running, source, target="/"):
    """Asks for a listing and leaves without reading it."""
    client = running.connect(source=source)
    client.request("GET", target)
    return client


@pytest.mark.http1
@pytest.mark.every_backend
def test_who_asks_for_much_does_not_hold_up_others(server, crowded):
    """Clients get turns: another's listing waits for a job or two, not for all that were asked for before. On a busy
    machine we may be late to see that it was answered; not each time."""
    (crowded / "few").mkdir()
    running = server(crowded)

    def answered_before_another():
        crowd = [listing_of(running, "127.0.0.2") for _ in range(100)]
        with running.connect(source="127.0.0.3") as other:
            other.request("GET", "/few/")
            assert other.read_response().status == 200
        answered = sum(not client.is_silent(0) for client in crowd)
        for client in crowd:
            client.reset()
        return answered

    assert any(answered_before_another() < 50 for _ in range(10))
