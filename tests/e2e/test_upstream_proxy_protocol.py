"""The PROXY protocol towards the servers behind vif: they learn who the client is, and no connection is shared."""
import socket
import struct

import pytest

import pki
import vif as vif_process
import wire
from origin import echo
from proxies import forwarding, origins  # noqa: F401
from test_tunnels import HANDSHAKE, echoing, granting

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL = SIGNATURE + b"\x20\0\0\0"


def header_of(client, version, source=None):
    """What a server must get for the client of a connection to vif; `source`: for another one, behind that client."""
    vif_port, port = getattr(client, "carrier", client).ports  # of HTTP/2 it is the carrier that has them
    port = 0 if source else port
    source = source or "127.0.0.1"
    if version == 1:
        return f"PROXY TCP4 {source} 127.0.0.1 {port} {vif_port}".encode()
    return (SIGNATURE + b"\x21\x11\0\x0c" + socket.inet_aton(source) + socket.inet_aton("127.0.0.1") +
            struct.pack(">HH", port, vif_port))


def take_header(peer):
    """Off the front of a connection; None at its end. A line without its CR LF."""
    if (begin := peer.take(5)) is None:
        return None
    if begin == b"PROXY":
        return begin + peer.take_line()
    rest = peer.take(11)
    return begin + rest + peer.take(struct.unpack(">H", rest[-2:])[0])


def behind_header(script, headers):
    """The script, for connections that begin with a header."""
    def run(peer):
        if not peer.seen:
            header = take_header(peer)
            if header is None:
                return False
            peer.seen.append(header)
            headers.append(header)
        return script(peer)
    return run


@pytest.mark.any_protocol
@pytest.mark.parametrize("version", [1, 2])
def test_each_connection_begins_with_the_client(server, origins, version):
    """With the addresses and ports of both ends of its connection."""
    headers = []
    origin = origins(behind_header(echo, headers))
    vif = server(config=forwarding(origin, proxy_protocol=version))
    with vif.connect() as client:
        for _ in range(3):
            assert client.exchange("POST", "/", body=b"x").status == 200
        assert headers == [header_of(client, version)] * 3 and origin.connection_count == 3


def test_a_route_with_it_shares_no_connection_with_others(server, origins):
    """Without the header a server would take the request for one, or for somebody else's."""
    headers, used = [], []

    def noting(peer):
        request = peer.read_request()
        if request is not None:
            used.append(peer.number)
        return request is not None and peer.answer(request.raw)

    script = behind_header(noting, headers)
    origin = origins(lambda peer: noting(peer) if peer.number % 2 == 0 else script(peer))
    vif = server(config={"sites": [{"routes": {"/": {"proxy": origin.url},
                                               "/p": {"proxy": {"to": origin.url, "proxy_protocol": 2}}}}]})
    with vif.connect() as client:
        assert [client.exchange("GET", path).status for path in ("/", "/p", "/")] == [200] * 3
        assert headers == [header_of(client, 2)] and origin.connection_count == 2
        assert used == [0, 1, 0]


@pytest.mark.any_protocol
def test_it_says_who_the_trusted_proxy_names(server, origins):
    headers = []
    origin = origins(behind_header(echo, headers))
    vif = server(config={**forwarding(origin, proxy_protocol=1), "trusted_proxies": ["127.0.0.1"]})
    with vif.connect() as client:
        for source in ("192.0.2.9", "2001:db8::7"):
            assert client.exchange("GET", "/", {"X-Forwarded-For": source}).status == 200
        wide = f"PROXY TCP6 2001:db8::7 ::ffff:127.0.0.1 0 {vif.port}".encode()
        assert headers == [header_of(client, 1, "192.0.2.9"), wide]


@pytest.mark.parametrize("version, wanted", [(1, b"PROXY UNKNOWN"), (2, LOCAL)])
def test_a_client_of_a_unix_socket_has_no_address(server, origins, tmp_path_factory, version, wanted):
    headers = []
    origin = origins(behind_header(echo, headers))
    path = tmp_path_factory.mktemp("socket") / "vif.sock"
    server(config={**forwarding(origin, proxy_protocol=version), "listen": [f"unix:{path}"]})
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(wire.request_bytes("GET", "/", {"Connection": "close"}))
        assert client.makefile("rb").read().startswith(b"HTTP/1.1 200 ")
    assert headers == [wanted]


def test_a_tunnel_has_it(server, origins):
    headers = []
    vif = server(config=forwarding(origins(behind_header(granting(echoing), headers)), proxy_protocol=2))
    client = vif.connect()
    client.send(wire.request_bytes("GET", "/chat", HANDSHAKE) + b"hello")
    assert client.read_head().status == 101 and client.take(5) == b"hello"
    assert headers == [header_of(client, 2)]


@pytest.mark.parametrize("version, wanted", [(1, b"PROXY UNKNOWN"), (2, LOCAL)])
def test_health_checks_are_of_vif_itself(server, origins, version, wanted):
    headers = []
    origin = origins(behind_header(echo, headers))
    server(config=forwarding(origin, proxy_protocol=version, health={"path": "/healthz", "interval": "50ms"}))
    wire.wait_until(lambda: len(headers) >= 2 and origin.requests, "the checks")
    assert set(headers) == {wanted} and origin.requests[0].target == "/healthz"


@pytest.mark.parametrize("version, wanted", [(1, b"PROXY UNKNOWN"), (2, LOCAL)])
def test_checks_that_only_connect_have_it(server, origins, version, wanted):
    """Else the server would log each of them as a mistake, or take it for an attack."""
    headers = []
    origin = origins(behind_header(echo, headers))
    server(config=forwarding(origin, proxy_protocol=version, health={"interval": "50ms"}))
    wire.wait_until(lambda: len(headers) >= 2, "the checks")
    assert set(headers) == {wanted} and not origin.requests


@pytest.mark.parametrize("version", [1, 2])
def test_another_vif_understands_it(server, origins, tmp_path_factory, version):
    """Strictly parsed, and also in front of TLS."""
    authority = pki.Authority(tmp_path_factory.mktemp("pki"))
    certificate, key = authority.issue("inner", ["127.0.0.1"])
    origin = origins()
    ports = [vif_process.free_port(), vif_process.free_port()]
    files = {"certificate": str(certificate), "key": str(key)}
    server(port=ports[0], config={
        **forwarding(origin), "trusted_proxies": ["127.0.0.1"],
        "listen": [{"address": f"127.0.0.1:{ports[0]}", "proxy_protocol": True},
                   {"address": f"127.0.0.1:{ports[1]}", "proxy_protocol": True, "tls": files}]})
    options = {"proxy_protocol": version, "tls": str(authority.certificate)}
    outer = server(config={"trusted_proxies": ["127.0.0.1"], "sites": [{"routes": {
        "/": {"proxy": {"to": f"http://127.0.0.1:{ports[0]}", **options}},
        "/tls": {"proxy": {"to": f"https://127.0.0.1:{ports[1]}", **options}}}}]})
    for path in ("/", "/tls"):
        assert outer.get(path, {"X-Forwarded-For": "192.0.2.9"}).status == 200
        assert origin.requests[-1]["X-Forwarded-For"].split(", ")[0] == "192.0.2.9"
