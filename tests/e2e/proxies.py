"""A vif in front of origins: fixtures and configurations of the tests of the reverse proxy."""
import json

import pytest

import wire
from origin import Origin, echo


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


def log_lines(vif, count):
    """The access log, when it has so many lines."""
    wire.wait_until(lambda: vif.stdout().count("\n") >= count, "the access log")
    return [json.loads(line) for line in vif.stdout().splitlines()]
