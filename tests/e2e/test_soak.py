"""The long run under all that happens to a server, in short: `make soak` is the long one."""
import subprocess

import pytest

import vif

pytestmark = pytest.mark.any_backend


def test_nothing_is_lost_and_nothing_grows():
    options = ["--ignore-memory"] if vif.IS_SANITIZED else []
    command = [vif.REPOSITORY / "tools" / "soak", "4s", "--vif", vif.BINARY, *options]
    result = subprocess.run(command, capture_output=True, check=False, timeout=300, encoding="utf-8")
    assert result.returncode == 0, result.stdout + result.stderr
