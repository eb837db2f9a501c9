"""A client that asks for one thing again and again, from an address of its own, while others trouble the server.

It is a process, so that what the trial itself does in Python does not delay it.
"""

import multiprocessing
import os
import time

from client import Client

ADDRESS = "127.0.0.2"  # another one than the crowd's: some servers are fair among addresses only
PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.0005


def _ask_on(port, path, pipe):
    os.nice(-5 if os.geteuid() == 0 else 0)  # it shares its core with the trial
    seconds = []
    try:
        with Client(port, timeout=PATIENCE_SECONDS, source=ADDRESS) as client:
            client.get(path)
            pipe.send("ready")
            while not pipe.poll():
                began = time.monotonic()
                client.get(path)
                seconds.append(time.monotonic() - began)
                time.sleep(PAUSE_SECONDS)
    except TimeoutError:
        seconds.append(PATIENCE_SECONDS)
    except OSError as error:
        pipe.send(error)
        return
    pipe.send(sorted(seconds))


class Bystander:
    """Asks from the beginning of a `with` to its end; what it saw is known then.

    Raises RuntimeError at the end where the server refused it or hung up."""

    def __init__(self, port, path):
        self._pipe, other = multiprocessing.Pipe()
        self._child = multiprocessing.Process(target=_ask_on, args=(port, path, other), daemon=True)
        self._seconds = []

    def __enter__(self):
        self._child.start()
        self._receive()
        return self

    def __exit__(self, kind, *_):
        self._pipe.send("stop")
        try:
            self._seconds = self._receive()
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
        index = min(int(len(self._seconds) * share), len(self._seconds) - 1)
        return milliseconds(self._seconds[index])

    def worst(self):
        return milliseconds(self._seconds[-1])


def milliseconds(seconds):
    if seconds >= PATIENCE_SECONDS:
        return f"over {PATIENCE_SECONDS:.0f} s"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:,.0f} ms"
