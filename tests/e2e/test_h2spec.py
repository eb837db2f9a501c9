"""What h2spec says of HTTP/2, plain and with TLS: where H2SPEC names its program. Debian has no package of it."""
import os
import re
import subprocess

import pytest

import tree
from pki import Authority
from vif import run

COMMAND = os.environ.get("H2SPEC", "")
SECONDS = 120
SUMMARY = re.compile(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed")

pytestmark = [
    pytest.mark.skipif(not COMMAND, reason="H2SPEC does not name an h2spec"),
    pytest.mark.skipif("nghttp2" not in run("version").stdout, reason="vif is built without HTTP/2"),
    pytest.mark.any_backend,
    pytest.mark.parametrize("attempt", range(5)),
]


def expect_all(port, *options):
    shown = subprocess.run([COMMAND, "-h", "127.0.0.1", "-p", str(port), *options], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=SECONDS, check=False).stdout
    found = SUMMARY.search(shown)
    assert found and found.groups() == ("147", "147", "0", "0"), shown


def test_plain(server, root, attempt):
    del attempt
    tree.write(root, "index.html", b"hello")
    expect_all(server(root).port)


def test_with_tls(server, root, tmp_path, attempt):
    del attempt
    authority = Authority(tmp_path / "pki")
    certificate, key = authority.issue("localhost", ["localhost"])
    tree.write(root, "index.html", b"hello")
    expect_all(server(root, "--cert", certificate, "--key", key).port, "-t", "-k")
