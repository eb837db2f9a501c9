"""One model of the lab as a process: `vif lab --serve MODEL DIR`."""
import os
import signal
import socket
import subprocess

import vif
import wire

# In the order of the table in lab/models.c; test_the_list_names_them_all holds the two against each other.
EVERY = ["one", "fork", "threads", "thread-pool", "prefork", "spin", "select", "poll", "epoll-level", "epoll-edge",
         "kqueue", "libevent", "libuv", "libev", "io-uring", "shared", "exclusive", "reuseport", "workers",
         "epoll-mt", "offload", "coroutines"]

# Not of every build: kqueue is of other systems, and the loops of others are options.
OPTIONAL = ["kqueue", "libevent", "libuv", "libev"]


def unavailable():
    """Of the optional ones those that this build has not, with the reason that it gives."""
    found, name = {}, None
    for line in vif.run("lab", "--list").stdout.splitlines():
        if line[0] != " ":
            name = line.split(":")[0]
        elif line.strip().startswith("Not available here: ") and name in OPTIONAL:
            found[name] = line.split(": ", 1)[1]
    return found


NAMES = [name for name in EVERY if name not in unavailable()]

# Clients that these serve at a time, as in lab/models.h.
AT_A_TIME = {"one": 1, "thread-pool": 64, "prefork": 32}

# One handler that blocks stops everyone else: these know no other way.
STOPPED_BY_BLOCKING = {"one", "spin", "select", "poll", "epoll-level", "epoll-edge", "kqueue", "libevent", "libuv", "libev",
                       "io-uring", "coroutines"}

# With these it is a matter of chance whether the other client has the same loop.
SEVERAL_LOOPS = {"shared", "exclusive", "reuseport", "workers", "epoll-mt"}

# Children that serve.
CHILDREN = {"prefork": 32, "shared": 4, "exclusive": 4, "reuseport": 4, "workers": len(os.sched_getaffinity(0))}

STOP_SECONDS = 30


class Model:
    def __init__(self, name, root, folder, limits=None):
        self.name = name
        self.port = vif.free_port()
        self.stderr_path = folder / "stderr"
        command = [vif.BINARY, "lab", "--serve", name, "--port", str(self.port), str(root)]
        with open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=stderr, preexec_fn=limits)
        try:
            wire.wait_until(self.accepts, f"{command} to accept")
        except BaseException:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
            raise

    def accepts(self):
        assert self.process.poll() is None, self.stderr()
        with socket.socket() as probe:
            probe.settimeout(wire.TIME_LIMIT)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stderr(self):
        return self.stderr_path.read_text(encoding="utf-8", errors="replace")

    def check_alive(self):
        assert self.process.poll() is None, self.stderr()
        self.check_words()

    def check_words(self):
        words = self.stderr()
        for accusation in vif.ACCUSATIONS:
            assert accusation not in words, words

    def at_a_time(self):
        return AT_A_TIME.get(self.name, 100)

    def stop(self):
        """SIGTERM ends it, and its processes before it."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_SECONDS)
        self.check_words()
        assert code == 0, f"ended with {code}: {self.stderr()}"
        wire.wait_until(lambda: not self.accepts_still(), "its processes to end")

    def accepts_still(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def connect(self, **options):
        return wire.Client(("127.0.0.1", self.port), **options)

    def get(self, target="/", fields=None, method="GET"):
        with self.connect() as client:
            return client.exchange(method, target, fields)
