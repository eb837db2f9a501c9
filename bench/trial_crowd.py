"""Trial: a crowd that waits for a slow disk, beside a load that asks for what is at hand.

Each operation of the disk takes 100 ms (see slowfs.c). 32 clients fetch file after file from it, then 32 look for
names that are not there, and wrk asks for a hot file meanwhile. What ought to happen: the hot load does not notice.
Rounds are interleaved, as in bench/run; a calm turn goes before each pair of turns with a crowd.
"""

import itertools
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from client import Client
from measure import measure, start
from scenarios import Scenario

TITLE = "A crowd at a slow disk"
CROWD = 32
STALL_MS = 100
MEANS = f"""\
Each operation of a disk takes {STALL_MS} ms. {CROWD} clients fetch files of 256 KiB from it, then {CROWD} look for names
that are not there, while wrk asks for a hot file on another disk, by 32 connections.
Hot answers per second, their p99, the server's CPU time for each: without a crowd, then with it and beside what it is
without. Crowd: answers per second that it got itself. Others: what other programs, the slow disk among them,
took of the machine at most; above ten percent only the CPU time says much. Medians of interleaved rounds."""
KINDS = {"fetching": "heavy", "looking up": "absent"}
HEADINGS = ["server", "calm", "p99", "CPU",
            *itertools.chain(*([kind, "p99", "CPU", "crowd"] for kind in KINDS)), "others", ""]

HOT = Scenario("hot", "", "/hot.html", 1024, 32)
ROUNDS = 3
SECONDS = 2
CALM_SECONDS = 60  # the most that a server gets to come back to itself

_serial = itertools.count()


class Crowd:
    """Clients that ask the slow disk for one thing after another, each in a folder of its own."""

    def __init__(self, port, kind):
        self.port, self.kind = port, kind
        self.stopping = threading.Event()
        self.answers = 0
        self.clients = []

    def _ask(self, number):
        while not self.stopping.is_set():
            try:
                # Longer than anybody waits here: it is ended by the abort.
                with Client(self.port, timeout=2 * CALM_SECONDS) as client:
                    self.clients.append(client)
                    while not self.stopping.is_set():
                        client.get(f"/slow/{number}/{self.kind}-{next(_serial)}")
                        self.answers += 1
            except OSError:
                self.stopping.wait(0.1)

    @contextmanager
    def waiting(self):
        with ThreadPoolExecutor(CROWD) as threads:
            for number in range(CROWD):
                threads.submit(self._ask, number)
            time.sleep(0.5)
            try:
                yield
            finally:
                self.stopping.set()
                for client in self.clients:
                    client.abort()


def _wait_for_calm(port):
    """Until nothing that is at hand takes time any more, several times in a row: what the crowd asked for is done."""
    deadline = time.monotonic() + CALM_SECONDS
    quick = 0
    while quick < 20 and time.monotonic() < deadline:
        began = time.monotonic()
        try:
            with Client(port, timeout=CALM_SECONDS) as client:
                client.get("/hot.html")
                client.get(f"/slow/quick-{next(_serial)}")
        except OSError:
            time.sleep(0.1)
        quick = quick + 1 if time.monotonic() - began < 0.05 else 0


def _turns(process, core):
    """One round of one server: {kind: (Sample, answers a second of the crowd)}, the calm turn first."""
    _wait_for_calm(process.port)
    turns = {"calm": (measure(HOT, process, SECONDS, core), 0)}
    for name, kind in KINDS.items():
        _wait_for_calm(process.port)
        crowd = Crowd(process.port, kind)
        with crowd.waiting():
            before = crowd.answers
            sample = measure(HOT, process, SECONDS, core)
            turns[name] = sample, (crowd.answers - before) / SECONDS
    return turns


def _cells(rounds):
    def median(name, pick):
        return statistics.median(pick(turns[name][0]) for turns in rounds)

    def times(name, pick):
        """By how much it is more than without a crowd, in the same round."""
        return statistics.median(pick(turns[name][0]) / max(pick(turns["calm"][0]), 1e-9) for turns in rounds)

    def rate(sample):
        return sample.requests / sample.seconds

    def p99(sample):
        return sample.p99_us / 1000

    cells = [f"{median('calm', rate):,.0f}", f"{median('calm', p99):.2f} ms",
             f"{median('calm', lambda sample: sample.cpu_us):.1f} µs"]
    for name in KINDS:
        is_alive = times(name, rate) > 0.001
        cells += [f"{median(name, rate):,.0f} ({times(name, rate):.0%})",
                  f"{median(name, p99):.2f} ms (x {times(name, p99):.2f})" if is_alive else "-",
                  f"x {times(name, lambda sample: sample.cpu_us):.2f}" if is_alive else "-",
                  f"{statistics.median(turns[name][1] for turns in rounds):.0f}"]
    others = max(sample.others for turns in rounds for sample, _ in turns.values())
    return [*cells, f"{others:.0%}"]


def run_all(sites, server_core, own_core):
    """A row for each (server, site), all of them started at once; a server that does not start says why in its."""
    rounds = {}
    processes = {}
    failures = {}
    with ExitStack() as stack:
        for server, site in sites:
            try:
                processes[server.name] = start(server, site, core=server_core)
                stack.callback(processes[server.name].stop)
                rounds[server.name] = []
            except RuntimeError as error:
                failures[server.name] = f"failed: {error}"
        for _ in range(ROUNDS):
            for name, process in processes.items():
                rounds[name].append(_turns(process, own_core))
    blank = [""] * (len(HEADINGS) - 2)
    return [[server.name, *_cells(rounds[server.name]), ""] if server.name in rounds
            else [server.name, *blank, failures[server.name]] for server, _ in sites]
