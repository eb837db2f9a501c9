"""Tests that failed beside others are repeated alone, by tools/test."""
import importlib.machinery
import importlib.util
import pathlib
import shutil
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent

FAILS_AT_FIRST = """
import pathlib, pytest
MARKER = pathlib.Path({marker!r})

@pytest.mark.parametrize("word", ["plain", "with a space", "a[b]"])
def test_this(word):
    if word == {which!r} and not MARKER.exists():
        MARKER.touch()
        assert 0, {reason!r}
"""
FAILS_ALWAYS = """
def test_that():
    assert 0, "no luck"
"""


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """tools/test, of a repository that has nothing but a file of tests in each folder."""
    loader = importlib.machinery.SourceFileLoader("tools_test", str(REPOSITORY / "tools/test"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tools_test", loader))
    monkeypatch.setitem(sys.modules, "tools_test", module)
    loader.exec_module(module)
    monkeypatch.setattr(module, "REPOSITORY", tmp_path)
    for ini in ("tests/pytest.ini", "tests/install/pytest.ini"):
        (tmp_path / ini).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / ini, tmp_path / ini)
    return module


def run(tool, root, text, suite):
    folder = root / tool.FOLDERS[suite]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test_file.py").write_text(text)
    return tool.run_pytest(root, suite)


@pytest.mark.parametrize("which", ["plain", "with a space", "a[b]"])
@pytest.mark.parametrize("suite", ["end to end", "command line", "lab", "install"])
def test_one_that_passes_alone_is_unsteady(tool, tmp_path, suite, which):
    text = FAILS_AT_FIRST.format(marker=str(tmp_path / "marker"), which=which, reason="too busy")
    result = run(tool, tmp_path, text, suite)
    assert (result.passed, result.failed, result.unsteady) == (3, 0, 1), result
    assert "too busy" in result.output


def test_one_that_fails_again_has_failed(tool, tmp_path):
    result = run(tool, tmp_path, FAILS_ALWAYS, "lab")
    assert (result.passed, result.failed, result.unsteady) == (0, 1, 0), result
    assert "Repeated alone, 1 failed again" in result.output and result.output.count("no luck") >= 2


def test_of_two_that_failed_one_may_be_unsteady(tool, tmp_path):
    text = FAILS_AT_FIRST.format(marker=str(tmp_path / "marker"), which="plain", reason="was ended by signal 9 (Killed)")
    result = run(tool, tmp_path, text + FAILS_ALWAYS, "lab")
    assert (result.passed, result.failed, result.unsteady) == (3, 1, 1), result


@pytest.mark.parametrize("complaint", ["worker process 1 was ended by signal 11 (Segmentation fault)",
                                       "ERROR: AddressSanitizer: heap-use-after-free", "x.c:1: runtime error: overflow"])
def test_what_a_sanitizer_complained_of_is_not_repeated(tool, tmp_path, complaint):
    text = FAILS_AT_FIRST.format(marker=str(tmp_path / "marker"), which="plain", reason=complaint)
    result = run(tool, tmp_path, text, "lab")
    assert (result.failed, result.unsteady) == (1, 0), result
