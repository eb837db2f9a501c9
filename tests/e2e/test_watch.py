"""vif reload --watch: errors after the reload are compared with those before, and the former settings come back."""
import threading

import pytest

import succession
import vif
import wire
from test_reload import Site, descriptors_of

pytestmark = pytest.mark.any_backend

BROKEN = {"respond": {"status": 500, "body": "broken"}}


class Visitors(threading.Thread):
    """Requests, one after the other, until told to stop."""

    def __init__(self, site):
        super().__init__()
        self.site, self.is_over, self.statuses = site, False, []
        self.start()

    def run(self):
        while not self.is_over:
            self.statuses.append(self.site.running.get("/text").status)

    def wait_for(self, count):
        goal = len(self.statuses) + count
        wire.wait_until(lambda: len(self.statuses) >= goal, "answers")

    def finish(self):
        self.is_over = True
        self.join()


@pytest.fixture
def site(server, root):
    return Site(server, root)


@pytest.fixture
def visitors(site):
    visitors = Visitors(site)
    yield visitors
    visitors.finish()


def reload(site, watch):
    return vif.run("reload", "--pid", site.running.process.pid, "--watch", watch, seconds=60)


def workers_of(site):
    return vif.workers_of(site.running.process)


def set_route(site, route):
    site.config["sites"][0]["routes"]["/text"] = route
    site.write()


def test_settings_that_work_stay(site, visitors):
    visitors.wait_for(10)
    site.set_text("two")
    result = reload(site, "500ms")
    assert (result.returncode, result.stderr) == (0, "")
    assert "generation 2 is in force" in result.stdout
    assert "watched for 0." in result.stdout and ": 0 errors in" in result.stdout
    assert result.stdout.endswith("; the new settings stay\n")
    assert site.text() == b"two"


@pytest.mark.parametrize("reloads", [0, 1, 3])
def test_settings_that_break_things_are_put_back(site, visitors, reloads):
    """Those that vif began with, which are in no memory of their own, and later ones."""
    for number in range(reloads):
        site.set_text(f"edition {number}")
        site.reload()
    former = site.text()
    workers = workers_of(site)
    visitors.wait_for(50)
    set_route(site, BROKEN)
    result = reload(site, "60s")
    assert result.returncode == 3, result
    assert "that is clearly more" in result.stderr
    assert f"the former settings are in force again, as generation {reloads + 3}" in result.stderr
    assert site.text() == former
    assert workers_of(site) == workers
    site.set_text("mended")
    assert reload(site, "300ms").returncode == 0
    assert site.text() == b"mended"


def test_a_listener_that_was_gone_is_back(site, visitors):
    port, first = vif.free_port(), site.config["listen"]
    site.write(listen=[*first, f"127.0.0.1:{port}"])
    site.reload()
    visitors.wait_for(50)
    site.write(listen=first)
    set_route(site, BROKEN)
    result = reload(site, "60s")
    assert result.returncode == 3, result
    with wire.Client(("127.0.0.1", port)) as client:
        assert client.exchange("GET", "/text").body == b"one"


def test_errors_that_were_there_before_are_no_reason(site, visitors):
    set_route(site, BROKEN)
    site.reload()
    visitors.wait_for(200)
    site.config["sites"][0]["headers"] = {"set": {"X-Edition": "2"}}
    site.write()
    result = reload(site, "1s")
    assert result.returncode == 0
    assert "the new settings stay" in result.stdout


def test_another_reload_ends_the_watch(site):
    site.set_text("two")
    watching = vif.start("reload", "--pid", site.running.process.pid, "--watch", "10m")
    wire.wait_until(lambda: site.text() == b"two", "the new settings")
    site.set_text("three")
    assert vif.run("reload", "--pid", site.running.process.pid).returncode == 0
    assert watching.wait(vif.STOP_SECONDS) == 0
    assert watching.stdout.read().endswith("the new settings stay, and the next reload begins\n")
    assert site.text() == b"three"


def test_a_stop_ends_the_watch(site):
    site.set_text("two")
    watching = vif.start("reload", "--pid", site.running.process.pid, "--watch", "10m")
    wire.wait_until(lambda: site.text() == b"two", "the new settings")
    site.running.stop()
    assert watching.wait(vif.STOP_SECONDS) == 1
    assert "vif is stopping" in watching.stderr.read()


def test_mistakes_are_told_as_without_a_watch(site):
    site.running.config_path.write_text('{"sites": [], "limit": 1}', encoding="utf-8")
    result = reload(site, "10s")
    assert result.returncode == 1
    assert 'unknown option "limit"' in result.stderr
    assert site.text() == b"one"


@pytest.mark.parametrize("time", ["", "soon", "2h", "0"])
def test_a_time_that_is_none_is_refused(site, time):
    result = reload(site, time)
    assert result.returncode == 2
    assert "expected a time such as 10s" in result.stderr


def test_going_back_leaves_nothing_behind(site, visitors):
    def change():
        site.set_text("good")
        site.reload()
        visitors.wait_for(20)
        set_route(site, BROKEN)
        assert reload(site, "60s").returncode == 3
        assert site.text() == b"good"

    change()
    workers = workers_of(site)
    processes = [site.running.process.pid, *workers]
    before = [descriptors_of(pid) for pid in processes]
    for _ in range(3):
        site.running.get("/text")
        change()
    assert workers_of(site) == workers
    wire.wait_until(lambda: all(now <= then + 1 for now, then in zip(map(descriptors_of, processes), before)),
                    "as many descriptors as before: those of the last change are closed a little later")
