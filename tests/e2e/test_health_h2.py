"""Health checks in HTTP/2 that ask for a path, in the clear and by TLS."""
import pytest

import vif as vif_process

pytest.importorskip("hpack")
if "nghttp2" not in vif_process.run("version").stdout:
    pytest.skip("vif is built without HTTP/2", allow_module_level=True)

import h2_wire
import pki
import wire
from h2_origin import H2Origin
from proxies import forwarding, origins  # noqa: F401
from test_upstream_h2_alive import HAS_TLS, as_h2c, h2_origins  # noqa: F401

if HAS_TLS:
    from test_upstream_tls import serving

pytestmark = pytest.mark.http1


def healthy(status="200", body=b"ok", *fields):
    def script(h2):
        while call := h2.next_call():
            h2.answer(call, body, *fields, status=status)
    return script


GOOD = {
    "a status": (healthy("204", b""), {}),
    "a header": (healthy("200", b"ok", ("x-ready", "yes")), {"header": "X-Ready: yes"}),
    "a text": (healthy("200", b"x" * 60000 + b"ready"), {"body": "ready"}),
}
BAD = {
    "a status": (healthy("503"), {}, "status 503 instead of 200-399"),
    "no header": (healthy(), {"header": "X-Ready"}, 'no header "X-Ready"'),
    "no text": (healthy("200", b"x" * 300_000), {"body": "ready"}, 'no "ready" in its content'),
    "no answer": (lambda h2: h2.wait(lambda: False), {"timeout": "200ms"}, "no answer in time"),
    "a reset": (lambda h2: h2.reset(h2.next_call(), h2_wire.INTERNAL_ERROR) or h2.wait(lambda: False), {}, "INTERNAL_ERROR"),
    "a refusal": (lambda h2: h2.reset(h2.next_call(), h2_wire.REFUSED_STREAM) or h2.wait(lambda: False), {}, "it refused"),
    "an end": (lambda h2: h2.next_call() and None, {}, "it closed the connection instead of answering"),
    "goodbye": (lambda h2: h2.say_goodbye(0) or h2.wait(lambda: False), {}, "it refused"),
    "no status": (lambda h2: h2.send(h2_wire.frame(h2_wire.HEADERS, 5, h2.next_call().stream,
                                                   h2.encoder.encode([("a", "b")]))) or h2.wait(lambda: False), {}, "is down for"),
}


@pytest.mark.parametrize("script, health", GOOD.values(), ids=GOOD)
def test_a_path_is_asked_for(server, h2_origins, script, health):
    origin = h2_origins(script)
    vif = server(config=forwarding(origin, health={"path": "/healthz", "interval": "50ms", **health}, host="app.internal"))
    wire.wait_until(lambda: len(origin.requests) >= 3, "the checks")
    call = origin.requests[0]
    assert [call[name] for name in (":method", ":scheme", ":authority", ":path")] == ["GET", "http", "app.internal", "/healthz"]
    assert "health check" in call["user-agent"]
    assert "is down" not in vif.stderr()


@pytest.mark.parametrize("script, health, fault", BAD.values(), ids=BAD)
def test_what_is_wrong_is_told(server, h2_origins, script, health, fault):
    origin = h2_origins(script)
    vif = server(config=forwarding(origin, health={"path": "/healthz", "interval": "50ms", **health}))
    wire.wait_until(lambda: "is down for /" in vif.stderr(), "the check")
    assert fault in vif.stderr()


def test_one_that_does_not_speak_http_2_is_down(server, origins):
    origin = origins(lambda peer: peer.take_line() is not None and peer.send("HTTP/1.1 400 Bad Request\r\n\r\n") and False)
    config = forwarding(origin, health={"path": "/healthz", "interval": "50ms"})
    config["sites"][0]["routes"]["/"]["proxy"]["to"] = as_h2c(origin)
    vif = server(config=config)
    wire.wait_until(lambda: "is down for /: it does not speak HTTP/2" in vif.stderr(), "the check")


def test_one_that_comes_back_is_up(server, h2_origins):
    state = ["503"]

    def script(h2):
        while call := h2.next_call():
            h2.answer(call, b"x", status=state[0])

    vif = server(config=forwarding(h2_origins(script), health={"path": "/healthz", "interval": "50ms", "rise": 1}))
    wire.wait_until(lambda: "is down for /" in vif.stderr(), "the check")
    state[0] = "200"
    wire.wait_until(lambda: "is up for /" in vif.stderr(), "the check")


@pytest.mark.skipif(not HAS_TLS, reason="vif is built without OpenSSL")
@pytest.mark.parametrize("protocol, chooses, version", [("h2", ["h2"], "2"), ("auto", ["h2"], "2"), ("auto", ["http/1.1"], "1")])
def test_a_path_is_asked_for_over_tls(server, tmp_path_factory, protocol, chooses, version):
    authority = pki.Authority(tmp_path_factory.mktemp("pki") / "ca")
    authority.folder.chmod(0o755)
    context, asked = serving(*authority.issue("healthy", ["127.0.0.1"])), []
    context.set_alpn_protocols(chooses)

    def script(h2):
        while call := h2.next_call():
            asked.append("2")
            assert call[":scheme"] == "https"
            h2.answer(call, b"x")

    def otherwise(peer):
        asked.append("1")
        return peer.read_request() is not None and peer.answer("x") and False

    origin = H2Origin(script, tls=context, otherwise=otherwise)
    vif = server(config=forwarding(origin, protocol=protocol, tls=str(authority.certificate),
                                   health={"path": "/healthz", "interval": "50ms"}))
    wire.wait_until(lambda: len(asked) >= 3, "the checks")
    assert set(asked) == {version} and "is down" not in vif.stderr()
    origin.stop()
