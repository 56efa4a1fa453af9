#!/usr/bin/python3
"""A TCP listener with mutual TLS: who has a certificate gets in, who has none does not."""

import os
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cluster as c
import suite
from tls_certs import make_ca, make_certificate


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = c.Cluster()
        cls.addClassCleanup(cls.cluster.close)
        cls.certs = os.path.join(cls.cluster.dir, "certs")
        os.makedirs(cls.certs)
        make_ca(cls.certs, "ca")
        make_ca(cls.certs, "stranger-ca")
        make_certificate(cls.certs, "ca", "agent")
        make_certificate(cls.certs, "ca", "client")
        make_certificate(cls.certs, "stranger-ca", "stranger")
        with socket.socket() as probe:  # The kernel picks; gRPC cannot be handed a bound socket.
            probe.bind(("127.0.0.1", 0))
            cls.tcp = f"127.0.0.1:{probe.getsockname()[1]}"
        cls.cluster._flags = [f"--listen={cls.cluster.address},{cls.tcp}",
                              *cls.tls("agent", "ca")]
        cls.cluster.start_agent()

    @classmethod
    def tls(cls, name, ca):
        return [f"--tls_cert={cls.certs}/{name}.pem", f"--tls_key={cls.certs}/{name}.key",
                f"--tls_ca={cls.certs}/{ca}.pem"]

    def msctl(self, *args):
        return subprocess.run([self.cluster.bin.msctl, f"--address={self.tcp}", *args], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=40, env=self.cluster.env)

    def test_a_client_with_a_certificate_runs_a_job_and_reads_its_output(self):
        path = self.cluster.write("job.yaml", "ranks_per_node: 2\ncommand: [/bin/echo, hello]\n")
        done = self.msctl(*self.tls("client", "ca"), "submit", "--follow", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("hello"), 2)

    def test_a_client_with_a_strangers_certificate_is_refused(self):
        done = self.msctl(*self.tls("stranger", "ca"), "get", "jobs")
        self.assertNotEqual(done.returncode, 0)

    def test_a_client_that_does_not_know_the_agents_issuer_refuses(self):
        done = self.msctl(*self.tls("client", "stranger-ca"), "get", "jobs")
        self.assertNotEqual(done.returncode, 0)

    def test_a_client_without_a_certificate_is_refused(self):
        done = self.msctl("get", "jobs")
        self.assertNotEqual(done.returncode, 0)
        self.assertTrue(done.stderr.strip())

    def test_the_unix_socket_needs_no_certificate(self):
        self.assertEqual(self.cluster.msctl("get", "jobs").returncode, 0)


if __name__ == "__main__":
    suite.main()
