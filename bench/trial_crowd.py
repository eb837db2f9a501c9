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
from measure import load, start
from scenarios import Scenario

TITLE = "A crowd at a slow disk"
CROWD = 32
STALL_MS = 100
MEANS = f"""\
Each operation of a disk takes {STALL_MS} ms. {CROWD} clients fetch files of 256 KiB from it, then {CROWD} look for names
that are not there, while wrk asks for a hot file on another disk, by 32 connections.
Hot answers per second and their p99: without a crowd, then with it; in brackets the share of what it is without.
Crowd: answers per second that it got itself. Medians of interleaved rounds."""
KINDS = {"fetching": "heavy", "looking up": "absent"}
HEADINGS = ["server", "calm", "p99", *itertools.chain(*([kind, "p99", "crowd"] for kind in KINDS)), ""]

HOT = Scenario("hot", "", "/hot.html", 1024, 32)
ROUNDS = 3
SECONDS = 3
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


def _turn(port, core):
    """(answers per second, p99 in microseconds)."""
    said = load(HOT, port, SECONDS, core)
    return said["requests"] * 1e6 / said["microseconds"], said["p99_us"]


def _turns(port, core):
    """One round of one server: the calm turn, then a turn of each kind of crowd, with the crowd's answers a second."""
    _wait_for_calm(port)
    turns = {"calm": (*_turn(port, core), 0)}
    for name, kind in KINDS.items():
        _wait_for_calm(port)
        crowd = Crowd(port, kind)
        with crowd.waiting():
            before = crowd.answers
            rate, p99 = _turn(port, core)
            turns[name] = rate, p99, (crowd.answers - before) / SECONDS
    return turns


def _cells(rounds):
    def median(pick):
        return statistics.median(map(pick, rounds))

    cells = [f"{median(lambda turns: turns['calm'][0]):,.0f}", f"{median(lambda turns: turns['calm'][1]) / 1000:.2f} ms"]
    for name in KINDS:
        share = median(lambda turns: turns[name][0] / turns["calm"][0])
        longer = median(lambda turns: turns[name][1] / turns["calm"][1])
        p99 = median(lambda turns: turns[name][1]) / 1000
        cells += [f"{median(lambda turns: turns[name][0]):,.0f} ({share:.0%})",
                  f"{p99:.2f} ms (x {longer:.2f})" if share > 0.0005 else "-",
                  f"{median(lambda turns: turns[name][2]):.0f}"]
    return cells


def run_all(sites, server_core, own_core):
    """A row for each (server, site), all of them started at once; a server that does not start says why in its."""
    rounds = {}
    failures = {}
    with ExitStack() as stack:
        for server, site in sites:
            try:
                stack.callback(start(server, site, core=server_core).stop)
                rounds[server.name] = []
            except RuntimeError as error:
                failures[server.name] = f"failed: {error}"
        for _ in range(ROUNDS):
            for server, site in sites:
                if server.name in rounds:
                    rounds[server.name].append(_turns(site.port, own_core))
    blank = [""] * (len(HEADINGS) - 2)
    return [[server.name, *_cells(rounds[server.name]), ""] if server.name in rounds
            else [server.name, *blank, failures[server.name]] for server, _ in sites]
