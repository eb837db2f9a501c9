"""Servers that are found by name: their addresses, how long these hold, and what happens without a name server."""
import json
import os
import signal
import socket
import threading
import time

import pytest

import vif as vif_process
import wire
from name_server import SRV, NameServer
from origin import Origin, Silent
from proxies import forwarding, log_lines, named, origins  # noqa: F401

pytestmark = pytest.mark.http1

if "c-ares" not in vif_process.run("version").stdout:
    pytest.skip("built without c-ares", allow_module_level=True)


@pytest.fixture
def name_server():
    one = NameServer()
    yield one
    one.stop()


@pytest.fixture
def hosts(origins):
    """hosts("ab"): an origin for each letter, at 127.0.0.2 and so on, all with the same port."""

    def make(names, script=named):
        for _ in range(100):
            first = origins(script(names[0]), ("127.0.0.2", 0))
            port = first.address[1]
            try:
                return [first] + [origins(script(name), (f"127.0.0.{number}", port))
                                  for number, name in enumerate(names[1:], 3)]
            except OSError:
                continue
        raise OSError("no port is free at all addresses")

    return make


def configured(name_server, url, **options):
    config = forwarding([], **options)
    config["sites"][0]["routes"]["/"]["proxy"]["to"] = url
    return {**config, "name_servers": [name_server.address]}


def url_of(host, name="app.test"):
    return f"http://{name}:{host.address[1]}"


def bodies(vif, count=12):
    with vif.connect() as client:
        return {client.exchange("GET", "/").body.decode() for _ in range(count)}


def status_of(vif, path="/"):
    with vif.connect() as client:
        return client.exchange("GET", path).status


def test_each_address_is_a_server(server, name_server, hosts):
    several = hosts("abc")
    name_server.names["app.test"] = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
    vif = server(config=configured(name_server, url_of(several[0])), workers=2)
    wire.wait_until(lambda: bodies(vif) == {"a", "b", "c"}, "all servers")
    text = vif_process.run("upstream", "list", "--pid", vif.process.pid).stdout
    for number, host in enumerate(several, 2):
        assert f"{url_of(host)} (127.0.0.{number}:{host.address[1]})  up, weight 1, " in text
    told = vif_process.run("status", "--pid", vif.process.pid).stdout
    assert "forwards /: 3 of 3 servers up" in told


def test_the_host_is_that_of_the_url(server, name_server, hosts):
    seen = []

    def script(name):
        def answer(peer):
            request = peer.read_request()
            if request is None:
                return False
            seen.append(request["Host"])
            return peer.answer(name)
        return answer

    several = hosts("ab", script)
    name_server.names["app.test"] = ["127.0.0.2", "127.0.0.3"]
    vif = server(config=configured(name_server, url_of(several[0]), host="server"))
    wire.wait_until(lambda: bodies(vif) == {"a", "b"}, "both servers")
    assert set(seen) == {f"app.test:{several[0].address[1]}"}


@pytest.mark.parametrize("silent", ["127.0.0.2", "::1"])
def test_an_address_that_is_not_reached_costs_no_request(server, name_server, origins, silent):
    """Of a name with both families the other one is tried beside it: without that each request would wait for the
    connection until the test is over. From then on it is the only one: of the two, only that which is tried first is
    ever tried when it is silent, and only once."""
    families = {"127.0.0.2": socket.AF_INET, "::1": socket.AF_INET6}
    other, = set(families) - {silent}
    origin = origins(named("x"), (other, 0), families[other])
    hole = Silent((silent, origin.address[1]), families[silent])
    try:
        name_server.names["app.test"] = list(families)
        vif = server(config=configured(name_server, url_of(origin), connect_timeout="10m", idle_connections=0))
        assert vif.get("/").body == b"x"
        tries = hole.tries()
        assert (tries > 0) is (silent == "127.0.0.2")
        wire.wait_until(lambda: not hole.is_being_tried(), "the attempt to be given up")
        for _ in range(5):
            assert vif.get("/").body == b"x"
        assert origin.connection_count == 6 and hole.tries() == tries
    finally:
        hole.stop()


def test_of_both_families_neither_answers(server, name_server):
    first = Silent(("127.0.0.2", 0), socket.AF_INET)
    second = Silent(("::1", first.listener.getsockname()[1]), socket.AF_INET6)
    try:
        name_server.names["app.test"] = ["127.0.0.2", "::1"]
        vif = server(config=configured(name_server, f"http://app.test:{first.listener.getsockname()[1]}",
                                       connect_timeout="500ms"))
        assert vif.get("/").status == 504
        assert log_lines(vif, 1)[0]["upstream_cause"] == "connect_timeout"
    finally:
        first.stop()
        second.stop()


def test_both_families_are_one_server(server, name_server, origins):
    """Which has one name, and the other address when the one is gone."""
    first = origins(named("v4"), ("127.0.0.2", 0))
    both = {"v4": first, "v6": origins(named("v6"), ("::1", first.address[1]), socket.AF_INET6)}
    name_server.names["app.test"] = ["127.0.0.2", "::1"]
    vif = server(config=configured(name_server, url_of(first)))
    used, = bodies(vif)
    other, = set(both) - {used}
    told = json.loads(vif_process.run("upstream", "list", "--json", "--pid", vif.process.pid).stdout)
    assert [row["server"] for row in told] == [url_of(first)]
    both[used].stop()
    assert bodies(vif) == {other}


def test_new_addresses_are_taken_when_the_time_is_over(server, name_server, hosts):
    several = hosts("abc")
    name_server.names["app.test"] = ["127.0.0.2"]
    vif = server(config=configured(name_server, url_of(several[0])), workers=2)
    wire.wait_until(lambda: bodies(vif) == {"a"}, "the first server")
    name_server.names["app.test"] = ["127.0.0.3", "127.0.0.4"]
    with vif.connect() as client:  # no connection is closed for it
        wire.wait_until(lambda: client.exchange("GET", "/").body in (b"b", b"c"), "new servers")
    wire.wait_until(lambda: all(bodies(vif) == {"b", "c"} for _ in range(5)), "both of them, in both workers")
    name_server.names["app.test"] = ["127.0.0.3"]
    wire.wait_until(lambda: all(bodies(vif) == {"b"} for _ in range(5)), "none but one")
    name_server.names["app.test"] = ["127.0.0.4"]
    wire.wait_until(lambda: all(bodies(vif) == {"c"} for _ in range(5)), "no connection to the one before")


def test_a_long_time_is_kept(server, name_server, hosts):
    """A name is not asked for again before that."""
    several = hosts("a")
    name_server.names["app.test"] = ["127.0.0.2"]
    name_server.ttl = 1000
    vif = server(config=configured(name_server, url_of(several[0])))
    wire.wait_until(lambda: bodies(vif) == {"a"}, "the server")
    asked = len(name_server.asked)
    time.sleep(1.5)
    assert bodies(vif) == {"a"} and len(name_server.asked) == asked


def test_vif_starts_without_dns(server, name_server, hosts):
    several = hosts("a")
    name_server.fails = True
    vif = server(config=configured(name_server, url_of(several[0]), queue_timeout="100ms"))
    wire.wait_until(lambda: "cannot find the address of \"app.test\"" in vif.stderr(), "the reason")
    response = vif.get("/")
    assert (response.status, response["retry-after"]) == (503, "1")
    assert log_lines(vif, 1)[-1]["upstream_cause"] == "no_address"
    name_server.names["app.test"] = ["127.0.0.2"]
    name_server.fails = False
    wire.wait_until(lambda: status_of(vif) == 200, "the server")
    wire.wait_until(lambda: "the address of \"app.test\" is known again" in vif.stderr(), "the line")


@pytest.mark.parametrize("how", ["fails", "is_silent", "forgets"])
def test_the_last_addresses_stay_in_use(server, name_server, hosts, how):
    several = hosts("ab")
    name_server.names["app.test"] = ["127.0.0.2", "127.0.0.3"]
    vif = server(config=configured(name_server, url_of(several[0])))
    wire.wait_until(lambda: bodies(vif) == {"a", "b"}, "both servers")
    if how == "forgets":
        del name_server.names["app.test"]
    else:
        setattr(name_server, how, True)
    wire.wait_until(lambda: "; the last ones stay in use" in vif.stderr(), "the failure")
    assert bodies(vif) == {"a", "b"}


def test_a_silent_name_server_holds_up_nobody(server, name_server):
    """Requests that need the name wait; others do not, and vif can be ended."""
    name_server.is_silent = True
    config = configured(name_server, "http://app.test")
    config["sites"][0]["routes"]["/other"] = {"respond": "ok"}
    vif = server(config=config)
    wire.wait_until(lambda: name_server.asked, "the question")
    with vif.connect() as waits:
        waits.request("GET", "/")
        for _ in range(20):
            assert status_of(vif, "/other") == 200
    vif.stop()


def test_a_long_answer_comes_over_tcp(server, name_server, hosts):
    several = hosts("a")
    name_server.names["app.test"] = ["127.0.0.2"]
    name_server.truncates = True
    vif = server(config=configured(name_server, url_of(several[0])))
    wire.wait_until(lambda: status_of(vif) == 200, "the server")


def test_services(server, name_server, origins):
    """SRV: ports, weights, and those that are for when the others are down."""
    several = {name: origins(named(name)) for name in ("a", "b", "backup")}
    name_server.names["host.test"] = ["127.0.0.1"]
    name_server.names["_http._tcp.app.test"] = [
        (1, 30, several["a"].address[1], "host.test"), (1, 10, several["b"].address[1], "host.test"),
        (2, 10, several["backup"].address[1], "host.test")]
    vif = server(config=configured(name_server, "http://_http._tcp.app.test", max_failures=1, retry_after="60s"))
    wire.wait_until(lambda: bodies(vif) == {"a", "b"}, "both servers")
    assert ("_http._tcp.app.test", SRV) in name_server.asked
    with vif.connect() as client:
        got = [client.exchange("GET", "/").body for _ in range(40)]
    assert (got.count(b"a"), got.count(b"b")) == (30, 10)
    several["a"].stop()
    several["b"].stop()
    wire.wait_until(lambda: bodies(vif) == {"backup"}, "the backup")


def test_a_host_that_cannot_be_looked_up_stays(server, name_server, origins):
    """A name server that fails for one host of a service does not take it away; one that knows it no more does."""
    several = {name: origins(named(name)) for name in "abc"}
    name_server.names["_http._tcp.app.test"] = [
        (1, 1, origin.address[1], f"{name}.test") for name, origin in several.items()]
    name_server.names.update({f"{name}.test": ["127.0.0.1"] for name in several})
    vif = server(config=configured(name_server, "http://_http._tcp.app.test"))
    wire.wait_until(lambda: bodies(vif) == {"a", "b", "c"}, "all servers")
    name_server.failing.add("c.test")
    wire.wait_until(lambda: 'cannot find all addresses of "_http._tcp.app.test"' in vif.stderr(), "the failure")
    assert "; the last ones stay in use" in vif.stderr()
    assert bodies(vif) == {"a", "b", "c"}
    del name_server.names["c.test"]
    name_server.failing.clear()
    wire.wait_until(lambda: bodies(vif) == {"a", "b"}, "the others")
    wire.wait_until(lambda: "is known again" in vif.stderr(), "the line")


def test_of_too_many_the_first_by_priority_serve(server, name_server, origins):
    """Whatever the order of the answer: here the one that counts comes last."""
    first = origins(named("first"))
    name_server.names["host.test"] = ["127.0.0.1"]
    name_server.names["_http._tcp.app.test"] = [
        *((2, 1, port, "host.test") for port in range(1, 80)), (1, 1, first.address[1], "host.test")]
    vif = server(config=configured(name_server, "http://_http._tcp.app.test"))
    wire.wait_until(lambda: status_of(vif) == 200, "the server")
    assert bodies(vif) == {"first"}


def test_of_too_many_addresses_the_lowest_serve(server, name_server):
    name_server.truncates = True
    name_server.names["app.test"] = [f"127.0.1.{number}" for number in range(80, 0, -1)]
    vif = server(config=configured(name_server, "http://app.test:9"))

    def told():
        """A request makes the servers of the answer known; none listens."""
        assert status_of(vif) >= 500
        text = vif_process.run("upstream", "list", "--pid", vif.process.pid).stdout
        return text if "(127.0.1." in text else None

    text = wire.wait_until(told, "the servers")
    assert [f"(127.0.1.{number}:9)" in text for number in range(1, 81)] == [True] * 64 + [False] * 16


def test_health_of_each_address(server, name_server, hosts):
    several = hosts("ab")
    name_server.names["app.test"] = ["127.0.0.2", "127.0.0.3"]
    vif = server(config=configured(name_server, url_of(several[0]), health={"interval": "20ms", "fall": 2}))
    wire.wait_until(lambda: bodies(vif) == {"a", "b"}, "both servers")
    several[1].stop()
    port = several[0].address[1]
    wire.wait_until(lambda: f"app.test:{port} (127.0.0.3:{port}) is down for /: " in vif.stderr(), "it to be down")
    assert bodies(vif) == {"a"}


def test_a_check_outlives_new_addresses(server, origins):
    """A name that changes with each look-up, every second, while a check of a server that hangs takes longer."""

    class Rotating(NameServer):
        def records(self, name, kind):
            self.names[name] = ["127.0.0.2", f"127.0.0.{len(self.asked) % 250 + 3}"]
            return super().records(name, kind)

    ended = threading.Event()
    hanging = origins(lambda peer: peer.read_request() is not None and ended.wait(60) and False, ("127.0.0.2", 0))
    names = Rotating({"app.test": []})
    health = {"path": "/", "interval": "100ms", "timeout": "2500ms"}
    vif = server(config=configured(names, url_of(hanging), health=health))
    wire.wait_until(lambda: "(127.0.0.2:" in vif.stderr(), "the server that hangs to be down")
    assert f"(127.0.0.2:{hanging.address[1]}) is down for /: no answer in time" in vif.stderr()
    ended.set()
    names.stop()


@pytest.mark.parametrize("wrong", ["example.com", "10.0.0.0/8", "unix:/run/dns", ":53", "10.0.0.1:99999", ""])
def test_a_name_server_is_an_address(tmp_path, wrong):
    path = tmp_path / "vif.yaml"
    path.write_text(f'name_servers: ["{wrong}"]\nsites: [{{routes: {{/: {{respond: ok}}}}}}]\n', encoding="ascii")
    told = vif_process.run("check", "-c", path)
    assert told.returncode != 0 and ":1:" in told.stderr, told.stderr


@pytest.mark.parametrize("right", ["10.0.0.53", "10.0.0.53:5353", "2001:db8::53", "[2001:db8::53]:53"])
def test_name_servers(tmp_path, right):
    path = tmp_path / "vif.yaml"
    path.write_text(f'name_servers: "{right}"\nsites: [{{routes: {{/: {{respond: ok}}}}}}]\n', encoding="ascii")
    told = vif_process.run("check", "-c", path)
    assert told.returncode == 0, told.stderr


def test_a_reload_changes_the_name_servers(server, name_server, hosts):
    several = hosts("ab")
    other = NameServer({"app.test": ["127.0.0.3"]})
    name_server.names["app.test"] = ["127.0.0.2"]
    config = configured(name_server, url_of(several[0]))
    vif = server(config=config)
    wire.wait_until(lambda: bodies(vif) == {"a"}, "the first server")
    config["name_servers"] = [other.address]
    vif.config_path.write_text(json.dumps({"listen": [vif.listener()], "workers": 1, **config}), encoding="utf-8")
    os.kill(vif.process.pid, signal.SIGHUP)
    wire.wait_until(lambda: bodies(vif) == {"b"}, "the other server")
    other.stop()


def test_many_changes_leave_nothing_behind(server, name_server, hosts):
    """A name whose addresses change with each look-up, under load: no request is lost."""
    several = hosts("abcd")
    name_server.names["app.test"] = ["127.0.0.2", "127.0.0.3"]
    vif = server(config=configured(name_server, url_of(several[0])), workers=2)
    wire.wait_until(lambda: status_of(vif) == 200, "a server")
    ended, statuses = threading.Event(), []

    def ask():
        with vif.connect() as client:
            while not ended.is_set():
                statuses.append(client.exchange("GET", "/").status)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for addresses in (["127.0.0.4"], ["127.0.0.5", "127.0.0.2"], ["127.0.0.3"]):
        name_server.names["app.test"] = addresses
        wanted = {"abcd"[int(one[-1]) - 2] for one in addresses}
        wire.wait_until(lambda: bodies(vif) == wanted, addresses)  # pylint: disable=cell-var-from-loop
    ended.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200}
