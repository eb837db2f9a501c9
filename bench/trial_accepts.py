"""Trial: many new connections, each with much to do.

Whoever answers all that a new connection has sent before it accepts the next one makes those wait who are connected
already. What ought to happen: everybody gets turns.
"""

import time

from bystander import Bystander
from client import Client
from measure import start

TITLE = "Many accepts at once"
CONNECTIONS = 64
DEPTH = 250
MEANS = f"""\
{CONNECTIONS} new connections, each with {DEPTH} requests in one write, again and again, while another client asks for a
file. Its times, and the crowd's answers per second."""
HEADINGS = ["server", "p50", "p99", "worst", "crowd", ""]

SECONDS = 5.0


def _make_wave(port):
    """How many were answered whole."""
    crowd = [Client(port) for _ in range(CONNECTIONS)]
    for client in crowd:
        client.send("/hot.html", DEPTH - 1)
        client.send("/hot.html", closes=True)
    answers = sum(client.read_to_end().count(b"HTTP/1.1 200") for client in crowd)
    for client in crowd:
        client.close()
    return answers


def run(server, site, core):
    process = start(server, site, core=core)
    try:
        with Bystander(site.port, "/hot.html") as other:
            began = time.monotonic()
            answers = 0
            while time.monotonic() < began + SECONDS:
                answers += _make_wave(site.port)
            rate = answers / (time.monotonic() - began)
    finally:
        process.stop()
    return [server.name, other.percentile(0.5), other.percentile(0.99), other.worst(), f"{rate:,.0f}", ""]
