"""Early data (0-RTT): answered before the handshake is complete, for safe methods only, and never twice."""
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import hpack
import pytest

import h2_wire
import wire
from origin import Origin, echo
from pki import Authority, openssl
from vif import free_port, run, workers_of

pytestmark = pytest.mark.skipif("built without TLS" in run("cert", "--ca", "/nowhere").stderr, reason="built without TLS")

SAYS = {"/": {"respond": "answer"}}
APPLICATION_DATA = 23
FRESH_SECONDS = 8  # OpenSSL refuses early data that comes ten seconds after its client says


@pytest.fixture(scope="module", name="authority")
def fixture_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module", name="pair")
def fixture_pair(authority):
    return authority.issue("early", ["a.example", "b.example"])


def request(target, method="GET", host="a.example", close=False):
    end = "Connection: close\r\n" if close else ""
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{end}\r\n".encode()


def tls(pair, **options):
    return {"certificate": str(pair[0]), "key": str(pair[1]), **options}


class Early:
    """A server, and clients of openssl's that come back to it."""

    def __init__(self, server, folder, sites, workers=2, **config):
        self.folder, self.port = folder, free_port()
        self.log = folder / "access.log"
        listen = [{"address": f"127.0.0.1:{self.port}", "tls": True}]
        self.server = server(config={"listen": listen, "sites": sites, "workers": workers,
                                     "log": {"access": {"path": str(self.log), "format": "json"}}, **config}, port=self.port)
        self.count = 0

    def client(self, *options, port=None):
        return ["openssl", "s_client", "-connect", f"127.0.0.1:{port or self.port}", "-servername", "a.example", "-quiet",
                "-ign_eof", *map(str, options)]

    def session(self, *options, text=request("/first", close=True)):
        """The file of a new session."""
        self.count += 1
        path = self.folder / f"session-{self.count}"
        done = subprocess.run(self.client("-sess_out", path, *options), input=text, capture_output=True, timeout=30, check=False)
        assert path.exists(), done
        return path

    def put(self, data):
        self.count += 1
        path = self.folder / f"early-{self.count}"
        path.write_bytes(data)
        return path

    def come_back(self, session, early, later, *options):
        """What the client gets for its early data and for what it sends after the handshake; and whether the server
        accepted the early data."""
        command = self.client("-sess_in", session, "-early_data", self.put(early), *options)
        command.remove("-quiet")
        done = subprocess.run(command, input=later, capture_output=True, timeout=30, check=False)
        status = re.search(rb"Early data was (not sent|rejected|accepted)", done.stdout)
        return done.stdout, status.group(1).decode() if status else "unknown"

    def first_flight(self, session, early, *options):
        """The bytes of a client that come back, up to the end of its early data."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            command = self.client("-sess_in", session, "-early_data", self.put(early), *options, port=listener.getsockname()[1])
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
                try:
                    connection, _ = listener.accept()
                    with connection:
                        connection.settimeout(wire.TIME_LIMIT)
                        return read_flight(connection)
                finally:
                    client.kill()

    def send_flight(self, flight):
        connection = socket.create_connection(("127.0.0.1", self.port), wire.TIME_LIMIT)
        connection.sendall(flight)
        return connection

    def lines(self):
        text = self.log.read_text() if self.log.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def logged(self, target):
        return [line for line in self.lines() if line["target"] == target]

    def wait_for_log(self, target, count=1):
        wire.wait_until(lambda: len(self.logged(target)) >= count, f"{target} in the log")
        return self.logged(target)


def read_flight(connection):
    flight, at, kind = b"", 0, None
    while kind != APPLICATION_DATA:
        while len(flight) < at + 5 or len(flight) < at + 5 + int.from_bytes(flight[at + 3:at + 5], "big"):
            data = connection.recv(65536)
            assert data, "the client left"
            flight += data
        kind, at = flight[at], at + 5 + int.from_bytes(flight[at + 3:at + 5], "big")
    return flight[:at]


@pytest.fixture(name="early")
def fixture_early(server, pair, tmp_path):
    return Early(server, tmp_path, [{"hosts": ["a.example"], "tls": tls(pair, early_data="safe"), "routes": SAYS},
                                    {"hosts": ["b.example"], "tls": tls(pair), "routes": SAYS}])


def test_a_request_is_answered_before_the_handshake_ends(early):
    got, status = early.come_back(early.session(), request("/early"), request("/late", close=True))
    assert status == "accepted"
    assert got.count(b"HTTP/1.1 200 OK") == 2 and got.count(b"answer") == 2
    assert [line.get("early_data") for line in early.wait_for_log("/early") + early.wait_for_log("/late")] == [True, None]
    # One that never completes the handshake is answered, too.
    with early.send_flight(early.first_flight(early.session(), request("/alone"))) as connection:
        connection.settimeout(wire.TIME_LIMIT)
        assert early.wait_for_log("/alone")[0]["early_data"] is True
        assert connection.recv(65536)


def test_close_waits_for_the_end_of_the_handshake(early):
    """The client gets a close_notify, and so knows that it has the whole response."""
    got, status = early.come_back(early.session(), request("/early", close=True), b"", "-msg")
    assert status == "accepted"
    assert got.count(b"HTTP/1.1 200 OK") == 1 and b"answer" in got
    assert re.search(rb"<<< TLS 1.3, Alert .*close_notify", got)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_is_not_safe_is_too_early(early, method):
    got, status = early.come_back(early.session(), request("/early", method), request("/late", close=True))
    assert status == "accepted"
    assert got.count(b"HTTP/1.1 425 Too Early") == 1 and got.count(b"HTTP/1.1 200 OK") == 1
    assert early.wait_for_log("/early")[0]["status"] == 425


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_is_safe_is_not(early, method):
    got, status = early.come_back(early.session(), request("/early", method), request("/late", close=True))
    assert (status, got.count(b"HTTP/1.1 425")) == ("accepted", 0)
    assert early.wait_for_log("/early")[0]["status"] in (200, 204)


def test_a_site_that_did_not_ask_for_it_gets_none(early):
    got, status = early.come_back(early.session(), request("/other", host="b.example"), request("/late", close=True))
    assert status == "accepted"  # of the site by whose name the client connected
    assert got.count(b"HTTP/1.1 425 Too Early") == 1
    # After the handshake the same request is answered.
    got, _ = early.come_back(early.session(), request("/early"), request("/other", host="b.example", close=True))
    assert got.count(b"HTTP/1.1 200 OK") == 2


def test_a_replay_is_refused_by_every_worker(early):
    flight = early.first_flight(early.session(), request("/once"))
    replays = [early.send_flight(flight) for _ in range(12)]
    try:
        early.wait_for_log("/once")
        # Each was answered with the server's part of the handshake: none waits any more.
        for connection in replays:
            connection.settimeout(wire.TIME_LIMIT)
            assert connection.recv(1)
        replays.extend(early.send_flight(flight) for _ in range(12))
        for connection in replays[12:]:
            connection.settimeout(wire.TIME_LIMIT)
            assert connection.recv(1)
    finally:
        for connection in replays:
            connection.close()
    early.server.stop()
    assert len(early.logged("/once")) == 1


def test_a_replay_to_a_worker_that_was_replaced(early):
    flight = early.first_flight(early.session(), request("/once"))
    early.send_flight(flight).close()
    early.wait_for_log("/once")
    workers = workers_of(early.server.process)
    for worker in workers:
        os.kill(worker, signal.SIGTERM)

    def are_new():
        found = workers_of(early.server.process)
        return len(found) == 2 and not set(workers) & set(found)

    wire.wait_until(are_new, "successors")
    for _ in range(6):
        with early.send_flight(flight) as connection:
            connection.settimeout(wire.TIME_LIMIT)
            assert connection.recv(1)
    early.server.stop()
    assert len(early.logged("/once")) == 1


def test_many_at_once_are_each_answered_once(early):
    barrier = threading.Barrier(4)

    def send(flights):
        barrier.wait()
        for flight in flights:
            with early.send_flight(flight) as connection:
                connection.settimeout(wire.TIME_LIMIT)
                assert connection.recv(1)

    def send_all(targets):
        """How long that took since the first was made."""
        sessions = [early.session() for _ in targets]
        began = time.monotonic()
        flights = [early.first_flight(session, request(target)) for session, target in zip(sessions, targets)]
        threads = [threading.Thread(target=send, args=(flights,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - began

    turn = 0
    while send_all([f"/{turn}-{number}" for number in range(6)]) > FRESH_SECONDS:
        turn += 1  # on a busy machine
    for number in range(6):
        early.wait_for_log(f"/{turn}-{number}")
    early.server.stop()
    assert [len(early.logged(f"/{turn}-{number}")) for number in range(6)] == [1] * 6


def test_it_is_off_by_default(server, pair, tmp_path):
    early = Early(server, tmp_path, [{"tls": tls(pair), "routes": SAYS}])
    session = early.session()
    assert b"Max Early Data: 0" in openssl("sess_id", "-in", session, "-text", "-noout") or \
        b"Max Early Data" not in openssl("sess_id", "-in", session, "-text", "-noout")


def test_a_listener_turns_it_on_for_its_sites(server, pair, tmp_path):
    port = free_port()
    early = Early.__new__(Early)
    early.folder, early.port, early.count, early.log = tmp_path, port, 0, tmp_path / "access.log"
    sites = [{"hosts": ["b.example"], "tls": {"early_data": "none"}, "routes": SAYS}, {"hosts": ["*"], "routes": SAYS}]
    early.server = server(config={"listen": [{"address": f"127.0.0.1:{port}", "tls": tls(pair, early_data="safe")}],
                                  "log": {"access": {"path": str(early.log), "format": "json"}}, "sites": sites}, port=port)
    got, status = early.come_back(early.session(), request("/early"), request("/late", close=True))
    assert (status, got.count(b"HTTP/1.1 200 OK")) == ("accepted", 2)
    got, status = early.come_back(early.session(), request("/early", host="b.example"), request("/late", close=True))
    assert (status, got.count(b"HTTP/1.1 425 Too Early")) == ("accepted", 1)


def test_no_early_data_in_the_name_of_a_client(server, pair, authority, tmp_path):
    clients = Authority(tmp_path / "clients", "Client Authority")
    ada = clients.issue("ada", usage="clientAuth")
    demands = {"client": "required", "client_ca": str(clients.certificate), "early_data": "safe"}
    early = Early(server, tmp_path, [{"tls": tls(pair, **demands), "routes": SAYS}])
    known = ["-cert", ada[0], "-key", ada[1]]
    session = early.session(*known)
    text = openssl("sess_id", "-in", session, "-text", "-noout")
    assert b"Max Early Data: 0" in text or b"Max Early Data" not in text
    # The session is resumed all the same, and the client is who it was.
    done = subprocess.run(early.client("-sess_in", session, *known), input=request("/again", close=True),
                          capture_output=True, timeout=30, check=False)
    assert b"HTTP/1.1 200 OK" in done.stdout
    assert early.wait_for_log("/again")[0]["client_subject"] == "CN=ada"


def test_an_origin_knows_that_a_request_may_be_a_replay(server, pair, tmp_path):
    origin = Origin(echo)
    try:
        routes = {"/": {"proxy": {"to": [origin.url]}}}
        early = Early(server, tmp_path, [{"tls": tls(pair, early_data="safe"), "routes": routes}])
        got, status = early.come_back(early.session(), request("/early"), request("/late", close=True))
        assert (status, got.count(b"HTTP/1.1 200 OK")) == ("accepted", 2)
        marks = {asked.target: asked.values("Early-Data") for asked in origin.requests}
        assert marks == {"/first": [], "/early": ["1"], "/late": []}
        # A proxy in front may have said so already.
        marked = request("/again").replace(b"Host:", b"Early-Data: 1\r\nHost:")
        early.come_back(early.session(), marked, request("/late", close=True))
        asked = [asked for asked in origin.requests if asked.target == "/again"][0]
        assert asked.values("Early-Data") == ["1"]
    finally:
        origin.stop()


def test_over_http2(early):
    if "nghttp2" not in run("version").stdout:
        pytest.skip("vif is built without HTTP/2")
    encoder = hpack.Encoder()

    def head(stream, method, path):
        fields = [(":method", method), (":scheme", "https"), (":authority", "a.example"), (":path", path)]
        return h2_wire.frame(h2_wire.HEADERS, h2_wire.END_HEADERS | h2_wire.END_STREAM, stream, encoder.encode(fields))

    begin = h2_wire.PREFACE + h2_wire.settings()
    session = early.session("-alpn", "h2", text=begin + h2_wire.frame(h2_wire.GOAWAY, payload=bytes(8)))
    flight = early.first_flight(session, begin + head(1, "GET", "/h2") + head(3, "POST", "/h2-post"), "-alpn", "h2")
    with early.send_flight(flight), early.send_flight(flight):
        assert (early.wait_for_log("/h2")[0]["status"], early.wait_for_log("/h2-post")[0]["status"]) == (200, 425)
    early.server.stop()
    assert len(early.logged("/h2")) == len(early.logged("/h2-post")) == 1
    assert early.logged("/h2")[0]["early_data"] is True


def test_keys_of_several_machines_are_refused(pair, tmp_path):
    keys = tmp_path / "ticket.keys"
    keys.write_bytes(bytes(80))
    keys.chmod(0o600)
    config = tmp_path / "vif.yaml"
    config.write_text(json.dumps({"listen": [{"address": "127.0.0.1:8443", "tls": True}], "tickets": {"keys": str(keys)},
                                  "sites": [{"tls": tls(pair, early_data="safe"), "routes": SAYS}]}))
    checked = run("check", "-c", config)
    assert checked.returncode == 2
    assert "could be replayed there" in checked.stderr
