"""What the tests of the drop-in torchrun share."""

import os
import socket
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import drop_in

C10D = ("--rdzv_backend=c10d", "--rdzv_id=job")


def free_port():
    """A port with free ones above it: launchers take the rendezvous's and the next."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return min(probe.getsockname()[1], 65000)


class TorchrunCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = drop_in.Bench()
        cls.addClassCleanup(cls.bench.close)

    def setUp(self):
        self.bench.fresh()

    def torchrun(self, *words, **options):
        return self.bench.run(["torchrun", *words], **options)

    def start(self, *words, **options):
        return self.bench.popen(["torchrun", *words], **options)

    def end(self, process, seconds=30):
        """Awaits a launcher; (exit code, stdout, stderr)."""
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            self.fail(f"does not end:\n{out}\n{err}")
        return process.returncode, out, err

    def ranks(self, count):
        """The environments of all ranks, by RANK; each rank once."""
        envs = [record["env"] for record in self.bench.records(count)]
        by_rank = {int(env["RANK"]): env for env in envs}
        self.assertEqual(sorted(by_rank), list(range(count)))
        return by_rank
