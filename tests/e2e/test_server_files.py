"""Servers from a file that is watched (`to_file`): how it is read at the start, which changes are noticed, what becomes
of servers that stay and of those that go, what a wrong list does, and how all that goes with `vif upstream` and reloads."""
import collections
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

import pki
import succession
import vif as vif_process
import wire
from origin import Origin
from proxies import forwarding, log_lines, named, origins, servers_of, upstream  # noqa: F401

pytestmark = [pytest.mark.http1, pytest.mark.any_backend]

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def several(origins):
    """several("ab"): an origin for each letter, which answers with it."""
    return lambda names: [origins(named(name)) for name in names]


def slow_until(release):
    """A script of an origin that answers when it may."""
    return lambda peer: peer.read_request() is not None and release.wait(wire.TIME_LIMIT) and peer.answer("slow")


def configured(path="servers.yaml", **options):
    config = forwarding([], **options)
    route = config["sites"][0]["routes"]["/"]["proxy"]
    del route["to"]
    route["to_file"] = str(path)
    return config


def text_of(servers):
    """Each an origin, or one with a weight, or what stands in the list."""
    items = [one if isinstance(one, (str, dict)) else
             {"server": one[0].url, "weight": one[1]} if isinstance(one, tuple) else one.url for one in servers]
    return "".join(f"- {json.dumps(item)}\n" for item in items)


def put(path, *servers, text=None):
    """Replaces the list by rename(2)."""
    new = path.with_name(path.name + ".new")
    new.write_text(text if text is not None else text_of(servers), encoding="utf-8")
    new.replace(path)


def weights(vif):
    return {server: row["weight"] for server, row in servers_of(vif).items()}


# A second, and more on a busy machine; less than after which each file is looked at in any case.
SOON = 6


def wait_for(vif, *servers):
    """Until the list is in force: `vif upstream` and the workers have it from the same memory."""
    wanted = {one.url for one in servers}
    wire.wait_until(lambda: set(servers_of(vif)) == wanted, f"the list to be {wanted}", SOON)


def bodies(vif, count=12):
    """Each with a connection of its own, so that all workers get some."""
    return collections.Counter(vif.get("/").body.decode() for _ in range(count))


def error_lines(vif, text):
    return [line for line in vif.stderr().splitlines() if text in line]


def reload(vif, good=True):
    done = vif_process.run("reload", "--pid", vif.process.pid)
    assert (done.returncode == 0) is good, done
    return done.stdout + done.stderr


def rewrite(vif, config):
    whole = {"listen": [vif.listener()], "workers": 1, **config}
    vif.config_path.write_text(json.dumps(whole), encoding="utf-8")


# ---- reading ----

def test_items_are_those_of_to(server, several, tmp_path):
    """A path that is relative begins at the folder of the file in which it stands."""
    first, second = several("ab")
    backup = Origin(named("backup"), str(tmp_path / "lists.sock"), socket.AF_UNIX)
    (tmp_path / "lists").mkdir()
    put(tmp_path / "lists" / "servers.yaml", (first, 1), {"server": second.url, "weight": 3, "connections": 7},
        {"server": "unix:../lists.sock", "backup": True})
    vif = server(config=configured("lists/servers.yaml"), workers=2)
    told = servers_of(vif)
    assert {row["weight"] for row in told.values()} == {1, 3}
    assert told[second.url]["connections"] == 7
    assert [one for one, row in told.items() if row["backup"]] == [f"unix:{tmp_path}/lists/../lists.sock"]
    got = bodies(vif, 40)
    assert set(got) == {"a", "b"} and got["b"] > got["a"]
    backup.stop()


def test_a_list_may_be_json(server, several, tmp_path):
    first, = several("a")
    (tmp_path / "servers.json").write_text(json.dumps([{"server": first.url, "weight": 2}], indent=2), encoding="ascii")
    vif = server(config=configured("servers.json"))
    assert weights(vif) == {first.url: 2} and bodies(vif) == {"a": 12}


WRONG = [
    ("- http://127.0.0.1:3000\n- {server: 3001, wieght: 2}\n", "servers.yaml:2:18: error: ", "did you mean \"weight\""),
    ("- http://127.0.0.1:3000\n- {server: 3001, weight: 1001}\n", "servers.yaml:2:26: error: ", "0 to 1000"),
    ("- ftp://a\n", "servers.yaml:1:3: error: ", "does not begin with"),
    ("- 3000\n- [3001]\n", "servers.yaml:2:3: error: ", "expected a map"),
    ("- 3000\n- http://127.0.0.1:3000\n", "servers.yaml:2:3: error: ", "is there twice"),
    ("- {server: 'https://127.0.0.1:3000'}\n", "servers.yaml:1:12: error: ", "write \"tls: true\""),
    ("to: [3000]\n", "servers.yaml:1:1: error: ", "expected a list, not a map"),
    ("- 3000\n- {server: 3001\n", "servers.yaml:2:3: error: ", "is never closed"),
    ("[]\n", "servers.yaml:1:1: error: ", "expected a list of 1 to 64, not 0"),
    ("# none\n", "vif.yaml:1:", "servers.yaml: it has no servers"),
    ("", "vif.yaml:1:", "servers.yaml: it has no servers"),
    ("".join(f"- {port}\n" for port in range(3000, 3065)), "servers.yaml:1:1: error: ", "not 65"),
    ("- 3000 #" + 70000 * "x", "vif.yaml:1:", "servers.yaml: longer than 64 KiB"),
    ("- 3000\n---\n- 3001\n", "servers.yaml:3:1: error: ", "a second YAML document"),
]


@pytest.mark.parametrize("text,where,why", WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_mistakes_have_the_file_and_line(tmp_path, text, where, why):
    (tmp_path / "servers.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "vif.yaml").write_text('sites: [{routes: {/: {proxy: {to_file: servers.yaml}}}}]\n', encoding="ascii")
    told = vif_process.run("check", "-c", tmp_path / "vif.yaml")
    assert told.returncode != 0 and where in told.stderr and why in told.stderr, told.stderr


@pytest.mark.parametrize("options,why", [
    ("to_file: servers.yaml, to: 3000", "proxy can have only one of to, to_file"),
    ("balance: round_robin", "proxy needs one of to, to_file"),
    ("to_file: ''", "proxy.to_file: nothing: it is empty"),
    ("to_file: .", "Is a directory"),
    ("to_file: /dev/null", "no regular file"),
])
def test_mistakes_about_the_file(tmp_path, options, why):
    (tmp_path / "servers.yaml").write_text("- 3000\n", encoding="utf-8")
    (tmp_path / "vif.yaml").write_text(f"sites: [{{routes: {{/: {{proxy: {{{options}}}}}}}}}]\n", encoding="ascii")
    told = vif_process.run("check", "-c", tmp_path / "vif.yaml")
    assert told.returncode != 0 and "vif.yaml:1:" in told.stderr and why in told.stderr, told.stderr


def test_a_configuration_has_sixteen_files(tmp_path):
    def check(count):
        routes = {f"/{i}": {"proxy": {"to_file": f"{i % count}.yaml"}} for i in range(20)}
        (tmp_path / "vif.yaml").write_text(json.dumps({"sites": [{"routes": routes}]}), encoding="ascii")
        return vif_process.run("check", "-c", tmp_path / "vif.yaml")

    for i in range(17):
        put(tmp_path / f"{i}.yaml", "3000")
    assert check(16).returncode == 0
    told = check(17)
    assert told.returncode != 0 and "more than 16 files with servers" in told.stderr


@pytest.mark.parametrize("path", ["servers.yaml", "later/deeper/servers.yaml"])
def test_a_file_that_is_missing_may_come(server, several, tmp_path, path):
    first, = several("a")
    vif = server(config=configured(path), workers=2)
    assert f"{tmp_path}/{path} does not exist: until it does, requests get 503" in vif.stderr()
    assert vif.get("/").status == 503
    assert log_lines(vif, 1)[0]["upstream_cause"] == "no_server"
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    put(tmp_path / path, first)
    wait_for(vif, first)
    assert bodies(vif) == {"a": 12}


# ---- changes ----

def in_place(path, servers):
    path.write_text(text_of(servers), encoding="utf-8")


def by_rename(path, servers):
    put(path, *servers)


def by_link(path, servers):
    """As Kubernetes does it with a ConfigMap: the file is a link into `..data`, which is a link to a folder; that link
    is replaced, and the former folder deleted."""
    folder = path.parent
    number = len(list(folder.glob("..2*"))) + time.monotonic_ns()
    former = os.path.realpath(folder / "..data")
    (folder / f"..2{number}").mkdir()
    (folder / f"..2{number}" / path.name).write_text(text_of(servers), encoding="utf-8")
    os.symlink(f"..2{number}", folder / "..data_tmp")
    os.rename(folder / "..data_tmp", folder / "..data")
    if not path.is_symlink():
        path.symlink_to(f"..data/{path.name}")
    if former != str(folder / "..data"):
        (pathlib.Path(former) / path.name).unlink()
        os.rmdir(former)


def by_removal(path, servers):
    if path.exists():
        path.unlink()
    in_place(path, servers)


def by_switch(path, servers):
    """The former file stays where it is."""
    target = path.with_name(f"{path.name}.{time.monotonic_ns()}")
    target.write_text(text_of(servers), encoding="utf-8")
    os.symlink(target.name, path.with_name("new"))
    os.rename(path.with_name("new"), path)


WAYS = [in_place, by_rename, by_link, by_removal, by_switch]


@pytest.mark.parametrize("change", WAYS, ids=[way.__name__ for way in WAYS])
def test_changes_are_in_force_in_all_workers(server, several, tmp_path, change):
    first, second, third = several("abc")
    (tmp_path / "lists").mkdir()
    path = tmp_path / "lists" / "servers.yaml"
    change(path, [first])
    vif = server(config=configured(path), workers=4)
    assert bodies(vif) == {"a": 12}
    change(path, [second, third])
    wait_for(vif, second, third)
    got = bodies(vif, 20)
    assert set(got) == {"b", "c"}, got
    change(path, [(second, 0), (third, 5)])
    wire.wait_until(lambda: weights(vif) == {second.url: 0, third.url: 5}, "the weights")
    assert bodies(vif, 20) == {"c": 20}
    change(path, [first, second])
    wait_for(vif, first, second)
    assert set(bodies(vif, 20)) == {"a", "b"}
    assert error_lines(vif, f"proxy: {path}: 2 servers, 1 added, 1 gone, 1 changed")


def test_what_is_known_of_servers_that_stay_is_kept(server, several, tmp_path):
    """Connections, counts, and what their health checks have found."""
    first, second, third = several("abc")
    path = tmp_path / "servers.yaml"
    put(path, first, second)
    vif = server(config=configured(path, health={"interval": "50ms", "fall": 1}))
    with vif.connect() as client:
        while not first.connection_count or not second.connection_count:
            client.exchange("GET", "/")
        second.stop()
        wire.wait_until(lambda: servers_of(vif)[second.url]["state"] == "down", "it to be down")
        before = servers_of(vif)[first.url]["requests"]
        put(path, (first, 2), second, third)
        wait_for(vif, first, second, third)
        assert servers_of(vif)[second.url]["state"] == "down"
        got = {client.exchange("GET", "/").body.decode() for _ in range(12)}
    assert got == {"a", "c"}
    after = servers_of(vif)[first.url]
    assert (after["requests"], after["weight"]) == (before + 8, 2)


def test_no_connection_to_a_server_that_stays_is_closed(server, several, tmp_path):
    first, second = several("ab")
    path = tmp_path / "servers.yaml"
    put(path, first)
    vif = server(config=configured(path))
    with vif.connect() as client:
        client.exchange("GET", "/")
        put(path, (first, 1), (second, 0))
        wait_for(vif, first, second)
        client.exchange("GET", "/")
        put(path, (first, 3))
        wait_for(vif, first)
        client.exchange("GET", "/")
    assert first.connection_count == 1 and len(first.requests) == 3


def test_a_server_that_is_gone_finishes_what_it_has(server, origins, several, tmp_path):
    release = threading.Event()
    slow = origins(slow_until(release))
    second, = several("b")
    path = tmp_path / "servers.yaml"
    put(path, slow)
    vif = server(config=configured(path))
    with vif.connect() as client:
        client.request("GET", "/")
        wire.wait_until(lambda: slow.requests, "the request")
        put(path, second)
        wait_for(vif, second)
        assert bodies(vif) == {"b": 12}
        release.set()
        assert client.read_response().body == b"slow"


def crowd_at(vif, slow, count):
    """Clients, the first of which is being served, while the others wait for that."""
    clients = [vif.connect() for _ in range(count)]
    clients[0].request("GET", "/")
    wire.wait_until(lambda: slow.requests, "the request")
    for client in clients[1:]:
        client.request("GET", "/")
        wire.wait_until(client.has_been_read, "the request to wait")
    return clients


@pytest.mark.parametrize("options", [{}, {"sticky": {}}, {"balance": "hash"}])
@pytest.mark.parametrize("is_last", [False, True])
def test_who_waits_for_a_server_that_is_gone_gets_another(server, origins, several, tmp_path, options, is_last):
    """At once, and without a new request: nothing of theirs was sent. `is_last`: the list becomes empty."""
    release = threading.Event()
    slow = origins(slow_until(release))
    second, = several("b")
    path = tmp_path / "servers.yaml"
    put(path, slow)
    vif = server(config=configured(path, connections=1, queue_timeout="60s", **options))
    clients = crowd_at(vif, slow, 5)
    if is_last:
        upstream(vif, "remove", slow.url)
        assert {client.read_response().status for client in clients[1:]} == {503}
    else:
        put(path, second)
        assert {client.read_response().body for client in clients[1:]} == {b"b"}
    release.set()
    assert clients[0].read_response().body == b"slow" and len(slow.requests) == 1
    assert bodies(vif, 2) == {"b": 2} if not is_last else vif.get("/").status == 503


@pytest.mark.parametrize("is_last", [False, True])
def test_who_has_failed_at_one_and_waits_for_another_gets_a_new_one(server, origins, several, tmp_path, is_last):
    release = threading.Event()
    slow = origins(slow_until(release))
    bad, = several("a")
    second, = several("b")
    bad.stop()
    path = tmp_path / "servers.yaml"
    put(path, bad, slow)
    vif = server(config=configured(path, connections=1, queue_timeout="60s", max_failures=1000))
    clients = crowd_at(vif, slow, 3)
    if is_last:
        upstream(vif, "remove", bad.url)
        upstream(vif, "remove", slow.url)
        assert {client.read_response().status for client in clients[1:]} == {503}
        lines = log_lines(vif, 2)
        assert {(line["upstream"], line["upstream_cause"]) for line in lines} == {(bad.url, "no_server")}
    else:
        put(path, second)
        assert {client.read_response().body for client in clients[1:]} == {b"b"}
    release.set()
    assert clients[0].read_response().body == b"slow" and len(slow.requests) == 1


def test_routes_may_share_a_file(server, several, tmp_path):
    first, second = several("ab")
    path = tmp_path / "servers.yaml"
    put(path, first)
    config = configured(path)
    config["sites"][0]["routes"]["/api"] = {"proxy": {"to_file": str(path), "balance": "least_connections"}}
    vif = server(config=config)
    put(path, second)
    wait_for(vif, second)
    assert (vif.get("/").body, vif.get("/api").body) == (b"b", b"b")


def test_a_worker_that_is_replaced_has_the_latest_list(server, several, tmp_path):
    """Its settings are those that vif began with."""
    first, second = several("ab")
    path = tmp_path / "servers.yaml"
    put(path, first)
    vif = server(config=configured(path))
    put(path, second)
    wait_for(vif, second)
    put(path, text="- {x: 1}")
    wire.wait_until(lambda: error_lines(vif, "the former list stays in force"), "the fault")
    former, = vif_process.workers_of(vif.process)
    os.kill(former, signal.SIGKILL)
    wire.wait_until(lambda: vif_process.workers_of(vif.process) not in ([], [former]), "another worker")
    assert bodies(vif) == {"b": 12}
    vif.kill()  # a worker that was ended by a signal is not a fault here


# ---- what is wrong ----

def test_a_wrong_list_changes_nothing(server, several, tmp_path):
    first, second = several("ab")
    path = tmp_path / "servers.yaml"
    put(path, first)
    port = vif_process.free_port()
    plain = vif_process.free_port()
    listen = [f"127.0.0.1:{plain}", {"address": f"127.0.0.1:{port}", "admin": True}]
    vif = server(config={**configured(path), "listen": listen}, workers=2, port=plain)

    def figures():
        with wire.Client(("127.0.0.1", port)) as client:
            text = client.exchange("GET", "/metrics").body.decode()
        return {name: int(value) for name, value in
                re.findall(rf'^vif_upstream_file_(\w+){{file="{re.escape(str(path))}"}} (\d+)$', text, re.MULTILINE)}

    def status():
        return vif_process.run("status", "--pid", vif.process.pid).stdout

    assert f"{path}: 1 servers\n" in status() and figures() == {"good": 1, "servers": 1}
    for text, where in ((f"- {second.url}\n- {{weight: 1}}\n", ":2:3: error: "), ("[]", ":1:1: error: "),
                        (f"- {second.url}\n- {{weight: 1}}\n", ":2:3: error: ")):
        count = len(error_lines(vif, "the former list stays in force"))
        put(path, text=text)
        wire.wait_until(lambda: len(error_lines(vif, "the former list stays in force")) > count,  # pylint: disable=cell-var-from-loop
                        "the fault")
        assert error_lines(vif, f"proxy: {path}{where}")
        assert f"{path}: 1 servers; since then it is wrong: {path}{where}" in status()
        assert set(servers_of(vif)) == {first.url} and figures() == {"good": 0, "servers": 1}
    path.unlink()
    wire.wait_until(lambda: error_lines(vif, f"proxy: {path}: it does not exist"), "the fault")
    assert bodies(vif) == {"a": 12}
    put(path, second)
    wait_for(vif, second)
    assert f"{path}: 1 servers\n" in status() and figures() == {"good": 1, "servers": 1}
    rewrite(vif, {**forwarding([first]), "listen": listen})
    reload(vif)
    assert figures() == {} and str(path) not in status()


def test_a_fault_is_told_once(server, several, tmp_path):
    """However often the file is written, or read."""
    first, = several("a")
    path = tmp_path / "servers.yaml"
    put(path, first)
    vif = server(config=configured(path))
    put(path, text="- ftp://a")
    wire.wait_until(lambda: error_lines(vif, "the former list stays in force"), "the fault")
    for _ in range(5):
        put(path, text="- ftp://a")
        time.sleep(0.2)
    put(path, text="- ftp://b")
    wire.wait_until(lambda: error_lines(vif, "ftp://b"), "the other fault")
    assert len(error_lines(vif, "the former list stays in force")) == 2
    put(path, first)
    wire.wait_until(lambda: error_lines(vif, "1 servers, 0 added, 0 gone, 0 changed"), "the end of it")


# ---- with the rest ----

def test_changes_at_run_time_hold_until_their_server_leaves(server, several, tmp_path):
    first, second, third = several("abc")
    path = tmp_path / "servers.yaml"
    put(path, first, second)
    vif = server(config=configured(path), workers=2)
    upstream(vif, "drain", first.url)
    upstream(vif, "add", third.url, "--weight", 4)
    assert "the route has this server already" in upstream(vif, "add", second.url, good=False)
    put(path, first, (second, 2))
    wire.wait_until(lambda: weights(vif) == {first.url: 0, second.url: 2, third.url: 4}, "the new weight")
    assert servers_of(vif)[first.url]["state"] == "draining"
    put(path, second, (third, 9))
    wire.wait_until(lambda: weights(vif) == {second.url: 1, third.url: 9}, "a list that has the added one")
    put(path, first, second)
    wire.wait_until(lambda: weights(vif) == {first.url: 1, second.url: 1}, "the first one as the file has it")
    upstream(vif, "remove", first.url)
    assert bodies(vif) == {"b": 12}
    assert "the servers that were changed at run time are those of the file again" not in vif.stderr()
    reload(vif)
    assert weights(vif) == {first.url: 1, second.url: 1}


def test_a_reload_reads_it(server, several, tmp_path):
    """What it finds is in force when it has ended; a wrong list refuses the reload, a missing one does not."""
    first, second, third = several("abc")
    path, other = tmp_path / "servers.yaml", tmp_path / "other.yaml"
    put(path, first)
    vif = server(config=configured(path))
    put(path, second)
    reload(vif)
    assert set(servers_of(vif)) == {second.url} and bodies(vif) == {"b": 12}
    put(path, text="- wrong\n- {x: 1}")
    assert f"{path}:2:4: error: " in reload(vif, good=False)
    assert bodies(vif) == {"b": 12}
    path.unlink()
    told = reload(vif)
    assert f"{path} does not exist" in told and "its last list stays in force" in told
    assert bodies(vif) == {"b": 12}
    put(other, first, third)
    rewrite(vif, configured(other))
    reload(vif)
    assert set(bodies(vif)) == {"a", "c"}
    put(path, second)  # nobody's any more
    put(other, third)
    wait_for(vif, third)
    assert bodies(vif) == {"c": 12}
    rewrite(vif, forwarding([first]))
    reload(vif)
    assert bodies(vif) == {"a": 12}


def test_another_vif_goes_on_with_it(server, several, tmp_path):
    first, second = several("ab")
    path = tmp_path / "servers.yaml"
    put(path, first)
    succession.adopt_orphans()
    vif = server(config=configured(path))
    succession.wait_until_found(vif)
    former = succession.upgrade(vif)
    assert former.wait(vif_process.STOP_SECONDS) == 0
    put(path, second)
    wait_for(vif, second)
    assert bodies(vif) == {"b": 12}


def test_many_reloads_leave_the_list_in_place(server, several, tmp_path):
    """More files than the board has room for, one after the other, beside one that stays."""
    first, second = several("ab")
    stays = tmp_path / "stays.yaml"
    put(stays, first)
    vif = server(config=configured(stays))
    put(stays, second)
    wait_for(vif, second)
    for number in range(40):
        config = configured(stays)
        put(tmp_path / f"{number}.yaml", first)
        config["sites"][0]["routes"]["/other"] = {"proxy": {"to_file": str(tmp_path / f"{number}.yaml")}}
        rewrite(vif, config)
        reload(vif)
    assert (vif.get("/").body, vif.get("/other").body) == (b"b", b"a")


def test_https_servers_need_tls(server, origins, several, tmp_path):
    authority = pki.Authority(tmp_path / "pki")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("127.0.0.1", ["127.0.0.1"]))
    secure, (plain,) = origins(named("tls"), tls=context), several("a")
    path = tmp_path / "servers.yaml"
    put(path, plain)
    vif = server(config=configured(path, tls={"ca": str(authority.certificate)}))
    put(path, secure.url.replace("http:", "https:"))
    wire.wait_until(lambda: bodies(vif, 1) == {"tls": 1}, "the server with TLS")


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
def test_workers_need_no_right_to_the_file(server, several, tmp_path):
    """The main process reads it, as root; workers, of another user and in their sandbox, get servers of each kind."""
    first, = several("a")
    (tmp_path / "secret").mkdir(mode=0o700)
    path = tmp_path / "secret" / "servers.yaml"
    put(path, first)
    os.chmod(path, 0o600)
    vif = server(config=configured(path, health=True), workers=2)
    of_unix = Origin(named("unix"), str(tmp_path / "app.sock"), socket.AF_UNIX)
    os.chmod(tmp_path / "app.sock", 0o777)
    for pid in vif_process.workers_of(vif.process):
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        assert re.search(r"^Uid:\t65534\t", status, re.MULTILINE) and "CapEff:\t0000000000000000" in status
    put(path, f"unix:{tmp_path}/app.sock")
    os.chmod(path, 0o600)
    wire.wait_until(lambda: bodies(vif, 1) == {"unix": 1}, "the Unix socket")
    assert bodies(vif) == {"unix": 12}
    put(path, first)
    wait_for(vif, first)
    assert bodies(vif) == {"a": 12}
    of_unix.stop()


# ---- bounds ----

def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")  # with its children


@pytest.mark.parametrize("change", [in_place, by_rename], ids=["in_place", "by_rename"])
def test_a_file_that_changes_all_the_time_stops_nothing(server, several, tmp_path, change):
    """It is read a few times a second; requests and commands go on, and the last list counts."""
    first, second = several("ab")
    path = tmp_path / "servers.yaml"
    put(path, first)
    vif = server(config=configured(path), workers=2)
    ended, changes = threading.Event(), []

    def change_it():
        while not ended.is_set():
            changes.append(change(path, [(first, len(changes) % 1000 + 1)]))

    changer = threading.Thread(target=change_it)
    began, used = time.monotonic(), cpu_seconds(vif.process.pid)
    changer.start()
    statuses = collections.Counter()
    while time.monotonic() < began + 3:
        statuses[vif.get("/").status] += 1
        upstream(vif, "list")
    ended.set()
    changer.join()
    took = time.monotonic() - began
    put(path, second)
    wait_for(vif, second)
    assert set(statuses) == {200} and bodies(vif) == {"b": 12}
    readings = len(error_lines(vif, "1 servers, 0 added, 0 gone, 1 changed"))
    assert len(changes) > 3 * readings and readings <= 10 * took + 1, (len(changes), readings, took)
    if not vif_process.IS_SANITIZED:
        assert cpu_seconds(vif.process.pid) - used < took / 3


def test_changes_leave_nothing_behind(server, several, tmp_path):
    first, second = several("ab")
    (tmp_path / "lists").mkdir()
    path = tmp_path / "lists" / "servers.yaml"
    by_link(path, [first])
    vif = server(config=configured(path))

    def left():
        """Open descriptors, watches of inotify, children."""
        folder = pathlib.Path(f"/proc/{vif.process.pid}")
        watches = sum(text.count("inotify wd:") for text in
                      (one.read_text(encoding="ascii") for one in (folder / "fdinfo").iterdir()))
        return len(list((folder / "fd").iterdir())), watches, len(vif_process.children_of(vif.process.pid))

    by_link(path, [second])
    wait_for(vif, second)
    wire.wait_until(lambda: left()[2] == 1, "the reader to end")
    before = left()
    assert before[1] > 0
    for one in (first, second) * 4:
        by_link(path, [one])
        wait_for(vif, one)
    wire.wait_until(lambda: left() == before, f"{before} again")
    rewrite(vif, forwarding([first]))
    reload(vif)
    assert left()[1] == 0


# In a user namespace of its own, the words behind it cannot watch files.
UNWATCHED = ["unshare", "--user", "--map-root-user", "sh", "-euc",
             "echo 0 > /proc/sys/user/max_inotify_instances; exec \"$@\"", "sh"]


def test_a_file_that_cannot_be_watched_is_read_again_and_again(server, several, tmp_path):
    """As on a network file system."""
    if subprocess.run([*UNWATCHED, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip("no user namespaces here")
    first, second = several("ab")
    path = tmp_path / "servers.yaml"
    put(path, first)
    vif = server(config=configured(path), prefix=UNWATCHED)
    assert bodies(vif) == {"a": 12}
    put(path, second)
    wait_for(vif, second)
    assert bodies(vif) == {"b": 12}
    assert "inotify" not in "".join(os.readlink(one) for one in pathlib.Path(f"/proc/{vif.process.pid}/fd").iterdir())


# ---- the recipe of docs/proxy.md ----

def recipe():
    """Its configuration, and its commands."""
    text = (vif_process.REPOSITORY / "docs" / "proxy.md").read_text(encoding="utf-8")
    found = re.search(r"\*\*Blue and green by a file\.\*\*.*?```yaml\n(.*?)```.*?```\n(.*?)```", text, re.DOTALL)
    return found.groups()


def test_the_recipe_works(server, several, tmp_path):
    blue, green = several("ab")
    config, commands = recipe()
    ports = {"3001": str(blue.address[1]), "3002": str(green.address[1])}
    commands = re.sub("300[12]", lambda found: ports[found.group()], commands)
    steps = [step for step in re.split(r"(?=^cat )", commands, flags=re.MULTILINE) if step.strip()]
    assert len(steps) == 2
    (tmp_path / "recipe.yaml").write_text(re.sub(r"^listen:.*\n", "", config), encoding="utf-8")
    put(tmp_path / "servers.yaml", blue)
    vif = server(config={"include": "recipe.yaml"})
    assert bodies(vif) == {"a": 12}
    subprocess.run(["sh", "-euc", steps[0]], cwd=tmp_path, check=True)
    wire.wait_until(lambda: weights(vif) == {blue.url: 9, green.url: 1}, "a tenth for the new version")
    assert bodies(vif, 40) == {"a": 36, "b": 4}
    subprocess.run(["sh", "-euc", steps[1]], cwd=tmp_path, check=True)
    wait_for(vif, green)
    assert bodies(vif) == {"b": 12}
