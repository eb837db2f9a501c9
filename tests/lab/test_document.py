"""The page about architectures says what its lab.json says."""
import json
import pathlib
import subprocess
import sys

import jsonschema
import pytest

pytestmark = pytest.mark.any_build

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def test_figures_and_drawings_are_of_the_committed_run():
    """When this fails: tools/print-lab."""
    result = subprocess.run([sys.executable, REPOSITORY / "tools" / "print-lab", "--check"], capture_output=True,
                            text=True, timeout=20, check=False)
    assert result.returncode == 0, result.stderr


def test_committed_run_is_of_the_schema():
    schema = json.loads((REPOSITORY / "share" / "lab.schema.json").read_text(encoding="utf-8"))
    run = json.loads((REPOSITORY / "docs" / "lab" / "lab.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(run)
