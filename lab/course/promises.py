"""What the course promises: which command fails on which program, and does not fail on the next one.

Each promise is a function of a running server. It returns what was seen (`Seen`): whether that is the failure, and the
figure. On the program that is to fail it waits TIMEOUT seconds for an answer that must not come; on the other one
as long as a busy machine may need. So no promise depends on speed, and the figures are printed, not judged.
"""

import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass

import clients

FOLDER = pathlib.Path(__file__).resolve().parent
TIMEOUT = 1
FOREVER = 90
BIG = 20 << 20
IDLE = 3000


class Impossible(Exception):
    """This machine cannot show it; the text says why."""


@dataclass
class Seen:
    fails: bool
    figure: str


def wait_until(is_so, what, seconds=FOREVER):
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.01)


def stat_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def schedstat(task):
    """Seconds that it ran, and that it waited for a processor."""
    try:
        ran, waited, _ = (task / "schedstat").read_text(encoding="ascii").split()
    except FileNotFoundError as missing:
        raise Impossible("this kernel has no /proc/PID/schedstat") from missing
    return int(ran) / 1e9, int(waited) / 1e9


class Server:
    """A program of the course on a free port, under `limits` of the shell."""

    def __init__(self, program, is_to_fail, limits="", workers=0):
        self.is_to_fail = is_to_fail
        self.timeout = TIMEOUT if is_to_fail else FOREVER
        for _ in range(20):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            command = f"{limits + '; ' if limits else ''}exec {program} {self.port} {workers or ''}"
            self.process = subprocess.Popen(["sh", "-c", command], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                            start_new_session=True, text=True)
            line = self.process.stderr.readline()
            if line.startswith("http://"):
                return
            self.stop()
            if "in use" not in line:
                raise Impossible(line.strip())
        raise RuntimeError("found no free port")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stderr.close()

    def is_alive(self):
        return self.process.poll() is None

    def is_asleep(self):
        return stat_of(self.pid)[0] == "S"

    def pids(self):
        """The server's processes: the first one, or its workers."""
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        return [int(pid) for pid in children] or [self.pid]

    def tasks(self):
        """Its threads, as folders of /proc."""
        return [task for pid in self.pids() for task in sorted(pathlib.Path(f"/proc/{pid}/task").iterdir())]

    def cpu_seconds(self):
        """Of each of its threads."""
        return [schedstat(task)[0] for task in self.tasks()]

    def ready_seconds(self):
        """How long they ran, or would have if others had not."""
        return sum(sum(schedstat(task)) for task in self.tasks())

    def descriptors(self):
        """How many; none when it has ended."""
        try:
            return len(os.listdir(f"/proc/{self.pid}/fd"))
        except OSError:
            return 0

    def settle(self):
        """Waits until it sleeps, and accepts nobody any more."""
        counts = []

        def is_settled():
            if not self.is_alive():
                return True
            counts.append(self.descriptors() if self.is_asleep() else None)
            return len(counts) > 20 and counts[-1] is not None and len(set(counts[-20:])) == 1

        wait_until(is_settled, "the server to settle")

    def wait_for_workers(self, count):
        def are_there():
            if not self.is_alive():  # the first process ends with the last worker, which says why
                raise Impossible(self.process.stderr.read().strip())
            return len(self.pids()) == count and all(stat_of(pid)[0] == "S" for pid in self.pids())

        wait_until(are_there, "the workers")

    def signal(self, number):
        for pid in self.pids():
            os.kill(pid, number)

    def pause(self):
        """Until `signal(SIGCONT)`: clients gather in the kernel's queue."""
        self.signal(signal.SIGSTOP)
        wait_until(lambda: all(stat_of(pid)[0] in "Tt" for pid in self.pids()), "the server to stop")

    def ask(self, path="/", cookie=0):
        return clients.ask(self.port, self.timeout, path, cookie)


def closing(sockets):
    for one in sockets:
        one.close()


def half_a_request(server):
    with clients.connect(server.port) as client:
        client.sendall(b"GE")
        client.shutdown(socket.SHUT_WR)
        received = clients.read_to_end(client, FOREVER)
    return Seen(clients.is_answer(received), "200 for `GE`" if received else "closed without an answer")


def reset(server):
    clients.reset(server.port)
    if not server.is_to_fail:
        return Seen(not server.ask(), "the next client is answered")
    status = server.process.wait(FOREVER)
    return Seen(status == -signal.SIGPIPE, "ended by SIGPIPE")


def answer_beside_silent(server, count):
    silent = clients.connect_many(server.port, count)
    is_answered = server.ask()
    closing(silent)
    return Seen(not is_answered, "the next client is answered" if is_answered else f"nothing in {TIMEOUT} s")


def one_silent(server):
    return answer_beside_silent(server, 1)


def eight_silent(server):
    return answer_beside_silent(server, 8)


def race(server):
    for _ in range(20 if server.is_to_fail else 1):
        server.pause()
        connected = clients.connect_many(server.port, 200)
        server.signal(signal.SIGCONT)
        answered = clients.ask_all(connected, server.timeout)
        if answered < 200:
            break
    return Seen(answered < 200, f"{answered} of 200 answered")


def little_memory(server):
    connected = clients.connect_many(server.port, 200)
    if server.is_to_fail:  # the last one is closed when there is no memory for its thread
        clients.read_to_end(connected[-1], FOREVER)
    answered = clients.ask_all(connected, FOREVER)
    return Seen(answered < 200, f"{answered} of 200 answered")


def spins(server):
    """Time that it waits for a processor counts too: on a busy machine it wants more than it gets."""
    before, started = server.ready_seconds(), time.monotonic()
    time.sleep(1)
    rate = (server.ready_seconds() - before) / (time.monotonic() - started)
    return Seen(rate > 0.5, f"wants {rate:.2f} s of CPU a second")


def idle(server):
    if not server.is_to_fail:
        server.settle()
    return spins(server)


def no_descriptors(server):
    silent = clients.connect_many(server.port, 30)
    if not server.is_to_fail:
        server.settle()
    seen = spins(server)
    closing(silent)
    return seen


def silent_for_long(server):
    with clients.connect(server.port) as client:
        started = time.monotonic()
        is_closed = clients.read_to_end(client, 3 if server.is_to_fail else FOREVER) is not None
    return Seen(not is_closed, f"closed after {time.monotonic() - started:.1f} s" if is_closed else "open after 3 s")


def need_descriptors(count):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit < count + 100:
        raise Impossible(f"needs {count + 100} descriptors; ulimit -n is {limit}")


def many_descriptors(server):
    need_descriptors(1500)
    connected = clients.connect_many(server.port, 1500)
    server.settle()
    answered = clients.ask_all(connected, server.timeout)
    ended = "" if server.is_alive() else f", ended by {signal.Signals(-server.process.returncode).name}"
    return Seen(answered < 1500, f"{answered} of 1500 answered{ended}")


def cpu_of_requests(server):
    """Of each, in microseconds: the median of some rounds."""
    def measure_round():
        before = sum(server.cpu_seconds())
        if not all(clients.ask(server.port, FOREVER) for _ in range(20)):
            raise RuntimeError("a request was not answered")
        return (sum(server.cpu_seconds()) - before) / 20 * 1e6

    return statistics.median(measure_round() for _ in range(9))


def idle_clients(server):
    need_descriptors(IDLE)
    alone = cpu_of_requests(server)
    connected = clients.connect_many(server.port, IDLE)
    server.settle()
    beside = cpu_of_requests(server)
    closing(connected)
    return Seen(beside > 3 * alone, f"{alone:.0f} us alone, {beside:.0f} us beside {IDLE:,} idle clients")


def long_request(server):
    is_answered = server.ask(cookie=1000)
    return Seen(not is_answered, "answered" if is_answered else f"nothing in {TIMEOUT} s")


def any_request(server):
    is_answered = server.ask()
    return Seen(not is_answered, "answered" if is_answered else f"nothing in {TIMEOUT} s")


def late_reader(server):
    def wait(client):
        """Until the answer has begun, and the server waits again."""
        client.recv(1, socket.MSG_PEEK)
        server.settle()

    received = clients.ask_late(server.port, wait)
    return Seen(received < BIG, f"{received / 1e6:.2f} of {BIG / 1e6:.2f} MB")


def slow_beside_quick(server):
    """The quick answer comes before the slow one, or it does not; on a busy machine one in some tries must."""
    for _ in range(1 if server.is_to_fail else 20):
        with clients.connect(server.port) as slow:
            slow.sendall(clients.request("/slow"))
            started = time.monotonic()
            if not clients.ask(server.port, FOREVER):
                raise RuntimeError("the quick request was not answered")
            seconds = time.monotonic() - started
            is_late = clients.read_to_end(slow, 0) is not None
        if not is_late:
            break
    return Seen(is_late, f"`/` answered after {seconds:.3f} s")


def one_core(server):
    connected = clients.connect_many(server.port, 400)
    before = server.cpu_seconds()
    answered = clients.ask_all(connected, FOREVER, "/busy")
    used = [after - earlier for earlier, after in zip(before, server.cpu_seconds())]
    share = max(used) / sum(used)
    return Seen(share > 0.9, f"{answered / max(used):,.0f}/s at most: {share:.0%} of the work is one thread's")


def count_calls(server, act):
    """strace's table while `act` runs: {name: (calls, errors)}."""
    if shutil.which("strace") is None:
        raise Impossible("strace is not installed")
    tasks = server.tasks()

    def is_traced(task):
        return "TracerPid:\t0\n" not in (task / "status").read_text(encoding="ascii")

    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as table:
        command = ["strace", "-f", "-c", "-U", "calls,errors,name", "-o", table.name]
        with subprocess.Popen([*command, *(f"-p{pid}" for pid in server.pids())], stderr=subprocess.PIPE,
                              text=True) as strace:
            wait_until(lambda: strace.poll() is not None or all(map(is_traced, tasks)), "strace to attach")
            if strace.poll() is not None:
                raise Impossible(strace.stderr.read().strip())
            act()
            strace.send_signal(signal.SIGINT)
            strace.communicate(timeout=FOREVER)
        rows = [line.split() for line in table.read().splitlines()]
    return {row[-1]: (int(row[0]), int(row[1]) if len(row) == 3 else 0) for row in rows if row and row[0].isdigit()}


def system_calls(server):
    def ask_at_once():
        server.pause()
        connected = clients.connect_many(server.port, 200)
        for client in connected:
            client.sendall(clients.request())
        server.signal(signal.SIGCONT)
        for client in connected:
            if not clients.is_answer(clients.read_to_end(client, FOREVER)):
                raise RuntimeError("a request was not answered")

    calls = count_calls(server, ask_at_once)["total"][0] / 200
    return Seen(calls > 3, f"{calls:.2f} system calls an answer")


def wakes_in_vain(server):
    def ask_in_turn():
        if not all(clients.ask(server.port, FOREVER) for _ in range(100)):
            raise RuntimeError("a request was not answered")

    for _ in range(10 if server.is_to_fail else 1):
        in_vain = count_calls(server, ask_in_turn)["accept4"][1]
        if in_vain > 0:
            break
    return Seen(in_vain > 0, f"{in_vain} of {in_vain + 100} accepts found nobody")


@dataclass
class Promise:
    name: str
    fails: str  # this program
    holds: str  # this one does not
    check: callable
    command: str  # for the reader: what shows it
    limits: str = ""
    workers: int = 0


PROMISES = [
    Promise("half a request", "01-one", "02-whole", half_a_request, "clients.py half"),
    Promise("a client that resets", "01-one", "02-whole", reset, "clients.py reset"),
    Promise("a silent client", "02-whole", "03-threads", one_silent, "clients.py silent 1, then ask"),
    Promise("the address of fd", "03b-race", "03-threads", race, "clients.py many 200"),
    Promise("little memory", "03-threads", "04-pool", little_memory, "clients.py many 200", "ulimit -v 1000000"),
    Promise("eight silent clients", "04-pool", "05-ask", eight_silent, "clients.py silent 8, then ask"),
    Promise("nobody asks", "05-ask", "06-select", idle, "top"),
    Promise("1,500 clients", "06-select", "06b-poll", many_descriptors, "clients.py many 1500"),
    Promise("3,000 idle clients", "06b-poll", "07-epoll", idle_clients, "clients.py silent 3000, then busy 200"),
    Promise("a long request", "07b-edge", "07-epoll", long_request, "clients.py long"),
    Promise("a late reader", "07-epoll", "08-room", late_reader, "clients.py late"),
    Promise("any request", "08b-one-step", "08-room", any_request, "clients.py ask"),
    Promise("no descriptors left", "08-room", "09-limits", no_descriptors, "clients.py silent 30", "ulimit -n 20"),
    Promise("silent for long", "08-room", "09-limits", silent_for_long, "clients.py silent 1"),
    Promise("/slow beside /", "09-limits", "10-offload", slow_beside_quick, "clients.py ask /slow, then ask"),
    Promise("much to compute", "10-offload", "11-workers", one_core, "clients.py many 400 /busy", workers=2),
    Promise("one socket for all", "11b-herd", "11-workers", wakes_in_vain, "strace -f -c", workers=4),
    Promise("system calls", "11-workers", "12-uring", system_calls, "strace -f -c", workers=2),
]
PROGRAMS = sorted({name for promise in PROMISES for name in (promise.fails, promise.holds)})


def compile_program(name, folder, compiler="cc"):
    """As the README says, and any warning is an error."""
    command = [compiler, "-O2", "-pthread", "-Wall", "-Wextra", "-Werror", f"{name}.c", "-o", str(folder / name)]
    subprocess.run(command, cwd=FOLDER, check=True)


def see(promise, program, folder):
    """Runs the promise's command against one of its two programs."""
    clients.raise_limits()
    with Server(folder / program, program == promise.fails, promise.limits, promise.workers) as server:
        if promise.workers and not program.startswith("10"):
            server.wait_for_workers(promise.workers)
        return promise.check(server)
