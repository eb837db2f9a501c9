"""The backends of the loop: each serves the same; select(2) ends at descriptor 1023, and says so."""
import contextlib
import resource

import pytest

import vif
import wire

pytestmark = pytest.mark.any_backend  # each case names its own

BACKENDS = ("auto", "epoll", "epoll-lt", "poll", "select", "io_uring")
LARGE = bytes(range(256)) * 20000


@pytest.fixture
def large_root(root):
    (root / "small.txt").write_text("small")
    (root / "large.bin").write_bytes(LARGE)
    return root


@pytest.mark.parametrize("backend", BACKENDS)
def test_serves(server, large_root, backend):
    with server(large_root, "--backend", backend).connect() as client:
        assert client.exchange("GET", "/small.txt").body == b"small"
        assert client.exchange("GET", "/large.bin").body == LARGE
        assert client.exchange("GET", "/small.txt").body == b"small"


@pytest.mark.parametrize("backend", BACKENDS)
def test_keeps_what_comes_in_a_pause(server, large_root, backend):
    """Requests that arrive while a long answer is being sent are answered after it."""
    with server(large_root, "--backend", backend).connect(receive_buffer=4096) as client:
        client.request("GET", "/large.bin")
        for _ in range(100):
            client.request("GET", "/small.txt")
        assert client.read_response().body == LARGE
        for _ in range(100):
            assert client.read_response().body == b"small"


def test_unknown_backend_is_told():
    ended = vif.run("--backend", "kqueue", "/tmp")
    assert ended.returncode != 0
    assert "kqueue" in ended.stderr and "epoll-lt" in ended.stderr


def test_select_turns_away_what_it_cannot_wait_for(server, large_root):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4096:
        pytest.skip("too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    site = server(large_root, "--backend", "select")
    with contextlib.ExitStack() as stack:
        for _ in range(1050):
            stack.enter_context(site.connect()).send(b"G")
        late = stack.enter_context(site.connect())
        late.request("GET", "/small.txt")
        answer = late.read_last()
        assert answer.status == 503
        assert "retry-after" in answer
    wire.wait_until(lambda: site.get("/small.txt").status == 200, "room again")
    said = "cannot wait for so many connections"
    wire.wait_until(lambda: said in site.stderr(), "the log")
    assert site.stderr().count(said) == 1
