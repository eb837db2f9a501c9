"""A file system on which operations take as long as one likes: bench/slowfs.c, built and mounted by FUSE."""
import os
import subprocess

import pytest
import vif
import wire

SOURCE = vif.REPOSITORY / "bench" / "slowfs.c"
FILE_BYTES = {"stiff": 4096, "heavy": 262144, "quick": 4096}


def build(folder):
    """Compiles the file system; skips the test where it cannot be had."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True, check=False)
    if flags.returncode != 0:
        pytest.skip("libfuse3-dev is not installed")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("/dev/fuse is not to be had here")
    program = folder / "slowfs"
    compiler = [os.environ.get("CC", "cc"), "-O2", "-std=gnu17", "-D_GNU_SOURCE"]
    subprocess.run([*compiler, str(SOURCE), "-o", str(program), *flags.stdout.split()], check=True)
    return program


class SlowDisk:
    """Mounted at `folder` from the beginning to `unmount`, which may be called again."""

    def __init__(self, program, folder, stall_ms, *options):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        arguments = ["-o", f"stall_ms={stall_ms}", *options]
        # A superuser who has given away his privileges is another user to FUSE.
        arguments += ["-o", "allow_other"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen([program, str(folder), "-f", *arguments], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wire.wait_until(lambda: os.path.ismount(folder) or self.process.poll() is not None, "the mount")
        if self.process.poll() is not None:
            pytest.skip("FUSE does not let us mount")

    def unmount(self):
        """Whoever waits for it gets an error."""
        if self.process is None:
            return
        subprocess.run(["fusermount3", "-u", "-z", str(self.folder)], stderr=subprocess.DEVNULL, check=False)
        self.process.kill()
        self.process.wait()
        self.process = None


def content_of(path):
    """What the file at `path`, from the mount point and with a leading '/', is full of."""
    size = FILE_BYTES[path.rsplit("/", 1)[1].split("-")[0]]
    return (path.encode() * (size // len(path) + 1))[:size]
