"""What the load looks like, and what vif promises under it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    name: str
    means: str
    path: str
    body_bytes: int
    connections: int
    depth: int = 1            # requests in one write
    closes: bool = False      # "Connection: close" with every request
    idle: int = 0             # connections beside those, which made a request and wait
    wire: str = "http"        # or "https", "h2" (over TLS) and "h2c" (by prior knowledge)
    streams: int = 1          # at once on each connection of HTTP/2
    handshakes: str = ""      # each request on a connection of its own: "full", or "resume" what came before
    floor_mode: str = "keep"  # the fair floor: see floor.c
    forwards: bool = False    # to an origin, which is the floor, on the core of the load
    is_default: bool = True


SCENARIOS = [
    Scenario("1k-64", "1 KiB file, 64 kept connections", "/1k.html", 1024, 64),
    Scenario("1k-512", "1 KiB file, 512 kept connections", "/1k.html", 1024, 512),
    Scenario("pipeline-16", "1 KiB file, 64 connections, 16 requests in one write", "/1k.html", 1024, 64,
             depth=16),
    Scenario("100k-64", "100 KiB file, 64 kept connections", "/100k.html", 100 * 1024, 64,
             floor_mode="sendfile"),
    Scenario("close-64", "1 KiB file, a new connection for every request, 64 at once", "/1k.html", 1024, 64,
             closes=True, floor_mode="close"),
    Scenario("1m-16", "1 MiB file, 16 kept connections", "/1m.html", 1024 * 1024, 16, floor_mode="sendfile",
             is_default=False),
    Scenario("1k-16-idle", "1 KiB file, 16 kept connections beside 900 idle ones", "/1k.html", 1024, 16, idle=900,
             is_default=False),
    Scenario("1k-1", "1 KiB file, one kept connection", "/1k.html", 1024, 1, is_default=False),
]

# The same over TLS (1.3, AES-128-GCM, P-256) and over HTTP/2: bench/run --secure.
SECURE_SCENARIOS = [
    Scenario("handshake", "a handshake and 1 KiB on it, 16 at once", "/1k.html", 1024, 16, wire="https",
             handshakes="full"),
    Scenario("resumed", "a handshake that resumes and 1 KiB on it, 16 at once", "/1k.html", 1024, 16,
             wire="https", handshakes="resume"),
    Scenario("tls-1k", "1 KiB file over TLS, 64 kept connections", "/1k.html", 1024, 64, wire="https"),
    Scenario("tls-100k", "100 KiB file over TLS, 64 kept connections", "/100k.html", 100 * 1024, 64, wire="https"),
    Scenario("tls-10m", "10 MiB file over TLS, 16 kept connections", "/10m.html", 10 << 20, 16, wire="https"),
    Scenario("h2-1k", "1 KiB file over HTTP/2 and TLS, 10 connections with 100 streams", "/1k.html", 1024, 10,
             wire="h2", streams=100),
    Scenario("h2-100k", "100 KiB file over HTTP/2 and TLS, 10 connections with 10 streams", "/100k.html",
             100 * 1024, 10, wire="h2", streams=10),
    Scenario("h2c-1k", "1 KiB file over HTTP/2 in the clear, 10 connections with 100 streams", "/1k.html", 1024, 10,
             wire="h2c", streams=100),
]


# Forwarding to another server, with connections kept on both sides: bench/run --proxy.
PROXY_SCENARIOS = [
    Scenario("proxy-1k", "1 KiB from an origin, 64 kept connections", "/1k.html", 1024, 64, forwards=True),
    Scenario("proxy-100k", "100 KiB from an origin, 64 kept connections", "/100k.html", 100 * 1024, 64,
             forwards=True),
    Scenario("proxy-tls-1k", "1 KiB from an origin, to clients over TLS, 64 kept connections", "/1k.html", 1024, 64,
             wire="https", forwards=True),
]

ALL_SCENARIOS = SCENARIOS + SECURE_SCENARIOS + PROXY_SCENARIOS


@dataclass(frozen=True)
class Goal:
    """In `scenario`, the CPU time of `server` divided by that of `base` is on the right side of `bound`."""
    scenario: str
    server: str
    base: str
    relation: str  # "<=" or ">="
    bound: float

    def is_met_by(self, ratio):
        return ratio <= self.bound if self.relation == "<=" else ratio >= self.bound

    def __str__(self):
        return f"{self.scenario}: {self.server} {self.relation} {self.bound:.2f} x {self.base}"


GOALS = [
    Goal("1k-64", "vif", "floor", "<=", 1.10),
    Goal("1k-64", "nginx", "vif", ">=", 1.7),
    Goal("1k-64", "h2o", "vif", ">=", 1.2),
    Goal("1k-64", "lighttpd", "vif", ">=", 1.2),
    Goal("1k-512", "vif", "floor", "<=", 1.10),
    Goal("1k-512", "nginx", "vif", ">=", 1.7),
    Goal("1k-512", "h2o", "vif", ">=", 1.2),
    Goal("1k-512", "lighttpd", "vif", ">=", 1.2),
    Goal("pipeline-16", "h2o", "vif", ">=", 2.5),
    Goal("100k-64", "vif", "floor", "<=", 1.08),
    Goal("close-64", "vif", "h2o", "<=", 1.00),
    *(Goal(scenario, server, "vif", ">=", 1.25)
      for scenario in ("proxy-1k", "proxy-tls-1k") for server in ("haproxy", "nginx", "h2o")),
]
