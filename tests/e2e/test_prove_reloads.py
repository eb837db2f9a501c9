"""The proof that reloads and upgrades lose nothing, in small: tools/prove-reloads without options is the large one."""
import subprocess

import pytest
import vif

pytestmark = pytest.mark.any_backend


def test_nothing_fails_while_settings_and_programs_change():
    quiet = 0 if vif.IS_SANITIZED else 50  # a sanitizer keeps freed memory
    command = [vif.REPOSITORY / "tools" / "prove-reloads", "--vif", vif.BINARY, "--requests", "20000", "--reloads", "6",
               "--upgrades", "2", "--quiet-reloads", str(quiet)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8") as process:
        try:
            said = process.communicate()[0]
        except TimeoutError:
            process.terminate()
            raise AssertionError(process.communicate()[0]) from None
    assert process.returncode == 0, said
