"""`admin: {password_file: FILE}`: who may see a listener for administration."""
import base64
import json
import re
import shutil
import socket
import subprocess
import time

import pytest

import pki
import vif
import wire

pytestmark = [
    pytest.mark.skipif("libxcrypt" not in vif.run("version").stdout, reason="built without libcrypt"),
    pytest.mark.any_backend,
]

PAGES = ["/", "/metrics", "/status", "/events", "/favicon.ico", "/none"]


def line(name, password):
    made = vif.run("password", name, input=password + "\n")
    assert made.returncode == 0, made
    return made.stdout


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


class Guarded:
    """A server with one worker, whose administration two users may see."""

    def __init__(self, server, folder, lines, **config):
        self.own, self.port = vif.free_port(), vif.free_port()
        self.passwords = folder / "passwords"
        self.write(lines)
        self.running = server(port=self.own, config={
            "listen": [f"127.0.0.1:{self.own}", {"address": f"127.0.0.1:{self.port}",
                                                 "admin": {"password_file": str(self.passwords)}}],
            "sites": [{"routes": {"/": {"respond": "words"}}}], **config})

    def write(self, lines):
        self.passwords.write_text("".join(lines), encoding="utf-8")
        self.passwords.chmod(0o600)

    def connect(self, source=None):
        return wire.Client(("127.0.0.1", self.port), source=source)

    def get(self, path, fields=None):
        with self.connect() as client:
            return client.exchange("GET", path, fields=fields)

    def status(self, *credentials):
        return self.get("/status", basic(*credentials)).status

    def wait_for(self, words):
        wire.wait_until(lambda: words in self.running.stderr(), words)

    def count(self, *credentials):
        text = self.get("/metrics", basic(*credentials)).body.decode()
        return int(re.search(r'^vif_admin_passwords_wrong_total\{worker="0"\} (\d+)$', text, re.MULTILINE).group(1))


@pytest.fixture(name="guarded")
def fixture_guarded(server, tmp_path):
    return Guarded(server, tmp_path, [line("anna", "right"), "# a comment\n", "\n", line("bert b.", "also: right ü")])


@pytest.mark.parametrize("path", PAGES)
def test_a_password_is_asked_for(guarded, path):
    response = guarded.get(path)
    assert response.status == 401
    assert response["WWW-Authenticate"] == 'Basic realm="vif", charset="UTF-8"'
    assert response["Cache-Control"] == "no-store"
    with guarded.connect() as client:
        assert client.exchange("OPTIONS", path).status == 401


def test_health_is_open(guarded):
    assert guarded.get("/healthz").status == 200
    assert guarded.get("/readyz").status == 200


def test_who_knows_it_gets_in(guarded):
    assert guarded.status("anna", "right") == 200
    assert guarded.status("bert b.", "also: right ü") == 200
    with guarded.connect() as client:  # on one connection: nothing follows an answer that came late
        for path, status in zip(PAGES, (200, 200, 200, None, 204, 404), strict=True):
            if status:
                assert client.exchange("GET", path, fields=basic("anna", "right")).status == status
    with guarded.connect() as client:
        client.request("GET", "/events", fields=basic("anna", "right"))
        assert client.read_head().status == 200
        assert b'"ready": true' in client.take(200)


@pytest.mark.parametrize("fields", [
    basic("anna", "wrong"), basic("anna", ""), basic("anna", "right "), basic("Anna", "right"), basic("", "right"),
    basic("bert b.", "right"), basic("# a comment", ""), {"Authorization": "Basic"}, {"Authorization": "Basic YW5uYQ=="},
    {"Authorization": "Bearer " + basic("anna", "right")["Authorization"][6:]},
    {"Authorization": basic("anna", "right")["Authorization"] + "="}, {"Authorization": "Basic " + "A" * 4000},
    basic("anna", "x" * 600), basic("anna", "right\0"), {"Proxy-Authorization": basic("anna", "right")["Authorization"]},
])
def test_who_does_not_is_refused(guarded, fields):
    response = guarded.get("/status", fields)
    assert response.status == 401 and response["WWW-Authenticate"].startswith("Basic ")
    assert guarded.status("anna", "right") == 200


def test_two_headers_are_none(guarded):
    right = basic("anna", "right")["Authorization"]
    with guarded.connect() as client:
        client.send(f"GET /status HTTP/1.1\r\nHost: x\r\nAuthorization: {right}\r\nAuthorization: {right}\r\n\r\n".encode())
        assert client.read_response().status == 401


def test_wrong_ones_are_counted_and_logged(guarded):
    assert guarded.get("/status").status == 401  # a browser asks so at first
    assert guarded.count("anna", "right") == 0
    assert guarded.status("anna", "wr0ng") == 401
    assert guarded.status("secret-in-the-wrong-field", "anna") == 401
    assert guarded.count("anna", "right") == 2
    guarded.wait_for('administration: 127.0.0.1 named a wrong password for "anna": attempt 1 of 10 in a minute')
    guarded.wait_for("administration: 127.0.0.1 named a name that does not exist: attempt 2 of 10 in a minute")
    words = guarded.running.stderr()
    assert "wr0ng" not in words and "secret-in" not in words


def test_attempts_are_limited(guarded):
    assert guarded.status("anna", "right") == 200
    for i in range(10):
        assert guarded.status("anna", f"guess {i}") == 401
    limited = guarded.get("/status", basic("anna", "guess 10"))
    assert limited.status == 429 and 1 <= int(limited["Retry-After"]) <= 60
    assert limited["Cache-Control"] == "no-store"
    assert guarded.status("bert b.", "also: right ü") == 429  # right, but nobody looks any more
    assert guarded.status("anna", "right") == 200  # known to be right
    assert guarded.get("/healthz").status == 200
    assert guarded.count("anna", "right") == 10
    guarded.wait_for("attempt 10 of 10 in a minute; further ones get 429")


def test_many_at_once_are_as_many_attempts(guarded):
    clients = [guarded.connect() for _ in range(30)]
    for i, client in enumerate(clients):
        client.request("GET", "/status", fields=basic("anna", f"guess {i}"))
    statuses = [client.read_response().status for client in clients]
    for client in clients:
        client.close()
    assert sorted(statuses) == [401] * 10 + [429] * 20


# Cost 14 of bcrypt: a check takes about a second; with cost 4, a millisecond.
SLOW = "anna:$2b$14$abcdefghijklmnopqrstuuxWs4xCpFj3sUTpAlpbCvg2T1uUy3gDy\n"
QUICK = SLOW.replace("$14$", "$04$").replace("anna", "cora")


def test_many_addresses_have_not_as_many_attempts_more(server, tmp_path):
    guarded = Guarded(server, tmp_path, [QUICK, line("anna", "right")])

    def guess(source):
        with guarded.connect(source) as client:
            return client.exchange("GET", "/status", fields=basic("cora", "guess")).status

    assert guarded.status("anna", "right") == 200
    assert [guess("127.0.1.1") for _ in range(11)] == [401] * 10 + [429]
    assert [guess(f"127.0.2.{i}") for i in range(1, 101)] == [401] * 90 + [429] * 10
    assert guess("127.0.1.1") == 429
    assert guarded.status("anna", "right") == 200  # known to be right
    guarded.wait_for("further ones of any client get 429")


def test_a_check_holds_nobody_up(server, tmp_path):
    guarded = Guarded(server, tmp_path, [SLOW])
    with guarded.connect() as client, wire.Client(("127.0.0.1", guarded.own)) as visitor:
        client.request("GET", "/status", fields=basic("anna", "wrong"))
        wire.wait_until(client.has_been_read, "the request to be read")
        began = time.monotonic()
        for _ in range(20):
            assert visitor.exchange("GET", "/").status == 200
        visited = time.monotonic() - began
        assert client.read_response().status == 401
        assert visited < time.monotonic() - began  # all of them before the one answer


def test_a_client_that_leaves_during_its_check(server, tmp_path):
    guarded = Guarded(server, tmp_path, [SLOW])
    for i in range(3):
        with guarded.connect() as client:
            client.request("GET", "/status", fields=basic("anna", f"guess {i}"))
            wire.wait_until(client.has_been_read, "the request to be read")
            client.reset()
    assert guarded.get("/healthz").status == 200
    assert guarded.status("anna", "wrong") == 401


def test_a_reload_reads_the_file_again(guarded):
    assert guarded.status("anna", "right") == 200
    guarded.write([line("anna", "new")])
    assert guarded.status("anna", "right") == 200
    reloaded = vif.run("reload", "-c", guarded.running.config_path)
    assert reloaded.returncode == 0, reloaded
    assert guarded.status("anna", "right") == 401
    assert guarded.status("bert b.", "also: right ü") == 401
    assert guarded.status("anna", "new") == 200
    guarded.write(["nonsense\n"])
    refused = vif.run("reload", "-c", guarded.running.config_path)
    assert refused.returncode != 0 and f"{guarded.passwords}:1:1: error: " in refused.stdout + refused.stderr
    assert guarded.status("anna", "new") == 200


def test_clients_of_a_proxy_are_told_apart_if_it_is_trusted(server, tmp_path):
    guarded = Guarded(server, tmp_path, [QUICK], trusted_proxies=["127.0.0.1"])

    def guess(client):
        return guarded.get("/status", {**basic("cora", "guess"), "X-Forwarded-For": client}).status

    assert [guess("192.0.2.1") for _ in range(11)] == [401] * 10 + [429]
    assert guess("192.0.2.2") == 401


def test_a_name_that_was_removed_is_nobody(server, tmp_path):
    """Though the first user has the same line but for the name, and the password was right a moment ago."""
    anna = line("anna", "right")
    guarded = Guarded(server, tmp_path, [anna, anna.replace("anna", "bert")])
    assert guarded.status("bert", "right") == 200
    guarded.write([anna])
    reloaded = vif.run("reload", "-c", guarded.running.config_path)
    assert reloaded.returncode == 0, reloaded
    assert guarded.status("bert", "right") == 401
    assert guarded.status("anna", "right") == 200


@pytest.mark.skipif(not shutil.which("htpasswd"), reason="htpasswd is not installed")
@pytest.mark.parametrize("options", ["-B", "-5", "-2"])
def test_lines_of_htpasswd(server, tmp_path, options):
    made = subprocess.run(["htpasswd", "-nb", options, "anna", "right"], capture_output=True, text=True, check=True)
    guarded = Guarded(server, tmp_path, [made.stdout])
    assert guarded.status("anna", "right") == 200
    assert guarded.status("anna", "wrong") == 401


def test_over_tls(server, tmp_path):
    """The same, where the address could be that of another machine."""
    own, port = vif.free_port(), vif.free_port()
    authority = pki.Authority(tmp_path / "pki")
    certificate, key = authority.issue("a", hosts=["a.example.com"])
    passwords = tmp_path / "passwords"
    passwords.write_text(line("anna", "right"))
    server(port=own, config={
        "listen": [f"127.0.0.1:{own}", {"address": f"127.0.0.1:{port}", "admin": {"password_file": str(passwords)},
                                        "tls": {"certificate": str(certificate), "key": str(key)}}],
        "sites": [{"routes": {"/": {"respond": "words"}}}]})
    asked = ["curl", "-sS", "--cacert", authority.certificate, "--resolve", f"a.example.com:{port}:127.0.0.1",
             "-o", "/dev/null", "-w", "%{http_code} ", f"https://a.example.com:{port}/metrics"]
    statuses = [subprocess.run([*asked, "-u", f"anna:{password}"], capture_output=True, text=True, timeout=30,
                               check=True).stdout for password in ("wrong", "right", "right")]
    assert statuses == ["401 ", "200 ", "200 "]


# ---- with others ----

PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: right
    basic_auth: {{username: anna, password: right}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: wrong
    scrape_interval: 10m
    basic_auth: {{username: anna, password: wrong}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not installed")
def test_prometheus_scrapes(guarded, tmp_path):
    port = vif.free_port()
    config = tmp_path / "prometheus.yaml"
    config.write_text(PROMETHEUS.format(port=guarded.port))
    with open(tmp_path / "prometheus.log", "wb") as log:
        prometheus = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)

    def scrapes():
        try:
            with wire.Client(("127.0.0.1", port)) as client:
                found = client.exchange("GET", "/api/v1/query?query=vif_build_info")
        except OSError:
            return False
        return found.status == 200 and [one["metric"]["job"] for one in json.loads(found.body)["data"]["result"]] == ["right"]

    try:
        wire.wait_until(scrapes, "prometheus to have scraped", seconds=60)
    finally:
        prometheus.kill()
        prometheus.wait()


# ---- what vif check says ----

def check(folder, admin, address="127.0.0.1:9180", **listener):
    path = folder / "vif.yaml"
    listen = json.dumps({"address": address, "admin": admin, **listener})
    path.write_text(f'listen:\n  - {listen}\nsites: [{{routes: {{/: {{respond: words}}}}}}]\n')
    return vif.run("check", "-c", path, cwd=folder)


@pytest.mark.parametrize("text, told", [
    ("anna\n", "passwords:1:1: error: password_file: expected NAME:HASH; make a line with: vif password NAME"),
    ("\n# x\nanna:secret\n", "passwords:3:6: error: password_file: it is no hash of yescrypt"),
    ("anna:$apr1$abcdefgh$0123456789abcdef012345\n", "passwords:1:6: error: password_file: it is an MD5 hash"),
    ("anna:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n", "passwords:1:6: error: password_file: it is a hash without salt"),
    (":$6$salt$x\n", "passwords:1:1: error: password_file: a name cannot be empty"),
    ("anna:$6$salt$x\n", "passwords:1:6: error: password_file: it is not a whole hash"),
    (SLOW + "bert:x\n" + SLOW, "passwords:3:1: error: password_file: the name is there twice, first in line 1"),
    (SLOW.replace("$14$", "$16$"), "passwords:1:6: error: password_file: it is too costly"),
    ("", 'has no line NAME:HASH; make a line with: vif password NAME'),
    ("# nobody\n\n", 'has no line NAME:HASH'),
    ("x" * 70000, "cannot be read: File too large"),
], ids=lambda value: value[:30])
def test_mistakes_have_a_place(tmp_path, text, told):
    passwords = tmp_path / "passwords"
    passwords.write_text(text)
    passwords.chmod(0o600)
    checked = check(tmp_path, {"password_file": "passwords"})
    assert checked.returncode == 2 and told in checked.stderr, checked.stderr
    for secret in ("secret", "abcdefgh", "2jmj7"):
        assert secret not in checked.stderr, checked.stderr


def test_a_file_that_is_not_there(tmp_path):
    checked = check(tmp_path, {"password_file": "nowhere"})
    assert checked.returncode == 2 and 'vif.yaml:2:' in checked.stderr and '"nowhere": No such file' in checked.stderr
    assert "strangers" not in checked.stderr


def test_a_file_that_others_may_read_is_a_warning(tmp_path):
    passwords = tmp_path / "passwords"
    passwords.write_text(line("anna", "right"))
    passwords.chmod(0o644)
    checked = check(tmp_path, {"password_file": "passwords"})
    assert checked.returncode == 0 and "every user of this machine may read the hashes" in checked.stderr, checked.stderr
    passwords.chmod(0o640)
    assert "warning" not in check(tmp_path, {"password_file": "passwords"}).stderr


@pytest.mark.parametrize("address", ["0.0.0.0:9180", ":9180", "[::]:9180", "192.0.2.1:9180"])
def test_no_password_in_the_clear(tmp_path, address):
    (tmp_path / "passwords").write_text(line("anna", "right"))
    (tmp_path / "passwords").chmod(0o600)
    certificate, key = pki.Authority(tmp_path / "pki").issue("a", hosts=["a.example.com"])
    admin, tls = {"password_file": "passwords"}, {"certificate": str(certificate), "key": str(key)}
    checked = check(tmp_path, admin, address)
    assert checked.returncode == 2
    assert f'without TLS everybody between a client and "{address}" could read the password' in checked.stderr
    assert check(tmp_path, admin, address, tls=tls).returncode == 0
    refused = check(tmp_path, True, address, tls=tls)
    assert refused.returncode == 2 and f'strangers could reach "{address}"' in refused.stderr
    assert check(tmp_path, {"password_file": False}, address, tls=tls).returncode == 2


def test_by_unix_socket(server, tmp_path):
    own, path, passwords = vif.free_port(), tmp_path / "admin.sock", tmp_path / "passwords"
    passwords.write_text(line("anna", "right"))
    server(port=own, config={
        "listen": [f"127.0.0.1:{own}", {"address": f"unix:{path}", "admin": {"password_file": str(passwords)}}],
        "sites": [{"routes": {"/": {"respond": "words"}}}]})
    with wire.Client(str(path), family=socket.AF_UNIX) as client:
        assert client.exchange("GET", "/status").status == 401
        assert client.exchange("GET", "/status", fields=basic("anna", "right")).status == 200
