"""`make install`, and what operators do then: the unit, the example, the README's site, log rotation.

Builds a copy of the sources once, so that the developer's own build keeps its prefix.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 30
INSTALLED = {
    "bin/vif",
    "lib/systemd/system/vif.service",
    "lib/sysusers.d/vif.conf",
    "share/bash-completion/completions/vif",
    "share/man/man1/vif.1",
    "share/vif/grafana-dashboard.json",
    "share/vif/logrotate",
    "share/vif/prometheus-alerts.yaml",
    "share/vif/vif.yaml",
    "share/zsh/site-functions/_vif",
}


def make(folder, *words):
    result = subprocess.run(["make", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A built copy of what git knows, and of what is new beside it."""
    folder = tmp_path_factory.mktemp("sources")
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=REPOSITORY,
                           capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    make(folder, "LTO=false")
    return folder


@pytest.fixture(scope="module")
def prefix(sources, tmp_path_factory):
    """A place of its own where all of it is installed, as if for good."""
    place = tmp_path_factory.mktemp("prefix")
    make(sources, "install", f"PREFIX={place}")
    return place


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def paths_in(unit):
    return set(re.findall(r"^Exec\w+=(\S+)", unit.read_text(), re.MULTILINE))


@pytest.mark.parametrize("place", ["/usr", "/opt/vif", "/usr/local"])
def test_the_prefix_of_the_last_command_counts(sources, place):
    """Whatever was configured and installed before; DESTDIR may be relative."""
    make(sources, "install", f"PREFIX={place}", f"DESTDIR=d{place}")
    files = files_below(sources / f"d{place}")
    site = {name for name in files if name.startswith(f"{place[1:]}/share/vif/www/")}
    assert files - site == {f"{place[1:]}/{name}" for name in INSTALLED}
    assert f"{place[1:]}/share/vif/www/index.html" in site
    assert paths_in(sources / f"d{place}{place}/lib/systemd/system/vif.service") == {f"{place}/bin/vif"}
    assert f"root: {place}/share/vif/www" in (sources / f"d{place}{place}/share/vif/vif.yaml").read_text()


def test_systemd_takes_the_unit(prefix):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    # It looks for the manual page too.
    environment = {**os.environ, "MANPATH": str(prefix / "share/man")}
    result = subprocess.run(["systemd-analyze", "verify", prefix / "lib/systemd/system/vif.service"],
                            capture_output=True, text=True, check=False, env=environment)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_unit_is_hardened(prefix):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    unit = prefix / "lib/systemd/system/vif.service"
    result = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", unit],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-200:] + result.stderr


def test_systemd_takes_the_user(prefix, tmp_path):
    if shutil.which("systemd-sysusers") is None:
        pytest.skip("there is no systemd-sysusers here")
    (tmp_path / "etc").mkdir()
    result = subprocess.run(["systemd-sysusers", f"--root={tmp_path}", prefix / "lib/sysusers.d/vif.conf"],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert re.search(r"^vif:x:\d+:\d+:vif web server:/:\S+/nologin$", (tmp_path / "etc/passwd").read_text(), re.MULTILINE)


class Service:
    """vif as the unit starts it: with the folder of logs in the environment, and telling when it is ready."""

    def __init__(self, prefix, folder, config):
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.port = free_port()
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(folder / "notify"))
        self.notices.settimeout(START_SECONDS)
        config.write_text(re.sub(r"^listen: .*$", f'listen: ["127.0.0.1:{self.port}"]', config.read_text(),
                                 flags=re.MULTILINE))
        environment = {**os.environ, "LOGS_DIRECTORY": str(self.logs), "NOTIFY_SOCKET": str(folder / "notify")}
        check = subprocess.run([prefix / "bin/vif", "check", "-c", config], env=environment, cwd="/", check=False,
                               capture_output=True, text=True)
        assert check.returncode == 0, check.stderr
        self.process = subprocess.Popen([prefix / "bin/vif", "run", "-c", config], env=environment, cwd="/",
                                        stderr=subprocess.PIPE, text=True)
        self.wait_for("READY=1")

    def wait_for(self, word):
        while word not in self.notices.recv(4096).decode():
            pass

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=START_SECONDS) as answer:
            return answer.read().decode()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        words = self.process.communicate(timeout=START_SECONDS)[1]
        self.notices.close()
        assert self.process.returncode == 0, words


def wait_until(condition):
    """The test's time limit ends it."""
    while not condition():
        time.sleep(0.01)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def start(prefix, tmp_path):
    services = []

    def start_service(config):
        services.append(Service(prefix, tmp_path, config))
        return services[-1]

    yield start_service
    for service in services:
        service.stop()


@pytest.fixture
def etc(tmp_path):
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc"


def test_the_example_starts_as_it_stands(prefix, etc, start):
    shutil.copy(prefix / "share/vif/vif.yaml", etc)
    service = start(etc / "vif.yaml")
    assert "<title>" in service.get("/")
    assert service.get("/health").strip() == "ok"
    service.stop()
    assert (service.logs / "access.log").read_text().count("GET /") == 2
    assert files_below(etc) == {"vif.yaml"}


def test_a_stop_by_the_unit_leaves_requests_to_the_workers(prefix, etc, start, tmp_path):
    """systemd starts the next one as soon as the command and the main process have ended: the port is free then."""
    unit = (prefix / "lib/systemd/system/vif.service").read_text()
    assert re.search(r"^KillMode=process$", unit, re.MULTILINE)
    shutil.copy(prefix / "share/vif/vif.yaml", etc)
    config = etc / "vif.yaml"
    config.write_text(config.read_text() + "      /large: {files: " + str(tmp_path / "large") + "}\n")
    (tmp_path / "large").mkdir()
    with open(tmp_path / "large" / "file", "wb") as file:
        file.truncate(64 << 20)
    for folder in (*[path for path in tmp_path.parents if path.stat().st_uid == os.geteuid()][:3], tmp_path):
        folder.chmod(folder.stat().st_mode | 0o755)
    service = start(config)
    with socket.create_connection(("127.0.0.1", service.port)) as download:
        download.sendall(b"GET /large/file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        received = len(download.recv(65536))
        command = re.search(r"^ExecStop=(.*)$", unit, re.MULTILINE).group(1).replace("$MAINPID", str(service.process.pid))
        subprocess.run(command.split(), check=True, timeout=START_SECONDS)
        assert service.process.wait(START_SECONDS) == 0
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", service.port))
        while piece := download.recv(1 << 20):
            received += len(piece)
        assert received > 64 << 20


def readme_block(heading, kind=""):
    section = (REPOSITORY / "README.md").read_text(encoding="utf-8").split(f"\n## {heading}\n")[1]
    return re.search(rf"^```{kind}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL).group(1)


def test_the_site_of_the_readme_runs_as_it_says(prefix, tmp_path, etc, start):
    """What its commands copy is copied here, below another /etc; then vif runs as the unit would start it."""
    home = tmp_path / "home"
    (home / "public").mkdir(parents=True)
    (home / "public/index.html").write_text("welcome")
    (home / "public/404.html").write_text("lost")
    (home / "vif.yaml").write_text(readme_block("A site", "yaml"))
    (etc / "logrotate.d").mkdir()
    commands = [line.removeprefix("sudo ") for line in readme_block("Running it").splitlines()]
    assert commands[0] == "make install" and commands[-1].startswith("systemctl ")
    for command in commands[1:-1]:
        command = command.replace("/etc/", f"{etc}/").replace("/usr/local/", f"{prefix}/")
        subprocess.run(command, shell=True, cwd=home, check=True)
    installed = files_below(etc)
    service = start(etc / "vif/vif.yaml")
    assert service.get("/") == "welcome"
    service.stop()
    assert json.loads((service.logs / "access.log").read_text())["status"] == 200
    assert files_below(etc) == installed


def test_logs_are_rotated(prefix, tmp_path, etc, start):
    """By the file that is installed, with the folder of this test and, systemd not being here, a plain kill."""
    logrotate = shutil.which("logrotate", path=f"{os.environ['PATH']}:/usr/sbin")
    if logrotate is None:
        pytest.skip("there is no logrotate here")
    shutil.copy(prefix / "share/vif/vif.yaml", etc)
    service = start(etc / "vif.yaml")
    service.get("/health")
    text = (prefix / "share/vif/logrotate").read_text()
    rules = text.replace("/var/log/vif", str(service.logs))
    rules = re.sub(r"systemctl kill --signal=USR1 .*", f"kill -s USR1 {service.process.pid}", rules)
    assert rules.count(str(tmp_path)) == 1 and f"kill -s USR1 {service.process.pid}" in rules
    (etc / "rules").write_text(rules)

    def rotate(*words):
        result = subprocess.run([logrotate, "--state", tmp_path / "state", *words, etc / "rules"],
                                capture_output=True, text=True, check=False)
        assert result.returncode == 0 and "error" not in result.stderr, result.stderr
        return result.stderr

    log = service.logs / "access.log"
    assert str(log) in rotate("--debug")
    wait_until(lambda: log.stat().st_size > 0)
    rotate("--force")
    old = log.with_suffix(".log.1").read_text()
    assert '"GET /health HTTP/1.1"' in old
    # Each worker opens its file anew in its own time.
    wait_until(lambda: '"GET / ' in service.get("/") + (log.read_text() if log.exists() else ""))
