"""Fixtures of the end-to-end tests: servers, and the folder that most tests ask for."""
import os

import pytest

import open_folders  # noqa: F401, it opens them
import protocols
import tree
import vif
from time_limit import time_limit  # noqa: F401


class Servers:
    """Makes servers and ends all of them."""

    def __init__(self, folder):
        self.folder = folder
        self.made = []

    def __call__(self, root=None, *options, **settings):
        self.made.append(vif.Vif(self.folder, root, *options, **settings))
        return self.made[-1]

    def finish(self):
        errors = []
        for server in self.made:
            try:
                server.stop()
            except AssertionError as error:
                errors.append(str(error))
        assert not errors, "\n".join(errors)


@pytest.fixture
def server(tmp_path):
    """server(root, *options) or server(config=...): a running vif; see vif.Vif."""
    servers = Servers(tmp_path)
    yield servers
    servers.finish()


@pytest.fixture(scope="module")
def module_server(tmp_path_factory):
    """The same for servers that the tests of a file share."""
    servers = Servers(tmp_path_factory.mktemp("servers"))
    yield servers
    servers.finish()


@pytest.fixture(scope="session")
def site_root(tmp_path_factory):
    """The folder of tree.py, for reading only. Beside it lies a secret."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "secret.txt").write_bytes(tree.SECRET)
    (folder / "root-evil").mkdir()
    (folder / "root-evil" / "secret.txt").write_bytes(tree.SECRET)
    root = folder / "root"
    root.mkdir()
    tree.grow(root)
    return root


@pytest.fixture(scope="session")
def session_site(tmp_path_factory, site_root):
    servers = Servers(tmp_path_factory.mktemp("session"))
    yield servers(site_root)
    servers.finish()


@pytest.fixture
def site(session_site):
    """A server with the default options over `site_root`, alive before and after each test."""
    session_site.check_alive()
    yield session_site
    session_site.check_alive()


@pytest.fixture
def client(site):
    """A connection to `site`."""
    with site.connect() as connection:
        yield connection


@pytest.fixture
def root(tmp_path):
    """An empty folder to serve."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def pytest_configure(config):
    if not os.access(vif.BINARY, os.X_OK):
        pytest.exit(f"{vif.BINARY} is not there: build it, or set VIF_BINARY", returncode=4)


def pytest_collection_modifyitems(config, items):
    """What is about the bytes of HTTP/1 is not a case over another protocol, rather than one that is skipped."""
    if protocols.PROTOCOL != "h1":
        of_http1 = [item for item in items if item.get_closest_marker("http1")]
        config.hook.pytest_deselected(items=of_http1)
        items[:] = [item for item in items if not item.get_closest_marker("http1")]
    if lacking := protocols.lacking(vif.run("version").stdout):
        for item in items:
            item.add_marker(pytest.mark.skip(reason=lacking))
