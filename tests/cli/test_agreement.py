"""What `vif run` could not work with is found by `vif check`, in the same words."""
import os
import socket
import subprocess

import pytest

from test_printed import BINARY

NOBODY = 65534


@pytest.fixture
def folder(tmp_path):
    """A folder that any user may work in, with a root to serve."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "index.html").write_text("a page")
    for path in [tmp_path, *tmp_path.parents]:
        if path.stat().st_uid == os.getuid() and path != path.parent:
            path.chmod(path.stat().st_mode | 0o755)
    return tmp_path


def run_as_nobody(command, folder, text):
    """Root may do everything, so that nothing would be forbidden."""
    options = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
    return subprocess.run([BINARY, command, "-c", "-"], cwd=folder, input=text, capture_output=True, text=True, timeout=20,
                          check=False, **options)


def both(folder, text):
    """The mistakes that both report; no server may have started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"listen: '127.0.0.1:{taken.getsockname()[1]}'\n" if "listen" not in text else ""
        checked, ran = (run_as_nobody(command, folder, listen + text) for command in ("check", "run"))
    assert checked.returncode == ran.returncode == 2, ran.stderr
    assert checked.stderr == ran.stderr
    assert checked.stderr.count(": error: ") == 1
    return checked.stderr


def site(route="respond: a"):
    return f"\nsites: [{{routes: {{/: {{{route}}}}}}}]\n"


@pytest.mark.parametrize(
    "text, told",
    [
        ("log: {access: absent/a.log}" + site(), 'there is no folder "'),
        ("log: {access: locked/a.log}" + site(), ': Permission denied'),
        ("log: {error: locked/a.log}" + site(), 'cannot make a file in "'),
        ("log: {access: locked/old.log}" + site(), 'log.access.path: "locked/old.log": Permission denied'),
        ("listen: 'unix:locked/a.sock'" + site(), 'cannot make a file in "'),
        ("listen: [':8080', '127.0.0.1:8080']" + site(), "shares addresses with"),
        (site("files: closed"), 'files.root: "closed": Permission denied'),
        (site("files: closed/below"), 'closed" may not be entered'),
        (site("files: {root: unlisted, listing: true}"), "cannot be listed: Permission denied"),
        (site("files: {root: root, fallback: app.html}"), 'files.fallback: "app.html": No such file or directory'),
        (site("files: {root: root, error_pages: {404: 404.html}}"), 'files.error_pages: "404.html": No such file'),
        (site("files: {root: root, fallback: secret}"), 'files.fallback: "secret": Permission denied'),
        (site("files: {root: root, fallback: out}"), "a link leads out of the root"),
        (site("redirect: /home"), "leads to this route again"),
        ("log: {error: false}" + site(), "a truth value"),
    ],
    ids=range(15),
)
def test_check_finds_what_run_would(text, told, folder):
    for name, mode in (("locked", 0o555), ("closed", 0o700), ("unlisted", 0o711)):
        (folder / name).mkdir()
        (folder / name).chmod(mode if os.getuid() == 0 or name == "locked" else {"closed": 0, "unlisted": 0o311}[name])
    if os.getuid() == 0:
        (folder / "locked" / "old.log").touch(0o644)
        (folder / "closed" / "below").mkdir()
    elif "old.log" in text or "below" in text:
        pytest.skip("needs root, to make what others may not touch")
    (folder / "root" / "secret").touch(0o000)
    (folder / "root" / "secret").chmod(0o000)
    (folder / "root" / "out").symlink_to("../secret")
    try:
        assert told in both(folder, text)
    finally:
        for name in ("locked", "closed", "unlisted"):
            (folder / name).chmod(0o755)


def test_a_folder_that_can_be_entered_but_not_read_is_served(folder):
    (folder / "root").chmod(0o711 if os.getuid() == 0 else 0o311)
    assert run_as_nobody("check", folder, site("files: root")).returncode == 0
    (folder / "root").chmod(0o755)
