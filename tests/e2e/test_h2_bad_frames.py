"""Frames of HTTP/2 that break the rules of RFC 9113 sections 3 to 6, and those that only look as if they did."""
import struct

import pytest

pytest.importorskip("hpack")

import h2_peer
import h2_wire as wire
import vif
from h2_peer import PASSES_OVER, Answers, Ends
from h2_peer import fixture_target  # noqa: F401
from h2_wire import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PRIORITY,
                     PRIORITY_UPDATE, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, WITH_PRIORITY, frame)

pytestmark = [
    pytest.mark.skipif("nghttp2" not in vif.run("version").stdout, reason="vif is built without HTTP/2"),
    pytest.mark.any_backend,  # what a frame means does not depend on it
]

PROTOCOL = Ends(wire.PROTOCOL_ERROR)
SIZE = Ends(wire.FRAME_SIZE_ERROR)
FLOW = Ends(wire.FLOW_CONTROL_ERROR)
FRAME_MAX = 16384
FAR = 99999  # a stream that nobody has opened
ENABLE_PUSH, MAX_FRAME_SIZE, ENABLE_CONNECT, NO_RFC7540_PRIORITIES = 2, 5, 8, 9


def setting(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", key, value) for key, value in pairs))


def number(value):
    return struct.pack(">I", value)


def interrupted(peer, by=lambda stream: b""):
    """A head in two frames, and something between them."""
    encoded = peer.encoder.encode([(":method", "GET"), (":scheme", peer.scheme), (":path", "/small.txt"),
                                   (":authority", "localhost")])
    first, stream = peer.block(encoded[:5], END_STREAM), peer.last_stream
    return first + by(stream) + frame(CONTINUATION, END_HEADERS, stream, encoded[5:])


def padded(peer, count, padding, kind=DATA):
    """Says that the last `count` bytes are padding, of which there are so many."""
    return peer.of_last(kind, bytes([count]) + bytes(padding), PADDED | END_STREAM)


CASES = [
    # The format of frames.
    ("4.1 an unknown type", lambda p: frame(0xbb, 0xff, 0, bytes(8)), PASSES_OVER),
    ("4.1 an unknown type, on a stream that is not open", lambda p: frame(0xbb, 0xff, FAR, bytes(8)), PASSES_OVER),
    ("4.1 an unknown type, in the middle of content",
     lambda p: p.opened() + p.of_last(DATA, b"a") + p.of_last(0xbb, b"b") + p.of_last(DATA, b"c", END_STREAM), Answers(204)),
    ("4.1 flags that mean nothing", lambda p: frame(PING, 0xfe, 0, bytes(8)), PASSES_OVER),
    ("4.1 the reserved bit of a stream's number", lambda p: frame(PING, 0, 1 << 31, bytes(8)), PASSES_OVER),
    ("4.1 the reserved bit of a stream's number, in HEADERS",
     lambda p: p.head("/small.txt").replace(number(p.last_stream), number(1 << 31 | p.last_stream), 1), Answers(200)),
    ("4.2 DATA that is as long as may be", lambda p: p.opened() + p.of_last(DATA, bytes(FRAME_MAX), END_STREAM), Answers(204)),
    ("4.2 DATA that is longer", lambda p: p.opened() + p.of_last(DATA, bytes(FRAME_MAX + 1), END_STREAM), SIZE),
    ("4.2 HEADERS that are longer", lambda p: p.block(bytes(FRAME_MAX + 1)), SIZE),
    ("4.2 SETTINGS that are longer", lambda p: frame(SETTINGS, 0, 0, bytes(FRAME_MAX + 2)), SIZE),
    ("4.2 PING that is longer", lambda p: frame(PING, 0, 0, bytes(FRAME_MAX + 1)), SIZE),
    ("4.2 an unknown type that is longer", lambda p: frame(0xbb, 0, 0, bytes(FRAME_MAX + 1)), SIZE),

    # Nothing may come between the frames of a head.
    ("4.3 a head in two frames", interrupted, Answers(200)),
    ("4.3 PRIORITY inside a head", lambda p: interrupted(p, lambda stream: frame(PRIORITY, 0, stream, bytes(5))), PROTOCOL),
    ("4.3 PING inside a head", lambda p: interrupted(p, lambda _: frame(PING, 0, 0, bytes(8))), PROTOCOL),
    ("4.3 DATA inside a head", lambda p: interrupted(p, lambda stream: frame(DATA, 0, stream, b"a")), PROTOCOL),
    ("4.3 RST_STREAM inside a head",
     lambda p: interrupted(p, lambda stream: frame(RST_STREAM, 0, stream, bytes(4))), PROTOCOL),
    ("4.3 another head inside a head", lambda p: interrupted(p, lambda _: p.head("/small.txt")), PROTOCOL),
    ("5.5 an unknown type inside a head", lambda p: interrupted(p, lambda _: frame(0xbb)), PROTOCOL),

    ("6.1 DATA on no stream", lambda p: frame(DATA, 0, 0, b"a"), PROTOCOL),
    ("6.1 DATA that is padding only", lambda p: p.opened() + padded(p, 5, 5), Answers(204)),
    ("6.1 DATA with no byte of padding", lambda p: p.opened() + padded(p, 0, 5), Answers(204)),
    ("6.1 DATA with more padding than there is", lambda p: p.opened() + padded(p, 6, 5), PROTOCOL),
    ("6.1 DATA that does not say how much padding", lambda p: p.opened() + p.of_last(DATA, b"", PADDED), PROTOCOL),

    ("6.2 HEADERS on no stream", lambda p: frame(HEADERS, END_HEADERS | END_STREAM, 0, b"\x82"), PROTOCOL),
    ("6.2 HEADERS with more padding than there is",
     lambda p: p.block(b"\xff" + bytes(5), END_HEADERS | END_STREAM | PADDED), PROTOCOL),
    ("6.2 HEADERS that do not say how much padding", lambda p: p.block(b"", END_HEADERS | PADDED), PROTOCOL),
    ("6.2 HEADERS without the priority that they promise",
     lambda p: p.block(bytes(4), END_HEADERS | END_STREAM | WITH_PRIORITY), SIZE),
    ("6.2 HEADERS whose padding covers the priority",
     lambda p: p.block(b"\x04" + bytes(8), END_HEADERS | END_STREAM | PADDED | WITH_PRIORITY), PROTOCOL),

    ("6.3 PRIORITY on no stream", lambda p: frame(PRIORITY, 0, 0, bytes(5)), PROTOCOL),
    ("6.3 PRIORITY that is too short", lambda p: frame(PRIORITY, 0, FAR, bytes(4)), SIZE),
    ("6.3 PRIORITY that is too long", lambda p: frame(PRIORITY, 0, FAR, bytes(6)), SIZE),
    ("6.3 PRIORITY of a stream that is not open", lambda p: frame(PRIORITY, 0, FAR, bytes(5)), PASSES_OVER),

    ("6.4 RST_STREAM on no stream", lambda p: frame(RST_STREAM, 0, 0, bytes(4)), PROTOCOL),
    ("6.4 RST_STREAM that is too short", lambda p: p.opened() + p.of_last(RST_STREAM, bytes(3)), SIZE),
    ("6.4 RST_STREAM that is too long", lambda p: p.opened() + p.of_last(RST_STREAM, bytes(5)), SIZE),
    ("7 RST_STREAM with an unknown code", lambda p: p.opened() + p.of_last(RST_STREAM, number(0xfe)), PASSES_OVER),

    ("6.5 SETTINGS on a stream", lambda p: frame(SETTINGS, 0, FAR, b""), PROTOCOL),
    ("6.5 SETTINGS with half a setting", lambda p: frame(SETTINGS, 0, 0, bytes(7)), SIZE),
    ("6.5 SETTINGS that acknowledge and say something", lambda p: frame(SETTINGS, ACK, 0, bytes(6)), SIZE),
    ("6.5 SETTINGS that acknowledge what was not sent", lambda p: frame(SETTINGS, ACK), PROTOCOL),
    ("6.5 SETTINGS without a setting", lambda p: frame(SETTINGS), PASSES_OVER),
    ("6.5.2 push neither on nor off", lambda p: setting((ENABLE_PUSH, 2)), PROTOCOL),
    ("6.5.2 a window that is too large", lambda p: setting((wire.INITIAL_WINDOW_SIZE, 1 << 31)), FLOW),
    ("6.5.2 frames smaller than all must take", lambda p: setting((MAX_FRAME_SIZE, FRAME_MAX - 1)), PROTOCOL),
    ("6.5.2 frames larger than there can be", lambda p: setting((MAX_FRAME_SIZE, 1 << 24)), PROTOCOL),
    ("6.5.2 the largest frames", lambda p: setting((MAX_FRAME_SIZE, (1 << 24) - 1)), PASSES_OVER),
    ("6.5.2 an unknown setting", lambda p: setting((0xff, 0xffffffff)), PASSES_OVER),
    ("6.5.3 the last one of two counts", lambda p: setting((ENABLE_PUSH, 1), (ENABLE_PUSH, 0)), PASSES_OVER),
    ("9218 2.1 priorities neither on nor off", lambda p: setting((NO_RFC7540_PRIORITIES, 2)), PROTOCOL),
    ("9218 2.1 other priorities later", lambda p: setting((NO_RFC7540_PRIORITIES, 1)), PROTOCOL),

    ("6.6 PUSH_PROMISE of a client", lambda p: p.opened() + p.of_last(PUSH_PROMISE, number(2), END_HEADERS), PROTOCOL),

    ("6.7 PING on a stream", lambda p: frame(PING, 0, FAR, bytes(8)), PROTOCOL),
    ("6.7 PING that is too short", lambda p: frame(PING, 0, 0, bytes(6)), SIZE),
    ("6.7 PING that is too long", lambda p: frame(PING, 0, 0, bytes(9)), SIZE),
    ("6.7 an answer to a PING that was not sent", lambda p: frame(PING, ACK, 0, bytes(8)), PASSES_OVER),

    ("6.8 GOAWAY on a stream", lambda p: frame(GOAWAY, 0, FAR, bytes(8)), PROTOCOL),
    ("6.8 GOAWAY that is too short", lambda p: frame(GOAWAY, 0, 0, bytes(7)), SIZE),

    ("6.9 WINDOW_UPDATE that is too short", lambda p: frame(WINDOW_UPDATE, 0, 0, bytes(3)), SIZE),
    ("6.9 WINDOW_UPDATE that is too long", lambda p: p.opened() + p.of_last(WINDOW_UPDATE, bytes(5)), SIZE),
    ("6.9 WINDOW_UPDATE by nothing", lambda p: frame(WINDOW_UPDATE, 0, 0, number(0)), PROTOCOL),
    ("6.9 WINDOW_UPDATE of a stream by nothing",
     lambda p: p.half_closed() + p.of_last(WINDOW_UPDATE, number(0)), PROTOCOL),
    ("6.9 WINDOW_UPDATE with the reserved bit", lambda p: frame(WINDOW_UPDATE, 0, 0, number(1 << 31 | 1)), PASSES_OVER),

    ("6.10 CONTINUATION on no stream", lambda p: frame(CONTINUATION, END_HEADERS, 0, b""), PROTOCOL),
    ("6.10 CONTINUATION of another stream",
     lambda p: interrupted(p, lambda stream: frame(CONTINUATION, END_HEADERS, stream + 2)), PROTOCOL),
    ("6.10 CONTINUATION of no stream", lambda p: interrupted(p, lambda _: frame(CONTINUATION, END_HEADERS, 0)), PROTOCOL),
    ("6.10 CONTINUATION behind a whole head", lambda p: p.half_closed() + p.of_last(CONTINUATION, b"", END_HEADERS), PROTOCOL),
    ("6.10 CONTINUATION behind the last one", lambda p: interrupted(p) + p.of_last(CONTINUATION, b"", END_HEADERS), PROTOCOL),
    ("6.10 CONTINUATION behind DATA",
     lambda p: p.opened() + p.of_last(DATA, b"a") + p.of_last(CONTINUATION, b"", END_HEADERS), PROTOCOL),
    ("6.10 CONTINUATION without anything", lambda p: interrupted(p, lambda stream: frame(CONTINUATION, 0, stream)), Answers(200)),

    ("9218 7.1 PRIORITY_UPDATE on a stream", lambda p: frame(PRIORITY_UPDATE, 0, FAR, number(FAR) + b"u=0"), PROTOCOL),
    ("9218 7.1 PRIORITY_UPDATE of no stream", lambda p: frame(PRIORITY_UPDATE, 0, 0, number(0) + b"u=0"), PROTOCOL),
    ("9218 7.1 PRIORITY_UPDATE of a pushed stream", lambda p: frame(PRIORITY_UPDATE, 0, 0, number(2) + b"u=0"), PROTOCOL),
    ("9218 7.1 PRIORITY_UPDATE that is too short", lambda p: frame(PRIORITY_UPDATE, 0, 0, bytes(3)), SIZE),
    ("9218 7.1 PRIORITY_UPDATE of a stream to come", lambda p: frame(PRIORITY_UPDATE, 0, 0, number(9) + b"u=0"), PASSES_OVER),
    ("9218 7.1 PRIORITY_UPDATE that says nonsense", lambda p: frame(PRIORITY_UPDATE, 0, 0, number(9) + b"\xff=;"), PASSES_OVER),
]


@pytest.mark.parametrize(("act", "reaction"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_frames(target, act, reaction):
    target.judge(act, reaction)


# ---- the beginning ----

BEGINNINGS = [
    ("3.4 another frame than SETTINGS", wire.PREFACE + frame(PING, 0, 0, bytes(8))),
    ("3.4 SETTINGS that acknowledge", wire.PREFACE + frame(SETTINGS, ACK)),
    ("3.4 a request", wire.PREFACE + frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x87\x84\x41\x01x")),
]


@pytest.mark.parametrize("sent", [case[1] for case in BEGINNINGS], ids=[case[0] for case in BEGINNINGS])
def test_what_is_not_first(target, sent):
    peer = target.connect()
    peer.send(sent)
    PROTOCOL.check(peer)
    target.check_witness()


@pytest.mark.parametrize("wrong", [b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_a_wrong_preface(target, wrong):
    """Without TLS this is HTTP/1: see test_h2."""
    if target.kind is h2_peer.Plain:
        return
    peer = target.connect()
    peer.send(wrong)
    PROTOCOL.check(peer)
    target.check_witness()


def test_vif_begins_with_settings(target):
    peer = target.connect()
    peer.introduce()
    kind, flags, stream, _ = peer.read_frame()
    assert (kind, flags, stream) == (SETTINGS, 0, 0)


def test_a_ping_comes_back_as_it_is(target):
    peer = target.connect().begin()
    peer.send(frame(PING, 0, 0, b"12345678"))
    assert peer.read_until(PING) == (PING, ACK, 0, b"12345678")


# ---- GOAWAY of a client ----

@pytest.mark.parametrize("code", [wire.NO_ERROR, wire.PROTOCOL_ERROR, 0xfe])
def test_a_client_that_leaves_gets_what_it_asked_for(target, code):
    peer = target.connect().begin()
    peer.send(frame(GOAWAY, 0, 0, number(0) + number(code)))
    peer.credit(peer.bystander, len(h2_peer.LARGE))
    assert peer.answers(peer.bystander, credits=False)
    assert peer.bystander_content == h2_peer.LARGE
    assert peer.is_closed()
    target.check_witness()


def test_a_client_that_leaves_twice_for_later(target):
    peer = target.connect().begin()
    peer.send(frame(GOAWAY, 0, 0, number(0) + number(0)) + frame(GOAWAY, 0, 0, number(8) + number(0)))
    PROTOCOL.check(peer)
    target.check_witness()
