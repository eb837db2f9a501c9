"""Precompressed siblings by Accept-Encoding: RFC 9110 section 12.5.3."""
import pytest

import tree

pytestmark = [pytest.mark.any_protocol, pytest.mark.any_backend]

TARGET = "/encoded.html"
SUFFIXES = {"br": ".br", "zstd": ".zst", "gzip": ".gz", None: ""}

CASES = [
    (None, None),
    ("", None),
    ("identity", None),
    ("gzip", "gzip"),
    ("x-gzip", ("gzip", None)),
    ("GZIP", "gzip"),
    ("br", "br"),
    ("zstd", "zstd"),
    ("gzip, br", "br"),
    ("br, gzip, zstd", "br"),
    ("gzip, zstd", "zstd"),
    ("gzip, deflate, br, zstd", "br"),
    ("gzip;q=1, br;q=0.5", "gzip"),
    ("gzip;q=0.5, br;q=0.9, zstd;q=0.7", "br"),
    ("gzip;q=0.001", "gzip"),
    ("br;q=0, gzip", "gzip"),
    ("br;q=0.000, zstd;q=0, gzip;q=0", None),
    ("gzip;q=0", None),
    ("*", "br"),
    ("*;q=0.5", "br"),
    ("br;q=0, *", "zstd"),
    ("*;q=0, gzip", "gzip"),
    ("*;q=0", None),
    ("identity, *;q=0", None),
    ("identity;q=0, gzip;q=0.1", "gzip"),
    ("identity;q=1, gzip;q=0.5", None),
    ("gzip ; q=1.0", "gzip"),
    ("gzip;Q=1", "gzip"),
    ("deflate", None),
    ("compress, sdch", None),
    ("brx, xgzip", None),
    ("gzipped", None),
    (",,gzip,,", "gzip"),
]


@pytest.mark.parametrize("accept, coding", CASES, ids=[str(case[0]) for case in CASES])
def test_negotiation(client, accept, coding):
    response = client.exchange("GET", TARGET, {} if accept is None else {"Accept-Encoding": accept})
    found = response["content-encoding"]
    assert response.status == 200
    assert found in (coding if isinstance(coding, tuple) else (coding,))
    assert response.body == tree.ENCODED[SUFFIXES[found]]
    assert response["content-type"] == "text/html; charset=utf-8"
    assert "accept-encoding" in response.tokens("vary")


def test_list_in_several_lines(client):
    response = client.exchange("GET", TARGET, [("Accept-Encoding", "deflate"), ("Accept-Encoding", "gzip")])
    assert response["content-encoding"] == "gzip"


@pytest.mark.parametrize("accept", ["gzip;q=2", "gzip;q=x", "gzip;q=", "gzip;q", "gzip;q=-1", "gzip;q=0.1234",
                                    ";", "gzip;;q=1", "gzip br"])
def test_malformed_values_do_no_harm(client, accept):
    response = client.exchange("GET", TARGET, {"Accept-Encoding": accept})
    assert response.status == 200
    assert response.body == tree.ENCODED[SUFFIXES[response["content-encoding"]]]


def test_etag_differs_per_coding(client):
    etags = [client.exchange("GET", TARGET, {"Accept-Encoding": name or "identity"})["etag"]
             for name in SUFFIXES]
    assert len(set(etags)) == len(SUFFIXES)


def test_head_says_what_get_would(client):
    fields = {"Accept-Encoding": "br"}
    get, head = client.exchange("GET", TARGET, fields), client.exchange("HEAD", TARGET, fields)
    for name in ("content-encoding", "content-length", "etag", "vary", "content-type"):
        assert head[name] == get[name]


def test_condition_on_a_coding(client):
    fields = {"Accept-Encoding": "gzip"}
    etag = client.exchange("GET", TARGET, fields)["etag"]
    response = client.exchange("GET", TARGET, {**fields, "If-None-Match": etag})
    assert response.status == 304
    assert response["etag"] == etag
    assert "accept-encoding" in response.tokens("vary")
    assert client.exchange("GET", TARGET, {"Accept-Encoding": "br", "If-None-Match": etag}).status == 200


def test_range_of_a_coding(client):
    response = client.exchange("GET", TARGET, {"Accept-Encoding": "gzip", "Range": "bytes=4-7"})
    assert response.status == 206
    body = tree.ENCODED[SUFFIXES[response["content-encoding"]]]
    assert response.body == body[4:8]
    assert response["content-range"] == f"bytes 4-7/{len(body)}"


def test_coding_that_is_not_there(client):
    response = client.exchange("GET", "/only-gzip.js", {"Accept-Encoding": "br"})
    assert response["content-encoding"] is None
    assert response.body == b"plain script\n"
    response = client.exchange("GET", "/only-gzip.js", {"Accept-Encoding": "br, gzip"})
    assert response.body == b"the script's gzip bytes"


def test_sibling_without_its_file_is_none(client):
    assert client.exchange("GET", "/orphan.css", {"Accept-Encoding": "gzip"}).status == 404


def test_sibling_by_its_own_name(client):
    response = client.exchange("GET", "/encoded.html.gz", {"Accept-Encoding": "gzip"})
    assert response["content-encoding"] is None
    assert response["content-type"] == "application/gzip"
    assert response.body == tree.ENCODED[".gz"]


def test_index_has_siblings_too(server, root):
    tree.age(tree.write(root, "index.html", b"plain"))
    tree.age(tree.write(root, "index.html.gz", b"gzipped"))
    response = server(root).get("/", {"Accept-Encoding": "gzip"})
    assert (response["content-encoding"], response.body) == ("gzip", b"gzipped")


def test_file_without_siblings_does_not_vary(client):
    response = client.exchange("GET", "/digits.txt", {"Accept-Encoding": "gzip"})
    assert "accept-encoding" not in response.tokens("vary")


def test_sibling_that_is_older_is_left_aside(server, root):
    tree.age(tree.write(root, "a.html", b"new"), seconds=100)
    tree.age(tree.write(root, "a.html.gz", b"old"), seconds=10000)
    assert server(root).get("/a.html", {"Accept-Encoding": "gzip"}).body == b"new"


def test_sibling_that_leads_outside_is_left_aside(server, tmp_path):
    (tmp_path / "outside.gz").write_bytes(tree.SECRET)
    tree.write(tmp_path / "served", "a.html", b"plain")
    (tmp_path / "served" / "a.html.gz").symlink_to("../outside.gz")
    assert server(tmp_path / "served").get("/a.html", {"Accept-Encoding": "gzip"}).body == b"plain"


def test_sibling_that_is_a_folder_is_left_aside(server, root):
    tree.write(root, "a.html", b"plain")
    tree.write(root, "a.html.gz/x", b"x")
    assert server(root).get("/a.html", {"Accept-Encoding": "gzip"}).body == b"plain"


def test_sibling_appears_and_goes(server, root):
    running = server(root)
    fields = {"Accept-Encoding": "gzip"}
    tree.age(tree.write(root, "a.html", b"plain"))
    for _ in range(20):
        assert running.get("/a.html", fields).body == b"plain"
        path = tree.write(root, "a.html.gz", b"gzipped")
        assert running.get("/a.html", fields).body == b"gzipped"
        path.unlink()


def test_precompressed_may_be_off(server, site_root):
    files = {"root": str(site_root), "precompressed": False}
    running = server(config={"sites": [{"routes": {"/": {"files": files}}}]})
    response = running.get(TARGET, {"Accept-Encoding": "br, gzip"})
    assert response["content-encoding"] is None
    assert response.body == tree.ENCODED[""]
