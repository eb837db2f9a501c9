"""Folders that other users may enter. pytest makes folders for its own user only, and workers of a vif that root has
started are another one: import this before the first folder is made."""
import contextlib
import os
import pathlib
import shutil
import tempfile

import pytest

# Each run has a place of its own: pytest closes the folder above the folders of all runs whenever one begins.
PLACES = pathlib.Path(tempfile.gettempdir(), f"vif-tests-{os.getuid()}")
KEPT = 3  # places of runs that have ended, to look at


def let_others_in(folder):
    for part in [folder, *folder.parents]:
        if part.name.startswith(("pytest-", "popen-")) or part == folder:
            part.chmod(0o755)


def open_to_others(make):
    def made(self, *arguments, **options):
        folder = make(self, *arguments, **options)
        let_others_in(folder)
        return folder
    return made


def make_place():
    """Returns the folder of this run; its processes inherit the variable."""
    ended = [place for place in PLACES.iterdir()
             if place.name.isdigit() and not pathlib.Path("/proc", place.name).exists()]
    with contextlib.suppress(FileNotFoundError):  # another run removes them, too
        for place in sorted(ended, key=lambda place: place.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(place, ignore_errors=True)
    place = PLACES / str(os.getpid())
    place.mkdir(mode=0o755, exist_ok=True)
    return str(place)


PLACES.mkdir(mode=0o755, exist_ok=True)
if "PYTEST_DEBUG_TEMPROOT" not in os.environ:
    os.environ["PYTEST_DEBUG_TEMPROOT"] = make_place()
pytest.TempPathFactory.mktemp = open_to_others(pytest.TempPathFactory.mktemp)
