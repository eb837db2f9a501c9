"""Listeners with `admin: true`: metrics, status and health checks. Each figure is compared with what clients saw."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import vif
import wire
from proxies import origins  # noqa: F401

pytestmark = pytest.mark.any_backend

SAMPLE = re.compile(r'^([a-z_0-9]+)(?:\{([^}]*)\})? ([-+0-9.e]+|NaN|[+-]Inf)'
                    r'( # \{request_id="[^"]{1,39}"\} \d+\.\d{6} \d+\.\d{3})?$')
LABEL = re.compile(r'([a-z_]+)="([^"\\]*)"(?:,|$)')


def get(port, path, **options):
    with wire.Client(("127.0.0.1", port)) as client:
        return client.exchange("GET", path, **options)


@pytest.fixture
def admin(server, site_root):
    """A running server of two workers and its port for administration."""
    def start(workers=2, **config):
        port, own = vif.free_port(), vif.free_port()
        running = server(port=own, workers=workers, config={
            "listen": [f"127.0.0.1:{own}", {"address": f"127.0.0.1:{port}", "admin": True}],
            "sites": [{"routes": {"/": {"files": str(site_root)}, "/words": {"respond": "words"}}}], **config})
        return running, port
    return start


def parse(text, is_open=False):
    """A strict reader of both formats. Returns {family: type} and {(sample, labels): value}."""
    types, samples, family = {}, {}, None
    lines = text.split("\n")
    assert lines.pop() == ""
    if is_open:
        assert lines.pop() == "# EOF"
    for line in lines:
        if line.startswith("#"):
            kind, name, rest = line[2:].split(" ", 2)
            assert kind in ("HELP", "TYPE", "UNIT") and rest, line
            if kind == "HELP":
                assert name not in types, f"{name} twice"
                family = name
            assert name == family, line
            if kind == "TYPE":
                types[name] = rest
            continue
        match = SAMPLE.match(line)
        assert match, line
        name, labels, value, exemplar = match.groups()
        assert exemplar is None or (is_open and name.endswith("_bucket")), line
        assert name.startswith(family), line
        ending = name[len(family):]
        kind = types[family]
        assert ending in {"gauge": {""}, "counter": {"_total"} if is_open else {""},
                          "histogram": {"_bucket", "_sum", "_count"}}[kind], line
        key = (name, tuple(sorted(LABEL.findall(labels or ""))))
        assert key not in samples, line
        samples[key] = float(value)
    return types, samples


def metrics(port, **options):
    response = get(port, "/metrics", **options)
    assert response.status == 200
    return parse(response.body.decode(), "openmetrics" in response["Content-Type"])


def total(samples, name):
    return sum(value for (sample, _), value in samples.items() if sample == name)


def counted(port, count):
    """The samples when so many requests are counted: that follows the last byte of a response."""
    wire.wait_until(lambda: total(metrics(port)[1], "vif_requests_total") >= count, f"{count} requests to be counted")
    samples = metrics(port)[1]
    assert total(samples, "vif_requests_total") == count
    return samples


def by_class(samples, ending):
    return {dict(labels)["class"]: value for (name, labels), value in samples.items()
            if name == f"vif_request_duration_seconds_{ending}"}


def test_metrics_say_what_clients_saw(admin):
    running, port = admin()
    before = metrics(port)[1]
    assert total(before, "vif_requests_total") == 0
    statuses = []
    for target in ["/", "/words", "/none", "/words", "/none?x"] * 4:
        statuses.append(running.get(target).status)
    with running.connect() as client:
        client.send(b"nonsense\r\n\r\n")
        statuses.append(client.read_last().status)
    after = counted(port, len(statuses))
    for first in "2345":
        count = sum(str(status).startswith(first) for status in statuses)
        assert total(after, f"vif_responses_{first}xx_total") == count
        assert by_class(after, "count")[f"{first}xx"] in (count, count - 1)  # what is no request has no beginning
    assert total(after, "vif_connections_refused_total") == 0
    assert total(after, "vif_workers") == 2
    assert {dict(labels)["worker"] for (name, labels) in after if name == "vif_requests_total"} == {"0", "1"}


def test_a_histogram_is_cumulative(admin):
    running, port = admin()
    for _ in range(20):
        running.get("/words")
    samples = counted(port, 20)
    buckets = [(float(dict(labels)["le"]), value) for (name, labels), value in samples.items()
               if name == "vif_request_duration_seconds_bucket" and dict(labels)["class"] == "2xx"]
    buckets.sort()
    values = [value for _, value in buckets]
    assert buckets[-1][0] == float("inf") and values[-1] == 20 == by_class(samples, "count")["2xx"]
    assert values == sorted(values)
    assert 0 < by_class(samples, "sum")["2xx"] < 20 * wire.TIME_LIMIT


@pytest.mark.every_backend
def test_the_time_of_a_slow_response_is_measured(admin, tmp_path):
    """A download that its client takes slowly counts to its last byte."""
    (tmp_path / "large").write_bytes(bytes(8 << 20))
    running, port = admin(sites=[{"routes": {"/": {"files": str(tmp_path)}}}])
    with running.connect(receive_buffer=4096) as client:
        client.request("GET", "/large")
        client.read_head()
        wire.wait_until(lambda: total(metrics(port)[1], "vif_connections_open") > 0, "the download")
        assert by_class(metrics(port)[1], "count")["2xx"] == 0
        client.take(8 << 20)
        wire.wait_until(lambda: by_class(metrics(port)[1], "count")["2xx"] == 1, "the download to be counted")


ROUTES = [{"hosts": "a.example", "routes": {"/": {"respond": "a"}, "/teapot": {"respond": {"status": 418}}}},
          {"hosts": "b.example", "routes": {"/": {"respond": "b"}}}]


def by_route(samples, name):
    """{(site, route, class or bound): value}"""
    found = {}
    for (sample, labels), value in samples.items():
        labels = dict(labels)
        if sample == name:
            found[labels["site"], labels["route"], labels.get("class") or labels.get("le")] = value
    return found


def test_requests_are_counted_by_site_and_route(admin):
    """On both workers, and what has no route with the others."""
    running, port = admin(sites=ROUTES)
    asked = {("a.example", "/"): 7, ("a.example", "/teapot"): 5, ("b.example", "/"): 3}
    for (host, path), count in asked.items():
        for _ in range(count):
            running.get(path, {"Host": host})
    assert running.get("/", {"Host": "c.example"}).status == 421
    samples = counted(port, 16)
    responses = {key: value for key, value in by_route(samples, "vif_route_responses_total").items() if value}
    assert responses == {("a.example", "/", "2xx"): 7, ("a.example", "/teapot", "4xx"): 5, ("b.example", "/", "2xx"): 3,
                         ("other", "other", "4xx"): 1}
    counts = {key[:2]: value for key, value in by_route(samples, "vif_route_duration_seconds_count").items() if value}
    assert counts == {**asked, ("other", "other"): 1}
    buckets = by_route(samples, "vif_route_duration_seconds_bucket")
    for site, route in asked:
        values = [value for key, value in buckets.items() if key[:2] == (site, route)]
        assert values == sorted(values) and values[-1] == asked[site, route]


def test_the_number_of_routes_is_bounded(admin):
    sites = [{"routes": {f"/r{i}": {"respond": "x"} for i in range(100)}}]
    running, port = admin(workers=1, sites=sites)
    with running.connect() as client:
        for i in range(100):
            assert client.exchange("GET", f"/r{i}").status == 200
    responses = by_route(counted(port, 100), "vif_route_responses_total")
    assert len({key[:2] for key in responses}) == 64
    assert responses["other", "other", "2xx"] == 37 and sum(responses.values()) == 100


def test_routes_of_new_settings_get_the_places_of_those_that_are_gone(admin):
    running, port = admin(workers=1, sites=[{"routes": {f"/old{i}": {"respond": "x"} for i in range(63)}}])
    config = json.loads(running.config_path.read_text(encoding="utf-8"))
    for generation in ("new", "newer"):
        config["sites"] = [{"routes": {f"/{generation}{i}": {"respond": "x"} for i in range(63)}}]
        running.config_path.write_text(json.dumps(config), encoding="utf-8")
        assert vif.run("reload", "-c", running.config_path).returncode == 0
    assert running.get("/newer62").status == 200
    responses = by_route(counted(port, 1), "vif_route_responses_total")
    assert sum(responses.values()) == 1 and responses["*", "/newer62", "2xx"] == 1
    assert not [key for key in responses if key[1].startswith("/old")]


def test_exemplars_name_requests_that_are_in_the_log(admin, tmp_path):
    log = tmp_path / "access.log"
    running, port = admin(sites=ROUTES, request_id=True, log={"access": {"path": str(log), "format": "json"}})
    for _ in range(5):
        running.get("/", {"Host": "a.example"})
    counted(port, 5)
    text = get(port, "/metrics", fields={"Accept": "application/openmetrics-text"}).body.decode()
    parse(text, is_open=True)
    named = set(re.findall(r'# \{request_id="([^"]+)"\}', text))
    assert named
    wire.wait_until(lambda: log.read_text().count("\n") == 5, "the log")
    assert named <= {json.loads(line)["request_id"] for line in log.read_text().splitlines()}
    assert "request_id" not in get(port, "/metrics").body.decode()


def test_the_slowest_requests_with_their_phases(admin, origins):  # noqa: F811
    def answer_late(peer):
        peer.read_request()
        time.sleep(0.15)
        peer.answer(b"late")

    running, port = admin(sites=[{"routes": {"/": {"respond": "x"}, "/slow": {"proxy": origins(answer_late).url}}}])
    for i in range(30):
        running.get(f"/quick?{i}")
    assert running.get('/slow?"it').status == 200
    counted(port, 31)
    slowest = json.loads(get(port, "/status").body)["slowest"]
    assert len(slowest) == 10
    assert [slow["duration_us"] for slow in slowest] == sorted((slow["duration_us"] for slow in slowest), reverse=True)
    first = slowest[0]
    assert first["target"] == '/slow?"it' and first["method"] == "GET" and first["status"] == 200
    assert first["duration_us"] >= 150000 and first["upstream_us"] >= 150000
    phases = sum(first[f"{phase}_us"] for phase in ("queue", "handler", "upstream", "send"))
    assert phases == first["duration_us"]


def test_a_crashed_worker_leaves_its_figures(admin, tmp_path):
    running, port = admin(workers=1, sites=ROUTES, log={"error": str(tmp_path / "error.log")})
    for _ in range(3):
        running.get("/", {"Host": "a.example"})
    counted(port, 3)
    before = vif.workers_of(running.process)
    os.kill(before[0], signal.SIGKILL)
    wire.wait_until(lambda: vif.workers_of(running.process) not in ([], before), "another worker")
    assert running.get("/", {"Host": "a.example"}).status == 200
    assert by_route(counted(port, 4), "vif_route_responses_total")["a.example", "/", "2xx"] == 4


@pytest.mark.parametrize("path", ["/", "/metrics", "/status", "/events", "/healthz", "/readyz"])
def test_options_says_what_there_is(admin, path):
    _, port = admin()
    with wire.Client(("127.0.0.1", port)) as client:
        for _ in range(2):  # on one connection: nothing follows it
            response = client.exchange("OPTIONS", path)
            assert (response.status, response["Allow"], response.body) == (204, "GET, HEAD, OPTIONS", b"")
        assert client.exchange("OPTIONS", "/none").status == 404
        assert client.exchange("DELETE", path).status == 405


def test_open_metrics_for_who_asks(admin):
    running, port = admin()
    running.get("/words")
    counted(port, 1)
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"
    response = get(port, "/metrics", fields={"Accept": accept})
    assert response["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    types, samples = parse(response.body.decode(), is_open=True)
    assert types["vif_requests"] == "counter"
    assert total(samples, "vif_requests_total") == 1
    plain, _ = metrics(port)
    assert plain["vif_requests_total"] == "counter"


# Only where there are some: test_dashboard.py has them.
WITH_CERTIFICATES = {"vif_certificate_expiry_timestamp_seconds"}


def test_the_page_about_metrics_names_each(admin):
    _, port = admin()
    page = (vif.REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert set(metrics(port)[0]) | WITH_CERTIFICATES == set(re.findall(r"`(vif_[a-z0-9_]+)`", page))


SHARED = [vif.REPOSITORY / "share" / name for name in ("prometheus-alerts.yaml", "grafana-dashboard.json")]


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_what_is_shipped_asks_for_metrics_that_exist(admin, path):
    _, port = admin()
    asked = set(re.findall(r"\bvif_[a-z0-9_]+", path.read_text(encoding="utf-8")))
    assert asked and asked <= {name for name, _ in metrics(port)[1]} | WITH_CERTIFICATES


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_takes_the_alerts():
    checked = subprocess.run(["promtool", "check", "rules", SHARED[0]], capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0 and "9 rules found" in checked.stdout, checked


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_finds_nothing(admin):
    running, port = admin()
    running.get("/words")
    text = get(port, "/metrics").body
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=30, check=False)
    assert checked.returncode == 0 and not checked.stdout and not checked.stderr, checked


def test_status_is_json(admin):
    running, port = admin()
    for _ in range(3):
        running.get("/words")
    counted(port, 3)
    response = get(port, "/status")
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    status = json.loads(response.body)
    assert status["ready"] is True and status["uptime_seconds"] >= 0
    assert status["total"]["requests"] == 3 == sum(worker["requests"] for worker in status["workers"])
    assert len(status["workers"]) == 2


def test_every_worker_knows_of_new_ones(admin):
    """Whichever of them answers, also those that were there before."""
    running, port = admin(workers=1)
    config = json.loads(running.config_path.read_text(encoding="utf-8"))
    running.config_path.write_text(json.dumps({**config, "workers": 3}), encoding="utf-8")
    running.process.send_signal(signal.SIGHUP)
    wire.wait_until(lambda: "is in force" in running.stderr(), "the reload")
    assert all(total(metrics(port)[1], "vif_workers") == 3 for _ in range(30))


@pytest.mark.every_backend
def test_health_and_readiness(admin, tmp_path):
    """While a download keeps the server from ending, it is alive and not ready."""
    (tmp_path / "large").write_bytes(bytes(8 << 20))
    running, port = admin(workers=1, sites=[{"routes": {"/": {"files": str(tmp_path)}}}])
    assert get(port, "/healthz").status == 200
    assert get(port, "/readyz").status == 200
    with running.connect(receive_buffer=4096) as client, wire.Client(("127.0.0.1", port)) as operator:
        client.request("GET", "/large")
        client.read_head()
        # A request under way outlives the beginning of the end; its connection may ask no more.
        operator.send(b"GET /readyz HTTP/1.1\r\nHost: x\r\n")
        wire.wait_until(lambda: json.loads(get(port, "/status").body)["total"]["connections_open"] >= 3, "all three")
        running.process.send_signal(signal.SIGTERM)
        wire.wait_until(lambda: refuses(port), "the port to close")
        operator.send(b"\r\n")
        response = operator.read_last()
        assert response.status == 503 and response.body == b"shutting down\n"
        client.take(8 << 20)
    assert running.process.wait(vif.STOP_SECONDS) == 0


def test_connections_to_servers_are_counted_while_they_are_open(server, origins):
    port, own = vif.free_port(), vif.free_port()
    running = server(port=own, config={
        "listen": [f"127.0.0.1:{own}", {"address": f"127.0.0.1:{port}", "admin": True}],
        "sites": [{"routes": {"/": {"proxy": {"to": origins().url, "idle_timeout": "500ms"}}}}]})

    def counts():
        total_ = json.loads(get(port, "/status").body)["total"]
        return total_["upstream_connections"], total_["upstream_connections_open"]

    assert counts() == (0, 0)
    for _ in range(2):
        assert running.get("/").status == 200
        wire.wait_until(lambda: counts()[1] == 0, "the idle connection to be closed")
    assert counts() == (2, 0)


def refuses(port):
    with socket.socket() as probe:
        probe.settimeout(wire.TIME_LIMIT)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_what_is_there_and_how(admin):
    running, port = admin(log={"access": "-"})
    assert b"/metrics" in get(port, "/").body
    assert get(port, "/words").status == 404  # a route of the sites
    assert running.get("/metrics").status == 404
    with wire.Client(("127.0.0.1", port)) as client:
        assert client.exchange("POST", "/metrics").status == 405
    with wire.Client(("127.0.0.1", port)) as client:
        assert client.exchange("HEAD", "/metrics").body == b""
    running.get("/words")
    running.stop()  # then the log is whole
    assert "/words" in running.stdout() and running.stdout().count("/metrics") == 1


@pytest.mark.parametrize("address", ["0.0.0.0:{port}", ":{port}", "[::]:{port}"])
def test_strangers_are_kept_out(tmp_path, site_root, address):
    path = tmp_path / "vif.yaml"
    listen = [{"address": address.format(port=vif.free_port()), "admin": True}]
    path.write_text(json.dumps({"listen": listen, "sites": [{"routes": {"/": {"files": str(site_root)}}}]}))
    checked = vif.run("check", "-c", path)
    assert checked.returncode == 2 and "listen.admin: strangers could reach" in checked.stderr


def test_by_unix_socket(server, site_root, tmp_path):
    path = tmp_path / "admin.sock"
    own = vif.free_port()
    server(port=own, config={"listen": [f"127.0.0.1:{own}", {"address": f"unix:{path}", "admin": True}],
                             "sites": [{"routes": {"/": {"files": str(site_root)}}}]})
    with wire.Client(str(path), family=socket.AF_UNIX) as client:
        assert client.exchange("GET", "/readyz").status == 200
