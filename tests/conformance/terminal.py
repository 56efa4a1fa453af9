"""A user at a terminal: a pseudo terminal with a program in its foreground."""

import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time


class Terminal:
    """A context manager; the program is killed at its end if it still runs.

    `shown` is what stands on the screen so far, also what was typed.
    """

    def __init__(self, words, **options):
        ours, theirs = pty.openpty()
        self._fd = ours

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        try:
            self.process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs,
                                            preexec_fn=take_terminal, **options)
        finally:
            os.close(theirs)
        self.shown = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._fd)

    def type(self, text):
        os.write(self._fd, text.encode())

    def wait_for(self, pattern, count=1, seconds=30):
        """Until the screen has `count` matches."""
        deadline = time.monotonic() + seconds
        while len(re.findall(pattern, self.shown)) < count:
            if not self._read(deadline):
                raise AssertionError(f"no {count} × {pattern!r} on the screen:\n{self.shown}")

    def end(self, seconds=30):
        """The program's exit code, once it has ended and all it wrote is shown."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        return self.process.wait(max(deadline - time.monotonic(), 0.1))

    def _read(self, deadline):
        """Whether something came before the deadline."""
        ready, _, _ = select.select([self._fd], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return False
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:  # Nobody has the other side open.
            return False
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)
