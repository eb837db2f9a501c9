"""Fixtures of the lab's tests: a model that serves a folder. The client, and the folder, are those of tests/e2e."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import model  # noqa: E402
import tree  # noqa: E402
from time_limit import time_limit  # noqa: E402, F401


@pytest.fixture(scope="session")
def site_root(tmp_path_factory):
    """The folder of tests/e2e/tree.py, and a file whose bytes go through copies, being young."""
    root = tmp_path_factory.mktemp("site") / "root"
    root.mkdir()
    tree.grow(root)
    tree.write(root, "young.bin", tree.BIG)
    return root


@pytest.fixture(scope="module", params=model.NAMES)
def served(request, tmp_path_factory, site_root):
    """A running model, one after the other; ended when its tests are done."""
    server = model.Model(request.param, site_root, tmp_path_factory.mktemp(request.param))
    yield server
    server.stop()
