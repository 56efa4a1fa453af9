#!/usr/bin/python3
"""`msctl logs`: what it shows, and what it says where there is nothing to show."""

import os
import pty
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cluster as c
import suite
from job_case import JobCase

SILENT = "command: [/bin/sh, -c, 'until [ -e {gate} ]; do sleep 0.05; done']\nname: silent\n"


class LogsTest(JobCase):
    DEVICES = "xpu:1"

    def test_a_queued_job_has_written_nothing_yet(self):
        gate = self.path("gate")
        device = "devices_per_rank: {kind: xpu, count: 1}\n"
        first = self.submit_detached(SILENT.format(gate=gate) + device)
        self.wait_state(first, "RUNNING")
        second = self.submit_detached(SILENT.format(gate=gate) + device)
        c.wait_for(lambda: "xpu" in self.cluster.job(second)["status"].get("reason", ""), 20,
                   "a reason")
        done = self.cluster.msctl("logs", second)
        self.assertRegex(done.stderr, f"^job {second} has written nothing yet; the job is queued: .*"
                                      "xpu.*\n$")
        open(gate, "w").close()
        self.assertEqual(self.wait(first), 0)
        self.assertEqual(self.wait(second), 0)

    def test_a_running_and_an_ended_job_without_output(self):
        gate = self.path("gate")
        job = self.submit_detached(SILENT.format(gate=gate))
        self.wait_state(job, "RUNNING")
        done = self.cluster.msctl("logs", "--rank", "0", job)
        self.assertEqual(done.stderr,
                         f"rank 0 of job {job} has written nothing yet; the job is running\n")
        open(gate, "w").close()
        self.assertEqual(self.wait(job), 0)
        done = self.cluster.msctl("logs", job)
        self.assertEqual((done.stdout, done.stderr), ("", f"job {job} wrote nothing\n"))
        self.assertEqual(self.cluster.msctl("logs", "-q", job).stderr, "")

    def test_a_follower_of_a_silent_job_is_told_once_and_how_to_come_back(self):
        gate = self.path("gate")
        job = self.submit_detached(SILENT.format(gate=gate))
        self.wait_state(job, "RUNNING")
        terminal, theirs = pty.openpty()
        client = self.cluster.popen_msctl("logs", "-f", job, stdout=subprocess.DEVNULL,
                                          stderr=theirs)
        os.close(theirs)
        messages = os.fdopen(terminal, "rb", buffering=0)
        self.addCleanup(messages.close)
        told = b""
        while b"the job is running\r\n" not in told:
            told += messages.read(4096)
        client.send_signal(signal.SIGINT)
        self.assertEqual(client.wait(timeout=20), 130)
        told += messages.read(4096)
        self.assertEqual(told.count(b"has written nothing yet"), 1)
        self.assertIn(f"job {job} goes on: 'msctl logs -f {job}' comes back to it".encode(), told)
        open(gate, "w").close()
        self.assertEqual(self.wait(job), 0)

    def test_an_exit_status_needs_the_end_of_the_job(self):
        done = self.cluster.msctl("logs", "--exit-status", "any", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--follow", done.stderr)
        job = self.submit_detached(self.spec("exit_with", "--code", "9"))
        done = self.cluster.msctl("logs", "-f", "--exit-status", job, check=False)
        self.assertEqual(done.returncode, 9, done.stderr)


if __name__ == "__main__":
    suite.main()
