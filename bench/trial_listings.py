"""Trial: listings of a large folder, one after the other.

Reading ten thousand names and asking for the status of each takes milliseconds. What ought to happen: those who ask
for something else do not notice.
"""

import threading
import time

from bystander import Bystander
from client import Client
from measure import start

TITLE = "Listings of a large folder"
CLIENTS = 4
NAMES = 10_000
MEANS = f"""\
{CLIENTS} clients list a folder of {NAMES:,} names again and again, while another client asks for a file. Its times, and
the listings per second that the four got. Pages differ in size: vif's has more in a row."""
HEADINGS = ["server", "p50", "p99", "worst", "listings", ""]

SECONDS = 5.0


class Crowd:
    """Clients in threads, and how many listings they got."""

    def __init__(self, port):
        self.listings = 0
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._list_on) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _list_on(self):
        while not self._stop.is_set():
            try:
                with Client(self._port) as client:
                    self.listings += client.list("/many/")
            except OSError:
                time.sleep(0.01)


def run(server, site, core):
    process = start(server, site, core=core)
    try:
        with Bystander(site.port, "/hot.html") as other, Crowd(site.port) as crowd:
            time.sleep(SECONDS)
    finally:
        process.stop()
    return [server.name, other.percentile(0.5), other.percentile(0.99), other.worst(),
            f"{crowd.listings / SECONDS:.1f}", ""]
