"""tests/fault:api_line as an object: one client of the job API, of whose calls every end is known."""

import collections
import subprocess

# As gRPC counts them.
OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS = range(7)
RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, INTERNAL, UNAVAILABLE = 8, 9, 10, 13, 14

# `jobs`: [(id, state)]; times on time.monotonic().
Answer = collections.namedtuple("Answer", "begin end code jobs")


class ApiLine:
    def __init__(self, binaries, address, timeout_ms=5000, tls_dir=None):
        self._process = subprocess.Popen(
            [binaries.program("tests/fault/api_line"), address, str(timeout_ms),
             *([tls_dir] if tls_dir else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def do(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        words = self._process.stdout.readline().split()
        if not words:
            raise RuntimeError(f"api_line has ended: {self._process.wait()}")
        jobs = [tuple(word.replace("JOB_STATE_", "").split(":")) for word in words[3:]]
        return Answer(float(words[0]), float(words[1]), int(words[2]), jobs)

    def close(self):
        self._process.kill()
        self._process.wait()
