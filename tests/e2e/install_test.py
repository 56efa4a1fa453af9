#!/usr/bin/python3
"""deploy/install: programs and links, beside programs of others."""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import cluster
import suite

INSTALL = os.path.join(HERE, "..", "..", "deploy", "install")


class InstallTest(unittest.TestCase):
    def setUp(self):
        prefix = tempfile.TemporaryDirectory(prefix="mst-", dir="/tmp")
        self.addCleanup(prefix.cleanup)
        self.prefix = prefix.name

    def install(self, *words):
        return subprocess.run([INSTALL, *words, self.prefix], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60,
                              env=dict(os.environ, MUSTER_BIN_DIR=cluster.Binaries().root))

    def bin(self, name):
        return os.path.join(self.prefix, "bin", name)

    def test_front_ends_and_local_runs_work_where_they_were_installed(self):
        done = self.install()
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("msrun", "paddle-launch", "torchrun"):
            shown = subprocess.run([self.bin(name), "--help"], stdout=subprocess.PIPE, text=True)
            self.assertEqual((shown.returncode, shown.stdout.split()[1]), (0, name))
        ran = subprocess.run([self.bin("msctl"), "run", "--local", "--", "/bin/echo", "here"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(ran.stdout, "here\n", ran.stderr)

    def test_programs_of_others_are_left_alone(self):
        os.mkdir(os.path.join(self.prefix, "bin"))
        with open(self.bin("torchrun"), "w") as file:
            file.write("theirs")
        self.assertIn(f"left alone: {self.bin('torchrun')}", self.install().stdout)
        self.install("--remove")
        self.assertEqual(os.listdir(os.path.join(self.prefix, "bin")), ["torchrun"])
        with open(self.bin("torchrun")) as file:
            self.assertEqual(file.read(), "theirs")

    def test_an_unknown_argument_is_one_line(self):
        done = self.install("--nope")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.splitlines()), 1)


if __name__ == "__main__":
    suite.main()
