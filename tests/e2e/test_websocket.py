"""WebSocket programs that people have, on both sides of vif: Python's websockets, and Chromium, which uses HTTP/2
(RFC 8441) where it can."""
import asyncio
import os
import shutil
import threading

import pytest

websockets = pytest.importorskip("websockets")

import test_tls_browser
import vif as vif_process
import wire
from pki import Authority
from proxies import forwarding, log_lines, origins  # noqa: F401

BIG = 3_000_000


class Program:
    """A WebSocket server that returns every message, in a loop of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.url, self.paths = None, []
        self.seen = threading.Event()
        ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ready,), daemon=True)
        self.thread.start()
        assert ready.wait(20)

    def run(self, ready):
        self.loop.run_until_complete(self.begin())
        ready.set()
        self.loop.run_forever()

    async def begin(self):
        self.server = await websockets.serve(self.answer, "127.0.0.1", 0, max_size=None)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def answer(self, connection, path=None):
        self.paths.append(getattr(connection, "path", path))
        async for message in connection:
            if message == "seen":
                self.seen.set()
                continue
            await connection.send(message)
            if message == "bye":
                await connection.close(4001, "as you wish")

    def stop(self):
        async def end():
            self.server.close()
            await self.server.wait_closed()
        asyncio.run_coroutine_threadsafe(end(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)


@pytest.fixture
def program():
    made = Program()
    yield made
    made.stop()


def test_messages_pings_and_the_close_pass(server, program):
    vif = server(config=forwarding(program))

    async def talk():
        async with websockets.connect(f"ws://127.0.0.1:{vif.port}/chat", max_size=None) as connection:
            for message in ("text", b"bytes", "", os.urandom(BIG), "ü" * 70000, os.urandom(125), os.urandom(126),
                            os.urandom(65535), os.urandom(65536)):
                await connection.send(message)
                assert await connection.recv() == message
            await (await connection.ping(b"are you there"))
            await connection.send("bye")
            assert await connection.recv() == "bye"
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await connection.recv()
            assert (closed.value.code, closed.value.reason) == (4001, "as you wish")

    asyncio.run(talk())
    assert program.paths == ["/chat"]
    line = log_lines(vif, 1)[0]
    assert line["status"] == 101 and line["outcome"] == "complete"
    assert line["bytes"] > BIG and line["received"] > BIG


def test_many_talk_at_once(server, program):
    vif = server(config=forwarding(program), workers=2)

    async def one(number):
        async with websockets.connect(f"ws://127.0.0.1:{vif.port}/{number}") as connection:
            for turn in range(20):
                message = f"{number}:{turn}" * (turn * 50 + 1)
                await connection.send(message)
                assert await connection.recv() == message

    async def all_of_them():
        await asyncio.gather(*(one(number) for number in range(50)))

    asyncio.run(all_of_them())
    assert len(program.paths) == 50


# The browser waits for its picture, which comes when the message has passed both ways.
PAGE = """<!doctype html><title>ws</title><p id=said>nothing yet<img src=/slow><script>
const socket = new WebSocket("wss://" + location.host + "/chat");
socket.onopen = () => socket.send("x".repeat(%d));
socket.onmessage = event => { said.textContent = event.data.length + " letters"; socket.send("seen"); };
</script>"""


@pytest.mark.skipif("built without TLS" in vif_process.run("cert", "--ca", "/nowhere").stderr, reason="built without TLS")
@pytest.mark.skipif("nghttp2" not in vif_process.run("version").stdout, reason="built without HTTP/2")
@pytest.mark.skipif(not shutil.which(test_tls_browser.COMMAND), reason="no chromium")
def test_chromium_talks_over_http2(server, origins, program, tmp_path):
    authority = Authority(tmp_path / "pki")
    certificate, key = map(str, authority.issue("localhost", ["localhost"]))
    port = vif_process.free_port()
    page = {"respond": {"status": 200, "type": "text/html", "body": PAGE % 100_000}}
    config = forwarding(program, "/chat")
    slow = origins(lambda peer: peer.read_request() and program.seen.wait(20) and peer.answer("no picture"))
    config["sites"][0]["routes"].update({"/": page, "/slow": {"proxy": slow.url}})
    vif = server(config={**config, "listen": [
        {"address": f"127.0.0.1:{port}", "tls": {"certificate": certificate, "key": key}}]}, port=port)
    said = test_tls_browser.browse(
        f"https://localhost:{port}/", tmp_path, "--virtual-time-budget=20000",
        f"--ignore-certificate-errors-spki-list={test_tls_browser.fingerprint(certificate)}")
    assert "100000 letters" in said
    wire.wait_until(lambda: "/chat" in vif.stdout(), "the tunnel's end")
    line = next(line for line in log_lines(vif, 1) if line["target"] == "/chat")
    assert (line["method"], line["version"], line["status"]) == ("CONNECT", "2.0", 200)
