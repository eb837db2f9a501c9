"""Messages, right and wrong ones, however their bytes are cut: the answers are the same as to the bytes in
one piece.

The messages are made from a seed, so a failure can be repeated: the seed is the test's parameter.
"""
import random
import re

import pytest

import wire

METHODS = [b"GET", b"HEAD", b"POST", b"OPTIONS", b"PUT", b"TRACE", b"BREW"]
TARGETS = [b"/hello.txt", b"/", b"/plain/", b"/indexed", b"/nothing", b"/digits.txt", b"*", b"/%68ello.txt",
           b"/../x",
           b"http://localhost/hello.txt", b"/encoded.html", b"/big.bin"]
FIELDS = [b"Host: localhost", b"Connection: keep-alive", b"Range: bytes=1-3", b"Range: bytes=0-1,4-5",
          b"Range: bytes=5000000-", b"Accept-Encoding: gzip, br", b"If-None-Match: *",
          b"Expect: 100-continue",
          b"If-Modified-Since: Mon, 23 Nov 2020 00:00:00 GMT", b"X: y", b"Accept: application/json"]
ODD_BYTES = b"\r\n\t :;,\x00\x7f\xff09aA/%."


def make_request(source):
    fields = [b"Host: localhost", *source.sample(FIELDS, source.randrange(4))]
    body = b""
    framing = source.randrange(6)
    if framing == 0:
        body = source.randbytes(source.randrange(50))
        fields.append(b"Content-Length: %d" % len(body))
    elif framing == 1:
        body = wire.chunked(*[b"z" * source.randrange(1, 20) for _ in range(source.randrange(4))])
        fields.append(b"Transfer-Encoding: chunked")
    line = source.choice(METHODS) + b" " + source.choice(TARGETS) + b" HTTP/1.1"
    return b"\r\n".join([line, *fields, b"", b""]) + body


def mutate(source, data):
    """A few bytes are changed, left out, put in or doubled; often none."""
    for _ in range(source.choice((0, 0, 0, 1, 1, 2, 4))):
        place = source.randrange(len(data))
        rest = data[place:]
        kind = source.randrange(4)
        if kind == 0:
            data = data[:place] + bytes([source.choice(ODD_BYTES)]) + rest[1:]
        elif kind == 1 and len(data) > 4:
            data = data[:place] + rest[source.randrange(1, 4) :]
        elif kind == 2:
            data = data[:place] + bytes([source.choice(ODD_BYTES)]) + rest
        else:
            data = data[:place] + rest[: source.randrange(10)] + rest
        data = data or b"G"
    return data


def answers(site, send, data):
    """All that comes back, without what differs from one time to the next."""
    with site.connect() as client:
        send(client, data)
        client.finish_sending()
        received = client.take_to_end()
    received = received.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
    return re.sub(rb"\r\nDate: [^\r]*", b"", received)


def hide_boundaries(received):
    for boundary in re.findall(rb"boundary=\"?([^\"\r]*)", received):
        received = received.replace(boundary, b"boundary")
    return received


@pytest.mark.parametrize("seed", range(150))
def test_answers_do_not_depend_on_the_cuts(site, seed):
    source = random.Random(seed)
    data = b"".join(mutate(source, make_request(source)) for _ in range(source.randrange(1, 5)))
    if re.search(rb"(?i)HTTP/1\.0|close", data):
        return  # behind its last response a connection may be closed while more is on its way
    whole = answers(site, wire.Client.send, data)
    in_segments = answers(site, lambda client, bytes: client.send_in_segments(bytes, seed), data)
    by_bytes = answers(site, wire.Client.send_byte_by_byte, data)
    assert hide_boundaries(in_segments) == hide_boundaries(whole), data
    assert hide_boundaries(by_bytes) == hide_boundaries(whole), data
