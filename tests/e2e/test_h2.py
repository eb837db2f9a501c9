"""HTTP/2 without TLS: real clients, frames by hand, time-outs, draining, and what floods come to."""
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

pytest.importorskip("hpack")

import h2_wire
import vif
import wire
from h2_wire import Client

if "nghttp2" not in vif.run("version").stdout:
    pytest.skip("vif is built without HTTP/2", allow_module_level=True)

BIG = 3_000_000


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("h2")
    (folder / "small.txt").write_bytes(b"small content\n")
    (folder / "medium.bin").write_bytes(bytes(range(256)) * 400)
    (folder / "big.bin").write_bytes(os.urandom(1000) * (BIG // 1000))
    return folder


@pytest.fixture(scope="module")
def shared(module_server, root):
    return module_server(root)


def curl(server, path, *options):
    command = ["curl", "-sS", "--http2-prior-knowledge", *options, f"http://{server.host}:{server.port}{path}"]
    return subprocess.run(command, capture_output=True, timeout=60, check=True)


def test_a_client_that_has_said_all_gets_all(shared, root):
    """It closed its side, so it gives no more credit, either."""
    count = 10  # more than the sockets of both sides hold
    client = Client(shared, window=2 * count * BIG)
    contents = {client.ask("/big.bin"): b"" for _ in range(count)}
    ended, has_said_all = 0, False
    while ended < count:
        _, flags, stream, payload = client.read_until(h2_wire.DATA)
        contents[stream] += payload
        ended += flags & h2_wire.END_STREAM
        if not has_said_all:
            client.socket.shutdown(socket.SHUT_WR)
        has_said_all = True
    assert set(contents.values()) == {(root / "big.bin").read_bytes()}


# ---- clients that people have ----

def test_curl_gets_files(shared, root):
    for name in ("small.txt", "medium.bin", "big.bin"):
        assert curl(shared, f"/{name}").stdout == (root / name).read_bytes()


@pytest.mark.parametrize("options, status, part", [
    (["-I"], 200, "content-length: 14"),
    (["-r", "2-4"], 206, "content-range: bytes 2-4/14"),
    (["-r", "500-"], 416, "content-range: bytes */14"),
    (["-H", "If-None-Match: *"], 304, "etag: "),
    (["-X", "DELETE"], 405, "allow: GET, HEAD, OPTIONS"),
    (["-d", "x=y"], 405, "allow: "),
    (["-X", "OPTIONS"], 204, "allow: "),
])
def test_curl_asks_in_many_ways(shared, options, status, part):
    text = curl(shared, "/small.txt", "-i", *options).stdout.decode()
    assert text.startswith(f"HTTP/2 {status}")
    assert part in text
    assert "transfer-encoding" not in text and "connection:" not in text


@pytest.mark.parametrize("first, then", [("--http1.1", "--http2-prior-knowledge"),
                                         ("--http2-prior-knowledge", "--http1.1")])
def test_a_head_that_is_kept_is_the_same_for_both(server, root, first, then):
    running = server(root)

    def headers_of(version, name, *options):
        text = subprocess.run(["curl", "-sS", version, "-D", "-", "-o", "/dev/null", *options,
                               f"http://{running.host}:{running.port}/{name}"], capture_output=True, text=True,
                              timeout=20, check=True).stdout
        lines = [line.split(": ", 1) for line in text.strip().splitlines()[1:]]
        return {name.lower(): value for name, value in lines if name.lower() != "date"}

    for name in ("small.txt", "big.bin"):
        length = str((root / name).stat().st_size)
        expected = headers_of(first, name)
        assert expected["content-length"] == length and expected["etag"]
        for version in (then, first, then):
            assert headers_of(version, name) == expected
            assert headers_of(version, name, "-I") == expected
            assert headers_of(version, name, "-H", "Range: bytes=0-")["content-range"].endswith(f"/{length}")
    assert curl(running, "/small.txt").stdout == (root / "small.txt").read_bytes()


def test_curl_uploads_too_much(shared, root):
    """A refused upload is told to stop; curl has the answer all the same."""
    result = curl(shared, "/small.txt", "-T", str(root / "big.bin"), "-o", os.devnull, "-w", "%{http_code}")
    assert result.stdout == b"413"


@pytest.mark.skipif(not shutil.which("nghttp"), reason="nghttp is not there")
def test_nghttp_with_priorities(shared, root):
    urls = [f"http://{shared.host}:{shared.port}/{name}" for name in ("small.txt", "medium.bin", "big.bin")]
    result = subprocess.run(["nghttp", *urls], capture_output=True, timeout=60, check=True)
    assert len(result.stdout) == sum(len((root / name).read_bytes())
                                     for name in ("small.txt", "medium.bin", "big.bin"))


@pytest.mark.skipif(not shutil.which("h2load"), reason="h2load is not there")
@pytest.mark.parametrize("path, count", [("/small.txt", 5000), ("/medium.bin", 500), ("/big.bin", 100)])
def test_h2load_with_a_hundred_streams(shared, path, count):
    result = subprocess.run(["h2load", "-n", str(count), "-c", "2", "-m", "100",
                             f"http://{shared.host}:{shared.port}{path}"],
                            capture_output=True, text=True, timeout=120, check=True)
    assert f"{count} succeeded, 0 failed, 0 errored" in result.stdout


def test_the_access_log_says_so(server, root):
    made = server(root, "--log-format", "combined")
    curl(made, "/small.txt")
    made.stop()
    assert '"GET /small.txt HTTP/2.0" 200 14' in made.stdout_path.read_text()


# ---- with TLS ----

def over_tls(server, *options):
    command = ["curl", "-sSk", *options, "-o", os.devnull, "-w", "%{http_version} %{http_code}",
               f"https://{server.host}:{server.port}/big.bin"]
    return subprocess.run(command, capture_output=True, timeout=60, check=True).stdout.decode()


def test_tls_agrees_on_it(server, root, tmp_path, monkeypatch):
    if "OpenSSL" not in vif.run("version").stdout:
        pytest.skip("vif is built without TLS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    made = server(root, "--tls")
    assert over_tls(made, "--http2") == "2 200"
    assert over_tls(made, "--http1.1") == "1.1 200"


# ---- beginnings ----

@pytest.mark.parametrize("cut", [1, 2, 3, 4, 14, 16, 23])
def test_the_preface_may_come_in_pieces(shared, cut):
    client = Client(shared, introduce=False)
    whole = h2_wire.PREFACE + h2_wire.settings() + client.head("/small.txt")
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.send(whole[:cut])
    time.sleep(0.02)
    client.send(whole[cut:])
    assert client.answers(1)[1][1] == b"small content\n"


def test_what_begins_like_it_is_http1(shared):
    with socket.create_connection((shared.host, shared.port), timeout=20) as client:
        client.sendall(b"PRI * HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 ")


def test_a_bad_preface_is_http1(shared):
    with socket.create_connection((shared.host, shared.port), timeout=20) as client:
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 505")


def test_it_may_be_turned_off(server, root):
    made = server(config={"http2": {"prior_knowledge": False},
                          "sites": [{"routes": {"/": {"files": str(root)}}}]})
    with socket.create_connection((made.host, made.port), timeout=20) as client:
        client.sendall(h2_wire.PREFACE + h2_wire.settings())
        assert client.recv(100).startswith(b"HTTP/1.1 505")


# ---- streams ----

def test_a_stream_without_a_window_holds_up_no_other(shared):
    client = Client(shared, window=0)
    client.ask("/big.bin")
    other = client.ask("/small.txt")
    client.credit(other, 1000)
    assert client.read_until(h2_wire.DATA)[2:] == (other, b"small content\n")


def test_a_hundred_downloads_at_once(shared, root):
    client = Client(shared, window=1 << 20)
    streams = [client.ask("/medium.bin") for _ in range(100)]
    content = (root / "medium.bin").read_bytes()
    for answer in client.answers(*streams).values():
        assert answer[0][":status"] == "200" and answer[1] == content


def test_a_slow_reader_of_a_huge_file_costs_little(server, root):
    huge = root / "huge.bin"
    with open(huge, "wb") as out:
        out.truncate(1 << 30)
    made = server(root)
    client = Client(made, window=(1 << 31) - 1)
    stream = client.ask("/huge.bin")
    client.read_until(h2_wire.DATA)
    worker = worker_of(made)
    resident = resident_bytes(worker)
    got = 0
    for _ in range(200):
        kind, _, _, payload = client.read_frame()
        got += len(payload) if kind == h2_wire.DATA else 0
    if not vif.IS_SANITIZED:
        assert resident_bytes(worker) - resident < 4 << 20
    assert stream == 1 and got > 1 << 20
    huge.unlink()


def worker_of(server):
    """The one worker's process."""
    return vif.workers_of(server.process)[0]


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# ---- time-outs ----

def test_an_idle_connection_is_said_goodbye_to(server, root):
    made = server(root, "--timeout", "idle=300ms")

    def go_silent(_):
        client = Client(made)
        assert client.get("/small.txt")[1] == b"small content\n"
        assert client.goaway() == (1, h2_wire.NO_ERROR)
        assert client.is_closed()

    wire.unless_late(go_silent, 0.3)


def test_pings_do_not_keep_it(server, root):
    made = server(root, "--timeout", "idle=500ms")
    client = Client(made)
    client.get("/small.txt")
    began = time.monotonic()
    with pytest.raises((BrokenPipeError, ConnectionResetError, AssertionError)):
        while time.monotonic() < began + 15:
            client.send(h2_wire.frame(h2_wire.PING, 0, 0, b"12345678"))
            client.read_until(h2_wire.PING)
            time.sleep(0.1)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("sent", [h2_wire.PREFACE[:10], h2_wire.PREFACE, h2_wire.PREFACE + h2_wire.settings()[:5]])
def test_an_introduction_that_does_not_end(server, root, sent):
    made = server(root, "--timeout", "head=300ms")
    client = Client(made, introduce=False)
    client.send(sent)
    began = time.monotonic()
    while client.socket.recv(1000):
        pass
    assert time.monotonic() - began < 10


def test_a_head_that_does_not_end(server, root):
    made = server(root, "--timeout", "head=300ms")
    client = Client(made)
    client.read_until(h2_wire.SETTINGS)  # so that its acknowledgement does not come inside the head
    client.send(client.head()[:9 + 3].replace(b"\x01\x05", b"\x01\x01", 1))
    assert client.is_closed()


@pytest.mark.parametrize("window", [0, 100])
def test_a_window_that_stays_closed(server, root, window):
    made = server(root, "--timeout", "write=500ms")
    client = Client(made, window=window)
    client.ask("/big.bin")
    began = time.monotonic()
    assert client.is_closed()
    assert time.monotonic() - began < 10


def test_a_window_that_opens_by_bytes(server, root):
    """A byte now and then is less than the minimum rate."""
    made = server(root, "--timeout", "write=500ms", "--timeout", "min_rate=1000")
    client = Client(made, window=1)
    stream = client.ask("/big.bin")
    began = time.monotonic()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        while time.monotonic() < began + 15:
            client.credit(stream, 1)
            time.sleep(0.05)
    assert time.monotonic() - began < 10


def test_content_that_does_not_come(server, root):
    made = server(root, "--timeout", "body=300ms")
    client = Client(made)
    stream = client.ask("/small.txt", method="OPTIONS", end=False)
    headers, _ = client.answers(stream)[stream]
    assert headers[":status"] == "408"
    assert client.get("/small.txt")[1] == b"small content\n"  # the connection goes on


# ---- draining ----

def test_draining_loses_nothing(server, root):
    made = server(root)
    client = Client(made, window=1000)
    stream = client.ask("/medium.bin")
    client.read_until(h2_wire.DATA)
    os.kill(made.process.pid, signal.SIGTERM)
    assert client.goaway() == (2**31 - 1, h2_wire.NO_ERROR)
    crossing = client.ask("/small.txt")  # the PING behind it is answered after this
    client.credit(stream, 1 << 20)
    answers = client.answers(stream, crossing)
    assert answers[crossing][1] == b"small content\n"
    assert answers[stream][1] == (root / "medium.bin").read_bytes()[1000:]
    assert client.goaways[1:] == [(crossing, h2_wire.NO_ERROR)]
    assert client.is_closed()
    made.process.wait(20)


def test_an_idle_connection_is_drained_soon(server, root):
    made = server(root)
    client = Client(made)
    client.get("/small.txt")
    os.kill(made.process.pid, signal.SIGTERM)
    assert client.goaway()[1] == h2_wire.NO_ERROR
    assert client.is_closed()
    made.process.wait(20)


def test_requests_of_a_connection_may_be_counted(server, root):
    made = server(root, "--limit", "requests_per_connection=2")
    client = Client(made)
    for _ in range(2):
        assert client.get("/small.txt")[1] == b"small content\n"
    assert client.is_closed()


# ---- floods ----

FLOODS = {
    "PING": h2_wire.frame(h2_wire.PING, 0, 0, b"12345678"),
    "SETTINGS": h2_wire.settings(_4=100),
    "PRIORITY": h2_wire.frame(h2_wire.PRIORITY, 0, 3, b"\0\0\0\0\1"),
    "WINDOW_UPDATE": h2_wire.frame(h2_wire.WINDOW_UPDATE, 0, 0, b"\0\0\0\1"),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_its_connection_and_no_other(server, root, name):
    made = server(root)
    other = Client(made)
    assert other.get("/small.txt")[0][":status"] == "200"
    client = Client(made)
    sender = threading.Thread(target=flood, args=(client, FLOODS[name]))
    sender.start()
    assert client.goaway()[1] == h2_wire.ENHANCE_YOUR_CALM
    client.is_closed()
    client.socket.close()
    sender.join(20)
    assert other.get("/small.txt")[1] == b"small content\n"
    made.stop()
    assert f"a connection is closed for too many {name}" in made.stderr_path.read_text()


def flood(client, frame):
    try:
        for _ in range(200):
            client.send(frame * 100)
    except OSError:
        pass


def test_rapid_reset(server, root):
    made = server(root)
    client = Client(made)
    requests = b"".join(client.head("/small.txt") + h2_wire.frame(h2_wire.RST_STREAM, 0, client.last_stream,
                                                                 struct.pack(">I", 8)) for _ in range(2000))
    try:
        client.send(requests)
    except OSError:
        pass
    assert client.goaway()[1] == h2_wire.ENHANCE_YOUR_CALM
    assert Client(made).get("/small.txt")[1] == b"small content\n"
    made.stop()
    assert "rapid reset" in made.stderr_path.read_text()


def test_a_list_that_is_too_long_is_431(shared):
    client = Client(shared)
    headers, _ = client.get("/small.txt", headers=[(f"x-{i}", "v" * 200) for i in range(85)])
    assert headers[":status"] == "431"
    assert client.get("/small.txt")[1] == b"small content\n"


def test_streams_of_the_client_have_odd_numbers(shared):
    client = Client(shared)
    client.last_stream = 0
    client.ask("/small.txt")
    assert client.goaway()[1] == h2_wire.PROTOCOL_ERROR
    assert client.is_closed()


LINKS = "</style.css>; rel=preload; as=style, <https://cdn.example>; rel=preconnect"


@pytest.fixture(scope="module", name="hinting")
def fixture_hinting(module_server, root):
    headers = {"set": {"Link": LINKS, "X-Own": "1"}}
    routes = {"/": {"respond": "page", "early_hints": True, "headers": headers},
              "/files": {"files": {"root": str(root), "listing": True}, "early_hints": True, "headers": headers},
              "/off": {"respond": "page", "headers": headers}}
    return module_server(config={"sites": [{"routes": routes}]})


NAVIGATION = ["-H", "Sec-Fetch-Mode: navigate"]


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
@pytest.mark.parametrize(("path", "options", "hints"), [
    ("/", NAVIGATION, True),
    ("/files/small.txt", NAVIGATION, True), # in the cache, the second time
    ("/files/", NAVIGATION, True), # made on another thread
    ("/files/nothing", NAVIGATION, True),
    ("/off", NAVIGATION, False),
    ("/", [], False),
    ("/", ["-H", "Sec-Fetch-Mode: no-cors"], False),
    ("/", ["-X", "POST", *NAVIGATION], False),
    ("/", ["-I", *NAVIGATION], False),
])
def test_links_go_ahead_of_a_page(hinting, version, path, options, hints):
    for _ in range(2):
        heads = curl(hinting, path, version, "-i", *options).stdout.decode("latin-1").replace("\r", "").split("\n\n")
        first = heads[0].lower()
        assert (" 103" in first.split("\n")[0]) == hints
        if hints:
            assert f"link: {LINKS}".lower() in first and "x-own" not in first and "content-" not in first
            assert " 103" not in heads[1].split("\n")[0] and f"link: {LINKS}".lower() in heads[1].lower()


def test_a_client_of_http_10_gets_no_early_hints(hinting):
    with hinting.connect() as client:
        client.send(b"GET / HTTP/1.0\r\nHost: a\r\nSec-Fetch-Mode: navigate\r\n\r\n")
        assert client.take_to_end().startswith(b"HTTP/1.1 200 ")


def test_early_hints_stay_in_order_in_a_pipeline(hinting):
    request = b"GET / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Mode: navigate\r\n\r\n"
    with hinting.connect() as client:
        client.send(request * 3 + b"GET /off HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        said = client.take_to_end()
    assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"103", b"200"] * 3 + [b"200"]
