"""What people expect of a server without saying it: applications in the browser, short URLs, types, single files."""
import json
import os

import pytest
import tree
import vif

pytestmark = [pytest.mark.any_protocol, pytest.mark.any_backend]

PAGE = b"<!doctype html><script src=/app.js></script>\n"
FROM_BROWSER = {"Sec-Fetch-Dest": "document", "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def configured(server, root, **files):
    return server(config={"sites": [{"routes": {"/": {"files": {"root": str(root), **files}}}}]})


# Applications that route in the browser.


@pytest.fixture
def application(server, root):
    tree.write(root, "index.html", PAGE)
    tree.write(root, "app.js", b"export {}\n")
    return server(root, "--spa")


@pytest.mark.parametrize("target, fields", [
    ("/users/42", {}), ("/users/jane.doe", {}), ("/v1.2/notes", {"Accept": "*/*"}), ("/users/42", FROM_BROWSER),
    ("/files/report.pdf", FROM_BROWSER), ("/old.html", {}), ("/users/42", {"Accept": "text/html"}),
    ("/a", {"Sec-Fetch-Dest": "iframe"}), ("/a.js", {"Sec-Fetch-Dest": "empty", "Accept": "text/html"}),
])
def test_who_wants_a_page_gets_it(application, target, fields):
    response = application.get(target, fields)
    assert (response.status, response.body) == (200, PAGE)
    assert response["cache-control"] == "no-cache"
    assert {"accept", "sec-fetch-dest"} <= set(response.tokens("vary"))
    assert application.get(target, {**fields, "If-None-Match": response["etag"]}).status == 304


@pytest.mark.parametrize("target, fields", [
    ("/app.0a1b.js", {}), ("/app.0a1b.js", {"Accept": "*/*"}), ("/logo.png", {"Accept": "image/*,*/*;q=0.8"}),
    ("/style.css", {"Accept": "text/css,*/*;q=0.1"}), ("/avatar", {"Sec-Fetch-Dest": "image", "Accept": "*/*"}),
    ("/app.0a1b.js", {"Sec-Fetch-Dest": "script", "Accept": "*/*"}), ("/api/users", {"Accept": "application/json"}),
    ("/api/users", {"Sec-Fetch-Dest": "empty", "Accept": "*/*"}), ("/.env", {"Sec-Fetch-Dest": "script"}),
])
def test_a_missing_part_is_not_found(application, target, fields):
    response = application.get(target, fields)
    assert response.status == 404 and PAGE not in response.body
    assert {"accept", "sec-fetch-dest"} <= set(response.tokens("vary"))


def test_the_page_of_an_application_is_looked_for_anew(application, server, root):
    assert application.get("/")["cache-control"] == "no-cache"
    assert application.get("/app.js")["cache-control"] is None
    running = server(root, "--spa", "--cache", "index.html=max-age=60")
    assert running.get("/deep")["cache-control"] == "max-age=60"


def test_a_fallback_that_is_no_page_is_for_everybody(server, root):
    tree.write(root, "none.png", b"a grey square")
    running = configured(server, root, fallback="/none.png")
    for fields in ({}, {"Sec-Fetch-Dest": "image"}, FROM_BROWSER):
        response = running.get("/avatar/42.png", fields)
        assert (response.status, response.body) == (200, b"a grey square")
        assert response["cache-control"] is None


# /about for about.html.


def test_clean_urls(server, root):
    tree.write(root, "about.html", b"about")
    tree.write(root, "blog.html", b"blog")
    tree.write(root, "blog/post.html", b"post")
    tree.write(root, "docs/index.html", b"docs")
    tree.write(root, "plain", b"plain")
    tree.write(root, "plain.html", b"not plain")
    for running in (server(root, "--clean-urls"), configured(server, root, clean_urls=True)):
        for target, body in (("/about", b"about"), ("/blog", b"blog"), ("/blog/post", b"post"), ("/plain", b"plain")):
            for _ in range(2):
                response = running.get(target)
                assert (response.status, response.body) == (200, body)
        assert running.get("/about")["content-type"] == "text/html; charset=utf-8"
        assert running.get("/about.html").body == b"about"
        assert running.get("/docs")["location"] == "/docs/"
        assert running.get("/about/").status == 404
        assert running.get("/nothing").status == 404
    assert server(root).get("/about").status == 404


def test_clean_urls_before_the_fallback(server, root):
    tree.write(root, "index.html", PAGE)
    tree.write(root, "about.html", b"about")
    running = server(root, "--clean-urls", "--spa")
    assert running.get("/about").body == b"about"
    assert running.get("/other").body == PAGE


# What the quick server does by itself.


def test_the_404_of_the_folder(server, root):
    running = server(root)
    assert b"<p class=\"status\">404</p>" in running.get("/nothing").body
    tree.write(root, "404.html", b"lost?")
    response = running.get("/nothing")
    assert (response.status, response.body) == (404, b"lost?")
    assert server(root, "--error-page", "404=/other.html").get("/nothing").body != b"lost?"
    assert "404.html" not in running.stderr()


@pytest.mark.parametrize("name, coding", [("data.js.br", "br"), ("data.js.zst", "zstd")])
def test_a_lone_sibling(server, root, name, coding):
    running = server(root)
    assert running.get("/data.js", {"Accept-Encoding": coding}).status == 404
    tree.write(root, name, b"compressed")
    for _ in range(3):
        response = running.get("/data.js", {"Accept-Encoding": f"gzip, {coding}"})
        assert (response.status, response.body) == (200, b"compressed")
        assert response["content-encoding"] == coding
        assert response["content-type"] == "text/javascript; charset=utf-8"
        assert "accept-encoding" in response.tokens("vary")
    for fields in ({}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": f"{coding};q=0"}):
        assert running.get("/data.js", fields).status == 404
    (root / name).unlink()
    assert running.get("/data.js", {"Accept-Encoding": coding}).status == 404


def test_a_lone_sibling_of_an_index(server, root):
    tree.write(root, "index.html.br", b"compressed")
    running = server(root)
    assert running.get("/", {"Accept-Encoding": "br"}).body == b"compressed"
    assert b"index.html.br" in running.get("/").body


def test_a_lone_sibling_that_may_not_be_read(server, root):
    path = tree.write(root, "data.js.br", b"compressed")
    path.chmod(0)
    response = server(root).get("/data.js", {"Accept-Encoding": "br"})
    assert response.status in (200, 404)  # the superuser may


def test_a_lone_sibling_only_where_it_is_wanted(server, root):
    tree.write(root, "data.js.br", b"compressed")
    fields = {"Accept-Encoding": "br"}
    assert configured(server, root).get("/data.js", fields).status == 404
    assert configured(server, root, precompressed_alone=True).get("/data.js", fields).body == b"compressed"


# Types.


def test_types_and_charset(server, root):
    for name in ("a.foo", "a.md", "a.html", "a.txt", "a.tar.foo"):
        tree.write(root, name, b"x")
    types = {".tar.foo": "application/x-tar", "foo": "application/x-foo", ".md": "text/plain"}
    running = configured(server, root, types=types, charset="iso-8859-1", listing=True)
    expected = {"a.foo": "application/x-foo", "a.tar.foo": "application/x-tar",
                "a.md": "text/plain; charset=iso-8859-1", "a.html": "text/html; charset=iso-8859-1"}
    for name, media_type in expected.items():
        for _ in range(2):
            assert running.get("/" + name)["content-type"] == media_type
        assert running.get("/" + name, {"Range": "bytes=0-0"})["content-type"] == media_type
    bare = configured(server, root, charset="none")
    assert bare.get("/a.txt")["content-type"] == "text/plain"


@pytest.mark.parametrize("option, value, words", [
    ("types", {".x": "nonsense"}, "media type"), ("types", {"a/b": "text/plain"}, "end of a file's name"),
    ("types", {".x": "text/plain; " + "x" * 300}, "longer than"), ("charset", "utf 8", "charset"),
    ("only", "a/b", "name of a file"),
])
def test_mistakes_in_the_configuration(tmp_path, root, option, value, words):
    path = tmp_path / "vif.yaml"
    files = {"root": str(root), option: value}
    path.write_text(json.dumps({"sites": [{"routes": {"/": {"files": files}}}]}))
    result = vif.run("check", str(path))
    assert result.returncode != 0 and words in result.stdout + result.stderr


@pytest.mark.parametrize("name, media_type, coding", [
    ("a.svgz", "image/svg+xml", "gzip"), ("app.wasm.gz", "application/wasm", "gzip"),
    ("app.wasm.br", "application/wasm", "br"), ("game.data.gz", "application/octet-stream", "gzip"),
    ("app.js.zst", "text/javascript; charset=utf-8", "zstd"), ("a.tar.gz", "application/gzip", None),
    ("table.csv.gz", "application/gzip", None),
])
def test_codings_that_are_part_of_the_name(server, root, name, media_type, coding):
    tree.write(root, name, b"coded")
    running = server(root)
    for fields in ({}, {"Accept-Encoding": "gzip, br"}, {"Range": "bytes=0-"}):
        response = running.get("/" + name, fields)
        assert response.body == b"coded"
        assert response["content-type"] == media_type
        assert response["content-encoding"] == coding


# One file.


def test_one_file(server, root):
    path = tree.write(root, "folder/my report.txt", tree.HELLO)
    tree.write(root, "folder/secret.txt", tree.SECRET)
    tree.write(root, "folder/index.html", tree.SECRET)
    running = server(path)
    response = running.get("/my%20report.txt")
    assert (response.status, response.body) == (200, tree.HELLO)
    assert response["content-type"] == "text/plain; charset=utf-8"
    start = running.get("/")
    assert (start.status, start["location"]) == (302, "/my%20report.txt")
    for target in ("/secret.txt", "/index.html", "/folder/", "/my%20report.txt/", "/../folder/secret.txt", "/404.html"):
        response = running.get(target)
        assert response.status in (400, 404) and tree.SECRET not in response.body, target
    assert running.get("/my%20report.txt", {"Range": "bytes=0-4"}).body == tree.HELLO[:5]


def test_one_file_here(tmp_path, server):
    (tmp_path / ".notes").write_bytes(tree.HELLO)
    running = server(".notes")  # servers run in tmp_path
    assert running.get("/.notes").body == tree.HELLO
    os.unlink(tmp_path / ".notes")
    assert running.get("/.notes").status == 404


def test_one_file_by_the_configuration(server, root):
    tree.write(root, "robots.txt", tree.HELLO)
    tree.write(root, "other.txt", tree.SECRET)
    files = {"root": str(root), "only": "robots.txt"}
    running = server(config={"sites": [{"routes": {"/static": {"files": files}}}]})
    assert running.get("/static/robots.txt").body == tree.HELLO
    assert running.get("/static/")["location"] == "/static/robots.txt"
    assert running.get("/static/other.txt").status == 404
