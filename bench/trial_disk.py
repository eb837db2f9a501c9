"""Trial: one file that the disk takes a second to give.

A loop that reads from it itself stands still for that second, and with it everyone whose file was at hand.
Asked for are three kinds of cold file (see slowfs.c), while another connection keeps asking for a hot one.
"""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from client import Client
from measure import build, start

TITLE = "A stalled disk"
MEANS = """\
One client waits for a cold file whose disk stalls for a second, another asks for a hot one again and again.
Hot answers per second: without a stall, then during it; in brackets the longest that one of them took."""
KINDS = {"small": "reading 4 KiB", "large": "reading 256 KiB", "found": "looking up"}
HEADINGS = ["server", "calm", *KINDS.values(), ""]

STALL_MS = 1000
MOUNT_SECONDS = 5


@contextmanager
def slow_disk(folder, mountpoint, stall_ms):
    """Mounts the slow filesystem. Raises RuntimeError with the reason where FUSE is not to be had."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True)
    if flags.returncode != 0 or not os.path.exists("/dev/fuse"):
        raise RuntimeError("needs FUSE: /dev/fuse, fuse3 and libfuse3-dev (bench/deps installs the packages)")
    program = build("slowfs.c", folder / "slowfs", *flags.stdout.split())
    mountpoint.mkdir(exist_ok=True)
    # Workers of another user than root's have to see it; others may not give that permission, nor need to.
    options = ["-o", f"stall_ms={stall_ms}", *(["-o", "allow_other"] if os.geteuid() == 0 else [])]
    disk = subprocess.Popen([program, str(mountpoint), "-f", *options],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + MOUNT_SECONDS
        while not os.path.ismount(mountpoint):
            if disk.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the slow filesystem could not be mounted")
            time.sleep(0.02)
        yield
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(mountpoint)], stderr=subprocess.DEVNULL)
        disk.terminate()
        disk.wait()


def _ask(port, until):
    """Asks for the hot file until `until()`; returns (answers per second, the longest wait in seconds)."""
    count, longest = 0, 0.0
    with Client(port) as client:
        began = now = time.monotonic()
        while not until():
            client.get("/hot.html")
            longest = max(longest, time.monotonic() - now)
            now = time.monotonic()
            count += 1
    return count / (now - began), longest


def _ask_during_stall(port, path):
    # vif looks for the three compressed siblings as well, and each look stalls.
    with Client(port, timeout=10) as slow, ThreadPoolExecutor(1) as waiting:
        slow.send(path)
        # To its last byte: a server may send the head while it waits for the content.
        answer = waiting.submit(slow.receive)
        time.sleep(0.1)  # the server has met the stall by now
        rate, longest = _ask(port, answer.done)
        status, _ = answer.result()
    failed = f", then {status}" if status != 200 else ""
    return f"{rate:,.0f} ({longest * 1000:.0f} ms){failed}"


def run(server, site, core):
    process = start(server, site, core=core)
    try:
        calm_until = time.monotonic() + 0.5
        rate, longest = _ask(site.port, lambda: time.monotonic() > calm_until)
        cells = [server.name, f"{rate:,.0f} ({longest * 1000:.0f} ms)"]
        for kind in KINDS:
            name = "".join(letter for letter in server.name if letter.isalnum())
            cells.append(_ask_during_stall(site.port, f"/slow/{kind}-{name}"))
    finally:
        process.stop()
    return [*cells, ""]
