"""lab/kqueue.c cannot run here: a compiler checks it, against a header that has what the BSDs' has."""
import os
import pathlib
import shlex
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.any_build

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
COMPILER = shlex.split(os.environ.get("CC", "")) or [shutil.which("gcc") or "cc"]
FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-Wno-missing-field-initializers",
         "-iquote", REPOSITORY / "src", "-iquote", REPOSITORY, "-isystem", REPOSITORY / "tests" / "lab" / "stand_in"]


def compile_kqueue(*more):
    return subprocess.run([*COMPILER, *FLAGS, *more, "-c", REPOSITORY / "lab" / "kqueue.c"], capture_output=True, text=True,
                          timeout=60, check=False)


def test_it_compiles(tmp_path):
    result = compile_kqueue("-DHAVE_KQUEUE", "-o", tmp_path / "kqueue.o")
    assert result.returncode == 0, result.stderr
    symbols = subprocess.run(["nm", tmp_path / "kqueue.o"], capture_output=True, text=True, timeout=20, check=True).stdout
    assert {line.split()[-1] for line in symbols.splitlines() if " U " in line} >= {"kqueue", "kevent"}


def test_it_says_that_it_was_not_run():
    text = (REPOSITORY / "lab" / "kqueue.c").read_text(encoding="utf-8")
    assert "never run" in text.split("*/", 1)[0]
