"""Files by their paths: what is found, what is refused, and what is said of it."""
import email.utils
import os
import time

import pytest

import tree
import vif
import wire

pytestmark = [pytest.mark.any_protocol, pytest.mark.any_backend]

# Paths that lead to a file, however they are written.
FOUND = [
    ("/hello.txt", tree.HELLO),
    ("/empty.txt", b""),
    ("/", tree.INDEX),
    ("/index.html", tree.INDEX),
    ("/indexed/", b"<p>indexed</p>\n"),
    ("/indexed/deep/file.txt", b"deep\n"),
    ("/%68ello.txt", tree.HELLO),
    ("/hello%2Etxt", tree.HELLO),
    ("/%68%65%6c%6C%6f%2e%74%78%74", tree.HELLO),
    ("/name%20with%20space.txt", b"space\n"),
    ("/percent%2561.txt", b"percent\n"),
    ("/plus+plus.txt", b"plus\n"),
    ("/plus%2Bplus.txt", b"plus\n"),
    ("/n%C3%A4me.txt", b"umlaut\n"),
    ("/n%c3%a4me.txt", b"umlaut\n"),
    ("/back%5Cslash.txt", b"backslash\n"),
    ("/semi;colon=1.txt", b"semicolon\n"),
    ("/semi%3Bcolon%3D1.txt", b"semicolon\n"),
    ("/two..dots.txt", b"dots\n"),
    ("/./hello.txt", tree.HELLO),
    ("/././hello.txt", tree.HELLO),
    ("/indexed/../hello.txt", tree.HELLO),
    ("/indexed/deep/../../hello.txt", tree.HELLO),
    ("/indexed/./deep/./file.txt", b"deep\n"),
    ("/indexed/%2e%2e/hello.txt", tree.HELLO),
    ("/%2e/hello.txt", tree.HELLO),
    ("/nothing/../hello.txt", tree.HELLO),
    ("/indexed/deep/..", b"<p>indexed</p>\n"),
    ("/indexed/.", b"<p>indexed</p>\n"),
    ("/link-inside.txt", tree.HELLO),
    ("/plain/link-up.txt", tree.HELLO),
    ("/link-folder/", b"<p>indexed</p>\n"),
    ("/link-folder/deep/file.txt", b"deep\n"),
    ("/unknown.qqq", b"?"),
]


@pytest.mark.parametrize("target, body", FOUND)
def test_found(site, target, body):
    response = site.get(target)
    if response.status in (301, 308):  # dots at the end name a folder without its slash
        response = site.get(response["location"])
    assert (response.status, response.body) == (200, body)


# Paths that must never show what lies outside, what is hidden, or what is no file.
CLIMBING = [
    "/../secret.txt",
    "/../../secret.txt",
    "/..",
    "/../",
    "/../../../../../../../../etc/passwd",
    "/indexed/../../secret.txt",
    "/indexed/deep/../../../secret.txt",
    "/indexed/../../root-evil/secret.txt",
    "/../root-evil/secret.txt",
    "/%2e%2e/secret.txt",
    "/%2E%2E/secret.txt",
    "/.%2e/secret.txt",
    "/%2e./secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/..%2fsecret.txt",
    "/..%2Fsecret.txt",
    "/%252e%252e/secret.txt",
    "/%252e%252e%252fsecret.txt",
    "/..%5csecret.txt",
    "/..%5Csecret.txt",
    "/%2e%2e%5csecret.txt",
    "/..%00/secret.txt",
    "/..%c0%afsecret.txt",
    "/%c0%ae%c0%ae/secret.txt",
    "/..%ef%bc%8fsecret.txt",
    "/....//secret.txt",
    "/..;/secret.txt",
    "/.;/../secret.txt",
    "//../secret.txt",
    "/.//../secret.txt",
    "/indexed//../..//secret.txt",
    "//etc/passwd",
    "///etc/passwd",
    "/%2fetc/passwd",
    "/%2f%2fetc%2fpasswd",
    "/./../secret.txt",
    "/hello.txt/../../secret.txt",
    "/link-outside.txt",
    "/link-parent/secret.txt",
    "/link-parent/",
    "/link-parent/root/hello.txt",
    "/link-neighbour/secret.txt",
    "/link-absolute.txt",
    "/link-etc/passwd",
    "/link-etc/",
    "/link-magic/etc/passwd",
    "/link-dangling",
    "/link-loop-a",
    "http://localhost/../secret.txt",
    "http://localhost/%2e%2e/secret.txt",
]


@pytest.mark.parametrize("target", [pytest.param(target, marks=pytest.mark.http1) if target.startswith("http") else target
                                    for target in CLIMBING])
def test_climbing(site, target):
    """What is left when the dots are gone may be the root itself or nothing, but never lies outside."""
    response = site.get(target)
    assert tree.SECRET not in response.body
    assert b"root:" not in response.body
    assert b"secret.txt" not in response.body or response.status >= 400
    if response.status == 200:
        assert response.body == tree.INDEX and target in ("/..", "/../")
    else:
        assert response.status in (400, 403, 404), response


@pytest.mark.parametrize("target", [t for t in CLIMBING if not t.startswith("http")][:30])
@pytest.mark.http1
def test_climbing_by_http_10_without_host(site, target):
    with site.connect() as client:
        client.request("GET", target, version="HTTP/1.0", host=None)
        response = client.read_response()
        assert tree.SECRET not in response.body and b"root:" not in response.body


@pytest.mark.parametrize(
    "target",
    ["/nothing", "/nothing.txt", "/nothing/", "/indexed/nothing", "/nothing/nothing/nothing", "/HELLO.TXT",
     "/hello.tx",
     "/hello.txt.", "/hello.txtx", "/hello.txt/", "/hello.txt/x", "/hello.txt%20", "/%20hello.txt",
     "/hello.txt%0a",
     "/orphan.css", "/encoded", "/percent%252561.txt", "/a%5Cb", "/indexed%5Cdeep%5Cfile.txt",
     "/" + "x" * 255, "/" + "x" * 256, "/" + "x" * 4000, "/" + "x/" * 2000, "/" + "a/../" * 1000 + "nothing",
     "/name+with+space.txt"],
    ids=lambda target: target[:30],
)
def test_not_found(client, target):
    response = client.exchange("GET", target)
    assert response.status == 404
    assert client.exchange("GET", "/hello.txt").body == tree.HELLO


@pytest.mark.parametrize("target", ["/hello.txt%00", "/hello.txt%00.html", "/%00", "/plain%2f%00"])
def test_encoded_nul_is_refused(client, target):
    assert client.exchange("GET", target).status == 400


@pytest.mark.parametrize("target", ["/indexed%2fdeep%2ffile.txt", "/indexed%2Findex.html", "/plain%2f", "/%2Fhello.txt"])
def test_encoded_slash_is_a_letter_that_no_name_has(client, target):
    """RFC 3986 section 2.2: it is not the slash that parts segments."""
    assert client.exchange("GET", target).status == 404


def test_encoded_slash_is_the_fallbacks(server, root):
    spa = server(root, "--spa")
    assert spa.get("/packages/@scope%2Fname").body == spa.get("/index.html").body
    assert spa.get("/hello%2f..%2fsecret.txt").body == spa.get("/index.html").body


@pytest.mark.parametrize(
    "target",
    ["/.hidden", "/.git/config", "/.git/", "/.git", "/%2ehidden", "/%2Egit/config", "/plain/.hidden.txt",
     "/./.hidden",
     "/indexed/../.git/config", "/.nothing", "/..."],
)
def test_hidden(site, target):
    response = site.get(target)
    assert response.status == 404
    assert b"hidden" not in response.body


def test_hidden_may_be_shown(server, site_root):
    shown = server(site_root, "--hidden")
    assert shown.get("/.hidden").body == b"hidden\n"
    assert shown.get("/.git/config").body == b"hidden\n"


@pytest.mark.parametrize("target", ["/fifo.txt", "/socket.txt", "/device.txt"])
def test_special_files_are_refused_at_once(site, site_root, target):
    """A FIFO without writer, or a device, must not hold the server up."""
    if not (site_root / target[1:]).exists():
        pytest.skip("device files need privilege to make")
    assert site.get(target).status in (403, 404)


def test_unreadable_file_is_forbidden(server, root):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    tree.write(root, "secret.txt", tree.SECRET).chmod(0)
    assert server(root).get("/secret.txt").status == 403


# Folders.


@pytest.mark.parametrize(
    "target, location",
    [
        ("/indexed", "/indexed/"),
        ("/plain", "/plain/"),
        ("/indexed?a=b&c", "/indexed/?a=b&c"),
        ("/indexed?", "/indexed/?"),
        ("/indexed/deep", "/indexed/deep/"),
        ("/indexed/../plain", "/plain/"),
        ("/link-folder", "/link-folder/"),
        ("/%69ndexed", "/%69ndexed/"),
        ("//indexed", "/indexed/"),
        ("///indexed", "/indexed/"),
    ],
)
def test_folder_without_slash_is_redirected(client, target, location):
    response = client.exchange("GET", target)
    assert response.status in (301, 308)
    found = response["location"]
    assert not found.startswith("//"), "that would name another host"
    assert found.removeprefix("http://localhost").removesuffix("?") == location.removesuffix("?")
    assert client.exchange("GET", found).status == 200


def test_redirect_of_a_folder_is_encoded(server, root):
    tree.write(root, "s p\u00e4?#%/index.html", b"x")
    response = server(root).get("/s%20p%C3%A4%3F%23%25")
    assert response.status in (301, 308)
    assert response["location"].lower() == "/s%20p%c3%a4%3f%23%25/"


@pytest.mark.parametrize("target", ["/%0d%0aX-Injected:%20yes", "/folder%0d%0aX-Injected:%20yes",
                                    "/folder?%0d%0aX-Injected:%20yes"])
def test_redirect_injects_no_field(server, root, target):
    tree.write(root, "folder/index.html", b"x")
    tree.write(root, "folder\r\nX-Injected: yes/index.html", b"x")
    response = server(root).get(target)
    assert "x-injected" not in response


def test_backslashes_make_no_redirect_to_another_host(server, root):
    tree.write(root, "\\evil.example/index.html", b"x")
    response = server(root).get("/%5Cevil.example")
    assert response.status in (301, 308, 400, 404)
    if response.status in (301, 308):
        assert response["location"].lower() == "/%5cevil.example/"


def test_head_of_a_redirect(client):
    assert client.exchange("HEAD", "/indexed").status in (301, 308)
    assert client.exchange("GET", "/hello.txt").body == tree.HELLO


def test_index_names_in_order(server, root):
    tree.write(root, "both/a.html", b"a")
    tree.write(root, "both/b.html", b"b")
    tree.write(root, "second/b.html", b"b")
    tree.write(root, "none/index.html", b"index")
    running = server(root, "--index", "a.html,b.html", "--no-listing")
    assert running.get("/both/").body == b"a"
    assert running.get("/second/").body == b"b"
    assert running.get("/none/").status == 404


def test_index_that_is_a_folder_is_none(server, root):
    tree.write(root, "odd/index.html/x.txt", b"x")
    assert server(root, "--no-listing").get("/odd/").status in (403, 404)


def test_index_that_leads_outside_is_none(server, site_root, tmp_path):
    (tmp_path / "outside.html").write_bytes(tree.SECRET)
    folder = tmp_path / "served"
    folder.mkdir()
    os.symlink("../outside.html", folder / "index.html")
    response = server(folder, "--no-listing").get("/")
    assert response.status in (403, 404)


# Fallback.


@pytest.fixture(scope="module")
def application(module_server, tmp_path_factory):
    root = tmp_path_factory.mktemp("application")
    tree.write(root, "index.html", b"application")
    tree.write(root, "app.js", b"script")
    tree.write(root, "other.html", b"other")
    return module_server(root, "--spa"), module_server(root, "--spa=other.html")


@pytest.mark.parametrize("target", ["/nothing", "/deep/route", "/deep/route/", "/deep/route?query"])
def test_fallback(application, target):
    response = application[0].get(target)
    assert (response.status, response.body) == (200, b"application")
    assert response["content-type"].startswith("text/html")


def test_fallback_of_another_name(application):
    assert application[1].get("/deep/route").body == b"other"


def test_fallback_leaves_files_alone(application):
    assert application[0].get("/app.js").body == b"script"


def test_fallback_is_not_for_other_methods(application):
    assert application[0].exchange("POST", "/nothing").status == 405


# Types.


@pytest.mark.parametrize(
    "name, expected",
    [
        ("a.html", "text/html; charset=utf-8"), ("a.htm", "text/html; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"), ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.json", "application/json"), ("a.txt", "text/plain; charset=utf-8"), ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"), ("a.jpg", "image/jpeg"), ("a.jpeg", "image/jpeg"), ("a.gif", "image/gif"),
        ("a.webp", "image/webp"), ("a.avif", "image/avif"), ("a.ico", "image/vnd.microsoft.icon"),
        ("a.wasm", "application/wasm"), ("a.pdf", "application/pdf"), ("a.xml", "application/xml"),
        ("a.mp4", "video/mp4"),
        ("a.webm", "video/webm"), ("a.mp3", "audio/mpeg"), ("a.woff2", "font/woff2"), ("a.woff", "font/woff"),
        ("a.ttf", "font/ttf"), ("a.zip", "application/zip"), ("a.gz", "application/gzip"),
        ("a.md", "text/markdown; charset=utf-8"),
        ("a.csv", "text/csv; charset=utf-8"), ("a.webmanifest", "application/manifest+json"),
        ("a.HTML", "text/html; charset=utf-8"), ("a.b.html", "text/html; charset=utf-8"),
        ("a.qqqq", "application/octet-stream"), ("qqqq", "application/octet-stream"),
        ("a.", "application/octet-stream"),
    ],
)
def test_media_type(types_server, name, expected):
    running, root = types_server
    tree.write(root, name, b"x")
    found = running.get("/" + name)["content-type"].lower()
    variants = {"image/vnd.microsoft.icon": ["image/x-icon"], "application/xml": ["text/xml"]}
    allowed = [expected, *variants.get(expected, [])]
    assert found.replace("; charset=utf-8", "") in [type.replace("; charset=utf-8", "") for type in allowed]
    if "charset" in expected:
        assert found == expected


@pytest.fixture(scope="module")
def types_server(module_server, tmp_path_factory):
    root = tmp_path_factory.mktemp("types")
    return module_server(root), root


# Validators and fields.


def test_strong_etag(client):
    etag = client.exchange("GET", "/hello.txt")["etag"]
    assert etag.startswith('"') and etag.endswith('"') and len(etag) > 2


def test_etags_differ_between_files(client):
    assert client.exchange("GET", "/hello.txt")["etag"] != client.exchange("GET", "/digits.txt")["etag"]


def test_etag_changes_with_the_content(server, root):
    path = tree.age(tree.write(root, "a.txt", b"old"))
    running = server(root)
    before = running.get("/a.txt")["etag"]
    tree.age(tree.write(root, "a.txt", b"new"), seconds=60)
    assert path.stat().st_size == 3
    assert running.get("/a.txt")["etag"] != before


def test_last_modified(site, site_root):
    response = site.get("/hello.txt")
    modified = int((site_root / "hello.txt").stat().st_mtime)
    assert response["last-modified"] == email.utils.formatdate(modified, usegmt=True)


def test_last_modified_is_never_in_the_future(server, root):
    """RFC 9110 section 8.8.2.1."""
    path = tree.write(root, "future.txt", b"x")
    os.utime(path, (time.time() + 86400, time.time() + 86400))
    response = server(root).get("/future.txt")
    if "last-modified" in response:
        assert email.utils.parsedate_to_datetime(response["last-modified"]).timestamp() <= time.time() + 1


def test_last_modified_is_the_files_when_that_has_come(server, root):
    path = tree.write(root, "soon.txt", b"x")
    soon = int(time.time()) + 2
    os.utime(path, (soon, soon))
    running = server(root)
    with running.connect() as client:
        while time.time() < soon + 1:
            assert client.exchange("GET", "/soon.txt").body == b"x"
            time.sleep(0.05)
        response = client.exchange("GET", "/soon.txt")
    assert response["last-modified"] == email.utils.formatdate(soon, usegmt=True)


@pytest.mark.parametrize("seconds", [-(10**10), -1, 0, 1, 2**31, 2**33])
def test_odd_modification_times_do_no_harm(server, root, seconds):
    path = tree.write(root, "odd.txt", b"odd")
    try:
        os.utime(path, (seconds, seconds))
    except OSError:
        pytest.skip("the file system does not know that time")
    assert server(root).get("/odd.txt").body == b"odd"


def test_ranges_are_announced(client):
    assert client.exchange("GET", "/hello.txt")["accept-ranges"] == "bytes"


def test_sniffing_is_no_danger(client):
    """An error page must not be taken for a script."""
    assert client.exchange("GET", "/nothing")["content-type"].startswith("text/")


# Cache-Control and others that the command line sets.


def test_cache_rules(server, root):
    for name in ("a.css", "a.js", "assets/a.css", "assets/b.bin", "c.html"):
        tree.write(root, name, b"x")
    running = server(root, "--cache", "*.css=max-age=3600", "--cache",
                     "/assets/*=public, max-age=31536000, immutable")
    assert running.get("/a.css")["cache-control"] == "max-age=3600"
    assert running.get("/assets/a.css")["cache-control"] == "max-age=3600"
    assert running.get("/assets/b.bin")["cache-control"] == "public, max-age=31536000, immutable"
    assert running.get("/c.html")["cache-control"] is None
    assert running.get("/nothing.css")["cache-control"] is None


def test_cache_rules_hold_for_304(server, root):
    tree.age(tree.write(root, "a.css", b"x"))
    running = server(root, "--cache", "*.css=max-age=3600")
    etag = running.get("/a.css")["etag"]
    response = running.get("/a.css", {"If-None-Match": etag})
    assert response.status == 304
    assert response["cache-control"] == "max-age=3600"


def test_cors(server, root):
    tree.write(root, "a.txt", b"x")
    assert server(root, "--cors").get("/a.txt")["access-control-allow-origin"] == "*"
    named = server(root, "--cors=https://app.example")
    assert named.get("/a.txt")["access-control-allow-origin"] == "https://app.example"
    assert server(root).get("/a.txt")["access-control-allow-origin"] is None


def test_cors_of_several_origins(server, root):
    tree.write(root, "a.txt", b"x")
    running = server(root, "--cors=https://a.example,https://b.example", "--cors=https://c.example")
    for origin in ("https://a.example", "https://b.example", "https://c.example"):
        assert running.get("/a.txt", {"Origin": origin})["access-control-allow-origin"] == origin
    assert running.get("/a.txt", {"Origin": "https://d.example"})["access-control-allow-origin"] is None


def test_cors_of_one_origin_varies_or_is_constant(server, root):
    """The value does not depend on the request, whatever Origin says."""
    tree.write(root, "a.txt", b"x")
    running = server(root, "--cors=https://app.example")
    response = running.get("/a.txt", {"Origin": "https://evil.example"})
    assert response["access-control-allow-origin"] in (None, "https://app.example")


def test_error_page(server, root):
    tree.write(root, "404.html", b"<p>lost</p>")
    tree.write(root, "a.txt", b"x")
    running = server(root, "--error-page", "404=404.html")
    response = running.get("/nothing")
    assert (response.status, response.body) == (404, b"<p>lost</p>")
    assert response["content-type"].startswith("text/html")
    assert running.exchange("HEAD", "/nothing").status == 404
    assert running.exchange("POST", "/a.txt").status == 405


def test_error_page_has_no_validators_of_the_file(server, root):
    """A cache must not take the error's page for the resource."""
    tree.age(tree.write(root, "404.html", b"<p>lost</p>"))
    running = server(root, "--error-page", "404=404.html")
    etag = running.get("/404.html")["etag"]
    response = running.get("/nothing", {"If-None-Match": etag, "Range": "bytes=0-1"})
    assert (response.status, response.body) == (404, b"<p>lost</p>")


def test_error_page_that_is_missing(server, root):
    tree.write(root, "a.txt", b"x")
    running = server(root, "--error-page", "404=404.html")
    response = running.get("/nothing")
    assert response.status == 404 and response.body
    assert 'warning: files.error_pages: "404.html": No such file' in running.stderr()


# Large files.


@pytest.fixture(scope="module")
def large(module_server, tmp_path_factory):
    root = tmp_path_factory.mktemp("large")
    with open(root / "sparse.bin", "wb") as file:
        file.truncate((5 << 30) + 7)
        file.seek((4 << 30) - 2)
        file.write(b"AROUND4G")
        file.seek((5 << 30) + 3)
        file.write(b"END!")
    with open(root / "fifty.bin", "wb") as file:
        file.truncate(50 << 20)
    tree.age(root / "sparse.bin")
    return module_server(root)


@pytest.mark.every_backend
def test_length_beyond_4_gib(large):
    response = large.exchange("HEAD", "/sparse.bin")
    assert response["content-length"] == str((5 << 30) + 7)


@pytest.mark.parametrize(
    "value, expected",
    [
        (f"bytes={(4 << 30) - 2}-{(4 << 30) + 5}", b"AROUND4G"),
        (f"bytes={(5 << 30) + 3}-", b"END!"),
        ("bytes=-4", b"END!"),
        (f"bytes={(4 << 30)}-{(4 << 30) + 1}", b"OU"),
    ],
)
@pytest.mark.every_backend
def test_ranges_beyond_4_gib(large, value, expected):
    response = large.get("/sparse.bin", {"Range": value})
    assert (response.status, response.body) == (206, expected)
    assert response["content-range"].endswith(f"/{(5 << 30) + 7}")


@pytest.mark.every_backend
def test_large_file_is_whole(large):
    response = large.get("/fifty.bin")
    assert len(response.body) == 50 << 20
    assert not response.body.strip(b"\x00")


@pytest.mark.http1
@pytest.mark.every_backend
def test_large_file_to_a_slow_reader(site):
    with site.connect(receive_buffer=4096) as client:
        client.request("GET", "/big.bin")
        response = client.read_head()
        body = b""
        while len(body) < int(response["content-length"]):
            body += client.take(min(8192, len(tree.BIG) - len(body)))
        assert body == tree.BIG
        assert client.exchange("GET", "/hello.txt").body == tree.HELLO


@pytest.mark.every_backend
def test_large_file_to_many_readers_at_once(site):
    clients = [site.connect() for _ in range(40)]
    for client in clients:
        client.request("GET", "/big.bin")
    for client in reversed(clients):
        assert client.read_response().body == tree.BIG
        client.close()


@pytest.mark.http1
@pytest.mark.every_backend
def test_client_that_goes_in_the_middle(site):
    for _ in range(20):
        with site.connect(receive_buffer=4096) as client:
            client.request("GET", "/big.bin")
            client.take(1000)
    assert site.get("/hello.txt").body == tree.HELLO


# Files that change while they are sent.


def begin_download(running, target):
    client = running.connect(receive_buffer=4096)
    client.request("GET", target)
    return client, client.read_head()


@pytest.mark.parametrize("keep", [0, 1 << 20])
@pytest.mark.http1
@pytest.mark.every_backend
def test_file_truncated_while_it_is_sent(server, root, keep):
    """The promised length cannot be kept: the connection ends early, and nothing is made up."""
    with open(root / "a.bin", "wb") as file:
        file.truncate(50 << 20)
    running = server(root)
    client, response = begin_download(running, "/a.bin")
    assert response["content-length"] == str(50 << 20)
    os.truncate(root / "a.bin", keep)
    received = len(client.read_end_or_reset())
    assert received < 50 << 20, "bytes that the file no longer has"
    assert running.get("/a.bin")["content-length"] == str(keep)


@pytest.mark.http1
@pytest.mark.every_backend
def test_file_edited_in_place_while_it_is_sent(server, root):
    """Never half old, half new under one Content-Length: the connection ends early."""
    path = tree.age(tree.write(root, "a.bin", b"o" * (50 << 20)))
    running = server(root)
    client, response = begin_download(running, "/a.bin")
    with open(path, "r+b") as file:
        file.write(b"n" * (50 << 20))
    try:
        body = client.take(int(response["content-length"]))
    except (wire.ProtocolError, ConnectionResetError):
        return
    assert set(body) == {ord("o")}, "a mixture of two versions was passed off as one"


@pytest.mark.http1
@pytest.mark.every_backend
def test_file_replaced_while_it_is_sent(server, root):
    """The old file's descriptor still has the old bytes: all of them arrive."""
    tree.write(root, "a.bin", b"o" * (20 << 20))
    running = server(root)
    client, response = begin_download(running, "/a.bin")
    os.rename(tree.write(root, "b.bin", b"n" * (20 << 20)), root / "a.bin")
    body = client.take(int(response["content-length"]))
    assert body == b"o" * (20 << 20)
    assert running.get("/a.bin").body[:4] == b"nnnn"


@pytest.mark.http1
@pytest.mark.every_backend
def test_file_removed_while_it_is_sent(server, root):
    tree.write(root, "a.bin", b"o" * (20 << 20))
    running = server(root)
    client, response = begin_download(running, "/a.bin")
    os.remove(root / "a.bin")
    assert len(client.take(int(response["content-length"]))) == 20 << 20
    assert running.get("/a.bin").status == 404


# The root.


def test_root_by_a_symbolic_link(server, site_root, tmp_path):
    os.symlink(site_root, tmp_path / "link")
    assert server(tmp_path / "link").get("/hello.txt").body == tree.HELLO


def test_root_with_odd_name(server, tmp_path):
    root = tmp_path / "r\u00f6\u00f6t with 'quotes' and: colon"
    tree.write(root, "a.txt", b"x")
    assert server(root).get("/a.txt").body == b"x"


def test_current_folder_is_the_default(tmp_path):
    tree.write(tmp_path, "a.txt", b"here")
    running = vif.Vif(tmp_path, "")
    try:
        assert running.get("/a.txt").body == b"here"
    finally:
        running.stop()


@pytest.mark.every_backend
def test_a_client_on_another_loopback_address(site):
    with site.connect(source="127.0.0.9") as client:
        assert client.exchange("GET", "/hello.txt").body == tree.HELLO


# Files that are not in the page cache are read off the loop.


def evict(path):
    """Takes the file out of the page cache, as far as the kernel agrees."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def warm(path, offset, length):
    """Reads a part of it, without what the kernel would read ahead."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
        os.pread(descriptor, length, offset)
    finally:
        os.close(descriptor)


@pytest.fixture
def cold(root):
    content = tree.BIG * 8
    path = tree.age(tree.write(root, "cold.bin", content))
    tree.write(root, "hello.txt", tree.HELLO)
    evict(path)
    return path, content


@pytest.mark.parametrize("receive_buffer", [None, 4096])
@pytest.mark.parametrize("parts", [[], [0], [1, 2, 5], [3], [7], [0, 2, 4, 6]], ids=str)
@pytest.mark.every_backend
def test_cold_file(server, root, cold, parts, receive_buffer):
    path, content = cold
    for part in parts:
        warm(path, part << 20, 1 << 20)
    client = server(root).connect(receive_buffer=receive_buffer)
    client.request("GET", "/cold.bin")
    assert client.read_response().body == content
    assert client.exchange("GET", "/hello.txt").body == tree.HELLO


@pytest.mark.http1
@pytest.mark.every_backend
def test_cold_file_in_a_pipeline(server, root, cold):
    path, content = cold
    warm(path, 0, 1 << 20)
    client = server(root).connect(receive_buffer=65536)
    client.send((wire.request_bytes("GET", "/cold.bin") + wire.request_bytes("GET", "/hello.txt")) * 3)
    for _ in range(3):
        assert client.read_response().body == content
        assert client.read_response().body == tree.HELLO


@pytest.mark.every_backend
def test_cold_ranges(server, root, cold):
    path, content = cold
    client = server(root).connect()
    for first in (0, 1, 1 << 20, (3 << 20) - 1, len(content) - 5):
        evict(path)
        response = client.exchange("GET", "/cold.bin", {"Range": f"bytes={first}-{first + 300000}"})
        assert response.body == content[first : first + 300001]
    response = client.exchange("GET", "/cold.bin", {"Range": "bytes=0-400000,2000000-2400000"})
    assert content[:400001] in response.body and content[2000000:2400001] in response.body


@pytest.mark.http1
@pytest.mark.every_backend
def test_client_that_goes_while_a_cold_file_is_read(server, root, cold):
    path, _ = cold
    running = server(root)
    for _ in range(20):
        evict(path)
        client = running.connect(receive_buffer=4096)
        client.request("GET", "/cold.bin")
        client.reset()
    assert running.get("/hello.txt").body == tree.HELLO


@pytest.mark.http1
@pytest.mark.every_backend
def test_cold_file_truncated_while_it_is_sent(server, root, cold):
    path, content = cold
    running = server(root)
    client, response = begin_download(running, "/cold.bin")
    os.truncate(path, 1000)
    body = client.read_end_or_reset()
    assert len(body) < len(content)
    assert content.startswith(body)
