"""vif top: on a terminal, and for scripts."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import threading

import pytest

import succession
import vif
import wire
from test_reload import Site

pytestmark = pytest.mark.any_backend


@pytest.fixture
def site(server, root, tmp_path):
    """With an access log, so that durations are measured."""
    return Site(server, root, log={"access": str(tmp_path / "access.log")})


@pytest.fixture
def visitors(site):
    """Requests, one after the other, while the test runs."""
    is_over = threading.Event()

    def visit():
        while not is_over.is_set():
            site.running.get("/text")
            site.running.get("/nothing")

    thread = threading.Thread(target=visit)
    thread.start()
    yield
    is_over.set()
    thread.join()


class Screen:
    """vif top on a terminal: `text` is all that came, `frame` the last complete page, as lines without colours."""

    def __init__(self, *arguments, rows=24, columns=80, **environment):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.pop("NO_COLOR", None)
            os.environ.update({"TERM": "xterm", **environment})
            os.execv(vif.BINARY, [vif.BINARY, "top", *map(str, arguments)])
        self.text = ""
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        while select.select([self.terminal], [], [], 0)[0]:
            try:
                data = os.read(self.terminal, 65536)
            except OSError:  # the other side has closed
                return
            self.text += data.decode()

    def frame(self):
        self.read()
        pages = self.text.split("\033[H")
        complete = [page for page in pages[1:] if "\033[J" in page]
        if not complete:
            return []
        return re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", complete[-1]).replace("\r", "").split("\n")

    def wait_for(self, condition, what):
        wire.wait_until(lambda: condition(self.frame()), what)

    def end(self, number=signal.SIGINT):
        """Its exit status."""
        os.kill(self.pid, number)
        return self.wait()

    def wait(self):
        def ended():
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return [os.waitstatus_to_exitcode(status)] if pid else None

        (code,) = wire.wait_until(ended, "vif top to end")
        self.read()
        os.close(self.terminal)
        return code


def top(site, *options):
    return Screen("--pid", site.running.process.pid, "--interval", "200ms", *options)


def row(frame, name):
    return next((line for line in frame if line.startswith(name)), "")


def rate(frame, name):
    found = re.match(rf"{name}\s+(\d+(?:\.\d+)?)", row(frame, name))
    return float(found[1]) if found else 0


def test_one_page_for_scripts(site, visitors):
    result = vif.run("top", "--pid", site.running.process.pid, "--once")
    assert (result.returncode, result.stderr) == (0, "")
    assert "\033" not in result.stdout
    lines = result.stdout.split("\n")
    assert lines[0].startswith(f"vif 0.1.0, process {site.running.process.pid}, {site.running.config_path}")
    assert rate(lines, "requests") > 0
    assert re.search(r"2xx [1-9]\d*  3xx 0  4xx [1-9]\d*  5xx 0", row(lines, "requests"))
    assert re.search(r"50% within [0-9.]+ m?s  90% [0-9.]+ m?s", row(lines, "latency"))
    workers = [worker["pid"] for worker in succession.status_of(site.running)["workers"]]
    assert [int(line.split()[0]) for line in lines if " serving " in line] == workers


def test_it_is_live_on_a_terminal_and_leaves_it_as_it_was(site, visitors):
    screen = top(site)
    screen.wait_for(lambda frame: rate(frame, "requests") > 0, "requests to be seen")
    first = screen.text.count("\033[H")
    screen.wait_for(lambda _: screen.text.count("\033[H") > first + 2, "further pages")
    assert screen.text.startswith("\033[?1049h\033[?25l")
    assert "\033[1m" in screen.text
    assert screen.end() == 0
    assert screen.text.rstrip().endswith("\033[?25h\033[?1049l")


def test_it_follows_the_size_of_the_window(site):
    screen = Screen("--pid", site.running.process.pid, "--interval", "1m", rows=24, columns=80)
    screen.wait_for(lambda frame: len(frame) > 10, "the first page")
    for rows, columns in ((5, 30), (50, 200), (1, 1), (24, 80)):
        before = screen.text.count("\033[H")
        screen.resize(rows, columns)
        screen.wait_for(lambda _, before=before: screen.text.count("\033[H") > before, "another page, at once")
        frame = screen.frame()
        lines = frame[:-1] if frame[-1] == "" else frame
        assert len(lines) <= rows
        assert max(map(len, lines)) <= columns
    assert screen.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_turned_off(site, environment):
    screen = Screen("--pid", site.running.process.pid, "--interval", "200ms", **environment)
    screen.wait_for(lambda frame: len(frame) > 10, "a page")
    assert not re.search(r"\033\[[0-9;]*m", screen.text)
    assert screen.end() == 0


def test_errors_are_seen(site):
    site.config["sites"][0]["routes"]["/text"] = {"respond": {"status": 500}}
    site.write()
    assert vif.run("reload", "--pid", site.running.process.pid).returncode == 0
    screen = top(site)

    def sees_errors(frame):
        site.running.get("/text")
        return rate(frame, "errors") > 0

    screen.wait_for(sees_errors, "errors")
    assert "\033[31merrors" in screen.text
    assert screen.end() == 0


def test_it_goes_on_after_an_upgrade(site, visitors):
    succession.adopt_orphans()
    screen = Screen("-c", site.running.config_path, "--interval", "200ms")
    screen.wait_for(lambda frame: rate(frame, "requests") > 0, "requests to be seen")
    former = succession.upgrade(site.running)
    name = f"process {site.running.process.pid},"
    screen.wait_for(lambda frame: name in frame[0] and rate(frame, "requests") > 0, "the new process")
    assert former.wait(vif.STOP_SECONDS) == 0
    assert screen.end() == 0


def test_it_says_that_the_server_has_ended(site):
    screen = top(site)
    screen.wait_for(lambda frame: len(frame) > 10, "a page")
    site.running.stop()
    assert screen.wait() == 1
    assert "the server has ended" in screen.text
    assert vif.run("top", "--pid", 1).returncode == 1


@pytest.mark.parametrize("time", ["", "soon", "1ms", "1h"])
def test_an_interval_that_is_none_is_refused(site, time):
    result = vif.run("top", "--interval", time)
    assert result.returncode == 2
    assert "expected a time from 100ms to 1m" in result.stderr
