"""A vif in front of origins: fixtures and configurations of the tests of the reverse proxy."""
import json

import pytest

import wire
from origin import Origin, echo
from vif import run


@pytest.fixture
def origins():
    """origins(script): an origin that runs the script."""
    made = []

    def make(*arguments, **options):
        made.append(Origin(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def forwarding(to, path="/", **options):
    """A configuration that forwards everything below `path`."""
    urls = [one.url for one in to] if isinstance(to, (list, tuple)) else to.url
    return {"sites": [{"routes": {path: {"proxy": {"to": urls, **options}}}}],
            "log": {"access": {"path": "-", "format": "json"}}}


@pytest.fixture
def proxy(server, origins):
    """proxy(script, **options): a vif in front of an origin, and the origin."""

    def make(script=echo, path="/", **options):
        origin = origins(script)
        top = {name: options.pop(name) for name in ("limits", "timeouts") if name in options}
        return server(config={**forwarding(origin, path, **options), **top}), origin

    return make


def named(name):
    """A script of an origin that answers each request with its name."""
    return lambda peer: peer.read_request() is not None and peer.answer(name)


def upstream(vif, *words, good=True):
    """What the command prints."""
    done = run("upstream", *words, "--pid", vif.process.pid)
    assert (done.returncode == 0) is good, done
    return done.stdout if good else done.stderr


def servers_of(vif):
    """The rows of `vif upstream list` by server."""
    return {row["server"]: row for row in json.loads(upstream(vif, "list", "--json"))}


def log_lines(vif, count):
    """The access log, when it has so many lines."""
    wire.wait_until(lambda: vif.stdout().count("\n") >= count, "the access log")
    return [json.loads(line) for line in vif.stdout().splitlines()]
