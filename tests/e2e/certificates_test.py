#!/usr/bin/python3
"""deploy/certificates: what it makes verifies, and what it refuses leaves nothing behind."""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import suite

CERTIFICATES = os.path.join(HERE, "..", "..", "deploy", "certificates")


class CertificatesTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="mst-", dir="/tmp")
        self.addCleanup(scratch.cleanup)
        self.dir = os.path.join(scratch.name, "certs")

    def make(self, *entries, **env):
        return subprocess.run([CERTIFICATES, self.dir, *entries], text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=dict(os.environ, **env))

    def files(self):
        return sorted(os.listdir(self.dir)) if os.path.exists(self.dir) else []

    def openssl(self, *args):
        return subprocess.run(["openssl", *args], cwd=self.dir, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def refused(self, part, *entries, **env):
        before = self.files()
        done = self.make(*entries, **env)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(part, done.stderr)
        self.assertEqual(self.files(), before)

    def test_pairs_are_valid_under_their_names_and_addresses(self):
        done = self.make("h1,10.0.0.1,fe80::1,h1.example", "alice")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.files(), ["alice.key", "alice.pem", "ca.key", "ca.pem", "ca.srl",
                                        "h1.key", "h1.pem"])
        for check in (["-verify_ip", "10.0.0.1"], ["-verify_ip", "fe80::1"],
                      ["-verify_hostname", "h1"], ["-verify_hostname", "h1.example"]):
            shown = self.openssl("verify", "-CAfile", "ca.pem", *check, "h1.pem")
            self.assertEqual(shown.returncode, 0, shown.stderr)

    def test_a_further_host_gets_the_same_ca(self):
        self.make("h1,10.0.0.1")
        done = self.make("h1,10.0.0.1", "h2,10.0.0.2")
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 1), done.stderr)
        shown = self.openssl("verify", "-CAfile", "ca.pem", "h1.pem", "h2.pem")
        self.assertEqual(shown.returncode, 0, shown.stderr)

    def test_a_ca_without_its_key_is_not_replaced(self):
        self.make("h1")
        os.remove(os.path.join(self.dir, "ca.key"))
        self.refused("its ca.key is not", "h2")

    def test_an_address_that_a_certificate_lacks_is_told(self):
        self.make("h1,10.0.0.1")
        self.refused("h1.pem is there, without 10.0.0.2", "h2", "h1,10.0.0.1,10.0.0.2")

    def test_bad_names_and_addresses_are_one_line(self):
        for entry, part in (("h1,10.0.0.999", "'10.0.0.999'"), ("h1,10.0.0.5:7070", "a port"),
                            ("h1, 10.0.0.2", "space"), ("", "empty"), ("h1,,h2", "empty"),
                            ("h1,1::2::3", "'1::2::3'"), ("ca", "'ca'"), ("../h1", "'../h1'")):
            with self.subTest(entry=entry):
                self.refused(part, "h0", entry)
        self.refused("named twice", "h1", "h1,10.0.0.2")

    def test_days_are_a_number(self):
        self.refused("MUSTER_CERTIFICATE_DAYS=abc", "h1", MUSTER_CERTIFICATE_DAYS="abc")


if __name__ == "__main__":
    suite.main()
