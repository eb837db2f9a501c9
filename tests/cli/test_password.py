"""vif password: a line of a password file, from a terminal and from standard input."""
import os
import pty
import select
import signal
import subprocess
import termios
import time

import pytest

from test_printed import BINARY, vif

pytestmark = pytest.mark.skipif("libxcrypt" not in vif("version").stdout, reason="built without libcrypt")

SECONDS = 20


def password(*arguments, text):
    return subprocess.run([BINARY, "password", *arguments], input=text, capture_output=True, timeout=SECONDS, check=False)


@pytest.mark.parametrize("text", [b"right\n", b"right", b"right\r\n"])
def test_makes_a_line(text):
    made = password("anna", text=text)
    assert made.returncode == 0 and made.stderr == b""
    assert made.stdout.startswith(b"anna:$y$j9T$") and made.stdout.count(b"\n") == 1
    assert b"right" not in made.stdout
    assert password("anna", text=text).stdout != made.stdout  # salt


@pytest.mark.parametrize("text, told", [
    (b"", b"empty"), (b"\n", b"empty"), (b"a\nb\n", b"one line"), (b"a\tb\n", b"control characters"), (b"a\0b\n", b"control"),
    (b"x" * 512, b"511 bytes"), (b"x" * 5000 + b"\n", b"511 bytes"),
])
def test_what_is_no_password(text, told):
    made = password("anna", text=text)
    assert made.returncode == 1 and made.stdout == b"" and told in made.stderr, made


@pytest.mark.parametrize("words", [[], ["a:b"], [""], ["a\nb"], ["a", "b"]])
def test_what_is_no_name(words):
    made = password(*words, text=b"right\n")
    assert made.returncode == 2 and made.stdout == b"" and b"name" in made.stderr, made


class Terminal:
    """vif password at a terminal; what it prints for the file goes to a pipe."""

    def __init__(self):
        self.master, terminal = pty.openpty()
        self.was = termios.tcgetattr(self.master)
        self.process = subprocess.Popen([BINARY, "password", "anna"], stdin=terminal, stdout=subprocess.PIPE, stderr=terminal,
                                        start_new_session=True,
                                        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)))
        os.close(terminal)
        self.shown = b""

    def wait_for(self, text):
        end = time.monotonic() + SECONDS
        while text not in self.shown:
            assert select.select([self.master], [], [], end - time.monotonic())[0], self.shown
            self.shown += os.read(self.master, 4096)

    def type(self, text):
        os.write(self.master, text)

    def end(self):
        output = self.process.communicate(timeout=SECONDS)[0]
        while select.select([self.master], [], [], 0)[0]:
            try:
                self.shown += os.read(self.master, 4096)
            except OSError:
                break
        return self.process.returncode, output

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        os.close(self.master)


@pytest.fixture(name="terminal")
def fixture_terminal():
    made = Terminal()
    yield made
    made.close()


def test_asks_twice_and_shows_nothing(terminal):
    terminal.wait_for(b"Password: ")
    terminal.type(b"right\n")
    terminal.wait_for(b"Again: ")
    terminal.type(b"right\n")
    code, output = terminal.end()
    assert code == 0 and output.startswith(b"anna:$y$")
    assert b"right" not in terminal.shown


def test_two_that_differ(terminal):
    terminal.wait_for(b"Password: ")
    terminal.type(b"right\n")
    terminal.wait_for(b"Again: ")
    terminal.type(b"rihgt\n")
    code, output = terminal.end()
    assert code == 1 and output == b"" and b"the two passwords differ" in terminal.shown


def test_ctrl_c_leaves_a_terminal_that_shows(terminal):
    terminal.wait_for(b"Password: ")
    terminal.type(b"rig\x03")
    code, output = terminal.end()
    assert code == -signal.SIGINT and output == b""
    assert termios.tcgetattr(terminal.master)[3] == terminal.was[3]
