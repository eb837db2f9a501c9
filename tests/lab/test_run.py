"""`vif lab` measures: the figures are there, are possible, and nothing of the run is left behind."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

import jsonschema
import pytest

import sample
import vif
import wire

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((REPOSITORY / "share" / "lab.schema.json").read_text(encoding="utf-8"))
RUN_SECONDS = 150


def lab(*arguments, **options):
    return subprocess.run([vif.BINARY, "lab", *map(str, arguments)], capture_output=True, text=True,
                          timeout=RUN_SECONDS, check=False, **options)


@contextlib.contextmanager
def started(folder, *arguments, until):
    """A run, once it has told that it is at a step named like `until`. Its own files are in folder / "files"."""
    (folder / "files").mkdir()
    with subprocess.Popen([vif.BINARY, "lab", "--quick", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, start_new_session=True, env={**os.environ, "TMPDIR": folder / "files"}) as process:
        for line in process.stderr:
            if until in line:
                break
        try:
            yield process
        finally:
            process.kill()


def check_schema(run):
    jsonschema.Draft202012Validator(SCHEMA).validate(run)


def group_members(group):
    members = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group or int(fields[3]) == group:
            members.append(path.parent.name)
    return members


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A run of three models that differ in everything, through all scenarios."""
    folder, files = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("files")
    result = lab("--quick", "--rounds", "2", "--models", "one,threads,epoll-edge", "--connections", "1,8", "--out", folder, env={**os.environ, "TMPDIR": files})
    assert result.returncode == 0, result.stderr
    vif_words = [word for word in vif.ACCUSATIONS if word in result.stderr]
    assert vif_words == [], result.stderr
    assert list(files.iterdir()) == []
    return folder, result, json.loads((folder / "lab.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def models(measured):
    return {model["name"]: model for model in measured[2]["models"]}


@pytest.fixture(scope="module")
def possible(measured):
    """possible(figure, least, most): it lies in between. A busy machine may have no punctual look at the server and
    no figure, or a slow one; the run says that it was so."""
    is_busy = measured[2]["others_cpu_share"] > 0.2

    def possible(figure, least, most=float("inf")):
        return is_busy if figure is None else (is_busy and figure >= 0) or least < figure < most

    return possible


def test_json_is_what_the_schema_says(measured):
    check_schema(measured[2])
    assert measured[2]["mode"] == "custom" and measured[2]["interrupted"] is False
    assert [model["name"] for model in measured[2]["models"]] == ["one", "threads", "epoll-edge"]


def test_no_model_was_at_fault(models):
    assert {name: model["fault"] for name, model in models.items()} == dict.fromkeys(models)


@pytest.mark.parametrize("name", ["one", "threads", "epoll-edge"])
def test_throughput_is_possible(models, possible, name):
    points = models[name]["throughput"]
    assert [point["connections"] for point in points] == [1, 8]
    for point in points:
        assert possible(point["requests_per_s"], 50)
        assert 0 < point["latency_p50_us"] <= point["latency_p99_us"] <= point["latency_max_us"]
        assert possible(point["cpu_us_per_request"], 1)
        assert possible(point["system_cpu_share"], -0.001, 1.001)
        assert possible(point["cores_used"], 0, os.cpu_count() + 0.1)
        assert possible(point["errors"], -1, 1), point["error_text"]


def test_rounds_lie_around_what_is_told(measured, models):
    assert measured[2]["settings"]["rounds"] == 2
    for model in models.values():
        for point in model["throughput"] + model["mostly_idle"]:
            assert point["requests_per_s_least"] <= point["requests_per_s"] <= point["requests_per_s_most"]
            if point["cpu_us_per_request"] is not None:
                assert point["cpu_us_per_request_least"] <= point["cpu_us_per_request"] <= point["cpu_us_per_request_most"]
            assert 0 <= point["others_cpu_share"] <= 1


def test_models_take_turns(measured):
    """What disturbs the machine for a while disturbs all of them, in one round."""
    steps = re.findall(r"round (\d) +(\S+) +8 connections ", measured[1].stderr)
    assert steps == [("1", "one"), ("1", "threads"), ("1", "epoll-edge"), ("2", "threads"), ("2", "epoll-edge"), ("2", "one")]


def test_a_busy_machine_is_told(tmp_path):
    """Two processes for each core that do nothing but run, which a run of a second cannot miss."""
    idlers = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * os.cpu_count())]
    try:
        result = lab("--quick", "--rounds", "1", "--models", "epoll-edge", "--scenarios", "throughput", "--connections", "1",
                     "--duration", "1s", "--out", tmp_path)
    finally:
        for idler in idlers:
            idler.kill()
            idler.wait()
    run = json.loads((tmp_path / "lab.json").read_text(encoding="utf-8"))
    assert run["others_cpu_share"] > 0.3
    assert run["models"][0]["throughput"][0]["others_cpu_share"] > 0.3
    assert re.search(r"^The machine was busy: other work took \d+ % of its processors during the run\.$", result.stdout,
                     re.MULTILINE)
    assert re.search(r"^With 1 connection epoll-edge was disturbed most: others took up to \d+ %\.$", result.stdout,
                     re.MULTILINE)


def test_threads_are_counted(models):
    assert models["threads"]["throughput"][1]["threads"] == 1 + 8
    assert models["epoll-edge"]["throughput"][1]["threads"] == 1
    assert models["threads"]["idle"]["threads_per_connection"] == 1
    assert models["epoll-edge"]["idle"]["threads_per_connection"] == 0
    assert models["epoll-edge"]["idle"]["descriptors_per_connection"] == 1


def test_a_thread_weighs_more_than_a_descriptor(models):
    def weight(idle):
        return idle["memory_bytes_per_connection"] + idle["kernel_stack_bytes_per_connection"]

    assert weight(models["threads"]["idle"]) > 2 * weight(models["epoll-edge"]["idle"])
    assert models["one"]["idle"] is None


def test_switches_are_counted(models, possible):
    """One connection: its thread sleeps before each request."""
    for name in ("one", "threads"):
        assert possible(models[name]["throughput"][0]["voluntary_switches_per_request"], 0.3, 4)


def test_switches_of_threads_are_not_lost_with_their_connections(models, possible):
    assert possible(models["threads"]["throughput"][1]["voluntary_switches_per_request"], 0, 4)


def test_slow_clients_keep_one_client_at_a_time_from_serving(models, possible):
    slow = models["one"]["slow"]["with"]
    assert slow["requests"] == 0 and possible(slow["requests_unanswered"], 0)
    assert possible(models["epoll-edge"]["slow"]["with"]["requests"], 100)


def test_a_loop_feels_what_blocks_and_threads_do_not(models, possible):
    loop, threads = models["epoll-edge"]["blocking"], models["threads"]["blocking"]
    assert possible(loop["with"]["latency_p99_us"], 20000)
    assert possible(loop["blocked"]["latency_p50_us"], 49999)
    assert possible(threads["with"]["latency_p50_us"], 0, loop["with"]["latency_p99_us"] or 0)


def test_where_it_breaks(models):
    assert models["one"]["limit"]["connections"] == 1
    assert models["one"]["limit"]["has_held_all"] is False
    assert "not answered" in models["one"]["limit"]["how"]
    assert models["epoll-edge"]["limit"]["connections"] >= 1000


def test_table_fits_a_terminal(measured):
    lines = [line for line in measured[1].stdout.splitlines() if "lab.json" not in line]
    assert max(map(len, lines)) <= 100
    rows = [line for line in lines if re.match(r"(one|threads|epoll-edge)\b", line)]
    assert len({len(row) for row in rows}) == 1


def test_a_count_has_one_column(tmp_path):
    result = lab("--quick", "--rounds", "1", "--models", "epoll-edge", "--scenarios", "throughput", "--connections", "1",
                 "--out", tmp_path)
    assert result.stdout.splitlines()[1].split()[:4] == ["model", "1", "spread", "request"]
    assert "with 1 connection." in result.stdout
    assert re.match(r"1 model, about \d+ s\. ", result.stderr)


def test_progress_is_told(measured):
    steps = re.findall(r"^ *(\d+)/(\d+) +round \d +(\S+) +(.*?) +(\d+):(\d\d) left$", measured[1].stderr, re.MULTILINE)
    assert [int(step[0]) for step in steps] == list(range(1, int(steps[0][1]) + 1))
    rests = [int(step[4]) * 60 + int(step[5]) for step in steps]
    assert rests == sorted(rests, reverse=True)


def test_page_is_of_the_same_run(measured):
    data = re.search(r'id="data">(.*?)</script>', (measured[0] / "lab.html").read_text(encoding="utf-8"), re.DOTALL)
    assert json.loads(data[1]) == measured[2]


def test_interruption_keeps_what_was_measured(tmp_path):
    with started(tmp_path, "--models", "epoll-edge,threads", "--out", tmp_path, until=" 10 connections") as process:
        wire.wait_until(lambda: len(group_members(process.pid)) > 2, "a server and its clients")
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=RUN_SECONDS)
    assert process.returncode == 0
    assert "The run was interrupted." in stdout
    run = json.loads((tmp_path / "lab.json").read_text(encoding="utf-8"))
    check_schema(run)
    assert run["interrupted"] is True
    assert [point["connections"] for point in run["models"][0]["throughput"]][:1] == [1]
    assert group_members(process.pid) == []
    assert list((tmp_path / "files").iterdir()) == []


def test_kill_leaves_no_server(tmp_path):
    with started(tmp_path, "--models", "workers", "--out", tmp_path, until=" 10 connections") as process:
        process.kill()
    wire.wait_until(lambda: group_members(process.pid) == [], "the servers and clients to end")


def test_list_names_every_model():
    names = re.findall(r"^([\w-]+): ", lab("--list").stdout, re.MULTILINE)
    assert {"one", "threads", "epoll-edge", "io-uring"} <= set(names)


def test_help_fits_a_screen():
    result = lab("--help")
    lines = result.stdout.splitlines()
    assert result.returncode == 0
    assert len(lines) <= 24 and max(map(len, lines)) <= 80


@pytest.mark.parametrize("arguments, words", [
    (["--models", "epol-edge"], 'did you mean "epoll-edge"?'),
    (["--models", ""], "expected names"),
    (["--scenarios", "fast"], "expected some of throughput, idle, mostly-idle, slow, blocking, limit"),
    (["--connections", "10,1"], "rising numbers"),
    (["--connections", "100000000"], "rising numbers from 1 to "),
    (["--connections", "0"], "rising numbers from 1 to "),
    (["--port", "8080"], "--port is for --serve only"),
    (["--list", "--serve", "one"], "--list and --serve do not go together"),
    (["--page", "lab.json", "--list"], "--list and --page do not go together"),
    (["--duration", "1"], "expected a time"),
    (["--duration", "99ms"], "expected a time from 100ms"),
    (["--rounds", "0"], "expected a number from 1 to 9"),
    (["--rounds", "10"], "expected a number from 1 to 9"),
    (["--serve", "nothing"], "expected a name"),
    (["--serve", "select", "--port", "70000"], "expected a number"),
    (["--bogus"], "unknown option --bogus"),
    (["folder"], "a folder is for --serve only"),
])
def test_mistakes_are_told(arguments, words, tmp_path):
    result = lab(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_before_the_first_figure_is_a_failure(tmp_path):
    with started(tmp_path, "--models", "one", "--scenarios", "blocking", "--out", tmp_path, until="blocks") as process:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=RUN_SECONDS)
    assert process.returncode == 1


@pytest.mark.parametrize("folder", ["nowhere", "/proc", "/dev/null"])
@pytest.mark.parametrize("arguments", [[], ["--page", "lab.json"]])
def test_a_folder_that_takes_no_files_is_told_at_once(tmp_path, folder, arguments):
    (tmp_path / "lab.json").write_text(json.dumps(sample.sample()), encoding="utf-8")
    result = lab(*arguments, "--out", folder, cwd=tmp_path)
    assert result.returncode == 2
    assert f"cannot write to the folder {folder}: " in result.stderr and ".part" not in result.stderr
    if folder == "/dev/null":
        assert "Not a directory" in result.stderr


def test_what_cannot_be_written_is_shown_all_the_same(tmp_path):
    """The folder goes while the run lasts."""
    folder = tmp_path / "out"
    folder.mkdir()
    with started(tmp_path, "--models", "epoll-edge", "--scenarios", "throughput", "--connections", "1", "--out", folder,
                 until="1 connection ") as process:
        folder.rmdir()
        stdout, stderr = process.communicate(timeout=RUN_SECONDS)
    assert process.returncode == 1
    assert "epoll-edge" in stdout and "All figures" not in stdout
    assert f"cannot write {folder}/lab.json: No such file" in stderr


@pytest.mark.parametrize("text", ["", "{}", "<html>", '{"format": 2, "vif_version": "1"}', '{"format": 1, "vif_version": "1"',
                                  '{"format": 1, "vif_version": "1", "models": [}', '{"format": 1, "vif_version": "1"} more'])
def test_only_a_lab_json_becomes_a_page(tmp_path, text):
    (tmp_path / "some.json").write_text(text, encoding="utf-8")
    result = lab("--page", "some.json", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "vif: some.json: not a lab.json\n"
    assert not (tmp_path / "lab.html").exists()


def test_a_file_is_not_served_and_told_once(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = lab("--serve", "select", "file", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr == "vif: cannot serve file: Not a directory\n"


def test_a_port_in_use_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = lab("--serve", "one", "--port", port, tmp_path)
    assert result.returncode == 1
    assert re.fullmatch(rf"vif: cannot listen on port {port}: Address already in use; try another: --port \d+\n", result.stderr)


def children(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.mark.parametrize("name", ["one", "threads", "prefork", "workers"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_serving_politely(tmp_path, name, number):
    """Also where SIGINT was ignored before, as a script does that starts something with "&"."""
    process = subprocess.Popen([vif.BINARY, "lab", "--serve", name, "--port", "0", tmp_path], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    for line in process.stderr:
        if "perf record" in line:
            break
    has_processes = name in ("prefork", "workers")
    wire.wait_until(lambda: not has_processes or children(process.pid), "its processes")
    pids = children(process.pid)
    assert (len(pids) > 0) == has_processes
    process.send_signal(number)
    process.stderr.close()
    assert process.wait(RUN_SECONDS) == 0
    assert [pid for pid in pids if pathlib.Path(f"/proc/{pid}").exists()] == []


def test_the_sample_is_of_the_same_form():
    check_schema(sample.sample())
