"""`vif upstream`: the servers behind the reverse proxy are shown, and changed while vif runs."""
import collections
import json
import os
import signal
import threading

import pytest

import vif as vif_process
import wire
from proxies import forwarding, named, origins, servers_of, upstream  # noqa: F401

pytestmark = pytest.mark.http1


def bodies(vif, count=8, fields=None):
    return collections.Counter(vif.get("/", fields).body.decode() for _ in range(count))


def test_servers_are_listed(server, origins):
    first, second = origins(named("a")), origins(named("b"))
    config = forwarding([first, second])
    config["sites"][0]["routes"]["/"]["proxy"]["to"][1] = {"server": second.url, "weight": 3, "connections": 7}
    config["sites"][0]["hosts"] = ["example.com", "localhost"]
    vif = server(config=config)
    assert bodies(vif) == {"a": 2, "b": 6}
    text = upstream(vif)
    assert text.startswith("example.com/\n")
    assert f"  {first.url}  up, weight 1, 0 requests now, 2 in all, 0 failed\n" in text
    row = servers_of(vif)[second.url]
    assert row == {"route": "example.com/", "server": second.url, "state": "up", "reason": "", "weight": 3,
                   "connections": 7, "backup": False, "changed": False, "in_use": 0, "requests": 6, "failures": 0}


def test_a_server_is_added_and_removed_in_all_workers(server, origins):
    first, second = origins(named("a")), origins(named("b"))
    vif = server(config=forwarding([first]), workers=4)
    assert bodies(vif, 20) == {"a": 20}
    assert upstream(vif, "add", second.url, "--weight", "2") == f"/: {second.url} is added, with weight 2\n"
    upstream(vif, "weight", first.url, 0)
    assert bodies(vif, 20) == {"b": 20}
    upstream(vif, "weight", first.url, 1)
    assert set(bodies(vif, 40)) == {"a", "b"}
    assert "is removed; it has 0 requests in progress" in upstream(vif, "remove", first.url)
    assert bodies(vif, 20) == {"b": 20}
    assert set(servers_of(vif)) == {second.url}
    upstream(vif, "add", first.url)
    upstream(vif, "remove", second.url)
    assert bodies(vif, 20) == {"a": 20}
    wire.wait_until(lambda: f"upstream: /: {second.url} is removed" in vif.stderr(), "the log")


def test_a_drained_server_finishes_what_it_has(server, origins):
    release = threading.Event()
    slow = origins(lambda peer: peer.read_request() is not None and release.wait(wire.TIME_LIMIT) and peer.answer("slow"))
    vif = server(config=forwarding([slow]), workers=2)
    with vif.connect() as client:
        client.request("GET", "/")
        wire.wait_until(lambda: slow.requests, "the request")
        upstream(vif, "add", origins(named("b")).url)
        assert "gets no new clients; it has 1 requests in progress" in upstream(vif, "drain", slow.url)
        assert servers_of(vif)[slow.url]["state"] == "draining"
        assert bodies(vif) == {"b": 8}
        release.set()
        assert client.read_response().body == b"slow"
    assert servers_of(vif)[slow.url]["in_use"] == 0


def test_clients_that_stick_stay_at_a_drained_server(server, origins):
    first, second = origins(named("a")), origins(named("b"))
    vif = server(config=forwarding([first, second], sticky="srv"))
    response = vif.get("/")
    cookie = {"Cookie": response["set-cookie"].split(";")[0]}
    upstream(vif, "drain", first.url if response.body == b"a" else second.url)
    assert set(bodies(vif, 6, cookie)) == {response.body.decode()}
    assert set(bodies(vif, 6)) == {"a", "b"} - {response.body.decode()}


def test_a_reload_makes_the_servers_those_of_the_file(server, origins):
    first, second = origins(named("a")), origins(named("b"))
    vif = server(config=forwarding([first]))
    upstream(vif, "add", second.url)
    upstream(vif, "drain", first.url)
    assert bodies(vif) == {"b": 8}
    os.kill(vif.process.pid, signal.SIGHUP)
    wire.wait_until(lambda: "changed at run time are those of the file again" in vif.stderr(), "the reload")
    wire.wait_until(lambda: "reload: " in vif.stderr(), "its end")
    assert bodies(vif) == {"a": 8}
    assert set(servers_of(vif)) == {first.url}


def test_a_route_is_chosen_by_its_name(server, origins):
    first, second, third = (origins(named(name)) for name in "abc")
    config = forwarding([first])
    config["sites"][0]["routes"]["/api"] = {"proxy": second.url}
    vif = server(config=config)
    answer = upstream(vif, "add", third.url, good=False)
    assert "several routes forward; choose one with --route:" in answer and "  /api\n" in answer
    upstream(vif, "add", third.url, "--route", "/api")
    upstream(vif, "remove", second.url)
    assert vif.get("/api").body == b"c" and vif.get("/").body == b"a"
    upstream(vif, "add", third.url, "--route", "/")
    upstream(vif, "drain", third.url)
    assert [row["state"] for row in json.loads(upstream(vif, "list", "--json")) if row["server"] == third.url] == \
        ["draining", "draining"]


@pytest.mark.parametrize("words, answer", [
    (["drain", "http://127.0.0.1:1"], "no route has this server"),
    (["add", "http://127.0.0.1:1", "--route", "/no"], "there is no such route; those that forward are:\n  /\n"),
    (["add", "ftp://x"], 'does not begin with "http://", "https://", "h2c://" or "unix:"'),
    (["add", "https://127.0.0.1:1"], "the route does not speak TLS to its servers"),
    (["add"], "expected one server"),
    (["weight", "3000"], "expected a server and its weight"),
    (["weight", "ITS-URL", "many"], "a weight is a number from 0 to 1000"),
    (["weight", "ITS-URL", "1001"], "a weight is a number from 0 to 1000"),
    (["add", "ITS-URL"], "the route has this server already"),
    (["break", "3000"], "knows list, add, weight, drain and remove, but not break"),
])
def test_what_makes_no_sense_is_told(server, origins, words, answer):
    origin = origins(named("a"))
    vif = server(config=forwarding([origin]))
    assert answer in upstream(vif, *[origin.url if word == "ITS-URL" else word for word in words], good=False)
    assert not servers_of(vif)[origin.url]["changed"]


def test_a_removed_last_server_leaves_503(server, origins):
    origin = origins(named("a"))
    vif = server(config=forwarding([origin]))
    upstream(vif, "remove", origin.url)
    response = vif.get("/")
    assert (response.status, response["retry-after"]) == (503, "1")
    upstream(vif, "add", origin.url)
    assert vif.get("/").body == b"a"


def test_an_added_server_is_checked_before_anybody_asks(server, origins):
    """Whoever checks health learns of it without a request."""
    checks = []

    def script(peer):
        request = peer.read_request()
        if request is None:
            return False
        checks.append(request.target)
        return peer.answer("b")

    vif = server(config=forwarding([origins(named("a"))], health={"path": "/healthz", "interval": "20ms"}), workers=2)
    upstream(vif, "add", origins(script).url)
    wire.wait_until(lambda: checks, "a check")
    assert checks[0] == "/healthz"


def test_no_request_fails_while_servers_change(server, origins):
    first, second = origins(named("a")), origins(named("b"))
    vif = server(config=forwarding([first, second]), workers=2)
    ends, seen = threading.Event(), collections.Counter()

    def ask():
        with vif.connect() as client:
            while not ends.is_set():
                seen[client.exchange("GET", "/").status] += 1

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        upstream(vif, "remove", first.url)
        upstream(vif, "add", first.url)
        upstream(vif, "drain", second.url)
        upstream(vif, "weight", second.url, 1)
    ends.set()
    for thread in threads:
        thread.join()
    assert set(seen) == {200}


# ---- metrics ----

def test_metrics_by_server(server, origins):
    first, dead = origins(named("a")), origins()
    dead.stop()
    port = vif_process.free_port()
    config = forwarding([first, dead], health={"interval": "20ms"})
    vif = server(config=config, workers=2)
    own = {"listen": [vif.listener(), {"address": f"127.0.0.1:{port}", "admin": True}], **config}
    vif.config_path.write_text(json.dumps(own), encoding="utf-8")
    os.kill(vif.process.pid, signal.SIGHUP)
    wire.wait_until(lambda: "reload: " in vif.stderr(), "the reload")
    wire.wait_until(lambda: "is down" in vif.stderr(), "the health checks")
    bodies(vif, 6)
    with wire.Client(("127.0.0.1", port)) as client:
        row = next(row for row in json.loads(client.exchange("GET", "/status").body)["servers"] if row["server"] == dead.url)
        assert (row["up"], row["route"], row["reason"]) == (False, "/", "Connection refused")
        lines = dict(line.rsplit(" ", 1) for line in client.exchange("GET", "/metrics").body.decode().splitlines()
                     if not line.startswith("#"))

    def value(name, one):
        return int(lines[f'vif_upstream_server_{name}{{route="/",server="{one.url}"}}'])

    assert value("requests_total", first) == 6
    assert (value("up", first), value("up", dead)) == (1, 0)
    assert value("failed_checks_total", first) == 0 < value("checks_total", first)
    assert value("failed_checks_total", dead) == value("checks_total", dead)
    assert value("in_use", first) == 0
