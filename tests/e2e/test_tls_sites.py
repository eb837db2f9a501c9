"""HTTPS by sites and listeners: who gets which certificate, what is asked of clients, what is sent elsewhere."""
import email.utils
import json
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

import wire
from pki import Authority, openssl
from proxies import origins  # noqa: F401, a fixture
from tls_client import TlsClient, context_for, get, refusal
from vif import REPOSITORY, free_port, run, workers_of

pytestmark = [
    pytest.mark.skipif("built without TLS" in run("cert", "--ca", "/nowhere").stderr, reason="built without TLS"),
    pytest.mark.any_backend,
]

TEXT = {"/": {"respond": "text"}}
TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(scope="module", name="authority")
def fixture_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module", name="clients")
def fixture_clients(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("clients"), "Client Authority")


def tls(pair, **more):
    return {"certificate": str(pair[0]), "key": str(pair[1]), **more}


def says(text):
    return {"/": {"respond": text}}


def secure(port, **more):
    return {"address": f"127.0.0.1:{port}", "tls": more or True}


def serve(server, port, sites, listen=None, **more):
    return server(config={"listen": listen or [secure(port)], "sites": sites, **more}, port=port)


@pytest.fixture(scope="module", name="names")
def fixture_names(module_server, authority):
    port = free_port()
    a = authority.issue("a", ["a.example", "www.a.example"])
    wild = authority.issue("wild", ["*.wild.example"])
    sites = [
        {"hosts": ["a.example", "www.a.example"], "tls": tls(a), "routes": says("a")},
        {"hosts": ["*.wild.example"], "tls": tls(wild), "routes": says("wild")},
    ]
    serve(module_server, port, sites)
    return port


@pytest.mark.parametrize(("name", "certificate"), [
    ("a.example", "a"), ("WWW.A.Example", "a"), ("a.example.", "a"),
    ("x.wild.example", "wild"), ("X.WILD.example.", "wild"),
])
def test_the_name_chooses_the_certificate(names, authority, name, certificate):
    with TlsClient(names, context_for(authority), name) as client:
        assert client.subject() == certificate
        assert client.get(host=name)[2] == certificate.encode()


@pytest.mark.parametrize("name", ["b.example", "wild.example", "x.y.wild.example", None])
def test_an_unknown_name_is_told_so(names, authority, name):
    assert "UNRECOGNIZED_NAME" in refusal(names, context_for(authority), name).upper()


def test_the_site_for_all_has_the_default_certificate(server, authority):
    port = free_port()
    sites = [
        {"hosts": ["a.example"], "tls": tls(authority.issue("first", ["a.example"])), "routes": says("a")},
        {"tls": tls(authority.issue("all", ["127.0.0.1"])), "routes": says("all")},
    ]
    serve(server, port, sites)
    for name, text in (("a.example", b"a"), (None, b"all"), ("other.example", b"all")):
        assert get(port, context_for(authority), name)[2] == text


def test_the_certificate_of_the_listener_is_for_sites_without(server, authority):
    port = free_port()
    own = authority.issue("own", ["a.example"])
    common = authority.issue("common", ["b.example", "*.c.example"])
    sites = [
        {"hosts": ["a.example"], "tls": tls(own), "routes": says("a")},
        {"hosts": ["b.example", "*.c.example"], "routes": says("b")},
    ]
    serve(server, port, sites, [secure(port, **tls(common))])
    for name, subject in (("a.example", "own"), ("b.example", "common"), ("x.c.example", "common"), (None, "common")):
        with TlsClient(port, context_for(authority), name) as client:
            assert client.subject() == subject


def test_a_client_gets_the_kind_of_key_that_it_can_use(server, authority):
    port = free_port()
    pairs = [tls(authority.issue(f"both-{kind}", ["a.example"], kind)) for kind in ("ec", "rsa")]
    serve(server, port, [{"tls": pairs, "routes": TEXT}])
    for signature, kind in (("ECDSA+SHA256:RSA-PSS+SHA256", b"id-ecPublicKey"), ("RSA-PSS+SHA256", b"rsaEncryption")):
        said = openssl("s_client", "-connect", f"127.0.0.1:{port}", "-servername", "a.example", "-sigalgs", signature,
                       text=b"")
        assert kind in openssl("x509", "-noout", "-text", text=said)


@pytest.mark.parametrize("policy", ["intermediate", "modern"])
def test_a_policy_says_which_versions(server, authority, policy):
    port = free_port()
    pair = authority.issue(f"policy-{policy}", ["a.example"])
    serve(server, port, [{"tls": tls(pair, policy=policy), "routes": TEXT}])
    assert get(port, context_for(authority, TLS_1_3), "a.example")[0] == 200
    if policy == "modern":
        assert "PROTOCOL_VERSION" in refusal(port, context_for(authority, TLS_1_2), "a.example").upper()
    else:
        assert get(port, context_for(authority, TLS_1_2), "a.example")[0] == 200


def test_no_shared_cipher_and_no_old_version(server, authority):
    port = free_port()
    pair = authority.issue("ciphers", ["a.example"])
    serve(server, port, [{"tls": tls(pair, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"), "routes": TEXT}])
    context = context_for(authority, TLS_1_2)
    context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    assert "HANDSHAKE_FAILURE" in refusal(port, context, "a.example").upper()
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    assert get(port, context, "a.example")[0] == 200
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_1", "-cipher", "ALL@SECLEVEL=0"]
    said = subprocess.run(command, input=b"", capture_output=True, timeout=30, check=False)
    assert b"alert protocol version" in said.stderr


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_a_required_certificate(server, authority, clients, version):
    port = free_port()
    pair = authority.issue(f"required-{version.name}", ["a.example"])
    ada = clients.issue(f"ada-{version.name}", usage="clientAuth")
    eve = authority.issue(f"eve-{version.name}", usage="clientAuth")
    demand = {"client": "required", "client_ca": str(clients.certificate)}
    serve(server, port, [{"tls": tls(pair, **demand), "routes": TEXT}])
    assert get(port, context_for(authority, version, ada), "a.example")[0] == 200
    assert "ALERT" in refusal(port, context_for(authority, version), "a.example").upper()
    assert "ALERT" in refusal(port, context_for(authority, version, eve), "a.example").upper()


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_a_revoked_certificate_is_refused(server, authority, clients, version):
    port = free_port()
    pair = authority.issue(f"revoking-{version.name}", ["a.example"])
    ada = clients.issue(f"ada-kept-{version.name}", usage="clientAuth")
    eve = clients.issue(f"eve-revoked-{version.name}", usage="clientAuth")
    revoked = clients.revoke()
    demand = {"client": "required", "client_ca": str(clients.certificate), "client_crl": str(revoked)}
    site = serve(server, port, [{"tls": tls(pair, **demand), "routes": TEXT}])
    context = context_for(authority, version, eve)
    with TlsClient(port, context, "a.example") as client:
        assert client.get()[0] == 200
        session = client.socket.session
    clients.revoke(eve[0].stem)
    wire.wait_until(lambda: "changed and was taken up" in site.stderr(), "the list to be read again")
    assert "ALERT CERTIFICATE REVOKED" in refusal(port, context, "a.example").upper()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        get(port, context, "a.example", session=session) # what was resumed is looked at again
    assert get(port, context_for(authority, version, ada), "a.example")[0] == 200


def times_of_threads(process):
    """Nanoseconds of processor time: of the thread that has the event loop, and of all others."""
    own, others = 0, 0
    for task in Path(f"/proc/{process}/task").iterdir():
        spent = int((task / "schedstat").read_text().split()[0])
        own, others = (own + spent, others) if int(task.name) == process else (own, others + spent)
    return own, others


@pytest.mark.every_backend
def test_long_rsa_keys_do_not_hold_up_the_loop(server, authority):
    """They sign on other threads; whoever can do without gets the pair beside it."""
    port = free_port()
    slow, quick = authority.issue("slow", ["a.example"], "rsa:4096"), authority.issue("quick", ["a.example"])
    site = serve(server, port, [{"tls": [tls(slow), tls(quick)], "routes": TEXT}], workers=1)
    assert get(port, context_for(authority), "a.example")[0] == 200
    (worker,) = workers_of(site.process)
    context = context_for(authority, TLS_1_2)
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    own_before, others_before = times_of_threads(worker)
    for _ in range(20):
        with TlsClient(port, context, "a.example") as client:
            assert client.subject() == "slow"
    own, others = times_of_threads(worker)
    assert others - others_before > own - own_before
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with TlsClient(port, context, "a.example") as client:
        assert client.subject() == "quick"


def test_an_optional_certificate_by_listener(server, authority, clients):
    port = free_port()
    pair = authority.issue("optional", ["a.example"])
    ada = clients.issue("ada-optional", usage="clientAuth")
    demand = {"client": "optional", "client_ca": str(clients.certificate)}
    serve(server, port, [{"tls": tls(pair), "routes": TEXT}], [secure(port, **demand)])
    assert get(port, context_for(authority), "a.example")[0] == 200
    assert get(port, context_for(authority, client=ada), "a.example")[0] == 200


def test_who_connected_to_another_name_has_not_been_asked(server, authority, clients):
    port = free_port()
    pair = authority.issue("mixed", ["open.example", "closed.example", "other.example"])
    ada = clients.issue("ada-mixed", usage="clientAuth")
    demand = {"client": "required", "client_ca": str(clients.certificate)}
    sites = [
        {"hosts": ["open.example"], "tls": tls(pair), "routes": says("open")},
        {"hosts": ["closed.example"], "tls": tls(pair, **demand), "routes": says("closed")},
    ]
    serve(server, port, sites)
    with TlsClient(port, context_for(authority, client=ada), "open.example") as client:
        assert client.get(host="closed.example")[0] == 421
        assert client.get(host="other.example")[0] == 421
        assert client.get(host="open.example")[2] == b"open"
        session = client.socket.session
    with TlsClient(port, context_for(authority, client=ada), "closed.example") as client:
        assert client.get(host="closed.example")[2] == b"closed"
        assert client.get(host="open.example")[2] == b"open"
    # Nor does a session that was begun without a certificate open the other name.
    context = context_for(authority)
    with TlsClient(port, context, "open.example") as client:
        client.get(host="open.example")
        session = client.socket.session
    with pytest.raises((ssl.SSLError, ConnectionError)):
        get(port, context, "closed.example", session=session)


def test_the_log_says_who_the_client_is(server, authority, clients, tmp_path):
    port = free_port()
    pair = authority.issue("logged", ["a.example"])
    ada = clients.issue("ada-logged", usage="clientAuth")
    demand = {"client": "optional", "client_ca": str(clients.certificate)}
    path = tmp_path / "access.log"
    site = serve(server, port, [{"tls": tls(pair, **demand), "routes": TEXT}],
                 log={"access": {"path": str(path), "format": "json"}})
    get(port, context_for(authority, TLS_1_3, ada), "a.example", "/with")
    get(port, context_for(authority, TLS_1_2), None, "/without")
    site.stop()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    known, unknown = ([line for line in lines if line["target"] == target][0] for target in ("/with", "/without"))
    fingerprint = openssl("x509", "-in", ada[0], "-noout", "-fingerprint", "-sha256").decode().strip()
    assert (known["tls"], known["server_name"]) == ("TLSv1.3", "a.example")
    assert known["cipher"].startswith("TLS_")
    assert (known["client_subject"], known["client_issuer"]) == ("CN=ada-logged", "CN=Client Authority")
    assert known["client_fingerprint"] == fingerprint.split("=")[1].replace(":", "").lower()
    assert unknown["tls"] == "TLSv1.2"
    page = (REPOSITORY / "docs/logs.md").read_text(encoding="utf-8")
    table = page.split("| member over TLS |")[1].split("\n\n")[0]
    documented = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    members = list(known)[list(known).index("host") + 1:list(known).index("status")]
    assert [*members, "early_data"] == documented  # which only requests in early data have: test_tls_early.py
    assert not {"client_subject", "client_issuer", "client_fingerprint"} & set(unknown)


def sent_by(origin):
    request = origin.requests.pop()
    return tuple(request[f"X-Client-{name}"] for name in ("Subject", "Issuer", "Fingerprint"))


def test_a_server_is_told_who_the_client_is(server, authority, clients, origins):
    """And by nobody but vif; not without the option, nor if there is no certificate."""
    port, plain = free_port(), free_port()
    pair = authority.issue("told", ["a.example"])
    ada = clients.issue("ada-told", usage="clientAuth")
    demand = {"client": "optional", "client_ca": str(clients.certificate)}
    origin = origins()
    routes = {"/told": {"proxy": {"to": origin.url, "client_certificate": True}}, "/": {"proxy": {"to": origin.url}}}
    serve(server, plain, [{"tls": tls(pair, **demand), "routes": routes}], [f"127.0.0.1:{plain}", secure(port)])
    claims = {"X-Client-Subject": "CN=root", "X_Client_Issuer": "CN=x", "X-Client-Fingerprint": "00"}
    fingerprint = openssl("x509", "-in", ada[0], "-noout", "-fingerprint", "-sha256").decode().strip()
    fingerprint = fingerprint.split("=")[1].replace(":", "").lower()
    with TlsClient(port, context_for(authority, client=ada), "a.example") as client:
        assert client.get("/told", **claims)[0] == 200
        assert sent_by(origin) == ("CN=ada-told", "CN=Client Authority", fingerprint)
        assert client.get("/other", **claims)[0] == 200
        assert sent_by(origin) == (None, None, None)
    with TlsClient(port, context_for(authority), "a.example") as client:
        assert client.get("/told", **claims)[0] == 200
        assert sent_by(origin) == (None, None, None)
    with wire.Client(("127.0.0.1", plain)) as client:
        client.send(b"GET /told HTTP/1.1\r\nHost: a\r\nX-Client-Subject: CN=root\r\n\r\n")
        assert client.read_response().status == 200
        assert sent_by(origin) == (None, None, None)


def test_a_server_is_not_told_who_its_clients_proxy_is(server, authority, clients, origins):
    port, plain = free_port(), free_port()
    pair = authority.issue("proxied", ["a.example"])
    demand = {"client": "required", "client_ca": str(clients.certificate)}
    origin = origins()
    routes = {"/": {"proxy": {"to": origin.url, "client_certificate": True}}}
    serve(server, plain, [{"tls": tls(pair, **demand), "routes": routes}], [f"127.0.0.1:{plain}", secure(port)],
          trusted_proxies=["127.0.0.1"])
    context = context_for(authority, client=clients.issue("front", usage="clientAuth"))
    with TlsClient(port, context, "a.example") as client:
        assert client.get("/", "a.example", **{"X-Forwarded-For": "192.0.2.7"})[0] == 200
        assert sent_by(origin) == (None, None, None)
        assert client.get("/", "a.example")[0] == 200
        assert sent_by(origin)[0] == "CN=front"


def test_who_asks_by_http2_is_known_too(server, authority, clients, tmp_path):
    if "nghttp2" not in run("version").stdout:
        pytest.skip("vif is built without HTTP/2")
    port = free_port()
    pair = authority.issue("http2", ["a.example"])
    ada = clients.issue("ada-http2", usage="clientAuth")
    demand = {"client": "required", "client_ca": str(clients.certificate)}
    path = tmp_path / "access.log"
    site = serve(server, port, [{"tls": tls(pair, **demand), "routes": TEXT}],
                 log={"access": {"path": str(path), "format": "json"}})
    asked = subprocess.run(
        ["curl", "-s", "--http2", "--cacert", str(authority.certificate), "--cert", str(ada[0]), "--key", str(ada[1]),
         "--resolve", f"a.example:{port}:127.0.0.1", "-o", "/dev/null", "-w", "%{http_version} %{http_code}",
         f"https://a.example:{port}/"], capture_output=True, text=True, timeout=30, check=False)
    assert asked.stdout == "2 200", asked
    site.stop()
    line = json.loads(path.read_text())
    assert (line["tls"], line["server_name"], line["client_subject"]) == ("TLSv1.3", "a.example", "CN=ada-http2")


def test_two_ports_serve_different_things(server, authority):
    plain, first, second = free_port(), free_port(), free_port()
    pair = authority.issue("ports", ["a.example"])
    sites = [
        {"listen": f"127.0.0.1:{first}", "tls": tls(pair), "routes": says("first")},
        {"listen": f"127.0.0.1:{second}", "hosts": ["*", "b.example"], "tls": tls(pair), "routes": says("second")},
        {"listen": f"127.0.0.1:{plain}", "hosts": ["a.example"], "routes": says("plain")},
    ]
    site = serve(server, plain, sites, [f"127.0.0.1:{plain}", secure(first), secure(second)])
    assert get(first, context_for(authority), "a.example")[2] == b"first"
    assert get(second, context_for(authority), "a.example")[2] == b"second"
    client = site.connect()
    assert client.exchange(host="a.example").body == b"plain"
    assert client.exchange(host="b.example").status == 421


def test_a_plain_listener_redirects(server, authority):
    plain, port = free_port(), free_port()
    pair = authority.issue("redirect", ["a.example"])
    listen = [{"address": f"127.0.0.1:{plain}", "redirect_to_https": True}, secure(port)]
    sites = [{"tls": tls(pair), "hsts": "1h", "routes": {"/": {"respond": "x"}, "/s": {"redirect": "{scheme}://{host}/t"}}}]
    client = serve(server, plain, sites, listen).connect()
    for host, name in (("a.example", "a.example"), (f"a.example:{plain}", "a.example"), ("A.Example:80", "a.example"),
                       (f"[::1]:{plain}", "[::1]")):
        response = client.exchange(target="/p//q%20?r=1", host=host)
        assert response.status == 308
        assert response["Location"].lower() == f"https://{name}:{port}/p/q%20?r=1"
        assert response["Strict-Transport-Security"] is None
    status, headers, _ = get(port, context_for(authority), "a.example")
    assert (status, headers["strict-transport-security"]) == (200, "max-age=3600")
    status, headers, _ = get(port, context_for(authority), "a.example", "/s")
    assert headers["location"] == "https://a.example/t"


def test_hsts_of_files_is_for_tls_alone(server, authority, root):
    plain, port = free_port(), free_port()
    (root / "a.txt").write_text("a")
    pair = authority.issue("hsts", ["a.example"])
    sites = [{"tls": tls(pair), "hsts": {"max_age": "365d", "subdomains": True}, "routes": {"/": {"files": str(root)}}}]
    client = serve(server, plain, sites, [f"127.0.0.1:{plain}", secure(port)]).connect()
    with TlsClient(port, context_for(authority), "a.example") as secret:
        for _ in range(3):
            assert client.exchange(target="/a.txt")["Strict-Transport-Security"] is None
            for target in ("/a.txt", "/missing"):
                headers = secret.get(target)[1]
                assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


def test_plain_http_on_a_port_with_tls(server, authority):
    port = free_port()
    site = serve(server, port, [{"tls": tls(authority.issue("http", ["a.example"])), "routes": TEXT}])
    with site.connect() as client:
        client.send(wire.request_bytes())
        answer = client.take_to_end()
    assert answer.startswith(b"HTTP/1.1 400 ")
    head, _, content = answer.partition(b"\r\n\r\n")
    assert b"https://" in content
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert int(fields["Content-Length"]) == len(content)
    assert abs(email.utils.parsedate_to_datetime(fields["Date"]).timestamp() - time.time()) < 60


@pytest.mark.every_backend
def test_tls_on_a_plain_port_ends_cleanly(site):
    with socket.create_connection(("127.0.0.1", site.port), wire.TIME_LIMIT) as plain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(plain)
    site.check_alive()
