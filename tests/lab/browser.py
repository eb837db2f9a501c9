"""Headless Chromium: what a page has become, and what its console says.

CHROMIUM names the program, by default `chromium` of the PATH. On Ubuntu that is a snap, which starts only where snapd
runs; who has none skips the tests."""
import functools
import os
import re
import shutil
import subprocess

COMMAND = os.environ.get("CHROMIUM", "chromium")
DARK = "--blink-settings=preferredColorScheme=0"
LIGHT = "--blink-settings=preferredColorScheme=1"
BROWSER_SECONDS = 150


@functools.cache
def missing():
    """Why there is no browser; None where there is one."""
    if not shutil.which(COMMAND):
        return f"{COMMAND} is not installed"
    try:
        result = subprocess.run([COMMAND, "--version"], capture_output=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return f"{COMMAND} does not start"
    return None if result.returncode == 0 and b"Chrom" in result.stdout else f"{COMMAND} does not start"


def console(stderr):
    """What pages said on the console; messages of the browser about itself have another form."""
    return [line for line in stderr.splitlines() if re.search(r"\bCONSOLE\b", line)]


class Browser:
    def __init__(self, folder):
        self.folder = folder

    def run(self, page, *options, width=1200, height=1600):
        """Returns standard output and what the page said on its console."""
        command = [
            COMMAND, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
            "--disable-background-networking", "--disable-dev-shm-usage", f"--user-data-dir={self.folder / 'profile'}",
            "--enable-logging=stderr", "--virtual-time-budget=4000", f"--window-size={width},{height}", *options,
            page.as_uri(),
        ]
        result = subprocess.run(command, capture_output=True, text=True, timeout=BROWSER_SECONDS, check=False,
                                env={**os.environ, "HOME": str(self.folder)})
        assert result.returncode == 0, result.stderr
        return result.stdout, console(result.stderr)

    def dom(self, page, *options, **size):
        return self.run(page, "--dump-dom", *options, **size)
