"""vif cert: a local authority and what it issues, seen by openssl."""
import os
import shutil
import socket
import ssl
import stat
import subprocess
import threading

import pytest

from test_printed import vif

pytestmark = pytest.mark.skipif("built without TLS" in vif("cert", "--ca", "/nowhere").stderr, reason="built without TLS")


@pytest.fixture
def ca(tmp_path):
    return tmp_path / "data" / "ca"


def cert(ca, *arguments):
    return vif("cert", "--ca", str(ca), *arguments)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_issues_for_names_and_addresses(ca):
    issued = cert(ca, "issue", "localhost", "127.0.0.1", "::1", "*.test")
    assert issued.returncode == 0, issued.stderr
    path = ca / "issued" / "localhost.pem"
    assert issued.stdout.startswith(f"{path}\n")
    assert f"/ca-certificates/vif.crt" in issued.stdout and f"-n vif -i {ca}/ca.pem" in issued.stdout
    assert (mode(path), mode(ca / "ca.key"), mode(ca / "ca.pem"), mode(ca)) == (0o600, 0o600, 0o644, 0o700)
    again = cert(ca, "issue", "other.test")
    assert again.stdout == f"{ca}/issued/other.test.pem\n"
    listed = cert(ca).stdout
    assert listed == cert(ca, "list").stdout
    assert "localhost, 127.0.0.1, ::1, *.test" in listed and "other.test" in listed


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not there")
def test_openssl_verifies_what_was_issued(ca):
    cert(ca, "issue", "localhost", "::1")

    def verify(*options):
        return subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ca / "ca.pem", *options,
                               ca / "issued" / "localhost.pem"], capture_output=True, text=True, check=False).returncode

    assert verify("-verify_hostname", "localhost") == 0
    assert verify("-verify_ip", "::1") == 0
    assert verify("-verify_hostname", "elsewhere") != 0


def test_renews_and_removes(ca):
    cert(ca, "issue", "a.test", "b.test")
    path = ca / "issued" / "a.test.pem"
    before = path.read_text()
    assert cert(ca, "renew", "a.test").returncode == 0
    assert path.read_text() != before
    assert "a.test, b.test" in cert(ca).stdout
    assert cert(ca, "remove", "a.test").returncode == 0
    assert not path.exists()
    assert cert(ca).stdout.startswith("There are no certificates yet: vif cert issue localhost 127.0.0.1\n")
    gone = cert(ca, "remove", "a.test")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr == f"vif: error: {path}: No such file or directory\n"


@pytest.mark.parametrize("arguments, told", [
    (["isue", "x"], 'expected list, issue, renew or remove, not "isue"'),
    (["issue"], "vif cert issue needs the names and addresses that it is for"),
    (["renew"], "vif cert renew needs names of the list"),
    (["remove"], "vif cert remove needs names of the list"),
    (["list", "x"], 'unexpected argument "x": vif cert list takes none'),
    (["--cb", "x"], "unknown option --cb; did you mean --ca? (see vif cert --help)"),
], ids=" ".join)
def test_mistakes_are_named(ca, arguments, told):
    result = cert(ca, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert told in result.stderr and result.stderr.count("error: ") == 1
    assert not ca.exists()


def test_only_issuing_makes_an_authority(ca):
    for arguments in ([], ["list"], ["renew", "a"], ["remove", "a"]):
        result = cert(ca, *arguments)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == f"vif: error: {ca}/ca.key: there is no authority yet; issuing a certificate makes one\n"
    assert not ca.parent.exists()


@pytest.mark.parametrize("host", ["a/b", "../../x", "a b", "", "a,DNS:b.org"])
def test_what_is_no_host_is_refused(ca, host):
    result = cert(ca, "issue", host)
    assert result.returncode == 1
    assert result.stderr == f'vif: error: "{host}" is neither a name (www.example.org, *.example.org) nor an IP address\n'
    assert os.listdir(ca / "issued") == []


@pytest.mark.parametrize("name", ["../ca", "..", ".x"])
def test_a_name_is_no_path(ca, name):
    cert(ca, "issue", "localhost")
    result = cert(ca, "remove", name)
    assert (result.returncode, result.stderr) == (1, f'vif: error: "{name}" is no name of a certificate\n')
    assert (ca / "ca.pem").exists()


def test_the_place_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert vif("cert", "issue", "localhost").returncode == 0
    assert (tmp_path / "xdg" / "vif" / "ca" / "issued" / "localhost.pem").exists()
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert vif("cert", "issue", "localhost").returncode == 0
    assert (tmp_path / "home" / ".local" / "share" / "vif" / "ca" / "ca.key").exists()
    monkeypatch.delenv("HOME")
    result = vif("cert")
    assert (result.returncode, result.stderr) == (
        1, "vif: no place for the authority: neither HOME nor XDG_DATA_HOME is set\n")


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    result = cert(tmp_path / "file", "issue", "localhost")
    assert result.returncode == 1
    assert "/file/issued: cannot be made: Not a directory" in result.stderr


# --- programs that were told to trust the authority ---

PAGE = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: 25\r\n\r\n<p id=a>it is trusted</p>"


@pytest.fixture
def site(ca):
    """A server with what was issued, and the address of its page."""
    assert cert(ca, "issue", "localhost", "127.0.0.1").returncode == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca / "issued" / "localhost.pem")
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(client, server_side=True) as client:
                    client.recv(65536)
                    client.sendall(PAGE)
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    yield f"localhost:{listening.getsockname()[1]}"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
def test_curl_accepts_it_once_it_is_trusted(ca, site):
    def curl(*options):
        return subprocess.run(["curl", "-s", "--max-time", "20", *options], capture_output=True, check=False)

    for address in (site, site.replace("localhost", "127.0.0.1")):
        assert curl("--cacert", ca / "ca.pem", f"https://{address}/").stdout.endswith(b"it is trusted</p>")
        assert curl(f"https://{address}/").returncode == 60  # CURLE_PEER_FAILED_VERIFICATION


def database(home, authority):
    """The list of trusted certificates that Chromium keeps for a user, with the authority or without."""
    folder = home / ".pki" / "nssdb"
    folder.mkdir(parents=True)
    subprocess.run(["certutil", "-d", f"sql:{folder}", "-N", "--empty-password"], check=True)
    if authority:
        subprocess.run(["certutil", "-d", f"sql:{folder}", "-A", "-t", "C,,", "-n", "vif", "-i", authority], check=True)


@pytest.mark.skipif(shutil.which("certutil") is None or shutil.which("chromium") is None,
                    reason="chromium or certutil (libnss3-tools) is not there")
@pytest.mark.parametrize("is_trusted", [True, False])
def test_chromium_accepts_it_once_it_is_trusted(ca, site, tmp_path, is_trusted):
    home = tmp_path / "home"
    database(home, ca / "ca.pem" if is_trusted else None)
    shown = subprocess.run(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile", "--dump-dom",
         f"https://{site}/"],
        env={**os.environ, "HOME": str(home)}, capture_output=True, text=True, timeout=90, check=False)
    assert ("it is trusted" in shown.stdout) == is_trusted, shown.stdout[:500] + shown.stderr[-500:]
