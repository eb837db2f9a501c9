"""HTTP/2 to servers, by prior knowledge: what is forwarded, how requests share connections, and what becomes of them when
the server resets, refuses or leaves, or breaks the rules."""
import socket
import struct
import threading

import pytest

import vif as vif_process

pytest.importorskip("hpack")
if "nghttp2" not in vif_process.run("version").stdout:
    pytest.skip("vif is built without HTTP/2", allow_module_level=True)

import h2_wire
import wire
from h2_origin import H2Origin, H2Peer, echo
from h2_wire import END_HEADERS, END_STREAM, frame
from origin import Origin
from proxies import forwarding, log_lines

pytestmark = pytest.mark.any_protocol


@pytest.fixture
def h2_proxy(server):
    """h2_proxy(script, **options): a vif in front of an origin of HTTP/2, and the origin."""
    made = []

    def make(script=echo, settings=None, **options):
        made.append(H2Origin(script, **(settings or {})))
        top = {name: options.pop(name) for name in ("limits", "timeouts") if name in options}
        return server(config={**forwarding(made[-1], **options), **top}), made[-1]

    yield make
    for origin in made:
        origin.stop()


def in_threads(count, work):
    """work(index) in so many threads; their results."""
    results = [None] * count

    def run(index):
        results[index] = work(index)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(wire.TIME_LIMIT)
    assert all(result is not None for result in results)
    return results


# ---- messages ----

def test_requests_are_written_in_terms_of_http_2(h2_proxy):
    vif, origin = h2_proxy()
    response = vif.get("/a//b?c=%2F", {"X-One": "1", "Cookie": "a=b"})
    assert (response.status, response["x-request"]) == (200, "GET /a//b?c=%2F")
    assert response.values("via") == ["2.0 vif"]
    call = origin.requests[0]
    assert [name for name, _ in call.fields][:4] == [":method", ":scheme", ":authority", ":path"]
    assert call[":scheme"] == "http"
    assert call["x-one"] == "1" and call["cookie"] == "a=b"
    assert call["x-forwarded-for"] == "127.0.0.1"
    assert not {"host", "connection", "transfer-encoding", "te", "upgrade", "keep-alive"} & {name for name, _ in call.fields}


def test_a_prefix_and_a_host(h2_proxy):
    vif, origin = h2_proxy(path="/api", prefix="/v2", host="app.internal", forwarded="both")
    assert vif.get("/api/x?y")["x-request"] == "GET /v2/x?y"
    assert origin.requests[0][":authority"] == "app.internal"
    assert origin.requests[0]["forwarded"].startswith("for=127.0.0.1;host=")


@pytest.mark.http1
@pytest.mark.parametrize("size", [0, 1, 1000, 65535, 65536, 300_000, 3_000_000])
def test_content_both_ways(h2_proxy, size):
    vif, origin = h2_proxy(limits={"body": "10MiB"})
    body = (bytes(range(251)) * (size // 251 + 1))[:size]
    response = vif.exchange("POST", "/", body=body)
    assert (response.status, response.body) == (200, body)
    assert origin.requests[0]["content-length"] == str(size)


@pytest.mark.http1
def test_chunks_and_trailers(server, h2_proxy):
    def script(h2):
        call = h2.next_call()
        h2.head(call)
        h2.data(call, call.body)
        h2.trailers(call, ("x-sum", str(len(call.body))), ("connection-x", "1"))
        h2.next_call()

    vif, origin = h2_proxy(script)
    with vif.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n"
                        b"3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Check: 7\r\nX-Forwarded-For: liar\r\n\r\n")
        response = connection.read_response()
    assert response.body == b"abcdefg"
    assert ("x-sum", "7") in [(name.lower(), value) for name, value in response.trailers]
    assert origin.requests[0].trailers == [("x-check", "7")]
    assert origin.requests[0]["te"] == "trailers"
    assert origin.requests[0]["content-length"] is None


def test_a_response_without_content(h2_proxy):
    def script(h2):
        while call := h2.next_call():
            h2.head(call, status=call[":path"][1:], end=True)

    vif, _ = h2_proxy(script)
    for status in (200, 204, 304, 404):
        response = vif.get(f"/{status}")
        assert (response.status, response.body) == (status, b"")


def test_a_response_without_content_whose_stream_ends_later(h2_proxy):
    def script(h2):
        while call := h2.next_call():
            h2.head(call, ("content-length", "0"), status=call[":path"][1:])
            h2.wait(lambda: call.reset_code is not None)

    vif, origin = h2_proxy(script)
    for status in (200, 204, 304, 404):
        response = vif.get(f"/{status}")
        assert (response.status, response.body) == (status, b"")
    assert origin.connection_count == 1


def test_a_response_without_content_that_ends_with_an_empty_frame(h2_proxy):
    """Servers that count resets would take one for each of these for an attack."""
    calls = []

    def script(h2):
        while call := h2.next_call():
            calls.append(call)
            h2.head(call, ("content-length", "0"), status=call[":path"][1:])
            h2.data(call, b"", end=True)

    vif, origin = h2_proxy(script)
    for status in (200, 204, 304, 404) * 3:
        assert vif.get(f"/{status}").status == status
    assert origin.connection_count == 1
    assert not [call for call in calls if call.reset_code is not None]


def test_head_gets_the_length_that_get_would_have(h2_proxy):
    def script(h2):
        h2.head(h2.next_call(), ("content-length", "12345"), end=True)
        h2.next_call()

    vif, _ = h2_proxy(script)
    response = vif.exchange("HEAD", "/")
    assert (response.status, response["content-length"]) == (200, "12345")


@pytest.mark.http1
def test_interim_responses(h2_proxy):
    def script(h2):
        call = h2.next_call()
        h2.head(call, ("link", "</a.css>; rel=preload"), status="103")
        h2.answer(call, b"x")
        h2.next_call()

    vif, _ = h2_proxy(script)
    with vif.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        hints = client.read_response(interim=True)
        assert (hints.status, hints["link"]) == (103, "</a.css>; rel=preload")
        assert client.read_response().body == b"x"


@pytest.mark.http1
def test_an_early_answer_ends_the_upload(h2_proxy):
    resets = []

    def script(h2):
        call = h2.next_call(whole=False)
        h2.answer(call, b"too much", status="413")
        h2.wait(lambda: call.reset_code is not None)
        resets.append(call.reset_code)
        h2.answer(h2.next_call(), b"next")
        h2.next_call()

    vif, origin = h2_proxy(script, settings={"credits": False}, limits={"body": "10MiB"})
    response = vif.exchange("POST", "/", body=bytes(1_000_000))
    assert (response.status, response.body) == (413, b"too much")
    assert vif.get("/").body == b"next"
    assert resets == [h2_wire.CANCEL] and origin.connection_count == 1


# ---- connections ----

def test_requests_share_a_connection(h2_proxy):
    def script(h2):
        h2.wait(lambda: len(h2.calls) == 20)
        for call in reversed(list(h2.calls.values())):
            h2.answer(call, call[":path"].encode())
        h2.wait(lambda: False)

    vif, origin = h2_proxy(script)
    assert in_threads(20, lambda i: vif.get(f"/{i}").body) == [b"/%d" % i for i in range(20)]
    assert origin.connection_count == 1


def test_no_more_than_the_server_takes(h2_proxy):
    made = []

    def script(h2):
        answered = 0
        wire.wait_until(lambda: made and made[0].connection_count > 1, "a second connection")
        while h2.wait(lambda: sum(call.has_ended for call in h2.calls.values()) > answered):
            assert len(h2.calls) - answered <= 2
            h2.answer(list(h2.calls.values())[answered], b"x")
            answered += 1

    vif, origin = h2_proxy(script, settings={"_3": 2})
    made.append(origin)
    assert in_threads(8, lambda i: vif.get("/").status) == [200] * 8
    assert 1 < origin.connection_count <= 8


@pytest.mark.http1
def test_who_waits_for_a_connection_outlives_the_one_it_was_opened_for(h2_proxy):
    """Until the server's settings come, only one request is sent; here its client leaves before that."""
    seen, reset = threading.Event(), h2_wire.frame(h2_wire.RST_STREAM, 0, 1, struct.pack(">I", h2_wire.CANCEL))

    def until_the_first_has_left(peer):
        seen.set()
        while reset not in peer.pending and peer.fill():
            pass

    vif, origin = h2_proxy(settings={"before_settings": until_the_first_has_left}, queue_timeout="15s")
    first, second = vif.connect(), vif.connect()
    first.request("GET", "/first")
    assert seen.wait(wire.TIME_LIMIT)
    second.request("GET", "/second")
    wire.wait_until(second.has_been_read, "the second request to wait")
    first.close()
    assert second.read_response().status == 200
    assert origin.connection_count == 1


def test_a_connection_is_kept_and_closed_when_idle(h2_proxy):
    ends = []

    def script(h2):
        echo(h2)
        ends.append(len(h2.calls))

    vif, origin = h2_proxy(script, idle_timeout="300ms")
    for _ in range(3):
        assert vif.get("/").status == 200
    wire.wait_until(lambda: ends, "the end of the idle connection")
    assert vif.get("/").status == 200
    assert origin.connection_count >= 2


@pytest.mark.http1
def test_a_client_that_leaves_takes_its_stream_with_it(h2_proxy):
    told = []

    def script(h2):
        call = h2.next_call()
        told.append(call)
        h2.wait(lambda: call.reset_code is not None)
        while following := h2.next_call():
            h2.answer(following, b"next")

    vif, origin = h2_proxy(script)
    with vif.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.wait_until(lambda: told, "the request")
    wire.wait_until(lambda: told[0].reset_code is not None, "the reset")
    assert told[0].reset_code == h2_wire.CANCEL
    assert vif.get("/").body == b"next"
    assert origin.connection_count == 1


@pytest.mark.http1
def test_a_slow_client_stalls_only_its_stream(h2_proxy):
    """The server may send no more than a window, which the client's socket and vif's ring have room for."""
    sent = []

    def script(h2):
        slow = h2.next_call()
        h2.head(slow)

        def is_asked():
            return len(h2.calls) == 2 and list(h2.calls.values())[1].has_ended

        while not is_asked():
            while h2.room(slow.stream) > 0:
                sent.append(h2.room(slow.stream))
                h2.data(slow, bytes(sent[-1]))
            if h2.step() is None:
                return
        h2.answer(list(h2.calls.values())[1], b"fast")
        h2.wait(lambda: False)

    vif, _ = h2_proxy(script)
    with vif.connect() as connection:
        connection.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.wait_until(lambda: sent, "the window")
        assert vif.get("/fast").body == b"fast"


@pytest.mark.http1
def test_a_server_that_sends_more_than_its_window(h2_proxy):
    def script(h2):
        call = h2.next_call()
        h2.head(call)
        for _ in range(2000):
            h2.send(frame(h2_wire.DATA, 0, call.stream, bytes(16384)))
        h2.wait(lambda: False)

    vif, _ = h2_proxy(script)
    with vif.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.wait_until(lambda: "it sends more than its window allows" in vif.stderr(), "the error")


# ---- retries ----

def test_what_goaway_leaves_out_is_sent_again(h2_proxy):
    def script(h2):
        call = h2.next_call()
        if h2.peer.number == 0:
            h2.answer(call, b"first")
            h2.next_call()
            h2.say_goodbye(call.stream)
            h2.wait(lambda: False)
        else:
            h2.answer(call, b"again " + call.body)
            h2.next_call()

    vif, origin = h2_proxy(script)
    assert vif.get("/").body == b"first"
    assert vif.exchange("POST", "/", body=b"once").body == b"again once"
    assert origin.connection_count == 2


def test_requests_before_goaway_are_finished(h2_proxy):
    def script(h2):
        call = h2.next_call()
        h2.say_goodbye(call.stream)
        h2.answer(call, b"%d" % h2.peer.number)
        h2.wait(lambda: False)

    vif, origin = h2_proxy(script)
    assert [vif.get("/").body for _ in range(3)] == [b"0", b"1", b"2"]
    assert origin.connection_count == 3


def test_a_refused_request_is_sent_again(h2_proxy):
    def script(h2):
        while call := h2.next_call():
            if len(h2.peer.origin.requests) == 1:
                h2.reset(call, h2_wire.REFUSED_STREAM)
            else:
                h2.answer(call, call.body)

    vif, origin = h2_proxy(script)
    assert vif.exchange("POST", "/", body=b"once").body == b"once"
    assert len(origin.requests) == 2


def test_one_that_is_always_refused_fails(h2_proxy):
    def script(h2):
        while call := h2.next_call():
            h2.reset(call, h2_wire.REFUSED_STREAM)

    vif, origin = h2_proxy(script)
    assert vif.get("/").status == 502
    assert log_lines(vif, 1)[0]["upstream_cause"] == "stream_refused"
    assert len(origin.requests) == 3


def test_a_reset_request_is_not_sent_again(h2_proxy):
    def script(h2):
        while call := h2.next_call():
            h2.reset(call, h2_wire.INTERNAL_ERROR)

    vif, origin = h2_proxy(script)
    assert vif.get("/").status == 502
    assert log_lines(vif, 1)[0]["upstream_cause"] == "stream_reset"
    assert "INTERNAL_ERROR" in vif.stderr()
    assert len(origin.requests) == 1


def test_a_connection_that_closes_at_the_wrong_moment(h2_proxy):
    """A kept one: nobody notices. POST may have been processed, so it is not sent again."""
    def script(h2):
        h2.answer(h2.next_call(), b"first")
        h2.next_call(whole=False)
        h2.peer.reset()

    vif, origin = h2_proxy(script)
    assert vif.get("/").status == 200
    assert vif.get("/").status == 200
    assert vif.exchange("POST", "/", body=b"x").status == 502
    assert origin.connection_count == 2


def test_another_server_gets_the_content_of_a_failed_one(server, h2_proxy):
    """From one that is not there to one of another protocol: the framing is that of each server."""
    h1, h2 = Origin(lambda peer: (request := peer.read_request()) is not None and peer.answer(request.body)), H2Origin(echo)
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    nowhere = f"h2c://127.0.0.1:{closed.getsockname()[1]}"
    for one, origin in (("h2c", h2), ("http", h1)):
        config = forwarding(origin)
        config["sites"][0]["routes"]["/"]["proxy"]["to"] = [nowhere.replace("h2c", "http" if one == "h2c" else "h2c"), origin.url]
        vif = server(config=config)
        for _ in range(4):
            assert vif.exchange("POST", "/", body=b"abc" * 1000).body == b"abc" * 1000
    closed.close()
    h1.stop()
    h2.stop()


# ---- breaches ----

def fields_of(h2, *fields):
    return h2.encoder.encode(fields)


def raw(*frames):
    """A script that answers the first request by these frames of its stream."""
    def script(h2):
        call = h2.next_call()
        for kind, flags, content in frames:
            payload = fields_of(h2, *content) if isinstance(content, list) else content
            h2.send(frame(kind, flags, call.stream, payload))
        h2.wait(lambda: False)

    return script


H, D = h2_wire.HEADERS, h2_wire.DATA
END = END_HEADERS | END_STREAM
BREACHES = {
    "no status": (raw((H, END, [("a", "b")])), "bad_response"),
    "status 99": (raw((H, END, [(":status", "099")])), "bad_response"),
    "status 600": (raw((H, END, [(":status", "600")])), "bad_response"),
    "101": (raw((H, END_HEADERS, [(":status", "101")])), "bad_response"),
    "upper case": (raw((H, END, [(":status", "200"), ("A", "b")])), "bad_response"),
    "connection": (raw((H, END, [(":status", "200"), ("connection", "close")])), "bad_response"),
    "transfer-encoding": (raw((H, END, [(":status", "200"), ("transfer-encoding", "chunked")])), "bad_response"),
    "two lengths": (raw((H, END, [(":status", "200"), ("content-length", "0"), ("content-length", "1")])), "bad_response"),
    "a NUL": (raw((H, END, [(":status", "200"), ("a", "b\0c")])), "bad_response"),
    "a large head": (raw((H, 0, [(":status", "200")] + [(f"a{i}", "b" * 100) for i in range(150)]),
                         (h2_wire.CONTINUATION, END_HEADERS, [(f"c{i}", "b" * 200) for i in range(100)])), "bad_response"),
    "201 headers": (raw((H, END, [(":status", "200")] + [(f"a{i}", "b") for i in range(201)])), "bad_response"),
    "17 interim responses": (raw(*[(H, END_HEADERS, [(":status", "100")])] * 17, (H, END, [(":status", "200")])),
                             "bad_response"),
    "content without a head": (raw((D, END_STREAM, b"abc")), "http2_failed"),
    "a frame that is too large": (raw((D, 0, bytes(20000))), "http2_failed"),
    "a push": (raw((h2_wire.PUSH_PROMISE, END_HEADERS, struct.pack(">I", 2) + b"\x82\x86\x84")), "http2_failed"),
    "rubbish for headers": (raw((H, END, b"\xff\xff\xff\xff\xff\xff")), "http2_failed"),
}


@pytest.mark.parametrize("script, cause", BREACHES.values(), ids=BREACHES)
def test_a_server_that_breaks_the_rules(h2_proxy, script, cause):
    vif, _ = h2_proxy(script)
    assert vif.exchange("POST", "/").status == 502
    assert log_lines(vif, 1)[0]["upstream_cause"] == cause


CUTS = {
    "longer than it says": [(D, END_STREAM, b"123456")],
    "shorter than it says": [(D, END_STREAM, b"1234")],
}


@pytest.mark.http1
@pytest.mark.parametrize("frames", CUTS.values(), ids=CUTS)
def test_content_that_is_not_as_long_as_it_says(h2_proxy, frames):
    vif, _ = h2_proxy(raw((H, END_HEADERS, [(":status", "200"), ("content-length", "5")]), *frames))
    with vif.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with pytest.raises(wire.ProtocolError):
            connection.read_response()
    assert log_lines(vif, 1)[0]["upstream_cause"] == "bad_response"


def test_a_server_of_http_1(server):
    """What it says to the preface is no HTTP/2."""
    origin = Origin(lambda peer: peer.take_line() is not None and peer.send("HTTP/1.1 400 Bad Request\r\n\r\n") and False)
    config = forwarding(origin)
    config["sites"][0]["routes"]["/"]["proxy"]["to"] = origin.url.replace("http:", "h2c:")
    vif = server(config=config)
    assert vif.exchange("POST", "/").status == 502
    assert log_lines(vif, 1)[0]["upstream_cause"] == "http2_failed"
    assert "it does not speak HTTP/2" in vif.stderr()
    origin.stop()


@pytest.mark.parametrize("flood", [frame(h2_wire.PING, 0, 0, bytes(8)), frame(h2_wire.SETTINGS),
                                   frame(h2_wire.PRIORITY, 0, 1, bytes([0, 0, 0, 3, 1]))], ids=["ping", "settings", "priority"])
def test_floods(h2_proxy, flood):
    def script(h2):
        h2.next_call()
        for _ in range(50):
            h2.send(flood * 100)
        h2.wait(lambda: False)

    vif, _ = h2_proxy(script)
    assert vif.exchange("POST", "/").status == 502
    assert log_lines(vif, 1)[0]["upstream_cause"] == "http2_failed"


# ---- time-outs ----

def silent(h2):
    h2.next_call()
    h2.wait(lambda: False)


def half(h2):
    h2.head(h2.next_call())
    h2.wait(lambda: False)


@pytest.mark.parametrize("script, options, cause", [
    (silent, {"first_byte_timeout": "200ms"}, "first_byte_timeout"),
    (half, {"between_bytes_timeout": "200ms"}, "between_bytes_timeout"),
    (silent, {"total_timeout": "200ms"}, "total_timeout"),
], ids=["first byte", "between bytes", "total"])
def test_time_outs(h2_proxy, script, options, cause):
    resets = []

    def noting(h2):
        script(h2)
        resets.extend(call.reset_code for call in h2.calls.values())

    vif, origin = h2_proxy(noting, **options)
    if cause == "between_bytes_timeout":
        with pytest.raises((AssertionError, OSError)):
            vif.get("/")
    else:
        assert vif.get("/").status == 504
    assert log_lines(vif, 1)[0]["upstream_cause"] == cause
    vif.stop()
    wire.wait_until(lambda: resets, "the end of the connection")
    assert resets == [h2_wire.CANCEL]


@pytest.mark.http1
def test_a_server_that_takes_no_content(h2_proxy):
    vif, _ = h2_proxy(silent, settings={"credits": False}, send_timeout="300ms", limits={"body": "10MiB"})
    assert vif.exchange("POST", "/", body=bytes(200_000)).status == 504
    assert log_lines(vif, 1)[0]["upstream_cause"] == "send_timeout"


# ---- what HTTP/2 is not used for ----

def test_the_proxy_protocol_makes_a_connection_for_each_request(server):
    seen = []

    def behind_header(peer):
        seen.append(peer.take_line())
        echo(H2Peer(peer))
        return False

    origin = Origin(behind_header)
    config = forwarding(origin, proxy_protocol=1)
    config["sites"][0]["routes"]["/"]["proxy"]["to"] = origin.url.replace("http:", "h2c:")
    vif = server(config=config)
    for _ in range(3):
        assert vif.get("/").status == 200
    assert len(seen) == 3 and all(line.startswith(b"PROXY TCP4 127.0.0.1 ") for line in seen)
    origin.stop()


@pytest.mark.http1
def test_an_upgrade_is_not_asked_for(h2_proxy):
    vif, origin = h2_proxy()
    response = vif.get("/", {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"})
    assert response.status == 200
    assert origin.requests[0]["upgrade"] is None
