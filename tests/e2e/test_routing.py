"""Sites by host, routes by path, and what answers there: files, redirects, fixed responses, edited fields."""
import pytest

import tree
import vif
import wire

pytestmark = [pytest.mark.any_protocol, pytest.mark.any_backend]


def respond(body, **others):
    return {"respond": {"body": body, **others}}


@pytest.fixture(scope="module")
def hosts(module_server):
    sites = [
        {"hosts": ["*.example.com"], "routes": {"/": respond("wildcard")}},
        {"hosts": ["example.com", "www.example.com"], "routes": {"/": respond("exact")}},
        {"hosts": ["*.deep.example.com"], "routes": {"/": respond("deep")}},
        {"hosts": ["[::1]"], "routes": {"/": respond("address")}},
        {"hosts": ["*"], "routes": {"/": respond("default")}},
    ]
    return module_server(config={"sites": sites})


@pytest.mark.parametrize(
    "host, body",
    [
        ("example.com", "exact"), ("EXAMPLE.com", "exact"), ("example.com:8080", "exact"),
        ("www.example.com", "exact"),
        ("example.com.", "exact"), ("a.example.com", "wildcard"), ("a.b.example.com", "wildcard"),
        ("A.Example.COM:1", "wildcard"), ("other.example", "default"), ("xexample.com", "default"),
        ("com", "default"),
        ("example.com.evil.example", "default"), ("localhost", "default"), ("127.0.0.1", "default"),
        ("[::1]", "address"), ("[::1]:8080", "address"),
    ],
)
def test_host(hosts, host, body):
    assert hosts.get("/", host=host).body.decode() == body


def test_longest_wildcard_or_first(hosts):
    assert hosts.get("/", host="a.deep.example.com").body in (b"deep", b"wildcard")


@pytest.mark.http1
def test_host_of_absolute_form_goes_before_the_field(hosts):
    """RFC 9112 section 3.2.2."""
    assert hosts.get("http://example.com/", host="other.example").body == b"exact"


@pytest.mark.http1
def test_http_10_without_host(hosts):
    with hosts.connect() as client:
        client.request("GET", "/", version="HTTP/1.0", host=None)
        assert client.read_response().body == b"default"


@pytest.mark.every_backend
def test_host_of_each_request_in_a_pipeline(hosts):
    with hosts.connect() as client:
        names = ["example.com", "a.example.com", "other.example"] * 10
        for name in names:
            client.request("GET", "/", host=name)
        for body in [b"exact", b"wildcard", b"default"] * 10:
            assert client.read_response().body == body


def test_no_site_for_the_host(server):
    running = server(config={"sites": [{"hosts": ["example.com"], "routes": {"/": respond("x")}}]})
    assert running.get("/", host="example.com").body == b"x"
    assert running.get("/", host="other.example").status in (404, 421)


# Paths.


@pytest.fixture(scope="module")
def routes(module_server, site_root, tmp_path_factory):
    extra = tmp_path_factory.mktemp("extra")
    tree.write(extra, "index.html", b"extra index")
    tree.write(extra, "a.txt", b"extra a")
    tree.write(extra, "sub/index.html", b"extra sub")
    table = {
        "/": {"files": {"root": str(site_root), "listing": True}},
        "/api": respond("api"),
        "/api/v2": respond("api v2"),
        "/api/v2/deep": respond("deep"),
        "/slash/": respond("slash"),
        "/extra": {"files": {"root": str(extra)}},
        "/mounted/here/": {"files": {"root": str(extra)}},
        "/sp ace": respond("space"),
    }
    return module_server(config={"sites": [{"routes": table}]})


@pytest.mark.parametrize(
    "target, body",
    [
        ("/hello.txt", tree.HELLO), ("/api", b"api"), ("/api/", b"api"), ("/api/v1", b"api"),
        ("/api/v", b"api"),
        ("/api/v2", b"api v2"), ("/api/v2/", b"api v2"), ("/api/v2/x", b"api v2"), ("/api/v22", b"api"),
        ("/api/v2/deep/x", b"deep"), ("/api/v2/deeper", b"api v2"), ("/slash/", b"slash"),
        ("/slash/x", b"slash"),
        ("/api?query", b"api"), ("/%61pi", b"api"), ("/x/../api", b"api"), ("/./api", b"api"),
        ("/sp%20ace", b"space"),
        ("/extra/a.txt", b"extra a"), ("/extra/", b"extra index"), ("/extra/sub/", b"extra sub"),
        ("/mounted/here/a.txt", b"extra a"), ("/mounted/here/", b"extra index"),
        ("/extra/../hello.txt", tree.HELLO),
        ("/api/../hello.txt", tree.HELLO),
    ],
)
def test_path(routes, target, body):
    response = routes.get(target)
    assert (response.status, response.body) == (200, body)


@pytest.mark.parametrize("target", ["/apix", "/ap", "/extra.txt", "/extraa.txt", "/API", "/mounted",
                                    "/mounted/", "/api%2Fv2"])
def test_path_that_only_looks_alike(routes, target):
    assert routes.get(target).status == 404


@pytest.mark.parametrize("target", ["/extra/../../secret.txt", "/extra/..%2f..%2fsecret.txt",
                                    "/extra/%2e%2e/%2e%2e/secret.txt"])
def test_prefix_is_no_way_out(routes, target):
    assert tree.SECRET not in routes.get(target).body


@pytest.mark.parametrize("target, location", [("/slash", "/slash/"), ("/slash?q", "/slash/?q"),
                                              ("/mounted/here", "/mounted/here/"),
                                              ("/extra/sub", "/extra/sub/"), ("/extra", "/extra/"),
                                              ("/e%78tra/s%75b?a=b", "/e%78tra/s%75b/?a=b"),
                                              ("//extra/.//sub?x=\"", "/extra/sub/?x=%22"),
                                              ("//slash?", "/slash/?")])
def test_bare_form_is_redirected(routes, target, location):
    response = routes.get(target)
    assert response.status in (301, 308)
    assert response["location"] == location


# Fixed responses.


@pytest.fixture(scope="module")
def fixed(module_server, tmp_path_factory):
    root = tmp_path_factory.mktemp("fixed")
    tree.write(root, "a.txt", b"content")
    tree.write(root, "deep/a.txt", b"content")
    table = {
        "/": {
            "files": {"root": str(root)},
            "headers": {"set": {"X-A": "b", "Cache-Control": "no-store"}, "remove": ["Server", "ETag"]},
        },
        "/health": {"respond": {"status": 200, "body": "ok\n", "type": "text/plain"}},
        "/empty": {"respond": {"status": 204}},
        "/lost": {"respond": {"status": 404}},
        "/gone": {
            "respond": {"status": 410, "body": "<p>gone</p>", "type": "text/html"},
            "headers": {"set": {"X-Gone": "yes"}},
        },
        "/short": {"respond": "in short"},
        "/teapot": {"respond": {"status": 418, "body": "short and stout"}},
        "/old": {"redirect": {"to": "https://example.com/new{path}", "status": 308}},
        "/uri": {"redirect": {"to": "https://example.com{uri}", "status": 302}},
        "/host": {"redirect": {"to": "https://{host}/x", "status": 301}},
        "/see": {"redirect": {"to": "/health", "status": 303}, "headers": {"set": {"X-See": "yes"}}},
        "/temporary": {"redirect": {"to": "/health", "status": 307}},
        "/plain": {"redirect": "https://example.com/"},
        "/q": {"redirect": {"to": "/search{query}"}},
        "/q/more": {"redirect": {"to": "/search?from=old{query}"}},
        "/q/joined": {"redirect": {"to": "/search?{query}"}},
        "/q/also": {"redirect": {"to": "/search?a=1&{query}#end"}},
        "/here": {"redirect": {"to": "/there{path}"}},
    }
    return module_server(config={"sites": [{"routes": table}]})


def test_respond(fixed):
    response = fixed.get("/health")
    assert (response.status, response.body) == (200, b"ok\n")
    assert response["content-type"] == "text/plain"


def test_respond_to_head(fixed):
    with fixed.connect() as client:
        assert client.exchange("HEAD", "/health")["content-length"] == "3"
        assert client.exchange("GET", "/health").body == b"ok\n"


def test_respond_without_content(fixed):
    with fixed.connect() as client:
        assert client.exchange("GET", "/empty").status == 204
        assert client.exchange("GET", "/health").body == b"ok\n"


def test_respond_with_an_error_that_has_no_words(fixed):
    response = fixed.get("/lost")
    assert response.status == 404 and b"404" in response.body


def test_respond_with_another_status(fixed):
    response = fixed.get("/gone")
    assert (response.status, response.body, response["x-gone"]) == (410, b"<p>gone</p>", "yes")


def test_respond_with_a_status_that_has_no_name(fixed):
    assert fixed.get("/teapot").status == 418


def test_respond_in_short(fixed):
    assert fixed.get("/short").body == b"in short"


@pytest.mark.every_backend
def test_respond_to_a_body(fixed):
    """Whether POST is allowed or not, its body is read."""
    with fixed.connect() as client:
        client.request("POST", "/health", body=wire.request_bytes("GET", "/gone"))
        assert client.read_response().status in (200, 405)
        assert client.exchange("GET", "/health").body == b"ok\n"


# Redirects.


@pytest.mark.parametrize(
    "target, status, location",
    [
        ("/old", 308, "https://example.com/new"),
        ("/old/", 308, "https://example.com/new/"),
        ("/old/a/b", 308, "https://example.com/new/a/b"),
        ("/old/a%20b", 308, "https://example.com/new/a%20b"),
        ("/uri", 302, "https://example.com/uri"),
        ("/uri/a?b=c", 302, "https://example.com/uri/a?b=c"),
        ("/uri?", 302, ("https://example.com/uri?", "https://example.com/uri")),
        ("/host", 301, "https://localhost/x"),
        ("/see", 303, "/health"),
        ("/temporary", 307, "/health"),
        ("/plain", 308, "https://example.com/"),
        # As the client wrote it: RFC 3986 section 2.2.
        ("/uri/a:b@c;d=e?q=a:b", 302, "https://example.com/uri/a:b@c;d=e?q=a:b"),
        ("/uri/wiki/Talk:X/@user;jsessionid=1!$&'()*+,", 302,
         "https://example.com/uri/wiki/Talk:X/@user;jsessionid=1!$&'()*+,"),
        ("/uri/%3A%40%3b%3D/%7eme/%41%62", 302, "https://example.com/uri/%3A%40%3b%3D/%7eme/%41%62"),
        ("/uri/[^`{|}]", 302, "https://example.com/uri/[^`{|}]"),
        ("/uri/%c3%a9%00"[:-3], 302, "https://example.com/uri/%c3%a9"),
        ("/old/a:b@c;d=e", 308, "https://example.com/new/a:b@c;d=e"),
        ("/%6fld/a%3ab", 308, "https://example.com/new/a%3ab"),
        ("/x/..//./%6Fld//a/%2e%2E/b:c", 308, "https://example.com/new/b:c"),
        # An encoded slash is the other server's business.
        ("/uri/a%2Fb%2f", 302, "https://example.com/uri/a%2Fb%2f"),
        ("/old/%2F/..%2f", 308, "https://example.com/new/%2F/..%2f"),
        # Nothing that the client writes may name a host, or leave its place.
        ("/here//evil.example/x", 308, "/there/evil.example/x"),
        ("/here/%2e//evil.example", 308, "/there/evil.example"),
        ("/here/%2F/evil.example", 308, "/there/%2F/evil.example"),
        ("/here/%5Cevil.example", 308, "/there/%5Cevil.example"),
        ("//evil.example/../uri/x", 302, "https://example.com/uri/x"),
        ("/uri?a=\"<b>\"", 302, "https://example.com/uri?a=%22%3Cb%3E%22"),
        ("/q?a=b&c=d", 308, "/search?a=b&c=d"),
        ("/q", 308, "/search"),
        ("/q?", 308, "/search"),
        ("/q/x?a=%41", 308, "/search?a=%41"),
        ("/q/more?a=b", 308, "/search?from=old&a=b"),
        ("/q/more", 308, "/search?from=old"),
        ("/q/joined?a=b", 308, "/search?a=b"),
        ("/q/joined", 308, "/search"),
        ("/q/also?b=2", 308, "/search?a=1&b=2#end"),
        ("/q/also", 308, "/search?a=1#end"),
    ],
)
def test_redirect(fixed, target, status, location):
    response = fixed.get(target)
    assert response.status == status
    assert response["location"] in (location if isinstance(location, tuple) else (location,))


@pytest.mark.http1
def test_redirect_to_a_host_that_was_not_named(fixed):
    """Without it, "https:///x" would lead to a host "x"."""
    with fixed.connect() as client:
        client.send(b"GET /host HTTP/1.0\r\n\r\n")
        assert client.read_last().status == 400


def test_redirect_with_a_nul(fixed):
    assert fixed.get("/uri/a%00b").status == 400


def test_redirect_with_a_query_of_quotes_alone(server, tmp_path):
    """Each of them takes three bytes: the location has room for them, whatever the longest URI is."""
    here = server(config={"limits": {"uri": "10KiB"},
                          "sites": [{"routes": {"/": {"redirect": "https://example.com{uri}{query}"}}}]})
    quotes = '"' * 9000
    location = here.get("/?" + quotes)["location"]
    assert location == "https://example.com/?" + quotes.replace('"', "%22") + "&" + quotes.replace('"', "%22")


def test_redirect_of_any_method_keeps_the_connection(fixed):
    with fixed.connect() as client:
        for method in ("HEAD", "POST", "PUT", "DELETE"):
            client.request(method, "/temporary", body=b"body")
            assert client.read_response(method).status in (307, 405)
        assert client.exchange("GET", "/health").body == b"ok\n"


@pytest.mark.parametrize("target", ["/old/%0d%0aX-Injected:%20yes", "/old/%0aX-Injected:yes",
                                    "/uri/%0d%0a%0d%0a<script>", "/uri?%0d%0aX-Injected:yes"])
def test_redirect_injects_no_field(fixed, target):
    response = fixed.get(target.replace("<", "%3C").replace(">", "%3E"))
    assert "x-injected" not in response
    assert "\r" not in str(response["location"]) and "\n" not in str(response["location"])


@pytest.mark.parametrize("host", ["evil.example", pytest.param("a\"b", marks=pytest.mark.http1), "a'b"])
def test_redirect_to_the_host_that_was_asked_for(fixed, host):
    response = fixed.get("/host", host=host)
    assert response.status in (301, 400)


# Edited fields.


def test_fields_are_set(fixed):
    response = fixed.get("/a.txt")
    assert response["x-a"] == "b"
    assert response["cache-control"] == "no-store"


def test_fields_are_removed(fixed):
    response = fixed.get("/a.txt")
    assert "server" not in response and "etag" not in response


@pytest.mark.parametrize("target, status", [("/nothing", 404), ("/deep", (301, 308))])
def test_fields_of_errors_and_redirects_are_edited(fixed, target, status):
    response = fixed.get(target)
    assert response.status in (status if isinstance(status, tuple) else (status,))
    assert response["x-a"] == "b" and "server" not in response


def test_fields_of_304_and_206_are_edited(fixed):
    modified = fixed.get("/a.txt")["last-modified"]
    for fields, status in (({"If-Modified-Since": modified}, 304), ({"Range": "bytes=0-1"}, 206)):
        response = fixed.get("/a.txt", fields)
        assert response.status == status
        assert response["x-a"] == "b" and "server" not in response


def test_fields_of_another_route_are_not_edited(fixed):
    response = fixed.get("/health")
    assert "x-a" not in response and "server" in response


def test_fields_of_a_redirect(fixed):
    assert fixed.get("/see")["x-see"] == "yes"


def test_fields_of_a_site(server, root):
    tree.write(root, "a.txt", b"a")
    table = {
        "/": {"files": {"root": str(root)}},
        "/own": {"respond": "x", "headers": {"set": {"X-Site": "route"}}},
    }
    running = server(config={"sites": [{"routes": table, "headers": {"set": {"X-Site": "site"}}}]})
    assert running.get("/a.txt")["x-site"] == "site"
    assert running.get("/own")["x-site"] == "route"


def test_server_field_may_be_off(server):
    running = server(config={"server_header": False, "sites": [{"routes": {"/": respond("x")}}]})
    assert "server" not in running.get("/")


# Files with all options, as a configuration file says them.


def test_files_with_all_options(server, root):
    for name in ("start.html", "a.css", "404.html", ".hidden", "plain/x.txt"):
        tree.write(root, name, name.encode())
    files = {
        "root": str(root), "index": ["start.html"], "listing": True, "hidden": True, "cors": "*",
        "cache": {"*.css": "max-age=3600"}, "error_pages": {404: "404.html"},
    }
    running = server(config={"sites": [{"routes": {"/": {"files": files}}}]})
    assert running.get("/").body == b"start.html"
    assert running.get("/.hidden").body == b".hidden"
    assert running.get("/plain/").status == 200
    assert running.get("/a.css")["cache-control"] == "max-age=3600"
    assert running.get("/a.css")["access-control-allow-origin"] == "*"
    assert running.get("/nothing").body == b"404.html"


def test_fallback_below_a_prefix(server, root):
    tree.write(root, "index.html", b"application")
    files = {"root": str(root), "fallback": "/index.html"}
    running = server(config={"sites": [{"routes": {"/": respond("home"), "/app": {"files": files}}}]})
    assert running.get("/app/deep/route").body == b"application"
    assert running.get("/other").body == b"home"


def test_relative_root_begins_at_the_configuration(server, tmp_path):
    tree.write(tmp_path, "public/a.txt", b"relative")
    running = server(config={"sites": [{"routes": {"/": {"files": {"root": "./public"}}}}]})
    assert running.get("/a.txt").body == b"relative"


@pytest.mark.every_backend
def test_several_listeners(server, site_root):
    ports = [vif.free_port(), vif.free_port()]
    running = server(config={
        "listen": [f"127.0.0.1:{ports[0]}", f"127.0.0.2:{ports[1]}"],
        "sites": [{"routes": {"/": {"files": {"root": str(site_root)}}}}],
    }, port=ports[0])
    assert running.get("/hello.txt").body == tree.HELLO
    with wire.Client(("127.0.0.2", ports[1])) as client:
        assert client.exchange("GET", "/hello.txt").body == tree.HELLO
