"""What these tests share with those from end to end."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import open_folders  # noqa: E402, F401, it opens them
