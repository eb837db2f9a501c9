"""Measuring: servers on one core, wrk on another, rounds interleaved.

The figure is the CPU time of the server's processes per request. Requests per second would mix in how busy
the load generator is; CPU time does not, and it is what decides how much a machine can carry. Interleaving
(each server once a round) makes whatever disturbs the machine for a while disturb them all, and lets ratios
be taken round by round.
"""

import json
import os
import random
import re
import resource
import string
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from client import Client
from process import Process, free_port, machine_cpu_seconds
from servers import Floor, Site

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Sample:
    """One server under load once."""
    requests: int
    seconds: float
    cpu_seconds: float
    p99_us: int    # 0: unknown
    others: float  # the share of the machine that neither server nor load used: what makes figures noisy
    errors: dict  # kind -> count, only what happened

    @property
    def cpu_us(self):
        """Microseconds of server CPU time per request."""
        return self.cpu_seconds * 1e6 / max(self.requests, 1)


@dataclass(frozen=True)
class Plan:
    rounds: int
    seconds: int
    server_core: int
    load_core: int


def choose_cores():
    """(server, load): the first two cores that we may use; the same one twice where there is no other."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[1 if len(cores) > 1 else 0]


def build(source, output, *flags):
    """Compiles one of our C programs. Raises RuntimeError with the compiler's words."""
    compiler = [os.environ.get("CC", "cc"), "-O2", "-std=gnu17", "-D_GNU_SOURCE"]
    argv = [*compiler, str(HERE / source), "-o", str(output), *flags]
    ran = subprocess.run(argv, capture_output=True, text=True)
    if ran.returncode != 0:
        raise RuntimeError(f"{source} does not compile:\n{ran.stderr}")
    return output


def temporary_folder(prefix):
    """A TemporaryDirectory that workers of another user can read."""
    folder = tempfile.TemporaryDirectory(prefix=prefix)
    os.chmod(folder.name, 0o755)
    return folder


def write_files(root, scenarios):
    """The files to serve: plain text, the same in every run."""
    letters = random.Random(1).choices(string.ascii_letters + " \n", k=4096)
    for scenario in scenarios:
        text = "".join(letters) * (scenario.body_bytes // len(letters) + 1)
        (root / scenario.path.lstrip("/")).write_text(text[:scenario.body_bytes])


def start(server, site, **options):
    """Starts `server` and waits for its port. When that fails it is stopped, and RuntimeError says why."""
    process = Process(server.command(site), site.port, site.folder / "output",
                      environment=server.environment(site), **options)
    try:
        process.wait_until_ready()
    except RuntimeError:
        process.stop()
        raise
    return process


def make_certificate(folder):
    """A certificate for localhost with its key, of P-256, in one file."""
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key),
         "-out", str(certificate)], check=True, capture_output=True)
    both.write_text(certificate.read_text() + key.read_text())
    return both


def _url(scenario, port):
    scheme = "https" if scenario.wire in ("https", "h2") else "http"
    return f"{scheme}://127.0.0.1:{port}{scenario.path}"


def _check_by_curl(scenario, port, expected):
    version = {"https": "--http1.1", "h2": "--http2", "h2c": "--http2-prior-knowledge"}[scenario.wire]
    ran = subprocess.run(["curl", "-sk", version, "-w", "%{stderr}%{http_code} %{http_version}", "--max-time", "20",
                          _url(scenario, port)], capture_output=True)
    wanted = b"200 1.1" if scenario.wire == "https" else b"200 2"
    if ran.returncode != 0 or ran.stderr != wanted or ran.stdout != expected:
        raise RuntimeError(f"wrong answer: {ran.stderr.decode()}, {len(ran.stdout)} bytes of {len(expected)}")


def check_answers(scenario, port, expected):
    """Raises RuntimeError when the server does not answer with the file, byte for byte, as often as asked."""
    if scenario.wire != "http":
        _check_by_curl(scenario, port, expected)
        return
    try:
        with Client(port) as client:
            client.send(scenario.path, scenario.depth, scenario.closes)
            answers = [client.receive() for _ in range(scenario.depth)]
    except OSError as error:
        raise RuntimeError(f"no answer: {error}") from None
    for status, body in answers:
        if status != 200 or body != expected:
            raise RuntimeError(f"wrong answer: status {status}, {len(body)} bytes of {len(expected)}")


def _run_load(argv, seconds, core, **environment):
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 60,
                         env={**os.environ, **environment}, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    if ran.returncode != 0:
        raise RuntimeError(f"{argv[0]}: {ran.stderr.strip() or ran.stdout.strip()}")
    return ran.stdout


def _load_h2(scenario, port, seconds, core):
    """h2load's report in the form of load.lua's."""
    text = _run_load(["h2load", "-t1", f"-c{scenario.connections}", f"-m{scenario.streams}", f"-D{seconds}",
                      _url(scenario, port)], seconds, core)
    requests = re.search(r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed", text)
    took = re.search(r"finished in ([\d.]+)(m?s)", text)
    if requests is None or took is None:
        raise RuntimeError(f"h2load: {text}")
    return {"requests": int(requests[3]), "p99_us": 0, "errors": {"failed": int(requests[4])},
            "microseconds": float(took[1]) * (1e6 if took[2] == "s" else 1e3)}


def load(scenario, port, seconds, core, handshakes=None):
    """Runs the load generator of the scenario's protocol, and returns its report as load.lua prints it."""
    if scenario.wire in ("h2", "h2c"):
        return _load_h2(scenario, port, seconds, core)
    if scenario.handshakes:
        out = _run_load([str(handshakes), str(port), scenario.path, str(seconds), scenario.handshakes], seconds, core)
    else:
        argv = ["wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds}", "-s", str(HERE / "load.lua")]
        if scenario.closes:
            argv += ["-H", "Connection: close"]
        out = _run_load([*argv, _url(scenario, port)], seconds, core, DEPTH=str(scenario.depth))
    return json.loads(out.splitlines()[-1])


def _load_cpu_seconds():
    """Of wrk, and of ourselves where a trial asks too."""
    used = map(resource.getrusage, (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _open_idle(scenario, port, stack):
    try:
        for _ in range(scenario.idle):
            stack.enter_context(Client(port)).get(scenario.path)
    except OSError as error:
        raise RuntimeError(f"an idle connection: {error}") from None


def measure(scenario, process, seconds, core, handshakes=None):
    """One turn of one server. Raises RuntimeError when the load generator cannot reach it."""
    with ExitStack() as stack:
        _open_idle(scenario, process.port, stack)
        return _measure(scenario, process, seconds, core, handshakes)


def _measure(scenario, process, seconds, core, handshakes):
    before, machine, by_load = process.cpu_seconds(), machine_cpu_seconds(), _load_cpu_seconds()
    report = load(scenario, process.port, seconds, core, handshakes)
    spent, by_load = process.cpu_seconds() - before, _load_cpu_seconds() - by_load
    others = machine_cpu_seconds() - machine - spent - by_load
    took = report["microseconds"] / 1e6
    errors = {kind: count for kind, count in report["errors"].items() if count}
    if not process.is_running():
        errors["server gone"] = 1
    others = max(others, 0) / took / os.cpu_count()
    return Sample(report["requests"], took, spent, report["p99_us"], others, errors)


def _start_origin(scenario, plan, root, folder, stack):
    """What the servers forward to: its CPU time counts as the load's."""
    own = folder / f"{scenario.name}-origin"
    own.mkdir()
    site = Site(root, own, free_port(), scenario.path)
    process = start(Floor(build("floor.c", own / "floor")), site, core=plan.load_core)
    stack.callback(process.stop)
    return site.port


def _start_all(scenario, servers, plan, root, folder, stack, say, handshakes):
    expected = (root / scenario.path.lstrip("/")).read_bytes()
    certificate = make_certificate(folder) if scenario.wire in ("https", "h2") else None
    origin_port = _start_origin(scenario, plan, root, folder, stack) if scenario.forwards else 0
    running = {}
    for server in servers:
        own = folder / f"{scenario.name}-{server.name}"
        own.mkdir()
        site = Site(root, own, free_port(), scenario.path, scenario.floor_mode, wire=scenario.wire,
                    certificate=certificate, origin_port=origin_port)
        try:
            process = start(server, site, core=plan.server_core)
            stack.callback(process.stop)
            check_answers(scenario, site.port, expected)
            load(scenario, site.port, 1, plan.load_core, handshakes)
        except RuntimeError as error:
            say(f"{scenario.name}: {server.name} left out: {error}")
            continue
        running[server.name] = process
    return running


def run_scenario(scenario, servers, plan, folder, say):
    """Measures every server that works: {name: [Sample, one a round]}. `say` is told who was left out."""
    root = folder / "files"
    servers = [server for server in servers
               if scenario.wire in server.wires and (server.forwards or not scenario.forwards) and
               (server.body_bytes_max is None or scenario.body_bytes <= server.body_bytes_max or scenario.forwards)]
    handshakes = (build("handshakes.c", folder / "handshakes", "-pthread", "-lssl", "-lcrypto")
                  if scenario.handshakes else None)
    with ExitStack() as stack:
        running = _start_all(scenario, servers, plan, root, folder, stack, say, handshakes)
        samples = {name: [] for name in running}
        for number in range(plan.rounds):
            say(f"{scenario.name}: round {number + 1} of {plan.rounds}", passing=True)
            for name, process in list(running.items()):
                try:
                    samples[name].append(measure(scenario, process, plan.seconds, plan.load_core, handshakes))
                except RuntimeError as error:
                    say(f"{scenario.name}: {name} left out: {error}")
                    del running[name], samples[name]
        return samples
