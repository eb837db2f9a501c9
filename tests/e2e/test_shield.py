"""The shield: clients that break limits again and again are dropped in the kernel, on a cable between two namespaces."""
import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import time

import pytest

import network
import protocols
import succession
import vif
import wire
from network import cable  # noqa: F401

pytestmark = pytest.mark.any_backend

if "libbpf" not in vif.run("version").stdout:
    pytest.skip("built without libbpf", allow_module_level=True)
if shutil.which("ip") is None:
    pytest.skip("there is no ip(8)", allow_module_level=True)
if reason := network.why_not():
    pytest.skip(reason, allow_module_level=True)

PORT = 8080
OFFENCES = 5


@pytest.fixture(autouse=True)
def _orphans():
    succession.adopt_orphans()


class Shielded:
    """A server behind the cable. A client may have one connection: a second one is an offence."""

    def __init__(self, server, folder, cable, **shield):
        self.cable = cable
        root = folder / "root"
        root.mkdir()
        (root / "index.html").write_text("hello", encoding="utf-8")
        self.config = {
            "listen": [f"{cable.address}:{PORT}", f"[{cable.address6}]:{PORT}",
                       {"address": f"unix:{folder}/admin.sock", "admin": True}],
            "limits": {"connections_per_address": 1},
            "log": {"error": {"level": "info"}},
            "sites": [{"routes": {"/": {"files": str(root)}}}],
        }
        self.config["shield"] = {"interface": cable.interface, "offences": OFFENCES, "within": "60s", "for": "60s",
                                 **shield}
        self.running = server(config=self.config, prefix=cable.prefix(), notify_socket=str(folder / "notify"))
        succession.wait_until_found(self.running)
        self.admin = folder / "admin.sock"

    def write(self, **config):
        self.config.update(config)
        self.running.config_path.write_text(json.dumps({"workers": 1, **self.config}), encoding="utf-8")

    def reload(self):
        return vif.run("reload", "-c", self.running.config_path)

    def status(self):
        return succession.status_of(self.running)["shield"]

    def connect(self, source, seconds=1):
        """A connection, or None if the packets are dropped."""
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        client = self.cable.socket(family)
        client.bind((source, 0))
        client.settimeout(seconds)
        try:
            client.connect((self.cable.address6 if family == socket.AF_INET6 else self.cable.address, PORT))
        except TimeoutError:
            client.close()
            return None
        client.settimeout(wire.TIME_LIMIT)
        return client

    def status_for(self, source, seconds=1):
        """Of a response, or None if the packets are dropped."""
        client = self.connect(source, seconds)
        if client is None:
            return None
        with client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            text = b""
            with contextlib.suppress(TimeoutError, ConnectionError):
                while more := client.recv(4096):
                    text += more
            return int(text.split()[1]) if text else None

    def serves(self, source):
        return self.status_for(source, wire.TIME_LIMIT) == 200

    def offend(self, source, count=OFFENCES):
        """Opens a connection and, beside it, those that are one too many."""
        with self.connect(source, wire.TIME_LIMIT) as held:
            held.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert held.recv(4096).startswith(b"HTTP/1.1 200")
            for _ in range(count):
                with self.connect(source, wire.TIME_LIMIT) as client, contextlib.suppress(ConnectionError):
                    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    client.recv(4096)

    def have_blocked(self, source, before=0):
        self.offend(source)
        wire.wait_until(lambda: self.status()["blocked"] > before, f"{source} to be blocked")

    def fetch(self, target):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(wire.TIME_LIMIT)
            client.connect(str(self.admin))
            client.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            text = b""
            while more := client.recv(65536):
                text += more
            return text.decode()


@pytest.fixture
def shielded(server, tmp_path, cable):  # noqa: F811
    return lambda **shield: Shielded(server, tmp_path, cable, **shield)


@pytest.mark.parametrize("mode", ["native", "generic"])
def test_an_offender_is_blocked_for_its_time_and_nobody_else(shielded, mode):
    site = shielded(mode=mode, **{"for": "5s"})
    offender, other = site.cable.clients[:2]
    assert site.status() == {"interface": "shielded", "mode": mode, "blocked": 0, "blocks": 0, "offences": 0,
                             "left_out": 0, "dropped_packets": 0, "dropped_bytes": 0}
    site.have_blocked(offender)
    blocked_at = time.monotonic()
    assert site.serves(other)
    assert site.status_for(offender) is None or time.monotonic() > blocked_at + 4
    wire.wait_until(lambda: site.status_for(offender) == 200, "its time to be over")
    assert f"{offender} is blocked for 5 s, after {OFFENCES} offences" in site.running.stderr()
    wire.wait_until(lambda: site.status()["blocked"] == 0, "its entry to go")
    assert site.status()["dropped_packets"] > 0


def test_few_offences_are_none(shielded):
    site = shielded()
    site.offend(site.cable.clients[0], OFFENCES - 1)
    wire.wait_until(lambda: site.status()["offences"] == OFFENCES - 1, "the report of the worker")
    assert site.status()["blocked"] == 0
    assert site.serves(site.cable.clients[0])


def test_an_ipv6_network_is_one_client(shielded):
    site = shielded()
    offender, other = site.cable.clients6
    site.have_blocked(offender)
    assert site.serves(other)
    network.ip("-n", site.cable.outside, "addr", "add", "fd77:0:0:1::99/48", "dev", "end", "nodad")
    assert site.status_for("fd77:0:0:1::99") is None
    assert "fd77:0:0:1::/64 is blocked" in site.running.stderr()


def test_other_ports_stay_open(shielded):
    """Whoever is blocked can still reach what vif does not serve: ssh, for one."""
    site = shielded()
    with network.namespace(site.cable.inside):
        listener = socket.create_server((site.cable.address, PORT + 1))
    with listener:
        site.have_blocked(site.cable.clients[0])
        client = site.cable.socket()
        with client:
            client.bind((site.cable.clients[0], 0))
            client.settimeout(wire.TIME_LIMIT)
            client.connect((site.cable.address, PORT + 1))


@pytest.mark.parametrize("key", ["exempt", "trusted"])
def test_who_is_exempt_is_not_blocked(server, tmp_path, cable, key):  # noqa: F811
    offender, other = cable.clients[:2]
    site = Shielded(server, tmp_path, cable, **({"exempt": [f"{offender}/32"]} if key == "exempt" else {}))
    if key == "trusted":
        site.write(trusted_proxies=[offender])
        assert site.reload().returncode == 0
    site.offend(offender, 3 * OFFENCES)
    site.have_blocked(other)
    assert site.status()["blocked"] == 1
    assert site.serves(offender)


def test_no_more_addresses_than_allowed(shielded):
    site = shielded(addresses=1)
    first, second = site.cable.clients[:2]
    site.have_blocked(first)
    site.offend(second)
    wire.wait_until(lambda: site.status()["left_out"] == 1, "the second one to be left out")
    assert "1 clients were not blocked: 1 are (shield.addresses: 1)" in site.running.stderr()
    assert site.serves(second)


def test_figures(shielded):
    site = shielded()
    site.have_blocked(site.cable.clients[0])
    assert site.status_for(site.cable.clients[0]) is None
    wire.wait_until(lambda: site.status()["dropped_packets"] > 0, "the count")
    wire.wait_until(lambda: "\nvif_shield_dropped_packets_total 0\n" not in site.fetch("/metrics"), "the metrics")
    metrics = site.fetch("/metrics")
    assert "\nvif_shield_blocked 1\n" in metrics
    assert "\nvif_shield_blocks_total 1\n" in metrics
    assert f"\nvif_shield_offences_total {OFFENCES}\n" in metrics
    status = json.loads(site.fetch("/status").split("\r\n\r\n", 1)[1])["shield"]
    assert (status["blocked"], status["blocks"]) == (1, 1)
    text = vif.run("status", "-c", site.running.config_path).stdout
    assert "shield at shielded (native): 1 clients blocked, " in text


def test_without_it_there_is_nothing(shielded):
    site = shielded()
    site.write(shield=False)
    assert site.reload().returncode == 0
    assert site.cable.programs() == []
    assert site.status() is None
    assert json.loads(site.fetch("/status").split("\r\n\r\n", 1)[1])["shield"] is None


# When it begins and ends.


def test_stop_detaches(shielded):
    site = shielded()
    assert len(site.cable.programs()) == 1
    assert site.cable.programs("spare") == []
    site.running.stop()
    assert site.cable.programs() == []


def test_a_killed_master_leaves_nothing(shielded):
    site = shielded()
    workers = vif.workers_of(site.running.process)
    site.running.kill()
    for pid in workers:
        succession.wait_for_end(pid)
    wire.wait_until(lambda: site.cable.programs() == [], "the program to go")


def test_a_reload_changes_settings(shielded):
    site = shielded()
    first, second = site.cable.clients[:2]
    site.have_blocked(first)
    before = site.cable.programs()
    site.write(shield={**site.config["shield"], "offences": 2})
    assert site.reload().returncode == 0
    assert site.cable.programs() == before
    assert site.status()["blocked"] == 1  # it stays
    site.offend(second, 2)
    wire.wait_until(lambda: site.status()["blocked"] == 2, "the second one to be blocked")


@pytest.mark.parametrize("settings", [{"exempt": ["10.77.0.2"]}, "trusted_proxies", {"for": "1s"}], ids=str)
def test_a_reload_is_for_those_that_are_blocked_too(shielded, settings):
    site = shielded()
    offender = site.cable.clients[0]
    site.have_blocked(offender)
    if settings == "trusted_proxies":
        site.write(trusted_proxies=[offender])
    else:
        site.write(shield={**site.config["shield"], **settings})
    assert site.reload().returncode == 0
    wire.wait_until(lambda: site.status()["blocked"] == 0, "it to be forgotten", 10)
    assert site.serves(offender)


def test_a_block_does_not_prolong_itself(shielded):
    """Connections that are open when their client is blocked end late, which is an offence."""
    site = shielded()
    site.write(timeouts={"head": "1s"}, limits={"connections_per_address": 20})
    assert site.reload().returncode == 0
    offender = site.cable.clients[0]
    slow = [site.connect(offender, wire.TIME_LIMIT) for _ in range(3 * OFFENCES)]
    for client in slow:
        client.sendall(b"GET / HTTP/1.1\r\n")
    wire.wait_until(lambda: site.status()["offences"] == 3 * OFFENCES, "all of them to be late")
    assert (site.status()["blocks"], site.status()["blocked"]) == (1, 1)
    for client in slow:
        client.close()


def test_a_reload_changes_interface_and_mode(shielded):
    site = shielded()
    site.write(shield={**site.config["shield"], "mode": "generic"})
    assert site.reload().returncode == 0
    assert site.status()["mode"] == "generic"
    assert len(site.cable.programs()) == 1
    site.write(shield={**site.config["shield"], "interface": "spare"})
    assert site.reload().returncode == 0
    assert site.cable.programs() == []
    assert len(site.cable.programs("spare")) == 1


def test_a_reload_that_names_no_interface_changes_nothing(shielded):
    site = shielded()
    before = site.cable.programs()
    site.write(shield={**site.config["shield"], "interface": "nowhere"})
    result = site.reload()
    assert result.returncode == 1
    assert "cannot be attached to nowhere: there is no such interface" in result.stderr + result.stdout
    assert site.cable.programs() == before


def test_an_upgrade_keeps_it(shielded):
    site = shielded()
    offender = site.cable.clients[0]
    site.have_blocked(offender)
    former = succession.upgrade(site.running)
    assert len(site.cable.programs()) == 1
    assert site.status_for(offender) is None
    assert former.wait(vif.STOP_SECONDS) == 0
    assert len(site.cable.programs()) == 1
    assert site.status_for(offender) is None
    wire.wait_until(lambda: site.status()["blocked"] == 1, "the entry in the map")
    site.have_blocked(site.cable.clients[1], before=1)
    assert "nothing is dropped" not in site.running.stderr()  # it was attached all the time
    site.running.stop()
    assert site.cable.programs() == []


def test_an_upgrade_changes_the_mode(shielded):
    site = shielded()
    site.have_blocked(site.cable.clients[0])
    site.write(shield={**site.config["shield"], "mode": "generic"})
    former = succession.upgrade(site.running)
    assert former.wait(vif.STOP_SECONDS) == 0
    assert (site.status()["mode"], len(site.cable.programs())) == ("generic", 1)
    assert site.status_for(site.cable.clients[0]) is None


def test_an_upgrade_that_fails_changes_nothing(shielded, tmp_path):
    site = shielded()
    site.have_blocked(site.cable.clients[0])
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    assert vif.run("upgrade", "-c", site.running.config_path, "--binary", program).returncode == 1
    assert len(site.cable.programs()) == 1
    assert site.status_for(site.cable.clients[0]) is None


def test_an_upgrade_that_fails_late_changes_nothing(shielded, tmp_path):
    """The new vif had taken the link over, and gives it back without detaching it."""
    certificate, key = map(str, protocols.certificate())
    site = shielded()
    site.have_blocked(site.cable.clients[0])
    keys = tmp_path / "ticket.keys"
    keys.write_bytes(b"too short")
    tls = {"address": f"{site.cable.address}:{PORT + 2}", "tls": {"certificate": certificate, "key": key}}
    site.write(listen=[*site.config["listen"], tls], tickets={"keys": str(keys)})
    result = vif.run("upgrade", "-c", site.running.config_path)
    assert (result.returncode, "ticket" in result.stderr) == (1, True), result
    assert len(site.cable.programs()) == 1
    assert site.status_for(site.cable.clients[0]) is None


def test_an_interface_that_comes_back(shielded):
    site = shielded()
    link = ("-n", site.cable.inside, "link")
    network.ip(*link, "del", "dev", "shielded")
    wire.wait_until(lambda: "shield: there is no interface shielded: nothing is dropped" in site.running.stderr(), "the report")
    site.write(limits={"connections_per_address": 2})
    assert site.reload().returncode == 0  # other settings can be changed meanwhile
    network.ip(*link, "add", "shielded", "type", "veth", "peer", "name", "end", "netns", site.cable.outside)
    wire.wait_until(lambda: len(site.cable.programs()) == 1, "the program to be back")


def test_workers_have_nothing_of_it(shielded):
    site = shielded()
    for pid in vif.workers_of(site.running.process):
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        assert not [link for link in links if "bpf" in link]
    master = pathlib.Path(f"/proc/{site.running.process.pid}/fd")
    assert "anon_inode:bpf_link" in [os.readlink(link) for link in master.iterdir()]


# What is wrong.


def check(cable, tmp_path, *prefix, **shield):  # noqa: F811
    path = tmp_path / "check.yaml"
    path.write_text(json.dumps({"sites": [{"routes": {"/": {"respond": "x"}}}], "shield": shield}), encoding="utf-8")
    return vif_in(cable, *prefix, vif.BINARY, "check", "-c", str(path))


def vif_in(cable, *words):  # noqa: F811
    return network.subprocess.run([*cable.prefix(), *words], capture_output=True, encoding="utf-8", check=False)


def test_check(cable, tmp_path):  # noqa: F811
    assert check(cable, tmp_path, interface="shielded").returncode == 0
    nowhere = check(cable, tmp_path, interface="nowhere")
    assert (nowhere.returncode, 'there is no interface "nowhere"' in nowhere.stderr) == (0, True)
    loopback = check(cable, tmp_path, interface="lo")
    assert (loopback.returncode, "is the loopback interface" in loopback.stderr) == (2, True)
    without = check(cable, tmp_path, "setpriv", "--bounding-set=-all", "--inh-caps=-all", interface="shielded")
    assert without.returncode == 0
    assert "this process could not load it: it needs root, or CAP_BPF" in without.stderr


def test_it_does_not_start_without_it(cable, tmp_path):  # noqa: F811
    path = tmp_path / "start.yaml"
    path.write_text(json.dumps({"listen": f"{cable.address}:{PORT}", "sites": [{"routes": {"/": {"respond": "x"}}}],
                                "shield": "shielded"}), encoding="utf-8")
    words = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", vif.BINARY, "run", "-c", str(path)]
    result = vif_in(cable, *words)
    assert result.returncode != 0
    assert "cannot start without its shield at shielded: it needs root, or CAP_BPF" in result.stderr


# What it saves.


def attempts(site, source, count, at_once=250):
    """Tries so many connections, each with a request if it comes to one; returns how many there were."""
    connected = 0
    for _ in range(count // at_once):
        clients = {}
        for _ in range(at_once):
            client = site.cable.socket()
            client.setblocking(False)
            client.bind((source, 0))
            client.connect_ex((site.cable.address, PORT))
            clients[client.fileno()] = client
        poll = select.poll()
        for fd in clients:
            poll.register(fd, select.POLLOUT)
        while clients and (ready := poll.poll(20)):
            for fd, _ in ready:
                client = clients.pop(fd)
                poll.unregister(fd)
                connected += 1
                with contextlib.suppress(OSError):
                    client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                client.close()
        for client in clients.values():
            client.close()
    return connected


def cpu_seconds(running):
    """Of the master and its workers: the time that they ran."""
    pids = [running.process.pid, *vif.workers_of(running.process)]
    return sum(int(pathlib.Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) for pid in pids) / 1e9


def test_a_flood_costs_the_server_less(shielded, record_property):
    site = shielded(offences=100, **{"for": "10m"})
    flooder, other = site.cable.clients[:2]
    held = site.connect(flooder)
    used = {}
    for is_on in (False, True):
        if not is_on:
            site.write(shield=False)
            assert site.reload().returncode == 0
        else:
            site.write(shield={"interface": "shielded", "offences": 100, "for": "10m"})
            assert site.reload().returncode == 0
        began = cpu_seconds(site.running)
        connected = attempts(site, flooder, 20000)
        assert connected > 19000 if not is_on else connected < 5000
        assert (site.status() or {}).get("blocked", 0) == is_on
        used[is_on] = cpu_seconds(site.running) - began
        print(f"shield {is_on}: {connected} of 20000 connected, {used[is_on]:.3f} s of CPU time")
        assert site.serves(other)
    held.close()
    record_property("ratio", used[True] / used[False])
    print(f"ratio {used[True] / used[False]:.3f}")
    assert used[True] < used[False] / 2
