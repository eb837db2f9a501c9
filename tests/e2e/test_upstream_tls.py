"""TLS to the servers behind vif: who they are is verified, what breaks is told, and all that is forwarded goes through it."""
import contextlib
import json
import os
import signal
import socket
import ssl
import threading

import pytest

import pki
import vif as vif_process
import wire
from name_server import NameServer
from origin import Silent, echo
from proxies import forwarding, log_lines, origins  # noqa: F401
from test_tunnels import HANDSHAKE, echoing, granting

if "OpenSSL" not in vif_process.run("version").stdout:
    pytest.skip("vif is built without OpenSSL", allow_module_level=True)

MIB = 1 << 20


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("origin-pki")
    folder.chmod(0o755)
    made = pki.Authority(folder / "ca")
    made.folder.chmod(0o755)
    return made


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory):
    return pki.Authority(tmp_path_factory.mktemp("other-pki"), "Other Authority")


def serving(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.fixture
def proxy(server, origins, authority):
    """proxy(script, **options): a vif before an origin with TLS, and the origin. `hosts`: of its certificate."""

    def make(script=echo, hosts=("127.0.0.1",), tls=None, context=None, days=90, **options):
        if context is None:
            context = serving(*authority.issue(f"origin-{authority.count}", hosts, days=days))
        origin = origins(script, tls=context)
        tls = {"ca": str(authority.certificate), **(tls or {})}
        return server(config=forwarding(origin, tls=tls, **options)), origin

    return make


def refused(vif, status=502):
    """The cause of a request that failed, and what the error log says."""
    assert vif.get("/").status == status
    cause = log_lines(vif, 1)[0]["upstream_cause"]
    return cause, next(line for line in vif.stderr().splitlines() if cause in line)


# ---- what is forwarded ----

def test_a_request_goes_by_tls(proxy):
    vif, origin = proxy()
    assert vif.get("/path?query").body.startswith(b"GET /path?query HTTP/1.1")
    assert origin.handshakes == ["full"]
    assert log_lines(vif, 1)[0]["upstream"] == origin.url


def test_a_connection_is_kept(proxy):
    vif, origin = proxy()
    with vif.connect() as client:
        for _ in range(5):
            assert client.exchange("GET", "/").status == 200
    assert (origin.connection_count, origin.handshakes) == (1, ["full"])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_new_connection_resumes_the_session(proxy, authority, version):
    context = serving(*authority.issue(f"resumed-{version}", ["127.0.0.1"]))
    context.minimum_version = context.maximum_version = version
    vif, origin = proxy(lambda peer: peer.read_request() and peer.answer("x", "Connection: close") and False,
                        context=context)
    for _ in range(3):
        assert vif.get("/").body == b"x"
    assert origin.handshakes == ["full", "resumed", "resumed"]


def test_much_content_passes_both_ways(proxy):
    def script(peer):
        request = peer.read_request()
        return request is not None and peer.answer(request.body)

    vif, _ = proxy(script)
    body = os.urandom(MIB // 2)
    for _ in range(4):
        assert vif.exchange("POST", "/", body=body).body == body


def test_a_long_answer_waits_for_its_client(proxy):
    body = os.urandom(MIB) * 8
    vif, _ = proxy(lambda peer: peer.read_request() and peer.answer(body))
    client = vif.connect(receive_buffer=4096)
    client.send(wire.request_bytes("GET", "/"))
    assert client.read_response().body == body


def test_a_websocket_goes_through(proxy):
    vif, _ = proxy(granting(echoing))
    client = vif.connect()
    client.send(wire.request_bytes("GET", "/chat", HANDSHAKE))
    assert client.read_head().status == 101
    data = os.urandom(MIB)
    assert client.send_and_take(data) == data


def test_a_stale_connection_is_not_noticed(proxy):
    """The server closes a kept connection at the moment of the next request."""
    def script(peer):
        if peer.read_request() is None:
            return False
        if peer.number == 0 and peer.seen:
            return False
        peer.seen.append(True)
        return peer.answer("x")

    vif, origin = proxy(script)
    with vif.connect() as client:
        for _ in range(2):
            assert client.exchange("GET", "/").body == b"x"
    assert origin.connection_count == 2


# ---- who the server is ----

def test_the_name_is_sent_and_verified(proxy, authority):
    """`tls.name` counts in place of the URL's host."""
    names = []
    context = serving(*authority.issue("named", ["app.internal"]))
    context.sni_callback = lambda peer, name, of: names.append(name)
    vif, _ = proxy(context=context, tls={"name": "app.internal"})
    assert vif.get("/").status == 200
    assert names == ["app.internal"]


def test_the_host_of_the_url_is_the_name(server, origins, authority):
    names = []
    context = serving(*authority.issue("localhost", ["localhost"]))
    context.sni_callback = lambda peer, name, of: names.append(name)
    origin = origins(tls=context)
    vif = server(config={"sites": [{"routes": {"/": {"proxy": {
        "to": f"https://localhost:{origin.address[1]}", "tls": str(authority.certificate)}}}}]})
    assert vif.get("/").status == 200
    assert names == ["localhost"]


@pytest.mark.skipif("c-ares" not in vif_process.run("version").stdout, reason="built without c-ares")
def test_the_domain_of_a_service_is_the_name(server, origins, authority):
    """Neither the name of its records, which no certificate has, nor that of a target, which is a name server's word."""
    names = []
    context = serving(*authority.issue("service", ["app.test"]))
    context.sni_callback = lambda peer, name, of: names.append(name)
    origin = origins(tls=context)
    name_server = NameServer({"host.test": ["127.0.0.1"],
                              "_https._tcp.app.test": [(1, 1, origin.address[1], "host.test")]})
    vif = server(config={"name_servers": [name_server.address], "sites": [{"routes": {"/": {"proxy": {
        "to": "https://_https._tcp.app.test", "tls": str(authority.certificate)}}}}]})
    assert vif.get("/").status == 200
    assert names == ["app.test"]
    name_server.stop()


@pytest.mark.parametrize("hosts", [["127.0.0.2"], ["app.internal"], ["*.0.0.1"], []])
def test_a_certificate_for_another_name_is_refused(proxy, hosts):
    vif, origin = proxy(hosts=hosts)
    cause, line = refused(vif)
    assert cause == "certificate_refused" and "its certificate is for another name" in line
    assert not origin.requests


def test_a_wildcard_is_one_label(proxy):
    vif, _ = proxy(hosts=["*.internal"], tls={"name": "a.b.internal"})
    assert refused(vif)[0] == "certificate_refused"


def test_the_common_name_does_not_count(proxy, authority):
    certificate, key = authority.issue("only-common-name", [])
    vif, _ = proxy(context=serving(certificate, key), tls={"name": "only-common-name"})
    assert refused(vif)[0] == "certificate_refused"


def test_an_expired_certificate_is_refused(proxy):
    vif, _ = proxy(days=-1)
    cause, line = refused(vif)
    assert cause == "certificate_refused" and "has expired" in line


def test_an_unknown_issuer_is_refused(proxy, other_authority):
    vif, _ = proxy(context=serving(*other_authority.issue("strange", ["127.0.0.1"])))
    cause, line = refused(vif)
    assert cause == "certificate_refused" and "the issuer of its certificate is not trusted" in line


def test_a_certificate_for_clients_is_refused(proxy, authority):
    vif, _ = proxy(context=serving(*authority.issue("client-only", ["127.0.0.1"], usage="clientAuth")))
    assert "its certificate is not for servers" in refused(vif)[1]


def test_a_certificate_can_be_trusted_itself(proxy, other_authority):
    certificate, key = other_authority.issue("pinned", ["127.0.0.1"])
    certificate.parent.chmod(0o755)
    vif, _ = proxy(context=serving(certificate, key), tls={"ca": str(certificate)})
    assert vif.get("/").status == 200


def test_the_system_is_trusted_without_an_authority(server, origins, authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    origin = origins(tls=serving(*authority.issue("system", ["127.0.0.1"])))
    vif = server(config=forwarding(origin))
    assert vif.get("/").status == 200


def test_the_system_does_not_trust_strangers(server, origins, authority, other_authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(other_authority.certificate))
    vif = server(config=forwarding(origins(tls=serving(*authority.issue("stranger", ["127.0.0.1"])))))
    assert refused(vif)[0] == "certificate_refused"


def test_verification_can_be_turned_off_with_a_warning(proxy, other_authority):
    context = serving(*other_authority.issue("unverified", ["other.name"]))
    vif, _ = proxy(context=context, tls={"ca": False, "verify": False})
    assert vif.get("/").status == 200
    assert "proxy.tls.verify: the servers' certificates are not verified" in vif.stderr()


def test_routes_that_trust_differently_share_no_connection(server, origins, authority):
    """A route that verifies does not use the connection of one that does not."""
    origin = origins(tls=serving(*authority.issue("shared", ["other.name"])))
    vif = server(config={"sites": [{"routes": {
        "/any": {"proxy": {"to": origin.url, "tls": {"verify": False}}},
        "/": {"proxy": {"to": origin.url, "tls": {"ca": str(authority.certificate)}}}}}]})
    assert [vif.get(path).status for path in ("/any", "/", "/any")] == [200, 502, 200]


# ---- certificates of clients ----

def demanding(context, authority):
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.certificate)
    return context


@pytest.mark.parametrize("kind", ["ec", "rsa:3072"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_is_shown(proxy, authority, version, kind):
    """With a long key the signature is made in another thread."""
    certificate, key = authority.issue(f"vif-{kind.replace(':', '-')}-{version}", [], kind=kind, usage="clientAuth")
    key.chmod(0o644)
    context = demanding(serving(*authority.issue("demanding", ["127.0.0.1"])), authority)
    context.minimum_version = context.maximum_version = version
    subjects = []

    def script(peer):
        request = peer.read_request()
        if request is None:
            return False
        subjects.append(dict(pair[0] for pair in peer.socket.getpeercert()["subject"])["commonName"])
        return peer.answer(request.body)

    vif, _ = proxy(script, context=context, tls={"certificate": str(certificate), "key": str(key)})
    assert vif.exchange("POST", "/", body=b"x" * 1000).status == 200
    assert subjects[0] == certificate.stem


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_wants_one_is_told_about(proxy, authority, version):
    context = demanding(serving(*authority.issue("demanding", ["127.0.0.1"])), authority)
    context.minimum_version = context.maximum_version = version
    vif, _ = proxy(context=context)
    cause, line = refused(vif)
    assert cause == "tls_failed" and "the server" in line


def test_a_certificate_that_does_not_count_is_not_blamed(proxy, authority, other_authority):
    context = demanding(serving(*other_authority.issue("not-blamed", ["other.name"])), authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    vif, _ = proxy(context=context, tls={"ca": False, "verify": False})
    assert refused(vif)[0] == "tls_failed"


# ---- what goes wrong ----

def test_a_server_without_tls_is_told_about(server, origins, authority):
    origin = origins(lambda peer: peer.socket.recv(1) and peer.send("HTTP/1.1 400 Bad Request\r\n\r\n") and False)
    url = origin.url.replace("http://", "https://")
    vif = server(config={"sites": [{"routes": {"/": {"proxy": {"to": url, "tls": str(authority.certificate)}}}}],
                         "log": {"access": {"path": "-", "format": "json"}}})
    cause, line = refused(vif)
    assert cause == "tls_failed" and "what came is not TLS" in line


def test_a_handshake_has_the_time_of_a_connection(server, origins, authority):
    over = threading.Event()
    origin = origins(lambda peer: over.wait(wire.TIME_LIMIT) and False)
    url = origin.url.replace("http://", "https://")
    vif = server(config={"sites": [{"routes": {"/": {"proxy": {
        "to": url, "connect_timeout": "300ms", "tls": str(authority.certificate)}}}}],
        "log": {"access": {"path": "-", "format": "json"}}})
    cause, line = refused(vif, 504)
    over.set()
    assert cause == "connect_timeout" and "TLS handshake" in line


def test_the_second_address_has_the_time_of_a_connection_too(server, origins, authority):
    """The first one of localhost has taken all of its own."""
    silent = Silent(("127.0.0.1", 0), socket.AF_INET)
    port = silent.listener.getsockname()[1]
    origins(address=("::1", port), family=socket.AF_INET6, tls=serving(*authority.issue("localhost", ["localhost"])))
    vif = server(config={"sites": [{"routes": {"/": {"proxy": {
        "to": f"https://localhost:{port}", "connect_timeout": "240ms", "tls": str(authority.certificate)}}}}]})
    assert vif.get("/").status == 200
    silent.stop()


def leaving(at, how):
    """A script that ends the connection without an answer: at once, in the client's message, or in its own."""
    def script(peer):
        if at != "once":
            peer.socket.recv(1)
        if at == "answer":
            peer.socket.sendall(b"\x16\x03\x03\x00\x7a\x02\x00")  # of a ServerHello
        if how == "resets":
            peer.reset()
        return False
    return script


def secure(origin):
    return origin.url.replace("http://", "https://")


@pytest.mark.parametrize("how", ["closes", "resets"])
@pytest.mark.parametrize("at", ["once", "hello", "answer"])
def test_a_connection_that_ends_in_the_handshake_is_told_about(server, origins, authority, at, how):
    """If it ends at once, the kernel may know before the first message is sent, or before vif knows of the connection."""
    url = secure(origins(leaving(at, how)))
    vif = server(config={"sites": [{"routes": {"/": {"proxy": {"to": url, "tls": str(authority.certificate)}}}}],
                         "log": {"access": {"path": "-", "format": "json"}}})
    cause = refused(vif)[0]
    assert cause == "tls_failed" or (at == "once" and cause in ("closed", "connect_failed", "reset"))


@pytest.mark.parametrize("at", ["once", "hello", "answer"])
def test_a_request_of_any_method_goes_on_after_a_reset_in_the_handshake(server, origins, authority, at):
    """None of it was sent."""
    good = origins(echo, tls=serving(*authority.issue(f"good-{at}", ["127.0.0.1"])))
    bad = origins(leaving(at, "resets"))
    config = {"sites": [{"routes": {"/": {"proxy": {
        "to": [secure(bad), good.url], "tls": str(authority.certificate), "max_failures": 1000}}}}]}
    vif = server(config=config)
    for _ in range(6):
        assert vif.exchange("POST", "/", body=b"x" * 1000).status == 200
    assert len(good.requests) == 6 and bad.connection_count >= 3


def cut(peer):
    """Ends the connection without the close_notify of TLS."""
    plain = socket.socket(fileno=peer.socket.detach())
    with contextlib.suppress(OSError):
        plain.shutdown(socket.SHUT_WR)
        plain.recv(65536)
    plain.close()


@pytest.mark.parametrize("how", ["whole", "cut"])
def test_the_end_of_an_answer_without_a_length_must_be_said(proxy, how):
    """Anyone on the way can end a connection: without close_notify the answer is cut."""
    def script(peer):
        if peer.read_request() is None:
            return False
        peer.send("HTTP/1.1 200 OK\r\n\r\nhello")
        if how == "cut":
            cut(peer)
        else:
            with contextlib.suppress(OSError):
                peer.socket.unwrap()
        return False

    vif, _ = proxy(script)
    with vif.connect() as client:
        client.send(wire.request_bytes("GET", "/", {"Connection": "close"}))
        head = client.read_head()
        assert head.status == 200
        client.take_at_most(1 << 20)
    line = log_lines(vif, 1)[0]
    assert line.get("upstream_cause") == (None if how == "whole" else "cut")
    assert line["outcome"] == ("complete" if how == "whole" else "upstream_failed")


def test_an_answer_with_a_length_needs_no_end(proxy):
    def script(peer):
        if peer.read_request():
            peer.answer("hello")
            cut(peer)
        return False

    vif, _ = proxy(script)
    assert [vif.get("/").body for _ in range(3)] == [b"hello"] * 3


def test_a_tunnel_that_is_cut_is_not_ended(proxy):
    vif, _ = proxy(granting(lambda peer: peer.take(1) and cut(peer)))
    client = vif.connect()
    client.send(wire.request_bytes("GET", "/chat", HANDSHAKE) + b"x")
    assert client.read_head().status == 101
    client.take_at_most(1)
    assert log_lines(vif, 1)[0]["upstream_cause"] == "cut"


def test_another_server_gets_the_request(server, origins, authority, other_authority):
    """Nothing of it was sent to the one whose certificate is refused."""
    good = origins(tls=serving(*authority.issue("good", ["127.0.0.1"])))
    bad = origins(tls=serving(*other_authority.issue("bad", ["127.0.0.1"])))
    vif = server(config=forwarding([bad, good], tls=str(authority.certificate)))
    for _ in range(4):
        assert vif.exchange("POST", "/", body=b"x").status == 200
    assert len(good.requests) == 4 and not bad.requests


# ---- health checks, settings, files ----

@pytest.mark.parametrize("path", [None, "/healthz"])
def test_health_checks_verify_too(server, origins, authority, other_authority, path):
    origin = origins(tls=serving(*other_authority.issue("unhealthy", ["127.0.0.1"])))
    health = {"interval": "50ms", **({"path": path} if path else {})}
    vif = server(config=forwarding(origin, tls=str(authority.certificate), health=health))
    wire.wait_until(lambda: "is down for /: the issuer of its certificate is not trusted" in vif.stderr(), "the check")


@pytest.mark.parametrize("path", [None, "/healthz"])
def test_health_checks_go_by_tls(server, origins, authority, path):
    origin = origins(tls=serving(*authority.issue("healthy", ["127.0.0.1"])))
    health = {"interval": "50ms", **({"path": path} if path else {})}
    vif = server(config=forwarding(origin, tls=str(authority.certificate), health=health))
    wire.wait_until(lambda: len(origin.handshakes) >= 3, "the checks")
    assert "is down" not in vif.stderr() and vif.get("/").status == 200


def change(vif, config):
    """A reload with other settings for the same listener."""
    former = json.loads(vif.config_path.read_text(encoding="utf-8"))
    vif.config_path.write_text(json.dumps({"listen": former["listen"], "workers": former["workers"], **config}),
                               encoding="utf-8")
    vif.process.send_signal(signal.SIGHUP)


def test_a_reload_takes_other_authorities(server, origins, authority, other_authority):
    """And the same ones keep their connections."""
    origin = origins(tls=serving(*authority.issue("reloaded", ["127.0.0.1"])))
    config = forwarding(origin, tls=str(authority.certificate))
    vif = server(config=config)
    assert vif.get("/").status == 200
    other_authority.folder.chmod(0o755)
    config["sites"][0]["routes"]["/new"] = {"respond": "new"}
    change(vif, config)
    wire.wait_until(lambda: vif.get("/new").body == b"new", "the new settings")
    assert vif.get("/").status == 200 and origin.connection_count == 1
    change(vif, forwarding(origin, tls=str(other_authority.certificate)))
    wire.wait_until(lambda: vif.get("/").status == 502, "the other authority")


def test_a_first_server_with_tls_can_come_by_reload(server, origins, authority):
    plain, secure = origins(), origins(tls=serving(*authority.issue("later", ["127.0.0.1"])))
    vif = server(config=forwarding(plain))
    assert vif.get("/").status == 200
    change(vif, forwarding(secure, tls=str(authority.certificate)))
    wire.wait_until(lambda: vif.get("/").status == 200 and secure.requests, "the server with TLS")


def test_an_authority_that_changes_on_disk_is_taken_up(server, origins, authority, other_authority, tmp_path):
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(other_authority.certificate.read_bytes())
    origin = origins(tls=serving(*authority.issue("renewed", ["127.0.0.1"])))
    vif = server(config=forwarding(origin, tls=str(trusted)))
    assert vif.get("/").status == 502
    trusted.write_bytes(authority.certificate.read_bytes())
    wire.wait_until(lambda: vif.get("/").status == 200, "the new authority")
    wire.wait_until(lambda: f"{trusted} changed and was taken up" in vif.stderr(), "the line about it")


# ---- vif check ----

@pytest.mark.any_backend
@pytest.mark.parametrize("tls, where, words", [
    ("{ca: missing.pem}", "6:19", "missing.pem"),
    ("{ca: broken.pem}", "6:14", "broken.pem"),
    ("{certificate: broken.pem, ca: ca.pem}", "6:14", "broken.pem"),
    ("{key: ca.pem, ca: ca.pem}", "6:20", "there is no `certificate` beside it"),
    ("{name: 'a b', ca: ca.pem}", "6:21", "it is not the name of a host"),
    ("{verify: false}", "6:23", "warning"),
], ids=range(6))
def test_what_is_wrong_is_said_where_it_is(tmp_path, authority, tls, where, words):
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    (tmp_path / "ca.pem").write_bytes(authority.certificate.read_bytes())
    path = tmp_path / "vif.yaml"
    path.write_text(f"listen: 8080\nsites:\n- routes:\n    /:\n     proxy: {{to: 'https://localhost',\n        tls: {tls}}}\n")
    done = vif_process.run("check", path)
    assert f"vif.yaml:{where}" in done.stdout + done.stderr and words in done.stdout + done.stderr, done
    assert (done.returncode == 0) == (words == "warning")
