"""Where one message ends and the next begins; whatever leaves a doubt is refused, and nothing behind it is
read.

Every case of DOUBTFUL is followed by a whole, valid request for a file that nothing else asks for. Exactly
one response may come, an error, and then the end: an answer to the follower would be request smuggling.
"""
import pytest

import tree
import wire

pytestmark = pytest.mark.any_backend

FOLLOWER = wire.request_bytes("GET", "/digits.txt")
HOST = b"Host: localhost\r\n"
GET = b"GET /hello.txt HTTP/1.1\r\n"
POST = b"POST /hello.txt HTTP/1.1\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def post(*lines, body=b""):
    return POST + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def post_chunks(body):
    return POST + HOST + CHUNKED + b"\r\n" + body


def get(*lines):
    return GET + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


# Name, request, and the statuses that fit where 400 is not the only one.
DOUBTFUL = [
    # Content-Length.
    ("length twice, different", post(b"Content-Length: 4", b"Content-Length: 5", body=b"bodyG")),
    ("length twice, the second 0", post(b"Content-Length: 4", b"Content-Length: 0", body=b"body")),
    ("length list, different", post(b"Content-Length: 4, 5", body=b"bodyG")),
    ("length with plus", post(b"Content-Length: +4", body=b"body")),
    ("length with minus", post(b"Content-Length: -4", body=b"body")),
    ("length minus zero", post(b"Content-Length: -0")),
    ("length with space inside", post(b"Content-Length: 4 0", body=b"body")),
    ("length with comma", post(b"Content-Length: 4,", body=b"body")),
    ("length with leading comma", post(b"Content-Length: ,4", body=b"body")),
    ("length hexadecimal", post(b"Content-Length: 0x4", body=b"body")),
    ("length letters", post(b"Content-Length: four", body=b"body")),
    ("length trailing letter", post(b"Content-Length: 4a", body=b"body")),
    ("length with fraction", post(b"Content-Length: 4.0", body=b"body")),
    ("length with exponent", post(b"Content-Length: 4e0", body=b"body")),
    ("length with underscore", post(b"Content-Length: 1_0", body=b"body")),
    ("length empty", post(b"Content-Length:", body=b"body")),
    ("length of spaces", post(b"Content-Length:    ", body=b"body")),
    ("length quoted", post(b'Content-Length: "4"', body=b"body")),
    ("length 2^64", post(b"Content-Length: 18446744073709551616", body=b"body"), 413),
    ("length 2^64 + 4", post(b"Content-Length: 18446744073709551620", body=b"body"), 413),
    ("length 2^63", post(b"Content-Length: 9223372036854775808", body=b"body"), 413),
    ("length 2^32 + 4", post(b"Content-Length: 4294967300", body=b"body"), 413),
    ("length of 400 digits", post(b"Content-Length: " + b"9" * 400, body=b"body"), 413),
    ("length with non-breaking space", post(b"Content-Length: \xa04", body=b"body")),
    ("length with vertical tab", post(b"Content-Length: \x0b4", body=b"body")),
    ("length of arabic digits", post("Content-Length: ٤".encode(), body=b"body")),
    # Transfer-Encoding.
    ("both, chunked last", post(b"Content-Length: 4", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ("both, chunked first", post(b"Transfer-Encoding: chunked", b"Content-Length: 4", body=b"0\r\n\r\n")),
    ("both, length 0", post(b"Content-Length: 0", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ("both, length in other case", post(b"CONTENT-LENGTH: 5", b"Transfer-Encoding: chunked",
                                        body=b"0\r\n\r\n")),
    ("both, unknown coding", post(b"Content-Length: 4", b"Transfer-Encoding: xchunked", body=b"body"), 501),
    ("coding identity", post(b"Transfer-Encoding: identity", body=b"body"), 501),
    ("coding unknown", post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 501),
    ("coding gzip", post(b"Transfer-Encoding: gzip", body=b"0\r\n\r\n"), 501),
    ("coding gzip, chunked", post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 501),
    ("coding chunked, gzip", post(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"), 501),
    ("coding chunked, identity", post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"), 501),
    ("coding chunked twice", post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"), 501),
    ("coding chunked twice in two lines", post(CHUNKED[:-2], CHUNKED[:-2], body=b"0\r\n\r\n"), 501),
    ("coding chunked, then another line", post(CHUNKED[:-2], b"Transfer-Encoding: x", body=b"0\r\n\r\n"),
     501),
    ("coding other, then chunked line", post(b"Transfer-Encoding: x", CHUNKED[:-2], body=b"0\r\n\r\n"), 501),
    ("coding with parameter", post(b"Transfer-Encoding: chunked;q=1", body=b"0\r\n\r\n"), 501),
    ("coding quoted", post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"), 501),
    ("coding empty", post(b"Transfer-Encoding:", body=b"0\r\n\r\n"), 501),
    ("coding of commas", post(b"Transfer-Encoding: ,", body=b"0\r\n\r\n"), 501),
    ("coding with vertical tab", post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"), 501),
    ("coding with trailing form feed", post(b"Transfer-Encoding: chunked\x0c", body=b"0\r\n\r\n"), 501),
    ("coding with byte 0x85", post(b"Transfer-Encoding: \x85chunked", body=b"0\r\n\r\n"), 501),
    ("coding with non-breaking space", post(b"Transfer-Encoding: \xa0chunked", body=b"0\r\n\r\n"), 501),
    ("coding two words", post(b"Transfer-Encoding: x chunked", body=b"0\r\n\r\n"), 501),
    ("coding in HTTP/1.0", b"POST /hello.txt HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n", 501),
    ("coding kept alive in HTTP/1.0",
     b"POST /hello.txt HTTP/1.0\r\n" + HOST + b"Connection: keep-alive\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
     501),
    ("coding in a GET, unknown", get(b"Transfer-Encoding: cow"), 501),
    # Names that some parsers take for those two.
    ("space before colon of length", post(b"Content-Length : 4", body=b"body")),
    ("tab before colon of coding", post(b"Transfer-Encoding\t: chunked", body=b"0\r\n\r\n")),
    ("space before colon of coding", post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n")),
    ("space before the name", post(b" Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ("space inside the name", post(b"Transfer Encoding: chunked", body=b"0\r\n\r\n")),
    ("NUL in the name", post(b"Transfer-Encoding\x00: chunked", body=b"0\r\n\r\n")),
    ("byte 0xff before the name", post(b"\xffTransfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ("folded coding", post(b"Transfer-Encoding:", b" chunked", body=b"0\r\n\r\n")),
    ("folded coding with tab", post(b"Transfer-Encoding:", b"\tchunked", body=b"0\r\n\r\n")),
    ("folded other field", post(b"X: a", b" Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ("coding behind bare CR", post(b"X: a\rTransfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ("coding behind bare LF", post(b"X: a\nTransfer-Encoding: chunked", body=b"0\r\n\r\n")),
    ("length behind bare LF", post(b"X: a\nContent-Length: 4", body=b"body")),
    # Lines.
    ("request line ends in LF", b"GET /hello.txt HTTP/1.1\n" + HOST + b"\r\n"),
    ("request line ends in CR", b"GET /hello.txt HTTP/1.1\r" + HOST + b"\r\n"),
    ("request line ends in CR CR LF", b"GET /hello.txt HTTP/1.1\r\r\n" + HOST + b"\r\n"),
    ("field line ends in LF", GET + b"Host: localhost\n\r\n"),
    ("field line ends in CR", GET + HOST + b"X: a\rY: b\r\n\r\n"),
    ("head ends in LF", GET + HOST + b"\n"),
    ("everything ends in LF", b"GET /hello.txt HTTP/1.1\nHost: localhost\n\n"),
    ("head ends in CR CR LF", GET + HOST + b"\r\r\n"),
    ("field value ends in CR CR", get(b"X: a\r\r")),
    ("bare LF as the first line", b"\n" + get()),
    ("bare CR as the first line", b"\r" + get()),
    ("space as the first byte", b" " + get()),
    ("line without colon", get(b"nocolon")),
    ("line with no name", get(b": value")),
    ("line of spaces", get(b"  ")),
    ("space before colon", get(b"X : a")),
    ("tab before colon", get(b"X\t: a")),
    ("folded first field", GET + b" X: folded\r\n" + HOST + b"\r\n"),
    ("obs-fold", get(b"X: a", b" b")),
    ("obs-fold with tab", get(b"X: a", b"\tb")),
    ("obs-fold with nothing", get(b"X: a", b" ")),
    ("control byte in a name", get(b"X\x01: a")),
    ("DEL in a name", get(b"X\x7f: a")),
    ("byte 0x80 in a name", get(b"X\x80: a")),
    ("parenthesis in a name", get(b"X(: a")),
    ("quote in a name", get(b'"X": a')),
    ("slash in a name", get(b"X/Y: a")),
    ("NUL in a value", get(b"X: a\x00b")),
    ("NUL ends a value", get(b"X: a\x00")),
    ("control byte in a value", get(b"X: a\x01b")),
    ("escape in a value", get(b"X: a\x1bb")),
    ("vertical tab in a value", get(b"X: a\x0bb")),
    ("form feed in a value", get(b"X: a\x0cb")),
    ("DEL in a value", get(b"X: a\x7fb")),
    # The request line.
    ("two spaces before the target", b"GET  /hello.txt HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("two spaces behind the target", b"GET /hello.txt  HTTP/1.1\r\n" + HOST + b"\r\n", 505),
    ("tab before the target", b"GET\t/hello.txt HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("tab behind the target", b"GET /hello.txt\tHTTP/1.1\r\n" + HOST + b"\r\n"),
    ("space behind the version", b"GET /hello.txt HTTP/1.1 \r\n" + HOST + b"\r\n", 505),
    ("space in the target", b"GET /hello .txt HTTP/1.1\r\n" + HOST + b"\r\n", 505),
    ("a second version", b"GET /hello.txt HTTP/1.1 HTTP/1.1\r\n" + HOST + b"\r\n", 505),
    ("request inside the target", b"GET /hello.txt\rGET /digits.txt HTTP/1.1\r\n" + HOST + b"\r\n", 505),
    ("no target", b"GET HTTP/1.1\r\n" + HOST + b"\r\n", 505),
    ("only a method", b"GET\r\n" + HOST + b"\r\n"),
    ("NUL in the target", b"GET /hello.txt\x00 HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("control byte in the target", b"GET /hello.txt\x02 HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("form feed as space", b"GET\x0c/hello.txt\x0cHTTP/1.1\r\n" + HOST + b"\r\n"),
    ("garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    ("NUL bytes", b"\x00" * 64 + b"\r\n\r\n"),
    ("garbage letters", b"garbage\r\n\r\n"),
    ("response", b"HTTP/1.1 200 OK\r\n" + HOST + b"\r\n"),
    # Chunks.
    ("chunk size empty", post_chunks(b"\r\nbody\r\n0\r\n\r\n")),
    ("chunk size not hexadecimal", post_chunks(b"g\r\nbody\r\n0\r\n\r\n")),
    ("chunk size with 0x", post_chunks(b"0x4\r\nbody\r\n0\r\n\r\n")),
    ("chunk size with plus", post_chunks(b"+4\r\nbody\r\n0\r\n\r\n")),
    ("chunk size with minus", post_chunks(b"-4\r\nbody\r\n0\r\n\r\n")),
    ("chunk size with leading space", post_chunks(b" 4\r\nbody\r\n0\r\n\r\n")),
    ("chunk size with inner space", post_chunks(b"4 4\r\nbody\r\n0\r\n\r\n")),
    ("chunk size with underscore", post_chunks(b"0_4\r\nbody\r\n0\r\n\r\n")),
    ("chunk size 2^64 + 4", post_chunks(b"10000000000000004\r\nbody\r\n0\r\n\r\n"), 413),
    ("chunk size 2^64 - 1", post_chunks(b"ffffffffffffffff\r\nbody\r\n0\r\n\r\n"), 413),
    ("chunk size 2^63", post_chunks(b"8000000000000000\r\nbody\r\n0\r\n\r\n"), 413),
    ("chunk size 2^32 + 4", post_chunks(b"100000004\r\nbody\r\n0\r\n\r\n"), 413),
    ("chunk size of 17 digits with zeros", post_chunks(b"f0000000000000004\r\nbody\r\n0\r\n\r\n"), 413),
    ("chunk sizes that add up beyond 2^64",
     post_chunks(b"4\r\nbody\r\nfffffffffffffffe\r\nbody\r\n0\r\n\r\n"), 413),
    ("chunk size line ends in LF", post_chunks(b"4\nbody\r\n0\r\n\r\n")),
    ("chunk size line ends in CR", post_chunks(b"4\rbody\r\n0\r\n\r\n")),
    ("chunk size line ends in CR CR LF", post_chunks(b"4\r\r\nbody\r\n0\r\n\r\n")),
    ("chunk data ends in LF", post_chunks(b"4\r\nbody\n0\r\n\r\n")),
    ("chunk data ends in CR", post_chunks(b"4\r\nbody\r0\r\n\r\n")),
    ("chunk data too long", post_chunks(b"4\r\nbodyx\r\n0\r\n\r\n")),
    ("chunk data two bytes too long", post_chunks(b"4\r\nbodyxx0\r\n\r\n")),
    ("chunk data too short", post_chunks(b"5\r\nbody\r\n0\r\n\r\n")),
    ("chunk extension with LF", post_chunks(b"4;a\nb\r\nbody\r\n0\r\n\r\n")),
    ("chunk extension ends in LF", post_chunks(b"4;\nxx\r\n4c\r\n0\r\n\r\n")),
    ("chunk extension with CR", post_chunks(b"4;a\rb\r\nbody\r\n0\r\n\r\n")),
    ("chunk extension with NUL", post_chunks(b"4;a\x00b\r\nbody\r\n0\r\n\r\n")),
    ("chunk extension without a name", post_chunks(b"4;\r\nbody\r\n0\r\n\r\n")),
    ("chunk extension that is no token", post_chunks(b"4;(\r\nbody\r\n0\r\n\r\n")),
    ("chunk extension without a value", post_chunks(b"4;a=\r\nbody\r\n0\r\n\r\n")),
    ("chunk extension of two words", post_chunks(b"4;a b\r\nbody\r\n0\r\n\r\n")),
    ("chunk extension with blanks at its end", post_chunks(b"4;a \r\nbody\r\n0\r\n\r\n")),
    ("chunk extension whose quotes have no end", post_chunks(b'4;a="b\r\nbody\r\n0\r\n\r\n')),
    ("chunk extension with more behind its quotes", post_chunks(b'4;a="b"c\r\nbody\r\n0\r\n\r\n')),
    ("chunk size and blanks alone", post_chunks(b"4 \r\nbody\r\n0\r\n\r\n")),
    ("chunk extension endless", post_chunks(b"4;" + b"x" * 70000 + b"\r\nbody\r\n0\r\n\r\n"), 413, 431),
    ("last chunk ends in LF", post_chunks(b"4\r\nbody\r\n0\n\r\n")),
    ("chunked body ends in LF", post_chunks(b"4\r\nbody\r\n0\r\n\n")),
    ("chunked body ends in CR CR LF", post_chunks(b"4\r\nbody\r\n0\r\n\r\r\n")),
    ("chunked body ends in CR", post_chunks(b"4\r\nbody\r\n0\r\n\rX")),
    ("trailer without colon", post_chunks(b"0\r\nnocolon\r\n\r\n")),
    ("trailer with space before colon", post_chunks(b"0\r\nX : a\r\n\r\n")),
    ("trailer folded", post_chunks(b"0\r\nX: a\r\n b\r\n\r\n")),
    ("trailer ends in LF", post_chunks(b"0\r\nX: a\n\r\n")),
    ("trailer with NUL", post_chunks(b"0\r\nX: \x00\r\n\r\n")),
    ("trailers endless", post_chunks(b"0\r\n" + b"X: %s\r\n" % (b"x" * 60) * 2000 + b"\r\n"), 413, 431),
]


def send_whole(client, data):
    client.send(data)


def send_byte_by_byte(client, data):
    client.send_byte_by_byte(data)


def send_in_segments(client, data):
    client.send_in_segments(data, len(data))


def responses_to_the_end(client):
    """All responses until the server closes in order."""
    responses = []
    while client.pending or client.fill():
        responses.append(client.read_response())
    return responses


@pytest.mark.parametrize("send", [send_whole, send_byte_by_byte, send_in_segments])
@pytest.mark.parametrize("case", DOUBTFUL, ids=[case[0].replace(" ", "-") for case in DOUBTFUL])
def test_doubtful_message(site, case, send):
    _, data, *others = case
    if len(data) > 5000 and send is send_byte_by_byte:
        send = send_in_segments
    with site.connect() as client:
        send(client, data + FOLLOWER)
        answers = responses_to_the_end(client)
        assert len(answers) == 1, f"the bytes behind a doubtful message were answered: {answers}"
        if answers[0].status == 405 and data.startswith(POST + HOST + CHUNKED + b"\r\n"):
            return  # told before the chunks were found broken
        assert answers[0].status in (400, *others), answers[0]
        assert answers[0].closes


# What some may find doubtful and what is not: one meaning, and the follower has its answer.
SOUND = [
    ("length with zeros in front", post(b"Content-Length: 0004", body=b"body"), 400),
    ("length with spaces around", post(b"Content-Length:   4  ", body=b"body")),
    ("length with tabs around", post(b"Content-Length:\t4\t", body=b"body")),
    ("length in upper case", post(b"CONTENT-LENGTH: 4", body=b"body")),
    ("length twice, the same", post(b"Content-Length: 4", b"Content-Length: 4", body=b"body"), 400),
    ("length list, the same", post(b"Content-Length: 4, 4", body=b"body"), 400),
    ("length 0", post(b"Content-Length: 0")),
    ("no body", post()),
    ("body that looks like a request", post(b"Content-Length: %d" % len(FOLLOWER), body=FOLLOWER)),
    ("length in a GET", get(b"Content-Length: %d" % len(FOLLOWER)) + FOLLOWER),
    ("chunks in a GET", get(CHUNKED[:-2]) + wire.chunked(FOLLOWER)),
    ("chunks", post_chunks(wire.chunked(b"body"))),
    ("no chunk but the last", post_chunks(wire.chunked())),
    ("chunks of a byte", post_chunks(wire.chunked(*[b"x"] * 50))),
    ("chunk that looks like a request", post_chunks(wire.chunked(FOLLOWER))),
    ("chunk size in upper case", post_chunks(b"A\r\n0123456789\r\n0\r\n\r\n")),
    ("chunk size with zeros in front", post_chunks(b"0004\r\nbody\r\n000\r\n\r\n")),
    ("chunk extension", post_chunks(b"4;name=value\r\nbody\r\n0;last\r\n\r\n")),
    ("chunk extension quoted", post_chunks(b'4;name="a;b"\r\nbody\r\n0\r\n\r\n')),
    ("chunk extension with blanks", post_chunks(b'4 ;\ta = "b\\"" ; c\r\nbody\r\n0 ; d\r\n\r\n')),
    ("trailers", post_chunks(wire.chunked(b"body", trailers=b"X-One: 1\r\nX-Two: 2\r\n"))),
    ("trailers that must not count", post_chunks(wire.chunked(b"body", trailers=b"Content-Length: 40\r\n")),
     400),
    ("coding in upper case", post(b"Transfer-Encoding: CHUNKED", body=wire.chunked(b"body"))),
    ("coding with spaces around", post(b"Transfer-Encoding:  chunked \t", body=wire.chunked(b"body"))),
    ("coding with empty members", post(b"Transfer-Encoding: , chunked,", body=wire.chunked(b"body"))),
    ("coding with an empty line", post(b"Transfer-Encoding:", b"Transfer-Encoding: chunked",
                                       body=wire.chunked(b"body"))),
    ("length of another name", get(b"X-Content-Length: 40", b"Content-Length-X: 40")),
    ("coding of another name", get(b"X-Transfer-Encoding: chunked", b"Transfer_Encoding: chunked")),
    ("TE is no Transfer-Encoding", get(b"TE: chunked, trailers", b"Connection: TE")),
]


@pytest.mark.parametrize("send", [send_whole, send_byte_by_byte, send_in_segments])
@pytest.mark.parametrize("case", SOUND, ids=[case[0].replace(" ", "-") for case in SOUND])
def test_sound_message(site, case, send):
    """Its body is read to the end, though nobody wants it; or, where a case allows it, it is refused."""
    _, data, *refusals = case
    with site.connect() as client:
        send(client, data + FOLLOWER)
        first = client.read_response()
        if first.status in refusals and first.closes:
            client.read_end()
            return
        assert first.status == (405 if data.startswith(POST) else 200), first
        if data.startswith(GET):
            assert first.body == tree.HELLO
        second = client.read_response()
        assert (second.status, second.body) == (200, b"0123456789"), second


@pytest.mark.every_backend
def test_large_body_is_read_to_its_end(site):
    with site.connect() as client:
        client.request("POST", "/hello.txt", body=FOLLOWER * 8000)
        assert client.read_response().status == 405
        assert client.exchange("GET", "/hello.txt").body == tree.HELLO


@pytest.mark.every_backend
def test_large_chunked_body_is_read_to_its_end(site):
    with site.connect() as client:
        fields = {"Transfer-Encoding": "chunked"}
        client.request("PUT", "/hello.txt", fields, body=wire.chunked(*[FOLLOWER * 20] * 400))
        assert client.read_response().status == 405
        assert client.exchange("GET", "/hello.txt").body == tree.HELLO


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PATCH", "TRACE"])
@pytest.mark.every_backend
def test_body_of_any_method_is_skipped(site, method):
    with site.connect() as client:
        client.request(method, "/hello.txt", body=FOLLOWER)
        response = client.read_response(method)
        if response.closes:
            client.read_end()
        else:
            assert client.exchange("GET", "/one.txt").body == b"1"


def test_body_of_what_does_not_exist_is_skipped(site):
    with site.connect() as client:
        client.request("GET", "/nothing", body=FOLLOWER)
        assert client.read_response().status == 404
        assert client.exchange("GET", "/one.txt").body == b"1"


def test_body_of_a_redirect_is_skipped(site):
    with site.connect() as client:
        client.request("GET", "/indexed", body=FOLLOWER)
        assert client.read_response().status in (301, 308)
        assert client.exchange("GET", "/one.txt").body == b"1"


@pytest.mark.every_backend
def test_refusal_survives_a_client_that_goes_on_sending(site):
    """RFC 9112 section 9.6: no reset may destroy the reply while the rest of the request is on its way."""
    for _ in range(10):
        with site.connect() as client:
            client.send(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n")
            for _ in range(20):
                client.send(b"x" * 4096)
            assert client.read_response().status == 400
            client.read_end()
