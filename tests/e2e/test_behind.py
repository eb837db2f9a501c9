"""Behind other servers: whom vif believes about the client of a request, and what it does with it."""
import json
import signal
import socket
import struct
import time

import pytest

import protocols
import vif as vif_process
import wire
from proxies import log_lines, origins  # noqa: F401

STRANGER = "203.0.113.9"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def config(trusted=None, header=None, **top):
    """A site that says by a redirect which scheme it takes the request for."""
    settings = {
        "sites": [{"routes": {"/": {"respond": "ok"}, "/scheme": {"redirect": "{scheme}://there/"}},
                   "hsts": "10m"}],
        "log": {"access": {"path": "-", "format": "json"}, "error": {"level": "info"}},
        **top,
    }
    if trusted is not None:
        settings["trusted_proxies"] = {"from": trusted, **({"header": header} if header else {})}
    return settings


def clients_of(running, count):
    return [entry["client"] for entry in log_lines(running, count)]


# ---- headers ----

X_CHAINS = [
    ("203.0.113.9", "203.0.113.9"),
    ("203.0.113.9:4711", "203.0.113.9"),
    ("198.51.100.1, 203.0.113.9", "203.0.113.9"),  # what stands to the left, a stranger may have written
    ("198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
    ("203.0.113.9, 10.1.2.3,10.4.5.6", "203.0.113.9"),
    ("10.1.2.3, 10.4.5.6", "10.1.2.3"),
    ("2001:db8::7", "2001:db8::7"),
    ("[2001:db8::7]:80, 10.1.2.3", "2001:db8::7"),
    ("unknown", "127.0.0.1"),
    ("198.51.100.1, unknown", "127.0.0.1"),
    ("198.51.100.1, unknown, 10.1.2.3", "10.1.2.3"),
    ("198.51.100.1, evil\", 203.0.113.9", "203.0.113.9"),
    ("198.51.100.1, \"evil, 203.0.113.9", "203.0.113.9"),
    ("203.0.113.9, , ", "203.0.113.9"),
    ("", "127.0.0.1"),
]


@pytest.mark.any_protocol
def test_the_client_is_the_first_stranger_from_the_right(server):
    running = server(config=config(["127.0.0.1", "10.0.0.0/8"]))
    for chain, _ in X_CHAINS:
        assert running.get("/", {"X-Forwarded-For": chain}).status == 200
    assert clients_of(running, len(X_CHAINS)) == [client for _, client in X_CHAINS]


FORWARDED_CHAINS = [
    ("for=203.0.113.9", "203.0.113.9"),
    ("for=198.51.100.1, For=\"203.0.113.9:80\";proto=https", "203.0.113.9"),
    ("for=203.0.113.9, for=10.1.2.3", "203.0.113.9"),
    ("for=\"[2001:db8::7]:80\", for=10.1.2.3", "2001:db8::7"),
    ("for=198.51.100.1;x=\", for=203.0.113.9", "203.0.113.9"),
    ("for=198.51.100.1, for=_hidden, for=10.1.2.3", "10.1.2.3"),
    ("for=198.51.100.1, proto=https", "127.0.0.1"),
    ("for=198.51.100.1, for=203.0.113.9;for=203.0.113.9", "127.0.0.1"),
]


@pytest.mark.any_protocol
def test_forwarded(server):
    running = server(config=config(["127.0.0.1", "10.0.0.0/8"], "forwarded"))
    for chain, _ in FORWARDED_CHAINS:
        assert running.get("/", {"Forwarded": chain, "X-Forwarded-For": "198.51.100.77"}).status == 200
    assert clients_of(running, len(FORWARDED_CHAINS)) == [client for _, client in FORWARDED_CHAINS]


def test_lines_are_one_list(server):
    running = server(config=config(["127.0.0.1", "10.0.0.0/8"]))
    with running.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.1, 203.0.113.9\r\nAccept: */*\r\n"
                    b"x-forwarded-for: 10.1.2.3\r\n\r\n")
        assert client.read_response().status == 200
    assert clients_of(running, 1) == [STRANGER]


LIES = {"X-Forwarded-For": "10.1.2.3", "X-Forwarded-Proto": "https", "Forwarded": "for=10.1.2.3;proto=https"}


@pytest.mark.any_protocol
@pytest.mark.parametrize("trusted", [None, ["10.0.0.0/8", "::1", "unix"]])
def test_strangers_are_not_believed(server, trusted):
    running = server(config=config(trusted))
    response = running.get("/scheme", LIES)
    assert response["Location"].startswith(protocols.SCHEME + "://")
    assert clients_of(running, 1) == ["127.0.0.1"]


def test_only_one_of_the_headers_is_believed(server):
    """A proxy that writes one of them hands on the other, as a stranger wrote it."""
    for header, ignored in (("forwarded", "X-Forwarded-For"), ("x_forwarded", "Forwarded")):
        running = server(config=config(["127.0.0.1"], header))
        lie = "for=203.0.113.9;proto=https" if ignored == "Forwarded" else STRANGER
        response = running.get("/scheme", {ignored: lie})
        assert response["Location"].startswith(protocols.SCHEME + "://")
        assert clients_of(running, 1) == ["127.0.0.1"]


SCHEMES = [
    ("x_forwarded", {"X-Forwarded-For": STRANGER, "X-Forwarded-Proto": "https"}, "https"),
    ("x_forwarded", {"X-Forwarded-Proto": "HTTPS"}, "https"),
    ("x_forwarded", {"X-Forwarded-Proto": "https, http"}, "http"),
    ("x_forwarded", {"X-Forwarded-Proto": "ftp"}, "http"),
    ("x_forwarded", {"X-Forwarded-For": STRANGER}, "http"),
    ("forwarded", {"Forwarded": f"for={STRANGER};proto=https"}, "https"),
    ("forwarded", {"Forwarded": f"for={STRANGER};proto=https, for=127.0.0.1;proto=http"}, "https"),
    ("forwarded", {"Forwarded": f"for=1.2.3.4;proto=https, for={STRANGER};proto=http"}, "http"),
]


@pytest.mark.parametrize("header, fields, scheme", SCHEMES)
def test_the_scheme_is_the_clients(server, header, fields, scheme):
    running = server(config=config(["127.0.0.1"], header))
    response = running.get("/scheme", fields)
    assert response["Location"] == f"{scheme}://there/"
    assert ("Strict-Transport-Security" in response) == (scheme == "https")


def test_a_kept_connection_carries_many_clients(server):
    running = server(config=config(["127.0.0.1"]))
    with running.connect() as client:
        for number in range(20):
            client.request("GET", "/", {"X-Forwarded-For": f"203.0.113.{number}"})
        for _ in range(20):
            client.read_response()
        client.exchange("GET", "/")
    assert clients_of(running, 21) == [f"203.0.113.{number}" for number in range(20)] + ["127.0.0.1"]


def test_the_real_client_is_forwarded(server, origins):  # noqa: F811
    origin = origins()
    settings = config(["127.0.0.1"], sites=[{"routes": {"/": {"proxy": {"to": origin.url, "forwarded": "both"}}}}])
    running = server(config=settings)
    running.get("/", {"X-Forwarded-For": f"198.51.100.1, {STRANGER}", "X-Forwarded-Proto": "https",
                      "Forwarded": "for=198.51.100.1"}, host="a")
    request = origin.requests[-1]
    assert request["X-Forwarded-For"] == STRANGER
    assert request["X-Forwarded-Proto"] == "https"
    assert request["Forwarded"] == f'for={STRANGER};host="a";proto=https'


def test_the_limit_is_per_client_and_not_per_proxy(server, origins):  # noqa: F811
    """Many clients come over one proxy; each of them may have so many requests under way."""
    held = []

    def hold(peer):
        peer.read_request()
        held.append(peer)
        wire.wait_until(lambda: peer in answered, "leave to answer")
        peer.answer(b"late")

    answered = []
    origin = origins(hold)
    settings = config(["127.0.0.1"], limits={"connections_per_address": 2},
                      sites=[{"routes": {"/": {"respond": "ok"}, "/slow": {"proxy": origin.url}}}])
    running = server(config=settings)
    clients = [running.connect() for _ in range(4)]
    for client in clients[:2]:
        client.request("GET", "/slow", {"X-Forwarded-For": STRANGER})
    wire.wait_until(lambda: len(held) == 2, "two requests under way")
    refused = clients[2].exchange("GET", "/", {"X-Forwarded-For": STRANGER})
    assert refused.status == 503 and refused["Retry-After"]
    assert clients[3].exchange("GET", "/", {"X-Forwarded-For": "203.0.113.10"}).status == 200
    assert clients[3].exchange("GET", "/").status == 200  # the proxy's own
    answered.extend(held)
    for client in clients[:2]:
        assert client.read_response().body == b"late"
    assert clients[2].exchange("GET", "/", {"X-Forwarded-For": STRANGER}).status == 200


# ---- the PROXY protocol ----


def version_2(source, command=0x21, extensions=b""):
    """A header for a client with this address."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    there = "2001:db8::80" if family == socket.AF_INET6 else "198.51.100.80"
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, there) + struct.pack(">HH", 4711, 80)
    code = 0x21 if family == socket.AF_INET6 else 0x11
    return SIGNATURE + struct.pack(">BBH", command, code, len(addresses + extensions)) + addresses + extensions


def start_proxied(server, trusted=("127.0.0.1",), tls=None, **top):
    listener = {"proxy_protocol": True, **({"tls": tls} if tls else {})}
    port = vif_process.free_port()
    listener["address"] = f"127.0.0.1:{port}"
    return server(config={**config(list(trusted), **top), "listen": [listener]}, port=port)


HEADERS = [
    (f"PROXY TCP4 {STRANGER} 198.51.100.80 4711 80\r\n".encode(), STRANGER),
    (b"PROXY TCP6 2001:db8::7 2001:db8::80 4711 80\r\n", "2001:db8::7"),
    (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    (version_2(STRANGER), STRANGER),
    (version_2("2001:db8::7"), "2001:db8::7"),
    (version_2(STRANGER, extensions=b"\x01\0\x02h2\x20\0\x05abcde"), STRANGER),
    (version_2(STRANGER, command=0x20), "127.0.0.1"),
    (SIGNATURE + b"\x20\0\0\0", "127.0.0.1"),
    (SIGNATURE + b"\x21\x31\0\xd8" + b"/" * 216, "unix"),
]


def test_headers_of_the_proxy_protocol(server):
    running = start_proxied(server)
    request = wire.request_bytes("GET", "/")
    for header, _ in HEADERS:
        for send in ("send", "send_byte_by_byte"):
            with wire.Client(("127.0.0.1", running.port)) as client:
                getattr(client, send)(header + request)
                assert client.read_response().status == 200
                assert client.exchange("GET", "/").status == 200  # one header for the whole connection
    expected = [client for _, client in HEADERS for _ in range(4)]
    assert clients_of(running, len(expected)) == expected


def test_the_request_may_come_later(server):
    running = start_proxied(server)
    with wire.Client(("127.0.0.1", running.port)) as client:
        client.send(version_2(STRANGER))
        time.sleep(0.05)
        assert client.exchange("GET", "/").status == 200
    assert clients_of(running, 1) == [STRANGER]


BAD = [
    wire.request_bytes("GET", "/"),
    b"PROXY TCP4 203.0.113.9 198.51.100.80 4711\r\n" + wire.request_bytes("GET", "/"),
    b"PROXY TCP4 203.0.113.9 198.51.100.80 4711 80\n" + wire.request_bytes("GET", "/"),
    b"PROXY TCP4 " + b"x" * 200,
    SIGNATURE + b"\x21\x12\0\x0c" + bytes(12),
    SIGNATURE + b"\x21\x11\xff\xff",
    SIGNATURE + b"\x21\x11\0\x0f" + bytes(12) + b"\x01\0\x01",
]


def test_a_bad_header_ends_the_connection(server):
    running = start_proxied(server)
    for data in BAD:
        with wire.Client(("127.0.0.1", running.port)) as client:
            client.send(data)
            client.read_end_or_reset()
    told = "PROXY protocol: closed a connection from 127.0.0.1: "
    wire.wait_until(lambda: told in running.stderr(), "the reason in the log")
    running.stop()
    assert running.stderr().count(told) == 1  # not one for each
    assert running.stdout() == ""


def test_nobody_but_a_trusted_proxy_may_connect(server):
    running = start_proxied(server, trusted=["10.0.0.0/8"])
    with wire.Client(("127.0.0.1", running.port)) as client:
        client.read_end_or_reset()
    wire.wait_until(lambda: "it is not one of trusted_proxies" in running.stderr(), "the reason in the log")


def test_half_a_header_is_not_waited_for(server):
    running = start_proxied(server, timeouts={"handshake": "200ms"})
    for data in (b"", b"PROXY TC", version_2(STRANGER)[:20]):
        with wire.Client(("127.0.0.1", running.port)) as client:
            client.send(data)
            client.read_end_or_reset()


def test_a_port_check_is_no_fault(server):
    running = start_proxied(server)
    for _ in range(3):
        with wire.Client(("127.0.0.1", running.port)) as client:
            client.finish_sending()
            client.read_end_or_reset()
    assert "PROXY protocol" not in running.stderr()


def test_the_header_comes_before_tls(server):
    certificate, key = map(str, protocols.certificate())
    running = start_proxied(server, tls={"certificate": certificate, "key": key})
    for cut in (0, 10, 28, None):
        with socket.create_connection(("127.0.0.1", running.port), wire.TIME_LIMIT) as plain:
            header = version_2(STRANGER)
            plain.sendall(header[:cut])
            if cut is not None:
                time.sleep(0.02)
                plain.sendall(header[cut:])
            context = protocols.client_context()
            with context.wrap_socket(plain) as secure:
                secure.sendall(b"GET /scheme HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                answer = b"".join(iter(lambda: secure.recv(65536), b""))
                assert b"Location: https://there/" in answer
    assert clients_of(running, 4) == [STRANGER] * 4


def test_a_proxy_behind_a_load_balancer(server):
    """The address in the header may be that of a proxy, which has a client of its own."""
    running = start_proxied(server, trusted=["127.0.0.1", "10.0.0.0/8"])
    for source in ("10.1.2.3", "198.51.100.1"):
        with wire.Client(("127.0.0.1", running.port)) as client:
            client.send(version_2(source))
            assert client.exchange("GET", "/", {"X-Forwarded-For": STRANGER}).status == 200
    assert clients_of(running, 2) == [STRANGER, "198.51.100.1"]


def test_connections_are_counted_for_the_client_in_the_header(server):
    running = start_proxied(server, limits={"connections_per_address": 2})
    kept = []
    for source in (STRANGER, STRANGER, "203.0.113.10"):
        kept.append(wire.Client(("127.0.0.1", running.port)))
        kept[-1].send(version_2(source))
        assert kept[-1].exchange("GET", "/").status == 200
    with wire.Client(("127.0.0.1", running.port)) as client:
        client.send(version_2(STRANGER) + wire.request_bytes("GET", "/"))
        client.read_end_or_reset()
    kept.pop(0).close()

    def is_free():
        with wire.Client(("127.0.0.1", running.port)) as client:
            client.send(version_2(STRANGER) + wire.request_bytes("GET", "/"))
            try:
                return client.read_response().status == 200
            except (wire.ProtocolError, OSError):
                return False

    wire.wait_until(is_free, "the place of a connection that was closed")
    for client in kept:
        client.close()


def test_a_reload_can_trust_others(server):
    running = server(config=config(["10.0.0.0/8"]))
    running.get("/", {"X-Forwarded-For": STRANGER})
    text = json.loads(running.config_path.read_text(encoding="utf-8"))
    text["trusted_proxies"] = ["127.0.0.1"]
    running.config_path.write_text(json.dumps(text), encoding="utf-8")
    with running.connect() as client:
        assert client.exchange("GET", "/", {"X-Forwarded-For": STRANGER}).status == 200
        running.process.send_signal(signal.SIGHUP)
        wire.wait_until(lambda: "generation 2" in running.stderr() or "is in force" in running.stderr(), "the reload")
        assert client.exchange("GET", "/", {"X-Forwarded-For": STRANGER}).status == 200
    assert clients_of(running, 3) == ["127.0.0.1", "127.0.0.1", STRANGER]
