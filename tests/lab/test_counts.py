"""What tools/count-lab counts is what the page says of it."""
import importlib.machinery
import importlib.util
import json
import statistics

import pytest

import model
import vif

pytestmark = pytest.mark.any_build


def load_tool():
    path = str(vif.REPOSITORY / "tools" / "count-lab")
    loader = importlib.machinery.SourceFileLoader("count_lab", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("count_lab", loader))
    loader.exec_module(module)
    return module


count_lab = load_tool()


def test_the_herd_wakes_for_each_connection():
    """All four loops, where EPOLLEXCLUSIVE and SO_REUSEPORT wake one. A time-out may wake a loop, too, but not each time."""
    woken = {name: [count for count, _ in count_lab.share_out(vif.BINARY, name, 15)]
             for name in ("shared", "exclusive", "reuseport")}
    assert statistics.median(woken["shared"]) >= 3
    assert min(woken["exclusive"]) <= 2 and min(woken["reuseport"]) <= 2


def test_the_committed_counts_are_of_every_model():
    counts = json.loads((vif.REPOSITORY / "docs" / "lab" / "counts.json").read_text(encoding="utf-8"))
    assert list(counts["models"]) == [name for name in model.EVERY if name not in ("kqueue", *model.OVER_VETH)]


@pytest.mark.parametrize("name", ["one", "epoll-edge", "offload"])
def test_the_last_in_a_queue_waits_for_all_before_it(name):
    found = count_lab.queue(vif.BINARY, name)
    assert found["least_s"] == (0.1 if name == "offload" else 2)
    assert found["last_s"] >= found["least_s"]
