"""A client that asks for one thing again and again, from an address of its own, while others trouble the server.

It is a process, so that what the trial itself does in Python does not delay it.
"""

import multiprocessing
import os
import time
from pathlib import Path

from client import Client, without_checks

ADDRESS = "127.0.0.2"  # another one than the crowd's: some servers are fair among addresses only
PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.0005


def _cpu_seconds(pids):
    """What these processes have used of cores so far, to the microsecond (their main threads)."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e9


def _take_precedence():
    """It shares its core with the trial's clients: what is measured is to be the wait for the server, not for the core."""
    if os.geteuid() == 0:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def _ask_on(port, path, is_secure, pids, pipe):
    _take_precedence()
    seconds = []
    worked = []
    try:
        with Client(port, timeout=PATIENCE_SECONDS, source=ADDRESS,
                    security=without_checks() if is_secure else None) as client:
            client.get(path)
            pipe.send("ready")
            while not pipe.poll():
                cpu, began = _cpu_seconds(pids), time.monotonic()
                client.get(path)
                seconds.append(time.monotonic() - began)
                worked.append(_cpu_seconds(pids) - cpu)
                time.sleep(PAUSE_SECONDS)
    except TimeoutError:
        seconds.append(PATIENCE_SECONDS)
    except OSError as error:
        pipe.send(error)
        return
    pipe.send((sorted(seconds), sorted(worked)))


class Bystander:
    """Asks from the beginning of a `with` to its end; what it saw is known then.

    `pids`: of the server, whose work between a question and its answer is to be known. Raises RuntimeError at the end
    where the server refused it or hung up."""

    def __init__(self, port, path, is_secure=False, pids=()):
        self._pipe, other = multiprocessing.Pipe()
        self._child = multiprocessing.Process(target=_ask_on, args=(port, path, is_secure, pids, other), daemon=True)
        self._seconds = self._worked = []

    def __enter__(self):
        self._child.start()
        self._receive()
        return self

    def __exit__(self, kind, *_):
        self._pipe.send("stop")
        try:
            self._seconds, self._worked = self._receive()
        except RuntimeError:
            if kind is None:
                raise
        finally:
            self._child.join()

    def _receive(self):
        said = self._pipe.recv() if self._pipe.poll(2 * PATIENCE_SECONDS) else OSError("the bystander hangs")
        if isinstance(said, OSError):
            raise RuntimeError(f"another client was cut off: {said}")
        return said

    def percentile(self, share):
        """The time within which that share of its requests was answered, as text."""
        return milliseconds(_percentile(self._seconds, share))

    def work(self, share):
        """The same of what the server has worked meanwhile, whoever else had its core."""
        return milliseconds(_percentile(self._worked, share))

    def worst(self):
        return milliseconds(self._seconds[-1])


def _percentile(values, share):
    return values[min(int(len(values) * share), len(values) - 1)]


def milliseconds(seconds):
    if seconds >= PATIENCE_SECONDS:
        return f"over {PATIENCE_SECONDS:.0f} s"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:,.0f} ms"
