#!/usr/bin/python3
"""The main road: submit, watch, read, and get the job's exit code."""

import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import suite
from job_case import JobCase

EIGHT = """\
name: eight
ranks_per_node: 8
command: [/bin/sh, -c, 'echo "I am rank $MUSTER_RANK"; echo "to stderr $MUSTER_RANK" >&2']
"""


class SubmitTest(JobCase):
    def test_submit_then_logs_of_one_rank_typed_exactly_so(self):
        self.submit(EIGHT)
        self.cluster.msctl("wait", self.last_job())
        logs = self.cluster.msctl("logs", "--rank", "7")
        self.assertIn("I am rank 7\n", logs.stdout)
        self.assertNotIn("rank 6", logs.stdout)

    def test_an_attached_submit_prints_every_rank_and_succeeds(self):
        done = self.submit(EIGHT, "--follow")
        for rank in range(8):
            self.assertIn(f"I am rank {rank}", done.stdout)

    def test_the_exit_code_is_the_first_causes(self):
        text = self.spec("exit_with", "--rank", "3", "--code", "42", ranks=4)
        done = self.submit(text, "--follow", check=False)
        self.assertEqual(done.returncode, 42, done.stderr)

    def test_a_signal_is_128_and_its_number(self):
        text = self.spec("exit_with", "--rank", "1", "--signal", "9", ranks=2)
        done = self.submit(text, "--follow", check=False)
        self.assertEqual(done.returncode, 128 + signal.SIGKILL, done.stderr)

    def test_wait_mirrors_the_job(self):
        job = self.submit_detached(self.spec("exit_with", "--code", "5"))
        self.assertEqual(self.cluster.msctl("wait", job, check=False).returncode, 5)

    def test_describe_names_the_first_cause_and_counts_the_fallout(self):
        job = self.submit_detached(self.spec("exit_with", "--rank", "2", "--code", "3", ranks=4))
        self.cluster.msctl("wait", job, check=False)
        described = self.cluster.msctl("describe", job).stdout
        self.assertIn("rank 2", described)
        self.assertIn("exited with code 3", described)
        cause = self.cluster.job(job)["status"]["attempts"][0]["first_cause"]
        self.assertEqual(cause.get("rank"), 2)
        self.assertEqual(cause.get("fallout"), 3)

    def test_peers_are_gone_soon_after_the_first_failure(self):
        job = self.submit_detached(self.spec("exit_with", "--rank", "2", "--code", "3", ranks=8))
        self.cluster.msctl("wait", job, check=False)
        ranks = self.cluster.job(job)["status"]["attempts"][0]["ranks"]
        ends = [int(rank["end_boottime_ns"]) for rank in ranks]
        self.assertLess(max(ends) - min(ends), 500e6)  # A bound for any machine; bench/ has the figure.

    def test_every_job_attempt_and_exit_outlives_the_agent(self):
        job = self.submit_detached(self.spec("exit_with", "--code", "rank", ranks=3))
        self.cluster.msctl("wait", job, check=False)
        before = self.cluster.job(job)
        self.cluster.kill_agent(signal.SIGTERM)
        self.cluster.start_agent()
        self.assertEqual(self.cluster.job(job), before)

    def test_a_cancelled_job_ends_and_says_so(self):
        job = self.submit_detached(self.spec("slow_start", "--until", "/nonexistent", ranks=2))
        self.wait_state(job, "RUNNING")
        self.cluster.msctl("cancel", job)
        self.wait_state(job, "CANCELLED")

    def test_a_detached_client_leaves_the_job_running(self):
        gate = self.path("gate")
        path = self.cluster.write("job.yaml", self.spec("slow_start", "--until", gate, ranks=2))
        client = self.cluster.popen_msctl("submit", "--follow", path, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, text=True, cwd=self.cluster.dir)
        for line in client.stdout:
            if "up" in line:
                break
        client.send_signal(signal.SIGINT)
        _, messages = client.communicate(timeout=20)
        self.assertEqual(client.returncode, 0, messages)
        self.assertIn("msctl cancel", messages)
        job = self.last_job()
        self.assertEqual(self.state(job), "JOB_STATE_RUNNING")
        open(gate, "w").close()
        self.assertEqual(self.cluster.msctl("wait", job).returncode, 0)

    def test_a_second_interrupt_cancels(self):
        path = self.cluster.write(
            "job.yaml", self.spec("slow_start", "--until", "/nonexistent", ranks=2))
        client = self.cluster.popen_msctl("submit", "--follow", path, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, text=True, cwd=self.cluster.dir)
        for line in client.stdout:
            if "up" in line:
                break
        client.send_signal(signal.SIGINT)
        time.sleep(0.2)  # A person's second key stroke.
        client.send_signal(signal.SIGINT)
        client.communicate(timeout=30)
        job = self.last_job()
        self.wait_state(job, "CANCELLED")

    def test_a_client_that_dies_in_mid_stream_disturbs_nothing(self):
        witness = self.directory("witness")
        job = self.submit_detached(self.spec("flood", "--lines", "200000", "--witness", witness))
        reader = self.cluster.popen_msctl("logs", "-f", job, stdout=subprocess.PIPE)
        reader.stdout.read(100000)
        reader.kill()
        reader.wait()
        reader.stdout.close()
        self.assertEqual(self.cluster.msctl("wait", job).returncode, 0)
        read = self.cluster.msctl("logs", "--no-prefix", job, text=False).stdout
        with open(os.path.join(witness, "0.0.out"), "rb") as file:
            self.assertTrue(read == file.read(), "the log differs from what the rank wrote")


if __name__ == "__main__":
    suite.main()
