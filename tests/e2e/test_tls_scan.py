"""What others say of a listener with TLS: testssl.sh, where it is installed, and the group that keys are agreed on with."""
import json
import re
import shutil
import subprocess

import pytest

import tree
from pki import Authority
from vif import IS_SANITIZED, run

COMMAND = shutil.which("testssl") or shutil.which("testssl.sh")
SECONDS = 900  # it starts thousands of processes

# docs/tls.md says why these are not vif's: the certificate says nothing of revocation; the content is what it is.
EXPLAINED = {"cert_revocation", "security_headers"}

pytestmark = [
    pytest.mark.skipif("built without TLS" in run("cert", "--ca", "/nowhere").stderr, reason="built without TLS"),
    pytest.mark.any_backend,
]


@pytest.fixture(name="secure")
def fixture_secure(server, root, tmp_path):
    authority = Authority(tmp_path / "pki")
    certificate, key = authority.issue("localhost", ["localhost"])
    tree.write(root, "index.html", b"hello")
    made = server(root, "--cert", certificate, "--key", key)
    made.authority = authority.certificate
    return made


@pytest.mark.skipif(not COMMAND, reason="testssl.sh is not installed")
@pytest.mark.skipif(IS_SANITIZED, reason="once is enough")
@pytest.mark.seconds(SECONDS)
@pytest.mark.parametrize("what", [["-p", "-s"], ["-f"], ["-U"], ["-E", "-g"], ["-c"]],
                         ids=["ciphers", "forward-secrecy", "vulnerabilities", "each-cipher-and-grease", "clients"])
def test_testssl_finds_nothing_above_low(secure, tmp_path, what):
    report = tmp_path / "report.json"
    subprocess.run([COMMAND, "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--add-ca", secure.authority,
                    "--jsonfile", report, *what, f"https://localhost:{secure.port}/"],
                   capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS - 5, check=False)
    findings = json.loads(report.read_text())
    assert len(findings) > 3, "it has looked at something"
    bad = [found for found in findings if found["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL")]
    assert [found for found in bad if found["id"] not in EXPLAINED] == []


def test_keys_are_agreed_on_with_the_best_group_that_both_know(secure):
    """OpenSSL has X25519MLKEM768 since 3.5, and prefers it."""
    known = subprocess.run(["openssl", "list", "-kem-algorithms"], capture_output=True, text=True, timeout=60, check=True).stdout
    expected = "X25519MLKEM768" if "X25519MLKEM768" in known else "X25519"
    shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{secure.port}", "-CAfile", secure.authority],
                           input="", capture_output=True, text=True, timeout=60, check=False).stdout
    group = re.search(r"Negotiated TLS1.3 group: (\S+)|Server Temp Key: (\w+)", shown)
    assert group and expected in group.groups(), shown
