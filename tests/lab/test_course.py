"""The course: each program compiles alone, without a warning, and each promise is kept: what fails there works on the next.

lab/course/run shows the same to people.
"""
import re
import shutil
import signal
import sys

import pytest

import vif

FOLDER = vif.REPOSITORY / "lab" / "course"
sys.path.insert(0, str(FOLDER))

import promises  # noqa: E402

# The course is compiled here, whatever vif was built with.
pytestmark = pytest.mark.any_build


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """program(name): compiled, once."""
    folder = tmp_path_factory.mktemp("course")

    def program(name):
        if not (folder / name).exists():
            promises.compile_program(name, folder)
        return folder

    return program


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.glob("*.c"))])
def test_compiles_by_itself(tmp_path, name, compiler):
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    promises.compile_program(name, tmp_path, compiler)


def test_each_program_is_promised_something():
    assert promises.PROGRAMS == [path.stem for path in sorted(FOLDER.glob("*.c"))]


@pytest.mark.parametrize("name", ["README.md", "README.fr.md"])
def test_the_text_leads_to_all_programs(name):
    links = re.findall(r"\]\(([^)#]+)\)", (FOLDER / name).read_text(encoding="utf-8"))
    assert [link for link in links if not (FOLDER / link).exists()] == []
    assert {f"{program}.c" for program in promises.PROGRAMS} <= set(links)


def test_where_io_uring_is_missing(tmp_path):
    """The workers end, and the first process with them: the promise is passed over, with the reason."""
    (tmp_path / "12-uring").write_text("#!/bin/sh\necho http://127.0.0.1/ >&2\necho io_uring_setup: no >&2\n")
    (tmp_path / "12-uring").chmod(0o755)
    with pytest.raises(promises.Impossible, match="io_uring_setup: no"):
        promises.see(promises.PROMISES[-1], "12-uring", tmp_path)


@pytest.mark.parametrize("program", ["04-pool", "06-select", "06b-poll", "07-epoll", "08-room", "09-limits", "10-offload"])
def test_goes_on_after_ctrl_z(programs, program):
    """epoll_wait fails with EINTR then, though there is no handler of signals."""
    with promises.Server(programs(program) / program, is_to_fail=False) as server:
        server.settle()
        server.pause()
        server.signal(signal.SIGCONT)
        assert server.ask()


def check(promise, program, programs):
    try:
        seen = promises.see(promise, program, programs(program))
    except promises.Impossible as reason:
        pytest.skip(str(reason))
    assert seen.fails == (program == promise.fails), seen.figure


@pytest.mark.parametrize("promise", promises.PROMISES, ids=lambda promise: promise.name.replace(" ", "-"))
def test_fails_as_promised(programs, promise):
    check(promise, promise.fails, programs)


@pytest.mark.parametrize("promise", promises.PROMISES, ids=lambda promise: promise.name.replace(" ", "-"))
def test_works_on_the_next(programs, promise):
    check(promise, promise.holds, programs)
