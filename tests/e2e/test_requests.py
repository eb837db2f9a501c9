"""Requests that are whole and right: forms of the target, methods, Host, versions, Expect, persistence."""
import pytest

import tree
import wire

pytestmark = pytest.mark.any_backend

HELLO = "/hello.txt"


def hello(client):
    """The connection still works: the next answer belongs to the next request."""
    response = client.exchange("GET", HELLO)
    assert (response.status, response.body) == (200, tree.HELLO)


def raw(client, data):
    client.send(data)
    return client.read_response()


# Methods.


def test_get(client):
    response = client.exchange("GET", HELLO)
    assert response.status == 200
    assert response.reason == "OK"
    assert response.body == tree.HELLO
    assert response["content-length"] == str(len(tree.HELLO))


def test_head_has_the_fields_of_get_and_no_content(client):
    get, head = client.exchange("GET", HELLO), client.exchange("HEAD", HELLO)
    assert head.status == 200 and head.body == b""
    ignored = ("date",)
    assert [f for f in head.fields if f[0].lower() not in ignored] == [
        f for f in get.fields if f[0].lower() not in ignored
    ]
    hello(client)


def test_head_of_what_does_not_exist_has_no_content(client):
    assert client.exchange("HEAD", "/nothing").status == 404
    hello(client)


def test_head_of_a_listing_has_no_content(client):
    assert client.exchange("HEAD", "/plain/").status == 200
    hello(client)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_known_method_that_is_not_allowed(client, method):
    response = client.exchange(method, HELLO)
    assert response.status == 405
    assert {"get", "head"} <= set(response.tokens("allow"))
    hello(client)


def test_trace_is_not_allowed_and_reflects_nothing(client):
    response = client.exchange("TRACE", HELLO, {"X-Secret": "reflected"})
    assert response.status == 405
    assert "allow" in response
    assert b"reflected" not in response.body


def test_connect_is_refused(site):
    with site.connect() as client:
        client.request("CONNECT", "localhost:80")
        assert client.read_response("CONNECT").status in (400, 405, 501)


@pytest.mark.parametrize("method", ["BREW", "get", "Get", "GETT", "GE", "PROPFIND", "X-METHOD",
                                    "!#$%&'*+-.^_`|~"])
def test_unknown_method(site, method):
    with site.connect() as client:
        assert client.exchange(method, HELLO).status == 501


def test_unknown_method_leaves_the_connection_usable_or_closed(site):
    with site.connect() as client:
        client.request("BREW", HELLO)
        response = client.read_response()
        assert response.status == 501
        if response.closes:
            client.read_end()
        else:
            hello(client)


@pytest.mark.parametrize("method", ["", "G@T", "G(T", "G\x00T", "G\x7fT", "G\xe4T", "(", '"GET"', "GET:",
                                    "GET,"])
def test_method_that_is_not_a_token(site, method):
    with site.connect() as client:
        client.request(method, HELLO)
        assert client.read_last().status == 400


def test_options_of_a_file(client):
    response = client.exchange("OPTIONS", HELLO)
    assert response.status in (200, 204)
    assert {"get", "head", "options"} <= set(response.tokens("allow"))
    hello(client)


def test_options_asterisk(client):
    response = client.exchange("OPTIONS", "*")
    assert response.status in (200, 204)
    assert {"get", "head"} <= set(response.tokens("allow"))
    assert response.body == b""
    hello(client)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_asterisk_is_for_options_only(site, method):
    with site.connect() as client:
        client.request(method, "*")
        assert client.read_response(method).status == 400


# Targets.


def test_query_is_no_part_of_the_path(client):
    assert client.exchange("GET", HELLO + "?a=b&c=/../d?e").body == tree.HELLO


def test_empty_query(client):
    assert client.exchange("GET", HELLO + "?").body == tree.HELLO


@pytest.mark.parametrize(
    "target",
    ["http://localhost/hello.txt", "http://localhost:8080/hello.txt", "HTTP://LOCALHOST/hello.txt",
     "http://other.example/hello.txt", "http://[::1]:80/hello.txt", "http://localhost/hello.txt?query"],
)
def test_absolute_form(site, target):
    with site.connect() as client:
        response = client.exchange("GET", target)
        assert (response.status, response.body) == (200, tree.HELLO)
        hello(client)


@pytest.mark.parametrize("target", ["http://localhost", "http://localhost:80", "http://localhost?query"])
def test_absolute_form_without_path_is_the_root(client, target):
    response = client.exchange("GET", target)
    assert (response.status, response.body) == (200, tree.INDEX)


def test_options_in_absolute_form_without_path_is_the_asterisk(client):
    response = client.exchange("OPTIONS", "http://localhost")
    assert response.status in (200, 204)
    hello(client)


@pytest.mark.parametrize(
    "target",
    ["", "hello.txt", "?", "?a", "//", "http:", "http://", "http:///hello.txt",
     "http://user@localhost/hello.txt",
     "http://local host/", "http://localhost:port/", "://localhost/", "**", "*x",
     "localhost:80", "/a b", "/hello.txt#fragment", "/\x7f", "/\x01", "/\x00", "/a\tb", "/%",
     "/%4", "/%zz", "/%2", "/a%", "http://[::1/", "http://]/", "\\hello.txt"],
)
def test_target_that_is_none(site, target):
    """RFC 9112 section 3.2: one of the four forms, of URI characters; "//" alone is a path and may be 404."""
    with site.connect() as client:
        client.request("GET", target)
        response = client.read_response()
        if target == "//":
            assert response.status in (200, 301, 308, 400, 404)
            return
        assert response.status == 400
        assert response.closes
        client.read_end()


@pytest.mark.parametrize("target", ["https://localhost/hello.txt", "ftp://localhost/hello.txt"])
def test_absolute_form_of_another_scheme_is_misdirected(site, target):
    """RFC 9110 section 7.4: this connection is no authority for it."""
    assert site.get(target).status in (400, 421)


@pytest.mark.parametrize("target", ["/hello<.txt", '/hello".txt', "/hello\\.txt", "/hello\xe4.txt",
                                    "/hello{|}^`.txt"])
def test_characters_that_no_uri_has_are_refused_or_names(site, target):
    assert site.get(target).status in (400, 404)


# Versions.


@pytest.mark.every_backend
def test_http_10_closes(site):
    with site.connect() as client:
        client.request("GET", HELLO, version="HTTP/1.0")
        response = client.read_last()
        assert (response.status, response.body) == (200, tree.HELLO)


def test_http_10_needs_no_host(site):
    with site.connect() as client:
        client.request("GET", HELLO, version="HTTP/1.0", host=None)
        assert client.read_last().body == tree.HELLO


def test_http_10_may_ask_to_keep_the_connection(site):
    with site.connect() as client:
        client.request("GET", HELLO, {"Connection": "keep-alive"}, version="HTTP/1.0")
        response = client.read_response()
        assert response.body == tree.HELLO
        assert "keep-alive" in response.tokens("connection")
        hello(client)


def test_http_10_is_never_sent_chunks(site):
    with site.connect() as client:
        client.request("GET", "/plain/", version="HTTP/1.0")
        response = client.read_response()
        assert response.status == 200
        assert "transfer-encoding" not in response


@pytest.mark.parametrize("version", ["HTTP/1.2", "HTTP/1.9"])
def test_higher_minor_version_is_taken_for_11(site, version):
    with site.connect() as client:
        client.request("GET", HELLO, version=version)
        assert client.read_response().body == tree.HELLO
        hello(client)


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9", "HTTP/0.0"])
def test_other_major_version(site, version):
    with site.connect() as client:
        client.request("GET", HELLO, version=version)
        assert client.read_last().status == 505


@pytest.mark.parametrize(
    "version",
    ["", "HTTP", "HTTP/", "HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/1.1.1", "HTTP/1,1", "HTTP/11", "HTTP/1.10",
     "HTTP/01.1",
     "HTTP/1.01", "http/1.1", "Http/1.1", "HTTQ/1.1", "HTTP/1.1 ", " HTTP/1.1", "HTTP/1.1x", "HTTP/x.1",
     "HTTP/-1.1",
     "HTTP\\1.1", "HTTPS/1.1", "HTTP/+1.1", "ICY/1.1", "HTTP/1.1\t", "\tHTTP/1.1"],
)
def test_version_that_is_none(site, version):
    with site.connect() as client:
        client.request("GET", HELLO, version=version)
        assert client.read_last().status in (400, 505)


def test_http_09_is_refused(site):
    with site.connect() as client:
        client.send(b"GET /hello.txt\r\n\r\n")
        assert client.read_last().status in (400, 505)


# Host.


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost:8080", "127.0.0.1", "[::1]", "[::1]:80", "a.b-c.example.",
     "localhost:",
     "xn--mnchen-3ya.example", "under_score.example"],
)
def test_host_that_is_valid(site, host):
    assert site.get(HELLO, host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["a b", "a/b", "a?b", "a#b", "user@host", "http://localhost", "[::1", "::1]", "[::1]x", "localhost:x",
     "localhost:80x",
     "localhost:-1", "a\\b", "a\"b", "a<b", "\x01", "a\x7f", "a\x00b", "\xe4", "%zz", "[", "]",
     "a:1:2", "[::1]:80:80", "a\tb", "a{b", "a|b", "a^b", "a`b", "", " ", ":80"],
)
def test_host_that_is_not_valid(site, host):
    with site.connect() as client:
        client.request("GET", HELLO, host=host)
        assert client.read_last().status == 400


def test_host_may_be_empty_beside_a_target_that_names_one_or_needs_none(site):
    assert site.get("http://localhost/hello.txt", host="").body == tree.HELLO
    with site.connect() as client:
        client.request("OPTIONS", "*", host="")
        assert client.read_response().status == 204


def test_host_is_required(site):
    with site.connect() as client:
        client.request("GET", HELLO, host=None)
        assert client.read_last().status == 400


def test_host_is_required_with_absolute_form_too(site):
    with site.connect() as client:
        client.request("GET", "http://localhost/hello.txt", host=None)
        assert client.read_last().status == 400


@pytest.mark.parametrize("second", ["localhost", "other.example", ""])
def test_host_is_unique(site, second):
    with site.connect() as client:
        client.request("GET", HELLO, [("Host", "localhost"), ("Host", second)])
        assert client.read_last().status == 400


def test_host_is_unique_whatever_its_case(site):
    with site.connect() as client:
        client.request("GET", HELLO, [("Host", "localhost"), ("X-Between", "1"), ("hOST", "localhost")])
        assert client.read_last().status == 400


# Field lines.


@pytest.mark.parametrize(
    "line",
    [b"X-Empty:", b"X-Empty: ", b"X:no-space", b"X:   many", b"X: trailing   ", b"X:\ttab\t", b"X: a\tb",
     b"X: \xe4\xff",
     b"!#$%&'*+-.^_`|~09azAZ: token", b"X: a:b:c", b"X: \"quoted, string\"", b"1: digits", b"Accept: */*"],
)
def test_field_line_that_is_valid(site, line):
    with site.connect() as client:
        client.send(b"GET /hello.txt HTTP/1.1\r\nHost: localhost\r\n" + line + b"\r\n\r\n")
        assert client.read_response().body == tree.HELLO
        hello(client)


def test_field_names_have_no_case(site):
    with site.connect() as client:
        client.send(b"GET /hello.txt HTTP/1.1\r\nhOsT: localhost\r\ncOnNeCtIoN: cLoSe\r\n\r\n")
        assert client.read_last().body == tree.HELLO


# Expect.


@pytest.mark.every_backend
def test_continue_before_a_body(client):
    client.send(wire.request_bytes("POST", HELLO, {"Expect": "100-continue", "Content-Length": "4"}))
    response = client.read_response(interim=True)
    if response.status == 100:
        client.send(b"body")
        response = client.read_response()
    assert response.status == 405
    if response.closes:
        client.read_end()


@pytest.mark.every_backend
def test_continue_without_wait(client):
    """A client that sends the body along gets no or one 100, and the next request its own answer."""
    client.request("POST", HELLO, {"Expect": "100-continue"}, body=b"GET /smuggled HTTP/1.1\r\n\r\n")
    response = client.read_response(interim=True)
    if response.status == 100:
        response = client.read_response()
    assert response.status == 405
    if response.closes:
        client.read_end()
    else:
        hello(client)


def test_continue_means_nothing_without_a_body(client):
    assert client.exchange("GET", HELLO, {"Expect": "100-continue"}).body == tree.HELLO
    hello(client)


def test_continue_means_nothing_in_http_10(site):
    with site.connect() as client:
        client.request("POST", HELLO, {"Expect": "100-continue"}, body=b"body", version="HTTP/1.0")
        assert client.read_response().status == 405


def test_continue_has_no_case(client):
    client.request("POST", HELLO, {"Expect": "100-Continue"}, body=b"body")
    response = client.read_response(interim=True)
    assert response.status in (100, 405)


def test_unknown_expectation(client):
    assert client.exchange("GET", HELLO, {"Expect": "miracles"}).status in (200, 417)


# Persistence.


@pytest.mark.every_backend
def test_connection_persists(client):
    for _ in range(50):
        hello(client)


@pytest.mark.parametrize("value", ["close", "Close", "CLOSE", "x, close", "close, x", "keep-alive, close",
                                   ",close,"])
@pytest.mark.every_backend
def test_connection_close(site, value):
    with site.connect() as client:
        client.request("GET", HELLO, {"Connection": value})
        assert client.read_last().body == tree.HELLO


def test_connection_close_in_a_second_line(site):
    with site.connect() as client:
        client.request("GET", HELLO, [("Connection", "keep-alive"), ("Connection", "close")])
        assert client.read_last().body == tree.HELLO


@pytest.mark.parametrize("value", ["closed", "x-close", "keep-alive", "", "upgrade"])
def test_connection_that_does_not_close(client, value):
    assert client.exchange("GET", HELLO, {"Connection": value}).body == tree.HELLO
    hello(client)


@pytest.mark.every_backend
def test_nothing_behind_close_is_answered(site):
    with site.connect() as client:
        client.send(wire.request_bytes("GET", HELLO, {"Connection": "close"})
                    + wire.request_bytes("GET", HELLO))
        assert client.read_last().body == tree.HELLO


def test_upgrade_is_ignored(client):
    fields = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
    assert client.exchange("GET", HELLO, fields).body == tree.HELLO
    hello(client)


@pytest.mark.every_backend
def test_client_that_has_finished_sending_is_answered(site):
    with site.connect() as client:
        client.request("GET", HELLO)
        client.finish_sending()
        assert client.read_response().body == tree.HELLO
        client.read_end()


@pytest.mark.every_backend
def test_client_that_goes_within_a_head_gets_nothing_or_400(site):
    with site.connect() as client:
        client.send(b"GET /hello.txt HTTP/1.1\r\nHost: loc")
        client.finish_sending()
        data = client.take_to_end()
        assert data == b"" or data.startswith(b"HTTP/1.1 400 ")


@pytest.mark.every_backend
def test_reset_connections_do_no_harm(site):
    for _ in range(20):
        client = site.connect()
        client.send(wire.request_bytes("GET", "/big.bin"))
        client.reset()
    assert site.get(HELLO).status == 200


@pytest.mark.parametrize("lines", [1, 2])
def test_leading_empty_lines_are_tolerated(site, lines):
    """RFC 9112 section 2.2: at least one, as old clients send it behind a body."""
    with site.connect() as client:
        client.send(b"\r\n" * lines + wire.request_bytes("GET", HELLO))
        assert client.read_response().body == tree.HELLO
        client.send(b"\r\n" * lines + wire.request_bytes("GET", HELLO))
        assert client.read_response().body == tree.HELLO


@pytest.mark.every_backend
def test_endless_empty_lines_are_not(site):
    with site.connect() as client:
        client.send(b"\r\n" * 20000)
        data = client.read_end_or_reset()
        assert data == b"" or data.startswith(b"HTTP/1.1 4")


# Responses.


@pytest.mark.parametrize("target, status", [("/hello.txt", 200), ("/nothing", 404), ("/indexed", 308),
                                            ("/plain/", 200)])
def test_every_response_says_what_it_is(client, target, status):
    response = client.exchange("GET", target)
    assert response.status in ((301, 308) if status == 308 else (status,))
    assert "date" in response and "server" in response
    if response.body:
        assert "content-type" in response


@pytest.mark.parametrize("target", ["/hello.txt", "/big.bin", "/nothing", "/plain/"])
def test_date_goes_on(client, target):
    """Also where a response's head was made earlier."""
    first = client.exchange("HEAD", target)["date"]
    wire.wait_until(lambda: client.exchange("HEAD", target)["date"] != first, "another second")


def test_error_pages_do_not_reflect_the_target(client):
    response = client.exchange("GET", "/nothing?%3Cscript%3Ealert(1)%3C/script%3E")
    assert response.status == 404
    assert b"<script>alert" not in response.body
