"""Pixels of a PNG file as browsers write their screenshots: eight bits a channel, not interlaced."""
import struct
import zlib


def chunks(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8:at + 8 + length]
        at += 12 + length


def unfilter(kind, line, above, step):
    """Undoes a filter of PNG (section 9 of its specification) on one line."""
    for i, byte in enumerate(line):
        left = line[i - step] if i >= step else 0
        up = above[i]
        corner = above[i - step] if i >= step else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        else:
            near = left + up - corner
            guess = min((abs(near - left), 0, left), (abs(near - up), 1, up), (abs(near - corner), 2, corner))[2]
        line[i] = (byte + guess) & 255


def read(path):
    """Width, height, bytes of a pixel, and a bytearray for each line."""
    parts = list(chunks(path.read_bytes()))
    width, height, depth, colour = struct.unpack_from(">IIBB", parts[0][1])
    assert depth == 8 and colour in (2, 6)
    step = {2: 3, 6: 4}[colour]
    packed = zlib.decompress(b"".join(data for kind, data in parts if kind == b"IDAT"))
    lines = []
    above = bytearray(width * step)
    for y in range(height):
        start = y * (width * step + 1)
        line = bytearray(packed[start + 1:start + 1 + width * step])
        if packed[start]:
            unfilter(packed[start], line, above, step)
        lines.append(line)
        above = line
    return width, height, step, lines
