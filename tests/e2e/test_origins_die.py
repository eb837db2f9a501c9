"""Servers behind the reverse proxy that are killed under load: what can be sent again is answered."""
import collections
import os
import signal
import subprocess
import sys
import threading

import pytest

import vif as vif_process
import wire
from proxies import forwarding

pytestmark = pytest.mark.http1

# A server that answers each request with its method, and runs until it is killed.
APP = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and content leave together: an answer that has begun could not be asked for again
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = self.command.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_PUT = do_POST = answer
    def log_message(self, *words): pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class App:
    """A process that can be killed and started again on the same port."""

    def __init__(self):
        self.port = vif_process.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, "-c", APP, str(self.port)])
        wire.wait_until(self.accepts, "the app")

    def accepts(self):
        try:
            wire.Client(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def apps():
    made = [App() for _ in range(3)]
    yield made
    for app in made:
        app.kill()


def test_nothing_is_lost_that_can_be_sent_again(server, apps):
    """Of three servers one is always up. GET and PUT always get their answer; POST gets it, or 502 if it may have
    had an effect, and is never repeated to make up for it."""
    config = forwarding([], health={"interval": "50ms"}, max_failures=1, retry_after="100ms")
    config["sites"][0]["routes"]["/"]["proxy"]["to"] = [app.url for app in apps]
    vif = server(config=config, workers=2)
    ends, lock, seen = threading.Event(), threading.Lock(), collections.Counter()

    def ask(method):
        with vif.connect() as client:
            while not ends.is_set():
                response = client.exchange(method, "/", body=None if method == "GET" else b"x")
                with lock:
                    seen[method, response.status] += 1

    threads = [threading.Thread(target=ask, args=(method,)) for method in ("GET", "PUT", "POST") for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(6):
        before = seen.total()
        apps[number % 3].kill()
        wire.wait_until(lambda: seen.total() > before + 100, "requests")  # pylint: disable=cell-var-from-loop
        apps[number % 3].start()
    ends.set()
    for thread in threads:
        thread.join()
    assert {status for method, status in seen if method != "POST"} == {200}, seen
    assert {status for method, status in seen if method == "POST"} <= {200, 502}, seen
