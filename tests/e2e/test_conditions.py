"""Conditional requests: RFC 9110 section 13, in the order of section 13.2.2."""
import datetime
import email.utils

import pytest

import tree

pytestmark = [pytest.mark.any_protocol, pytest.mark.any_backend]

TARGET = "/hello.txt"


@pytest.fixture
def validators(client):
    response = client.exchange("HEAD", TARGET)
    modified = email.utils.parsedate_to_datetime(response["last-modified"])
    second = datetime.timedelta(seconds=1)
    return {
        "ETAG": response["etag"],
        "WEAK": "W/" + response["etag"],
        "SAME": response["last-modified"],
        "OLDER": email.utils.format_datetime(modified - second, usegmt=True),
        "NEWER": email.utils.format_datetime(modified + second, usegmt=True),
        "RFC850": modified.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
        "ASCTIME": modified.strftime("%a %b ") + f"{modified.day:2d}" + modified.strftime(" %H:%M:%S %Y"),
    }


# Fields with the names of validators in capitals, and the status.
CASES = [
    # If-None-Match.
    ({"If-None-Match": "ETAG"}, 304),
    ({"If-None-Match": "WEAK"}, 304),
    ({"If-None-Match": "*"}, 304),
    ({"If-None-Match": '"other"'}, 200),
    ({"If-None-Match": '"other", ETAG'}, 304),
    ({"If-None-Match": '"a,b",ETAG ,"c"'}, 304),
    ({"If-None-Match": 'W/"other" , WEAK'}, 304),
    ({"If-None-Match": ""}, 200),
    ({"If-None-Match": "unquoted"}, 200),
    # If-Modified-Since.
    ({"If-Modified-Since": "SAME"}, 304),
    ({"If-Modified-Since": "NEWER"}, 304),
    ({"If-Modified-Since": "OLDER"}, 200),
    ({"If-Modified-Since": "RFC850"}, 304),
    ({"If-Modified-Since": "ASCTIME"}, 304),
    ({"If-Modified-Since": "not a date"}, 200),
    ({"If-Modified-Since": ""}, 200),
    ({"If-Modified-Since": "0"}, 200),
    ({"If-Modified-Since": "SAME; length=14"}, (200, 304)),
    # If-None-Match goes before If-Modified-Since.
    ({"If-None-Match": '"other"', "If-Modified-Since": "NEWER"}, 200),
    ({"If-None-Match": "ETAG", "If-Modified-Since": "OLDER"}, 304),
    # If-Match compares strongly.
    ({"If-Match": "ETAG"}, 200),
    ({"If-Match": "*"}, 200),
    ({"If-Match": '"other", ETAG'}, 200),
    ({"If-Match": '"other"'}, 412),
    ({"If-Match": "WEAK"}, 412),
    # If-Unmodified-Since.
    ({"If-Unmodified-Since": "SAME"}, 200),
    ({"If-Unmodified-Since": "NEWER"}, 200),
    ({"If-Unmodified-Since": "OLDER"}, 412),
    ({"If-Unmodified-Since": "not a date"}, 200),
    # If-Match goes before If-Unmodified-Since.
    ({"If-Match": "ETAG", "If-Unmodified-Since": "OLDER"}, 200),
    ({"If-Match": '"other"', "If-Unmodified-Since": "NEWER"}, 412),
    # Both of those go before the other two.
    ({"If-Match": '"other"', "If-None-Match": "ETAG"}, 412),
    ({"If-Match": "ETAG", "If-None-Match": "ETAG"}, 304),
    ({"If-Match": "ETAG", "If-None-Match": '"other"'}, 200),
    ({"If-Unmodified-Since": "OLDER", "If-None-Match": "ETAG"}, 412),
    ({"If-Unmodified-Since": "OLDER", "If-Modified-Since": "SAME"}, 412),
    ({"If-Unmodified-Since": "SAME", "If-Modified-Since": "SAME"}, 304),
    # If-Range without Range.
    ({"If-Range": '"other"', "If-None-Match": "ETAG"}, 304),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("fields, status", CASES, ids=[str(fields) for fields, _ in CASES])
def test_condition(client, validators, method, fields, status):
    for name, value in fields.items():
        for word, text in validators.items():
            value = value.replace(word, text)
        fields = {**fields, name: value}
    response = client.exchange(method, TARGET, fields)
    assert response.status in (status if isinstance(status, tuple) else (status,))
    if response.status == 200 and method == "GET":
        assert response.body == tree.HELLO
    assert client.exchange("GET", TARGET).body == tree.HELLO


def test_list_in_several_lines(client, validators):
    fields = [("If-None-Match", '"a"'), ("If-None-Match", validators["ETAG"])]
    assert client.exchange("GET", TARGET, fields).status == 304


def test_304_has_the_fields_that_caches_need(client, validators):
    """RFC 9110 section 15.4.5."""
    response = client.exchange("GET", TARGET, {"If-None-Match": validators["ETAG"]})
    assert response["etag"] == validators["ETAG"]
    assert "content-range" not in response
    assert response["content-length"] in (None, str(len(tree.HELLO)))


def test_304_in_a_pipeline(client, validators):
    for _ in range(10):
        client.request("GET", TARGET, {"If-None-Match": validators["ETAG"]})
        client.request("GET", TARGET)
    for _ in range(10):
        assert client.read_response().status == 304
        assert client.read_response().body == tree.HELLO


@pytest.mark.parametrize("fields", [{"If-None-Match": "*"}, {"If-Match": "*"},
                                    {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}])
def test_conditions_do_not_matter_where_nothing_is(client, fields):
    """RFC 9110 section 13.2.1: they count only where the answer would be 2xx or 412."""
    assert client.exchange("GET", "/nothing", fields).status in (404, 412 if "If-Match" in fields else 404)


def test_conditions_do_not_matter_for_a_redirect(client):
    assert client.exchange("GET", "/indexed", {"If-None-Match": "*"}).status in (301, 308)


def test_condition_on_an_index(client):
    etag = client.exchange("GET", "/")["etag"]
    assert client.exchange("GET", "/", {"If-None-Match": etag}).status == 304


def test_condition_on_a_large_file(client):
    etag = client.exchange("HEAD", "/big.bin")["etag"]
    assert client.exchange("GET", "/big.bin", {"If-None-Match": etag}).status == 304


@pytest.mark.parametrize("value", ['"' * 1000, '",' * 500, "W/" * 500, '"\xff"', '"a" "b"', "*, *", '*, "a"'])
def test_odd_tags_do_no_harm(client, value):
    assert client.exchange("GET", TARGET, {"If-None-Match": value}).status in (200, 304, 400)
    assert client.exchange("GET", TARGET).body == tree.HELLO
