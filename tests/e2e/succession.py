"""A vif that takes the place of another is no child of the test: it becomes one when the other has ended."""
import ctypes
import json
import os
import pathlib
import socket
import subprocess
import time

import vif
import wire

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """From now on, processes whose parent ends become children of this one."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Heir:
    """What subprocess.Popen has, for a process that another one has started."""

    def __init__(self, pid):
        self.pid, self.returncode = pid, None

    def poll(self):
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                assert pathlib.Path(f"/proc/{self.pid}").exists(), f"{self.pid} ended with its parent"
                return None
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), seconds)
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send_signal(9)


def wait_for_end(pid):
    """Of an orphan, or of a process that its parent has waited for."""
    def has_ended():
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        return not pathlib.Path(f"/proc/{pid}").exists()

    wire.wait_until(has_ended, f"process {pid} to end")


def socket_of(pid):
    """The control socket of a process, in the folder of this user."""
    if "RUNTIME_DIRECTORY" in os.environ:
        folder = os.environ["RUNTIME_DIRECTORY"]
    elif os.geteuid() == 0:
        folder = "/run/vif"
    else:
        folder = f"{os.environ['XDG_RUNTIME_DIR']}/vif" if "XDG_RUNTIME_DIR" in os.environ else f"/tmp/vif-{os.geteuid()}"
    return pathlib.Path(folder) / f"{pid}.sock"


def takes_commands(pid):
    """Not so a socket that was left by a process of the same number."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(socket_of(pid))) == 0


def status_of(server):
    result = vif.run("status", "-c", server.config_path, "--json")
    return json.loads(result.stdout) if result.returncode == 0 else None


def wait_until_found(server):
    return wire.wait_until(lambda: status_of(server), "the control socket")


def follow(server):
    """The server's process is the one that runs now. Returns the one before, which finishes its requests."""
    former, status = server.process, wait_until_found(server)
    assert status["pid"] != former.pid
    server.process = Heir(status["pid"])
    return former


def upgrade(server, *options, seconds=60):
    """By the command; returns the process before."""
    result = vif.run("upgrade", "--pid", server.process.pid, *options, seconds=seconds)
    assert (result.returncode, result.stderr) == (0, ""), server.stderr()
    return follow(server)
