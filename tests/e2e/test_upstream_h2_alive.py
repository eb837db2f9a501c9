"""Whether a server of HTTP/2 is alive, and for how long requests wait for one that is not: its settings, and PINGs; and how
many requests share a connection to it."""
import contextlib
import socket
import threading

import pytest

import vif as vif_process

pytest.importorskip("hpack")
if "nghttp2" not in vif_process.run("version").stdout:
    pytest.skip("vif is built without HTTP/2", allow_module_level=True)

import h2_wire
import pki
import wire
from h2_origin import H2Origin, echo
from proxies import forwarding, log_lines, origins  # noqa: F401
from test_upstream_h2 import h2_proxy, in_threads  # noqa: F401

HAS_TLS = "OpenSSL" in vif_process.run("version").stdout
pytestmark = pytest.mark.http1


@pytest.fixture
def h2_origins():
    """h2_origins(script, **options): an origin of HTTP/2."""
    made = []

    def make(script=echo, **options):
        made.append(H2Origin(script, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


class Deaf:
    """A script that takes a request, and then nothing more, as if its machine were gone."""

    def __init__(self):
        self.over = threading.Event()
        self.calls = []

    def __call__(self, h2):
        self.calls.append(h2.next_call(whole=False))
        self.over.wait(wire.TIME_LIMIT)


@pytest.fixture
def deaf():
    script = Deaf()
    yield script
    script.over.set()


def as_h2c(origin):
    return origin.url.replace("http:", "h2c:")


# ---- how many share a connection ----

def test_no_more_than_the_option_says(h2_proxy):
    most, together = [], threading.Barrier(4, timeout=wire.TIME_LIMIT)

    def script(h2):
        h2.wait(lambda: sum(call.has_ended for call in h2.calls.values()) == 5)
        together.wait()
        most.append(len(h2.calls))
        for call in h2.calls.values():
            h2.answer(call, b"x")
        h2.wait(lambda: False)

    vif, origin = h2_proxy(script, streams=5)
    assert in_threads(20, lambda i: vif.get("/").status) == [200] * 20
    assert origin.connection_count == 4 and most == [5] * 4


def test_a_unix_socket(server, tmp_path):
    tmp_path.chmod(0o755)
    origin = H2Origin(echo, address=str(tmp_path / "app.sock"), family=socket.AF_UNIX)
    vif = server(config={"sites": [{"routes": {"/": {"proxy": {"to": f"unix:{tmp_path}/app.sock", "protocol": "h2"}}}}]})
    for _ in range(3):
        assert vif.get("/path")["x-request"] == "GET /path"
    assert origin.requests[0][":authority"] and origin.requests[0][":scheme"] == "http"
    assert origin.connection_count == 1
    origin.stop()


# ---- PINGs ----

def counting(h2, pings):
    """Notes the PINGs that come."""
    step = h2.step

    def noting():
        got = step()
        if got and got[0] == h2_wire.PING and not got[1] & h2_wire.ACK:
            pings.append(got)
        return got

    h2.step = noting


def test_a_server_that_takes_its_time_is_asked_whether_it_is_alive(h2_proxy):
    """Its PING is answered, so the request may take longer; and it is not asked again soon."""
    pings = []

    def script(h2):
        counting(h2, pings)
        call = h2.next_call()
        h2.wait(lambda: pings)
        wire.wait_until(lambda: len(waited) > 0, "the time of an answer to be over")
        h2.answer(call, b"late")
        while call := h2.next_call():
            h2.answer(call, b"next")

    waited = []
    vif, origin = h2_proxy(script, ping_after="100ms", connect_timeout="200ms")
    client = vif.connect()
    client.request("GET", "/")
    wire.wait_until(lambda: pings, "the PING")
    with pytest.raises(TimeoutError):
        client.socket.settimeout(0.5)
        client.read_response()
    client.socket.settimeout(wire.TIME_LIMIT)
    waited.append(True)
    assert client.read_response().body == b"late"
    assert vif.get("/").body == b"next"
    assert len(pings) == 1 and origin.connection_count == 1


def test_nothing_is_asked_without_requests(h2_proxy):
    pings = []

    def script(h2):
        counting(h2, pings)
        echo(h2)

    vif, origin = h2_proxy(script, ping_after="10ms", idle_timeout="500ms")
    assert vif.get("/").status == 200
    wire.wait_until(lambda: origin.peers[0].socket.fileno() == -1, "the end of the idle connection")
    assert not pings


def test_a_dead_connection_fails_all_its_requests(h2_proxy, deaf):
    vif, origin = h2_proxy(lambda h2: deaf(h2) if h2.peer.number == 0 else echo(h2), ping_after="200ms",
                           connect_timeout="300ms")
    assert in_threads(3, lambda i: vif.exchange("POST", "/", body=b"x").status) == [504] * 3
    lines = log_lines(vif, 3)
    assert [line["upstream_cause"] for line in lines] == ["ping_timeout"] * 3
    assert vif.exchange("POST", "/", body=b"x").body == b"x" and origin.connection_count == 2


def test_what_may_be_repeated_goes_to_another_server(server, h2_origins, deaf):
    dead, good = h2_origins(deaf), h2_origins()
    vif = server(config=forwarding([dead, good], ping_after="200ms", connect_timeout="300ms"))
    for _ in range(4):
        assert vif.get("/")["x-request"] == "GET /"
    assert deaf.calls and len(good.requests) == 4


def test_a_single_server_is_asked_again_over_a_new_connection(h2_proxy, deaf):
    """A router may have forgotten the kept one."""
    def script(h2):
        if h2.peer.number == 0:
            h2.answer(h2.next_call(), b"first")
            deaf(h2)
        else:
            echo(h2)

    vif, origin = h2_proxy(script, ping_after="200ms", connect_timeout="300ms")
    assert vif.get("/").body == b"first"
    assert vif.get("/")["x-request"] == "GET /" and len(deaf.calls) == 1
    assert origin.connection_count == 2


def test_without_pings_other_time_outs_count(h2_proxy, deaf):
    vif, _ = h2_proxy(deaf, ping_after="none", connect_timeout="100ms", first_byte_timeout="600ms")
    assert vif.exchange("POST", "/", body=b"x").status == 504
    assert log_lines(vif, 1)[0]["upstream_cause"] == "first_byte_timeout"


# ---- its settings ----

def silent(peer):
    """Accepts, and says nothing."""
    peer.wait_for_end()
    return False


def begin(vif, count):
    clients = []
    for i in range(count):
        clients.append(vif.connect())
        clients[-1].request("POST", f"/{i}", body=b"x")
    return clients


def test_who_waits_for_a_silent_server_is_served_by_another(server, origins, h2_origins):
    """The first request was sent, as the connection is there; the others wait for its settings, but not for ever."""
    dead, good = origins(silent), h2_origins()
    config = forwarding([dead, good], balance="hash", connect_timeout="400ms", first_byte_timeout="30s", ping_after="none",
                        hash="header:x-key")
    config["sites"][0]["routes"]["/"]["proxy"]["to"][0] = as_h2c(dead)
    vif = server(config=config)
    answered = []

    def ask(i):
        with vif.connect() as client, contextlib.suppress(OSError, TimeoutError):
            client.socket.settimeout(5)
            answered.append(client.exchange("POST", "/", {"X-Key": str(i)}, body=b"x").status)
        return True

    in_threads(16, ask)
    assert answered.count(200) >= 15 and set(answered) == {200}


@pytest.mark.parametrize("is_secure", [False, pytest.param(True, marks=pytest.mark.skipif(not HAS_TLS, reason="no OpenSSL"))])
def test_without_another_server_they_get_504(server, origins, is_secure, tmp_path_factory):
    """With TLS the handshake does not even begin: then the one that it was opened for fails, too."""
    options = {"connect_timeout": "400ms", "first_byte_timeout": "30s", "ping_after": "none"}
    dead = origins(silent)
    url = as_h2c(dead)
    if is_secure:
        authority = pki.Authority(tmp_path_factory.mktemp("pki") / "ca")
        authority.folder.chmod(0o755)
        options |= {"protocol": "h2", "tls": str(authority.certificate)}
        url = dead.url.replace("http:", "https:")
    config = forwarding(dead, **options)
    config["sites"][0]["routes"]["/"]["proxy"]["to"] = url
    vif = server(config=config)
    clients = begin(vif, 5)
    for client in clients[0 if is_secure else 1:]:
        assert client.read_response().status == 504
    lines = log_lines(vif, 5 if is_secure else 4)
    assert {line["upstream_cause"] for line in lines} == {"connect_timeout"}
    assert dead.connection_count == 1


@pytest.mark.skipif(not HAS_TLS, reason="vif is built without OpenSSL")
def test_who_waits_fails_with_the_attempt(server, origins, tmp_path_factory):
    """Those that wait, of a route with more patience, do not begin another attempt at a server that took too long."""
    authority = pki.Authority(tmp_path_factory.mktemp("pki") / "ca")
    authority.folder.chmod(0o755)
    dead = origins(silent)
    options = {"to": dead.url.replace("http:", "https:"), "protocol": "h2", "tls": str(authority.certificate)}
    vif = server(config={"sites": [{"routes": {"/": {"proxy": {**options, "connect_timeout": "2s"}},
                                               "/patient": {"proxy": {**options, "connect_timeout": "30s"}}}}]})
    first, second = vif.connect(), vif.connect()
    first.request("GET", "/")
    wire.wait_until(lambda: dead.connection_count == 1, "the attempt")
    second.request("GET", "/patient")
    assert [client.read_response().status for client in (first, second)] == [504, 504]
    assert dead.connection_count == 1


class Leaving:
    """A script that says nothing until `leave` is set, and then ends its first connection."""

    def __init__(self, how):
        self.how = how
        self.leave = threading.Event()

    def __call__(self, peer):
        if peer.number > 0:
            peer.wait_for_end()
            return False
        self.leave.wait(wire.TIME_LIMIT)
        peer.fill()  # so that close(2) does not reset
        getattr(peer, self.how)()
        return False


def ask_all(vif, count):
    """Clients whose requests are in vif; the first is the one for which a connection is opened."""
    clients = []
    for i in range(count):
        clients.append(vif.connect())
        clients[-1].request("GET", f"/{i}")
        wire.wait_until(clients[-1].has_been_read, "the request")
    return clients


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("is_secure", [False, pytest.param(True, marks=pytest.mark.skipif(not HAS_TLS, reason="no OpenSSL"))])
def test_who_waits_fails_with_an_attempt_that_the_server_ends(server, origins, is_secure, how, tmp_path_factory):
    """Not one after the other, each with an attempt of its own."""
    leaving = Leaving(how)
    bad = origins(leaving)
    options = {"to": as_h2c(bad), "connect_timeout": "30s"}
    if is_secure:
        authority = pki.Authority(tmp_path_factory.mktemp("pki") / "ca")
        authority.folder.chmod(0o755)
        options |= {"to": bad.url.replace("http:", "https:"), "protocol": "auto", "tls": str(authority.certificate)}
    vif = server(config={"sites": [{"routes": {"/": {"proxy": options}}}], "log": {"access": {"path": "-", "format": "json"}}})
    clients = ask_all(vif, 6)
    leaving.leave.set()
    assert [client.read_response().status for client in clients] == [502] * 6
    assert len({line["upstream_cause"] for line in log_lines(vif, 6)}) == 1
    assert bad.connection_count == 1


def test_who_waits_for_an_attempt_that_the_server_ends_is_served_by_another(server, origins, h2_origins):
    leaving, good = Leaving("close"), h2_origins()
    bad = origins(leaving)
    config = forwarding([bad, good], connect_timeout="30s")
    servers = config["sites"][0]["routes"]["/"]["proxy"]["to"]
    servers[:] = [as_h2c(bad), {"server": good.url, "backup": True}]
    vif = server(config=config)
    clients = ask_all(vif, 6)
    leaving.leave.set()
    assert [client.read_response().status for client in clients] == [200] * 6
    assert bad.connection_count == 1 and len(good.requests) == 6


def test_who_waits_fails_with_an_attempt_whose_client_has_left(server, origins):
    """The connection has no request any more when its server ends it."""
    leaving = Leaving("close")
    bad = origins(leaving)
    config = forwarding(bad, connect_timeout="30s")
    config["sites"][0]["routes"]["/"]["proxy"]["to"] = as_h2c(bad)
    vif = server(config=config)
    first, *others = ask_all(vif, 4)
    first.close()
    log_lines(vif, 1)
    leaving.leave.set()
    assert [client.read_response().status for client in others] == [502] * 3
    assert bad.connection_count == 1


def test_a_silent_server_gets_no_further_request_on_that_connection(server, origins):
    dead = origins(silent)
    config = forwarding(dead, connect_timeout="200ms", first_byte_timeout="400ms", ping_after="none")
    config["sites"][0]["routes"]["/"]["proxy"]["to"] = as_h2c(dead)
    vif = server(config=config)
    for _ in range(2):
        assert vif.exchange("POST", "/", body=b"x").status == 504
    assert dead.connection_count == 2
