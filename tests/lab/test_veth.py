"""The models over a veth pair: they say what they lack, leave nothing behind, and are measured as others are. What they
answer is in test_models.py."""
import json
import os
import re
import signal
import subprocess

import pytest

import model
import vif
import wire

NOBODY = 65534
REASONS = {name: reason for name, reason in model.unavailable().items() if name in model.OVER_VETH}


def skip_without(name):
    if name in REASONS:
        pytest.skip(f"{name} is not available here: {REASONS[name]}")


def network_of(pid):
    return os.stat(f"/proc/{pid}/ns/net").st_ino


def can_be_run_by_others():
    return os.getuid() == 0 and subprocess.run([vif.BINARY, "--version"], user=NOBODY, group=NOBODY, check=False,
                                               capture_output=True).returncode == 0


@pytest.fixture(params=model.OVER_VETH)
def name(request):
    return request.param


@pytest.fixture
def started(name, site_root, tmp_path):
    skip_without(name)
    started = model.Model(name, site_root, tmp_path)
    yield started
    started.process.kill()
    started.process.wait()
    started.leave_network()


def test_without_root_it_says_why(name, site_root):
    try:
        if not can_be_run_by_others():
            pytest.skip("needs root, and a program that others may run")
    except PermissionError:
        pytest.skip("the program is where others may not look")
    if "built without" in REASONS.get(name, ""):
        pytest.skip(REASONS[name])
    run = {"user": NOBODY, "group": NOBODY, "extra_groups": [], "capture_output": True, "text": True, "check": False,
           "timeout": wire.TIME_LIMIT}
    listed = subprocess.run([vif.BINARY, "lab", "--list"], **run).stdout
    assert re.search(rf"^{name}: (?:.*\n)+?    Not available here: .*needs root: Operation not permitted$", listed, re.MULTILINE)
    served = subprocess.run([vif.BINARY, "lab", "--serve", name, "--port", "0", site_root], **run)
    assert served.returncode == 1
    assert f"{name} is not available here: " in served.stderr


def test_the_network_of_the_machine_is_left_alone(name, site_root, tmp_path):
    skip_without(name)
    before, own = model.interfaces(), network_of("self")
    server = model.Model(name, site_root, tmp_path)
    there = network_of("thread-self")
    assert there != own and network_of(server.process.pid) not in (own, there)
    assert model.interfaces() == {"lo", "client"}
    server.leave_network()
    assert (model.interfaces(), network_of("thread-self")) == (before, own)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(model.STOP_SECONDS) == 0


def test_a_killed_one_leaves_no_interface(started):
    assert started.get("/hello.txt").status == 200
    with started.connect():
        started.process.kill()
        started.process.wait()
        started.wait_for_end_of_veth()


def test_a_run_measures_them(name, tmp_path):
    """Beside one that is not over a cable."""
    skip_without(name)
    before = model.interfaces()
    result = subprocess.run([vif.BINARY, "lab", "--quick", "--rounds", "1", "--models", f"epoll-edge,{name}",
                             "--scenarios", "throughput", "--connections", "1,50", "--duration", "1s",
                             "--out", tmp_path], capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stderr
    assert [word for word in vif.ACCUSATIONS if word in result.stderr] == []
    run = json.loads((tmp_path / "lab.json").read_text(encoding="utf-8"))
    for measured in run["models"]:
        assert measured["fault"] is None
        assert [point["connections"] for point in measured["throughput"]] == [1, 50]
        for point in measured["throughput"]:
            assert point["requests"] > 0, point["error_text"]
    assert model.interfaces() == before
