"""Exit codes, and messages for mistakes that people make on a command line."""
import os
import re
import socket
import subprocess

import pytest

from test_printed import BINARY, vif


@pytest.mark.parametrize("arguments", [["chekc"], ["chekc", "-c", "vif.yaml"], ["chekc", "--help"]])
def test_a_word_that_is_no_folder_may_be_a_command(arguments):
    result = vif(*arguments)
    assert result.returncode == 2
    assert result.stderr == 'vif: error: "chekc" is no command, and no folder or file; did you mean "vif check"?\n'


def test_a_folder_of_almost_that_name_is_served(tmp_path):
    (tmp_path / "chekc").mkdir()
    assert 'expected a port' in vif("chekc", "-p", "x", cwd=tmp_path).stderr


@pytest.mark.parametrize("arguments, told", [
    (["check", "-c", "a.yaml", "-c", "b.yaml"],
     "unexpected -c b.yaml: only one configuration file can be used, and -c a.yaml came first"),
    (["run", "--config=a.yaml", "-cb.yaml"], "unexpected -c b.yaml"),
    (["check", "a.yaml", "-c", "b.yaml"], 'unexpected argument "a.yaml": the file is -c b.yaml'),
    (["run", "-c", "b.yaml", "a.yaml"], 'unexpected argument "a.yaml": the file is -c b.yaml'),
    (["run", "a.yaml", "b.yaml"],
     'unexpected argument "b.yaml" after "a.yaml": only one configuration file can be used'),
    (["check", "a.yaml", "b.yaml"], 'unexpected argument "b.yaml" after "a.yaml"'),
    ([".", "sub"], 'unexpected argument "sub" after ".": only one folder or file can be served'),
    (["load", "http://a/", "http://b/"], 'unexpected argument "http://b/" after "http://a/": only one URL can be measured'),
    (["schema", "x"], 'unexpected argument "x": vif schema takes none'),
    (["manual", "--man", "x"], 'unexpected argument "x": vif manual takes none'),
    (["version", "x"], 'unexpected argument "x": vif version takes none'),
    (["completion", "bash", "zsh"], 'unexpected argument "zsh" after "bash"'),
    (["help", "check", "run"], 'unexpected argument "run" after "check"'),
    (["schema", "--man"], "unknown option --man (see vif schema --help)"),
    (["completion"], "expected the name of a shell: bash or zsh"),
    (["completion", "fish"], "expected the name of a shell: bash or zsh"),
    (["help", "chekc"], 'there is no command "chekc"; did you mean "check"?'),
    (["help", "xyzzy"], 'there is no command "xyzzy" (see vif --help)'),
], ids=" ".join)
def test_a_surplus_word_is_named(arguments, told):
    result = vif(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert told in result.stderr and result.stderr.count("error: ") == 1


@pytest.mark.parametrize("value", ["abc", "", "65536", "-1", "8080x", "80 80"])
def test_a_port_is_talked_about_as_one(value):
    for arguments in ([], ["-a", "127.0.0.1", "-a", "::1"]):
        result = vif("-p", value, *arguments)
        assert result.returncode == 2
        assert result.stderr.startswith(f'--port: error: expected a port from 0 to 65535, not "{value}"\n')
        assert result.stderr.count("error: ") == 1


def test_unknown_flags_have_neighbours():
    result = vif("--prot", "80")
    assert result.returncode == 2
    assert result.stderr == "vif: error: unknown option --prot; did you mean --port? (see vif --help)\n"


def test_flags_of_files_are_unknown_to_run():
    assert "unknown option --hidden" in vif("run", "--hidden").stderr


def test_a_file_that_is_not_there(tmp_path):
    result = vif("check", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "vif: error: vif.yaml: No such file or directory\n"


def test_a_folder_is_no_file(tmp_path):
    assert vif("check", "-c", ".", cwd=tmp_path).stderr == "vif: error: .: Is a directory\n"


def test_check_takes_the_file_in_any_way(tmp_path):
    (tmp_path / "vif.yaml").write_text("sites: [{routes: {/: {files: .}}}]")
    for arguments in ([], ["vif.yaml"], ["-c", "vif.yaml"], ["-cvif.yaml"], ["--config=vif.yaml"]):
        result = vif("check", *arguments, cwd=tmp_path)
        assert (result.returncode, result.stdout) == (0, "vif.yaml is good: listeners 1, sites 1, routes 1\n")


def test_roots_are_relative_to_the_file(tmp_path):
    (tmp_path / "a" / "public").mkdir(parents=True)
    (tmp_path / "a" / "vif.yaml").write_text("sites: [{routes: {/: {files: public}}}]")
    assert vif("check", "-c", "a/vif.yaml", cwd=tmp_path).returncode == 0
    assert "No such file or directory" in vif("check", "-c", "-", cwd=tmp_path, input="sites: [{routes: {/: {files: public}}}]").stderr


@pytest.fixture
def gone(tmp_path):
    """gone(arguments, input): vif in a folder that is deleted before it starts."""

    def run(*arguments, **options):
        folder = tmp_path / "gone"
        folder.mkdir()
        script = 'rmdir "$PWD" && exec "$0" "$@"'
        return subprocess.run(["sh", "-c", script, BINARY, *arguments], cwd=folder, capture_output=True, text=True,
                              timeout=20, check=False, **options)

    return run


@pytest.mark.parametrize("arguments", [
    [], ["."], [".."], ["/"], ["run", "-c", "-"], ["check", "-c", "-"], ["check"], ["check", "-c", "../vif.yaml"],
])
def test_a_folder_that_is_gone_is_not_taken_for_another(arguments, gone, tmp_path):
    text = "listen: '127.0.0.1:0'\nsites: [{routes: {/: {files: .}}}]\n"
    (tmp_path / "vif.yaml").write_text(text)
    listen = [] if arguments[:1] in (["run"], ["check"]) else ["-a", "127.0.0.1", "-p", "0"]
    result = gone(*arguments, *listen, input=text)
    assert result.returncode == 2
    assert "error: the current folder is gone: " in result.stderr


def test_a_file_with_an_absolute_path_needs_no_current_folder(gone, tmp_path):
    (tmp_path / "vif.yaml").write_text("sites: [{routes: {/: {files: .}}}]")
    assert gone("check", "-c", str(tmp_path / "vif.yaml")).returncode == 0
    assert gone("version").returncode == 0


def test_flags_go_before_the_file(tmp_path):
    text = "workers: 1000000\nsites: [{routes: {/: {files: .}}}]"
    assert vif("check", "-c", "-", cwd=tmp_path, input=text).returncode == 2
    assert vif("check", "-c", "-", "-w", "1", cwd=tmp_path, input=text).returncode == 0


def test_no_colours_but_on_a_terminal(tmp_path):
    assert "\033" not in vif("nowhere", cwd=tmp_path).stderr


def test_a_file_that_is_too_long(tmp_path):
    assert "longer than 1 MiB" in vif("check", "-c", "-", input="#" * (1 << 20) + "\n").stderr


@pytest.mark.parametrize("arguments", [
    ["version"], ["--version"], ["help"], ["-h"], ["run", "--help"], ["schema"], ["manual"], ["manual", "--man"],
    ["completion", "bash"], ["completion", "zsh"], ["check", "-c", "vif.yaml"],
], ids=" ".join)
def test_standard_output_that_takes_no_more(arguments, tmp_path):
    (tmp_path / "vif.yaml").write_text("sites: [{routes: {/: {files: .}}}]")
    with open("/dev/full", "w", encoding="ascii") as full:
        result = subprocess.run([BINARY, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=20, check=False,
                                cwd=tmp_path)
    assert result.returncode == 1
    assert b"cannot print: No space left on device" in result.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed(closed, tmp_path):
    (tmp_path / "vif.yaml").write_text("sites: [{routes: {/: {files: .}}}]")
    for arguments in ("version", "schema", "check"):
        result = subprocess.run(["sh", "-c", f'exec "$0" {arguments} {closed}', BINARY], capture_output=True, text=True,
                                timeout=20, check=False, cwd=tmp_path)
        assert (result.returncode, result.stderr) == (0, "")
        assert bool(result.stdout) == (closed in ("<&-", "2>&-"))


def test_a_mistake_does_not_go_into_another_file(tmp_path):
    """The first file that is opened would be standard error."""
    (tmp_path / "vif.yaml").write_text("sites: []")
    script = 'exec "$0" check -c - 2>&- <vif.yaml'
    assert subprocess.run(["sh", "-c", script, BINARY], timeout=20, check=False, cwd=tmp_path).returncode == 2
    assert (tmp_path / "vif.yaml").read_text() == "sites: []"


def test_a_taken_port_has_a_holder_and_a_neighbour(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = vif("-a", "127.0.0.1", "-p", str(port), str(tmp_path))
    assert result.returncode == 1
    assert result.stderr.startswith(f"vif: 127.0.0.1:{port} is taken by process {os.getpid()} (")
    assert "is free: -p " in result.stderr


def test_an_address_of_another_machine(tmp_path):
    result = vif("-a", "192.0.2.1", "-p", "0", str(tmp_path))
    assert result.returncode == 1
    assert "is no address of this machine" in result.stderr


COMPLETION = """
source {script}
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
compopt() {{ :; }}
_vif
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    "words, expected",
    [
        ("vif che", ["check"]),
        ("vif --log-l", ["--log-level"]),
        ("vif --log-level d", ["debug"]),
        ("vif --limit cache_f", ["cache_file="]),
        ("vif run --hid", [""]),
        ("vif run --conf", ["--config"]),
        ("vif completion z", ["zsh"]),
        ("vif load --conn", ["--connections", "--connect-rate"]),
        ("vif load --hid", [""]),
        ("vif load -c ", [""]),
        ("vif run -c vif.b", ["vif.bash"]),
        ("vif load --svg vif.b", ["vif.bash"]),
    ],
)
def test_bash_completes(words, expected, tmp_path):
    script = tmp_path / "vif.bash"
    script.write_text(vif("completion", "bash").stdout)
    result = subprocess.run(
        ["bash", "-c", COMPLETION.format(script=script, words=words)],
        capture_output=True, text=True, timeout=20, check=False, cwd=tmp_path,
    )
    assert result.stderr == ""
    assert result.stdout.removesuffix("\n").split("\n") == [*expected]


def test_old_names_are_taken_with_a_warning(tmp_path):
    text = "sites: [{fields: {set: {X-A: b}}, routes: {/: {files: .}}}]"
    result = vif("check", "-c", "-", cwd=tmp_path, input=text)
    assert result.returncode == 0
    assert 'standard input:1:10: warning: "fields" is called "headers" now' in result.stderr
    result = vif("check", "-c", "-", "--limit", "fields=5", cwd=tmp_path, input="sites: [{routes: {/: {files: .}}}]")
    assert (result.returncode, '--limit: warning: "fields" is called' in result.stderr) == (0, True)


@pytest.mark.parametrize("log", ["", "log: {error: error.log}\n"], ids=["log on standard error", "log in a file"])
@pytest.mark.parametrize("words", [["-c", "vif.yaml"], [], ["vif.yaml"]], ids=" ".join)
def test_run_says_what_it_serves_and_where(log, words, tmp_path):
    listen = "listen: ['127.0.0.1:0', 'unix:a.sock']\nworkers: 1\n"
    (tmp_path / "vif.yaml").write_text(listen + log + "sites: [{routes: {/: {files: .}}}]")
    process = subprocess.Popen([BINARY, "run", *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        said = ""
        while "a.sock" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert str(tmp_path / "vif.yaml") in said
    assert re.search(r"127\.0\.0\.1:[1-9]\d*", said) and f"unix:{tmp_path}/a.sock" in said
    assert process.returncode == 0
