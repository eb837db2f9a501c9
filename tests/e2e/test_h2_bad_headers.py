"""Headers of HTTP/2 that break the rules of RFC 9113 section 8, and header blocks that break those of RFC 7541. The
same rows as over no socket are in tests/unit/h2/test_refusals.c; here the rest of the connection is looked at, too.
"""
import pytest

pytest.importorskip("hpack")

import h2_peer
import h2_wire as wire
import vif
from h2_peer import Answers, Ends, Resets, integer, literal
from h2_peer import fixture_target  # noqa: F401
from h2_wire import DATA, END_HEADERS, END_STREAM, HEADERS, SETTINGS, settings

pytestmark = [
    pytest.mark.skipif("nghttp2" not in vif.run("version").stdout, reason="vif is built without HTTP/2"),
    pytest.mark.any_backend,  # what a frame means does not depend on it
]

COMPRESSION = Ends(wire.COMPRESSION_ERROR)
MALFORMED = Resets(wire.PROTOCOL_ERROR)
TABLE = 4096  # bytes of headers that vif remembers

METHOD, PATH, AUTHORITY = (":method", "GET"), (":path", "/small.txt"), (":authority", "localhost")


def without(peer, name):
    return peer.fields(*(pair for pair in whole(peer) if pair[0] != name))


def whole(peer):
    return METHOD, (":scheme", peer.scheme), AUTHORITY, PATH


def with_fields(*more):
    return lambda peer: peer.fields(*whole(peer), *more)


def changed(name, value):
    return lambda peer: peer.fields(*((name, value) if pair[0] == name else pair for pair in whole(peer)))


def uploaded(length, *pieces):
    """Content in these pieces, said to be of that length."""
    def act(peer):
        head = peer.opened(("content-length", length))
        return head + b"".join(peer.of_last(DATA, piece, END_STREAM if piece is pieces[-1] else 0) for piece in pieces)
    return act


def ended_by_trailers(length, *trailers, content=b"abc"):
    def act(peer):
        head = peer.opened(*((("content-length", length),) if length else ()))
        return head + peer.of_last(DATA, content) + peer.of_last(
            HEADERS, peer.encoder.encode(trailers), END_HEADERS | END_STREAM)
    return act


HEADERS_CASES = [
    ("8.2.1 a name in upper case", with_fields(("X-Name", "v")), MALFORMED),
    ("8.2.1 an empty name", with_fields(("", "v")), MALFORMED),
    ("8.2.1 a blank in a name", with_fields(("x name", "v")), MALFORMED),
    ("8.2.1 a colon in a name", with_fields(("x:name", "v")), MALFORMED),
    ("8.2.1 DEL in a name", with_fields(("x\x7f", "v")), MALFORMED),
    ("8.2.1 a byte over 127 in a name", with_fields((b"x\xe9", "v")), MALFORMED),
    ("8.2.1 NUL in a value", with_fields(("x", "a\0b")), MALFORMED),
    ("8.2.1 CR in a value", with_fields(("x", "a\rb")), MALFORMED),
    ("8.2.1 LF in a value", with_fields(("x", "a\nb")), MALFORMED),
    ("8.2.1 a header smuggled in a value", with_fields(("x", "a\r\nhost: b")), MALFORMED),
    ("8.2.1 a blank before a value", with_fields(("x", " a")), MALFORMED),
    ("8.2.1 a tab behind a value", with_fields(("x", "a\t")), MALFORMED),
    ("8.2.1 a value with bytes over 127", with_fields(("x", b"\xe9\xff")), Answers(200)),
    ("8.2.1 an empty value", with_fields(("x", "")), Answers(200)),
    ("8.2.2 Connection", with_fields(("connection", "keep-alive")), MALFORMED),
    ("8.2.2 Proxy-Connection", with_fields(("proxy-connection", "keep-alive")), MALFORMED),
    ("8.2.2 Keep-Alive", with_fields(("keep-alive", "timeout=5")), MALFORMED),
    ("8.2.2 Transfer-Encoding", with_fields(("transfer-encoding", "chunked")), MALFORMED),
    ("8.2.2 Upgrade", with_fields(("upgrade", "h2c")), MALFORMED),
    ("8.2.2 TE", with_fields(("te", "trailers, deflate")), MALFORMED),
    ("8.2.2 TE with nothing but trailers", with_fields(("te", "trailers")), Answers(200)),
    ("8.2.3 cookies in several lines", with_fields(("cookie", "a=b"), ("cookie", "c=d")), Answers(200)),

    ("8.3 an unknown pseudo-header", with_fields((":test", "v")), MALFORMED),
    ("8.3 :status", with_fields((":status", "200")), MALFORMED),
    ("8.3 :protocol, which we have not allowed", with_fields((":protocol", "websocket")), MALFORMED),
    ("8.3 a pseudo-header behind others", lambda p: p.fields(METHOD, ("x", "v"), *whole(p)[1:]), MALFORMED),
    ("8.3 a pseudo-header at the end", lambda p: p.fields(*whole(p)[:3], ("x", "v"), PATH), MALFORMED),
    ("8.3.1 no :method", lambda p: without(p, ":method"), MALFORMED),
    ("8.3.1 no :scheme", lambda p: without(p, ":scheme"), MALFORMED),
    ("8.3.1 no :path", lambda p: without(p, ":path"), MALFORMED),
    ("8.3.1 neither :authority nor Host", lambda p: without(p, ":authority"), MALFORMED),
    ("8.3.1 Host in its place", lambda p: p.fields(METHOD, (":scheme", p.scheme), PATH, ("host", "localhost")), Answers(200)),
    ("8.3.1 another Host beside it", with_fields(("host", "other")), Answers(400)),
    ("8.3.1 two :method", with_fields(METHOD), MALFORMED),
    ("8.3.1 two :scheme", lambda p: p.fields(*whole(p), (":scheme", p.scheme)), MALFORMED),
    ("8.3.1 two :path", with_fields(PATH), MALFORMED),
    ("8.3.1 two :authority", with_fields(AUTHORITY), MALFORMED),
    ("8.3.1 an empty :path", changed(":path", ""), MALFORMED),
    ("8.3.1 an empty :method", changed(":method", ""), MALFORMED),
    ("8.3.1 an empty :scheme", changed(":scheme", ""), MALFORMED),
    ("8.3.1 a :path without a slash", changed(":path", "small.txt"), MALFORMED),
    ("8.3.1 a :path with a blank", changed(":path", "/small .txt"), MALFORMED),
    ("8.3.1 * of another method than OPTIONS", changed(":path", "*"), MALFORMED),
    ("8.3.1 * of OPTIONS", lambda p: p.head("*", method="OPTIONS"), Answers(204)),
    ("8.3.1 a :method that is no token", changed(":method", "GE T"), MALFORMED),
    ("8.3.1 a :scheme that is none", changed(":scheme", "ht tp"), MALFORMED),
    ("8.3.1 another scheme", changed(":scheme", "ftp"), Answers(421)),
    ("8.5 CONNECT with a :path", lambda p: p.fields((":method", "CONNECT"), AUTHORITY, PATH), MALFORMED),
    ("8.5 CONNECT without an :authority", lambda p: p.fields((":method", "CONNECT")), MALFORMED),

    ("8.1.1 less content than Content-Length says", uploaded("4", b"abc"), MALFORMED),
    ("8.1.1 more content than Content-Length says", uploaded("2", b"abc"), MALFORMED),
    ("8.1.1 more content than that, in pieces", uploaded("3", b"ab", b"cd"), MALFORMED),
    ("8.1.1 less content than that, in pieces", uploaded("5", b"ab", b"cd"), MALFORMED),
    ("8.1.1 as much as that", uploaded("4", b"ab", b"cd"), Answers(204)),
    ("8.1.1 Content-Length and no content", with_fields(("content-length", "1")), MALFORMED),
    ("8.1.1 a Content-Length of 0 and no content", with_fields(("content-length", "0")), Answers(200)),
    ("8.1.1 two Content-Length", with_fields(("content-length", "0"), ("content-length", "0")), MALFORMED),
    ("8.1.1 a Content-Length with a sign", with_fields(("content-length", "+0")), MALFORMED),
    ("8.1.1 a Content-Length that is none", with_fields(("content-length", "x")), MALFORMED),
    ("8.1.1 a Content-Length that overflows", uploaded("18446744073709551619", b"abc"), MALFORMED),
    ("8.1.1 less content, and trailers", ended_by_trailers("4", ("x", "v")), MALFORMED),

    ("8.1 trailers", ended_by_trailers("3", ("x", "v")), Answers(204)),
    ("8.1 pseudo-headers in trailers", ended_by_trailers("3", (":method", "GET")), MALFORMED),
    ("8.1 trailers in upper case", ended_by_trailers(None, ("X-Name", "v")), MALFORMED),
    ("8.1 Connection in trailers", ended_by_trailers(None, ("connection", "close")), MALFORMED),
]


@pytest.mark.parametrize(("act", "reaction"), [case[1:] for case in HEADERS_CASES], ids=[case[0] for case in HEADERS_CASES])
def test_headers(target, act, reaction):
    target.judge(act, reaction)


# ---- compression ----

def table_size(size):
    return integer(size, 5, 0x20)


def static(peer):
    """The pseudo-headers as RFC 7541 has them in its table, but for the path."""
    return b"\x82" + (b"\x87" if peer.scheme == "https" else b"\x86") + literal(b":authority", b"localhost")


def block(more, path=b"/small.txt"):
    return lambda peer: peer.block(static(peer) + b"\x04" + bytes([len(path)]) + path + more)


HUFFMAN_A = b"\x1f"  # "a" in 5 bits, padded by ones as it should be

BLOCKS = [
    ("6.1 index 0", block(b"\x80"), COMPRESSION),
    ("6.1 an index behind both tables", block(b"\xbe"), COMPRESSION),
    ("6.1 an index far behind", block(integer(70000, 7, 0x80)), COMPRESSION),
    ("6.2.1 a name behind both tables", block(b"\x7e\x01a"), COMPRESSION),
    ("6.2.2 a name behind both tables", block(integer(62, 4, 0x00) + b"\x01a"), COMPRESSION),
    ("6.2.3 a name behind both tables", block(integer(62, 4, 0x10) + b"\x01a"), COMPRESSION),
    ("6.2.1 remembered, and used at once", block(literal(b"x", b"v", 0x40) + b"\xbe"), Answers(200)),
    ("6.2.1 larger than the table, which empties it",
     block(literal(b"x", b"v", 0x40) + b"\x40\x01y" + integer(TABLE, 7, 0) + b"v" * TABLE + b"\xbe"), COMPRESSION),
    ("6.3 a table as large as may be", lambda p: p.block(table_size(TABLE) + block(b"")(p)[9:]), Answers(200)),
    ("6.3 a table larger than that", lambda p: p.block(table_size(TABLE + 1) + block(b"")(p)[9:]), COMPRESSION),
    ("6.3 no table", lambda p: p.block(table_size(0) + block(b"")(p)[9:]), Answers(200)),
    ("6.3 no table, and what was in it",
     lambda p: p.block(table_size(0) + static(p) + literal(b"x", b"v", 0x40) + b"\xbe"), COMPRESSION),
    ("4.2 two changes of the table, the second one larger",
     lambda p: p.block(table_size(0) + table_size(TABLE) + block(b"")(p)[9:]), Answers(200)),
    ("4.2 a change of the table behind a header", block(table_size(100)), COMPRESSION),
    ("4.2 a change of the table in the middle",
     lambda p: p.block(b"\x82" + table_size(100) + block(b"")(p)[10:]), COMPRESSION),
    ("5.1 an integer without end", block(b"\xff" + b"\xff" * 12), COMPRESSION),
    ("5.1 an integer of zeros", block(b"\xff" + b"\x80" * 12 + b"\x00"), COMPRESSION),
    ("5.1 an integer past 32 bits", block(integer(1 << 32, 7, 0x80)), COMPRESSION),
    ("5.2 a name that ends too early", block(b"\x00\x05ab"), COMPRESSION),
    ("5.2 a value that ends too early", block(b"\x00\x01a\x05b"), COMPRESSION),
    ("5.2 a header without a value", block(b"\x00\x01a"), COMPRESSION),
    ("5.2 a length of gigabytes", block(b"\x00\x01a" + integer(1 << 31, 7, 0)), COMPRESSION),
    ("5.2 Huffman", block(b"\x00\x01x\x81" + HUFFMAN_A), Answers(200)),
    ("5.2 Huffman with 8 bits of padding", block(b"\x00\x01x\x82" + HUFFMAN_A + b"\xff"), COMPRESSION),
    ("5.2 Huffman padded by zeros", block(b"\x00\x01x\x81\x18"), COMPRESSION),
    ("5.2 Huffman with the end of strings", block(b"\x00\x01x\x84\xff\xff\xff\xff"), COMPRESSION),
    ("5.2 Huffman that ends within a symbol", block(b"\x00\x01x\x81\xfe"), COMPRESSION),
    ("4.3 nothing", lambda p: p.block(b""), MALFORMED),
]


@pytest.mark.parametrize(("act", "reaction"), [case[1:] for case in BLOCKS], ids=[case[0] for case in BLOCKS])
def test_compression(target, act, reaction):
    target.judge(act, reaction)


def test_blocks_of_refused_requests_count(target):
    """The table is of the connection: what a malformed request put into it is there for the next one."""
    def act(peer):
        bad = peer.block(static(peer) + literal(b"X", b"v") + literal(b"x-kept", b"v", 0x40))
        path = b"\x04\x0a/small.txt"
        return bad + peer.block(static(peer) + path + b"\xbe")
    target.judge(act, Answers(200))


def test_headers_of_a_stream_that_is_over_count(target):
    def act(peer):
        late = peer.opened(("connection", "close")) + peer.of_last(HEADERS, literal(b"x-kept", b"v", 0x40), END_HEADERS | END_STREAM)
        return late + peer.block(static(peer) + b"\x04\x0a/small.txt\xbe")
    target.judge(act, Answers(200))


@pytest.mark.parametrize("size", [0, 64, 1 << 20])
def test_the_table_for_responses_is_as_the_client_has_it(target, size):
    """hpack refuses a block that does not begin with the new size, or that is of a larger one."""
    peer = target.connect()
    peer.decoder.max_allowed_table_size = size
    peer.send(wire.PREFACE + settings(_1=size))
    while peer.read_until(SETTINGS)[1] != wire.ACK:
        pass
    for _ in range(3):
        assert peer.get("/small.txt")[1] == h2_peer.SMALL
    assert peer.decoder.header_table_size <= size


# ---- limits ----

def test_too_many_headers_are_431(target):
    target.judge(with_fields(*((f"x-{i}", "v") for i in range(101))), Answers(431))


def test_a_long_path_is_414(target):
    target.judge(changed(":path", "/" + "a" * 8200), Answers(414))


def test_a_head_of_a_few_bytes_that_is_huge(target):
    """16 KiB on the wire which stand for 64 MiB."""
    big = b"\x40\x01x" + integer(4000, 7, 0) + b"v" * 4000
    target.judge(lambda p: p.block(static(p) + big + b"\xbe" * 12000), Ends(wire.ENHANCE_YOUR_CALM))


def test_a_head_in_more_frames_than_may_be(target):
    def act(peer):
        first = peer.block(static(peer), END_STREAM)
        return first + b"".join(peer.of_last(wire.CONTINUATION, literal(b"x", b"v")) for _ in range(9))
    target.judge(act, Ends(wire.ENHANCE_YOUR_CALM))
