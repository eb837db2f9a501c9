"""Byte ranges: RFC 9110 section 14."""
import re

import pytest

import tree

pytestmark = [pytest.mark.any_protocol, pytest.mark.any_backend]

DIGITS = "/digits.txt"  # "0123456789"


def parse_multipart(response):
    """The parts of a multipart/byteranges response as (Content-Range, Content-Type, body)."""
    match = re.fullmatch(r'multipart/byteranges; ?boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?',
                         response["content-type"])
    assert match, response["content-type"]
    delimiter = b"--" + match.group(1).encode()
    assert response.body.removesuffix(b"\r\n").endswith(b"\r\n" + delimiter + b"--")
    first, *pieces = (b"\r\n" + response.body).split(b"\r\n" + delimiter)
    assert first in (b"", b"\r\n")
    assert pieces[-1] in (b"--", b"--\r\n")
    parts = []
    for piece in pieces[:-1]:
        assert piece.startswith(b"\r\n")
        head, body = piece[2:].split(b"\r\n\r\n", 1)
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        fields = {name.lower(): value for name, value in fields.items()}
        parts.append((fields["content-range"], fields.get("content-type"), body))
    return parts


@pytest.mark.parametrize(
    "value, content_range, body",
    [
        ("bytes=0-0", "bytes 0-0/10", b"0"),
        ("bytes=0-4", "bytes 0-4/10", b"01234"),
        ("bytes=5-", "bytes 5-9/10", b"56789"),
        ("bytes=9-9", "bytes 9-9/10", b"9"),
        ("bytes=0-", "bytes 0-9/10", b"0123456789"),
        ("bytes=3-100", "bytes 3-9/10", b"3456789"),
        ("bytes=-1", "bytes 9-9/10", b"9"),
        ("bytes=-10", "bytes 0-9/10", b"0123456789"),
        ("bytes=-100", "bytes 0-9/10", b"0123456789"),
        ("bytes=8-18446744073709551615", "bytes 8-9/10", b"89"),
        ("bytes=8-99999999999999999999999", "bytes 8-9/10", b"89"),
        ("bytes=-99999999999999999999999", "bytes 0-9/10", b"0123456789"),
        ("bytes=007-008", "bytes 7-8/10", b"78"),
        ("bytes=2-3,", "bytes 2-3/10", b"23"),
        ("bytes= 2-3 ", "bytes 2-3/10", b"23"),
        ("bytes=,2-3", "bytes 2-3/10", b"23"),
        ("Bytes=2-3", "bytes 2-3/10", b"23"),
        ("bytes=2-3,20-30", "bytes 2-3/10", b"23"),
    ],
)
def test_one_range(client, value, content_range, body):
    response = client.exchange("GET", DIGITS, {"Range": value})
    assert (response.status, response.body) == (206, body)
    assert response["content-range"] == content_range
    assert response["content-length"] == str(len(body))
    assert response["content-type"].startswith("text/plain")


def test_range_has_the_validators_of_the_whole(client):
    whole = client.exchange("GET", DIGITS)
    part = client.exchange("GET", DIGITS, {"Range": "bytes=1-2"})
    for name in ("etag", "last-modified"):
        assert part[name] == whole[name]


@pytest.mark.parametrize(
    "value",
    ["bytes=10-", "bytes=10-20", "bytes=18446744073709551616-", "bytes=-0", "bytes=20-30,40-50",
     # Of bytes, but no ranges.
     "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=a-f", "bytes=1", "bytes=10", "bytes=1-2-3", "bytes=5-4",
     "bytes=20-10", "bytes=--1", "bytes=+1-2", "bytes=1 - 2", "bytes=0x1-2", "bytes=1-2;3-4", "bytes=1-2,x",
     "bytes=1-,5-4", "bytes=1.0-2", "bytes==1-2", "bytes=0-\xb2"],
)
def test_range_that_cannot_be_satisfied(client, value):
    response = client.exchange("GET", DIGITS, {"Range": value})
    assert response.status == 416
    assert response["content-range"] == "bytes */10"
    assert client.exchange("GET", DIGITS).body == b"0123456789"


@pytest.mark.parametrize("value", ["", "bytes", "bytes:0-1", "bytes 0-1", "items=0-1", "items=2-1", "none"])
def test_range_of_another_unit_is_ignored(client, value):
    response = client.exchange("GET", DIGITS, {"Range": value})
    assert (response.status, response.body) == (200, b"0123456789")
    assert "content-range" not in response


@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_range_is_for_get_only(client, method):
    """RFC 9110 section 14.2."""
    client.request(method, DIGITS, {"Range": "bytes=1-2"})
    response = client.read_response(method)
    assert response.status == (200 if method == "HEAD" else 405)
    if method == "HEAD":
        assert response["content-length"] == "10"


def test_range_of_what_does_not_exist(client):
    assert client.exchange("GET", "/nothing", {"Range": "bytes=0-1"}).status == 404


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=0-0", "bytes=0-1048575", "bytes=7-", "bytes=-5", "bytes=0-0,2-2"])
def test_range_of_an_empty_file(client, value):
    """A cache that slices asks for the first slice, and a client that resumes for the rest: both are told the truth."""
    response = client.exchange("GET", "/empty.txt", {"Range": value})
    assert (response.status, response["content-length"]) == (200, "0")
    assert "content-range" not in response


def test_two_range_fields_are_ignored(client):
    response = client.exchange("GET", DIGITS, [("Range", "bytes=1-2"), ("Range", "bytes=4-5")])
    assert (response.status, response.body) == (200, b"0123456789")


@pytest.mark.every_backend
def test_ranges_of_a_large_file(client):
    for first, last in ((0, 0), (65535, 65536), (524288, 1048575), (1048575, 1048575), (1, 1048574)):
        response = client.exchange("GET", "/big.bin", {"Range": f"bytes={first}-{last}"})
        assert (response.status, response.body) == (206, tree.BIG[first : last + 1])


@pytest.mark.parametrize("target, content", [(DIGITS, b"0123456789"), ("/big.bin", tree.BIG)],
                         ids=["small", "large"])
@pytest.mark.parametrize("ranges", [[(0, 0), (9, 9)], [(7, 8), (1, 2)], [(0, 1), (3, 4), (6, 7)]])
def test_several_ranges(client, target, content, ranges):
    value = "bytes=" + ", ".join(f"{first}-{last}" for first, last in ranges)
    response = client.exchange("GET", target, {"Range": value})
    assert response.status == 206
    assert "content-range" not in response
    parts = parse_multipart(response)
    type = client.exchange("HEAD", target)["content-type"]
    assert parts == [(f"bytes {a}-{b}/{len(content)}", type, content[a : b + 1]) for a, b in ranges]


@pytest.mark.every_backend
def test_several_large_ranges(client):
    response = client.exchange("GET", "/big.bin", {"Range": "bytes=100-400099,500000-800000,-1000"})
    parts = parse_multipart(response)
    assert [part[2] for part in parts] == [tree.BIG[100:400100], tree.BIG[500000:800001], tree.BIG[-1000:]]


@pytest.mark.parametrize("target, content", [(DIGITS, b"0123456789"), ("/big.bin", tree.BIG)],
                         ids=["small", "large"])
@pytest.mark.parametrize("count", [5, 17, 20, 100, 256])
def test_many_small_ranges(client, target, content, count):
    """As zsync (20 at a time) and zchunk (up to 256) ask for them."""
    step = max(2, len(content) // count)
    ranges = [(first, first + step // 2) for first in range(0, len(content) - step // 2, step)][:count]
    value = "bytes=" + ",".join(f"{first}-{last - 1}" for first, last in ranges)
    response = client.exchange("GET", target, {"Range": value})
    assert response.status == 206
    parts = parse_multipart(response)
    assert [part[2] for part in parts] == [content[first:last] for first, last in ranges]


@pytest.mark.parametrize("ranges", [[(n, n) for n in range(0, 514, 2)], [(n, n) for n in range(40, 0, -2)],
                                    [(n, n) for n in range(0, 40, 2)] + [(0, 0)]],
                         ids=["257", "descending", "first-again"])
def test_too_many_ranges_give_the_whole(client, ranges):
    value = "bytes=" + ",".join(f"{first}-{last}" for first, last in ranges)
    response = client.exchange("GET", "/big.bin", {"Range": value})
    assert response.status == 200 and response.body == tree.BIG


def test_several_ranges_keep_the_connection(client):
    for _ in range(3):
        assert client.exchange("GET", DIGITS, {"Range": "bytes=0-1,4-5"}).status == 206
    assert client.exchange("GET", DIGITS).body == b"0123456789"


@pytest.mark.every_backend
def test_ranges_in_a_pipeline(client):
    for index in range(10):
        client.request("GET", DIGITS, {"Range": f"bytes={index}-{index}"})
    for index in range(10):
        assert client.read_response().body == b"%d" % index


@pytest.mark.parametrize(
    "value",
    [
        "bytes=" + ",".join(["0-"] * 1000),
        "bytes=" + ",".join(["0-0"] * 1500),
        "bytes=" + ",".join(["0-1048575"] * 50),
        "bytes=" + ",".join(f"{n}-" for n in range(500)),
        "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 2000, 2)),
        "bytes=" + "," * 3000,
        "bytes=0-,0-,0-",
        "bytes=0-600000,0-600000,0-600000",
        "bytes=-1048576,0-1048575,5-",
    ],
    ids=range(9),
)
def test_greedy_ranges_give_no_more_than_the_file(client, value):
    """RFC 9110 section 17.15: many or overlapping ranges must not multiply what is sent."""
    response = client.exchange("GET", "/big.bin", {"Range": value})
    assert response.status in (200, 206, 416)
    assert len(response.body) <= len(tree.BIG) + 4096
    assert client.exchange("GET", "/hello.txt").body == tree.HELLO


# If-Range.


def test_if_range_with_the_etag(client):
    etag = client.exchange("HEAD", DIGITS)["etag"]
    response = client.exchange("GET", DIGITS, {"Range": "bytes=1-2", "If-Range": etag})
    assert (response.status, response.body) == (206, b"12")


def test_if_range_with_the_date(client):
    date = client.exchange("HEAD", DIGITS)["last-modified"]
    response = client.exchange("GET", DIGITS, {"Range": "bytes=1-2", "If-Range": date})
    assert (response.status, response.body) == (206, b"12")


def whole(client, if_range):
    response = client.exchange("GET", DIGITS, {"Range": "bytes=1-2", "If-Range": if_range})
    assert (response.status, response.body) == (200, b"0123456789")


def test_if_range_with_another_etag(client):
    whole(client, '"other"')


def test_if_range_with_the_etag_made_weak(client):
    whole(client, "W/" + client.exchange("HEAD", DIGITS)["etag"])


@pytest.mark.parametrize(
    "date", ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 2038 23:59:59 GMT", "yesterday", "", "*", '"',
             "W/"]
)
def test_if_range_that_does_not_hold(client, date):
    whole(client, date)


def test_if_range_comes_before_416(client):
    response = client.exchange("GET", DIGITS, {"Range": "bytes=100-", "If-Range": '"other"'})
    assert (response.status, response.body) == (200, b"0123456789")


def test_if_range_without_range_means_nothing(client):
    assert client.exchange("GET", DIGITS, {"If-Range": '"other"'}).body == b"0123456789"


def test_conditions_come_before_ranges(client):
    etag = client.exchange("HEAD", DIGITS)["etag"]
    assert client.exchange("GET", DIGITS, {"Range": "bytes=1-2", "If-None-Match": etag}).status == 304
    assert client.exchange("GET", DIGITS, {"Range": "bytes=100-", "If-None-Match": etag}).status == 304
    assert client.exchange("GET", DIGITS, {"Range": "bytes=1-2", "If-Match": '"other"'}).status == 412
