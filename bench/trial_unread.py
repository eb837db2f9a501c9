"""Trial: listings that nobody reads.

Clients ask for the listing of a large folder and do not read it. What ought to happen: an answer is made as fast as
it is taken, so that one that is not taken holds little memory, and gives it back.
"""

import time

from client import Client
from measure import start

TITLE = "Unread listings"
READERS = 300
NAMES = 10_000
MEANS = f"""\
{READERS} clients ask for the listing of a folder of {NAMES:,} names and do not read. Memory of the server's processes
(RSS): before, once it is idle again, for each reader, and after all have closed."""
HEADINGS = ["server", "before", "unread", "a reader", "after", ""]

RECEIVE_BYTES = 4096
STEADY_SECONDS = 1.5
IDLE = 0.05  # of a core
WAIT_SECONDS = 15.0
CALM_SECONDS = 1.0


def _wait_until_idle(process):
    """Until the server did nothing for a while: the answers come one after the other. False if that never comes."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        before = process.cpu_seconds()
        time.sleep(STEADY_SECONDS)
        if process.cpu_seconds() - before < IDLE * STEADY_SECONDS:
            return True
    return False


def _ask(port):
    client = Client(port, receive_bytes=RECEIVE_BYTES)
    client.send("/many/")
    return client


def run(server, site, core):
    process = start(server, site, core=core)
    try:
        with Client(site.port) as warm:
            warm.get("/many/")
        before = process.memory_mib()
        crowd = [_ask(site.port) for _ in range(READERS)]
        is_idle = _wait_until_idle(process)
        unread = process.memory_mib()
        for client in crowd:
            client.close()
        time.sleep(CALM_SECONDS)
        after = process.memory_mib()
    finally:
        process.stop()
    each = f"{max(unread - before, 0) * 1024 / READERS:,.0f} KiB"
    return [server.name, f"{before:,.0f} MiB", f"{unread:,.0f} MiB", each, f"{after:,.0f} MiB",
            "" if is_idle else f"still busy after {WAIT_SECONDS:.0f} s"]
