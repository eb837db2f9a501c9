"""Error responses: the configured page of every status, wherever the error befell the request, and JSON for programs."""
import gzip
import json
import os
import re

import pytest

import protocols
import tree

pytestmark = [pytest.mark.any_protocol, pytest.mark.any_backend]

STATUSES = [400, 402, 403, 404, 405, 408, 410, 412, 413, 414, 416, 421, 431, 451, 500, 501, 503, 505, 507]
HOST = b"Host: a.example\r\n"
LARGE = b"large error page\n" * 50000


def page(name, status):
    return b"<p>page of %s for %d" % (name.encode(), status)


def fill(root, name):
    tree.write(root, "a.txt", b"0123456789")
    os.mkfifo(root / "fifo")
    tree.write(root, ".hidden", b"secret")
    tree.write(root, "folder/a.txt", b"x")
    for status in STATUSES:
        tree.age(tree.write(root, f"errors/{status}.html", page(name, status)))


@pytest.fixture(scope="module")
def site(module_server, tmp_path_factory):
    """Site a has pages for all statuses at "/", other ones at "/docs", and a fixed answer and a redirect below it; site
    b has none; all other hosts get 421."""
    roots = {name: tmp_path_factory.mktemp(name) for name in ("a", "docs", "plain")}
    for name, root in roots.items():
        fill(root, name)
    pages = {status: f"errors/{status}.html" for status in STATUSES}
    headers = {"set": {"X-Site": "a"}}
    return module_server(config={
        "limits": {"uri": 1000, "head": 4000, "headers": 20, "body": 1000},
        "timeouts": {"head": "300ms", "body": "300ms"},
        "sites": [
            {"hosts": ["a.example"], "headers": headers, "routes": {
                "/": {"files": {"root": str(roots["a"]), "error_pages": pages}},
                "/docs": {"files": {"root": str(roots["docs"]), "error_pages": pages}},
                "/docs/moved": {"redirect": "/"},
                "/docs/fixed": {"respond": {"status": 410}},
                "/fixed/said": {"respond": {"status": 410, "body": "in other words"}},
                "/fixed/402": {"respond": {"status": 402}},
                "/fixed/451": {"respond": {"status": 451}},
                "/fixed/500": {"respond": {"status": 500}},
                "/fixed/503": {"respond": {"status": 503}},
                "/fixed/507": {"respond": {"status": 507}},
                "/fixed/418": {"respond": {"status": 418}},
                "/plain": {"files": str(roots["plain"])}}},
            {"hosts": ["b.example"], "routes": {"/": {"files": str(roots["plain"])}}}]})


def request(line, *fields, body=b""):
    return line.encode() + b" HTTP/1.1\r\n" + HOST + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


LONG = "x" * 2000

# What goes wrong, and the bytes that make it.
ERRORS = [
    ("no request line", 400, b"garbage\r\n\r\n"),
    ("a line that is none", 400, b"GET / HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n"),
    ("no host", 400, b"GET / HTTP/1.1\r\n\r\n"),
    ("two hosts", 400, b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n"),
    ("a target that is none", 400, request("GET /%zz")),
    ("a path with a NUL", 400, request("GET /%00")),
    ("smuggling", 400, request("POST /a.txt", b"Content-Length: 3", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ("a chunk that is none", 400, request("POST /fixed/said", b"Transfer-Encoding: chunked", body=b"x\r\n")),
    ("402", 402, request("GET /fixed/402")),
    ("what is not served", 403, request("GET /fifo")),
    ("what is not there", 404, request("GET /nothing")),
    ("what is hidden", 404, request("GET /.hidden")),
    ("what no name can be", 404, request("GET /a%2Ftxt")),
    ("a folder without index", 404, request("GET /folder/")),
    ("what is too long for a name", 404, request("GET /" + "y" * 900)),
    ("a method that files do not take", 405, request("DELETE /a.txt")),
    ("a method that nobody takes", 405, request("TRACE /fixed/said")),
    ("a method with a body", 405, request("POST /a.txt", b"Content-Length: 3", body=b"abc")),
    ("a head that does not come to its end", 408, b"GET / HTTP/1.1\r\n" + HOST),
    ("a body that does not come to its end", 408, request("POST /fixed/said", b"Content-Length: 3", body=b"a")),
    ("gone", 410, request("GET /docs/fixed")),
    ("a condition that fails", 412, request("GET /a.txt", b'If-Match: "x"')),
    ("a body that is too long", 413, request("POST /fixed/said", b"Content-Length: 1001")),
    ("a body that grows too long", 413,
     request("POST /fixed/said", b"Transfer-Encoding: chunked", body=b"200\r\n" + b"x" * 512 + b"\r\n200\r\n")),
    ("a body that would be too long", 413,
     request("POST /fixed/said", b"Expect: 100-continue", b"Content-Length: 1001")),
    ("a target that is too long", 414, request("GET /" + LONG)),
    ("a range that is not there", 416, request("GET /a.txt", b"Range: bytes=10-")),
    ("a range that is none", 416, request("GET /a.txt", b"Range: bytes=a-b")),
    ("another host", 421, b"GET / HTTP/1.1\r\nHost: c.example\r\n\r\n"),
    ("another scheme", 421, request("GET ftp://a.example/")),
    ("TLS that is none", 421, request("GET https://a.example/a.txt")),
    ("a head that is too long", 431, request("GET /", b"X: " + b"x" * 4000)),
    ("too many headers", 431, request("GET /", *[b"X: y"] * 30)),
    ("451", 451, request("GET /fixed/451")),
    ("500", 500, request("GET /fixed/500")),
    ("a method that is unknown", 501, request("BREW /a.txt")),
    ("a proxy's method", 501, request("CONNECT a.example:80")),
    ("a coding that is unknown", 501, request("POST /a.txt", b"Transfer-Encoding: gzip, chunked")),
    ("503", 503, request("GET /fixed/503")),
    ("a version that is unknown", 505, b"GET / HTTP/2.0\r\n" + HOST + b"\r\n"),
    ("507", 507, request("GET /fixed/507")),
]
SPOKEN = re.compile(rb"([A-Z]+) ([/*]\S*) HTTP/1\.1\r\n((?:[\w-]+:[^\r\n]*\r\n)*)\r\n")


def parts_of(data):
    """Method, target, fields and host of a request that HTTP/2 can say, too; else None."""
    match = SPOKEN.fullmatch(data)
    fields = [line.split(b":", 1) for line in match.group(3).splitlines()] if match else []
    names = [name.lower() for name, _ in fields]
    if names.count(b"host") != 1 or {b"content-length", b"transfer-encoding"} & set(names):
        return None
    pairs = [(name.decode(), value.strip().decode()) for name, value in fields if name.lower() != b"connection"]
    return match.group(1).decode(), match.group(2).decode(), pairs


def cases(errors):
    return [pytest.param(*error, id=error[0].replace(" ", "-"),
                         marks=() if parts_of(error[2]) else pytest.mark.http1) for error in errors]


def answer(site, data, method="GET"):
    if protocols.IS_HTTP2:
        with site.connect() as client:
            response = client.exchange(*parts_of(data))
            assert client.exchange("GET", "/a.txt", host="a.example").body == b"0123456789", "the connection goes on"
            return response
    with site.connect() as client:
        client.send(data)
        response = client.read_response(method)
        if response.status == 100:
            response = client.read_response(method)
        if not response.closes:
            client.send(request("GET /a.txt", b"Connection: close"))
            assert client.read_last().body == b"0123456789", "the connection goes on"
        return response


@pytest.mark.parametrize("name, status, data", cases(ERRORS))
def test_every_error_has_its_page(site, name, status, data):
    response = answer(site, data)
    where = "docs" if "/docs/fixed" in data.decode() else "a"
    assert (response.status, response.body) == (status, page(where, status))
    assert response["content-type"] == "text/html; charset=utf-8"
    assert "accept" in response.tokens("vary")
    assert response["x-site"] == "a", "the site's headers are on all its responses"


def test_the_rest_of_an_error_stays(site):
    assert answer(site, request("DELETE /a.txt"))["allow"] == "GET, HEAD, OPTIONS"
    assert answer(site, request("GET /a.txt", b"Range: bytes=10-"))["content-range"] == "bytes */10"
    etag = site.get("/a.txt", host="a.example")["etag"]
    failed = answer(site, request("GET /a.txt", b'If-Match: "x"'))
    assert failed["etag"] == etag and failed["last-modified"]


@pytest.mark.parametrize("target, name", [("/docs/nothing", "docs"), ("/docs/moved", "docs"), ("/docsx", "a"),
                                          ("/doc%73/nothing", "docs"), ("/docs/../nothing", "a")])
def test_the_nearest_folder_has_the_page(site, target, name):
    status = 405 if "moved" in target else 404
    response = answer(site, request(("TRACE " if status == 405 else "GET ") + target))
    assert (response.status, response.body) == (status, page(name, status))


# Where the target was understood before the fault, and the head came to its end or to its fault.
BELOW = [error for error in ERRORS if b" / HTTP/1.1\r\n" in error[2] and error[1] != 408]


@pytest.mark.parametrize("name, status, data", cases(BELOW))
def test_errors_below_a_folder_are_its_own(site, name, status, data):
    response = answer(site, data.replace(b" / ", b" /docs/ "))
    assert (response.status, response.body) == (status, page("docs", status))


def test_a_site_without_pages(site):
    response = answer(site, b"GET /nothing HTTP/1.1\r\nHost: b.example\r\nConnection: close\r\n\r\n")
    assert response.status == 404 and b"There is nothing at this address." in response.body


@pytest.mark.http1
def test_a_site_without_pages_and_a_head_that_breaks_off(site):
    response = answer(site, b"GET / HTTP/1.1\r\nHost: b.example\r\nno colon\r\n\r\n")
    assert response.status == 400 and b'<p class="status">400</p>' in response.body
    assert "x-site" not in response


def test_a_folder_without_pages(site):
    response = answer(site, request("GET /plain/nothing"))
    assert response.status == 404 and b"There is nothing at this address." in response.body


def test_fixed_error_with_words_of_its_own(site):
    assert answer(site, request("GET /fixed/said")).body == b"in other words"


def test_fixed_error_without_a_page(site):
    response = answer(site, request("GET /fixed/418"))
    assert response.status == 418 and b'<p class="status">418</p>' in response.body


@pytest.mark.parametrize("line", ["HEAD /nothing", "HEAD /a.txt", "HEAD /%zz"])
def test_head(site, line):
    fields = [b'If-Match: "x"'] if "a.txt" in line else []
    response = answer(site, request(line, *fields), "HEAD")
    status = {"HEAD /nothing": 404, "HEAD /a.txt": 412, "HEAD /%zz": 400}[line]
    assert (response.status, response["content-length"]) == (status, str(len(page("a", status))))


# JSON.


@pytest.mark.parametrize("accept", [b"application/json", b"application/json, text/html;q=0.5", b"text/plain\r\nAccept: application/json"])
@pytest.mark.parametrize("target, status", [("/nothing", 404), ("/%00", 400), ("/fixed/418", 418), ("/plain/nothing", 404)])
def test_json_for_programs(site, accept, target, status):
    response = answer(site, request("GET " + target, b"Accept: " + accept))
    assert response.status == status and response["content-type"] == "application/json"
    assert "accept" in response.tokens("vary") and "content-security-policy" not in response
    content = json.loads(response.body)
    assert content["status"] == status and content["title"] and content["detail"]


@pytest.mark.http1
def test_json_of_a_head_that_breaks_off(site):
    """Accept counts where it was read before the fault."""
    response = answer(site, b"GET / HTTP/1.1\r\n" + HOST + b"Accept: application/json\r\nno colon\r\n\r\n")
    assert json.loads(response.body)["status"] == 400


@pytest.mark.parametrize("accept", [b"text/html", b"*/*", b"text/html, application/json;q=0.9", b""])
def test_html_for_browsers(site, accept):
    assert answer(site, request("GET /nothing", b"Accept: " + accept)).body == page("a", 404)


def test_a_page_that_is_json_itself(server, root):
    tree.write(root, "404.json", b'{"mine": true}')
    running = server(root, "--error-page", "404=404.json")
    for accept in ("application/json", "text/html"):
        response = running.get("/nothing", {"Accept": accept})
        assert (response.status, response.body) == (404, b'{"mine": true}')
        assert response["content-type"] == "application/json"


# What becomes of the page itself.


def test_page_with_a_coded_sibling(server, root):
    coded = gzip.compress(b"<p>lost")
    tree.age(tree.write(root, "404.html", b"<p>lost"))
    tree.age(tree.write(root, "404.html.gz", coded))
    running = server(root, "--error-page", "404=404.html", "--error-page", "405=404.html")
    for method, status in (("GET", 404), ("DELETE", 405)):
        response = running.exchange(method, "/nothing", {"Accept-Encoding": "gzip"})
        assert (response.status, response.body, response["content-encoding"]) == (status, coded, "gzip")
        response = running.exchange(method, "/nothing", {"Accept-Encoding": "br"})
        assert (response.status, response.body, response["content-encoding"]) == (status, b"<p>lost", None)
        assert set(response.tokens("vary")) == {"accept", "accept-encoding"}


@pytest.mark.every_backend
def test_page_that_is_large(server, root):
    tree.age(tree.write(root, "large.html", LARGE))
    running = server(root, "--error-page", "404=large.html", "--error-page", "400=large.html")
    with running.connect() as client:
        for _ in range(3):
            assert client.exchange("GET", "/nothing").body == LARGE
        assert client.exchange("GET", "/%zz").body == LARGE


@pytest.mark.parametrize("page", ["missing.html", "folder", "link-out.html"])
@pytest.mark.parametrize("line, status", [("GET /nothing", 404), ("GET /%zz", 400), ("DELETE /a.txt", 405)])
def test_page_that_cannot_be_had(server, root, page, line, status):
    tree.write(root, "folder/a.txt", b"x")
    (root / "link-out.html").symlink_to("/etc/passwd")
    running = server(root, *(f"--error-page={status}={page}" for status in (400, 404, 405)))
    response = running.exchange(*line.split())
    assert response.status == status and b'<p class="status">%d</p>' % status in response.body


def test_page_that_comes_and_goes(server, root):
    running = server(root, "--error-page", "404=late.html", "--error-page", "400=late.html")
    assert b"404" in running.get("/nothing").body
    tree.write(root, "late.html", b"here now")
    assert running.get("/nothing").body == b"here now"
    assert running.get("/%zz").body == b"here now"
    (root / "late.html").unlink()
    assert b'<p class="status">404</p>' in running.get("/nothing").body


@pytest.mark.http1
@pytest.mark.every_backend
def test_errors_in_a_pipeline_keep_their_order(site):
    with site.connect() as client:
        client.send(request("GET /nothing") + request("GET /a.txt", b"Range: bytes=99-") + request("GET /a.txt")
                    + request("DELETE /a.txt") + request("GET /docs/nothing") + b"garbage\r\n\r\n")
        expected = [page("a", 404), page("a", 416), b"0123456789", page("a", 405), page("docs", 404), page("a", 400)]
        assert [client.read_response().body for _ in expected] == expected
        client.read_end()
