"""The access log: one line a request in each format, whatever the client sends; and silence where it is
asked for."""
import datetime
import json
import re
import signal
import time

import pytest

import tree
import vif
import wire
from proxies import origins  # noqa: F401

pytestmark = pytest.mark.any_backend

TIME = r"\[\d\d/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]"
QUOTED = r'"((?:[^"\\\x00-\x1f\x7f-\uffff]|\\.)*)"'
COMMON = re.compile(rf"(\S+) - - {TIME} {QUOTED} (\d{{3}}) (\d+|-)")
COMBINED = re.compile(COMMON.pattern + rf" {QUOTED} {QUOTED}")


def lines_of(running, path):
    """The log is whole once the server has ended."""
    running.stop()
    text = path.read_bytes()
    assert text == b"" or text.endswith(b"\n")
    return text.decode("ascii").splitlines()


@pytest.fixture
def logged(server, site_root, tmp_path):
    """logged(format): a server and the path of its log."""

    def start(format):
        path = tmp_path / "access.log"
        return server(site_root, "--log-file", path, "--log-format", format), path

    return start


def test_common(logged):
    running, path = logged("common")
    running.get("/hello.txt?query", {"User-Agent": "agent"})
    (line,) = lines_of(running, path)
    match = COMMON.fullmatch(line)
    assert match, line
    assert match.group(1, 3, 4, 5) == ("127.0.0.1", "GET /hello.txt?query HTTP/1.1", "200",
                                       str(len(tree.HELLO)))


def test_combined(logged):
    running, path = logged("combined")
    running.get("/hello.txt", {"User-Agent": "agent/1.0 (x; y)", "Referer": "http://localhost/?a=b"})
    running.get("/hello.txt")
    first, second = lines_of(running, path)
    assert COMBINED.fullmatch(first).group(6, 7) == ("http://localhost/?a=b", "agent/1.0 (x; y)")
    assert COMBINED.fullmatch(second).group(6, 7) == ("-", "-")


def test_json(logged):
    running, path = logged("json")
    running.get("/hello.txt?q", {"User-Agent": "agent", "Referer": "from"}, host="example.com:80")
    (line,) = lines_of(running, path)
    entry = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("time"))
    assert 0 <= entry.pop("duration_us") < 5000000
    assert entry == {
        "client": "127.0.0.1", "method": "GET", "target": "/hello.txt?q", "version": "1.1",
        "host": "example.com",
        "referer": "from", "user_agent": "agent", "status": 200, "bytes": len(tree.HELLO),
        "outcome": "complete",
    }


def test_json_has_the_members_that_are_documented(logged):
    running, path = logged("json")
    running.get("/hello.txt", {"User-Agent": "agent", "Referer": "from"})
    (line,) = lines_of(running, path)
    page = (vif.REPOSITORY / "docs" / "logs.md").read_text(encoding="utf-8")
    table = page.split("| member |")[1].split("\n\n")[0]
    assert list(json.loads(line)) == re.findall(r"^\| `(\w+)`", table, re.MULTILINE)


def test_time_is_now_to_the_millisecond(logged):
    running, path = logged("json")
    before = time.time()
    running.get("/hello.txt")
    after = time.time()
    (line,) = lines_of(running, path)
    logged_at = datetime.datetime.fromisoformat(json.loads(line)["time"].replace("Z", "+00:00")).timestamp()
    assert before - 0.1 <= logged_at <= after + 0.1


REQUESTS = [
    ("GET", "/hello.txt", {}, 200, len(tree.HELLO)),
    ("HEAD", "/hello.txt", {}, 200, 0),
    ("GET", "/nothing", {}, 404, None),
    ("POST", "/hello.txt", {}, 405, None),
    ("BREW", "/hello.txt", {}, 501, None),
    ("GET", "/indexed", {}, (301, 308), None),
    ("GET", "/digits.txt", {"Range": "bytes=1-3"}, 206, 3),
    ("GET", "/digits.txt", {"Range": "bytes=100-"}, 416, None),
    ("GET", "/hello.txt", {"If-None-Match": "*"}, 304, 0),
    ("GET", "/hello.txt", {"If-Match": '"x"'}, 412, None),
    ("GET", "/big.bin", {}, 200, len(tree.BIG)),
    ("GET", "/empty.txt", {}, 200, 0),
    ("GET", "/plain/", {}, 200, None),
    ("OPTIONS", "*", {}, (200, 204), 0),
]


@pytest.mark.parametrize("format", ["common", "combined", "json"])
def test_every_request_has_its_line_in_order(logged, format):
    running, path = logged(format)
    for method, target, fields, _, _ in REQUESTS:
        running.exchange(method, target, fields)
    lines = lines_of(running, path)
    assert len(lines) == len(REQUESTS)
    for line, (method, target, _, status, length) in zip(lines, REQUESTS):
        if format == "json":
            entry = json.loads(line)
            found = entry["method"], entry["target"], entry["status"], entry["bytes"]
        else:
            match = (COMMON if format == "common" else COMBINED).fullmatch(line)
            assert match, line
            words = match.group(3).split(" ")
            assert words[2] == "HTTP/1.1"
            found = words[0], words[1], int(match.group(4)), int(match.group(5).replace("-", "0"))
        assert found[:2] == (method, target)
        assert found[2] in (status if isinstance(status, tuple) else (status,)), line
        assert length is None or found[3] == length, line


@pytest.mark.parametrize("format", ["common", "combined", "json"])
def test_pipeline_is_logged_in_order(logged, format):
    running, path = logged(format)
    with running.connect() as client:
        for index in range(200):
            client.request("GET", f"/hello.txt?{index}")
        for _ in range(200):
            client.read_response()
    lines = lines_of(running, path)
    assert [int(re.search(r"/hello\.txt\?(\d+)", line).group(1)) for line in lines] == list(range(200))


HOSTILE = [
    '"', '\\', '\\"', '" 200 5 "', "a\tb", "\xe4\xff\x80", "%0a%0d", "\xc2\x85\xe2\x80\xa8", "{\"json\": 1}",
    "\xc2\x9b31m",
    "x" * 3000, '"' * 2000, "\\x0a", "\xed\xa0\x80",
]


@pytest.mark.parametrize("format", ["combined", "json"])
def test_hostile_fields(logged, format):
    running, path = logged(format)
    for value in HOSTILE:
        assert running.get("/hello.txt", {"User-Agent": value, "Referer": value}).status == 200
    lines = lines_of(running, path)
    assert len(lines) == len(HOSTILE)
    for line in lines:
        assert len(line) <= 4096
        if format == "json":
            entry = json.loads(line)
            assert entry["status"] == 200 and entry["target"] == "/hello.txt"
        else:
            assert COMBINED.fullmatch(line), line


@pytest.mark.parametrize(
    "data",
    [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\nb\r\n\r\n", b'GET /"x" HTTP/1.1\r\n\r\n',
     b"GET /\x1b[31m HTTP/1.1\r\nHost: x\r\n\r\n",
     b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", b'"G" / HTTP/1.1\r\nHost: x\r\n\r\n', b"X" * 30000,
     b"GET / HTTP/9.9\r\n\r\n"],
)
@pytest.mark.parametrize("format", ["common", "combined", "json"])
def test_request_that_is_refused_has_one_clean_line(logged, format, data):
    running, path = logged(format)
    with running.connect() as client:
        client.send(data)
        status = client.read_response().status
    lines = lines_of(running, path)
    assert len(lines) == 1
    if format == "json":
        assert json.loads(lines[0])["status"] == status
    else:
        match = (COMMON if format == "common" else COMBINED).fullmatch(lines[0])
        assert match and int(match.group(4)) == status, lines[0]


def test_long_target_is_cut(logged):
    running, path = logged("json")
    running.get("/" + "x" * 7000)
    (line,) = lines_of(running, path)
    assert json.loads(line)["target"].startswith("/xxxx")
    assert len(line) < 4096


def test_idle_connections_leave_no_line(logged):
    running, path = logged("common")
    for _ in range(5):
        running.connect().close()
    assert lines_of(running, path) == []


@pytest.mark.every_backend
def test_client_that_goes_in_the_middle_is_logged(logged):
    running, path = logged("json")
    with running.connect(receive_buffer=4096) as client:
        client.request("GET", "/big.bin")
        client.read_head()
        client.reset()
    entry = json.loads(lines_of(running, path)[0])
    assert entry["status"] == 200
    assert entry["outcome"] in ("complete", "client_left")  # the kernel may have taken all of it before


@pytest.mark.parametrize("format", ["common", "combined", "json"])
@pytest.mark.every_backend
def test_bytes_are_those_that_were_sent(server, root, tmp_path, format):
    """Of a gigabyte, a client that takes a little and leaves has been sent no more than the sockets hold."""
    with open(root / "gigabyte.bin", "wb") as file:
        file.truncate(1 << 30)
    path = tmp_path / "access.log"
    running = server(root, "--log-file", path, "--log-format", format)
    with running.connect(receive_buffer=4096) as client:
        client.request("GET", "/gigabyte.bin")
        client.read_head()
        taken = len(client.take(100_000))
        client.reset()
    (line,) = lines_of(running, path)
    if format == "json":
        entry = json.loads(line)
        assert entry["outcome"] == "client_left"
        length = entry["bytes"]
    else:
        length = int((COMMON if format == "common" else COMBINED).fullmatch(line).group(5))
    assert taken <= length < 64 << 20


@pytest.mark.every_backend
def test_client_that_takes_nothing_is_logged(server, root, tmp_path):
    with open(root / "large.bin", "wb") as file:
        file.truncate(64 << 20)
    path = tmp_path / "access.log"
    running = server(root, "--log-file", path, "--log-format", "json", "--timeout", "write=200ms")
    with running.connect(receive_buffer=4096) as client:
        client.request("GET", "/large.bin")
        client.read_head()
        (line,) = wire.wait_until(lambda: path.read_bytes().splitlines(), "the line of a time-out")
    assert json.loads(line)["outcome"] == "timed_out"


def test_log_is_added_to(server, site_root, tmp_path):
    path = tmp_path / "access.log"
    path.write_bytes(b"before\n")
    running = server(site_root, "--log-file", path)
    running.get("/hello.txt")
    lines = lines_of(running, path)
    assert lines[0] == "before" and len(lines) == 2


def test_lines_are_written_soon(logged):
    """Not only at the end: someone may be watching."""
    running, path = logged("common")
    running.get("/hello.txt")
    wire.wait_until(lambda: path.exists() and path.read_bytes().endswith(b"\n"), "the line", seconds=10)


@pytest.mark.every_backend
def test_many_lines_are_all_there(logged):
    running, path = logged("common")
    with running.connect() as client:
        for _ in range(20):
            client.send(wire.request_bytes("GET", "/one.txt") * 250)
            for _ in range(250):
                client.read_response()
    assert len(lines_of(running, path)) == 5000


def test_terminal_is_the_default(server, site_root):
    running = server(site_root)
    running.get("/hello.txt")
    running.stop()
    assert "GET /hello.txt HTTP/1.1" in running.stdout()


def test_quiet(server, site_root):
    running = server(site_root, "-q")
    running.get("/hello.txt")
    running.get("/nothing")
    running.stop()
    assert running.stdout() == ""
    # A busy machine may stall the loop, and warnings are not what quiet is about.
    assert [line for line in running.stderr().splitlines() if " warning stalled " not in line] == []


def test_configured_log(server, site_root, tmp_path):
    path = tmp_path / "a.log"
    running = server(config={
        "log": {"access": {"path": str(path), "format": "json"}, "error": {"path": "-", "level": "info"}},
        "sites": [{"routes": {"/": {"files": {"root": str(site_root)}}}}],
    })
    running.get("/hello.txt")
    assert json.loads(lines_of(running, path)[0])["target"] == "/hello.txt"


def test_configuration_without_log_writes_none(server, site_root):
    running = server(config={"sites": [{"routes": {"/": {"files": {"root": str(site_root)}}}}]})
    running.get("/hello.txt")
    running.stop()
    assert "/hello.txt" not in running.stdout() + running.stderr()


def test_error_log(server, site_root, tmp_path):
    path = tmp_path / "error.log"
    running = server(site_root, "--error-log", path, "--log-level", "debug")
    running.get("/hello.txt")
    running.stop()
    assert path.exists()


# ---- a format of one's own, a file for a site, ids ----

OK = {"/": {"respond": "ok"}}


def test_a_format_of_ones_own(server, tmp_path):
    path = tmp_path / "own.log"
    template = "{client}|{method}|{path}|{query}|{status}|{header.X-A}|{{x|{request_id}|{outcome}"
    running = server(config={"sites": [{"routes": OK}], "log": {"access": {"path": str(path), "template": template}}})
    running.get("/a?b", {"X-A": "1\"2"})
    (line,) = lines_of(running, path)
    assert line == "127.0.0.1|GET|/a|b|200|1\\x222|{x|-|complete"


def test_a_misspelt_field_is_found(tmp_path):
    path = tmp_path / "vif.yaml"
    path.write_text("log:\n  access:\n    path: a.log\n    template: \"{client} {statu}\"\nsites: [{routes: {/: {respond: a}}}]\n",
                    encoding="utf-8")
    done = vif.run("check", "-c", path)
    assert done.returncode == 2
    assert "vif.yaml:4:" in done.stderr
    assert 'there is no field "statu"; did you mean "status"?' in done.stderr


def test_a_site_has_a_file_of_its_own(server, tmp_path):
    names = ("common", "one", "two")
    paths = {name: tmp_path / f"{name}.log" for name in names}
    running = server(config={
        "sites": [
            {"hosts": "one", "routes": OK, "log": {"path": str(paths["one"]), "template": "one {host} {target}"}},
            {"hosts": ["two", "deux"], "routes": OK, "log": {"path": str(paths["two"]), "format": "json"}},
            {"routes": OK},
        ],
        "log": {"access": {"path": str(paths["common"]), "template": "common {host} {target}"}},
    })
    for number, host in enumerate(("one", "two", "deux", "three", "one")):
        running.get(f"/{number}", host=host)
    with running.connect() as client:
        client.send(b"BAD\r\n\r\n")
        client.read_response()
    running.stop()
    texts = {name: path.read_text(encoding="ascii").splitlines() for name, path in paths.items()}
    assert texts["one"] == ["one one /0", "one one /4"]
    assert [json.loads(line)["host"] for line in texts["two"]] == ["two", "deux"]
    assert texts["common"] == ["common three /3", "common - -"]


def test_a_file_has_one_format(tmp_path):
    path = tmp_path / "vif.yaml"
    path.write_text(json.dumps({"sites": [{"hosts": "a", "routes": OK, "log": {"path": "x.log", "format": "json"}},
                                          {"routes": OK, "log": "x.log"}]}), encoding="utf-8")
    done = vif.run("check", "-c", path)
    assert done.returncode == 2 and "is also the log of others, in another format" in done.stderr


def test_logs_of_sites_change_with_a_reload(server, tmp_path):
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    config = {"sites": [{"routes": OK, "log": {"path": str(first), "template": "{target}"}}]}
    running = server(config=config)
    listen = json.loads(running.config_path.read_text(encoding="utf-8"))["listen"]

    def reload(generation, **log):
        config["sites"][0]["log"] = log
        running.config_path.write_text(json.dumps({"listen": listen, "workers": 1, **config}), encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        wire.wait_until(lambda: f"generation {generation} is in force" in running.stderr(), "the reload")

    running.get("/1")
    reload(2, path=str(second), template="{target}")
    running.get("/2")
    wire.wait_until(lambda: second.read_bytes() == b"/2\n", "the line")
    reload(3, path=str(first), template="again {target}")
    running.get("/3")
    second.rename(tmp_path / "moved.log")
    running.process.send_signal(signal.SIGUSR1)
    wire.wait_until(second.exists, "the log to be opened anew")
    reload(4, path=str(second), template="{target}")
    running.get("/4")
    running.stop()
    assert first.read_text(encoding="ascii") == "/1\nagain /3\n"
    assert (tmp_path / "moved.log").read_text(encoding="ascii") == "/2\n"
    assert second.read_text(encoding="ascii") == "/4\n"


ID = re.compile("[0-9a-f]{32}")


def test_requests_have_ids(server, site_root, tmp_path):
    path = tmp_path / "access.log"
    running = server(config={"sites": [{"routes": {"/": {"files": str(site_root)}}}], "request_id": {"send": True},
                             "log": {"access": {"path": str(path), "format": "json"}}, "trusted_proxies": ["10.0.0.0/8"]})
    sent = []
    for target in ("/hello.txt", "/hello.txt", "/nothing", "/big.bin", "/plain", "/plain/"):
        sent.append(running.get(target, {"X-Request-Id": "a-lie"})["X-Request-Id"])
    logged = [json.loads(line)["request_id"] for line in lines_of(running, path)]
    assert logged == sent and len(set(sent)) == len(sent)
    assert all(ID.fullmatch(one) for one in sent)


@pytest.mark.parametrize("received, is_taken", [
    ("abc-123", True), ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True), ("x" * 128, True),
    ("x" * 129, False), ("a b", False), ("a\"b", False), ("", False), ("a,b", False),
])
def test_a_trusted_proxy_gives_the_id(server, received, is_taken):
    running = server(config={"sites": [{"routes": OK}], "trusted_proxies": ["127.0.0.1"],
                             "request_id": {"header": "X-Trace", "send": True}})
    answer = running.get("/", {"X-Trace": received})["X-Trace"]
    assert (answer == received) == is_taken
    assert is_taken or ID.fullmatch(answer)


def test_without_send_nobody_sees_the_id(server, tmp_path):
    path = tmp_path / "access.log"
    running = server(config={"sites": [{"routes": OK}], "request_id": True,
                             "log": {"access": {"path": str(path), "template": "{request_id}"}}})
    assert "X-Request-Id" not in running.get("/")
    assert ID.fullmatch(lines_of(running, path)[0])


def test_other_servers_get_the_id(server, origins, tmp_path):  # noqa: F811
    origin = origins()
    path = tmp_path / "access.log"
    running = server(config={"sites": [{"routes": {"/": {"proxy": origin.url}, "/gone": {"proxy": vif.free_port()}}}],
                             "request_id": True, "log": {"access": {"path": str(path), "format": "json"}}})
    running.get("/", {"X-Request-Id": "a-lie", "x_request_id": "another"})
    request = origin.requests[-1]
    assert running.get("/gone").status == 502
    first, second = [json.loads(line)["request_id"] for line in lines_of(running, path)]
    assert request["X-Request-Id"] == first and "lie" not in request.raw and "another" not in request.raw
    assert f"[{second}]" in running.stderr()


# ---- slow requests, and samples ----

PHASES = ["accept_us", "head_us", "queue_us", "handler_us", "upstream_us", "send_us"]


def slow_entry(running, path):
    """The members of the phases of the one slow request."""
    lines = [json.loads(line) for line in lines_of(running, path)]
    (entry,) = [line for line in lines if "send_us" in line]
    told = [line for line in running.stderr().splitlines() if "slow: " in line]
    assert len(told) == 1 and "(accept " in told[0], running.stderr()
    total = sum(entry[name] for name in PHASES[2:])
    assert abs(total - entry["duration_us"]) <= 1
    return entry, told[0]


def test_a_slow_server_is_named(server, origins, tmp_path):  # noqa: F811
    def answer_late(peer):
        peer.read_request()
        time.sleep(0.3)
        peer.answer(b"late")

    origin = origins(answer_late)
    path = tmp_path / "access.log"
    running = server(config={"sites": [{"routes": {"/": {"respond": "ok"}, "/slow": {"proxy": origin.url}}}],
                             "log": {"slow": "100ms", "access": {"path": str(path), "format": "json"}}, "request_id": True})
    running.get("/")
    running.get("/slow?a")
    entry, told = slow_entry(running, path)
    assert entry["upstream_us"] > 250000 > entry["handler_us"] + entry["queue_us"]
    assert "GET /slow?a, status 200, for 127.0.0.1" in told and f"[{entry['request_id']}]" in told


def test_a_slow_client_is_named(server, root, tmp_path):
    with open(root / "large.bin", "wb") as file:
        file.truncate(64 << 20)
    path = tmp_path / "access.log"
    running = server(config={"sites": [{"routes": {"/": {"files": str(root)}}}],
                             "log": {"slow": "200ms", "access": {"path": str(path), "format": "json"}}})
    with running.connect(receive_buffer=4096) as client:
        head = wire.request_bytes("GET", "/large.bin")
        client.send(head[:10])
        time.sleep(0.1)
        client.send(head[10:])
        client.read_head()
        time.sleep(0.3)
        client.reset()
    wire.wait_until(lambda: "slow: " in running.stderr(), "the end of the request")
    entry, _ = slow_entry(running, path)
    assert entry["send_us"] > 200000 and entry["head_us"] >= 50000


def test_without_a_threshold_nothing_is_slow(server, origins, tmp_path):  # noqa: F811
    def answer_late(peer):
        peer.read_request()
        time.sleep(0.2)
        peer.answer(b"late")

    path = tmp_path / "access.log"
    running = server(config={"sites": [{"routes": {"/": {"proxy": origins(answer_late).url}}}],
                             "log": {"access": {"path": str(path), "format": "json"}}})
    running.get("/")
    (line,) = lines_of(running, path)
    assert "send_us" not in line and "slow" not in running.stderr()


def test_a_sample_has_all_errors(server, tmp_path):
    path = tmp_path / "access.log"
    running = server(config={"sites": [{"routes": {"/a": {"respond": "ok"}}}],
                             "log": {"access": {"path": str(path), "sample": 10, "template": "{status} {target}"}}})
    with running.connect() as client:
        for number in range(95):
            client.exchange("GET", f"/a?{number}")
            if number % 20 == 0:
                assert client.exchange("GET", f"/none?{number}").status == 404
    lines = lines_of(running, path)
    assert [line for line in lines if line.startswith("404")] == [f"404 /none?{number}" for number in range(0, 95, 20)]
    assert [line for line in lines if line.startswith("200")] == [f"200 /a?{number}" for number in range(0, 95, 10)]
