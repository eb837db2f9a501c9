"""A server as a tree of processes: started pinned to one core, its CPU time added up, stopped for certain.

CPU time is read from /proc/PID/stat, which counts every thread of a process, dead ones too. A process's own
time plus that of the children it has reaped, summed over the living tree, counts each process once, whatever
was forked and whatever ended meanwhile. Linux derives the figure from the scheduler's clock, so it is exact
but for the rounding to ticks of 10 ms: half a percent of a run of two seconds.
"""

import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def _stat(pid):
    """The fields of /proc/PID/stat that follow the name; [] when the process has gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2:].split()


def tree(root):
    """The pids of `root` and all its descendants, parents first."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _stat(entry)):
            children.setdefault(int(fields[1]), []).append(int(entry))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def own_cpu_seconds(pid):
    """utime + stime of one process; 0 when it has gone."""
    fields = _stat(pid)
    return sum(map(int, fields[11:13])) / TICKS_PER_SECOND if fields else 0.0


def _resident_pages(pid):
    fields = _stat(pid)
    return int(fields[21]) if fields else 0


def _cpu_ticks(pid):
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) if fields else 0


def machine_cpu_seconds():
    """CPU time of everything on all cores, and what the hypervisor took away, since the machine started."""
    user, nice, system, _, _, irq, softirq, stolen = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + stolen) / TICKS_PER_SECOND


def free_port():
    """A port that was free a moment ago. The kernel hands them out in turn, so that a race needs bad luck."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A running server. `core` pins its whole tree, `descriptors_max` lowers its limit of open files."""

    def __init__(self, argv, port, log, core=None, descriptors_max=None, environment=None):
        def prepare():
            if core is not None:
                os.sched_setaffinity(0, {core})
            if descriptors_max is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors_max, descriptors_max))

        self.port = port
        self.log = Path(log)
        with open(log, "wb") as output:
            self._child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=prepare,
                start_new_session=True, env={**os.environ, **(environment or {})})
        self.pid = self._child.pid

    def wait_until_ready(self, seconds=10):
        """Returns once the port accepts. Raises RuntimeError, with what the server said, when it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._child.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        said = self.log.read_text(errors="replace").strip()[-400:]
        raise RuntimeError(f"does not listen: {said or 'and says nothing'}")

    def pids(self):
        return tree(self.pid)

    def is_running(self):
        return self._child.poll() is None

    def cpu_seconds(self):
        """CPU time of the whole tree since it was started."""
        return sum(_cpu_ticks(pid) for pid in self.pids()) / TICKS_PER_SECOND

    def memory_mib(self):
        """Resident memory of the whole tree."""
        return sum(_resident_pages(pid) for pid in self.pids()) * resource.getpagesize() / (1 << 20)

    def end(self, seconds):
        """Asks it to end; how many seconds that took, or None where they were not enough."""
        began = time.monotonic()
        self._child.terminate()
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return time.monotonic() - began

    def stop(self):
        """Asks politely, then kills whatever is left of the tree."""
        pids = self.pids()
        self._child.terminate()
        try:
            self._child.wait(3)
        except subprocess.TimeoutExpired:
            pids += self.pids()
        for pid in pids:
            if pid != self.pid or self._child.poll() is None:
                self._kill(pid)
        self._child.wait()

    @staticmethod
    def _kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
