"""A mount namespace of its own for a server, so that a test can mount over what it serves and nobody else notices."""
import os
import subprocess

import pytest

# Whoever is not root becomes root of a namespace of users.
WORDS = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]


def prefix():
    """What a server's command begins with; skips the test where the kernel does not let us."""
    if subprocess.run([*WORDS, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespaces here")
    return WORDS


def inside(running, *command):
    """Runs a command in the namespace of a server."""
    user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
    subprocess.run(["nsenter", "--mount", *user, "--target", str(running.process.pid), *map(str, command)],
                   check=True, capture_output=True)
