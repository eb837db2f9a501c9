"""Measuring: servers on one core, wrk on another, rounds interleaved.

The figure is the CPU time of the server's processes per request. Requests per second would mix in how busy
the load generator is; CPU time does not, and it is what decides how much a machine can carry. Interleaving
(each server once a round) makes whatever disturbs the machine for a while disturb them all, and lets ratios
be taken round by round.
"""

import json
import os
import random
import resource
import string
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from client import Client
from process import Process, free_port, machine_cpu_seconds
from servers import Site

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Sample:
    """One server under load once."""
    requests: int
    seconds: float
    cpu_seconds: float
    p99_us: int
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


def check_answers(scenario, port, expected):
    """Raises RuntimeError when the server does not answer with the file, byte for byte, as often as asked."""
    try:
        with Client(port) as client:
            client.send(scenario.path, scenario.depth, scenario.closes)
            answers = [client.receive() for _ in range(scenario.depth)]
    except OSError as error:
        raise RuntimeError(f"no answer: {error}") from None
    for status, body in answers:
        if status != 200 or body != expected:
            raise RuntimeError(f"wrong answer: status {status}, {len(body)} bytes of {len(expected)}")


def load(scenario, port, seconds, core):
    """Runs wrk and returns its report, as load.lua prints it."""
    argv = ["wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds}", "-s", str(HERE / "load.lua")]
    if scenario.closes:
        argv += ["-H", "Connection: close"]
    ran = subprocess.run(
        [*argv, f"http://127.0.0.1:{port}{scenario.path}"], capture_output=True, text=True,
        timeout=seconds + 60, env={**os.environ, "DEPTH": str(scenario.depth)},
        preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    if ran.returncode != 0:
        raise RuntimeError(f"wrk: {ran.stderr.strip() or ran.stdout.strip()}")
    return json.loads(ran.stdout.splitlines()[-1])


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


def measure(scenario, process, seconds, core):
    """One turn of one server. Raises RuntimeError when wrk cannot reach it."""
    with ExitStack() as stack:
        _open_idle(scenario, process.port, stack)
        return _measure(scenario, process, seconds, core)


def _measure(scenario, process, seconds, core):
    before, machine, by_load = process.cpu_seconds(), machine_cpu_seconds(), _load_cpu_seconds()
    report = load(scenario, process.port, seconds, core)
    spent, by_load = process.cpu_seconds() - before, _load_cpu_seconds() - by_load
    others = machine_cpu_seconds() - machine - spent - by_load
    took = report["microseconds"] / 1e6
    errors = {kind: count for kind, count in report["errors"].items() if count}
    if not process.is_running():
        errors["server gone"] = 1
    others = max(others, 0) / took / os.cpu_count()
    return Sample(report["requests"], took, spent, report["p99_us"], others, errors)


def _start_all(scenario, servers, plan, root, folder, stack, say):
    expected = (root / scenario.path.lstrip("/")).read_bytes()
    running = {}
    for server in servers:
        own = folder / f"{scenario.name}-{server.name}"
        own.mkdir()
        site = Site(root, own, free_port(), scenario.path, scenario.floor_mode)
        try:
            process = start(server, site, core=plan.server_core)
            stack.callback(process.stop)
            check_answers(scenario, site.port, expected)
            load(scenario, site.port, 1, plan.load_core)
        except RuntimeError as error:
            say(f"{scenario.name}: {server.name} left out: {error}")
            continue
        running[server.name] = process
    return running


def run_scenario(scenario, servers, plan, folder, say):
    """Measures every server that works: {name: [Sample, one a round]}. `say` is told who was left out."""
    root = folder / "files"
    servers = [server for server in servers
               if server.body_bytes_max is None or scenario.body_bytes <= server.body_bytes_max]
    with ExitStack() as stack:
        running = _start_all(scenario, servers, plan, root, folder, stack, say)
        samples = {name: [] for name in running}
        for number in range(plan.rounds):
            say(f"{scenario.name}: round {number + 1} of {plan.rounds}", passing=True)
            for name, process in list(running.items()):
                try:
                    samples[name].append(measure(scenario, process, plan.seconds, plan.load_core))
                except RuntimeError as error:
                    say(f"{scenario.name}: {name} left out: {error}")
                    del running[name], samples[name]
        return samples
