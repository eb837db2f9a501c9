"""What documents show is what is tested."""
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("VIF_BINARY", str(ROOT / "build" / "vif"))
MIGRATION = ["docs/from-nginx.md", "docs/from-caddy.md", "docs/from-haproxy.md"]


def test_the_example_of_contributing_is_compiled():
    """Its block of C stands at the head of a unit test, word for word."""
    blocks = re.findall(r"```c\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.S)
    assert len(blocks) == 1
    test = (ROOT / "tests/unit/serve/test_count_handler.c").read_text()
    assert test.startswith(blocks[0])


@pytest.fixture(name="site")
def _site(tmp_path):
    """A folder with the files that the examples name."""
    (tmp_path / "public").mkdir()
    (tmp_path / "public/404.html").write_text("gone")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=example.com", "-addext", "subjectAltName=DNS:example.com", "-days", "90",
                    "-keyout", tmp_path / "site.key", "-out", tmp_path / "site.pem"], check=True, capture_output=True)
    return tmp_path


@pytest.mark.parametrize("path", MIGRATION)
def test_examples_for_those_who_come_from_elsewhere_are_right(site, path):
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / path).read_text(), re.S)
    assert blocks
    for block in blocks:
        (site / "vif.yaml").write_text(block)
        checked = subprocess.run([BINARY, "check", "-c", site / "vif.yaml"], capture_output=True, text=True, timeout=20,
                                 check=False)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("path", MIGRATION)
def test_options_that_a_table_names_exist(path):
    """Of each `option: value` in the column for vif, all words that stand before a colon."""
    schema = subprocess.run([BINARY, "schema"], capture_output=True, text=True, timeout=20, check=True).stdout
    names = set()

    def collect(node):
        if isinstance(node, dict):
            names.update(node.get("properties", {}))
            node = list(node.values())
        for child in node if isinstance(node, list) else []:
            collect(child)

    collect(json.loads(schema))
    rows = re.findall(r"^\| .* \| (.*) \|$", (ROOT / path).read_text(), re.M)
    used = {word for row in rows for code in re.findall(r"`([^`]+)`", row)
            for word in re.findall(r"(?<![\w/\".])([a-z_]+): ", code)}
    assert len(used) > 10
    assert used - names == set()
