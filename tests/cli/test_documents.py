"""What documents show is what is tested."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_example_of_contributing_is_compiled():
    """Its block of C stands at the head of a unit test, word for word."""
    blocks = re.findall(r"```c\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.S)
    assert len(blocks) == 1
    test = (ROOT / "tests/unit/serve/test_count_handler.c").read_text()
    assert test.startswith(blocks[0])
