"""Checks of the health of the servers behind the reverse proxy, and servers that are left out because they fail."""
import collections
import json
import os
import signal
import socket
import threading
import time

import pytest

import vif as vif_process
import wire
from proxies import forwarding, origins, proxy  # noqa: F401

pytestmark = pytest.mark.http1


class App:
    """An origin whose health checks get what the test says; other requests get its name."""

    def __init__(self, origins, name):
        self.name = name
        self.reply = "HTTP/1.1 200 OK\r\nX-Ready: yes\r\nContent-Length: 8\r\n\r\nI am ok\n"
        self.checks = 0
        self.origin = origins(self.script)
        self.url = self.origin.url

    def script(self, peer):
        request = peer.read_request()
        if request is None:
            return False
        if request.target != "/healthz":
            return peer.answer(self.name)
        self.checks += 1
        return self.reply is not None and peer.send(self.reply) and "close" not in self.reply

    def stop(self):
        self.origin.stop()


def bodies(vif, count=6):
    return {vif.get("/").body.decode() for _ in range(count)}


def quick(**options):
    return {"path": "/healthz", "interval": "20ms", "timeout": "5s", "fall": 2, "rise": 2, **options}


def status(code):
    return f"HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n"


def make(server, origins, workers=1, names="ab", **health):
    apps = [App(origins, name) for name in names]
    return server(config=forwarding(apps, health=quick(**health)), workers=workers), apps


BAD = {
    "a status": ({}, status(503), "status 503 instead of 200-399"),
    "another status": ({"status": 200}, status(204), "status 204 instead of 200"),
    "no header": ({"header": "X-Ready"}, status(200), 'no header "X-Ready"'),
    "another header": ({"header": "X-Ready: yes"}, "HTTP/1.1 200 OK\r\nX-Ready: no\r\nContent-Length: 0\r\n\r\n",
                       'no header "X-Ready: yes"'),
    "no text": ({"body": "I am ok"}, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nI am ko", 'no "I am ok" in its content'),
    "until close": ({"body": "I am ok"}, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nI am ko", "in its content"),
    "no HTTP": ({}, "SSH-2.0-OpenSSH\r\n\r\n", "it does not begin with a status line"),
    "the end": ({}, None, "it closed the connection instead of answering"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_server_is_down_and_up_again(server, origins, what):
    health, reply, reason = BAD[what]
    vif, (first, second) = make(server, origins, **health)
    good = first.reply
    wire.wait_until(lambda: first.checks >= 3 and second.checks >= 3, "some checks")
    assert bodies(vif) == {"a", "b"}
    first.reply = reply
    wire.wait_until(lambda: f"{first.url} is down for /: " in vif.stderr(), "the server to be down")
    assert reason in vif.stderr()
    assert bodies(vif) == {"b"}
    first.reply = good
    wire.wait_until(lambda: f"{first.url} is up for /" in vif.stderr(), "the server to be up")
    assert bodies(vif) == {"a", "b"}
    assert vif.stderr().count("is down") == vif.stderr().count("is up") == 1


def test_one_bad_check_is_none(server, origins):
    vif, (first, _) = make(server, origins, fall=3)
    wire.wait_until(lambda: first.checks >= 2, "checks")
    good, bad = first.reply, status(500)
    for _ in range(3):
        before = first.checks
        first.reply = bad
        wire.wait_until(lambda: first.checks > before, "a bad check")  # pylint: disable=cell-var-from-loop
        first.reply = good
        before = first.checks
        wire.wait_until(lambda: first.checks > before + 1, "a good check")  # pylint: disable=cell-var-from-loop
    assert "is down" not in vif.stderr()


def test_a_server_that_is_bad_at_first_is_down_at_once(server, origins):
    apps = [App(origins, name) for name in "ab"]
    apps[0].reply = status(500)
    vif = server(config=forwarding(apps, health=quick(fall=1000)))
    wire.wait_until(lambda: "is down for /: status 500" in vif.stderr(), "the server to be down")
    assert bodies(vif) == {"b"}


def test_a_silent_server_is_down(server, origins):
    silent = origins(lambda peer: peer.read_request() is not None and peer.wait_for_end())
    app = App(origins, "b")
    vif = server(config=forwarding([silent, app], health=quick(timeout="200ms")))
    wire.wait_until(lambda: f"{silent.url} is down for /: no answer in time" in vif.stderr(), "the server to be down")
    assert bodies(vif) == {"b"}


def test_connections_alone_can_be_checked(server, origins):
    first, second = App(origins, "a"), App(origins, "b")
    vif = server(config=forwarding([first, second], health={"interval": "20ms", "fall": 2}))
    assert bodies(vif) == {"a", "b"}
    first.stop()
    wire.wait_until(lambda: f"{first.url} is down for /: " in vif.stderr(), "the server to be down")
    assert "Connection refused" in vif.stderr()
    assert first.checks == second.checks == 0
    assert bodies(vif) == {"b"}


def test_health_true_checks_connections(server, origins):
    dead = origins()
    dead.stop()
    vif = server(config=forwarding([dead, App(origins, "b")], health=True))
    wire.wait_until(lambda: f"{dead.url} is down for /" in vif.stderr(), "the server to be down")
    assert bodies(vif) == {"b"}


def test_servers_that_are_all_down_get_requests(server, origins):
    """A wrong check must not take a site down."""
    apps = [App(origins, name) for name in "ab"]
    for app in apps:
        app.reply = status(500)
    vif = server(config=forwarding(apps, health=quick()))
    wire.wait_until(lambda: vif.stderr().count("is down") == 2, "the servers to be down")
    assert bodies(vif) == {"a", "b"}


def test_the_status_names_what_is_down(server, origins):
    vif, (first, _) = make(server, origins)
    wire.wait_until(lambda: first.checks >= 2, "checks")
    told = vif_process.run("status", "--pid", vif.process.pid).stdout
    assert "\nforwards /: 2 of 2 servers up\n" in told
    first.reply = status(500)
    wire.wait_until(lambda: "is down" in vif.stderr(), "the server to be down")
    told = vif_process.run("status", "--pid", vif.process.pid).stdout
    assert "\nforwards /: 1 of 2 servers up\n" in told
    assert f"\n  {first.url}  down (status 500 instead of 200-399), weight 1, " in told


def test_panic(server, origins):
    """With one of three left, and a threshold above that, all get requests."""
    apps = [App(origins, name) for name in "abc"]
    config = forwarding(apps, health=quick(), panic=50)
    for app in apps[:2]:
        app.reply = status(500)
    vif = server(config=config)
    wire.wait_until(lambda: vif.stderr().count("is down") == 2, "the servers to be down")
    assert bodies(vif) == {"a", "b", "c"}


def test_one_worker_checks_for_all(server, origins):
    vif, (first, _) = make(server, origins, workers=4, interval="100ms")
    wire.wait_until(lambda: first.checks >= 1, "a check")
    began, before = time.monotonic(), first.checks
    wire.wait_until(lambda: first.checks >= before + 10, "checks")
    assert time.monotonic() - began > 0.7, "several workers check"
    first.reply = status(500)
    wire.wait_until(lambda: "is down" in vif.stderr(), "the server to be down")
    assert bodies(vif, 40) == {"b"}
    assert vif.stderr().count("is down") == 1


def worker_pids(vif):
    return vif_process.workers_of(vif.process)


def test_another_worker_goes_on(server, origins):
    """All workers are replaced one after the other: whoever checked is among them, and checks go on."""
    vif, (first, _) = make(server, origins, workers=2)
    wire.wait_until(lambda: first.checks >= 3, "checks")
    for pid in worker_pids(vif):
        os.kill(pid, signal.SIGTERM)  # of a single worker: another one takes its place
        before = first.checks
        wire.wait_until(lambda: first.checks > before + 5, "checks")  # pylint: disable=cell-var-from-loop
    first.reply = status(500)
    wire.wait_until(lambda: f"{first.url} is down" in vif.stderr(), "the server to be down")


def test_checks_do_not_wait_for_requests(server, origins):
    """The server has as many requests as it takes, and more wait; its checks go on beside them."""
    release = threading.Event()
    app = App(origins, "a")

    def slow(peer):
        request = peer.read_head()
        if request is None:
            return False
        if request.target == "/healthz":
            app.checks += 1
            return peer.send(app.reply)
        return release.wait(wire.TIME_LIMIT) and peer.answer("a")

    app.origin.script = slow
    vif = server(config=forwarding([app], health=quick(), connections=1))
    clients = [vif.connect() for _ in range(5)]
    for client in clients:
        client.request("GET", "/")
    before = app.checks
    wire.wait_until(lambda: app.checks > before + 10, "checks")
    assert "is down" not in vif.stderr()
    release.set()
    for client in clients:
        assert client.read_response().body == b"a"
        client.close()


def test_a_reload_keeps_what_is_known(server, origins):
    """A server that is down stays down over a change of settings that still names it."""
    apps = [App(origins, name) for name in "ab"]
    config = forwarding(apps, health=quick(rise=1000))
    apps[0].reply = status(500)
    vif = server(config=config)
    wire.wait_until(lambda: "is down" in vif.stderr(), "the server to be down")
    apps[0].reply = status(200)
    config["sites"][0]["routes"]["/"]["proxy"]["queue"] = 7
    vif.config_path.write_text(json.dumps({"listen": [vif.listener()], "workers": 1, **config}), encoding="utf-8")
    os.kill(vif.process.pid, signal.SIGHUP)
    wire.wait_until(lambda: "reload: " in vif.stderr(), "the reload")
    before = apps[0].checks
    wire.wait_until(lambda: apps[0].checks > before + 3, "checks")
    assert bodies(vif) == {"b"}


def reload(vif, config, workers=1):
    before = vif.stderr().count("reload: ")
    vif.config_path.write_text(json.dumps({"listen": [vif.listener()], "workers": workers, **config}), encoding="utf-8")
    os.kill(vif.process.pid, signal.SIGHUP)
    wire.wait_until(lambda: vif.stderr().count("reload: ") > before, "the reload")


def test_a_reload_without_checks_forgets_them(server, origins):
    """Nobody would find that the server is up again."""
    apps = [App(origins, name) for name in "ab"]
    apps[0].reply = status(500)
    config = forwarding(apps, health=quick())
    vif = server(config=config, workers=2)
    wire.wait_until(lambda: "is down" in vif.stderr(), "the server to be down")
    del config["sites"][0]["routes"]["/"]["proxy"]["health"]
    reload(vif, config, workers=2)
    assert bodies(vif, 40) == {"a", "b"}
    assert "2 of 2 servers up" in vif_process.run("status", "--pid", vif.process.pid).stdout


def test_checks_try_all_addresses(server, origins):
    """As requests do: localhost is 127.0.0.1, where nothing listens here, and ::1."""
    app = App(lambda script: origins(script, ("::1", 0), socket.AF_INET6), "a")
    app.url = f"http://localhost:{app.origin.address[1]}"
    vif = server(config=forwarding([app], health=quick()))
    wire.wait_until(lambda: app.checks >= 3, "checks")
    assert "is down" not in vif.stderr()
    assert bodies(vif) == {"a"}


def test_what_a_killed_worker_had_is_given_back(server, origins):
    """Also if it is not replaced: with one worker less, one of them has ended for good."""
    release = threading.Event()
    slow = origins(lambda peer: peer.read_request() is not None and release.wait(wire.TIME_LIMIT) and peer.answer("x"))
    config = forwarding([slow])
    vif = server(config=config, workers=2)

    def in_use():
        text = vif_process.run("upstream", "list", "--json", "--pid", vif.process.pid).stdout
        return json.loads(text)[0]["in_use"]

    clients = [vif.connect() for _ in range(16)]
    for client in clients:
        client.request("GET", "/")
    wire.wait_until(lambda: len(slow.requests) == 16, "the requests")
    assert in_use() == 16
    pids = worker_pids(vif)
    reload(vif, config, workers=1)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wire.wait_until(lambda: in_use() == 0, "the places")
    release.set()
    for client in clients:
        client.close()
    assert vif.get("/").body == b"x"
    vif.kill()  # a worker that was ended by a signal is not a fault here


def test_a_client_does_not_stay_at_a_server_that_is_down(server, origins):
    """Even if that still answers: it may have lost its data base."""
    apps = {name: App(origins, name) for name in "ab"}
    vif = server(config=forwarding(list(apps.values()), health=quick(), sticky="srv"))
    first = vif.get("/")
    cookie = {"Cookie": first["set-cookie"].split(";")[0]}
    name = first.body.decode()
    wire.wait_until(lambda: apps[name].checks >= 2, "checks")
    assert vif.get("/", cookie).body.decode() == name
    apps[name].reply = status(500)
    wire.wait_until(lambda: "is down" in vif.stderr(), "the server to be down")
    moved = vif.get("/", cookie)
    assert moved.body.decode() != name and moved["set-cookie"]


# ---- servers that fail ----

def test_a_server_that_fails_again_is_left_out_for_longer(server, origins):
    dead = origins()
    dead.stop()
    vif = server(config=forwarding([dead, App(origins, "b")], max_failures=1, retry_after="100ms"))
    for duration in (100, 200, 300):
        def is_out(text=f"is left out for {duration} ms"):
            assert vif.get("/").body == b"b"
            return text in vif.stderr()
        wire.wait_until(is_out, f"{duration} ms")


def test_failures_count_over_all_workers(server, origins):
    """Three failures, whichever workers have seen them."""
    dead = origins()
    dead.stop()
    vif = server(config=forwarding([dead, App(origins, "b")], max_failures=3, retry_after="60s"), workers=4)
    for _ in range(40):
        assert vif.get("/").body == b"b"
    wire.wait_until(lambda: "is left out for 60000 ms after" in vif.stderr(), "the server to be left out")
    assert vif.stderr().count("is left out") == 1
    assert dead.url in vif.stderr()


def test_a_server_that_is_back_starts_slowly(server, origins):
    apps = [App(origins, name) for name in "cd"]
    vif = server(config=forwarding(apps, health=quick(), slow_start="1h"))
    wire.wait_until(lambda: apps[0].checks >= 2, "checks")
    apps[0].reply = status(500)
    wire.wait_until(lambda: "is down" in vif.stderr(), "the server to be down")
    apps[0].reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    wire.wait_until(lambda: "is up" in vif.stderr(), "the server to be up")
    got = collections.Counter(vif.get("/").body.decode() for _ in range(44))
    assert got == {"c": 4, "d": 40}
