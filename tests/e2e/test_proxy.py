"""The reverse proxy: what is forwarded, in both directions, and what is not.

The origin is a script (origin.py), so that each byte of the request that it gets can be looked at.
"""
import email.utils
import re
import shutil
import socket
import ssl
import time

import pytest

import pki
import protocols
import vif as vif_process
import wire
from name_server import NameServer
from origin import echo
from proxies import forwarding, log_lines, origins, proxy  # noqa: F401
from test_upstream_proxy_protocol import behind_header

pytestmark = [pytest.mark.any_protocol, pytest.mark.any_backend]


# ---- requests ----

PATHS = ["/", "/a", "/a/", "//a", "/a//b", "/a/./b", "/a/../b", "/%2F", "/a%2fb", "/%41", "/a%2e%2e/b", "/a;b=c", "/a?b",
         "/a?b=c&d=%20", "/a?", "/a??b", "/a:b", "/~a", "/a+b", "/%E2%82%AC", "/a,b@c!$&'()*=", "/.well-known/x", "/a%00b"]


def test_paths_are_forwarded_byte_for_byte(proxy):
    vif, origin = proxy()
    for path in PATHS[:-1]:
        assert vif.get(path).status == 200
        assert origin.requests[-1].target == path
    assert vif.get(PATHS[-1]).status == 400  # no server agrees with another about a NUL


PREFIXES = [
    ("/api", "/", "/api", "/"), ("/api", "/", "/api/", "/"), ("/api", "/", "/api/x", "/x"),
    ("/api", "/", "/api/x//y", "/x//y"), ("/api", "/", "/api//x", "//x"), ("/api", "/", "//api/x", "/x"),
    ("/api", "/", "/%61pi/x%2Fy", "/x%2Fy"), ("/api", "/", "/api/x/../y", "/y"), ("/api", "/", "/z/../api/x", "/x"),
    ("/api", "/", "/api/%2e%2e/api/x", "/x"), ("/api", "/v2", "/api", "/v2"), ("/api", "/v2", "/api/", "/v2/"),
    ("/api", "/v2", "/api/x?y=/../z", "/v2/x?y=/../z"), ("/api", "/v2/", "/api/x", "/v2/x"),
    ("/api", "/v2/", "/api", "/v2/"), ("/", "/v2", "/x", "/v2/x"), ("/", "/v2", "/", "/v2/"),
    ("/a/b", "/c", "/a/b/d", "/c/d"), ("/a/b", "/c", "/a//b/d", "/c/d"), ("/", "/v2", "/../../x", "/v2/x"),
]


@pytest.mark.parametrize("route, prefix, path, expected", PREFIXES)
def test_a_prefix_is_replaced_and_never_left(proxy, route, prefix, path, expected):
    vif, origin = proxy(path=route, prefix=prefix)
    assert vif.get(path).status == 200
    assert origin.requests[-1].target == expected


def test_what_the_client_says_about_itself_is_replaced(proxy):
    vif, origin = proxy()
    lies = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "x_forwarded_for",
            "X-Forwarded_For", "Proxy", "X-Forwarded-Port"]
    assert vif.get("/", {name: "liar" for name in lies}, host="site.example:81").status == 200
    request = origin.requests[-1]
    assert "liar" not in request.raw
    assert request["X-Forwarded-For"] == "127.0.0.1"
    assert request["X-Forwarded-Proto"] == protocols.SCHEME
    assert request["X-Forwarded-Host"] == request["Host"] == "site.example:81"
    assert request["Via"] == ("2.0 vif" if protocols.IS_HTTP2 else "1.1 vif")
    assert "Forwarded" not in request


@pytest.mark.parametrize("forwarded", ["forwarded", "both", "none"])
def test_the_headers_about_the_client_can_be_chosen(proxy, forwarded):
    vif, origin = proxy(forwarded=forwarded)
    vif.get("/")
    request = origin.requests[-1]
    standard = f'for=127.0.0.1;host="localhost";proto={protocols.SCHEME}'
    assert request["Forwarded"] == (None if forwarded == "none" else standard)
    assert request["X-Forwarded-For"] == ("127.0.0.1" if forwarded == "both" else None)


@pytest.mark.parametrize("host", ["client", "server", "app.example:8080"])
def test_the_host_header_can_be_chosen(proxy, host):
    vif, origin = proxy(host=host)
    vif.get("/", host="site.example")
    expected = {"client": "site.example", "server": f"127.0.0.1:{origin.address[1]}"}.get(host, host)
    assert origin.requests[-1]["Host"] == expected


def test_headers_of_the_client_keep_their_order(proxy):
    vif, origin = proxy()
    fields = [("Cookie", "a=1"), ("X-One", "1"), ("Accept", "x/y"), ("X-One", "2"), ("X-Two", ""), ("Cookie", "b=2")]
    vif.get("/", fields)
    sent = [(name.lower(), value) for name, value in origin.requests[-1].fields]
    assert [pair for pair in sent if pair[0] in ("x-one", "accept", "x-two")] == [
        ("x-one", "1"), ("accept", "x/y"), ("x-one", "2"), ("x-two", "")]
    assert "; ".join(value for name, value in sent if name == "cookie") == "a=1; b=2"


@pytest.mark.http1
def test_headers_of_the_connection_stay_there(proxy):
    vif, origin = proxy()
    fields = [("Connection", "X-Mine, keep-alive"), ("X-Mine", "1"), ("Keep-Alive", "timeout=5"), ("TE", "gzip"),
              ("Upgrade", "h2c"), ("Proxy-Authorization", "Basic x"), ("Proxy-Connection", "keep-alive"),
              ("Trailer", "X-T"), ("X-Kept", "2")]
    vif.get("/", fields)
    names = {name.lower() for name, _ in origin.requests[-1].fields}
    assert names == {"host", "x-kept", "trailer", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}


@pytest.mark.http1
def test_connection_with_too_many_names_is_refused(proxy):
    vif, origin = proxy()
    assert vif.get("/", {"Connection": ",".join(f"n{i}" for i in range(33))}).status == 400
    assert not origin.requests
    assert vif.get("/", {"Connection": ",".join(f"n{i}" for i in range(32))}).status == 200


@pytest.mark.http1
def test_an_absolute_target_replaces_host(proxy):
    vif, origin = proxy()
    vif.get("http://other.example:99/x?y", {"Host": "localhost"})
    request = origin.requests[-1]
    assert (request.target, request["Host"]) == ("/x?y", "other.example:99")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "x-own"])
def test_any_method_is_forwarded(proxy, method):
    vif, origin = proxy()
    assert vif.exchange(method, "/x").status == 200
    assert origin.requests[-1].method == method


def test_trace_and_connect_are_not(proxy):
    vif, origin = proxy()
    assert vif.exchange("TRACE", "/").status == 405
    assert not origin.requests


def test_a_request_that_goes_round_is_stopped(server, tmp_path):
    port = 0
    vif = server(config={"sites": [{"routes": {"/": {"respond": "x"}}}]})
    port = vif.port
    vif.stop()
    again = server(config={"listen": [f"127.0.0.1:{port}"], "sites": [
        {"routes": {"/": {"proxy": f"http://127.0.0.1:{port}"}}}]}, port=port)
    with wire.Client(("127.0.0.1", port)) as client:
        assert client.exchange("GET", "/").status == 508
    again.check_alive()


# ---- content of requests ----

@pytest.mark.parametrize("size", [0, 1, 1000, 65535])
def test_content_with_a_length(proxy, size):
    vif, origin = proxy()
    body = bytes(i % 251 for i in range(size))
    assert vif.exchange("POST", "/", body=body).status == 200
    request = origin.requests[-1]
    assert (request["Content-Length"], request.body) == (str(size), body)


@pytest.mark.http1
def test_content_in_chunks(proxy):
    vif, origin = proxy()
    pieces = [b"a", b"bc" * 3000, b"d" * 70000, b"e"]
    with vif.connect() as client:
        for body in (wire.chunked(*pieces), wire.chunked()):
            client.request("POST", "/", {"Transfer-Encoding": "chunked"}, body=body)
            assert client.read_response().status == 200
    assert origin.requests[0].body == b"".join(pieces)
    assert origin.requests[1].body == b""
    assert "Content-Length" not in origin.requests[0]


@pytest.mark.http1
@pytest.mark.every_backend
def test_content_byte_by_byte(proxy):
    vif, origin = proxy()
    with vif.connect() as client:
        client.send_in_segments(wire.request_bytes("POST", "/", {"Transfer-Encoding": "chunked"},
                                                   body=wire.chunked(*[b"x"] * 300)), 7)
        assert client.read_response().status == 200
    assert origin.requests[0].body == b"x" * 300


def test_a_method_that_has_content_says_when_there_is_none(proxy):
    vif, origin = proxy()
    vif.exchange("POST", "/")
    assert origin.requests[-1]["Content-Length"] == "0"
    vif.exchange("GET", "/")
    assert "Content-Length" not in origin.requests[-1]


@pytest.mark.every_backend
def test_too_much_content(proxy):
    vif, origin = proxy(limits={"body": 1000})
    assert vif.exchange("POST", "/", body=b"x" * 1001).status == 413
    assert vif.exchange("POST", "/", body=b"x" * 1000).status == 200


@pytest.mark.http1
def test_trailers_of_the_request(proxy):
    vif, origin = proxy()
    trailers = b"X-Sum: 1\r\nX-Forwarded-For: liar\r\nContent-Length: 3\r\nx_forwarded_proto: liar\r\nX-Sum: 2\r\n"
    with vif.connect() as client:
        for _ in range(2):
            client.request("POST", "/", {"Transfer-Encoding": "chunked"}, body=wire.chunked(b"abc", trailers=trailers))
            assert client.read_response().status == 200
    assert origin.requests[0].body == b"abc"
    assert [list(peer.trailers) for peer in origin.peers] == [["X-Sum: 1", "X-Sum: 2"]]


@pytest.mark.http1
@pytest.mark.parametrize("te", ["trailers", None])
def test_trailers_of_the_response(proxy, te):
    def script(peer):
        request = peer.read_request()
        return request is not None and peer.send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\n"
            b"X-Sum: 1\r\nKeep-Alive: 5\r\nContent-Length: 9\r\nX-Sum: 2\r\n\r\n")

    vif, origin = proxy(script)
    for _ in range(2):
        response = vif.get("/", {"TE": te} if te else None)
        assert (response.body, response["trailer"]) == (b"abc", "X-Sum")
        assert response.trailers == ([("X-Sum", "1"), ("X-Sum", "2")] if te else [])
    assert origin.requests[-1]["TE"] == te
    assert origin.connection_count == 1


# ---- responses ----

def test_headers_of_the_response(proxy):
    date = email.utils.formatdate(time.time() - 3, usegmt=True)

    def script(peer):
        return peer.read_request() and peer.answer(
            b"body", "Set-Cookie: a=1", "X-A: 1", "Set-Cookie: b=2", "X-Empty:", f"Date: {date}",
            "Server: origin/1", "Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: timeout=1",
            "Proxy-Authenticate: Basic", "X-A: 2", "Via: 1.0 inner")

    vif, _ = proxy(script)
    response = vif.get("/")
    assert response.body == b"body"
    assert response.values("set-cookie") == ["a=1", "b=2"]
    assert response.values("x-a") == ["1", "2"]
    assert response["x-empty"] == ""
    assert response["date"] == date
    assert response["server"] == "origin/1"
    assert response.values("via") == ["1.0 inner", "1.1 vif"]
    assert not any(name in response for name in ("x-hop", "keep-alive", "proxy-authenticate", "connection"))


def test_as_many_headers_as_the_limit_allows(proxy):
    def script(peer):
        request = peer.read_request()
        return request and peer.answer(b"", *[f"X-{i}: {i}" for i in range(int(request.target[1:]))])

    vif, _ = proxy(script, headers=1000, head="64KiB")
    response = vif.get("/999")
    assert [value for name, value in response.fields if name.lower().startswith("x-")] == [str(i) for i in range(999)]
    assert vif.get("/1000").status == 502
    vif.check_alive()


STATUSES = [200, 201, 203, 205, 206, 299, 300, 304, 399, 400, 404, 418, 499, 500, 503, 599, 204]


def test_any_final_status(proxy):
    def script(peer):
        request = peer.read_request()
        status = request and request.target[1:]
        if status in ("204", "304"):
            return request and peer.send(f"HTTP/1.1 {status} None\r\n\r\n")
        return request and peer.answer(b"x", status=f"{status} Something")

    vif, origin = proxy(script)
    for status in STATUSES:
        response = vif.get(f"/{status}")
        assert (response.status, response.body) == (status, b"" if status in (204, 304) else b"x")
    assert origin.connection_count == 1


def test_head_has_the_length_of_get(proxy):
    def script(peer):
        request = peer.read_request()
        length = "" if request and request.target == "/none" else "Content-Length: 12345\r\n"
        return request and peer.send(f"HTTP/1.1 200 OK\r\n{length}X-A: b\r\n\r\n")

    vif, origin = proxy(script)
    for _ in range(3):
        response = vif.exchange("HEAD", "/")
        assert (response.status, response["content-length"], response["x-a"]) == (200, "12345", "b")
    assert vif.exchange("HEAD", "/none")["content-length"] is None
    assert origin.connection_count == 1


FRAMINGS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
    "equal lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 10\r\n\r\n0123456789",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n012\r\n7;a=b\r\n3456789\r\n0\r\n\r\n",
    "to the end": b"HTTP/1.1 200 OK\r\n\r\n0123456789",
    "to the end of 1.0": b"HTTP/1.0 200 OK\r\n\r\n0123456789",
    "closed": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\n0123456789",
}


@pytest.mark.parametrize("name", FRAMINGS)
def test_framings(proxy, name):
    def script(peer):
        is_asked = peer.read_request() is not None and peer.send(FRAMINGS[name])
        return is_asked and not ("end" in name or name == "closed")

    vif, origin = proxy(script)
    for _ in range(3):
        response = vif.get("/")
        assert (response.status, response.body) == (200, b"0123456789")
    assert origin.connection_count == (3 if "end" in name or name == "closed" else 1)


@pytest.mark.parametrize("name", FRAMINGS)
@pytest.mark.every_backend
def test_framings_in_small_pieces(proxy, name):
    def script(peer):
        if peer.read_request() is None:
            return False
        for at in range(len(FRAMINGS[name])):
            peer.send(FRAMINGS[name][at : at + 1])
        return not ("end" in name or name == "closed")

    vif, _ = proxy(script)
    response = vif.get("/")
    assert (response.status, response.body) == (200, b"0123456789")


@pytest.mark.http1
@pytest.mark.parametrize("name", FRAMINGS)
def test_clients_of_http_1_0(proxy, name):
    """They get no chunks, and no interim responses."""
    vif, _ = proxy(lambda peer: peer.read_request() and peer.send(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + FRAMINGS[name]) and False)
    with vif.connect() as client:
        client.send(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        response = client.read_response()
        assert (response.status, response.body) == (200, b"0123456789")
        assert "transfer-encoding" not in response


@pytest.mark.every_backend
def test_a_large_response_arrives_whole(proxy):
    body = bytes(range(256)) * 16384

    def script(peer):
        request = peer.read_request()
        if request is None:
            return False
        if request.target == "/length":
            return peer.answer(body)
        return peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire.chunked(
            *[body[at : at + 99991] for at in range(0, len(body), 99991)]))

    vif, origin = proxy(script)
    for target in ("/length", "/chunks", "/length"):
        assert vif.get(target).body == body
    assert origin.connection_count == 1


@pytest.mark.every_backend
def test_interim_responses_are_forwarded(proxy):
    def script(peer):
        return peer.read_request() is not None and peer.send(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n"
            b"HTTP/1.1 102 Processing\r\n\r\n") and peer.answer(b"x")

    vif, _ = proxy(script)
    with vif.connect() as client:
        client.request("GET", "/")
        hints = client.read_response(interim=True)
        assert (hints.status, hints["link"], hints["x-hop"]) == (103, "</a.css>", None)
        assert client.read_response(interim=True).status == 102
        assert client.read_response().body == b"x"


@pytest.mark.every_backend
def test_unix_sockets(server, origins, tmp_path):
    origin = origins(address=str(tmp_path / "app.sock"), family=socket.AF_UNIX)
    vif = server(config=forwarding(origin, host="server"))
    assert vif.get("/x").status == 200
    assert origin.requests[-1]["Host"] == "localhost"


def test_the_access_log_names_the_server(proxy):
    vif, origin = proxy()
    vif.get("/")
    line = log_lines(vif, 1)[0]
    assert (line["upstream"], line["status"], line["outcome"]) == (origin.url, 200, "complete")
    assert line["upstream_head_us"] <= line["duration_us"]


# ---- the recipes of docs/proxy.md ----

RECIPES = re.findall(r"```yaml\n(.*?)```", (vif_process.REPOSITORY / "docs" / "proxy.md").read_text(encoding="utf-8"), re.DOTALL)


TLS_SERVERS = {  # port: the name in the certificate, what it speaks, whether it wants to know its clients
    "8443": ("127.0.0.1", "http/1.1", False),
    "8444": ("billing.internal", "http/1.1", True),
    "8445": ("127.0.0.1", "h2", False),
    "8446": ("127.0.0.1", "h2", False),
    "8447": ("127.0.0.1", "http/1.1", False),
    "50052": ("127.0.0.1", "h2", True),
}


def serve_by_tls(text, origins, h2_origin, folder):
    """With the servers and the files of the recipes with TLS. `h2_origin(**options)` makes one of HTTP/2."""
    authority = pki.Authority(folder / "pki")
    shutil.copy(authority.certificate, folder / "origin-ca.pem")
    for path, name in zip(authority.issue("vif", [], usage="clientAuth"), ("vif.pem", "vif.key")):
        shutil.copy(path, folder / name)
        (folder / name).chmod(0o644)
    for port, (host, protocol, wants_client) in TLS_SERVERS.items():
        if f"127.0.0.1:{port}" not in text:
            continue
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue(host, [host]))
        context.set_alpn_protocols([protocol])
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(authority.certificate)
        origin = (h2_origin if protocol == "h2" else origins)(tls=context)
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{origin.address[1]}")
    return text


@pytest.fixture
def h2_origin():
    """h2_origin(**options): an origin of HTTP/2."""
    made = []

    def make(**options):
        if "nghttp2" not in vif_process.run("version").stdout:
            pytest.skip("built without HTTP/2")
        pytest.importorskip("hpack")
        from h2_origin import H2Origin, echo as h2_echo
        made.append(H2Origin(h2_echo, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.mark.http1
@pytest.mark.parametrize("recipe", RECIPES, ids=[str(number) for number in range(len(RECIPES))])
def test_the_recipes_work(server, origins, h2_origin, tmp_path, request, recipe):
    """Each with origins in place of its servers, and a name server that knows them."""
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "index.html").write_text("home", encoding="utf-8")
    tcp = [origins() for _ in range(3)]
    if "app.sock" in recipe:
        origins(address=str(tmp_path / "app.sock"), family=socket.AF_UNIX)
    text = re.sub(r"^(listen|workers|name_servers):.*\n", "", recipe, flags=re.MULTILINE)  # the fixture has its own
    if "origin-ca.pem" in recipe:
        text = serve_by_tls(text, origins, h2_origin, tmp_path)
    if "proxy_protocol" in recipe:
        text = text.replace("127.0.0.1:3007", f"127.0.0.1:{origins(behind_header(echo, [])).address[1]}")
    if "h2c://" in recipe:
        text = text.replace("h2c://127.0.0.1:50051", h2_origin().url)
    for number, origin in enumerate(tcp):
        text = text.replace(f"127.0.0.1:300{number}", f"127.0.0.1:{origin.address[1]}")
    text = text.replace("127.0.0.1:3003", f"127.0.0.1:{tcp[0].address[1]}")
    text = text.replace("app.internal:3000", f"app.internal:{tcp[0].address[1]}")
    (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "servers.yaml").write_text(f"- {tcp[0].url}\n", encoding="utf-8")  # for `to_file`
    config = {"include": "recipe.yaml"}
    if "app.internal" in recipe:
        if "c-ares" not in vif_process.run("version").stdout:
            pytest.skip("built without c-ares")
        service = (1, 1, tcp[0].address[1], "app.internal")
        names = NameServer({"app.internal": ["127.0.0.1"], "_http._tcp.app.internal": [service]})
        request.addfinalizer(names.stop)
        config["name_servers"] = names.address
    running = server(config=config)
    path = next(path for path in ("/api", "/events", "/chat", "/") if f" {path}:" in recipe)
    response = running.get(f"{path.rstrip('/')}/x")
    assert (response.status, response["via"]) == (200, "2.0 vif" if "h2c://" in recipe else "1.1 vif")
    for further in ("/billing", "/old", "/billing.Invoices/"):
        if f" {further}:" in recipe:
            assert [running.get(f"{further.rstrip('/')}/x").status for _ in range(2)] == [200, 200]
