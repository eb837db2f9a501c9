"""What worker processes may still do: what the kernel says of them, and what becomes of the files that only root may
read. What each single system call does is in tests/unit/proc/test_sandbox.c."""
import contextlib
import itertools
import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import pytest

import pki
import succession
import vif
import wire

IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
BACKENDS = ["epoll", "epoll-lt", "poll", "select", "io_uring"]
NOBODY = 65534
LOG_CAPABILITIES = 0b11111  # CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID


def status(pid):
    """Of a process, by name."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def workers(running):
    """When all serve: the control socket is there then."""
    wire.wait_until(lambda: vif.run("status", "--pid", running.process.pid).returncode == 0, "the workers")
    return vif.workers_of(running.process)


def has_features():
    return json.loads(vif.run("hardening", "--json").stdout)


def files(folder, **more):
    return {"sites": [{"routes": {"/": {"files": str(folder)}}}], **more}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_worker_has_no_rights(server, root, backend):
    (root / "page").write_text("page")
    running = server(root, "--backend", backend, workers=2)
    for pid in workers(running):
        of_worker = status(pid)
        assert of_worker["CapEff"] == of_worker["CapPrm"] == of_worker["CapAmb"] == ["0" * 16]
        assert of_worker["NoNewPrivs"] == ["1"]
        if has_features()["seccomp"]:
            assert of_worker["Seccomp"] == ["2"]
        if IS_ROOT:
            assert of_worker["Uid"] == of_worker["Gid"] == [str(NOBODY)] * 4
            assert of_worker["CapBnd"] == ["0" * 16]
            assert of_worker["Groups"] == []
    assert running.get("/page").body == b"page"


@needs_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv")
def test_groups_of_whoever_started_it_are_given_up(server, root):
    running = server(config=files(root), prefix=["setpriv", "--groups", "4,24"])
    assert status(running.process.pid)["Groups"] == status(workers(running)[0])["Groups"] == []


@needs_root
def test_the_user_is_said_at_the_start(server, root):
    running = server(config=files(root))
    wire.wait_until(lambda: "worker processes run as the user nobody" in running.stderr(), "the line")


@needs_root
def test_another_user_and_group(server, root):
    running = server(config=files(root, user="daemon:games"))
    of_worker = status(workers(running)[0])
    assert of_worker["Uid"] == ["1"] * 4
    assert of_worker["Gid"] == [str(group_number("games"))] * 4


def group_number(name):
    return number_in("group", name)


def user_number(name):
    return number_in("passwd", name)


def number_in(file, name):
    lines = pathlib.Path("/etc", file).read_text(encoding="utf-8").splitlines()
    return next(int(line.split(":")[2]) for line in lines if line.startswith(f"{name}:"))


@needs_root
def test_workers_that_stay_root(server, root):
    (root / "mine").write_text("mine")
    (root / "mine").chmod(0o600)
    os.chown(root / "mine", 1, 1)
    running = server(config=files(root, user="root"))
    assert "worker processes run as root: whoever takes one over can read every file" in running.stderr()
    of_worker = status(workers(running)[0])
    assert of_worker["Uid"] == ["0"] * 4
    assert int(of_worker["CapEff"][0], 16) == 0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert running.get("/mine").body == b"mine"


def test_without_a_sandbox(server, root):
    running = server(config=files(root, sandbox=False))
    of_worker = status(workers(running)[0])
    assert of_worker["Seccomp"] == ["0"]
    if IS_ROOT:
        assert of_worker["Uid"] == [str(NOBODY)] * 4


@needs_root
def test_what_the_user_cannot_read_is_told(root, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed" / "site").mkdir()
    config = tmp_path / "vif.yaml"
    config.write_text(json.dumps(files(tmp_path / "closed" / "site")))
    for command in ["check", "run"]:
        outcome = vif.run(command, "-c", config)
        assert outcome.returncode == 2
        assert (f'"{tmp_path}/closed/site" cannot be served: worker processes run as the user nobody, which cannot read '
                f'it: Permission denied: the folder "{tmp_path}/closed" may not be entered; give that user access, or '
                'choose another one with the option "user"') in outcome.stderr
    (root / "404.html").write_text("gone")
    (root / "404.html").chmod(0o600)
    config.write_text(json.dumps({"sites": [{"routes": {"/": {"files": {"root": str(root),
                                                                    "error_pages": {"404": "404.html"}}}}}]}))
    outcome = vif.run("check", "-c", config)
    assert outcome.returncode == 0
    assert f'"404.html" below "{root}" cannot be read by the user nobody' in outcome.stderr


def without(*capabilities):
    """Words in front of a command: root in a container that has not got these."""
    dropped = ",".join(f"-{name}" for name in capabilities)
    return ["setpriv", f"--inh-caps={dropped}", f"--bounding-set={dropped}"]


@needs_root
@pytest.mark.parametrize("lacking", [["all"], ["setuid"], ["setgid"], ["kill"]])
def test_root_that_cannot_become_another_user(server, root, lacking):
    """docker run --cap-drop=ALL. Without CAP_KILL it could not stop workers of another user."""
    (root / "page").write_text("page")
    running = server(config=files(root), prefix=without(*lacking))
    assert running.stderr().count("worker processes stay root, without capabilities: vif cannot become another user here") == 1
    assert "CAP_SETUID, CAP_SETGID and CAP_KILL" in running.stderr()
    of_worker = status(workers(running)[0])
    assert of_worker["Uid"] == ["0"] * 4
    assert of_worker["CapEff"] == ["0" * 16]
    assert running.get("/page").body == b"page"
    reload(running, files(root))
    assert running.get("/page").body == b"page"


@needs_root
def test_root_that_cannot_become_the_user_it_is_to_be(root, tmp_path):
    config = tmp_path / "vif.yaml"
    config.write_text(json.dumps(files(root, user="daemon")))
    for command in ["check", "run"]:
        outcome = subprocess.run([*without("all"), vif.BINARY, command, "-c", config], capture_output=True, text=True,
                                 timeout=30, check=False)
        assert outcome.returncode == 2
        assert ("worker processes cannot become the user daemon: Operation not permitted; for that vif needs the "
                'capabilities CAP_SETUID, CAP_SETGID and CAP_KILL, or write "user: root"') in outcome.stderr
    config.write_text(json.dumps(files(root, user="root")))
    outcome = subprocess.run([*without("all"), vif.BINARY, "check", "-c", config], capture_output=True, text=True, timeout=30,
                             check=False)
    assert outcome.returncode == 0


OUTSIDE = '''
import ctypes, os, struct, sys
def rule(code, yes, no, value): return struct.pack("HBBI", code, yes, no, value)
calls = [int(word) for word in sys.argv[1].split(",")]
rules = [rule(0x20, 0, 0, 0)]
for call in calls:
    rules += [rule(0x15, 0, 1, call), rule(0x06, 0, 0, 0x00050001)]
rules.append(rule(0x06, 0, 0, 0x7fff0000))
memory = ctypes.create_string_buffer(b"".join(rules))
program = struct.pack("HxxxxxxP", len(rules), ctypes.addressof(memory))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[2], sys.argv[2:])
'''
LANDLOCK = [444, 445, 446]  # the same number on every kind of machine


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of system calls are those of x86-64")
def test_a_container_that_forbids_confinement(server, root):
    """Its seccomp profile is a list of calls, which may lack those with which a process confines itself."""
    if not (has_features()["seccomp"] and has_features()["landlock"]):
        pytest.skip("the kernel has no Landlock or no seccomp")
    (root / "page").write_text("page")
    forbidden = ",".join(map(str, [317, *LANDLOCK]))  # seccomp(2); prctl(2) does the same
    prefix = [sys.executable, "-c", OUTSIDE, forbidden]
    running = server(config=files(root), prefix=prefix, workers=2)
    wire.wait_until(lambda: "Landlock is forbidden here" in running.stderr(), "the warning")
    assert running.stderr().count("is forbidden here") == 1
    for pid in workers(running):
        assert status(pid)["Seccomp"] == ["2"]
        assert int(status(pid)["Seccomp_filters"][0]) == int(status(running.process.pid)["Seccomp_filters"][0]) + 2
    assert running.get("/page").body == b"page"
    outcome = subprocess.run([*prefix, vif.BINARY, "hardening"], capture_output=True, text=True, timeout=30, check=False)
    assert "lacks    Landlock, which is forbidden here, perhaps by the seccomp profile of a container" in outcome.stdout


def test_the_rights_of_the_vif_that_runs(server, root, tmp_path):
    with tempfile.TemporaryDirectory() as folder:  # the path of a socket is short
        place = {**os.environ, "RUNTIME_DIRECTORY": folder}
        assert json.loads(vif.run("hardening", "--json", env=place).stdout)["processes"] == []
        logs = {"access": str(tmp_path / "access.log"), "rotate": True}
        running = server(config=files(root, log=logs), workers=2, prefix=["env", f"RUNTIME_DIRECTORY={folder}"])
        of_workers = vif.workers_of(running.process)
        found = json.loads(vif.run("hardening", "--json", env=place).stdout)["processes"]
        assert [process["pid"] for process in found if process["role"] == "master"] == [running.process.pid]
        assert {process["pid"] for process in found if process["role"] == "worker"} == set(of_workers)
        assert [vif.name_of(process["pid"]) for process in found if process["role"] == "logs"] == [vif.LOG_KEEPER]
        confined = [process for process in found if process["role"] in ("worker", "logs")]
        assert all(process["no_new_privileges"] for process in confined)
        if has_features()["seccomp"]:
            assert all(process["syscalls_filtered"] for process in confined)
        assert all(int(process["capabilities"], 16) & ~LOG_CAPABILITIES == 0 for process in confined)
        running.stop()


@pytest.mark.skipif(vif.IS_SANITIZED, reason="a sanitizer needs terabytes of addresses")
@pytest.mark.parametrize("gigabytes", [1, 4])
def test_few_addresses(server, root, tmp_path, gigabytes):
    """ulimit -v: what is reserved for settings and for TLS is less then."""
    authority = pki.Authority(tmp_path / "ca")
    place(authority, tmp_path, "a.example")
    (root / "page").write_text("page")
    plain, port = vif.free_port(), vif.free_port()
    listener = {"address": f"127.0.0.1:{port}",
                "tls": {"certificate": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}}
    running = server(config=files(root, listen=[f"127.0.0.1:{plain}", listener]), port=plain,
                     prefix=["prlimit", f"--as={gigabytes << 30}"])
    for number in range(8):
        reload(running, {"timeouts": {"drain": f"{number + 1}s"}})
        assert presented(port).startswith("-----BEGIN CERTIFICATE")
    assert running.get("/page").body == b"page"


def shared_memory(pid):
    """What all processes of a vif can write to."""
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
        addresses, rights = line.split()[:2]
        if rights == "rw-s":
            yield [int(address, 16) for address in addresses.split("-")]


def scribble(pid, write):
    """Behind the first part are figures of workers that there are not."""
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for begin, end in shared_memory(pid):
            memory.seek(begin)
            memory.write(write(min(end - begin, 1 << 20)))


def ask(running, words):
    """Sends a command to the control socket; returns the connection."""
    folder = pathlib.Path(os.environ.get("RUNTIME_DIRECTORY", "/run/vif"))
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(wire.TIME_LIMIT)
    client.connect(str(folder / f"{running.process.pid}.sock"))
    client.sendall(words.encode() + b"\n")
    return client


def command(running, words):
    """What the control socket answers, whatever it is."""
    with ask(running, words) as client:
        return b"".join(iter(lambda: client.recv(1 << 16), b""))


def answers(running):
    with contextlib.suppress(OSError, AssertionError):
        return running.get("/page").body == b"page"
    return False


@needs_root
def test_the_master_survives_what_workers_write(server, root, tmp_path):
    """Somebody who has taken over a worker can write anything to the memory that all share: numbers, texts without an end,
    locks that are held for ever. The master goes on, obeys, and new workers serve."""
    (root / "page").write_text("page")
    authority = pki.Authority(tmp_path / "ca")
    place(authority, tmp_path, "a.example")
    plain, port = vif.free_port(), vif.free_port()
    listener = {"address": f"127.0.0.1:{port}",
                "tls": {"certificate": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}}
    server_url = f"http://127.0.0.1:{vif.free_port()}"
    routes = {"/": {"files": str(root)}, "/api": {"proxy": {"to": server_url}}}
    config = files(root, listen=[f"127.0.0.1:{plain}", listener], sites=[{"routes": routes}],
                   log={"error": str(tmp_path / "error.log")})
    running = server(config=config, workers=2, port=plain)
    former = workers(running)
    kinds = itertools.cycle([os.urandom, lambda size: b"A" * size, lambda size: b"\xff" * size, bytes])
    for _ in range(2):
        for words in ["status", "status json", "figures", "upstream list", "upstream list\tjson", "reopen",
                      f"upstream weight\t{server_url}\t2", "upstream add\thttp://127.0.0.1:9"]:
            scribble(running.process.pid, next(kinds))
            assert command(running, words).split(b"\n")[0] in [b"done", b"partly", b"failed"], words
    reloading = ask(running, "reload")
    for pid in {*former, *vif.workers_of(running.process)}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wire.wait_until(lambda: answers(running), "new workers")
    wire.wait_until(lambda: is_open(port), "TLS")
    assert presented(port).startswith("-----BEGIN CERTIFICATE")
    assert running.process.poll() is None
    reloading.close()
    running.kill()  # what it says of workers that crashed is not what it is asked for


@needs_root
def test_the_user_stays_through_an_upgrade(server, root):
    succession.adopt_orphans()
    (root / "page").write_text("page")
    running = server(config=files(root, user="daemon:games"), workers=2)
    succession.wait_until_found(running)
    former = succession.upgrade(running)
    assert former.wait(vif.STOP_SECONDS) == 0
    for pid in workers(running):
        assert status(pid)["Uid"] == ["1"] * 4
        assert status(pid)["Gid"] == [str(group_number("games"))] * 4
    assert running.get("/page").body == b"page"
    before = workers(running)
    reload(running, {"timeouts": {"drain": "7s"}})
    assert workers(running) == before
    reload(running, {"user": "games:daemon"})
    wire.wait_until(lambda: not set(workers(running)) & set(before), "workers of the other user alone")
    for pid in workers(running):
        assert status(pid)["Uid"] == [str(user_number("games"))] * 4
        assert status(pid)["Gid"] == ["1"] * 4
    assert running.get("/page").body == b"page"


def test_an_ordinary_user(root, tmp_path):
    """Nothing to drop; the rest is on."""
    if not IS_ROOT:
        pytest.skip("the other tests are this one then")
    (root / "page").write_text("page")
    port = vif.free_port()
    process = subprocess.Popen([vif.BINARY, "-a", "127.0.0.1", "-p", str(port), "-w", "1", root], user=NOBODY,
                               group=NOBODY, extra_groups=[], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wire.wait_until(lambda: is_open(port), "the server")
        filtered = "2" if has_features()["seccomp"] else "0"
        (worker,) = wire.wait_until(lambda: vif.workers_of(process), "the worker")
        wire.wait_until(lambda: status(worker)["Seccomp"] == [filtered], "its sandbox")
        of_worker = status(worker)
        assert of_worker["NoNewPrivs"] == ["1"]
        assert of_worker["CapEff"] == ["0" * 16]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@needs_root
def test_logs_that_only_root_can_open(server, root, tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir(mode=0o700)
    (root / "page").write_text("page")
    running = server(config=files(root, log={"access": str(logs / "access.log"), "error": str(logs / "error.log")}))
    assert running.get("/page").status == 200
    wire.wait_until(lambda: "/page" in (logs / "access.log").read_text(), "the line")
    os.rename(logs / "access.log", logs / "access.log.1")
    assert vif.run("reopen", "--pid", running.process.pid).returncode == 0
    wire.wait_until((logs / "access.log").exists, "the new file")
    assert running.get("/page?again").status == 200
    wire.wait_until(lambda: "again" in (logs / "access.log").read_text(), "the line in the new file")


@needs_root
def test_a_reload_with_a_log_that_only_root_can_open(server, root, tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir(mode=0o700)
    config = files(root)
    running = server(config=config)
    before = workers(running)
    config["log"] = {"access": str(logs / "access.log")}
    reload(running, config)
    assert workers(running) == before
    running.get("/page")
    wire.wait_until(lambda: "/page" in (logs / "access.log").read_text(), "the line")


def reload(running, config, exit_code=0):
    workers(running)
    config = {**json.loads(running.config_path.read_text()), **config}
    running.config_path.write_text(json.dumps(config))
    outcome = vif.run("reload", "--pid", running.process.pid)
    assert outcome.returncode == exit_code, outcome.stderr + outcome.stdout
    return outcome.stdout + outcome.stderr


def test_a_reload_that_adds_a_folder_starts_other_workers(server, root, tmp_path):
    """A worker cannot get back what it gave up. Nothing is cut: a download goes on with the worker that began it."""
    (root / "large").write_bytes(b"x" * 50_000_000)
    other = tmp_path / "other"
    other.mkdir()
    (other / "page").write_text("other")
    running = server(config=files(root, timeouts={"drain": "500ms"}), workers=2)
    before = workers(running)
    with running.connect() as client:
        client.request("GET", "/large")
        first = client.take_at_most(1000)
        text = reload(running, {"sites": [{"routes": {"/": {"files": str(root)}, "/other": {"files": str(other)}}}]})
        assert "is in force in 2 worker processes" in text
        assert running.get("/other/page").body == b"other"
        assert not set(workers(running)[-2:]) & set(before)
        time.sleep(1)  # longer than the time to drain, which is no limit here
        received = len(first)
        while received < 50_000_000:
            got = client.take_at_most(1 << 20)
            assert got, "the download was cut"
            received += len(got)
    wire.wait_until(lambda: not set(workers(running)) & set(before), "the former workers to end")
    assert running.get("/other/page").body == b"other"


def test_many_reloads_that_add_a_folder(server, root, tmp_path):
    (root / "page").write_text("page")
    running = server(config=files(root), workers=2)
    routes = {"/": {"files": str(root)}}
    for number in range(8):
        folder = tmp_path / f"folder{number}"
        folder.mkdir()
        (folder / "page").write_text(str(number))
        routes[f"/{number}"] = {"files": str(folder)}
        reload(running, {"sites": [{"routes": routes}]})
        assert running.get(f"/{number}/page").body == str(number).encode()
        assert running.get("/page").body == b"page"
    wire.wait_until(lambda: len(workers(running)) == 2, "the former workers to end")


def place(authority, folder, name):
    certificate, key = authority.issue(name, [name])
    os.replace(shutil.copy(certificate, folder / "new"), folder / "cert.pem")
    os.replace(shutil.copy(key, folder / "new"), folder / "key.pem")


def presented(port):
    return ssl.get_server_certificate(("127.0.0.1", port))


@needs_root
def test_a_key_that_only_root_can_read(server, root, tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    authority = pki.Authority(tmp_path / "ca")
    place(authority, keys, "a.example")
    (root / "page").write_text("page")
    port = vif.free_port()
    listener = {"address": f"127.0.0.1:{port}",
                "tls": {"certificate": str(keys / "cert.pem"), "key": str(keys / "key.pem")}}
    running = server(config=files(root, listen=[listener]), port=port)
    first = presented(port)
    place(authority, keys, "a.example")
    began = time.monotonic()
    wire.wait_until(lambda: presented(port) != first, "the other certificate")
    assert time.monotonic() - began < 5  # a second, on a machine with nothing else to do
    wire.wait_until(lambda: "changed and was taken up" in running.stderr(), "the line")


def test_process_1_of_a_container(root):
    """It gets the signals that have no handler there, and waits for processes whose parents have ended."""
    (root / "page").write_text("page")
    port = vif.free_port()
    script = 'sh -c "sleep 0.2 & exit" ; exec "$0" -a 127.0.0.1 -p "$1" -w 1 "$2"'
    process = subprocess.Popen(["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script, vif.BINARY, str(port), root],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wire.wait_until(lambda: is_open(port) or process.poll() is not None, "the server")
        if process.poll() is not None and "unshare" in (said := process.stdout.read()):
            pytest.skip(said)
        first = int(pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
        children = pathlib.Path(f"/proc/{first}/task/{first}/children")
        wire.wait_until(lambda: len(children.read_text().split()) == 1, "the stranger to be waited for")
        os.kill(first, signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
