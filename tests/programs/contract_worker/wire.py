"""Messages of the stand-ins: one JSON object a line, over TCP."""

import json
import selectors
import socket
import time


def _split(endpoint):
    host, _, port = endpoint.rpartition(":")
    return host, int(port)


class Channel:
    """One connection. Not thread-safe, but for one reader beside one writer."""

    def __init__(self, sock):
        self.sock = sock
        self._rest = b""

    def send(self, **message):
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def receive(self, timeout=None):
        """The next message; None when the peer has closed. TimeoutError after `timeout` seconds."""
        self.sock.settimeout(timeout)
        while b"\n" not in self._rest:
            data = self.sock.recv(1 << 16)
            if not data:
                return None
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        return json.loads(line)

    def read_all(self):
        """All messages that are there, and whether the peer has closed; for a readable socket."""
        data = self.sock.recv(1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines], not data

    def own_address(self):
        return self.sock.getsockname()[0]

    def close(self):
        self.sock.close()


def connect(endpoint, seconds):
    """Tries until somebody listens there; ConnectionError after `seconds`, None: no limit."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        try:
            return Channel(socket.create_connection(_split(endpoint), timeout=5))
        except OSError as error:
            if deadline is not None and time.monotonic() >= deadline:
                raise ConnectionError(f"nobody answers at {endpoint}: {error}") from None
        time.sleep(0.05)


def listen(endpoint):
    """OSError when it cannot be bound."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(_split(endpoint))
    except OSError:
        sock.close()
        raise
    sock.listen(128)
    return sock


def accept(listener, seconds):
    """TimeoutError after `seconds`."""
    listener.settimeout(seconds)
    sock, _ = listener.accept()
    return Channel(sock)


class Server:
    """Serves many channels from one thread: `on_message(channel, message)`, `on_close(channel)`."""

    def __init__(self, listener, on_message, on_close):
        self._listener = listener
        self._on_message = on_message
        self._on_close = on_close
        self._selector = selectors.DefaultSelector()
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)

    def poll(self, seconds):
        """Serves what is there, or waits that long for something."""
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._listener:
                sock, _ = self._listener.accept()
                self._selector.register(sock, selectors.EVENT_READ, Channel(sock))
            else:
                self._serve(key.data)

    def close(self):
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def _serve(self, channel):
        try:
            messages, closed = channel.read_all()
        except OSError:
            messages, closed = [], True
        for message in messages:
            self._on_message(channel, message)
        if closed:
            self._selector.unregister(channel.sock)
            channel.close()
            self._on_close(channel)
