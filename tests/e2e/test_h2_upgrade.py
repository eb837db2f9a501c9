"""From HTTP/1.1 to HTTP/2 by Upgrade: h2c, and all that stays HTTP/1.1."""
import base64
import os
import socket
import struct
import subprocess
import time

import pytest

pytest.importorskip("hpack")

import h2_wire
import vif
from h2_wire import Client

pytestmark = pytest.mark.skipif("nghttp2" not in vif.run("version").stdout, reason="vif is built without HTTP/2")


@pytest.fixture(scope="module", name="root")
def fixture_root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("upgrade")
    (folder / "small.txt").write_bytes(b"small content\n")
    (folder / "big.bin").write_bytes(os.urandom(1000) * 3000)
    return folder


def start(server, root, **more):
    return server(config={"http2": {"upgrade": True}, "sites": [{"routes": {"/": {"files": str(root)}}}], **more})


@pytest.fixture(scope="module", name="shared")
def fixture_shared(module_server, root):
    return start(module_server, root)


def encode(settings):
    return base64.urlsafe_b64encode(settings).rstrip(b"=").decode()


def settings(window=65535):
    return encode(struct.pack(">HIHI", 3, 100, h2_wire.INITIAL_WINDOW_SIZE, window))


def head(path="/small.txt", method="GET", version="1.1", **changes):
    """A request that asks for it in the right way, but for the changes: a list gives several, None none."""
    fields = {"Host": "localhost", "Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2_Settings": settings(),
              **changes}
    lines = [f"{method} {path} HTTP/{version}"]
    for name, value in fields.items():
        for each in value if isinstance(value, list) else [] if value is None else [value]:
            lines.append(f"{name.replace('_', '-')}: {each}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def upgraded(server, sent, behind=b""):
    client = Client(server, introduce=False)
    client.send(sent + behind)
    while b"\r\n\r\n" not in client.buffer:
        client.buffer += client.socket.recv(65536)
    said, _, client.buffer = client.buffer.partition(b"\r\n\r\n")
    assert said == b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c"
    client.last_stream = 1
    if not behind:
        client.send(h2_wire.PREFACE + h2_wire.settings())
    return client


@pytest.mark.parametrize("paths", [["small.txt"], ["big.bin", "small.txt", "big.bin"]])
def test_curl_is_upgraded(shared, root, paths):
    urls = [f"http://{shared.host}:{shared.port}/{path}" for path in paths]
    done = subprocess.run(["curl", "-sSv", "--http2", *urls], capture_output=True, timeout=60, check=True)
    assert done.stdout == b"".join((root / path).read_bytes() for path in paths)
    assert b"101 Switching Protocols" in done.stderr
    assert done.stderr.count(b"< HTTP/2 200") == len(paths)


def test_the_request_is_the_first_stream_and_others_follow(shared):
    client = upgraded(shared, head())
    headers, content = client.answers(1)[1]
    assert (headers[":status"], content) == ("200", b"small content\n")
    assert client.get("/small.txt")[1] == content
    assert client.last_stream == 3
    assert client.get("/nothing")[0][":status"] == "404"


def test_the_preface_may_be_right_behind_the_request(shared):
    client = Client(shared, introduce=False)
    client.last_stream = 1
    behind = h2_wire.PREFACE + h2_wire.settings() + client.head("/small.txt")
    client = upgraded(shared, head(), behind)
    assert [content for _, content in client.answers(1, 3).values()] == [b"small content\n"] * 2


def test_the_head_may_come_in_pieces(shared):
    client = Client(shared, introduce=False)
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    whole = head()
    for start_at in range(0, len(whole), 30):
        client.send(whole[start_at:start_at + 30])
        time.sleep(0.005)
    assert client.socket.recv(1000).startswith(b"HTTP/1.1 101 ")


def test_head_has_no_content(shared):
    headers, content = upgraded(shared, head(method="HEAD")).answers(1)[1]
    assert (headers["content-length"], content) == ("14", b"")


def test_the_settings_count(shared):
    """Of the window that they give, no byte more is sent."""
    client = upgraded(shared, head("/big.bin", HTTP2_Settings=settings(window=1000)))
    assert len(client.read_until(h2_wire.DATA)[3]) == 1000


@pytest.mark.parametrize("changes", [
    {"HTTP2_Settings": None}, {"HTTP2_Settings": [settings(), settings()]}, {"HTTP2_Settings": "AAMAAABkAA"},
    {"HTTP2_Settings": "!AMAAABk"}, {"HTTP2_Settings": encode(b"\0\3\0\0\0\1" * 33)}, {"HTTP2_Settings": settings() + "=="},
    {"Connection": "Upgrade"}, {"Connection": "HTTP2-Settings"}, {"Connection": None},
    {"Upgrade": "websocket"}, {"Upgrade": "h2"}, {"Upgrade": None}, {"version": "1.0"},
])
def test_what_does_not_ask_as_it_should_stays(shared, changes):
    with socket.create_connection((shared.host, shared.port), timeout=20) as client:
        client.sendall(head(**changes))
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_no_settings_at_all_are_good(shared):
    assert upgraded(shared, head(HTTP2_Settings="")).answers(1)[1][1] == b"small content\n"


def test_a_request_with_content_stays(shared):
    with socket.create_connection((shared.host, shared.port), timeout=20) as client:
        client.sendall(head(method="POST", Content_Length="2") + b"hi")
        assert client.recv(1000).startswith(b"HTTP/1.1 405 ")


def test_a_later_request_stays(shared):
    with socket.create_connection((shared.host, shared.port), timeout=20) as client:
        client.sendall(b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" + head())
        said = b""
        while b"small content" not in said:
            said += client.recv(1000)
        assert said.startswith(b"HTTP/1.1 404 ") and b"HTTP/1.1 200 OK\r\n" in said and b" 101 " not in said


def test_a_bad_request_has_its_answer(shared):
    with socket.create_connection((shared.host, shared.port), timeout=20) as client:
        client.sendall(head(Host=["a", "b"]))
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_it_is_off_by_default(server, root):
    made = server(config={"sites": [{"routes": {"/": {"files": str(root)}}}]})
    with socket.create_connection((made.host, made.port), timeout=20) as client:
        client.sendall(head())
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_preface_that_does_not_come(server, root):
    client = upgraded(start(server, root, timeouts={"head": "300ms"}), head(), b"PRI")
    began = time.monotonic()
    assert client.is_closed()
    assert time.monotonic() - began < 10


def test_what_is_no_preface_ends_it(shared):
    client = upgraded(shared, head(), b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.goaway()[1] == h2_wire.PROTOCOL_ERROR
    assert client.is_closed()
