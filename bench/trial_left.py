"""Trial: clients that left.

A client asks for the listing of a large folder and resets the connection. Whoever makes that listing all the same
works for nobody, and makes those wait who are still there; the server's end, too. What ought to happen: the job goes
with its client.
"""

import time

from bystander import ADDRESS, PATIENCE_SECONDS, milliseconds
from client import Client
from measure import start

TITLE = "Clients that left"
CROWDS = (400, 3000)
NAMES = 10_000
MEANS = f"""\
So many clients ask for the listing of a folder of {NAMES:,} names and reset at once. Then another one, from another
address, asks for a listing of three names. End: from SIGTERM until the server is gone."""
HEADINGS = ["server", *(f"{what} after {count:,}" for count in CROWDS for what in ("listing", "end")), ""]

END_SECONDS = 5.0


def _come_and_go(port, count):
    for _ in range(count):
        with Client(port) as client:
            client.send("/many/")
            client.reset()


def _ask_for_small_listing(port):
    began = time.monotonic()
    try:
        with Client(port, timeout=PATIENCE_SECONDS, source=ADDRESS) as client:
            status, _ = client.get("/few/")
    except OSError:
        return milliseconds(PATIENCE_SECONDS) if time.monotonic() - began >= PATIENCE_SECONDS else "cut off"
    return milliseconds(time.monotonic() - began) if status == 200 else str(status)


def _end(process):
    seconds = process.end(END_SECONDS)
    return f"over {END_SECONDS:.0f} s" if seconds is None else milliseconds(seconds)


def run(server, site, core):
    cells = []
    for count in CROWDS:
        process = start(server, site, core=core)
        try:
            _come_and_go(site.port, count)
            cells += [_ask_for_small_listing(site.port), _end(process)]
        finally:
            process.stop()
    return [server.name, *cells, ""]
