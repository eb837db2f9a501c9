"""gRPC through vif: a real server and a real client, with the recipe of docs/proxy.md."""
import os
import pathlib
import shutil
import subprocess

import pytest

import pki
import vif as vif_process

pytestmark = pytest.mark.skipif("nghttp2" not in vif_process.run("version").stdout, reason="vif is built without HTTP/2")

NPM_SECONDS = 120
HERE = pathlib.Path(__file__).resolve().parent / "grpc"


@pytest.fixture(scope="session")
def modules():
    """The folder with @grpc/grpc-js, installed by npm once and kept."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm is not there")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "vif-tests" / "grpc"
    folder = cache / "node_modules"
    if not (folder / "@grpc" / "grpc-js" / "package.json").exists():
        cache.mkdir(parents=True, exist_ok=True)
        words = ["timeout", str(NPM_SECONDS), "npm", "install", "--prefix", cache, "--no-audit", "--no-fund",
                 "@grpc/grpc-js@1"]
        if subprocess.run(words, capture_output=True, check=False).returncode != 0:
            pytest.skip("npm could not install @grpc/grpc-js")
    return folder


def talk(vif, port, modules, *files):
    """What node prints: unary, an error that is a head with nothing behind it, streams of either side and of both, and a
    deadline, whose end the server learns of."""
    done = subprocess.run(["node", HERE / "talk.js", f"127.0.0.1:{port}", f"127.0.0.1:{vif.port}", *files],
                          capture_output=True, text=True, timeout=100, check=False,
                          env={**os.environ, "NODE_PATH": str(modules)})
    assert done.stdout.splitlines() == [
        "unary hello you", "fail NOT_FOUND", "down 01234 OK", "up 500000", "both 10 OK", "never DEADLINE_EXCEEDED",
        "cancelled",
    ], done.stderr


def routes(**options):
    return {"sites": [{"routes": {"/": {"proxy": {"between_bytes_timeout": "1h", **options}}}}]}


@pytest.mark.any_backend
@pytest.mark.seconds(NPM_SECONDS + 100)
def test_grpc(server, modules):
    port = vif_process.free_port()
    talk(server(config=routes(to=f"h2c://127.0.0.1:{port}")), port, modules)


@pytest.mark.any_backend
@pytest.mark.seconds(NPM_SECONDS + 100)
@pytest.mark.skipif("OpenSSL" not in vif_process.run("version").stdout, reason="vif is built without OpenSSL")
@pytest.mark.parametrize("protocol", ["h2", "auto"])
def test_grpc_over_tls(server, modules, tmp_path_factory, protocol):
    """With a certificate of vif's own, which the server demands."""
    folder = tmp_path_factory.mktemp("grpc-pki")
    folder.chmod(0o755)
    authority, port = pki.Authority(folder), vif_process.free_port()
    certificate, key = authority.issue("grpc", ["127.0.0.1"])
    own, own_key = authority.issue("vif", [], usage="clientAuth")
    own_key.chmod(0o644)
    tls = {"ca": str(authority.certificate), "certificate": str(own), "key": str(own_key)}
    vif = server(config=routes(to=f"https://127.0.0.1:{port}", protocol=protocol, tls=tls))
    talk(vif, port, modules, certificate, key, authority.certificate)
