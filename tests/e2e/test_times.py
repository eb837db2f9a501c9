"""Odd modification times: before 1970, in the future, further than anything can say."""
import email.utils
import json
import os
import pathlib
import tempfile
import time

import pytest
import tree

pytestmark = [pytest.mark.over_http2, pytest.mark.any_backend]

HOUR = 3600
ODD = [-(2**62), -(2**40), -(10**10), -(2**31), -HOUR, -1, 0, 1, 2**31 - 1, 2**31, 2**32, 10**10, 253402300800, 2**40, 2**62]


@pytest.fixture
def root(tmp_path):
    """In memory where there is such a file system: it takes any time."""
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(dir=where) as folder:
        os.chmod(folder, 0o755)  # for workers that are another user
        yield pathlib.Path(folder)


def serve_dated(server, root, seconds):
    path = tree.write(root, "odd.txt", tree.HELLO)
    try:
        os.utime(path, (0, seconds))
    except (OSError, OverflowError):
        pytest.skip("the file system does not take that time")
    if int(path.stat().st_mtime) != seconds:
        pytest.skip("the file system knows only times nearby")
    return server(root)


@pytest.mark.parametrize("seconds", ODD)
def test_conditions_and_dates_agree(server, root, seconds):
    running = serve_dated(server, root, seconds)
    response = running.get("/odd.txt")
    assert (response.status, response.body) == (200, tree.HELLO)
    modified, date = response["last-modified"], response["date"]
    if 0 <= seconds < time.time():
        assert modified == email.utils.formatdate(seconds, usegmt=True)
    if seconds > time.time():
        assert email.utils.parsedate_to_datetime(modified) <= email.utils.parsedate_to_datetime(date)
    assert running.get("/odd.txt", {"If-None-Match": response["etag"]}).status == 304
    assert running.get("/odd.txt", {"If-Unmodified-Since": modified}).status == 200
    again = running.get("/odd.txt", {"If-Modified-Since": modified})
    assert again.status == (200 if seconds > time.time() else 304)
    whole = running.get("/odd.txt", {"Range": "bytes=0-1", "If-Range": response["etag"]})
    assert (whole.status, whole.body) == (206, tree.HELLO[:2])


@pytest.mark.parametrize("seconds", ODD)
def test_listing(server, root, seconds):
    running = serve_dated(server, root, seconds)
    entry = json.loads(running.get("/", {"Accept": "application/json"}).body)["entries"][0]
    if 0 <= seconds < 253402300800:
        assert entry["modified"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    assert b"odd.txt" in running.get("/").body


def test_a_date_before_there_was_a_web_is_no_strong_validator(server, root):
    """1985 is what npm dates all files, whatever is in them."""
    running = serve_dated(server, root, 499162500)
    modified = running.get("/odd.txt")["last-modified"]
    response = running.get("/odd.txt", {"Range": "bytes=0-1", "If-Range": modified})
    assert (response.status, response.body) == (200, tree.HELLO)


def test_a_time_between_seconds_before_1970(server, root):
    path = tree.write(root, "odd.txt", tree.HELLO)
    os.utime(path, ns=(0, -1))
    response = server(root).get("/odd.txt")
    assert response["last-modified"] == "Wed, 31 Dec 1969 23:59:59 GMT"
