"""HTTP/2 to servers over TLS: what is offered to them (ALPN), what becomes of their choice, and that all that TLS is for
holds for HTTP/2, too."""
import asyncio
import contextlib
import os
import socket
import ssl
import struct
import subprocess
import threading

import pytest

import pki
import vif as vif_process

pytest.importorskip("hpack")
if not all(word in vif_process.run("version").stdout for word in ("nghttp2", "OpenSSL")):
    pytest.skip("vif is built without HTTP/2 or TLS", allow_module_level=True)

import wire
from h2_origin import H2Origin, echo
from origin import echo as echo_h1
from proxies import forwarding, log_lines, origins  # noqa: F401
from test_tunnels import HANDSHAKE, echoing, granting
from test_upstream_h2 import in_threads
from test_upstream_tls import authority, change, demanding, leaving, other_authority, refused, secure, serving  # noqa: F401

pytestmark = pytest.mark.http1
MIB = 1 << 20


@pytest.fixture
def context(authority):
    """context(*protocols): of a server that chooses one of these; of none: that takes no notice of ALPN."""
    def make(*protocols, hosts=("127.0.0.1",)):
        made = serving(*authority.issue(f"alpn-{authority.count}", hosts))
        if protocols:
            made.set_alpn_protocols(protocols)
        return made
    return make


@pytest.fixture
def proxy(server, authority, context):
    """proxy(protocol, script, chooses=..., **options): a vif in front of an origin with TLS, and the origin."""
    made = []

    def make(protocol, script=echo, chooses=("h2", "http/1.1"), otherwise=echo_h1, tls=None, settings=None, **options):
        origin = H2Origin(script, tls=chooses if isinstance(chooses, ssl.SSLContext) else context(*chooses),
                          otherwise=otherwise, **(settings or {}))
        made.append(origin)
        top = {name: options.pop(name) for name in ("limits", "timeouts") if name in options}
        tls = {"ca": str(authority.certificate), **(tls or {})}
        return server(config={**forwarding(origin, protocol=protocol, tls=tls, **options), **top}), origin

    yield make
    for origin in made:
        origin.stop()


def hello_of(server, authority, protocol, **options):
    """The ClientHello that vif sends."""
    seen = []
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    proxy = {"to": url, "tls": str(authority.certificate), **options, **({"protocol": protocol} if protocol else {})}
    vif = server(config={"sites": [{"routes": {"/": {"proxy": proxy}}}]})

    def take():
        connection, _ = listener.accept()
        seen.append(connection.recv(65536))
        connection.close()

    taker = threading.Thread(target=take)
    taker.start()
    vif.get("/", HANDSHAKE if options.get("upgrade") else {})
    taker.join(wire.TIME_LIMIT)
    listener.close()
    return seen[0]


# ---- what is offered ----

@pytest.mark.parametrize("protocol, upgrade, offer", [
    (None, None, b"\x08http/1.1"),
    ("h1", None, b"\x08http/1.1"),
    ("h2", None, b"\x02h2"),
    ("auto", None, b"\x02h2\x08http/1.1"),
    ("auto", ["websocket"], b"\x08http/1.1"),
])
def test_what_is_offered(server, authority, protocol, upgrade, offer):
    options = {"upgrade": upgrade} if upgrade else {}
    hello = hello_of(server, authority, protocol, max_failures=1000, **options)
    assert struct.pack(">HHH", 16, len(offer) + 2, len(offer)) + offer in hello


# ---- HTTP/2 alone ----

def test_a_request_goes_by_http_2_and_tls(proxy):
    vif, origin = proxy("h2")
    response = vif.get("/path?query")
    assert (response.status, response["x-request"]) == (200, "GET /path?query")
    assert origin.requests[0][":scheme"] == "https"
    assert response.values("via") == ["2.0 vif"]
    line = log_lines(vif, 1)[0]
    assert line["upstream"] == origin.url


@pytest.mark.parametrize("protocol", ["h2", "auto"])
def test_requests_share_a_connection(proxy, protocol):
    def script(h2):
        h2.wait(lambda: len(h2.calls) == 20)
        for call in reversed(list(h2.calls.values())):
            h2.answer(call, call[":path"].encode())
        h2.wait(lambda: False)

    vif, origin = proxy(protocol, script)
    assert in_threads(20, lambda i: vif.get(f"/{i}").body) == [b"/%d" % i for i in range(20)]
    assert origin.connection_count == 1


@pytest.mark.parametrize("size", [0, 1, 65536, 3_000_000])
def test_content_both_ways(proxy, size):
    vif, origin = proxy("h2", limits={"body": "10MiB"})
    body = os.urandom(size)
    for _ in range(2):
        assert vif.exchange("POST", "/", body=body).body == body
    assert origin.connection_count == 1


def test_a_slow_client_stalls_only_its_stream(proxy):
    sent = []

    def script(h2):
        slow = h2.next_call()
        h2.head(slow)
        while len(h2.calls) < 2:
            if h2.room(slow.stream) > 0:
                sent.append(h2.room(slow.stream))
                h2.data(slow, bytes(sent[-1]))
            elif h2.step() is None:
                return
        h2.answer(list(h2.calls.values())[1], b"fast")
        h2.wait(lambda: False)

    vif, _ = proxy("h2", script)
    with vif.connect() as connection:
        connection.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        wire.wait_until(lambda: sent, "the window")
        assert vif.get("/fast").body == b"fast"


def test_a_server_that_takes_no_notice_of_alpn(proxy):
    """It speaks HTTP/1.1, which is not what the route says."""
    vif, origin = proxy("h2", chooses=())
    cause, line = refused(vif)
    assert cause == "no_http2"
    assert "it does not choose HTTP/2" in line and "the server chose no protocol (ALPN)" in line and "protocol: auto" in line
    assert not origin.requests


def test_another_server_gets_the_request(server, proxy, context, authority):
    """Nothing of it was sent to the one that chose no HTTP/2."""
    good, bad = (H2Origin(echo, tls=context(*words), otherwise=echo_h1) for words in (["h2"], []))
    vif = server(config=forwarding([bad, good], protocol="h2", tls=str(authority.certificate), max_failures=1000))
    for _ in range(4):
        assert vif.exchange("POST", "/", body=b"x" * 1000).body == b"x" * 1000
    assert len(good.requests) == 4 and not bad.requests and bad.connection_count >= 2
    for one in (good, bad):
        one.stop()


@pytest.mark.parametrize("how", ["closes", "resets"])
@pytest.mark.parametrize("at", ["hello", "answer"])
@pytest.mark.parametrize("protocol", ["h2", "auto"])
def test_a_connection_that_ends_in_the_handshake(server, origins, authority, protocol, at, how):
    url = secure(origins(leaving(at, how)))
    vif = server(config={"sites": [{"routes": {"/": {"proxy": {
        "to": url, "protocol": protocol, "tls": str(authority.certificate)}}}}],
        "log": {"access": {"path": "-", "format": "json"}}})
    assert refused(vif)[0] == "tls_failed"


@pytest.mark.parametrize("protocol", ["h2", "auto"])
def test_a_handshake_has_the_time_of_a_connection(server, origins, authority, protocol):
    over = threading.Event()
    origin = origins(lambda peer: over.wait(wire.TIME_LIMIT) and False)
    vif = server(config={"sites": [{"routes": {"/": {"proxy": {
        "to": secure(origin), "connect_timeout": "300ms", "protocol": protocol, "tls": str(authority.certificate)}}}}],
        "log": {"access": {"path": "-", "format": "json"}}})
    assert refused(vif, 504)[0] == "connect_timeout"
    over.set()


def test_what_goaway_leaves_out_is_sent_again(proxy):
    def script(h2):
        call = h2.next_call()
        h2.answer(call, b"%d" % h2.peer.number)
        if h2.peer.number == 0:
            h2.next_call()
            h2.say_goodbye(call.stream)
        h2.wait(lambda: False)

    vif, origin = proxy("h2", script)
    assert vif.get("/").body == b"0"
    assert vif.exchange("POST", "/", body=b"once").body == b"1"
    assert origin.connection_count == 2


def test_records_that_are_damaged(proxy):
    """The connection breaks for all of its requests."""
    def script(h2):
        h2.next_call()
        raw = socket.socket(fileno=os.dup(h2.socket.fileno()))
        raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        raw.close()
        h2.wait(lambda: False)

    vif, _ = proxy("h2", script)
    assert vif.exchange("POST", "/").status == 502
    assert log_lines(vif, 1)[0]["upstream_cause"] == "tls_failed"


def test_a_server_that_chooses_http_2_and_speaks_http_1(proxy):
    bad_request = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    vif, _ = proxy("h2", lambda h2: h2.wait(lambda: False), settings={"before_settings": lambda peer: peer.send(bad_request)})
    cause, line = refused(vif)
    assert cause == "http2_failed" and "it does not speak HTTP/2" in line


# ---- the server chooses ----

@pytest.mark.parametrize("chooses", [("http/1.1",), ()], ids=["chosen", "by default"])
def test_a_server_of_http_1_is_spoken_to_in_it(proxy, chooses):
    """Requests that wait for the first connection have one each when it turns out what it is, all at the same time."""
    together = threading.Barrier(10, timeout=wire.TIME_LIMIT)

    def script(peer):
        request = peer.read_request()
        if request is None:
            return False
        if request.target == "/":
            together.wait()
        return peer.answer(request.raw)

    vif, origin = proxy("auto", chooses=chooses, otherwise=script)
    answers = in_threads(10, lambda i: vif.exchange("POST", "/", body=b"x").body)
    assert all(answer.startswith(b"POST / HTTP/1.1\r\n") for answer in answers)
    assert origin.connection_count == 10
    assert vif.get("/later").status == 200 and origin.connection_count == 10


def test_one_of_http_2_shares_a_connection(proxy):
    vif, origin = proxy("auto")
    assert [vif.get("/")["x-request"] for _ in range(3)] == ["GET /"] * 3
    assert origin.connection_count == 1


def test_a_server_that_learns_http_2(proxy, context):
    """And one that forgets it again: each connection is what was chosen for it."""
    def two_answers(h2):
        h2.answer(h2.next_call(), b"h2")
        call = h2.next_call()
        h2.say_goodbye(call.stream)
        h2.answer(call, b"h2")
        h2.wait(lambda: False)

    def one_answer(peer):
        return peer.read_request() is not None and peer.answer("h1", "Connection: close") and False

    tls = context("http/1.1")
    vif, origin = proxy("auto", two_answers, chooses=tls, otherwise=one_answer)
    for protocol, connections in (("http/1.1", 2), ("h2", 3), ("http/1.1", 5), ("h2", 6)):
        tls.set_alpn_protocols([protocol])
        assert [vif.get("/").body for _ in range(2)] == [protocol[:2].replace("ht", "h1").encode()] * 2
        assert origin.connection_count == connections


def test_an_upgrade_goes_by_http_1_beside_http_2(proxy):
    vif, origin = proxy("auto", otherwise=granting(echoing))
    assert vif.get("/")["x-request"] == "GET /"
    client = vif.connect()
    client.send(wire.request_bytes("GET", "/chat", HANDSHAKE))
    assert client.read_head().status == 101
    data = os.urandom(MIB)
    assert client.send_and_take(data) == data
    assert vif.get("/")["x-request"] == "GET /"
    assert origin.connection_count == 2


def test_the_request_is_written_for_what_was_chosen(proxy):
    """Chunks and trailers are framed by HTTP/1, although HTTP/2 was more likely when it was written first."""
    def script(peer):
        request = peer.read_request()
        return request is not None and peer.answer(request.body + b"; " + "".join(peer.trailers).encode())

    vif, origin = proxy("auto", chooses=(), otherwise=script)
    with vif.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n")
        assert connection.read_response().body == b"abc; X-Sum: 3"
    assert origin.requests[0]["Transfer-Encoding"] == "chunked"


def test_routes_of_other_protocols_have_connections_of_their_own(server, authority, context):
    origin = H2Origin(echo, tls=context("h2", "http/1.1"), otherwise=echo_h1)
    tls = {"ca": str(authority.certificate)}
    vif = server(config={"sites": [{"routes": {
        "/h1": {"proxy": {"to": origin.url, "tls": tls}},
        "/h2": {"proxy": {"to": origin.url, "tls": tls, "protocol": "h2"}}}}]})
    for _ in range(2):
        assert vif.get("/h1").body.startswith(b"GET /h1 HTTP/1.1")
        assert vif.get("/h2")["x-request"] == "GET /h2"
    assert origin.connection_count == 2
    origin.stop()


def test_a_reload_takes_another_protocol(proxy, authority):
    vif, origin = proxy("h1")
    assert vif.get("/").body.startswith(b"GET / HTTP/1.1")
    change(vif, forwarding(origin, protocol="h2", tls=str(authority.certificate)))
    wire.wait_until(lambda: vif.get("/").values("x-request") == ["GET /"], "HTTP/2")


# ---- HTTP/2 without TLS by the option ----

def test_http_with_h2_is_h2c(server):
    origin = H2Origin(echo)
    config = forwarding(origin, protocol="h2")
    config["sites"][0]["routes"]["/"]["proxy"]["to"] = origin.url.replace("h2c:", "http:")
    vif = server(config=config)
    assert vif.get("/")["x-request"] == "GET /"
    assert origin.requests[0][":scheme"] == "http"
    origin.stop()


# ---- what TLS is for ----

def test_the_name_is_sent_and_verified(proxy, context):
    names = []
    tls = context("h2", hosts=["app.internal"])
    tls.sni_callback = lambda peer, name, of: names.append(name)
    vif, _ = proxy("h2", chooses=tls, tls={"name": "app.internal"})
    assert vif.get("/").status == 200
    assert names == ["app.internal"]


@pytest.mark.parametrize("protocol", ["h2", "auto"])
def test_a_certificate_for_another_name_is_refused(proxy, context, protocol):
    vif, origin = proxy(protocol, chooses=context("h2", hosts=["127.0.0.2"]))
    assert refused(vif)[0] == "certificate_refused"
    assert not origin.requests


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_is_shown(proxy, context, authority, version):
    certificate, key = authority.issue(f"vif-h2-{version}", [], usage="clientAuth")
    key.chmod(0o644)
    tls = demanding(context("h2"), authority)
    tls.minimum_version = tls.maximum_version = version
    subjects = []

    def script(h2):
        subjects.append(dict(pair[0] for pair in h2.socket.getpeercert()["subject"])["commonName"])
        echo(h2)

    vif, _ = proxy("h2", script, chooses=tls, tls={"certificate": str(certificate), "key": str(key)})
    assert vif.exchange("POST", "/", body=b"x" * 1000).status == 200
    assert subjects == [certificate.stem]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_new_connection_resumes_the_session(proxy, context, version):
    tls = context("h2")
    tls.minimum_version = tls.maximum_version = version

    def script(h2):
        call = h2.next_call()
        h2.say_goodbye(call.stream)
        h2.answer(call, b"x")
        h2.wait(lambda: False)

    vif, origin = proxy("h2", script, chooses=tls)
    for _ in range(3):
        assert vif.get("/").body == b"x"
    assert origin.handshakes == ["full", "resumed", "resumed"]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("protocol", ["h2", "auto"])
def test_the_proxy_protocol_comes_before_tls(server, origins, context, authority, protocol, version):
    """Another vif understands it, and each request has a connection of its own."""
    certificate, key = authority.issue("behind-header", ["127.0.0.1"])
    key.chmod(0o644)
    origin, port = origins(), vif_process.free_port()
    server(port=port, config={
        **forwarding(origin), "trusted_proxies": ["127.0.0.1"],
        "listen": [{"address": f"127.0.0.1:{port}", "proxy_protocol": True,
                    "tls": {"certificate": str(certificate), "key": str(key)}}]})
    outer = server(config={"trusted_proxies": ["127.0.0.1"], "sites": [{"routes": {"/": {"proxy": {
        "to": f"https://127.0.0.1:{port}", "protocol": protocol, "proxy_protocol": version,
        "tls": str(authority.certificate)}}}}]})
    for i in range(3):
        assert outer.get("/", {"X-Forwarded-For": f"192.0.2.{i}"}).status == 200
        assert origin.requests[-1]["X-Forwarded-For"].split(", ")[0] == f"192.0.2.{i}"
        assert origin.requests[-1].values("Via") == ["1.1 vif", "2.0 vif"]


@pytest.mark.parametrize("protocol", ["h2", "auto"])
def test_health_checks_make_a_handshake(server, context, authority, protocol):
    origin = H2Origin(echo, tls=context("h2", "http/1.1"), otherwise=echo_h1)
    vif = server(config=forwarding(origin, protocol=protocol, tls=str(authority.certificate), health={"interval": "50ms"}))
    wire.wait_until(lambda: len(origin.handshakes) >= 3, "the checks")
    assert "is down" not in vif.stderr() and vif.get("/")["x-request"] == "GET /"
    origin.stop()


def test_health_checks_say_what_is_missing(server, context, authority):
    origin = H2Origin(echo, tls=context(), otherwise=echo_h1)
    vif = server(config=forwarding(origin, protocol="h2", tls=str(authority.certificate), health={"interval": "50ms"}))
    wire.wait_until(lambda: "is down for /: the server chose no protocol (ALPN)" in vif.stderr(), "the check")
    origin.stop()


# ---- real servers ----

class LibraryServer:
    """python3-h2 over TLS in a thread: answers with the content that it got. `streams`: requests at once on a connection."""

    def __init__(self, tls, streams):
        self.h2 = pytest.importorskip("h2.connection")
        self.events = pytest.importorskip("h2.events")
        self.tls = tls
        self.settings = {pytest.importorskip("h2.settings").SettingCodes.MAX_CONCURRENT_STREAMS: streams}
        self.connections = 0
        self.loop = asyncio.new_event_loop()
        self.listening = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        assert self.listening.wait(wire.TIME_LIMIT)

    def run(self):
        asyncio.set_event_loop(self.loop)
        listener = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self.tls))
        self.url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        self.listening.set()
        self.loop.run_forever()

    async def serve(self, reader, writer):
        self.connections += 1
        connection = self.h2.H2Connection(self.h2.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        connection.update_settings(self.settings)
        writer.write(connection.data_to_send())
        bodies, answers = {}, {}
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                for event in connection.receive_data(data):
                    if isinstance(event, self.events.RequestReceived):
                        bodies[event.stream_id] = b""
                    if isinstance(event, self.events.DataReceived):
                        bodies[event.stream_id] += event.data
                        connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    if isinstance(event, self.events.StreamEnded):
                        connection.send_headers(event.stream_id, [(":status", "200")])
                        answers[event.stream_id] = bodies.pop(event.stream_id)
                self.send_answers(connection, answers)
                writer.write(connection.data_to_send())
            writer.close()

    @staticmethod
    def send_answers(connection, answers):
        """As far as the windows allow."""
        for stream in list(answers):
            while answers.get(stream) is not None:
                room = min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size)
                piece, rest = answers[stream][:room], answers[stream][room:]
                if room == 0 and answers[stream]:
                    break
                connection.send_data(stream, piece, end_stream=not rest)
                answers[stream] = rest or None
            if answers[stream] is None:
                del answers[stream]

    async def cancel(self):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self):
        asyncio.run_coroutine_threadsafe(self.cancel(), self.loop).result(wire.TIME_LIMIT)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(wire.TIME_LIMIT)


@pytest.mark.parametrize("streams", [100, 3], ids=["one connection", "many"])
@pytest.mark.parametrize("protocol", ["h2", "auto"])
def test_python_h2(server, context, authority, protocol, streams):
    origin = LibraryServer(context("h2"), streams)
    vif = server(config={"limits": {"body": "10MiB"}, "sites": [{"routes": {"/": {"proxy": {
        "to": origin.url, "protocol": protocol, "tls": str(authority.certificate)}}}}]})
    bodies = [os.urandom(size) for size in (1, 1000, 100_000, 1_000_000)]
    for body in bodies:
        assert vif.exchange("PUT", "/", body=body).body == body
    assert in_threads(20, lambda i: vif.exchange("PUT", "/", body=bodies[i % 3]).body == bodies[i % 3]) == [True] * 20
    assert origin.connections == 1 if streams == 100 else 1 < origin.connections <= 20
    origin.stop()


@contextlib.contextmanager
def nginx(folder, certificate, key, listen):
    """An nginx that serves `folder` on a port, which `listen` is options of."""
    port = vif_process.free_port()
    (folder / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{ access_log {folder}/access.log; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port} {listen}; root {folder}; ssl_certificate {certificate}; ssl_certificate_key {key}; }} }}
""", encoding="utf-8")
    process = subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wire.wait_until(lambda: can_connect(port), "nginx")
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(wire.TIME_LIMIT)


def can_connect(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@pytest.fixture
def nginx_url(tmp_path, authority):
    """nginx_url(options of listen): of an nginx that has a file of a megabyte."""
    if subprocess.run(["sh", "-c", "command -v nginx"], capture_output=True, check=False).returncode != 0:
        pytest.skip("nginx is not there")
    folder = tmp_path / "nginx"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "file").write_bytes(bytes(range(256)) * 4096)
    with contextlib.ExitStack() as stack:
        yield lambda listen: stack.enter_context(nginx(folder, *authority.issue("nginx", ["127.0.0.1"]), listen))


@pytest.mark.parametrize("protocol", ["h2", "auto"])
def test_nginx(server, authority, nginx_url, tmp_path, protocol):
    vif = server(config={"sites": [{"routes": {"/": {"proxy": {
        "to": nginx_url("ssl http2"), "protocol": protocol, "tls": str(authority.certificate)}}}}]})
    assert in_threads(16, lambda i: vif.get("/file").body == bytes(range(256)) * 4096) == [True] * 16
    log = (tmp_path / "nginx" / "access.log").read_text(encoding="utf-8")
    assert log.count('"GET /file HTTP/2.0" 200') == 16


def test_nginx_without_http_2(server, authority, nginx_url, tmp_path):
    """It refuses the handshake by an alert. A route that lets it choose gets HTTP/1.1."""
    url, tls = nginx_url("ssl"), str(authority.certificate)
    vif = server(config={"log": {"access": {"path": "-", "format": "json"}}, "sites": [{"routes": {
        "/": {"proxy": {"to": url, "protocol": "h2", "tls": tls}},
        "/file": {"proxy": {"to": url, "protocol": "auto", "tls": tls}}}}]})
    cause, line = refused(vif)
    assert cause == "no_http2" and "the server speaks no protocol that it was offered (ALPN)" in line
    assert vif.get("/file").status == 200
    assert '"GET /file HTTP/1.1" 200' in (tmp_path / "nginx" / "access.log").read_text(encoding="utf-8")


# ---- vif check ----

@pytest.mark.any_backend
@pytest.mark.parametrize("proxy, where, words", [
    ("{to: 'https://a', protocol: h3}", "4:44", "expected h1, h2 or auto"),
    ("{to: 'h2c://a', protocol: h1}", "4:42", 'proxy.protocol: "h2c://a" is HTTP/2 by its scheme; write http://'),
    ("{to: 3000, protocol: auto}", "4:37", "without TLS none can choose (ALPN); write h2"),
    ("{to: ['https://a', 'http://b'], protocol: auto}", "4:58", 'warning: proxy.protocol: "http://b" gets HTTP/1.1'),
    ("{to: 'https://a', protocol: h2, upgrade: websocket}", "4:57", "warning: proxy.upgrade: it has no effect"),
], ids=range(5))
def test_what_contradicts_itself_is_said(tmp_path, proxy, where, words):
    path = tmp_path / "vif.yaml"
    path.write_text(f"listen: 8080\nsites:\n- routes:\n    /: {{proxy: {proxy}}}\n")
    done = vif_process.run("check", path)
    assert f"vif.yaml:{where}" in done.stdout + done.stderr and words in done.stdout + done.stderr, done
    assert (done.returncode == 0) == words.startswith("warning")


@pytest.mark.any_backend
@pytest.mark.parametrize("proxy", ["{to: 'https://a', protocol: h2}", "{to: 'http://a', protocol: h2}",
                                   "{to: ['https://a', 'h2c://b'], protocol: auto}", "{to: 'http://a', protocol: h1}"])
def test_what_does_not_is_accepted(tmp_path, proxy):
    path = tmp_path / "vif.yaml"
    path.write_text(f"listen: 8080\nsites:\n- routes:\n    /: {{proxy: {proxy}}}\n")
    done = vif_process.run("check", path)
    assert done.returncode == 0 and "warning" not in done.stdout + done.stderr, done
