"""A real shell on a terminal of its own, asked what it completes."""
import os
import pty
import select
import subprocess
import time

SECONDS = 20
ERASE = b"\x15"  # Ctrl-U: what was typed so far is forgotten
PROMPT = b"ready> "  # it shows when the shell, and no longer the terminal, takes the keys


class Shell:
    """Keys are answered in their order: when a mark shows that comes behind a Tab, the Tab has been answered."""

    def __init__(self, command, folder, setup):
        self.master, slave = pty.openpty()
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment,
                                        start_new_session=True)
        os.close(slave)
        self.marks = 0
        self.say(setup.encode() + b"\n")
        self.read_to_mark()

    def say(self, keys):
        while keys:
            keys = keys[os.write(self.master, keys):]

    def read_to_mark(self):
        """Types a command that prints a mark, and returns everything that was printed up to the next prompt."""
        self.marks += 1
        self.say(b"echo mark''%d''\n" % self.marks)  # what is typed is not the mark yet
        text = b""
        deadline = time.monotonic() + SECONDS
        while PROMPT not in text.partition(b"mark%d" % self.marks)[2]:
            ready, _, _ = select.select([self.master], [], [], max(deadline - time.monotonic(), 0))
            assert ready, f"the shell says nothing: {text!r}"
            text += os.read(self.master, 65536)
        return text.decode("utf-8", "replace")

    def complete(self, line):
        """The words that show when Tab is typed twice behind the line."""
        self.say(line.encode() + b"\t\t" + ERASE)
        return self.read_to_mark().split()

    def finish(self, line):
        """What is printed when Tab and Enter are typed behind the line."""
        self.say(line.encode() + b"\t\n")
        return self.read_to_mark()

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
