#!/usr/bin/python3
"""Real collectives and real training, through every contract that can run them here."""

import glob
import json
import os
import re
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cluster as c
import suite
from job_case import JobCase


class GlooTest(JobCase):
    def test_torch_ranks_meet_at_the_port_that_was_held_for_them(self):
        done = self.submit(self.spec("gloo_worker", "--iterations", "20", ranks=8,
                                     more="contract: torch\n"), "--follow")
        self.assertEqual(done.stdout.count("all sums right"), 8)

    def test_plain_ranks_meet_through_files(self):
        done = self.submit(self.spec("gloo_worker", "--store", self.path("store"), ranks=4),
                           "--follow")
        self.assertEqual(done.stdout.count("all sums right"), 4)

    def test_the_first_to_die_is_the_cause_and_not_those_who_lost_it(self):
        job = self.submit_detached(self.spec("gloo_worker", "--die_rank", "2", "--die_at", "3",
                                             ranks=4, more="contract: torch\n"))
        self.assertEqual(self.wait(job), 128 + signal.SIGKILL)
        cause = self.cluster.job(job)["status"]["attempts"][0]["first_cause"]
        self.assertEqual((cause["rank"], cause["exit"]["signal"]), (2, signal.SIGKILL))


class DigitsTest(JobCase):
    def digits(self, *args, more=""):
        """The example's spec, with further arguments, and checkpoints in a place of this case."""
        examples = os.path.join(os.environ.get("TEST_SRCDIR", ""), "muster/deploy/examples")
        if not os.path.isdir(examples):
            here = os.path.dirname(os.path.realpath(__file__))
            examples = os.path.join(here, "../../deploy/examples")
        with open(os.path.join(examples, "digits_ddp.yaml")) as file:
            text = file.read()
        script = os.path.realpath(os.path.join(examples, "digits_ddp.py"))
        command = ["/usr/bin/python3", script, "--epochs", "10", *args]
        text, changed = re.subn(r"^command: .*$", f"command: {json.dumps(command)}", text,
                                flags=re.M)
        self.assertEqual(changed, 1)
        text, changed = re.subn(r"CKPT: \S+", f"CKPT: {self.path('checkpoints')}", text)
        self.assertEqual(changed, 1)
        return text + more

    @suite.within(180)
    def test_four_ranks_learn_the_digits(self):
        done = self.submit(self.digits(), "--follow")
        accuracy = re.search(r"held-out accuracy (\d\.\d+)\s*$", done.stdout, flags=re.M)
        self.assertTrue(accuracy, done.stdout)
        self.assertGreaterEqual(float(accuracy.group(1)), 0.90)
        self.assertEqual(len(re.findall(r"epoch \d+ loss", done.stdout)), 40)

    @suite.within(240)
    def test_a_killed_rank_costs_one_attempt_and_the_job_resumes_from_its_checkpoint(self):
        job = self.submit_detached(self.digits("--epoch_seconds", "0.5"))

        def in_epoch_three():
            log = self.cluster.msctl("logs", "--no-prefix", "--rank", "0", job, check=False)
            return "epoch 2 loss" in log.stdout  # Epoch 3 has begun.

        c.wait_for(in_epoch_three, 90, "epoch 3")
        victim = next(rank for rank in self.ranks(job) if rank.get("rank") == 2)
        os.kill(victim["pid"], signal.SIGKILL)
        self.assertEqual(self.wait(job, timeout=120), 0)
        described = self.cluster.msctl("describe", job).stdout
        status = self.cluster.job(job)["status"]
        self.assertEqual(len(status["attempts"]), 2)
        cause = status["attempts"][0]["first_cause"]
        self.assertEqual((cause["rank"], cause["exit"]["signal"]), (2, signal.SIGKILL))
        self.assertRegex(described, r"rank 2 .*SIGKILL")
        log = self.cluster.msctl("logs", "--no-prefix", "--rank", "0", job).stdout
        self.assertRegex(log, r"resumed from .*, after epoch [23]")
        self.assertNotIn("epoch 0 loss", log)
        self.assertGreaterEqual(float(re.search(r"accuracy (\S+)", log).group(1)), 0.90)
        self.assertTrue(glob.glob(self.path("checkpoints") + "/*/digits.pt"))


if __name__ == "__main__":
    suite.main()
