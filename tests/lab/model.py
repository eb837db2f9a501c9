"""One model of the lab as a process: `vif lab --serve MODEL DIR`."""
import signal
import socket
import subprocess

import vif
import wire

# In the order of the table in lab/models.c; test_the_list_names_them_all holds the two against each other.
NAMES = ["one", "threads", "thread-pool", "prefork", "select", "poll", "epoll-level", "epoll-edge", "io-uring",
         "workers", "offload", "coroutines"]

# Clients that these serve at a time, as in lab/models.h.
AT_A_TIME = {"one": 1, "thread-pool": 64, "prefork": 32}

# One handler that blocks stops everyone else: these know no other way.
STOPPED_BY_BLOCKING = {"one", "select", "poll", "epoll-level", "epoll-edge", "io-uring", "coroutines"}

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
