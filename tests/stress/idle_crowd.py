"""Crowds of idle connections, and the memory that they take."""

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Descriptors are 20,000 a process in many places, and ports for one pair of addresses 28,000.
CLIENTS_PER_PROCESS = 15000


def build_client(folder):
    """Compiles crowd.c. Raises RuntimeError with the compiler's words."""
    program = Path(folder) / "crowd"
    compiler = [os.environ.get("CC", "cc"), "-O2", "-std=gnu17", "-D_GNU_SOURCE"]
    ran = subprocess.run([*compiler, str(HERE / "crowd.c"), "-o", str(program)], capture_output=True, text=True,
                         check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"crowd.c does not compile:\n{ran.stderr}")
    return program


class Crowd:
    """`count` connections, each of which has made one request when the constructor returns, until close()."""

    def __init__(self, program, port, count, path):
        self.count = count
        self.processes = []
        for number, rest in enumerate(range(count, 0, -CLIENTS_PER_PROCESS)):
            share = min(rest, CLIENTS_PER_PROCESS)
            arguments = [program, "127.0.0.1", str(port), f"127.0.1.{number + 1}", str(share), path]
            self.processes.append(subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                   text=True))
        self._expect("open")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask_again(self):
        """One more request on every connection."""
        for process in self.processes:
            process.stdin.write("again\n")
            process.stdin.flush()
        self._expect("answered")

    def _expect(self, word):
        """Reads a line from each; the counts in them are those of all connections."""
        lines = [process.stdout.readline().split() for process in self.processes]
        counted = sum(int(line[1]) for line in lines if line[:1] == [word])
        if counted != self.count:
            self.close()
            raise RuntimeError(f"{counted} of {self.count} connections: {word}")

    def close(self):
        for process in self.processes:
            process.stdin.close()
        for process in self.processes:
            process.wait()


def user_bytes(pids):
    """The memory that these processes have to themselves and have written to."""
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    return sum(1024 * int(re.search(r"^Private_Dirty:\s+(\d+)", text, re.MULTILINE).group(1)) for text in rollups)


def kernel_bytes():
    """What the kernel's own objects take, on the whole machine: sockets, files, what waits in epoll."""
    text = Path("/proc/meminfo").read_text()
    return sum(1024 * int(re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE).group(1)) for name in ("Slab", "Percpu"))
