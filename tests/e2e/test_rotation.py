"""Logs that vif rotates itself: no line is lost or torn, whatever happens meanwhile; old parts are compressed, and
removed when there are too many."""
import itertools
import os
import pathlib
import re
import signal
import subprocess
import threading
import types

import pytest

import mounts
import open_folders
import succession
import vif
import wire
from test_reload import Site

pytestmark = pytest.mark.any_backend

NOBODY = 65534
OLD = "access.log.20200101T000000Z"
ARCHIVE = re.compile(r"\.log\.\d{8}T\d{6}Z(-\d\d)?(\.zst)?")
LINE = re.compile(r'127\.0\.0\.1 - - \[[^]]+\] "GET /text\?(\d+) HTTP/1\.1" 200 3 "-" "-"')
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="not root")


@pytest.fixture(autouse=True)
def _orphans():
    succession.adopt_orphans()


@pytest.fixture
def logs(tmp_path):
    """A folder that only the one who starts vif can read: the workers, who write there, cannot."""
    folder = tmp_path / "logs"
    folder.mkdir(mode=0o700)
    return folder


def reload(site):
    result = vif.run("reload", "-c", site.running.config_path)
    assert result.returncode == 0, result


def archives_of(folder, log="access.log"):
    """The oldest first: the second one of a second has "-01" behind its time, and ".zst" comes after that."""
    return sorted((path for path in folder.iterdir()
                   if path.name.startswith(log) and ARCHIVE.fullmatch(path.name[len(log) - len(".log"):])),
                  key=lambda path: path.name.removesuffix(".zst"))


def compressed(archives):
    return [path for path in archives if path.suffix == ".zst"]


def text_of(path):
    if path.suffix != ".zst":
        return path.read_text(encoding="ascii")
    return subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout.decode("ascii")


def numbers_in(folder):
    """Of all lines that were ever written, each of which is whole. The server has ended; if it was about to begin a new
    file just then, there is none yet."""
    numbers = []
    for path in [*archives_of(folder), *folder.glob("access.log")]:
        text = text_of(path)
        assert text == "" or text.endswith("\n"), path
        for line in text.splitlines():
            match = LINE.fullmatch(line)
            assert match, (path, line)
            numbers.append(int(match.group(1)))
    return numbers


def keeper_of(process):
    found = [pid for pid in vif.children_of(process.pid) if vif.name_of(pid) == vif.LOG_KEEPER]
    return found[0] if found else None


def rotating(logs, **rules):
    return {"access": str(logs / "access.log"), "error": str(logs / "error.log"),
            "rotate": {"size": "4KiB", **rules}}


class Clients:
    """They ask for numbers, each once, until they are stopped. A connection that the server has ended, as an upgrade
    lets it, is followed by another one: what was not answered was not asked for."""

    def __init__(self, site, count=3):
        self.site, self.numbers, self.answered, self.faults = site, itertools.count(), [], []
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self):
        client = self.site.running.connect()
        try:
            while not self.is_over.is_set():
                number = next(self.numbers)
                response = client.exchange("GET", f"/text?{number}")
                assert response.status == 200
                self.answered.append(number)
                if response.closes:
                    client.close()
                    client = self.site.running.connect()
        except (AssertionError, OSError) as fault:
            self.faults.append(fault)

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()
        assert not self.faults, self.faults


def await_rotations(folder, more=3):
    before = len(archives_of(folder))
    wire.wait_until(lambda: len(archives_of(folder)) >= before + more, f"{more} more rotations")


def test_no_line_is_lost_or_torn(server, root, logs):
    """Across rotations, reopening, reloads, and a program that takes over while requests come."""
    site = Site(server, root, log=rotating(logs, keep=1000))
    succession.wait_until_found(site.running)
    clients = Clients(site)
    try:
        await_rotations(logs)
        assert vif.run("reopen", "-c", site.running.config_path).returncode == 0
        await_rotations(logs)
        site.set_text("two")
        reload(site)
        await_rotations(logs)
        former = succession.upgrade(site.running)
        await_rotations(logs)
        assert former.wait(vif.STOP_SECONDS) == 0
    finally:
        clients.stop()
    site.running.stop()
    assert sorted(numbers_in(logs)) == sorted(clients.answered)


def fill(running, folder, more=1):
    """Requests one after the other until there are more archives."""
    before, number = len(archives_of(folder)), itertools.count()
    with running.connect() as client:
        wire.wait_until(
            lambda: [client.exchange("GET", f"/text?{next(number)}") for _ in range(20)] and
            len(archives_of(folder)) >= before + more, "a rotation")


def test_old_parts_are_compressed_and_keep_their_rights(server, root, logs):
    site = Site(server, root, log=rotating(logs, keep=1000))
    os.chmod(logs / "access.log", 0o604)
    fill(site.running, logs)
    wire.wait_until(lambda: len(archives_of(logs)) == len(compressed(archives_of(logs))), "compressed archives")
    oldest = archives_of(logs)[0]
    assert oldest.stat().st_mode & 0o777 == 0o604
    assert LINE.match(text_of(oldest))
    assert not list(logs.glob("*.part"))


def test_only_so_many_are_kept_and_nothing_else_is_touched(server, root, logs):
    others = [logs / name for name in ("access.log.1", "access.log.20200101", "access.log.20200101T000000Z.txt",
                                       "access.log.20200101T000000Z-1", "other.log.20200101T000000Z")]
    for path in others:
        path.write_text("not vif's")
    old = logs / OLD
    old.write_text("an old part\n")
    site = Site(server, root, log=rotating(logs, keep=2))
    fill(site.running, logs, more=2)
    wire.wait_until(lambda: not list(logs.glob(old.name + ".zst")) and not old.exists(), "the oldest to go")
    wire.wait_until(lambda: len(archives_of(logs)) == 2, "two to be left")
    assert all(path.exists() for path in others)


def test_an_interrupted_compression_is_begun_anew(server, root, logs):
    old, part = logs / OLD, logs / (OLD + ".zst.part")
    old.write_text("an old part\n")
    part.write_text("half")
    Site(server, root, log=rotating(logs))
    wire.wait_until(lambda: not old.exists(), "it to be compressed")
    assert text_of(logs / (old.name + ".zst")) == "an old part\n"
    assert not part.exists()


def test_an_old_part_that_somebody_writes_to_waits(server, root, logs):
    """As a worker does that has not heard of a rotation yet."""
    busy, idle = logs / OLD, logs / "access.log.20200102T000000Z"
    busy.write_text("a")
    idle.write_text("b")
    with open(busy, "a", encoding="ascii") as writer:
        Site(server, root, log=rotating(logs))
        wire.wait_until(lambda: not idle.exists(), "the other one to be compressed")
        assert busy.exists()
        writer.write("c")
    wire.wait_until(lambda: not busy.exists(), "this one to be compressed")
    assert text_of(logs / (busy.name + ".zst")) == "ac"


def test_by_age(server, root, logs):
    """Also the log of errors and those of sites. What has no lines stays."""
    config = rotating(logs, size="none", age="1s", compress="none")
    site = Site(server, root, log=config, sites=[
        {"hosts": "a.example", "routes": {"/": {"respond": "a"}}, "log": str(logs / "a.log")},
        {"hosts": "b.example", "routes": {"/": {"respond": "b"}}, "log": str(logs / "b.log")}])
    assert site.running.get("/", {"Host": "a.example"}).status == 200
    wire.wait_until(lambda: archives_of(logs, "a.log"), "the site's log to be rotated")
    wire.wait_until(lambda: archives_of(logs, "error.log"), "the error log to be rotated")
    assert not archives_of(logs, "b.log")
    assert not archives_of(logs, "access.log")


def test_a_link_stays_and_leads_to_a_new_file(server, root, logs, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir(mode=0o700)
    (logs / "access.log").symlink_to(disk / "access.log")
    site = Site(server, root, log=rotating(logs, compress="none"))
    fill(site.running, disk)
    assert (logs / "access.log").is_symlink()
    wire.wait_until((disk / "access.log").exists, "the new file")


def test_a_reload_begins_and_ends_it(server, root, logs):
    site = Site(server, root, log={"access": str(logs / "access.log")})
    assert keeper_of(site.running.process) is None
    site.write(log=rotating(logs))
    reload(site)
    wire.wait_until(lambda: keeper_of(site.running.process), "the process that rotates")
    fill(site.running, logs)
    site.write(log={"access": str(logs / "access.log")})
    reload(site)
    wire.wait_until(lambda: keeper_of(site.running.process) is None, "its end")


def test_a_reload_that_changes_no_log_leaves_its_process_alone(server, root, logs):
    """It may be in the middle of a long compression."""
    site = Site(server, root, log=rotating(logs))
    keeper = wire.wait_until(lambda: keeper_of(site.running.process), "the process that rotates")
    site.set_text("two")
    reload(site)
    assert site.running.get("/text").body == b"two"
    fill(site.running, logs)
    assert keeper_of(site.running.process) == keeper
    site.write(log=rotating(logs, keep=3))
    reload(site)
    wire.wait_until(lambda: keeper_of(site.running.process) not in (None, keeper), "one with the new rules")


@needs_root
def test_a_link_of_others_is_not_followed(server, root, logs, tmp_path):
    """The folder is that of another user, who could have root rename any file."""
    victim = tmp_path / "victim"
    victim.touch(mode=0o600)
    (logs / "access.log").symlink_to(victim)
    os.chown(logs, NOBODY, NOBODY)
    running = server(config={"sites": [{"routes": {"/text": {"respond": "one"}}}], "log": {
        "access": str(logs / "access.log"), "rotate": {"size": "4KiB"}}})
    said = f"cannot rotate the log {logs}/access.log: a symbolic link in a folder that others can write to"
    with running.connect() as client:
        while victim.stat().st_size < 16384:
            assert client.exchange("GET", "/text").status == 200
    wire.wait_until(lambda: said in running.stderr(), "the complaint")
    assert not archives_of(tmp_path, "victim") and victim.exists()
    assert running.stderr().count(said) == 1


def test_its_process_is_replaced_and_ends_with_the_server(server, root, logs):
    site = Site(server, root, log=rotating(logs))
    former = wire.wait_until(lambda: keeper_of(site.running.process), "the process that rotates")
    os.kill(former, signal.SIGKILL)
    keeper = wire.wait_until(lambda: keeper_of(site.running.process) not in (None, former) and
                             keeper_of(site.running.process), "another one")
    assert "the process that rotates the logs has ended (signal 9)" in (logs / "error.log").read_text()
    site.running.stop()
    succession.wait_for_end(keeper)


def test_it_has_no_socket_of_the_server(server, root, logs):
    """Else clients would wait in a port after its end."""
    site = Site(server, root, log=rotating(logs))
    keeper = wire.wait_until(lambda: keeper_of(site.running.process), "the process that rotates")
    folder = f"/proc/{keeper}/fd"

    def has_no_socket():
        return not [fd for fd in os.listdir(folder) if int(fd) > 2 and os.readlink(f"{folder}/{fd}").startswith("socket:")]

    wire.wait_until(has_no_socket, "it to close them")


def start_as_nobody(config_path):
    return subprocess.Popen([vif.BINARY, "run", "-c", str(config_path)], user=NOBODY, group=NOBODY, extra_groups=[],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@needs_root
def test_a_folder_that_takes_no_files_is_said_once_and_requests_go_on(root, logs, tmp_path):
    """vif is not root, and may write to its logs but not rename them."""
    port = vif.free_port()
    for name in ("access.log", "error.log"):
        (logs / name).touch()
        os.chown(logs / name, NOBODY, NOBODY)
    logs.chmod(0o755)
    config = tmp_path / "vif.yaml"
    config.write_text(f"""
listen: "127.0.0.1:{port}"
workers: 1
log: {{access: {logs}/access.log, error: {logs}/error.log, rotate: {{size: 4KiB, age: 1s}}}}
sites: [{{routes: {{/: {{respond: one}}}}}}]
""")
    open_folders.let_others_in(tmp_path)
    process = start_as_nobody(config)
    try:
        said = f"cannot rotate the log {logs}/error.log: permission denied"
        wire.wait_until(lambda: said in (logs / "error.log").read_text().lower(), "the complaint")
        with wire.Client(("127.0.0.1", port)) as client:
            assert client.exchange("GET", "/").status == 200
        assert (logs / "error.log").read_text().lower().count(said) == 1
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(vif.STOP_SECONDS) == 0


def test_a_full_disk_is_said_and_it_goes_on(server, root, logs):
    """There is no room for a line, and none for what is compressed."""
    fill_it = (f'mount -t tmpfs -o size=512k,mode=700 none {logs} && echo "an old part" > {logs}/$OLD && '
               f'cat /dev/zero > {logs}/ballast 2> /dev/null; exec "$0" "$@"').replace("$OLD", OLD)
    config = {"access": str(logs / "access.log"), "rotate": {"size": "4KiB", "keep": 1000}}
    running = server(config={"sites": [{"routes": {"/text": {"respond": "one"}}}], "log": config},
                     prefix=[*mounts.prefix(), "sh", "-c", fill_it])
    inside = pathlib.Path(f"/proc/{running.process.pid}/root{logs}")
    wire.wait_until(lambda: f"cannot compress {logs}/{OLD}: " in running.stderr(), "the first")
    assert (inside / OLD).read_text() == "an old part\n"
    assert running.get("/text?1").status == 200
    wire.wait_until(lambda: "access log: cannot write: " in running.stderr(), "the second")
    (inside / "ballast").unlink()
    fill(running, inside)
    wire.wait_until(lambda: not (inside / OLD).exists(), "it to be compressed after all")
    assert text_of(inside / (OLD + ".zst")) == "an old part\n"
    (inside / (OLD + ".zst")).unlink()
    wire.wait_until(lambda: 1 in numbers_in(inside), "the line that had no room")


def has_room(folder, length=200):
    """For a line or two."""
    try:
        with open(folder / "probe", "wb") as probe:
            probe.write(bytes(length))
        return True
    except OSError:
        return False
    finally:
        (folder / "probe").unlink(missing_ok=True)


def test_a_full_disk_tears_no_line(server, logs):
    """Several workers come to the end of the room, again and again; what found none is written when there is some."""
    mount_it = f'mount -t tmpfs -o size=64k,mode=700 none {logs}; exec "$0" "$@"'
    running = server(config={"sites": [{"routes": {"/text": {"respond": "one"}}}], "workers": 3,
                             "log": {"access": str(logs / "access.log")}},
                     prefix=[*mounts.prefix(), "sh", "-c", mount_it])
    inside = pathlib.Path(f"/proc/{running.process.pid}/root{logs}")
    clients = Clients(types.SimpleNamespace(running=running))
    try:
        for ballast in (48, 36, 24, 12):
            (inside / "ballast").write_bytes(bytes(ballast << 10))
            wire.wait_until(lambda: not has_room(inside), "a full disk")
            (inside / "ballast").unlink()
    finally:
        clients.stop()
    mounts.inside(running, "mount", "-o", "remount,size=16m", logs)
    wire.wait_until(lambda: len(numbers_in(inside)) == len(clients.answered), "the lines that had no room")
    assert sorted(numbers_in(inside)) == sorted(clients.answered)


def test_a_disk_with_room_for_no_new_file_is_said_and_it_goes_on(server, root, logs):
    """The log was renamed, and there is none to rotate until somebody creates it."""
    config = {"access": str(logs / "access.log"), "rotate": {"size": "4KiB", "keep": 1000, "compress": "none"}}
    fill_it = f'mount -t tmpfs -o nr_inodes=8,mode=700 none {logs}; exec "$0" "$@"'
    running = server(config={"sites": [{"routes": {"/text": {"respond": "one"}}}], "log": config},
                     prefix=[*mounts.prefix(), "sh", "-c", fill_it])
    inside = pathlib.Path(f"/proc/{running.process.pid}/root{logs}")
    ballast = []
    with pytest.raises(OSError):
        for number in range(8):
            (inside / f"ballast{number}").touch()
            ballast.append(inside / f"ballast{number}")
    fill(running, inside)
    assert not (inside / "access.log").exists()
    for path in ballast:
        path.unlink()
    wire.wait_until((inside / "access.log").exists, "the new file")
    fill(running, inside)


@pytest.mark.parametrize("rules, words", [
    ("{size: 1}", 'log.rotate.size: expected a size from 4KiB to 1TiB, or none, not "1"'),
    ("{size: none}", "with neither a size nor an age no log is ever rotated"),
    ("{compress: gzip}", 'log.rotate.compress: expected auto, zstd or none, not "gzip"'),
    ("{kep: 3}", 'unknown option "kep" in log.rotate; did you mean "keep"?'),
    ("{keep: 0}", "log.rotate.keep: expected a number from 1 to 100000"),
    ("daily", "expected a map of options"),
    ("true", None),
    ("{size: none, age: 1d, compress: none}", None),
])
def test_values(rules, words, tmp_path):
    path = tmp_path / "vif.yaml"
    path.write_text(f"sites: [{{routes: {{/: {{respond: one}}}}}}]\nlog: {{access: a.log, rotate: {rules}}}\n")
    result = vif.run("check", "-c", path)
    assert result.returncode == (2 if words else 0), result
    assert (words or "") in result.stderr
