"""What vif prints about itself: the committed documents are that, and what they promise is so."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import jsonschema
import pytest
import yaml

import strict_schema

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
AJV_FOLDER = REPOSITORY / "build-test" / "ajv" / "node_modules"
BINARY = os.environ.get("VIF_BINARY", str(REPOSITORY / "build" / "vif"))


def vif(*arguments, **options):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=20, check=False, **options)


def printed(*arguments):
    result = vif(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    "path, arguments",
    [
        ("docs/configuration.md", ["manual", "--markdown"]),
        ("docs/vif.1", ["manual", "--man"]),
        ("share/completion/vif.bash", ["completion", "bash"]),
        ("share/completion/_vif", ["completion", "zsh"]),
    ],
)
def test_committed_file_is_what_vif_prints(path, arguments):
    """When this fails: tools/print-documents."""
    assert (REPOSITORY / path).read_text(encoding="utf-8") == printed(*arguments)


@pytest.mark.parametrize("arguments", [["--help"], ["help"], ["run", "-h"]])
def test_help_fits_a_screen(arguments):
    lines = printed(*arguments).splitlines()
    assert len(lines) < 30
    assert max(map(len, lines)) <= 80


OF_A_RUNNING_SERVER = ["reload", "upgrade", "status", "top", "stop", "reopen"]
COMMANDS = ["serve", "proxy", "run", "check", *OF_A_RUNNING_SERVER, "load", "lab", "cert", "schema", "manual",
            "completion", "help", "version"]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_its_own_help(command):
    text = printed(command, "--help")
    assert text == printed(command, "-h") == printed("help", command)
    assert text.startswith(f"vif {command}")
    assert max(map(len, text.splitlines())) <= 80
    assert ("-c, --config FILE" in text) == (command in ("run", "check", *OF_A_RUNNING_SERVER))
    assert "--help" in text
    for other in COMMANDS:
        assert other == command or text != printed(other, "--help")


def test_help_names_every_command():
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", printed("--help"))


def test_version_names_what_it_was_made_of():
    lines = dict(line.split(None, 1) for line in printed("version").splitlines())
    assert printed("--version") == printed("check", "-V") == printed("version")
    assert re.fullmatch(r"\d+\.\d+\.\d+", lines["vif"])
    assert re.fullmatch(r"(gcc|clang) \d+\.\d+.*", lines["compiler"])
    assert re.fullmatch(r"[0-9a-f]{12}(-dirty)?|unknown", lines["commit"])
    assert lines["libraries"].startswith("libyaml ")


@pytest.mark.skipif(not shutil.which("man"), reason="needs man")
def test_manual_page_is_good_roff():
    result = subprocess.run(
        ["man", "--warnings", "-l", str(REPOSITORY / "docs" / "vif.1")],
        capture_output=True, text=True, timeout=20, check=False, env={**os.environ, "MANPAGER": "cat", "LC_ALL": "C.UTF-8"},
    )
    assert result.returncode == 0 and result.stderr == ""
    assert "connections_per_address" in result.stdout


# The schema.


@pytest.fixture(scope="module")
def schema():
    return json.loads(printed("schema"))


def test_schema_is_a_schema_with_good_examples(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    count = 0

    def walk(part):
        nonlocal count
        if isinstance(part, dict):
            for value in [*part.get("examples", []), *([part["default"]] if "default" in part else [])]:
                jsonschema.Draft202012Validator(part).validate(value)
                count += 1
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(schema)
    assert count > 50


def test_schema_is_good_in_strict_mode(schema):
    assert list(strict_schema.faults(schema)) == []


@pytest.mark.parametrize("schema, fault", [
    ({"type": ["string", "number"]}, "a choice of types"),
    ({"pattern": "a"}, "pattern without the type string"),
    ({"type": "object", "required": ["a"]}, "requires a"),
    ({"type": "object", "properties": {"a": True}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, "requires b"),
    ({"type": "object", "properties": {"x-a": True}, "patternProperties": {"^x-": True}}, "matches a property"),
    ({"typ": "object"}, "unknown keyword"),
    ({"type": "object", "anyOf": [{"type": "string"}]}, "within"),
])
def test_strict_mode_is_strict(schema, fault):
    assert [fault in complaint for complaint in strict_schema.faults(schema)] == [True]


AJV = """
const Ajv = require("ajv/dist/2020");
new Ajv({strict: true}).compile(JSON.parse(require("fs").readFileSync(0)));
"""


@pytest.mark.skipif(not (AJV_FOLDER / "ajv").is_dir(), reason="Ajv is not there; tools/deps test installs it where npm is")
def test_ajv_takes_the_schema_in_strict_mode():
    """The rules above are Ajv's, as we understand them."""
    result = subprocess.run(["node", "-e", AJV], input=printed("schema"), capture_output=True, text=True, timeout=60,
                            check=False, env={**os.environ, "NODE_PATH": str(AJV_FOLDER)})
    assert (result.returncode, result.stderr) == (0, "")


def route(text):
    return f"sites: [{{routes: {{/: {{{text}}}}}}}]"


GOOD = [
    route("files: ."),
    route("files: {root: ., index: [], listing: true, fallback: false, cors: '*', cache: {'*.css': max-age=1}}"),
    route("files: {root: ., error_pages: {404: a.html, 503: b.html}}"),
    route("redirect: 'https://example.com{uri}'"),
    route("redirect: {to: 'https://{host}/a', status: 301}"),
    route("respond: {status: 204}"),
    route("respond: 42"),
    "listen: 8080\nworkers: auto\nlimits:\ntimeouts: {min_rate: none, linger: 0, idle: 1m30s}\n" + route("files: ."),
    "listen: [':80', '[::1]:81', 'unix:a']\nlog: {access: false, error: '-'}\n" + route("files: ."),
    "unix_socket: {mode: 0660, owner: root, group: 0}\n" + route("files: ."),
    "limits: {head: 16KiB, body: 1000000, connections_per_address: 0, cache: 1g}\n" + route("files: ."),
    "log: {access: {path: a, format: json}, error: {level: debug}}\nserver_header: false\n" + route("files: ."),
    "x-a: &a {root: .}\nsites: [{x-b: 1, routes: {x-c: 2, /: {files: {<<: *a, x-d: [3], listing: on}}}}]",
    "workers: ${NOT_SET:-4}\nlimits: {head: '${NOT_SET:-2KiB}'}\nserver_header: ${NOT_SET:-no}\n" + route("files: ."),
    "listen: ${NOT_SET:-:8080}\nlog: {access: '${NOT_SET:--}', error: {level: '${NOT_SET:-info}'}}\n" + route("files: ."),
    "limits:\ntimeouts: ~\n" + route("respond: ~, headers: {set: {X-A: yes, X-B: 1}}"),
    "sites: [{hosts: ['a.com', '*.b.c'], headers: {set: {A: b}, remove: [C]}, routes: {/: {files: .}}}]",
]

BAD = [
    "{}",
    "sites: []",
    "unknown: 1\n" + route("files: ."),
    "workers: 0\n" + route("files: ."),
    "workers: 0.5\n" + route("files: ."),
    "limits: {head: 1}\n" + route("files: ."),
    "limits: {head: 16XB}\n" + route("files: ."),
    "timeouts: {idle: 10}\n" + route("files: ."),
    "log: {access: {format: xml}}\n" + route("files: ."),
    "unix_socket: {mode: u+w}\n" + route("files: ."),
    "listen: []\n" + route("files: ."),
    "listen: example\n" + route("files: ."),
    "sites: [{hosts: 'a b', routes: {/: {files: .}}}]",
    "sites: [{routes: {a: {files: .}}}]",
    route(""),
    route("files: ., redirect: /a"),
    route("files: {listing: true}"),
    route("files: {root: ., error_pages: {200: a}}"),
    route("redirect: {to: /a, status: 300}"),
    route("redirect: example.com"),
    route("respond: {status: 101}"),
    route("respond: a, headers: {set: {'a b': c}}"),
    route("respond: a, headers: {set: {A: }}"),
    "log: {error: false}\n" + route("files: ."),
    "sites: [{routes: {/a/*: {files: .}}}]",
    route("files: {root: ., index: yes}"),
    route("files: ~"),
]


def as_json(text):
    """As editors see it: JSON has no keys but texts."""
    return json.loads(json.dumps(yaml.safe_load(text)))


@pytest.mark.parametrize("text", GOOD)
def test_schema_and_check_accept(schema, text, tmp_path):
    jsonschema.Draft202012Validator(schema).validate(as_json(text))
    for name in ("a.html", "b.html"):
        (tmp_path / name).touch()
    result = vif("check", "-c", "-", input=text, cwd=tmp_path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("text", BAD)
def test_schema_and_check_refuse(schema, text, tmp_path):
    assert not jsonschema.Draft202012Validator(schema).is_valid(as_json(text))
    result = vif("check", "-c", "-", input=text, cwd=tmp_path)
    assert result.returncode == 2
    assert "standard input:" in result.stderr and "error: " in result.stderr
