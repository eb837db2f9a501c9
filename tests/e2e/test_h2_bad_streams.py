"""Streams and windows of HTTP/2 that are not used as RFC 9113 sections 5 and 6.9 say."""
import struct

import pytest

pytest.importorskip("hpack")

import h2_peer
import h2_wire as wire
import vif
from h2_peer import PASSES_OVER, Answers, Ends, Resets
from h2_peer import fixture_target  # noqa: F401
from h2_wire import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PRIORITY, RST_STREAM, WINDOW_UPDATE, frame,
                     settings)

pytestmark = [
    pytest.mark.skipif("nghttp2" not in vif.run("version").stdout, reason="vif is built without HTTP/2"),
    pytest.mark.any_backend,  # what a frame means does not depend on it
]

PROTOCOL = Ends(wire.PROTOCOL_ERROR)
STREAM_CLOSED = Ends(wire.STREAM_CLOSED)
FLOW = Ends(wire.FLOW_CONTROL_ERROR)
RESET = Resets(wire.PROTOCOL_ERROR)
IDLE = 9
WINDOW_MAX = (1 << 31) - 1


def number(value):
    return struct.pack(">I", value)


def once_more(peer, flags=END_HEADERS | END_STREAM):
    """A whole head on the last stream, which has had one."""
    fields = [(":method", "GET"), (":scheme", peer.scheme), (":authority", "localhost"), (":path", "/small.txt")]
    return peer.of_last(HEADERS, peer.encoder.encode(fields), flags)


def trailers(peer, flags, *fields):
    return peer.of_last(HEADERS, peer.encoder.encode(fields or [("x-checksum", "1")]), flags)


def malformed(peer):
    """A request that vif resets, of which content is to follow."""
    return peer.opened(("connection", "close"))


def on_stream(peer, stream):
    peer.last_stream = stream - 2
    return peer.head("/small.txt")


CASES = [
    ("5.1 idle: DATA", lambda p: frame(DATA, END_STREAM, IDLE, b"a"), PROTOCOL),
    ("5.1 idle: RST_STREAM", lambda p: frame(RST_STREAM, 0, IDLE, bytes(4)), PROTOCOL),
    ("5.1 idle: WINDOW_UPDATE", lambda p: frame(WINDOW_UPDATE, 0, IDLE, number(1)), PROTOCOL),
    ("5.1 idle: CONTINUATION", lambda p: frame(CONTINUATION, END_HEADERS, IDLE, b""), PROTOCOL),
    ("5.1 idle: PRIORITY", lambda p: frame(PRIORITY, 0, IDLE, bytes(5)), PASSES_OVER),
    ("5.1 idle: RST_STREAM of a stream of ours", lambda p: frame(RST_STREAM, 0, 2, bytes(4)), PROTOCOL),
    ("5.1 idle: DATA on a stream of ours", lambda p: frame(DATA, 0, 2, b"a"), PROTOCOL),
    ("5.1 idle: WINDOW_UPDATE of a stream of ours", lambda p: frame(WINDOW_UPDATE, 0, 2, number(1)), PROTOCOL),

    ("5.1 half closed: DATA", lambda p: p.half_closed() + p.of_last(DATA, b"a"), STREAM_CLOSED),
    ("5.1 half closed: HEADERS", lambda p: p.half_closed() + once_more(p), STREAM_CLOSED),
    ("5.1 half closed: CONTINUATION", lambda p: p.half_closed() + p.of_last(CONTINUATION, b"", END_HEADERS), PROTOCOL),
    ("5.1 half closed: PRIORITY", lambda p: p.half_closed() + p.of_last(PRIORITY, bytes(5)), PASSES_OVER),
    ("5.1 half closed: RST_STREAM", lambda p: p.half_closed() + p.of_last(RST_STREAM, bytes(4)), PASSES_OVER),
    ("5.1 half closed: WINDOW_UPDATE",
     lambda p: p.half_closed() + p.of_last(WINDOW_UPDATE, number(len(h2_peer.LARGE))), Answers(200)),

    ("5.1 closed: DATA", lambda p: p.closed() + p.of_last(DATA, b"a"), STREAM_CLOSED),
    ("5.1 closed: HEADERS", lambda p: p.closed() + once_more(p), STREAM_CLOSED),
    ("5.1 closed: CONTINUATION", lambda p: p.closed() + p.of_last(CONTINUATION, b"", END_HEADERS), PROTOCOL),
    ("5.1 closed: PRIORITY", lambda p: p.closed() + p.of_last(PRIORITY, bytes(5)), PASSES_OVER),
    ("5.1 closed: RST_STREAM", lambda p: p.closed() + p.of_last(RST_STREAM, bytes(4)), PASSES_OVER),
    ("5.1 closed: WINDOW_UPDATE", lambda p: p.closed() + p.of_last(WINDOW_UPDATE, number(1)), PASSES_OVER),
    ("5.1 reset: DATA", lambda p: p.reset() + p.of_last(DATA, b"a"), STREAM_CLOSED),
    ("5.1 reset: HEADERS", lambda p: p.reset() + once_more(p), STREAM_CLOSED),
    ("5.1 reset: CONTINUATION", lambda p: p.reset() + p.of_last(CONTINUATION, b"", END_HEADERS), PROTOCOL),
    ("5.1 reset: RST_STREAM", lambda p: p.reset() + p.of_last(RST_STREAM, bytes(4)), PASSES_OVER),
    ("5.1 reset: WINDOW_UPDATE", lambda p: p.reset() + p.of_last(WINDOW_UPDATE, number(1)), PASSES_OVER),

    # What was sent before the client knew that we had reset the stream.
    ("5.1 reset by us: DATA", lambda p: malformed(p) + p.of_last(DATA, b"a"), RESET),
    ("5.1 reset by us: trailers", lambda p: malformed(p) + trailers(p, END_HEADERS | END_STREAM), RESET),
    ("5.1 reset by us: RST_STREAM", lambda p: malformed(p) + p.of_last(RST_STREAM, bytes(4)), RESET),
    ("5.1 reset by us: WINDOW_UPDATE", lambda p: malformed(p) + p.of_last(WINDOW_UPDATE, number(1)), RESET),

    ("5.1.1 a stream with an even number", lambda p: on_stream(p, 10), PROTOCOL),
    ("5.1.1 a number that was passed by", lambda p: on_stream(p, 9) + on_stream(p, 5), PROTOCOL),
    ("5.1.1 numbers may be left out", lambda p: on_stream(p, 1001), Answers(200)),

    ("8.1 a second head that does not end the stream",
     lambda p: p.opened() + once_more(p, END_HEADERS), Resets(wire.PROTOCOL_ERROR)),
    ("8.1 trailers that do not end the stream",
     lambda p: p.opened() + trailers(p, END_HEADERS), Resets(wire.PROTOCOL_ERROR)),
    ("8.1 trailers", lambda p: p.opened() + p.of_last(DATA, b"a") + trailers(p, END_HEADERS | END_STREAM), Answers(204)),

    ("6.9.1 a window past the largest", lambda p: frame(WINDOW_UPDATE, 0, 0, number(WINDOW_MAX)), FLOW),
    ("6.9.1 a window past the largest, in two steps",
     lambda p: 2 * frame(WINDOW_UPDATE, 0, 0, number(1 << 30)), FLOW),
    ("6.9.1 a stream's window past the largest",
     lambda p: p.half_closed() + p.of_last(WINDOW_UPDATE, number(WINDOW_MAX)), Resets(wire.FLOW_CONTROL_ERROR)),
    ("6.9.1 a stream's largest window",
     lambda p: p.opened() + p.of_last(WINDOW_UPDATE, number(WINDOW_MAX - h2_peer.WINDOW)) + p.of_last(DATA, b"", END_STREAM),
     Answers(204)),
    ("6.9.2 a setting that makes a stream's window too large",
     lambda p: p.half_closed() + p.of_last(WINDOW_UPDATE, number(WINDOW_MAX - h2_peer.WINDOW)) + settings(_4=WINDOW_MAX),
     Resets(wire.FLOW_CONTROL_ERROR)),

    ("8.5 CONNECT", lambda p: p.fields((":method", "CONNECT"), (":authority", "a:1")), Answers(501)),
]


@pytest.mark.parametrize(("act", "reaction"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_streams(target, act, reaction):
    target.judge(act, reaction)


def test_the_last_number_of_all(target):
    """After it no stream can be opened; the others go on."""
    peer = target.connect().begin()
    peer.last_stream = WINDOW_MAX - 2
    assert peer.get("/small.txt")[1] == h2_peer.SMALL
    peer.credit(peer.bystander, len(h2_peer.LARGE))
    peer.answers(peer.bystander, credits=False)
    assert peer.bystander_content == h2_peer.LARGE


# ---- more streams than may be ----

def test_more_streams_before_the_settings_are_known_are_refused(target):
    """A client cannot know the limit before it has seen our settings, so that its streams may be tried again."""
    peer = target.connect()
    peer.send(wire.PREFACE + settings(_4=10))
    peer.send(b"".join(peer.head("/large.bin") for _ in range(101)))
    assert peer.answers(peer.last_stream)[peer.last_stream] == wire.REFUSED_STREAM
    peer.credit(1, len(h2_peer.LARGE))
    assert peer.answers(1, credits=False)
    target.check_witness()


def test_more_streams_than_may_be(target):
    target.judge(lambda peer: b"".join(peer.half_closed() for _ in range(100)), PROTOCOL)


# ---- windows ----

def data_of(peer, stream):
    kind, _, of, payload = peer.read_until(DATA)
    assert of == stream
    return payload


def test_not_a_byte_more_than_the_window(target):
    peer = target.connect()
    peer.introduce(window=1)
    stream = peer.ask("/small.txt")
    for byte in h2_peer.SMALL:
        assert data_of(peer, stream) == bytes([byte])
        peer.credit(stream, 1)
    target.check_witness()


def test_a_setting_changes_the_windows_of_streams_that_are_open(target):
    peer = target.connect()
    peer.introduce(window=0)
    stream = peer.ask("/small.txt")
    peer.read_until(HEADERS)
    peer.send(settings(_4=1))
    assert data_of(peer, stream) == h2_peer.SMALL[:1]


def test_a_window_may_be_below_zero(target):
    peer = target.connect()
    peer.introduce(window=3)
    stream = peer.ask("/small.txt")
    assert data_of(peer, stream) == h2_peer.SMALL[:3]
    peer.send(settings(_4=2))  # it is at -1 now
    peer.credit(stream, 2)
    assert data_of(peer, stream) == h2_peer.SMALL[3:4]


def test_content_for_streams_that_are_over_counts(target):
    """Nobody takes it, and the window of the connection is given back all the same: it is used four times here."""
    peer = target.connect().begin()
    peer.send(malformed(peer))
    stream, piece = peer.last_stream, bytes(16384)
    credit = 1 << 18
    for _ in range(64):
        while credit < len(piece):
            kind, _, of, payload = peer.read_until(WINDOW_UPDATE)
            credit += struct.unpack(">I", payload)[0] if of == 0 else 0
        peer.send(frame(DATA, 0, stream, piece))
        credit -= len(piece)
    peer.goes_on()
