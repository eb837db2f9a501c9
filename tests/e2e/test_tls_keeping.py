"""Certificates that change while they are in use, and sessions that are resumed by any worker."""
import json
import os
import pathlib
import re
import select
import shutil
import ssl
import subprocess
import threading
import time

import pytest

import wire
from pki import Authority, openssl
from tls_client import TlsClient, context_for, get
import vif
from vif import IS_SANITIZED, free_port, run

pytestmark = [
    pytest.mark.skipif("built without TLS" in run("cert", "--ca", "/nowhere").stderr, reason="built without TLS"),
    pytest.mark.any_backend,
]

TEXT = {"/": {"respond": "text"}}


@pytest.fixture(scope="module", name="authority")
def fixture_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"))


def put(pair, folder):
    """Key first, as the certificate is what the files are looked at for; each by rename, as deployments do."""
    for source, name in ((pair[1], "site.key"), (pair[0], "site.pem")):
        shutil.copy(source, folder / f"{name}.new")
        os.rename(folder / f"{name}.new", folder / name)


def subject(port, authority, name="a.example"):
    with TlsClient(port, context_for(authority), name) as client:
        return client.subject()


@pytest.fixture(name="kept")
def fixture_kept(server, authority, tmp_path):
    """A server with two workers, and the folder of its certificate."""
    port = free_port()
    put(authority.issue("first", ["a.example"]), tmp_path)
    tls = {"certificate": str(tmp_path / "site.pem"), "key": str(tmp_path / "site.key")}
    listen = [{"address": f"127.0.0.1:{port}", "tls": True}]
    return server(config={"listen": listen, "sites": [{"hosts": ["a.example"], "tls": tls, "routes": TEXT}],
                          "workers": 2}, port=port)


def all_workers_say(site, authority, expected):
    """Connections are spread over the workers by a hash of their ports."""
    return all(subject(site.port, authority) == expected for _ in range(8))


def test_a_new_certificate_is_taken_up_within_a_second(kept, authority, tmp_path):
    assert subject(kept.port, authority) == "first"

    def seconds_to_take_up(name):
        put(authority.issue(name, ["a.example"], "rsa"), tmp_path)
        began = time.monotonic()
        wire.wait_until(lambda: all_workers_say(kept, authority, name), "the new certificate")
        return time.monotonic() - began

    # With the handshakes of the last look, each of which queues for a core on a busy machine.
    took = [seconds_to_take_up("second")]
    while took[-1] >= 1.5 and len(took) < 8:
        took.append(seconds_to_take_up(f"another-{len(took)}"))
    assert IS_SANITIZED or took[-1] < 1.5, took
    wire.wait_until(lambda: "changed and was taken up; it is good until" in kept.stderr(), "the log to say so")


def test_a_bad_one_keeps_the_old(kept, authority, tmp_path):
    good = authority.issue("good", ["a.example"])
    other = authority.issue("other", ["b.example"])
    bad = [
        (lambda: (tmp_path / "site.pem").write_text("nothing"), "site.pem"),
        (lambda: put((other[0], good[1]), tmp_path), "does not belong to"),
        (lambda: put(authority.issue("old", ["a.example"], days=-1), tmp_path), "expired"),
        (lambda: put(other, tmp_path), "is not for a.example"),
    ]
    refusal = "was not taken up: the one before stays in use"
    for number, (change, words) in enumerate(bad, 1):
        change()
        wire.wait_until(lambda count=number: kept.stderr().count(refusal) == count, f"the log to refuse {words}")
        wire.wait_until(lambda said=words: said in kept.stderr(), "the log to say why")
        assert subject(kept.port, authority) == "first"
    time.sleep(1) # two more looks, which find nothing new to say
    assert kept.stderr().count(refusal) == len(bad)
    put(good, tmp_path)
    wire.wait_until(lambda: all_workers_say(kept, authority, "good"), "the good one")


def write_in_place(pair, folder, _):
    (folder / "site.key").write_bytes(pair[1].read_bytes())
    (folder / "site.pem").write_bytes(pair[0].read_bytes())


def replace_by_rename(pair, folder, _):
    put(pair, folder)


def link_to(target, path):
    new = path.with_name(path.name + ".new")
    os.symlink(target, new)
    os.rename(new, path)


def switch_links_to_files(pair, folder, number):
    """As certbot does: live/site.pem is a link to archive/siteN.pem, and is replaced."""
    archive = folder / "archive"
    archive.mkdir(exist_ok=True)
    for source, name in ((pair[1], "site.key"), (pair[0], "site.pem")):
        shutil.copy(source, archive / f"{number}-{name}")
        link_to(archive / f"{number}-{name}", folder / name)


def switch_a_link_to_a_folder(pair, folder, number):
    """As Kubernetes does: site.pem is a link to ..data/site.pem, and ..data is replaced."""
    version = folder / f"..{number}"
    version.mkdir()
    for source, name in ((pair[1], "site.key"), (pair[0], "site.pem")):
        shutil.copy(source, version / name)
    link_to(version.name, folder / "..data")
    for name in ("site.key", "site.pem"):
        if not (folder / name).is_symlink():
            link_to(f"..data/{name}", folder / name)


@pytest.mark.parametrize("change", [write_in_place, replace_by_rename, switch_links_to_files, switch_a_link_to_a_folder])
def test_however_it_is_replaced(kept, authority, tmp_path, change):
    for number, name in enumerate(("second", "third", "fourth")):
        change(authority.issue(f"{name}-{change.__name__}", ["a.example"]), tmp_path, number)
        wire.wait_until(lambda expected=f"{name}-{change.__name__}": all_workers_say(kept, authority, expected), name)
    assert "was not taken up" not in kept.stderr()


def switches_of(worker):
    """How often it has gone to sleep, with all its threads."""
    count = 0
    for task in pathlib.Path(f"/proc/{int(worker)}/task").iterdir():
        found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.MULTILINE)
        count += int(found.group(1))
    return count


def mounts_within(seconds):
    """How often something was mounted or unmounted on this machine meanwhile (proc(5)): tests beside this one do that."""
    end = time.monotonic() + seconds
    count = 0
    with open("/proc/self/mountinfo", "rb") as mounts:
        poll = select.poll()
        poll.register(mounts, select.POLLPRI)
        while (left := end - time.monotonic()) > 0:
            count += len(poll.poll(left * 1000))
    return count


@pytest.mark.every_backend
def test_an_idle_worker_sleeps(kept, authority, tmp_path):
    """Also after a change; with a look every 400 ms there were 30 wake-ups in this time."""
    for name in ("idle-1", "idle-2"):
        put(authority.issue(name, ["a.example"]), tmp_path)
        wire.wait_until(lambda expected=name: all_workers_say(kept, authority, expected), name)
    workers = workers_of(kept)

    def wakes_in_four_seconds():
        before = [switches_of(worker) for worker in workers]
        mounts = mounts_within(4)
        return sum(switches_of(worker) for worker in workers) - sum(before), mounts

    # The first time is for what is left to do. A heartbeat of the master, every five seconds, wakes each worker; so
    # may the kernel, when memory is short, and whoever mounts something, once for each worker and thread that looks.
    # A look at the file would be there each time.
    counts = []
    while not counts or counts[-1][0] > 2 * len(workers) * (1 + counts[-1][1]):
        assert len(counts) < 5, counts
        counts.append(wakes_in_four_seconds())


def workers_of(site):
    return vif.workers_of(site.process)


def has_nothing_to_do(pid):
    """It sleeps, and has taken every signal."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return "State:\tS" in status and not int(re.search(r"ShdPnd:\s+(\w+)", status).group(1), 16)


def test_a_worker_that_starts_beside_a_bad_one_has_the_last_good(kept, authority, tmp_path):
    put(authority.issue("renewed", ["a.example"]), tmp_path)
    wire.wait_until(lambda: all_workers_say(kept, authority, "renewed"), "the one that all have taken up")
    wire.wait_until(lambda: has_nothing_to_do(kept.process.pid), "the master to have read it, too")
    (tmp_path / "site.pem").write_text("nothing")
    wire.wait_until(lambda: "was not taken up" in kept.stderr(), "the log to refuse the bad one")
    first = set(workers_of(kept))
    for worker in first:
        os.kill(int(worker), 15)
    wire.wait_until(lambda: len(workers_of(kept)) == 2 and not first & set(workers_of(kept)), "successors of both")
    assert all_workers_say(kept, authority, "renewed")
    os.remove(tmp_path / "site.key")
    wire.wait_until(lambda: kept.stderr().count("was not taken up") >= 2, "the log to refuse that, too")
    put(authority.issue("mended", ["a.example"]), tmp_path)
    wire.wait_until(lambda: all_workers_say(kept, authority, "mended"), "the mended one, by both workers")
    assert "cannot start" not in kept.stderr()


@pytest.mark.parametrize("workers", [1, 3])
def test_a_bad_one_at_the_first_start_is_told_once(authority, tmp_path, workers):
    put(authority.issue("unread", ["a.example"]), tmp_path)
    (tmp_path / "site.pem").write_text("nothing")
    tls = {"certificate": str(tmp_path / "site.pem"), "key": str(tmp_path / "site.key")}
    config = tmp_path / "vif.yaml"
    config.write_text(json.dumps({"listen": [{"address": f"127.0.0.1:{free_port()}", "tls": True}], "workers": workers,
                                  "sites": [{"hosts": ["a.example"], "tls": tls, "routes": TEXT}]}))
    started = run("run", "-c", config)
    assert started.returncode == 1
    assert started.stderr.count("site.pem: ") == 1
    assert "cannot start without these certificates" in started.stderr
    assert '"vif check" also says in which line' in started.stderr
    checked = run("check", "-c", config)
    assert checked.returncode == 2
    assert "vif.yaml:1:" in checked.stderr and "site.pem: " in checked.stderr


@pytest.mark.every_backend
def test_ten_changes_under_load_lose_nothing(kept, authority, tmp_path):
    pairs = [authority.issue(f"turn-{i}", ["a.example"]) for i in range(10)]
    context = context_for(authority)
    stop, faults, resumed = threading.Event(), [], []

    def ask():
        session = None
        while not stop.is_set():
            try:
                with TlsClient(kept.port, context, "a.example", session) as client:
                    for _ in range(3):
                        assert client.get(host="a.example")[0] == 200
                    if session:
                        resumed.append(client.socket.session_reused)
                    session = client.socket.session
            except Exception as fault: # all of them are told below
                faults.append(fault)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for i, pair in enumerate(pairs):
            put(pair, tmp_path)
            wire.wait_until(lambda number=i: subject(kept.port, authority) == f"turn-{number}", f"change {i}")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not faults, faults[:3]
    assert len(resumed) > 20
    assert all(resumed), f"{resumed.count(False)} of {len(resumed)} sessions were not resumed"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.every_backend
def test_every_worker_resumes_what_any_began(server, authority, version):
    port = free_port()
    pair = authority.issue(f"resumed-{version.name}", ["a.example"])
    listen = [{"address": f"127.0.0.1:{port}", "tls": True}]
    sites = [{"tls": {"certificate": str(pair[0]), "key": str(pair[1])}, "routes": TEXT}]
    site = server(config={"listen": listen, "sites": sites, "workers": 3}, port=port)
    context = context_for(authority, version)
    session = None
    for turn in range(24):
        with TlsClient(port, context, "a.example", session) as client:
            assert client.get()[0] == 200
            assert client.socket.session_reused == (turn > 0)
            session = client.socket.session
    # A worker that is replaced has the same keys.
    worker = workers_of(site)[0]
    os.kill(int(worker), 15)
    wire.wait_until(lambda: worker not in workers_of(site), "the worker to end")
    for _ in range(12):
        with TlsClient(port, context, "a.example", session) as client:
            assert client.get()[0] == 200
            assert client.socket.session_reused


def test_a_file_of_keys_is_for_several_servers(server, authority, tmp_path):
    keys = tmp_path / "ticket.keys"
    keys.write_bytes(os.urandom(80))
    keys.chmod(0o600)
    pair = authority.issue("several", ["a.example"])
    sites = [{"tls": {"certificate": str(pair[0]), "key": str(pair[1])}, "routes": TEXT}]
    ports = [free_port(), free_port()]
    for port in ports:
        server(config={"listen": [{"address": f"127.0.0.1:{port}", "tls": True}], "sites": sites,
                       "tickets": {"keys": str(keys)}}, port=port)
    context = context_for(authority)
    with TlsClient(ports[0], context, "a.example") as client:
        client.get()
        session = client.socket.session
    with TlsClient(ports[1], context, "a.example", session) as client:
        client.get()
        assert client.socket.session_reused


def test_without_tickets_nothing_is_resumed(server, authority):
    port = free_port()
    pair = authority.issue("none", ["a.example"])
    sites = [{"tls": {"certificate": str(pair[0]), "key": str(pair[1])}, "routes": TEXT}]
    server(config={"listen": [{"address": f"127.0.0.1:{port}", "tls": True}], "sites": sites,
                   "tickets": {"lifetime": "none"}}, port=port)
    context = context_for(authority)
    with TlsClient(port, context, "a.example") as client:
        client.get()
        assert client.socket.session is None or not client.socket.session.has_ticket


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_staple_is_sent_and_changes(server, authority, tmp_path, version):
    port = free_port()
    name = f"staple{version}"
    put(authority.issue(name, ["a.example"]), tmp_path)
    shutil.copy(authority.staple(name), tmp_path / "site.ocsp")
    tls = {"certificate": str(tmp_path / "site.pem"), "key": str(tmp_path / "site.key"),
           "ocsp": str(tmp_path / "site.ocsp")}
    site = server(config={"listen": [{"address": f"127.0.0.1:{port}", "tls": True}],
                          "sites": [{"tls": tls, "routes": TEXT}]}, port=port)

    def status():
        return openssl("s_client", "-connect", f"127.0.0.1:{port}", "-servername", "a.example", "-status", version,
                       text=b"")

    assert b"OCSP Response Status: successful" in status(), site.stderr()
    (tmp_path / "site.ocsp").write_bytes(b"junk")
    wire.wait_until(lambda: b"OCSP response: no response sent" in status(), "the staple to go")
    shutil.copy(authority.staple(name), tmp_path / "site.ocsp")
    wire.wait_until(lambda: b"OCSP Response Status: successful" in status(), "the staple to come back")


def test_the_quick_server_has_https_by_one_word(server, root, tmp_path):
    (root / "a.txt").write_text("a")
    environment = dict(os.environ)
    os.environ["XDG_DATA_HOME"] = str(tmp_path / "data")
    try:
        site = server(root, "--tls")
        authority = tmp_path / "data/vif/ca/ca.pem"
        for host in ("localhost", "127.0.0.1"):
            said = subprocess.run(["curl", "-sS", "--cacert", authority, "--resolve", f"localhost:{site.port}:127.0.0.1",
                                   f"https://{host}:{site.port}/a.txt"], capture_output=True, timeout=60, check=False)
            assert (said.returncode, said.stdout) == (0, b"a"), said.stderr
        wire.wait_until(lambda: f"https://127.0.0.1:{site.port}/" in site.stderr(), "the banner")
        assert "certutil -d sql:" in site.stderr()
        site.stop()
        again = server(root, "--tls")
        wire.wait_until(lambda: f"https://127.0.0.1:{again.port}/" in again.stderr(), "the banner")
        assert "certutil" not in again.stderr()
    finally:
        os.environ.clear()
        os.environ.update(environment)


def test_the_quick_server_takes_a_certificate(server, root, authority):
    (root / "a.txt").write_text("a")
    pair = authority.issue("given", ["a.example"])
    site = server(root, "--cert", pair[0], "--key", pair[1])
    assert get(site.port, context_for(authority), "a.example", "/a.txt")[2] == b"a"
