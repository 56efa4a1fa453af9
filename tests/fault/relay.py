#!/usr/bin/python3
"""A TCP relay that can spoil what goes through it; for tests.

As a module: Relay, on a thread of its own. As a program, in a network namespace:

usage: relay.py PORT [--delay S] [--jitter S]

relays every connection that the namespace makes to TCP port PORT, wherever it leads; its own pass by
the redirection through a mark. Reads commands from stdin: "hole on", "hole off", "jitter S"; ends
with it.

What it can do: delay with jitter (order kept), a black hole (connections stay open, also new ones, and
nothing passes: no RST and no FIN tells anybody), a rate, and, of plain HTTP/2, RST right after a whole
request, or in place of its reply.
"""

import argparse
import asyncio
import random
import socket
import struct
import subprocess
import sys
import threading

CHUNK = 64 << 10
MARK = 0x6d73
SO_ORIGINAL_DST = 80
PREFACE = 24  # Bytes that a client says before its first frame.
DATA, HEADERS, END_STREAM = 0, 1, 1

LOSE_REPLY, CUT_AFTER_REQUEST = "lose_reply", "cut_after_request"


class Frames:
    """Finds the headers of HTTP/2 frames in a stream of bytes (RFC 9113, 4.1)."""

    def __init__(self, skip):
        self._skip = skip  # Bytes that belong to no header.
        self._head = b""

    def feed(self, data):
        """[(type, flags, stream)] of the frames that begin in `data`."""
        found = []
        while data:
            if self._skip:
                cut = min(self._skip, len(data))
                self._skip -= cut
                data = data[cut:]
                continue
            need = 9 - len(self._head)
            self._head += data[:need]
            data = data[need:]
            if len(self._head) == 9:
                length, kind, flags, stream = struct.unpack(">I", b"\0" + self._head[:3])[0], \
                    self._head[3], self._head[4], struct.unpack(">I", self._head[5:])[0]
                found.append((kind, flags, stream & 0x7fffffff))
                self._skip, self._head = length, b""
        return found


class Relay:
    """Relays 127.0.0.1:PORT (`address`) to `target`, "HOST:PORT" or "unix:PATH"; where `target` is
    None, to where each connection was meant to go before it was redirected here. A context manager.

    `delay`, `jitter` (seconds), `rate` (bytes per second and direction; 0: any) and `hole` may be
    changed at any time. `spoil` is asked at each whole request of plain HTTP/2 what is to be done:
    LOSE_REPLY, CUT_AFTER_REQUEST or None; `spoiled` counts.
    """

    def __init__(self, target, spoil=None, seed=None):
        self.target, self.spoil = target, spoil
        self.delay = self.jitter = 0.0
        self.rate = 0
        self.hole = False
        self.spoiled = {LOSE_REPLY: 0, CUT_AFTER_REQUEST: 0}
        self.connections = 0
        self.port = None
        self._rng = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _run(self):
        asyncio.set_event_loop(self._loop)
        listener = socket.create_server(("0.0.0.0" if self.target is None else "127.0.0.1", 0),
                                        backlog=4096)
        self.port = listener.getsockname()[1]
        self._loop.run_until_complete(asyncio.start_server(self._serve, sock=listener))
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader, writer):
        self.connections += 1
        try:
            there = await self._connect(writer.get_extra_info("socket"))
        except OSError:
            return _reset(writer)
        call = _Call(self, (reader, writer), there)
        await call.run()

    async def _connect(self, sock):
        if self.target is None:
            raw = sock.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
            port, host = struct.unpack("!2xH4s8x", raw)
            ours = socket.socket()
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
            ours.setblocking(False)
            await self._loop.sock_connect(ours, (socket.inet_ntoa(host), port))
            return await asyncio.open_connection(sock=ours)
        if self.target.startswith("unix:"):
            return await asyncio.open_unix_connection(self.target[5:])
        host, _, port = self.target.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    def lag(self):
        return self.delay + self._rng.random() * self.jitter


class _Call:
    """One connection."""

    def __init__(self, relay, here, there):
        self.relay, self.here, self.there = relay, here, there
        self.requests, self.replies = Frames(PREFACE), Frames(0)
        self.losing = set()  # Streams whose replies are not to pass.

    async def run(self):
        ways = [asyncio.ensure_future(self._pump(self.here[0], self.there[1], self._on_request)),
                asyncio.ensure_future(self._pump(self.there[0], self.here[1], self._on_reply))]
        try:
            await asyncio.gather(*ways)
        except (OSError, _Spoiled):
            for way in ways:
                way.cancel()
            _reset(self.here[1])
            _reset(self.there[1])

    async def _pump(self, reader, writer, inspect):
        loop, last = asyncio.get_event_loop(), 0.0
        queue = asyncio.Queue(maxsize=64)

        async def write():
            while True:
                due, data, after = await queue.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                while self.relay.hole:
                    await asyncio.sleep(0.02)
                if data:
                    writer.write(data)
                    await writer.drain()
                    if self.relay.rate:
                        await asyncio.sleep(len(data) / self.relay.rate)
                if after:
                    raise _Spoiled
                if not data:
                    return writer.close()

        writing = asyncio.ensure_future(write())
        try:
            while True:
                data = await reader.read(CHUNK)
                data, after = inspect(data)
                last = max(last, loop.time() + self.relay.lag())
                put = asyncio.ensure_future(queue.put((last, data, after)))
                await asyncio.wait({put, writing}, return_when=asyncio.FIRST_COMPLETED)
                if after or not data or writing.done():
                    return await writing
        finally:
            writing.cancel()

    def _on_request(self, data):
        cut = False
        if self.relay.spoil:
            for kind, flags, stream in self.requests.feed(data):
                if kind != DATA or not flags & END_STREAM:
                    continue
                what = self.relay.spoil()
                if what == CUT_AFTER_REQUEST:
                    cut = True
                    self.relay.spoiled[what] += 1
                elif what == LOSE_REPLY:
                    self.losing.add(stream)
        return data, cut

    def _on_reply(self, data):
        if self.relay.spoil:
            for kind, _, stream in self.replies.feed(data):
                if kind == HEADERS and stream in self.losing:
                    self.relay.spoiled[LOSE_REPLY] += 1
                    return b"", True
        return data, False


class _Spoiled(Exception):
    """The connection is to be reset."""


def _reset(writer):
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family == socket.AF_INET and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--jitter", type=float, default=0.0)
    args = parser.parse_args()
    with Relay(None) as relay:
        relay.delay, relay.jitter = args.delay, args.jitter
        rule = ["OUTPUT", "-p", "tcp", "--dport", str(args.port), "-m", "mark", "!", "--mark",
                hex(MARK), "-j", "REDIRECT", "--to-port", str(relay.port)]
        subprocess.run(["iptables", "-w", "-t", "nat", "-A", *rule], check=True)
        print("ready", flush=True)
        for line in sys.stdin:
            words = line.split()
            if words[:1] == ["hole"]:
                relay.hole = words[1] == "on"
            elif words[:1] == ["jitter"]:
                relay.jitter = float(words[1])
            print("done", flush=True)


if __name__ == "__main__":
    main()
