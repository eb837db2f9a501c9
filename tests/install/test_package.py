"""What releases consist of. The packages themselves are tried in fresh systems: tools/test-packages."""
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import subprocess
import tarfile

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(name="package")
def _package(tmp_path, monkeypatch):
    """tools/package as a module, which writes into a folder of the test's own."""
    loader = importlib.machinery.SourceFileLoader("package", str(REPOSITORY / "tools/package"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("package", loader))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(module)
    monkeypatch.setattr(module, "DIST", tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    return module


def test_the_same_sources_make_the_same_archive(package, tmp_path):
    first = package.make_sources().read_bytes()
    for name in ("README.md", "src/sys/socket.c"):
        os.utime(REPOSITORY / name)  # another time, the same content
    again = package.make_sources()
    assert again.read_bytes() == first
    with tarfile.open(again) as archive:
        entries = {entry.name: entry for entry in archive.getmembers()}
    top = f"vif-{package.version()}"
    assert {name.split("/")[0] for name in entries} == {top}
    assert {f"{top}/{name}" for name in ("LICENSE", "CHANGELOG.md", "meson.build", "src/sys/socket.c")} <= set(entries)
    assert not any(re.search(r"/(build|dist|\.git)/|\.o$|\.pyc$", name) for name in entries)
    assert {(entry.uid, entry.mtime) for entry in entries.values()} == {(0, 1700000000)}
    assert entries[f"{top}/tools/package"].mode == 0o755 and entries[f"{top}/LICENSE"].mode == 0o644


def test_the_change_log_has_this_version(package):
    entries = package.news()
    assert entries and all(entry.strip() for entry in entries)
    lines = package.debian_changelog().splitlines()
    assert lines[0] == f"vif ({package.version()}) unstable; urgency=medium"
    assert lines[-1] == " -- The vif authors <vif@localhost>  Tue, 14 Nov 2023 22:13:20 +0000"
    assert max(map(len, lines)) <= 80


def test_licences_are_copied_whole(package):
    written = package.debian_copyright()
    for line in (REPOSITORY / "LICENSE").read_text().splitlines()[4:]:
        assert f" {line}" in written.splitlines() or line == ""
    assert "Leon Sorokin" in written


def test_our_own_archives_are_no_libraries(package, tmp_path):
    (tmp_path / "build.ninja").write_text(
        "build vif: c_LINKER vif.p/main.c.o src/cli/libvifcli.a | src/libvifcore.a /usr/lib/libz.a\n"
        f" LINK_ARGS = -Wl,--start-group src/libvifcore.a /usr/lib/libz.a {tmp_path}/lab/libviflab.a -Wl,--end-group\n\n"
        "build other: phony /usr/lib/libother.a\n")
    assert [path for path in package.static_libraries(tmp_path) if not path.endswith("libc.a")] == ["/usr/lib/libz.a"]


def test_a_library_is_named_by_its_package(package):
    library = subprocess.run(["gcc", "-print-file-name=libc.a"], capture_output=True, text=True, check=True).stdout.strip()
    name, version = package.package_of(library)
    assert name == "libc6-dev" and re.match(r"2\.\d+", version)


def test_what_the_image_copies_is_there():
    stage = (REPOSITORY / "packaging/docker/Dockerfile").read_text().rsplit("FROM scratch", 1)[1]
    for source, _ in (words.split() for words in re.findall(r"^COPY (?!--from)(.*)", stage, re.MULTILINE)):
        assert (REPOSITORY / source).exists(), source
    assert "USER 65534:65534" in stage
