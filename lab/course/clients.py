#!/usr/bin/env python3
"""The clients of the course. Each does to a server what its chapter says:

    ./clients.py ask [PATH]             one request, and the time that its answer takes
    ./clients.py half                   the first two letters of a request, and no more
    ./clients.py long                   a request of 1,000 bytes, as with a browser's cookies
    ./clients.py reset                  connects, and resets the connection
    ./clients.py silent COUNT           connect and say nothing, until Ctrl-C
    ./clients.py many COUNT [PATH]      all connect; a second later all ask: how many are answered
    ./clients.py busy COUNT [PATH]      as many requests, one after the other: their mean time
    ./clients.py late                   asks for /big, and begins to read a second later

--port PORT where the server does not listen on 8080.
"""

import argparse
import resource
import select
import socket
import struct
import time

TIMEOUT = 2  # seconds: what has not answered then is silent


def raise_limits():
    """As many descriptors as are allowed, and not more than the servers have places for."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (20000 if hard == resource.RLIM_INFINITY else min(hard, 20000), hard))


def request(path="/", cookie=0):
    extra = f"Cookie: {'c' * cookie}\r\n" if cookie else ""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{extra}\r\n".encode()


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def read_to_end(client, timeout):
    """What came until the server closed, or reset, the connection; None if it did not in that time."""
    received = bytearray()
    deadline = time.monotonic() + timeout
    poll = select.poll()  # select() ends at descriptor 1,023: see 06-select.c
    poll.register(client, select.POLLIN)
    while poll.poll(max(deadline - time.monotonic(), 0) * 1000):
        try:
            part = client.recv(1 << 16)
        except ConnectionError:
            part = b""
        if not part:
            return bytes(received)
        received += part
    return None


def exchange(port, timeout, sent):
    """Sends this and reads to the end. None: silence. Empty: no answer."""
    try:
        with connect(port) as client:
            client.sendall(sent)
            return read_to_end(client, timeout)
    except ConnectionError:
        return b""


def is_answer(received):
    return received is not None and received.startswith(b"HTTP/1.1 200 ")


def ask(port, timeout, path="/", cookie=0):
    """Whether there was an answer."""
    return is_answer(exchange(port, timeout, request(path, cookie)))


def reset(port):
    client = connect(port)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def connect_many(port, count):
    """Fewer, where the server ends meanwhile."""
    connected = []
    try:
        while len(connected) < count:
            connected.append(connect(port))
    except ConnectionError:
        pass
    return connected


def ask_all(clients, timeout, path="/"):
    """Each of them asks; returns how many are answered. They are closed."""
    waiting = {}
    poll = select.poll()
    for client in clients:
        try:
            client.sendall(request(path))
            waiting[client.fileno()] = client
            poll.register(client, select.POLLIN)
        except ConnectionError:
            client.close()
    answered = 0
    deadline = time.monotonic() + timeout
    while waiting and time.monotonic() < deadline:
        for fd, _ in poll.poll(100):
            poll.unregister(fd)
            with waiting.pop(fd) as client:
                answered += is_answer(read_to_end(client, timeout))
    for client in waiting.values():
        client.close()
    return answered


def ask_late(port, wait):
    """Asks for /big, and reads when `wait` returns; returns how much of it came."""
    with socket.socket() as client:
        client.connect(("127.0.0.1", port))
        client.sendall(request("/big"))
        wait(client)
        received = read_to_end(client, 60)
        return len(received.partition(b"\r\n\r\n")[2])


def show_ask(port, path="/"):
    started = time.monotonic()
    answered = ask(port, TIMEOUT, path)
    print(f"answered after {time.monotonic() - started:.3f} s" if answered else f"nothing in {TIMEOUT} s")


def show_half(port):
    with connect(port) as client:
        client.sendall(b"GE")
        client.shutdown(socket.SHUT_WR)
        received = read_to_end(client, TIMEOUT) or b"closed without an answer"
        print(received.partition(b"\r\n")[0].decode())


def show_reset(port):
    reset(port)
    print("reset")


def show_silent(port, count):
    clients = connect_many(port, int(count))
    print(f"{len(clients)} connected; Ctrl-C ends them")
    for client in clients:
        client.settimeout(None)
    closed = sum(read_to_end(client, 1e6) is not None for client in clients)
    print(f"the server closed {closed}")


def show_many(port, count, path="/"):
    clients = connect_many(port, int(count))
    time.sleep(1)
    started = time.monotonic()
    answered = ask_all(clients, 5 * TIMEOUT, path)
    print(f"{answered} of {count} answered, {answered / (time.monotonic() - started):,.0f}/s")


def show_busy(port, count, path="/"):
    started = time.monotonic()
    answered = sum(ask(port, TIMEOUT, path) for _ in range(int(count)))
    print(f"{answered} of {count} answered, {(time.monotonic() - started) / int(count) * 1e6:,.0f} us each")


def show_late(port):
    print(f"{ask_late(port, lambda _: time.sleep(1)):,} of {20 << 20:,} bytes")


SHOWN = {
    "ask": show_ask,
    "half": show_half,
    "long": lambda port: print("answered" if ask(port, TIMEOUT, cookie=1000) else f"nothing in {TIMEOUT} s"),
    "reset": show_reset,
    "silent": show_silent,
    "many": show_many,
    "busy": show_busy,
    "late": show_late,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=SHOWN, metavar="KIND")
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--port", type=int, default=8080)
    arguments = parser.parse_args()
    raise_limits()
    try:
        SHOWN[arguments.kind](arguments.port, *arguments.words)
    except KeyboardInterrupt:
        pass
    except (ConnectionError, TimeoutError) as error:
        parser.exit(1, f"127.0.0.1:{arguments.port}: {error}\n")
    except TypeError:
        parser.error(f"{arguments.kind} wants other words: see --help")


if __name__ == "__main__":
    main()
