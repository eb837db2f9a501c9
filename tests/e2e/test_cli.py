"""The command line: help, mistakes told with place and remedy, configurations checked."""
import json
import os
import re
import signal
import socket
import subprocess

import pytest

import tree
import vif
import wire

pytestmark = pytest.mark.any_backend


def fails(*arguments, **options):
    """It ends with a mistake told on standard error, and nothing on standard output."""
    done = vif.run(*arguments, **options)
    assert done.returncode > 0, done
    assert done.stderr.strip(), done
    assert done.stdout == "", done
    for accusation in vif.ACCUSATIONS:
        assert accusation not in done.stderr
    return done.stderr


def succeeds(*arguments):
    done = vif.run(*arguments)
    assert done.returncode == 0, done
    assert done.stderr == "", done
    return done.stdout


# Help and version.


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help_fits_a_terminal(arguments):
    lines = succeeds(*arguments).splitlines()
    assert 5 < len(lines) < 30
    assert all(len(line) <= 80 for line in lines), max(lines, key=len)


def test_help_names_the_options():
    text = succeeds("--help")
    for option in ("-p", "-a", "-w", "-q", "--index", "--spa", "--no-listing", "--hidden", "--cors",
                   "--clean-urls", "--follow-links",
                   "--cache", "--error-page",
                   "--log-format", "--log-file", "--limit", "--timeout"):
        assert option in text, option


def test_help_names_every_command():
    text = succeeds("help").split("\n\n")[0]
    for command in ("run", "check", "load", "lab", "cert", "manual", "schema", "completion", "help", "version"):
        assert re.search(rf"\b{command}\b", text), command


@pytest.mark.parametrize("arguments", [["--version"], ["-V"], ["version"]])
def test_version(arguments):
    assert re.match(r"vif \d+\.\d+\.\d+\b", succeeds(*arguments))


# Mistakes.


@pytest.mark.parametrize(
    "option, suggestion",
    [("--lsiting", None), ("--no-listng", "--no-listing"), ("--prot", "--port"), ("--idnex=a", "--index"),
     ("--hiden", "--hidden"),
     ("--workes=2", "--workers"), ("--xyzzy", None)],
)
def test_unknown_option(option, suggestion, tmp_path):
    text = fails(option, tmp_path)
    assert option.split("=")[0] in text
    if suggestion:
        assert suggestion in text


def test_unknown_letter(tmp_path):
    assert "-Z" in fails("-Z", tmp_path)


def test_unknown_limit_is_suggested(tmp_path):
    text = fails("--limit", "boddy=1KiB", tmp_path)
    assert "boddy" in text and '"body"' in text


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["-p"], "port"), (["-p", "x"], "x"), (["-p", "65536"], "65536"), (["-p", "-1"], "-1"),
        (["-p", ""], "port"),
        (["-w", "many"], "many"), (["-a", "300.1.1.1"], "300.1.1.1"), (["-a", "nonsense"], "nonsense"),
        (["--limit", "body"], "body"), (["--limit", "body=x"], "x"), (["--limit", "body=-1"], "-1"),
        (["--limit", "body=1XB"], "1XB"),
        (["--limit", "head=1"], "1"), (["--limit", "headers=2000"], "2000"), (["--timeout", "idle"], "idle"),
        (["--timeout", "idle=soon"], "soon"), (["--timeout", "idle=-1s"], "-1s"),
        (["--log-format", "fancy"], "fancy"),
        (["--error-page", "404"], "404"), (["--error-page", "200=a.html"], "200"),
        (["--error-page", "404=../a.html"], "../a.html"),
        (["--cache", "*.css"], "*.css"), (["--cache", "*.css=a\nb"], "cache"),
        (["--cors=a b"], "a b"), (["--cors="], "origin"), (["--cors=https://a.b,"], "origin"),
        (["--no-listing=yes"], "no-listing"),
        (["--index", "a/b"], "a/b"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_value_that_is_none(arguments, word, tmp_path):
    assert word in fails(*arguments, *([] if arguments == ["-p"] else [tmp_path]))


def test_log_file_that_cannot_be_opened(tmp_path):
    # This is noticed only when the port is taken.
    assert "/nonexistent/folder/a.log" in fails(
        "-a", "127.0.0.1", "-p", vif.free_port(), "--log-file", "/nonexistent/folder/a.log", tmp_path)


def test_missing_folder():
    text = fails("/nonexistent/folder")
    assert "/nonexistent/folder" in text
    assert "No such file or directory" in text or "does not exist" in text


def test_mistaken_command_is_suggested(tmp_path):
    assert "check" in fails("chekc", cwd=tmp_path)


def test_one_folder_only(tmp_path):
    assert str(tmp_path) in fails(tmp_path, tmp_path)


def test_busy_port(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        text = fails("-a", "127.0.0.1", "-p", port, tmp_path)
    assert str(port) in text
    assert "taken" in text or "in use" in text


def test_port_busy_by_another_vif(server, site_root, tmp_path):
    """SO_REUSEPORT must not let two masters share a port by accident."""
    running = server(site_root)
    text = fails("-a", "127.0.0.1", "-p", running.port, tmp_path)
    assert str(running.port) in text
    assert running.get("/hello.txt").body == tree.HELLO


def test_several_mistakes_are_told_at_once(tmp_path):
    text = fails("--limit", "body=x", "--timeout", "idle=y", tmp_path)
    assert "body" in text and "idle" in text


@pytest.mark.parametrize("line", ["error", "vif:"])
def test_mistakes_name_their_program_or_kind(line, tmp_path):
    assert line in fails("--xyzzy", tmp_path)


# Starting.


def test_banner_names_the_url(server, site_root):
    running = server(site_root)
    running.get("/hello.txt")
    url = f"http://127.0.0.1:{running.port}/"
    wire.wait_until(lambda: url in running.stdout() + running.stderr(), "the banner")  # it answers before


def test_interrupt_ends_it(server, site_root):
    running = server(site_root)
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(10) in (0, -signal.SIGINT, 130)
    running.check_words()
    running.process = None


def test_options_may_stand_behind_the_folder(tmp_path):
    tree.write(tmp_path, "start.html", b"start")
    port = vif.free_port()
    command = [vif.BINARY, str(tmp_path), "-a", "127.0.0.1", "--index", "start.html", "-qp", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:

        def answer():
            try:
                with wire.Client(("127.0.0.1", port)) as client:
                    return client.exchange("GET", "/").body
            except ConnectionRefusedError:
                return None

        assert wire.wait_until(answer, "it to listen") == b"start"
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_unix_socket(tmp_path):
    tree.write(tmp_path, "a.txt", b"by a unix socket")
    path = tmp_path / "vif.sock"
    process = subprocess.Popen([vif.BINARY, "-q", "-a", f"unix:{path}", str(tmp_path)])
    try:

        def answer():
            try:
                with wire.Client(str(path), family=socket.AF_UNIX) as client:
                    return client.exchange("GET", "/a.txt").body
            except (FileNotFoundError, ConnectionRefusedError):
                return None

        assert wire.wait_until(answer, "it to listen") == b"by a unix socket"
    finally:
        process.terminate()
        assert process.wait(10) == 0


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed(closed, tmp_path):
    """No socket or file takes their place: a line of a log would go into it."""
    tree.write(tmp_path, "a.txt", b"without streams")
    port = vif.free_port()
    script = f'exec "$0" "$@" {closed}'
    command = ["sh", "-c", script, vif.BINARY, "-a", "127.0.0.1", "-p", str(port), "-w", "1", str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:

        def answer():
            try:
                with wire.Client(("127.0.0.1", port)) as client:
                    return client.exchange("GET", "/a.txt").body
            except ConnectionRefusedError:
                return None

        assert wire.wait_until(answer, "it to listen") == b"without streams"
        for pid in [process.pid, *vif.workers_of(process)]:
            for fd, sign in enumerate(("<&-", ">&-", "2>&-")):
                expected = "/dev/null" if sign in closed.split() else "pipe:"
                assert os.readlink(f"/proc/{pid}/fd/{fd}").startswith(expected), (pid, fd)
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert process.returncode == 0


def test_ipv6(tmp_path):
    tree.write(tmp_path, "a.txt", b"by IPv6")
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
    port = vif.free_port()
    process = subprocess.Popen([vif.BINARY, "-q", "-a", "::1", "-p", str(port), str(tmp_path)])
    try:

        def answer():
            try:
                with wire.Client(("::1", port), family=socket.AF_INET6) as client:
                    return client.exchange("GET", "/a.txt", host=f"[::1]:{port}").body
            except ConnectionRefusedError:
                return None

        assert wire.wait_until(answer, "it to listen") == b"by IPv6"
    finally:
        process.terminate()
        assert process.wait(10) == 0


# Configurations.

GOOD = """\
listen: ["127.0.0.1:8080"]
workers: 1
log: {access: {path: "%(folder)s/a.log", format: json}, error: {path: "-", level: info}}
limits: {connections: 16384, connections_per_address: none, head: 16KiB, uri: 8KiB, headers: 100, body: 1MiB,
         requests_per_connection: none, cache: 64MiB, cache_file: 64KiB, cache_entries: 2048}
timeouts: {head: 10s, body: 20s, idle: 60s, write: 20s, linger: 5s, drain: 30s, min_rate: 240}
sites:
  - hosts: [example.com, "*.example.org"]
    routes:
      /:
        files: {root: ./public, index: [index.html], listing: true, hidden: false, fallback: /index.html,
                cors: "*", cache: {"*.css": "max-age=3600"}, error_pages: {404: 404.html}}
        headers: {set: {X-A: b}, remove: [Server]}
      /old: {redirect: {to: "https://example.com/new{path}", status: 308}}
      /health: {respond: {status: 200, body: "ok\\n", type: text/plain}}
"""


@pytest.fixture
def configuration(tmp_path):
    """configuration(text): the path of a file with that text, beside a folder "public" with a page for all errors."""
    for name in ("index.html", "404.html"):
        tree.write(tmp_path / "public", name, b"a page")

    def write(text):
        path = tmp_path / "vif.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_check_of_a_good_file(configuration, tmp_path):
    assert "vif.yaml" in succeeds("check", "-c", configuration(GOOD % {"folder": tmp_path}))


def test_check_takes_0_for_no_limit(configuration):
    limits = "limits: {connections_per_address: 0, requests_per_connection: 0}\n"
    succeeds("check", "-c", configuration(limits + "sites: [{routes: {/: {respond: x}}}]\n"))


def test_check_writes_no_log(configuration, tmp_path):
    succeeds("check", "-c", configuration(GOOD % {"folder": tmp_path}))
    assert not (tmp_path / "a.log").exists()


def test_check_and_run_know_included_files(configuration, tmp_path, server):
    tree.write(tmp_path / "sites", "a.yaml", b"sites: [{routes: {/: {files: ../public}}}]\n")
    path = configuration(f"include: {tmp_path}/sites/*.yaml\n")
    succeeds("check", "-c", path)
    running = server(config={"include": f"{tmp_path}/sites/*.yaml"})
    assert running.get("/").body == b"a page"
    tree.write(tmp_path / "sites", "b.yaml", b"limits:\n  haed: 1\n")
    assert "sites/b.yaml:2:3: error: " in fails("check", "-c", path)
    assert "sites/b.yaml:2:3: error: " in fails("run", "-c", path)


# A file, the line and the column of its first mistake, and words of the message.
MISTAKES = [
    ("listne: [':80']\nsites: [{routes: {/: {respond: x}}}]\n", 1, 1, ["listne", "listen"]),
    ("sites: [{routes: {/: {files: {root: ./public, listng: true}}}}]\n", 1, 47, ["listng", "listing"]),
    ("workers: many\nsites: [{routes: {/: {respond: x}}}]\n", 1, 10, ["many"]),
    ("workers: -1\nsites: [{routes: {/: {respond: x}}}]\n", 1, 10, ["-1"]),
    ("limits:\n  body: 12XB\nsites: [{routes: {/: {respond: x}}}]\n", 2, 9, ["12XB"]),
    ("limits:\n  headers: 2000\nsites: [{routes: {/: {respond: x}}}]\n", 2, 12, ["2000", "1000"]),
    ("timeouts:\n  idle: forever\nsites: [{routes: {/: {respond: x}}}]\n", 2, 9, ["forever"]),
    ("timeouts: 5s\nsites: [{routes: {/: {respond: x}}}]\n", 1, 11, []),
    ("listen: ['nonsense:port']\nsites: [{routes: {/: {respond: x}}}]\n", 1, 10, ["nonsense:port"]),
    ("log: {access: {format: fancy}}\nsites: [{routes: {/: {respond: x}}}]\n", 1, 24, ["fancy", "json"]),
    ("sites:\n  - routes:\n      nothing: {respond: x}\n", 3, 7, ["nothing"]),
    ("sites:\n  - routes:\n      /: {}\n", 3, None, []),
    ("sites:\n  - routes:\n      /: {respond: x, redirect: /y}\n", 3, None, ["redirect"]),
    ("sites:\n  - routes:\n      /: {files: {root: ./absent}}\n", 3, 25, ["absent"]),
    ("sites:\n  - routes:\n      /: {redirect: {to: /x, status: 200}}\n", 3, None, ["200"]),
    ("sites:\n  - routes:\n      /: {redirect: {status: 301}}\n", 3, None, ["to"]),
    ("sites:\n  - routes:\n      /: {respond: {status: 99}}\n", 3, 29, ["99"]),
    ("sites:\n  - routes:\n      /: {respond: x}\n      /: {respond: y}\n", 4, 7, ["/"]),
    ("sites:\n  - hosts: [a.example, a.example]\n    routes: {/: {respond: x}}\n", 2, None, ["a.example"]),
    ("sites:\n  - hosts: ['a b']\n    routes: {/: {respond: x}}\n", 2, 13, ["a b"]),
    ("sites:\n  - hosts: ['a.*.example']\n    routes: {/: {respond: x}}\n", 2, 13, ["a.*.example"]),
    ("sites: [{routes: {/: {respond: x, headers: {set: {'X A': b}}}}}]\n", 1, None, ["X A"]),
    ("sites: [{routes: {/: {respond: x, headers: {set: {X: \"a\\nb\"}}}}}]\n", 1, None, []),
    ("sites: [{routes: {/: {respond: x}}}]\nsites: [{routes: {/: {respond: x}}}]\n", 2, 1, ["sites"]),
    ("workers: 1\n", None, None, ["sites"]),
    ("sites: []\n", 1, None, ["sites"]),
    ("sites: [\n", None, None, []),
    ("sites: {\tbad\n", None, None, []),
    ("[1, 2]\n", 1, 1, []),
    ("just text\n", 1, 1, []),
    ("", None, None, []),
    ("# nothing\n", None, None, []),
    ("a: &a [*a]\nsites: [{routes: {/: {respond: x}}}]\n", 1, None, []),
    ("sites: [{routes: {/: {respond: x}}}]\n---\nsites: []\n", None, None, []),
]


@pytest.mark.parametrize("text, line, column, words", MISTAKES, ids=range(len(MISTAKES)))
def test_check_tells_the_place(configuration, text, line, column, words):
    path = configuration(text)
    errors = fails("check", "-c", path)
    if line:
        place = re.search(r"vif\.yaml:(\d+):(\d+): ", errors)
        assert place, errors
        assert int(place.group(1)) == line, errors
        assert column is None or int(place.group(2)) == column, errors
    else:
        assert "vif.yaml" in errors
    for word in words:
        assert word in errors, errors


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"sites: \xff\n", b"\x00",
                                  b"a: !!python/object:os.system x\n", b"- " * 5000, b"{" * 5000,
                                  b"a: &x [" + b"1," * 10 + b"]\nb: [*x,*x,*x]\n", b"%YAML 9.9\n---\na: b\n"],
                                  ids=range(8))
def test_check_survives_garbage(tmp_path, data):
    path = tmp_path / "vif.yaml"
    path.write_bytes(data)
    fails("check", "-c", path)


def test_mistakes_are_told_in_utf_8(tmp_path):
    """Even where the file is not; a terminal must not be given what it may take for commands."""
    path = tmp_path / "vif.yaml"
    path.write_bytes(b"sites: \xff\x9b31m\n")
    fails("check", "-c", path).encode("utf-8")


def test_check_tells_every_mistake(configuration):
    mistakes = "workers: x\nlimits: {body: y}\ntimeouts: {idle: z}\n"
    errors = fails("check", "-c", configuration(mistakes + "sites: [{routes: {/: {respond: x}}}]\n"))
    for place in ("vif.yaml:1:", "vif.yaml:2:", "vif.yaml:3:"):
        assert place in errors


def test_run_tells_what_check_tells(configuration):
    path = configuration("workers: many\nsites: [{routes: {/: {respond: x}}}]\n")
    assert "vif.yaml:1:10: " in fails("run", "-c", path)


def test_missing_configuration(tmp_path):
    for command in ("run", "check"):
        assert "absent.yaml" in fails(command, "-c", tmp_path / "absent.yaml")


def test_configuration_that_is_a_folder(tmp_path):
    assert str(tmp_path) in fails("check", "-c", tmp_path)


def test_flags_go_before_the_file(server, tmp_path):
    running = server(None, "--limit", "requests_per_connection=1",
                     config={"sites": [{"routes": {"/": {"respond": "x"}}}]})
    with running.connect() as client:
        client.request("GET", "/")
        assert client.read_last().body == b"x"


# The schema.


def test_schema_is_json_schema():
    schema = json.loads(succeeds("schema"))
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"listen", "workers", "log", "limits", "timeouts", "sites"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False


def test_schema_describes_every_property():
    def walk(node, path):
        for name, child in node.get("properties", {}).items():
            assert {"description", "$ref", "anyOf", "oneOf"} & set(child), f"{path}/{name}"
            walk(child, f"{path}/{name}")

    walk(json.loads(succeeds("schema")), "")
