"""Streams of HTTP/2 that their client keeps from getting on, beside others that do; and a client that does not read."""
import os
import socket
import struct
import threading
import time

import pytest

pytest.importorskip("hpack")

import h2_wire
import vif
import wire
from h2_wire import Client
from proxies import origins  # noqa: F401

pytestmark = pytest.mark.skipif("nghttp2" not in vif.run("version").stdout, reason="vif is built without HTTP/2")

CANCEL = 8
SECONDS = 30
WRITE_SECONDS = 1  # the time-out of these servers
AT_A_TIME = 20000  # bytes: more than the minimum rate of a second


@pytest.fixture(scope="module", name="root")
def fixture_root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stalls")
    (folder / "small.txt").write_bytes(b"small content\n")
    (folder / "big.bin").write_bytes(os.urandom(1000) * 3000)
    return folder


def start(server, root, **timeouts):
    return server(config={"sites": [{"routes": {"/": {"files": str(root)}}}], "timeouts": timeouts, "workers": 1,
                          "log": {"access": {"path": "access.log", "format": "json"}}})


def next_frame(client):
    frame = client.read_frame()
    assert frame, "the connection ended"
    return frame


def keep_busy(client, moving, stalled, tick, drip=0):
    """Has one stream get on, asking anew when it is at its end, until the other one is over. What that one got."""
    content, ended = b"", time.monotonic() + SECONDS
    while time.monotonic() < ended:
        tick()
        kind, flags, stream, payload = next_frame(client)
        if stream == stalled:
            content += payload if kind == h2_wire.DATA else b""
            if kind == h2_wire.HEADERS and payload[":status"] != "200":
                return payload[":status"], content
            if kind == h2_wire.RST_STREAM:
                return struct.unpack(">I", payload)[0], content
        if kind == h2_wire.DATA and payload:
            client.credit(0, len(payload))
        if kind == h2_wire.DATA and stream == moving:
            if flags & h2_wire.END_STREAM:
                moving = client.ask("/big.bin")
                client.credit(moving, AT_A_TIME)
            else:
                client.credit(moving, len(payload))
            if drip:
                client.credit(stalled, drip)
            time.sleep(0.01)
    raise AssertionError("the stream did not end")


@pytest.mark.parametrize(("first", "drip", "rate"), [(0, 0, "10KiB"), (5000, 0, "10KiB"), (1, 1, "10KiB"), (0, 0, 0)])
def test_a_stream_without_a_window_ends_alone(server, root, first, drip, rate):
    made = start(server, root, write="1s", min_rate=rate)

    def stall_one(tick):
        client = Client(made, window=0)
        stalled = client.ask("/big.bin")
        if first:
            client.credit(stalled, first)
        moving = client.ask("/big.bin")
        client.credit(moving, AT_A_TIME)
        code, content = keep_busy(client, moving, stalled, tick, drip)
        assert code == CANCEL
        assert len(content) >= first
        client.credit(client.ask("/small.txt"), 1000)
        while client.read_until(h2_wire.DATA)[2:] != (client.last_stream, b"small content\n"):
            pass
        client.socket.close()

    wire.unless_late(stall_one, WRITE_SECONDS / 2)
    wire.wait_until(lambda: "its client gives too little window for the response" in made.stderr(), "the log to say why")
    wire.wait_until(lambda: '"timed_out"' in (made.folder / "access.log").read_text(), "the access log to say so")


def test_a_connection_with_new_requests_outlives_a_stream_without_a_window(server, root):
    made = start(server, root, write="1s")

    def stall_one(tick):
        client = Client(made, window=0)
        stalled = client.ask("/big.bin")
        code, ended = None, time.monotonic() + SECONDS
        while code is None and time.monotonic() < ended:
            tick()
            asked = client.ask("/small.txt", method="HEAD")
            while True:
                kind, _, stream, payload = next_frame(client)
                if kind == h2_wire.RST_STREAM and stream == stalled:
                    code = struct.unpack(">I", payload)[0]
                if kind == h2_wire.HEADERS and stream == asked:
                    break
            time.sleep(0.05)
        assert code == CANCEL
        client.ask("/small.txt", method="HEAD")
        assert client.read_until(h2_wire.HEADERS)[3][":status"] == "200"

    wire.unless_late(stall_one, WRITE_SECONDS / 2)


def test_a_client_that_sent_fin_gets_the_responses_that_need_no_more_of_it(server, root, origins):
    """One stream has no window, and another its content half sent: neither can go on, and both end alone."""
    may_answer = threading.Event()

    def answer_late(peer):
        return peer.read_request() and may_answer.wait(SECONDS) and peer.answer("late")

    origin = origins(answer_late)
    routes = {"/": {"files": str(root)}, "/late": {"proxy": {"to": origin.url}}}
    config = {"sites": [{"routes": routes}], "workers": 1, "timeouts": {"body": "1h", "write": "1h"}}
    client = Client(server(config=config), window=0)
    stalled, half = client.ask("/big.bin"), client.ask("/late", method="POST", end=False)
    late = client.ask("/late")
    client.credit(late, 1000)
    client.read_until(h2_wire.SETTINGS)
    wire.wait_until(lambda: origin.requests, "the request to be forwarded")
    client.socket.shutdown(socket.SHUT_WR)
    resets = {client.read_until(h2_wire.RST_STREAM)[2:] for _ in range(2)}
    assert resets == {(stalled, struct.pack(">I", CANCEL)), (half, struct.pack(">I", CANCEL))}
    may_answer.set()
    headers, content = client.answers(late, credits=False)[late]
    assert (headers[":status"], content) == ("200", b"late")
    assert client.is_closed()


def test_content_that_does_not_come_beside_a_download(server, root):
    made = start(server, root, body="1s")

    def stall_one(tick):
        client = Client(made, window=0)
        moving = client.ask("/big.bin")
        client.credit(moving, AT_A_TIME)
        stalled = client.ask("/small.txt", method="OPTIONS", end=False)
        assert keep_busy(client, moving, stalled, tick)[0] == "408"
        client.socket.close()

    wire.unless_late(stall_one, WRITE_SECONDS / 2)
    wire.wait_until(lambda: "its client sends its content too slowly" in made.stderr(), "the log to say why")


def test_a_stream_that_waits_for_others_is_left(server, root):
    """It has a window of its own; the connection's goes to the one before it, which is what the client asked for."""
    made = start(server, root, write="1s")

    def let_one_wait(tick):
        client = Client(made, introduce=False)
        client.send(h2_wire.PREFACE + h2_wire.settings(_4=1 << 24))
        first = client.ask("/big.bin", headers=[("priority", "u=0")])
        later = client.ask("/small.txt", headers=[("priority", "u=7")])
        ended = time.monotonic() + 2.5
        while time.monotonic() < ended:
            tick()
            client.credit(0, 1000)
            time.sleep(0.01)
        client.credit(0, 1 << 24)
        answers = client.answers(first, later)
        assert answers[later][1] == b"small content\n"
        assert answers[first][1] == (root / "big.bin").read_bytes()

    wire.unless_late(let_one_wait, WRITE_SECONDS / 2)


def test_answers_that_nobody_reads(server, root):
    """Their heads wait behind content that the client does not take."""
    made = server(config={"sites": [{"routes": {"/": {"files": str(root)}}}], "http2": {"streams": 10000}, "workers": 1})
    client = Client(made, introduce=False)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.send(h2_wire.PREFACE + h2_wire.settings(_4=1 << 30))
    client.credit(0, 1 << 30)
    for _ in range(20):
        client.ask("/big.bin")
    try:
        for _ in range(60):
            client.send(b"".join(client.head("/small.txt", method="HEAD") for _ in range(100)))
    except OSError:
        pass
    refusal = "too many frames that need replies, which the client does not read"
    wire.wait_until(lambda: refusal in made.stderr() or client.socket.recv(1 << 20), "the log to say why")
    client.socket.close()
    assert Client(made).get("/small.txt")[1] == b"small content\n"
