"""A browser that was told to trust the local authority opens the quick server's page; one that was not does not."""
import base64
import os
import shutil
import subprocess
import zlib

import pytest

from pki import Authority
from vif import run

COMMAND = os.environ.get("CHROMIUM", "chromium")
SECONDS = 150

pytestmark = [
    pytest.mark.skipif("built without TLS" in run("cert", "--ca", "/nowhere").stderr, reason="built without TLS"),
    pytest.mark.skipif(not shutil.which(COMMAND) or not shutil.which("certutil"), reason="no chromium or no certutil"),
    pytest.mark.any_backend,
]


def browse(url, home, *options):
    """What the page has become."""
    command = [COMMAND, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
               "--disable-dev-shm-usage", f"--user-data-dir={home / 'profile'}", *options, "--dump-dom", url]
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


IMAGES = 100
PAGE = """<!doctype html><title>images</title><p id=said>nothing yet<div>%s</div><script>
onload = () => {
  const whole = [...document.images].filter(image => image.naturalWidth === 16).length;
  const protocols = new Set(performance.getEntriesByType("resource").map(entry => entry.nextHopProtocol));
  said.textContent = `${whole} images over ${[...protocols]}`;
};</script>"""


def image(number):
    """A PNG of 16 by 16 dots in a colour of its own."""
    dots = b"".join(b"\0" + bytes([number * 2, 255 - number * 2, 128]) * 16 for _ in range(16))
    header = (16).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(dots)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big") for kind, data in parts)


def fingerprint(certificate):
    """Of its public key, by which Chromium is told to trust it."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"], capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True).stdout
    return base64.b64encode(subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der, capture_output=True,
                                           check=True).stdout).decode()


@pytest.mark.skipif("nghttp2" not in run("version").stdout, reason="built without HTTP/2")
def test_chromium_shows_a_hundred_images_over_http2(server, root, tmp_path):
    authority = Authority(tmp_path / "pki")
    certificate, key = authority.issue("localhost", ["localhost"])
    for number in range(IMAGES):
        (root / f"{number}.png").write_bytes(image(number))
    (root / "index.html").write_text(PAGE % "".join(f"<img src={number}.png>" for number in range(IMAGES)))
    made = server(root, "--cert", certificate, "--key", key)
    said = browse(f"https://localhost:{made.port}/", tmp_path, f"--ignore-certificate-errors-spki-list={fingerprint(certificate)}",
                  "--virtual-time-budget=20000", f"--screenshot={tmp_path / 'page.png'}")
    assert f"{IMAGES} images over h2" in said
    assert (tmp_path / "page.png").stat().st_size > 1000
