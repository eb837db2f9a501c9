"""The time limit of tests/e2e. The build of the sources is a fixture of the module, and has the time that it takes."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import open_folders  # noqa: E402, F401, it opens them
from time_limit import time_limit  # noqa: E402, F401
