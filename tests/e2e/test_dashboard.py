"""The page of a listener with `admin: true`, in a headless Chromium."""
import json
import re
import time

import pytest

import browser
import pki
import vif
import wire

pytestmark = [
    pytest.mark.skipif(not browser.is_there(), reason="no chromium"),
    pytest.mark.any_backend,
]


@pytest.fixture(name="site")
def fixture_site(server, site_root):
    """A server, its port for administration, and how to start another one in its place."""
    own, port = vif.free_port(), vif.free_port()

    def start():
        return server(port=own, workers=2, config={
            "listen": [f"127.0.0.1:{own}", {"address": f"127.0.0.1:{port}", "admin": True}],
            "sites": [{"routes": {"/": {"files": str(site_root)}}}]})
    return start, port


@pytest.fixture(name="page")
def fixture_page(tmp_path):
    made = browser.Browser(tmp_path)
    yield made
    made.close()


def text(page, name):
    return page.evaluate(f"document.getElementById('{name}').textContent")


def test_shows_what_happens(site, page):
    start, port = site
    running = start()
    page.open(f"http://127.0.0.1:{port}/")
    page.wait_for("document.getElementById('state')?.dataset.state === 'live'")
    page.wait_for("samples.length >= 1")
    for _ in range(30):
        running.get("/")
        running.get("/none")
    page.wait_for("samples.some(sample => sample['2xx'] > 0 && sample['4xx'] > 0)")
    page.wait_for("last.now.total.requests === 60")
    assert page.evaluate("last.now.total.responses_4xx") == 30
    assert page.evaluate("document.querySelectorAll('#workers tr').length") == 2
    assert page.evaluate("samples.some(sample => sample.p99 > 0 && sample.p99 >= sample.p50)")
    assert re.fullmatch(r"[0-9.]+", text(page, "rate"))
    page.evaluate("document.querySelector('summary').click()")
    page.wait_for("document.querySelectorAll('#counters tr').length > 20")
    assert not page.complaints


def test_shows_reloads_and_their_changes(site, page):
    start, port = site
    running = start()
    page.open(f"http://127.0.0.1:{port}/")
    page.wait_for("document.getElementById('state')?.dataset.state === 'live'")
    assert page.evaluate("document.getElementById('changes').hidden")
    settings = json.loads(running.config_path.read_text(encoding="utf-8"))
    settings["sites"][0]["routes"]["/new"] = {"respond": "new"}
    running.config_path.write_text(json.dumps(settings), encoding="utf-8")
    assert vif.run("reload", "-c", running.config_path).returncode == 0
    page.wait_for("document.querySelectorAll('#reloads tr').length === 1")
    assert "in force" in text(page, "reloads") and "+ sites[0].routes./new" in text(page, "reloads").replace("[*]", "[0]")
    running.config_path.write_text('{"secret": 1}', encoding="utf-8")
    assert vif.run("reload", "-c", running.config_path).returncode == 1
    page.wait_for("document.querySelectorAll('#reloads tr').length === 2")
    first = page.evaluate("document.querySelector('#reloads tr').textContent")
    assert "refused" in first and 'unknown option "secret"' in first and '{"secret": 1}' not in first
    assert not page.complaints


def test_shows_when_certificates_expire(server, page, tmp_path):
    own, port = vif.free_port(), vif.free_port()
    certificate, key = pki.Authority(tmp_path / "pki").issue("a", hosts=["a.example.com"], days=10)
    files = {"certificate": str(certificate), "key": str(key)}
    running = server(port=own, config={
        "listen": [{"address": f"127.0.0.1:{own}", "tls": True}, {"address": f"127.0.0.1:{port}", "admin": True}],
        "sites": [{"hosts": ["a.example.com"], "tls": files, "routes": {"/": {"respond": "a"}}}]})
    page.open(f"http://127.0.0.1:{port}/")
    page.wait_for("document.querySelectorAll('#certificates tr').length === 1")
    assert files["certificate"] in text(page, "certificates")
    assert page.evaluate("document.querySelector('#certificates td.bad').textContent") in ("9", "10")
    with wire.Client(("127.0.0.1", port)) as client:
        metrics = client.exchange("GET", "/metrics").body.decode()
    expiry = re.findall(rf'^vif_certificate_expiry_timestamp_seconds{{file="{certificate}"}} (\d+)$', metrics, re.MULTILINE)
    assert [9 <= (int(one) - time.time()) / 86400 <= 10 for one in expiry] == [True]
    running.stop()


def test_comes_back_when_the_server_does(site, page):
    start, port = site
    first = start()
    page.open(f"http://127.0.0.1:{port}/")
    page.wait_for("document.getElementById('state')?.dataset.state === 'live'")
    first.stop()  # does not wait for the stream of events: it ends with the server
    page.wait_for("document.getElementById('state')?.dataset.state === 'lost'")
    start()
    page.wait_for("document.getElementById('state')?.dataset.state === 'live'")
    page.wait_for("samples.every(sample => sample.rate >= 0)")


@pytest.mark.skipif("libxcrypt" not in vif.run("version").stdout, reason="built without libcrypt")
def test_with_a_password(server, site_root, page, tmp_path):
    """A browser sends it with the stream of events too, and again after the server was away."""
    own, port, passwords = vif.free_port(), vif.free_port(), tmp_path / "passwords"
    passwords.write_text(vif.run("password", "anna", input="right\n").stdout)

    def start():
        admin = {"address": f"127.0.0.1:{port}", "admin": {"password_file": str(passwords)}}
        return server(port=own, workers=2, config={
            "listen": [f"127.0.0.1:{own}", admin], "sites": [{"routes": {"/": {"files": str(site_root)}}}]})

    def is_live():
        page.wait_for("document.getElementById('state')?.dataset.state === 'live'")

    first = start()
    page.open(f"http://anna:right@127.0.0.1:{port}/status")  # here the browser is asked, and remembers
    page.wait_for("document.body?.textContent.includes('uptime_seconds')")
    page.open(f"http://127.0.0.1:{port}/")
    is_live()
    first.stop()
    page.wait_for("document.getElementById('state')?.dataset.state === 'lost'")
    start()
    is_live()


def test_fits_a_phone_and_the_dark(site, page):
    start, port = site
    start()
    page.open(f"http://127.0.0.1:{port}/")
    page.wait_for("document.getElementById('state')?.dataset.state === 'live'")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.prefer("dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.resize(360, 800)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_by_keyboard(site, page):
    """Tab reaches each table that can be scrolled, and Enter opens the counters."""
    start, port = site
    start()
    page.open(f"http://127.0.0.1:{port}/")
    page.wait_for("document.getElementById('state')?.dataset.state === 'live'")
    reached = set()
    for _ in range(20):
        page.press("Tab")
        reached.add(page.evaluate("document.activeElement.ariaLabel || document.activeElement.tagName"))
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    assert {"Workers", "SUMMARY"} <= reached
    assert not page.evaluate("document.querySelector('details').open")
    page.press("Enter")
    page.wait_for("document.querySelector('details').open && document.querySelectorAll('#counters tr').length > 20")
    assert not page.complaints


def test_events_end_with_the_server(site):
    start, port = site
    running = start()
    with wire.Client(("127.0.0.1", port)) as client:
        client.request("GET", "/events")
        assert client.read_head()["Content-Type"] == "text/event-stream"
        client.take_line()  # the length of a chunk
        assert client.take(7) == b"data: {"
        running.process.terminate()
        assert running.process.wait(vif.STOP_SECONDS / 2) == 0


def test_events_come_once_a_second(site):
    start, port = site
    start()
    with wire.Client(("127.0.0.1", port)) as client:
        client.request("GET", "/events")
        client.read_head()
        began = time.monotonic()
        for _ in range(3):
            event = client.take(int(client.take_line(), 16) + 2)
            assert event.startswith(b"data: {") and event.endswith(b"}\n\n\r\n")
        assert time.monotonic() - began > 1.5


def test_a_client_that_leaves_is_forgotten(site):
    """Its timer goes with it: a sanitizer would see what came after."""
    start, port = site
    running = start()
    for _ in range(20):
        client = wire.Client(("127.0.0.1", port))
        client.request("GET", "/events")
        client.read_head()
        client.reset()

    def open_now():
        with wire.Client(("127.0.0.1", port)) as client:
            return b'"connections_open": 1,' in client.exchange("GET", "/status").body
    wire.wait_until(open_now, "all of them to be gone")
    running.check_alive()
