"""Trial: folders come and go.

A server that watches its files is told of every change beside them. One that goes through all that it knows for
each such event stands still as long as somebody unpacks an archive or a build runs. What ought to happen: an event
costs about the same whatever is cached, and others are answered between events.
"""

import time

from bystander import Bystander
from client import Client
from measure import start

TITLE = "Folders that come and go"
FOLDERS = 20_000
CACHED = 10_000  # each is an open file
MEANS = f"""\
{FOLDERS:,} folders that nobody asked for are made and removed in the root, while another client asks for a file again
and again. Then the same after {CACHED:,} files were asked for; vif and nginx may cache as many here.
CPU: the server's time for it. Stall: the longest that the other client waited."""
HEADINGS = ["server", "CPU", "stall", "CPU, much cached", "stall, much cached", ""]

CATCH_UP_SECONDS = 0.3  # the last events may still be on their way
BATCH = 250


def write_files(root):
    """The files to be cached; they stay for the servers that follow."""
    folder = root / "cached"
    if folder.exists():
        return
    folder.mkdir()
    for number in range(CACHED):
        (folder / f"{number}.html").write_text("x")


def _make_storm(root):
    for number in range(FOLDERS):
        folder = root / f"passing-{number}"
        folder.mkdir()
        folder.rmdir()


def _weather(process, site):
    before = process.cpu_seconds()
    with Bystander(site.port, "/hot.html") as other:
        _make_storm(site.root)
        time.sleep(CATCH_UP_SECONDS)
    return [f"{process.cpu_seconds() - before:.2f} s", other.worst()]


def _fill_cache(port):
    with Client(port) as client:
        for first in range(0, CACHED, BATCH):
            for number in range(first, first + BATCH):
                client.send(f"/cached/{number}.html")
            for _ in range(BATCH):
                client.receive()


def run(server, site, core):
    write_files(site.root)
    process = start(server, site, core=core)
    try:
        cells = _weather(process, site)
        _fill_cache(site.port)
        cells += _weather(process, site)
    finally:
        process.stop()
    return [server.name, *cells, ""]
