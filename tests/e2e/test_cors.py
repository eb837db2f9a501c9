"""Cross-origin requests, as the Fetch standard has browsers check the answers."""
import pytest

import tree

pytestmark = [pytest.mark.any_protocol, pytest.mark.any_backend]

APP = "https://app.example"
BELOW = "https://a.b.wild.example"
OTHER = "https://evil.example"


def vary(response):
    return set(response.tokens("vary"))


@pytest.fixture(scope="module")
def site(module_server, tmp_path_factory):
    """Paths that begin with /all let everybody read, those with /some three origins, the others nobody."""
    root = tmp_path_factory.mktemp("cors")
    tree.age(tree.write(root, "a.txt", b"content"))
    tree.age(tree.write(root, "a.css", b"plain plain plain plain"))
    tree.age(tree.write(root, "a.css.gz", b"coded"))
    tree.write(root, "folder/index.html", b"index")
    routes = {"/none": {"files": str(root)}}
    some = [APP, "https://*.wild.example", "null"]
    for prefix, origins in (("/all", "*"), ("/some", some), ("/one", APP)):
        routes[prefix] = {"files": str(root), "cors": origins}
        routes[prefix + "/redirect"] = {"redirect": "/none{path}", "cors": origins}
        routes[prefix + "/respond"] = {"respond": "{}", "cors": origins}
    routes["/both"] = {"files": {"root": str(root), "cors": APP}, "cors": ["https://other.example", "*"]}
    return module_server(config={"sites": [{"routes": routes}]})


# Every status that a page can meet with.
ANSWERS = [
    ("200", "GET", "/a.txt", {}),
    ("200 of HEAD", "HEAD", "/a.txt", {}),
    ("206", "GET", "/a.txt", {"Range": "bytes=1-2"}),
    ("206 of two", "GET", "/a.txt", {"Range": "bytes=1-2,4-5"}),
    ("304", "GET", "/a.txt", {"If-None-Match": "*"}),
    ("412", "GET", "/a.txt", {"If-Match": '"x"'}),
    ("416", "GET", "/a.txt", {"Range": "bytes=100-"}),
    ("200 with a coding", "GET", "/a.css", {"Accept-Encoding": "gzip"}),
    ("301 to a folder", "GET", "/folder", {}),
    ("404", "GET", "/nothing", {}),
    ("404 as JSON", "GET", "/nothing", {"Accept": "application/json"}),
    ("405", "POST", "/a.txt", {}),
    ("308 of a route", "GET", "/redirect/x", {}),
    ("200 of a route", "POST", "/respond", {}),
    ("204", "OPTIONS", "/a.txt", {}),
]


@pytest.mark.parametrize("name, method, path, fields", ANSWERS, ids=[answer[0].replace(" ", "-") for answer in ANSWERS])
class TestAnswers:
    def ask(self, site, prefix, method, path, fields, origin=APP):
        fields = dict(fields)
        if origin:
            fields["Origin"] = origin
        return site.exchange(method, prefix + path, fields)

    def test_all(self, site, name, method, path, fields):
        for origin in (APP, None):
            response = self.ask(site, "/all", method, path, fields, origin)
            assert response.status == int(name.split()[0])
            assert response["access-control-allow-origin"] == "*"
            for exposed in ("content-range", "accept-ranges", "etag", "content-encoding"):
                assert exposed in response["access-control-expose-headers"].lower()
            assert "origin" not in vary(response)

    def test_one(self, site, name, method, path, fields):
        """The value does not depend on the request, whatever Origin says."""
        for origin in (APP, OTHER, None):
            response = self.ask(site, "/one", method, path, fields, origin)
            assert response["access-control-allow-origin"] == APP
            assert "origin" not in vary(response)

    @pytest.mark.parametrize("origin", [APP, BELOW, "null", APP.upper()])
    def test_some(self, site, name, method, path, fields, origin):
        response = self.ask(site, "/some", method, path, fields, origin)
        assert response.status == int(name.split()[0])
        assert response["access-control-allow-origin"] == origin
        assert "content-range" in response["access-control-expose-headers"].lower()
        assert "origin" in vary(response)

    @pytest.mark.parametrize("origin", [None, OTHER, "https://wild.example", "https://evilwild.example",
                                        "http://a.wild.example", "https://a.wild.example.evil.example",
                                        "https://a.wild.example:8443", "https://u@a.wild.example",
                                        "https://evil.example/.wild.example", "https://.wild.example ,x", "", APP + ":443"])
    def test_some_but_not_others(self, site, name, method, path, fields, origin):
        response = self.ask(site, "/some", method, path, fields, origin)
        assert response.status == int(name.split()[0])
        assert "access-control-allow-origin" not in response
        assert "access-control-expose-headers" not in response
        assert "origin" in vary(response)

    def test_none(self, site, name, method, path, fields):
        if "route" in name:
            pytest.skip("there is no such route without CORS")
        response = self.ask(site, "/none", method, path, fields)
        assert "access-control-allow-origin" not in response
        assert "origin" not in vary(response)


def test_hot_file_is_told_each_origin_by_itself(site):
    """The head that is kept with a file is the same for everybody; this one is not."""
    with site.connect() as client:
        for origin, allowed in [(APP, APP), (None, None), (BELOW, BELOW), (OTHER, None), (APP, APP)] * 3:
            response = client.exchange("GET", "/some/a.txt", {"Origin": origin} if origin else {})
            assert (response.body, response["access-control-allow-origin"]) == (b"content", allowed)
            assert vary(response) == {"origin"}


def test_lists_of_route_and_folder_add_up(site):
    assert site.get("/both/a.txt")["access-control-allow-origin"] == "*"


def preflight(site, path, method="GET", headers=None, origin=APP):
    fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
    fields += [("Access-Control-Request-Headers", line) for line in headers or []]
    with site.connect() as client:
        response = client.exchange("OPTIONS", path, fields)
        assert response.status == 204 and response.body == b""
        # It is answered as whatever else: the connection goes on.
        assert client.exchange("GET", "/none/a.txt").body == b"content"
    return response


@pytest.mark.parametrize("path", ["/all/a.txt", "/all/nothing", "/all/folder", "/all", "/all/redirect/x", "/all/respond"])
@pytest.mark.parametrize("headers", [["if-none-match"], ["content-type,x-requested-with"],
                                     ["authorization, x-a", "x-b"], ["range"],
                                     [f"x-{number}" for number in range(90)]])
def test_preflight_gives_back_what_is_asked_for(site, path, headers):
    response = preflight(site, path, "GET", headers)
    assert response["access-control-allow-origin"] == "*"
    assert response.tokens("access-control-allow-headers") == [
        item.strip() for line in headers for item in line.split(",")]
    assert "get" in response.tokens("access-control-allow-methods")
    assert {"access-control-request-method", "access-control-request-headers"} <= vary(response)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/all/a.txt", "/all/respond"])
def test_preflight_for_any_method(site, path, method):
    """What the route does not take is refused by itself, with an answer that the page may read."""
    assert method.lower() in preflight(site, path, method).tokens("access-control-allow-methods")


def test_preflight_without_headers(site):
    assert "access-control-allow-headers" not in preflight(site, "/all/a.txt")
    assert "access-control-allow-headers" not in preflight(site, "/all/a.txt", headers=[""])


@pytest.mark.parametrize("line", ["x-a y", "x-a, (", 'x-a, "b"', "x/y"])
def test_preflight_gives_back_names_only(site, line):
    assert "access-control-allow-headers" not in preflight(site, "/all/a.txt", headers=[line])


def test_preflight_of_some(site):
    assert preflight(site, "/some/a.txt", headers=["x-a"])["access-control-allow-origin"] == APP
    response = preflight(site, "/some/a.txt", headers=["x-a"], origin=OTHER)
    for name in ("origin", "methods", "headers"):
        assert f"access-control-allow-{name}" not in response
    assert "origin" in vary(response)


def test_options_that_are_no_preflight(site):
    """They go where the route leads."""
    assert site.exchange("OPTIONS", "/all/redirect/x").status == 308
    assert site.exchange("OPTIONS", "/all/respond").status == 200
    response = site.exchange("OPTIONS", "/all/a.txt", {"Origin": APP})
    assert response["allow"] == "GET, HEAD, OPTIONS"
    assert "access-control-allow-methods" not in response


def test_preflight_without_cors(site):
    response = preflight(site, "/none/a.txt", headers=["x-a"])
    assert response["allow"] == "GET, HEAD, OPTIONS"
    assert "access-control-allow-headers" not in response
