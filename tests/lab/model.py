"""One model of the lab as a process: `vif lab --serve MODEL DIR`."""
import ctypes
import os
import re
import signal
import socket
import subprocess

import vif
import wire

# In the order of the table in lab/models.c; test_the_list_names_them_all holds the two against each other.
EVERY = ["one", "fork", "threads", "thread-pool", "prefork", "spin", "select", "poll", "epoll-level", "epoll-edge",
         "kqueue", "libevent", "libuv", "libev", "io-uring", "shared", "exclusive", "reuseport", "workers",
         "epoll-mt", "offload", "coroutines", "epoll-veth", "af-xdp",
         "dpdk"]

# Reached over a veth pair, which only root can make.
OVER_VETH = ["epoll-veth", "af-xdp", "dpdk"]

# Their connections are not the kernel's and have no descriptors.
OWN_TCP = ["af-xdp", "dpdk"]

# Not of every build: kqueue is of other systems, and the loops of others and TCP in user space are options.
OPTIONAL = ["kqueue", "libevent", "libuv", "libev", *OVER_VETH]


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
                       "io-uring", "coroutines", *OVER_VETH}

# With these it is a matter of chance whether the other client has the same loop.
SEVERAL_LOOPS = {"shared", "exclusive", "reuseport", "workers", "epoll-mt"}

# Children that serve.
CHILDREN = {"prefork": 32, "shared": 4, "exclusive": 4, "reuseport": 4, "workers": len(os.sched_getaffinity(0))}

STOP_SECONDS = 30

CLONE_NEWNET = 0x40000000


def open_network(path):
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def set_network(number):
    """setns(2), which Python has from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(number, CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), "setns")


def interfaces():
    """Of the network in which this thread is."""
    return {name for _, name in socket.if_nameindex()}


class Model:
    def __init__(self, name, root, folder, limits=None):
        self.name = name
        self.port = vif.free_port()
        self.host = "127.0.0.1"
        self.own_network = None  # while this thread is in the one of the model's clients
        self.stderr_path = folder / "stderr"
        command = [vif.BINARY, "lab", "--serve", name, "--port", str(self.port), str(root)]
        with open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=stderr, preexec_fn=limits)
        try:
            if name in OVER_VETH:
                wire.wait_until(self.has_suggested, f"{command} to say where its clients have to be")
                self.host = "10.0.0.2"
                self.enter_network()
            wire.wait_until(self.accepts, f"{command} to accept")
        except BaseException:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
            self.leave_network()
            raise

    def has_suggested(self):
        assert self.process.poll() is None, self.stderr()
        return "perf record" in self.stderr()

    def enter_network(self):
        """Sockets that this thread opens from now on are at the clients' end of the cable; so are those of threads that
        it starts."""
        self.own_network = open_network("/proc/thread-self/ns/net")
        there = open_network(re.search(r"--net=(\S+)", self.stderr())[1])
        set_network(there)
        os.close(there)

    def leave_network(self):
        if self.own_network is not None:
            set_network(self.own_network)
            os.close(self.own_network)
            self.own_network = None

    def accepts(self):
        assert self.process.poll() is None, self.stderr()
        with socket.socket() as probe:
            probe.settimeout(wire.TIME_LIMIT)
            return probe.connect_ex((self.host, self.port)) == 0

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
        if self.own_network is None:
            wire.wait_until(lambda: not self.accepts_still(), "its processes to end")
        else:
            self.wait_for_end_of_veth()
            self.leave_network()

    def wait_for_end_of_veth(self):
        """With the server's network namespace the other end of the cable goes, too."""
        wire.wait_until(lambda: interfaces() == {"lo"}, "the veth pair to go")

    def accepts_still(self):
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0

    def connect(self, **options):
        return wire.Client((self.host, self.port), **options)

    def get(self, target="/", fields=None, method="GET"):
        with self.connect() as client:
            return client.exchange(method, target, fields)
