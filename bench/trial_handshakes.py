"""Trial: a flood of handshakes.

A full handshake costs a server hundreds of microseconds, some hundred times as much as a request. Whoever does all that
have come before it looks at its connections again makes those wait who shook hands long ago. What ought to happen:
handshakes get a share of each turn, and wait themselves.
"""

import json
import subprocess
from dataclasses import replace

from bystander import Bystander
from measure import build, make_certificate, start

TITLE = "A flood of handshakes"
CONNECTIONS = 256
MEANS = f"""\
{CONNECTIONS} clients connect over TLS again and again, each with a full handshake and one request, while another client
asks for a file on a connection that it has. Its times; of these, the p99 of what the server itself has worked between a
question and its answer, which other programs on the machine do not change; the crowd's handshakes per second, and the
share of them that failed."""
HEADINGS = ["server", "p50", "p99", "worst", "p99 of work", "handshakes", "failed", ""]

SECONDS = 5


def _flood(program, port):
    argv = [program, str(port), "/hot.html", str(SECONDS), "full", str(CONNECTIONS)]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS + 60)
    if ran.returncode != 0:
        raise RuntimeError(f"handshakes: {ran.stderr.strip()}")
    return json.loads(ran.stdout.splitlines()[-1])


def run(server, site, core):
    site = replace(site, wire="https", path="/hot.html", certificate=make_certificate(site.folder))
    program = build("handshakes.c", site.folder / "handshakes", "-pthread", "-lssl", "-lcrypto")
    process = start(server, site, core=core)
    try:
        with Bystander(site.port, "/hot.html", is_secure=True, pids=process.pids()) as other:
            report = _flood(program, site.port)
    finally:
        process.stop()
    made, failed = report["requests"], report["errors"]["connect"]
    return [server.name, other.percentile(0.5), other.percentile(0.99), other.worst(), other.work(0.99),
            f"{made / report['microseconds'] * 1e6:,.0f}", f"{failed / max(made + failed, 1):.0%}", ""]
