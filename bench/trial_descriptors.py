"""Trial: more connections than descriptors.

A server whose accept() fails with EMFILE still has a readable listener. One that only tries again burns a
core for as long as the crowd stays; one that takes the crowd for a fatal error ends. What ought to happen:
who is in is answered, who is not waits, the CPU rests, and service goes on as soon as there is room.
"""

import time
from pathlib import Path

from client import Client
from measure import start
from process import own_cpu_seconds

TITLE = "Out of descriptors"
DESCRIPTORS = 64
CROWD = 2 * DESCRIPTORS
MEANS = f"""\
{DESCRIPTORS} descriptors, {CROWD} connections that ask once and stay. CPU: of one core, while they stay.
Before, cold: a connection from before the crowd asks for a known file, and for one never asked for.
Back: after the crowd has gone, until a new connection is answered."""
HEADINGS = ["server", "let in", "CPU", "before", "cold", "back", ""]

SETTLE_SECONDS = 0.5
WATCH_SECONDS = 2.0


def _outcome(attempt):
    """What `attempt()`, a request, came to: the milliseconds of a 200, another status, or the error."""
    began = time.monotonic()
    try:
        status, _ = attempt()
    except TimeoutError:
        return "no answer"
    except OSError:
        return "cut off"
    return f"{(time.monotonic() - began) * 1000:.0f} ms" if status == 200 else str(status)


def _gather_crowd(port, path):
    """Opens the crowd's connections; some may be refused or cut off, which is an answer too."""
    crowd = []
    for _ in range(CROWD):
        try:
            client = Client(port, timeout=0.05)
            client.send(path)
            crowd.append(client)
        except OSError:
            pass
    return crowd


def _count_answered(crowd):
    def is_answered(client):
        try:
            return client.receive()[0] == 200
        except OSError:
            return False
    return sum(map(is_answered, crowd))


def _wait_for_service(port, path, seconds=10):
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        try:
            with Client(port, timeout=1) as client:
                if client.get(path)[0] == 200:
                    return f"{(time.monotonic() - began) * 1000:.0f} ms"
        except OSError:
            time.sleep(0.01)
    return "never"


def _limit_of(process):
    """The limit of descriptors of the process that does the work: some servers raise it again."""
    worker = max(process.pids(), key=own_cpu_seconds)
    lines = Path(f"/proc/{worker}/limits").read_text().splitlines()
    return next(int(line.split()[3]) for line in lines if line.startswith("Max open files"))


def run(server, site, core):
    process = start(server, site, core=core, descriptors_max=DESCRIPTORS)
    try:
        with Client(site.port, timeout=2) as early:
            early.get("/hot.html")
            crowd = _gather_crowd(site.port, "/hot.html")
            time.sleep(SETTLE_SECONDS)
            before = process.cpu_seconds()
            time.sleep(WATCH_SECONDS)
            busy = (process.cpu_seconds() - before) / WATCH_SECONDS
            let_in = _count_answered(crowd)
            hot = _outcome(lambda: early.get("/hot.html"))
            cold = _outcome(lambda: early.get("/cold.html"))
            limit = _limit_of(process)
            for client in crowd:
                client.close()
            back = _wait_for_service(site.port, "/hot.html")
    finally:
        process.stop()
    note = f"raised its limit to {limit}" if limit != DESCRIPTORS else ""
    return [server.name, f"{let_in} of {CROWD}", f"{busy:.0%}", hot, cold, back, note]
