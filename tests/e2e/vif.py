"""A vif process under test: started on ports of its own, awaited until all its listeners are there, always ended, its
last words read.

The configuration may be given as Python values: JSON is YAML.
"""
import contextlib
import itertools
import json
import os
import pathlib
import signal
import socket
import subprocess

import open_folders
import protocols
import wire

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("VIF_BINARY", str(REPOSITORY / "build" / "vif"))

# What its loop waits with, where a test does not say otherwise; empty: what vif chooses.
BACKEND = os.environ.get("VIF_BACKEND", "")

# The process that rotates logs.
LOG_KEEPER = "vif logs"

# Its memory figures then say nothing about vif.
IS_SANITIZED = os.path.isfile(BINARY) and b"__asan_init" in pathlib.Path(BINARY).read_bytes()
STOP_SECONDS = 30

# What a sanitizer leaves on standard error. None of it may ever be there.
ACCUSATIONS = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer", "ThreadSanitizer", "Assertion",
               "was ended by signal")

# Below those that the kernel gives to clients, so that no connection can be in the way.
PORTS = range(11000, 32000)
PORTS_RESERVED = 250  # by each process of tests


def reserved_ports():
    """A range, over and over, that no other process of tests uses, of this run or another: an abstract Unix socket is its
    lock, which the kernel lets go when the process ends."""
    for first in range(PORTS.start, PORTS.stop, PORTS_RESERVED):
        with socket.socket(socket.AF_UNIX) as lock:
            try:
                lock.bind(f"\0vif-tests-ports-{first}")
            except OSError:
                continue
            while True:
                yield from range(first, first + PORTS_RESERVED)


ports = reserved_ports()


def free_port(address="127.0.0.1"):
    """Another one each time: a port comes again after all others, so that two that nobody listens on yet differ."""
    for port in itertools.islice(ports, PORTS_RESERVED):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((address, port))
            return port
    raise AssertionError(f"no port is free on {address}")


def run(*arguments, seconds=30, **options):
    """Runs vif to its end: for what prints something and exits."""
    command = [BINARY, *map(str, arguments)]
    options = {"encoding": "utf-8", "errors": "surrogateescape", **options}
    return subprocess.run(command, capture_output=True, timeout=seconds, check=False, **options)


def start(*arguments):
    """The same, for what goes on while the test does."""
    return subprocess.Popen([BINARY, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            encoding="utf-8")


def name_of(pid):
    """As ps(1) says it; empty when it has ended."""
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return ""


def children_of(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in children.split()]


def workers_of(process):
    """A master has other children for a moment, which read settings, certificates and files for it."""
    return sorted(pid for pid in children_of(process.pid) if name_of(pid).startswith("vif worker "))


class ServiceManager:
    """What a server says of itself by sd_notify(3): READY=1 when all its listeners are there and all its workers accept."""

    def __init__(self, name=None):
        """`name`: as in NOTIFY_SOCKET; without it the kernel chooses one. Abstract names are the same in every mount
        namespace."""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind((name or "").replace("@", "\0", 1))
        self.name = name or self.socket.getsockname().decode().replace("\0", "@", 1)
        self.lines = []

    def has_heard(self, line):
        """Whether that was said since it was last found."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.lines += self.socket.recv(4096).decode().splitlines()
        if line not in self.lines:
            return False
        del self.lines[:self.lines.index(line) + 1]
        return True

    def close(self):
        self.socket.close()


class Vif:
    """One server. Made by the `server` fixtures; `stop` is called for every one of them.

    Server("/root", "--spa")              vif --spa -p PORT /root
    Server(config={"sites": [...]})       vif run -c FILE; `listen` is filled in when absent

    `prefix`: words in front of the command, of a program that becomes what it is told. `notify_socket`: the name of the
    socket where it says that it is ready. `binary`: another program than the one under test. `pass_fds`: descriptors
    that it gets.
    """

    def __init__(self, folder, root=None, *options, config=None, workers=1, address="127.0.0.1", port=None,
                 prefix=(), notify_socket=None, binary=BINARY, pass_fds=()):
        self.folder = pathlib.Path(folder)
        self.host = address
        self.port = port or free_port(address)
        self.is_secure = protocols.IS_SECURE and "listen" not in (config or {})  # else it has listeners of its own
        self.clients = []
        self.manager = ServiceManager(notify_socket)
        self.stdout_path = self.folder / f"{self.port}.out"
        self.stderr_path = self.folder / f"{self.port}.err"
        self.command = [*prefix, str(binary), *self.arguments(root, options, config, workers)]
        self.pass_fds = pass_fds
        self.process = None
        self.start()

    def arguments(self, root, options, config, workers):
        if BACKEND and "--backend" not in options:
            options = ["--backend", BACKEND, *options]
        if config is None:
            folders = [str(root)] if root else []
            if self.is_secure:
                options = [*options, "--cert", protocols.certificate()[0], "--key", protocols.certificate()[1]]
            return ["-a", self.host, "-p", str(self.port), "-w", str(workers), *map(str, options), *folders]
        config = {"listen": [self.listener()], "workers": workers, **config}
        self.config_path = self.folder / f"{self.port}.yaml"
        self.config_path.write_text(json.dumps(config, indent=1), encoding="utf-8")
        return ["run", "-c", str(self.config_path), *map(str, options)]

    def listener(self):
        address = f"{self.host}:{self.port}"
        if not self.is_secure:
            return address
        certificate, key = map(str, protocols.certificate())
        return {"address": address, "tls": {"certificate": certificate, "key": key}}

    def start(self):
        open_folders.let_others_in(self.folder)
        with open(self.stdout_path, "wb") as stdout, open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=self.folder,
                env={**os.environ, "NOTIFY_SOCKET": self.manager.name}, pass_fds=self.pass_fds
            )
        try:
            wire.wait_until(self.is_ready, f"{self.command} to be ready")
        except BaseException:
            self.kill()
            raise

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.command} ended with {self.process.returncode}: {self.stderr()}")
        return self.manager.has_heard("READY=1")

    def accepts(self):
        """Whether somebody listens on its port."""
        with socket.socket() as probe:
            probe.settimeout(wire.TIME_LIMIT)
            return probe.connect_ex((self.host, self.port)) == 0

    def stdout(self):
        return self.stdout_path.read_text(encoding="utf-8", errors="replace")

    def stderr(self):
        return self.stderr_path.read_text(encoding="utf-8", errors="replace")

    def check_alive(self):
        """No process of ours may have died or complained; called behind every test."""
        code = self.process.poll()
        assert code is None, f"vif ended with {code}: {self.stderr()}"
        self.check_words()

    def check_words(self):
        words = self.stderr()
        for accusation in ACCUSATIONS:
            assert accusation not in words, words

    def stop(self):
        """Ends it by SIGTERM: status 0, and nothing from a sanitizer. May be called again."""
        for client in self.clients:
            client.close()
        self.clients.clear()
        self.manager.close()
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
            raise AssertionError(f"SIGTERM did not end it: {self.stderr()}") from None
        self.check_words()
        assert code == 0, f"ended with {code}: {self.stderr()}"

    def kill(self):
        self.manager.close()
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            process.kill()
            process.wait(STOP_SECONDS)

    # Talking to it.

    def connect(self, **options):
        client = protocols.connect((self.host, self.port), self.is_secure, **options)
        self.clients.append(client)
        return client

    def exchange(self, method="GET", target="/", fields=None, **options):
        """One request on a connection of its own."""
        with protocols.connect((self.host, self.port), self.is_secure) as client:
            return client.exchange(method, target, fields, **options)

    def get(self, target="/", fields=None, **options):
        return self.exchange("GET", target, fields, **options)
