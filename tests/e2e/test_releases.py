"""A root whose path leads through a symbolic link that is switched: each worker serves the new release at once, so
that a page and what it asks for come from one."""
import os

import pytest

import tree
import wire

pytestmark = pytest.mark.any_backend

ROUNDS = 100
WORKERS = 4


def release(folder, number):
    tree.write(folder, f"r/{number}/site/index.html", b"%d" % number)
    tree.write(folder, f"r/{number}/site/app-{number}.js", b"script %d" % number)


def switch(folder, number):
    os.symlink(f"r/{number}", folder / ".n")
    os.rename(folder / ".n", folder / "cur")


@pytest.mark.parametrize("path", ["cur/site", "other/../way/site", "direct"])
def test_a_switched_root(server, tmp_path, path):
    for number in range(2):
        release(tmp_path, number)
    os.symlink("cur", tmp_path / "way")
    (tmp_path / "other").mkdir()
    os.symlink(tmp_path / "way" / "site", tmp_path / "direct")
    switch(tmp_path, 0)
    running = server(tmp_path / path, workers=WORKERS)
    kept = [running.connect() for _ in range(6)]
    for number in range(ROUNDS):
        if number > 1:
            release(tmp_path, number)
        switch(tmp_path, number)
        # Over connections that are there already, and over new ones: all workers are asked.
        for client in [*kept, *(running.connect() for _ in range(2))]:
            assert client.exchange("GET", "/").body == b"%d" % number
            assert client.exchange("GET", f"/app-{number}.js").body == b"script %d" % number
        for client in running.clients[len(kept):]:
            client.close()
        del running.clients[len(kept):]


def test_a_root_that_is_replaced_and_comes_back(server, tmp_path):
    release(tmp_path, 0)
    release(tmp_path, 1)
    running = server(tmp_path / "r/0/site")
    for number in range(10):
        # What a worker may read was settled when it started: others take over that may read the new folder.
        wire.wait_until(lambda: running.get("/").body == b"%d" % (number % 2), "the other release")
        os.rename(tmp_path / "r/0", tmp_path / "r/away")
        os.rename(tmp_path / "r/1", tmp_path / "r/0")
        os.rename(tmp_path / "r/away", tmp_path / "r/1")
