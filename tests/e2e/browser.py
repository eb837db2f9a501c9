"""A headless Chromium that is driven over its debugging pipe: the least that tests of pages need."""
import base64
import contextlib
import json
import os
import shutil
import subprocess
import threading
import time

COMMAND = os.environ.get("CHROMIUM", "chromium")
SECONDS = 30


def is_there():
    return shutil.which(COMMAND) is not None


class Browser:
    """One page. What it logs as an error, the violations of its policy too, is in `complaints`."""

    def __init__(self, folder, size=(1280, 900)):
        ours, theirs = os.pipe(), os.pipe()

        def connect():
            """Chromium reads commands from descriptor 3 and writes to 4."""
            reads, writes = os.dup(ours[0]), os.dup(theirs[1])
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--hide-scrollbars",
                     f"--window-size={size[0]},{size[1]}", f"--user-data-dir={folder / 'profile'}", "about:blank"]
        with open(folder / "chromium.err", "wb") as errors:
            self.process = subprocess.Popen([COMMAND, *arguments], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                                            preexec_fn=connect, close_fds=False)
        os.close(ours[0])
        os.close(theirs[1])
        self.commands = ours[1]
        self.replies = os.fdopen(theirs[0], "rb")
        self.answers, self.complaints, self.changed = {}, [], threading.Condition()
        self.count, self.session = 0, None
        threading.Thread(target=self.listen, daemon=True).start()
        page = next(one for one in self.ask("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self.session = self.ask("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def listen(self):
        pending = b""
        with contextlib.suppress(ValueError, OSError):
            while data := self.replies.read1(65536):
                *messages, pending = (pending + data).split(b"\0")
                for message in map(json.loads, messages):
                    self.hear(message)

    def hear(self, message):
        with self.changed:
            if "id" in message:
                self.answers[message["id"]] = message
            elif message.get("method") == "Runtime.exceptionThrown":
                self.complaints.append(message["params"]["exceptionDetails"])
            elif message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
                self.complaints.append(message["params"]["entry"])
            self.changed.notify_all()

    def ask(self, method, **parameters):
        self.count += 1
        number = self.count
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        with self.changed:
            assert self.changed.wait_for(lambda: number in self.answers, SECONDS), f"{method}: no answer"
            answer = self.answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def open(self, url):
        self.ask("Page.navigate", url=url)

    def evaluate(self, expression):
        """The value of an expression in JavaScript."""
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, expression, seconds=SECONDS):
        end = time.monotonic() + seconds
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"{expression} did not come true: {self.complaints}"
            time.sleep(0.05)

    def prefer(self, scheme):
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def resize(self, width, height):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def press(self, key):
        """Tab or Enter."""
        code, text = {"Tab": (9, ""), "Enter": (13, "\r")}[key]
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)

    def screenshot(self, path):
        data = self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.commands)
        self.replies.close()
