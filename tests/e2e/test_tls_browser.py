"""A browser that was told to trust the local authority opens the quick server's page; one that was not does not."""
import os
import shutil
import subprocess

import pytest

from vif import BACKEND, run

COMMAND = os.environ.get("CHROMIUM", "chromium")
SECONDS = 150

pytestmark = [
    pytest.mark.skipif("built without TLS" in run("cert", "--ca", "/nowhere").stderr, reason="built without TLS"),
    pytest.mark.skipif(not shutil.which(COMMAND) or not shutil.which("certutil"), reason="no chromium or no certutil"),
    pytest.mark.skipif(bool(BACKEND), reason="once is enough"),
]


def browse(url, home):
    """What the page has become."""
    command = [COMMAND, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
               "--disable-dev-shm-usage", f"--user-data-dir={home / 'profile'}", "--dump-dom", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False,
                          env={**os.environ, "HOME": str(home)}).stdout


@pytest.fixture(name="quick")
def fixture_quick(server, root, tmp_path, monkeypatch):
    (root / "index.html").write_text("<!doctype html><title>t</title><p>served by vif")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return server(root, "--tls")


def test_chromium_opens_the_page_once_it_trusts_the_authority(quick, tmp_path):
    url = f"https://localhost:{quick.port}/"
    homes = [tmp_path / "trusting", tmp_path / "stranger"]
    for home in homes:
        home.mkdir()
    database = homes[0] / ".pki/nssdb"
    database.mkdir(parents=True)
    for arguments in (["-N", "--empty-password"],
                      ["-A", "-t", "C,,", "-n", "vif", "-i", str(tmp_path / "data/vif/ca/ca.pem")]):
        subprocess.run(["certutil", "-d", f"sql:{database}", *arguments], check=True, timeout=60, capture_output=True)
    assert "served by vif" in browse(url, homes[0])
    assert "served by vif" not in browse(url, homes[1])
