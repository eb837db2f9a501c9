"""The access log: one line a request in each format, whatever the client sends; and silence where it is
asked for."""
import datetime
import json
import re
import time

import pytest

import tree
import vif
import wire

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
