"""The reverse proxy with several servers: which one gets a request, and when it has to wait."""
import collections
import json
import re
import threading
import time

import pytest

import vif as vif_process
import wire
from proxies import forwarding, log_lines, named, origins, proxy  # noqa: F401

pytestmark = pytest.mark.http1


def server_at(origin, **options):
    return {"server": origin.url, **options}


def to(*servers, **options):
    """A configuration; a server is an origin, or a map."""
    config = forwarding([], **options)
    config["sites"][0]["routes"]["/"]["proxy"]["to"] = [
        one if isinstance(one, dict) else one.url for one in servers]
    return config


def bodies(vif, count, fields=None):
    """Over one connection."""
    with vif.connect() as client:
        return [client.exchange("GET", "/", fields).body.decode() for _ in range(count)]


# ---- round robin ----

def test_weights(server, origins):
    vif = server(config=to(server_at(origins(named("a")), weight=3), origins(named("b")), origins(named("c"))))
    assert collections.Counter(bodies(vif, 50)) == {"a": 30, "b": 10, "c": 10}


def test_all_workers_together_are_even(server, origins):
    """10,000 requests within 5 %; connections are spread over the workers as the kernel likes."""
    several = [origins(named(name)) for name in "abcd"]
    vif = server(config=to(*several), workers=4)
    got, lock = collections.Counter(), threading.Lock()

    def ask():
        seen = bodies(vif, 500)
        with lock:
            got.update(seen)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got.values()) == 10000
    assert all(abs(got[name] - 2500) <= 125 for name in "abcd"), got


def test_workers_do_not_all_begin_with_the_same_server(server, origins):
    """The first requests of many workers go to different servers."""
    several = [origins(named(name)) for name in "abcd"]
    vif = server(config=to(*several), workers=8)
    first = collections.Counter()
    for _ in range(200):
        first.update(bodies(vif, 1))
    assert max(first.values()) < 100, first


def test_backups_wait_until_all_others_are_down(server, origins):
    first, second = origins(named("a")), origins(named("b"))
    vif = server(config=to(first, second, server_at(origins(named("backup")), backup=True), max_failures=1,
                           retry_after="60s"))
    assert set(bodies(vif, 6)) == {"a", "b"}
    first.stop()
    assert set(bodies(vif, 6)) == {"b"}
    second.stop()
    assert set(bodies(vif, 6)) == {"backup"}


def test_a_server_without_weight_gets_nothing(server, origins):
    vif = server(config=to(origins(named("a")), server_at(origins(named("b")), weight=0)))
    assert set(bodies(vif, 6)) == {"a"}


def test_no_server_takes_requests(server, origins):
    vif = server(config=to(server_at(origins(named("a")), weight=0)))
    response = vif.get("/")
    assert (response.status, response["retry-after"]) == (503, "1")
    assert log_lines(vif, 1)[0]["upstream_cause"] == "no_server"


# ---- hash ----

@pytest.mark.parametrize("key, field", [("header:X-User", "X-User: {}"), ("cookie:user", "Cookie: a=b; user={}; c=d")])
def test_the_same_key_has_the_same_server(server, origins, key, field):
    several = [origins(named(name)) for name in "abc"]
    vif = server(config=to(*several, balance="hash", hash=key), workers=2)
    of = {}
    for _ in range(3):
        for number in range(30):
            name, value = field.format(number).split(": ")
            body = vif.get("/", {name: value}).body
            assert of.setdefault(number, body) == body
    assert set(of.values()) == {b"a", b"b", b"c"}


def test_the_same_address_has_the_same_server(server, origins):
    several = [origins(named(name)) for name in "abc"]
    vif = server(config=to(*several, balance="hash"), workers=2)
    assert len({vif.get("/").body for _ in range(10)}) == 1


def test_only_keys_of_a_dead_server_move(server, origins):
    several = {name: origins(named(name)) for name in "abc"}
    vif = server(config=to(*several.values(), balance="hash", hash="header:X-User", max_failures=1,
                           retry_after="60s"))
    before = {number: vif.get("/", {"X-User": str(number)}).body.decode() for number in range(30)}
    several["b"].stop()
    for number, name in before.items():
        body = vif.get("/", {"X-User": str(number)}).body.decode()
        assert body == name if name != "b" else body in "ac"


# ---- least time ----

def test_the_slow_one_gets_less(server, origins):
    pause = threading.Event()

    def slow(peer):
        return peer.read_request() is not None and not pause.wait(0.03) and peer.answer("slow")

    vif = server(config=to(origins(slow), origins(named("fast")), balance="least_time"))
    got = collections.Counter(bodies(vif, 40))
    assert got["fast"] >= 35, got


# ---- sticky ----

def cookie_of(response):
    match = re.fullmatch(r"srv=([0-9a-f]{32}); Path=/; HttpOnly; SameSite=Lax", response["set-cookie"] or "")
    assert match, response.fields
    return match[1]


def test_a_client_stays_at_its_server(server, origins):
    several = {name: origins(named(name)) for name in "abc"}
    vif = server(config=to(*several.values(), sticky="srv", max_failures=1, retry_after="60s"), workers=2)
    first = vif.get("/")
    name = first.body.decode()
    cookie = {"Cookie": f"x=y; srv={cookie_of(first)}"}
    for _ in range(10):
        response = vif.get("/", cookie)
        assert (response.body.decode(), response["set-cookie"]) == (name, None)
    several[name].stop()
    moved = vif.get("/", cookie)
    assert moved.body.decode() in set("abc") - {name}
    assert cookie_of(moved) != cookie["Cookie"].split("=")[-1]


@pytest.mark.parametrize("value", ["", "0" * 32, "a", "http://127.0.0.1"])
def test_a_cookie_that_vif_has_not_made_counts_for_nothing(server, origins, value):
    several = [origins(named(name)) for name in "ab"]
    vif = server(config=to(*several, sticky="srv"))
    responses = [vif.get("/", {"Cookie": f"srv={value}"}) for _ in range(4)]
    assert {response.body for response in responses} == {b"a", b"b"}
    assert all(cookie_of(response) for response in responses)


def key_file(folder, name, text="0123456789abcdef0123456789abcdef\n", mode=0o600):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


def test_machines_with_the_same_key_understand_each_other(server, origins, tmp_path):
    """And so does the same machine after a restart. A line feed at the end makes no other key."""
    several = [origins(named(name)) for name in "abc"]
    same = [key_file(tmp_path, "a.key"), key_file(tmp_path, "b.key", " 0123456789abcdef0123456789abcdef")]
    other = key_file(tmp_path, "c.key", "0123456789abcdef0123456789abcdeg\n")
    first, second, stranger = (server(config=to(*several, sticky={"cookie": "srv", "key": key}))
                               for key in (*same, other))
    made = first.get("/")
    cookie = {"Cookie": f"srv={cookie_of(made)}"}
    for vif in (first, second):
        responses = [vif.get("/", cookie) for _ in range(4)]
        assert [(one.body, one["set-cookie"]) for one in responses] == [(made.body, None)] * 4
    assert all(cookie_of(stranger.get("/", cookie)) for _ in range(4))


@pytest.mark.any_build
@pytest.mark.parametrize("text, mode, status, words", [
    pytest.param("0123456789abcdef", 0o640, 0, None, id="good"),
    pytest.param("0123456789abcdef", 0o644, 0, "warning: {path}: every user of this machine may read the key", id="open"),
    pytest.param("0123456789abcde \n", 0o600, 2, "it has less than 16 characters", id="short"),
    pytest.param("x" * 4097, 0o600, 2, "it cannot be read, or is longer than 4 KiB", id="long"),
    pytest.param(None, 0o600, 2, "No such file", id="absent"),
])
def test_a_key_is_checked(tmp_path, text, mode, status, words):
    path = key_file(tmp_path, "k", text, mode) if text else str(tmp_path / "k")
    config = tmp_path / "vif.yaml"
    config.write_text(json.dumps({"sites": [{"routes": {"/": {"proxy": {"to": 3000, "sticky": {"key": path}}}}}]}),
                      encoding="utf-8")
    result = vif_process.run("check", "-c", config)
    said = result.stdout + result.stderr
    assert result.returncode == status, said
    if words:
        assert words.format(path=path) in said and (status == 0 or "vif.yaml:1:70: error: proxy.sticky.key: " in said)
    else:
        assert "warning" not in said


# ---- places ----

def test_the_limit_of_a_server_counts_over_all_workers(server, origins):
    """Two places, four workers, 40 clients: never more than two requests at once, and all are answered."""
    state, lock = {"now": 0, "most": 0}, threading.Lock()

    def script(peer):
        if peer.read_request() is None:
            return False
        with lock:
            state["now"] += 1
            state["most"] = max(state["most"], state["now"])
        threading.Event().wait(0.005)
        with lock:
            state["now"] -= 1
        return peer.answer("x")

    vif = server(config=to(origins(script), connections=2, queue_timeout="30s"), workers=4)
    statuses = []

    def ask():
        with vif.connect() as client:
            statuses.extend(client.exchange("GET", "/").status for _ in range(3))

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert collections.Counter(statuses) == {200: 120}
    assert state["most"] <= 2


def test_a_full_server_leaves_requests_to_the_others(server, origins):
    release = threading.Event()
    slow = origins(lambda peer: peer.read_request() is not None and release.wait(wire.TIME_LIMIT) and peer.answer("slow"))
    vif = server(config=to(server_at(slow, connections=1), origins(named("fast"))))
    with vif.connect() as one, vif.connect() as other:
        one.request("GET", "/")
        other.request("GET", "/")
        wire.wait_until(lambda: slow.requests, "a request")
        assert set(bodies(vif, 6)) == {"fast"}
        release.set()
        assert {one.read_response().body, other.read_response().body} == {b"slow", b"fast"}


# ---- the total time ----

def test_the_whole_has_a_time_limit(proxy):
    def drips(peer):
        if peer.read_request() is None:
            return False
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while peer.send("x"):
            threading.Event().wait(0.02)

    vif, _ = proxy(drips, total_timeout="300ms")
    with vif.connect() as client:
        client.request("GET", "/")
        with pytest.raises((AssertionError, ConnectionError, EOFError)):
            client.read_response()
    line = log_lines(vif, 1)[0]
    assert (line["upstream_cause"], line["outcome"]) == ("total_timeout", "upstream_failed")


def test_the_time_limit_counts_over_all_attempts(server, origins):
    silent = origins(lambda peer: peer.read_request() is not None and peer.wait_for_end())
    vif = server(config=to(silent, total_timeout="300ms"))
    assert vif.get("/").status == 504
    assert log_lines(vif, 1)[0]["upstream_cause"] == "total_timeout"


def test_waiting_counts_for_the_time_limit(server, origins):
    release = threading.Event()
    origin = origins(lambda peer: peer.read_request() is not None and release.wait(wire.TIME_LIMIT) and peer.answer("x"))
    vif = server(config=to(origin, connections=1, total_timeout="300ms"))
    with vif.connect() as first, vif.connect() as second:
        first.request("GET", "/")
        second.request("GET", "/")
        assert {first.read_response().status, second.read_response().status} == {504}
        release.set()


# ---- the access log ----

def test_the_log_has_the_time_of_each_step(server, origins):
    goes_on = threading.Semaphore(0)

    def script(peer):
        if peer.read_request() is None:
            return False
        goes_on.acquire(timeout=wire.TIME_LIMIT)
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na")
        goes_on.acquire(timeout=wire.TIME_LIMIT)
        return peer.send("b")

    origin = origins(script)
    vif = server(config=to(origin, connections=1))
    with vif.connect() as first, vif.connect() as second:
        first.request("GET", "/")
        wire.wait_until(lambda: origin.requests, "the first request")
        second.request("GET", "/")
        time.sleep(0.1)
        goes_on.release()
        assert first.take(1) == b"H"
        time.sleep(0.1)
        goes_on.release(3)
        assert second.read_response().body == b"ab"
    lines = sorted(log_lines(vif, 2), key=lambda line: line["duration_us"])
    waited = next(line for line in lines if "upstream_queue_us" in line)
    was_first = next(line for line in lines if "upstream_queue_us" not in line)
    assert waited["upstream_queue_us"] > 100000
    assert was_first["upstream_connect_us"] <= was_first["upstream_head_us"]
    assert was_first["upstream_head_us"] > 90000
    assert was_first["upstream_body_us"] > 90000
