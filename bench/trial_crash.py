"""Trial: the worker is killed under load.

Whatever its reason, a crash costs the requests that the worker had in hand. What ought not to follow:
connections refused, or a service that stays away because nobody starts another worker.
"""

import os
import signal
import threading
import time

from client import Client
from measure import start
from process import own_cpu_seconds

TITLE = "A killed worker"
CLIENTS = 8
MEANS = f"""\
{CLIENTS} clients ask one request after another, and connect anew when cut off. The worker gets SIGKILL.
Each server has what it offers to replace a worker. Lost: requests sent, never answered.
Back: from the kill until the next answer."""
HEADINGS = ["server", "lost", "refused", "timeouts", "back", ""]

BEFORE_SECONDS = 1.0
AFTER_SECONDS = 3.0


class Crowd:
    """Clients in threads, and what happened to them."""

    def __init__(self, port, path):
        self._port, self._path = port, path
        self._stop = threading.Event()
        self.killed_at = None
        self.back_at = None
        self.answered = 0
        self.failures = {"lost": 0, "refused": 0, "timeouts": 0}
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask_on(self):
        while not self._stop.is_set():
            try:
                with Client(self._port, timeout=1) as client:
                    while not self._stop.is_set():
                        self._ask(client)
            except ConnectionRefusedError:
                self._fail("refused")
            except TimeoutError:
                self._fail("timeouts")
            except OSError:
                self._fail("lost")

    def _ask(self, client):
        asked = time.monotonic()
        client.get(self._path)
        self.answered += 1
        # Only an answer to what was asked after the kill is a sign of a new worker.
        if self.killed_at is not None and self.back_at is None and asked > self.killed_at:
            self.back_at = time.monotonic()

    def _fail(self, kind):
        if self.killed_at is not None:
            self.failures[kind] += 1
        time.sleep(0.001)


def run(server, site, core):
    process = start(server, site, core=core)
    try:
        before = {pid: own_cpu_seconds(pid) for pid in process.pids()}
        with Crowd(site.port, "/hot.html") as crowd:
            time.sleep(BEFORE_SECONDS)
            worker = max(process.pids(), key=lambda pid: own_cpu_seconds(pid) - before.get(pid, 0))
            crowd.killed_at = time.monotonic()
            os.kill(worker, signal.SIGKILL)
            time.sleep(AFTER_SECONDS)
    finally:
        process.stop()
    back = f"{(crowd.back_at - crowd.killed_at) * 1000:.0f} ms" if crowd.back_at else "never"
    note = "one process, nobody to replace it" if worker == process.pid else ""
    return [server.name, *map(str, crowd.failures.values()), back, note]
