"""A server with a speed of its own: each connection gets an answer every 50 ms, however fast its client is.

What a client counts here is known beforehand: connections / 50 ms, less what the way takes. So clients that differ
in what they cost must still agree.
"""

import asyncio
import sys

PACE_SECONDS = 0.05
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n" + b"x" * 1024


class Connection(asyncio.Protocol):
    """One client, one request at a time: the end of a head in what arrives is a request."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if data.endswith(b"\r\n\r\n"):
            asyncio.get_running_loop().call_later(PACE_SECONDS, self.transport.write, ANSWER)


async def serve(port):
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
