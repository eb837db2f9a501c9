"""A vif process under test: started on a port of its own, always ended, its last words read.

The configuration may be given as Python values: JSON is YAML.
"""
import json
import os
import pathlib
import random
import signal
import socket
import subprocess

import protocols
import wire

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("VIF_BINARY", str(REPOSITORY / "build" / "vif"))

# What its loop waits with, where a test does not say otherwise; empty: what vif chooses.
BACKEND = os.environ.get("VIF_BACKEND", "")

# Its memory figures then say nothing about vif.
IS_SANITIZED = os.path.isfile(BINARY) and b"__asan_init" in pathlib.Path(BINARY).read_bytes()
STOP_SECONDS = 30

# What a sanitizer leaves on standard error. None of it may ever be there.
ACCUSATIONS = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer", "ThreadSanitizer", "Assertion",
               "was ended by signal")

# Below the ports that the kernel gives to clients, so that no connection can be in the way. Processes of pytest-xdist
# that run beside this one have others.
PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
PORTS = range(11000 + PROCESS, 32000, PROCESSES)


def free_port(address="127.0.0.1"):
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
                return port
            except OSError:
                continue


def run(*arguments, seconds=30, **options):
    """Runs vif to its end: for what prints something and exits."""
    command = [BINARY, *map(str, arguments)]
    options = {"encoding": "utf-8", "errors": "surrogateescape", **options}
    return subprocess.run(command, capture_output=True, timeout=seconds, check=False, **options)


class Vif:
    """One server. Made by the `server` fixtures; `stop` is called for every one of them.

    Server("/root", "--spa")              vif --spa -p PORT /root
    Server(config={"sites": [...]})       vif run -c FILE; `listen` is filled in when absent

    `prefix`: words in front of the command, of a program that becomes what it is told.
    """

    def __init__(self, folder, root=None, *options, config=None, workers=1, address="127.0.0.1", port=None,
                 prefix=()):
        self.folder = pathlib.Path(folder)
        self.host = address
        self.port = port or free_port(address)
        self.is_secure = protocols.IS_SECURE and "listen" not in (config or {})  # else it has listeners of its own
        self.clients = []
        self.stdout_path = self.folder / f"{self.port}.out"
        self.stderr_path = self.folder / f"{self.port}.err"
        self.command = [*prefix, BINARY, *self.arguments(root, options, config, workers)]
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
        with open(self.stdout_path, "wb") as stdout, open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=self.folder
            )
        try:
            wire.wait_until(self.accepts, f"{self.command} to accept")
        except BaseException:
            self.kill()
            raise

    def accepts(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.command} ended with {self.process.returncode}: {self.stderr()}")
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
