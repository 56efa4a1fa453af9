#!/usr/bin/python3
"""Bad input: each gets one clear line and a documented exit code, and leaves nothing behind."""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cluster as c
import suite
from job_case import JobCase

USAGE, PLACEMENT, NOT_FOUND, UNREACHABLE, TIMEOUT = 2, 3, 5, 6, 7  # docs/exit-codes.md
STATE_IN_USE = 3  # msagentd's.


class BadInputTest(JobCase):
    DEVICES = "xpu:2"

    def refused(self, text, code, *words):
        """Submits what must be refused: the exit code, one message with these words, no job."""
        before = self.cluster.msctl("get", "jobs", "-o", "name").stdout
        done = self.submit(text, "--follow", check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(self.cluster.msctl("get", "jobs", "-o", "name").stdout, before)

    def fails(self, text, code, *words):
        """Submits what can only fail when it is started."""
        done = self.submit(text, "--follow", check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_an_unknown_key_shows_its_place_and_the_nearest(self):
        self.refused("name: a\ncommand: [/bin/true]\nrank_per_node: 2\n", USAGE,
                     "job.yaml:3:1", "rank_per_node", "ranks_per_node", "^")

    def test_a_key_twice(self):
        self.refused("name: a\ncommand: [/bin/true]\nname: b\n", USAGE, "job.yaml:3:1", "name")

    def test_a_wrong_type(self):
        self.refused("command: [/bin/true]\nranks_per_node: many\n", USAGE, "job.yaml:2:17")

    def test_broken_yaml(self):
        self.refused("command: [/bin/true\nname: a\n", USAGE, "job.yaml:")

    def test_an_empty_file(self):
        self.refused("", USAGE, "job.yaml")

    def test_a_spec_that_the_check_refuses_names_the_field(self):
        self.refused("command: [/bin/true]\nranks_per_node: 0\n", USAGE, "ranks_per_node")

    def test_an_unknown_contract_lists_the_known_ones(self):
        self.refused("command: [/bin/true]\ncontract: tourch\n", USAGE, "tourch", "torch")

    def test_a_job_file_that_is_not_there(self):
        done = self.cluster.msctl("submit", "/nonexistent/job.yaml", check=False)
        self.assertEqual(done.returncode, NOT_FOUND, done.stderr)
        self.assertIn("/nonexistent/job.yaml", done.stderr)

    def test_devices_that_no_host_has(self):
        self.refused("command: [/bin/true]\ndevices_per_rank: {kind: xpu, count: 3}\n", PLACEMENT,
                     "xpu")

    def test_devices_that_are_not_free_leave_the_job_queued_with_the_reason(self):
        gate = self.path("gate")
        both = "devices_per_rank: {kind: xpu, count: 2}\n"
        first = self.submit_detached(self.spec("slow_start", "--until", gate, more=both))
        self.wait_state(first, "RUNNING")
        second = self.submit_detached(self.spec("exit_with", more=both))
        c.wait_for(lambda: "xpu" in self.cluster.job(second)["status"].get("reason", ""), 20,
                   "a reason that names the devices")
        self.assertEqual(self.state(second), "JOB_STATE_QUEUED")
        open(gate, "w").close()
        self.assertEqual(self.wait(second), 0)

    def test_a_missing_program(self):
        self.fails("command: [/nonexistent/program]\nranks_per_node: 2\n", 127,
                   "/nonexistent/program")

    def test_a_program_that_cannot_be_run(self):
        path = self.cluster.write("plain.txt", "no program\n")
        self.fails(f"command: [{path}]\n", 126, f"cannot start '{path}': Permission denied")

    def test_a_missing_workdir(self):
        done = self.submit("command: [/bin/true]\nworkdir: /nonexistent/dir\n", "--follow",
                           check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/nonexistent/dir", done.stderr)

    def test_a_missing_script_shows_what_the_interpreter_said(self):
        done = self.submit("command: [/usr/bin/python3, /nonexistent/train.py]\n", "--follow",
                           check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent/train.py", done.stdout + done.stderr)

    def test_a_rank_that_dies_at_once(self):
        self.fails("command: [/bin/false]\nranks_per_node: 8\n", 1, "rank")

    def test_an_unknown_job_rank_and_node(self):
        for words in (["describe", "nosuch-0000"], ["wait", "nosuch-0000"],
                      ["cancel", "nosuch-0000"], ["logs", "nosuch-0000", "--rank", "0"]):
            done = self.cluster.msctl(*words, check=False)
            self.assertEqual(done.returncode, NOT_FOUND, f"{words}: {done.stderr}")
            self.assertIn("nosuch-0000", done.stderr)
        job = self.submit_detached(self.spec("exit_with"))
        self.wait(job)
        done = self.cluster.msctl("logs", job, "--rank", "5", check=False)
        self.assertEqual(done.returncode, NOT_FOUND, done.stderr)
        self.assertIn("5", done.stderr)

    def test_a_wait_that_times_out(self):
        gate = self.path("gate")
        job = self.submit_detached(self.spec("slow_start", "--until", gate))
        done = self.cluster.msctl("wait", job, "--timeout", "200ms", check=False)
        self.assertEqual(done.returncode, TIMEOUT, done.stderr)
        open(gate, "w").close()
        self.assertEqual(self.wait(job), 0)

    def test_a_rank_that_ignores_term_is_killed_after_its_grace(self):
        witness = self.path("pids")
        job = self.submit_detached(self.spec("ignore_term", "--witness", witness, ranks=2,
                                             more="timeouts: {stop_grace: 300ms}\n"))
        pids = self.wait_file(witness, lines=2)
        began = time.monotonic()
        self.cluster.msctl("cancel", job)
        self.wait_state(job, "CANCELLED")
        self.assertGreater(time.monotonic() - began, 0.25)
        self.assert_gone(pids)

    def test_a_grandchild_in_a_session_of_its_own_goes_with_its_gang(self):
        witness = self.path("pids")
        job = self.submit_detached(self.spec("grandchild", "--witness", witness, "--stay",
                                             more="timeouts: {stop_grace: 300ms}\n"))
        pids = self.wait_file(witness)
        self.cluster.msctl("cancel", job)
        self.wait_state(job, "CANCELLED")
        self.assert_gone(pids)

    def test_a_failed_rank_leaves_no_grandchild(self):
        witness = self.path("pids")
        done = self.submit(self.spec("grandchild", "--witness", witness, "--keep_output", "--code",
                                     "9", more="timeouts: {stop_grace: 300ms}\n"),
                           "--follow", check=False)
        self.assertEqual(done.returncode, 9, done.stderr)
        self.assert_gone(self.wait_file(witness))

    def test_an_unknown_flag_and_an_unknown_verb(self):
        done = self.cluster.msctl("submit", "--folow", "job.yaml", check=False)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--follow", done.stderr)
        done = self.cluster.msctl("sumbit", "job.yaml", check=False)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("submit", done.stderr)


class AgentTest(JobCase):
    def test_an_agent_that_is_not_there(self):
        done = subprocess.run(
            [self.cluster.bin.msctl, "--address=unix:/nonexistent/agent.sock", "get", "jobs"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=20, env=self.cluster.env)
        self.assertEqual(done.returncode, UNREACHABLE, done.stderr)
        self.assertIn("/nonexistent/agent.sock", done.stderr)
        self.assertIn("msagentd", done.stderr)

    def agent(self, *flags):
        return subprocess.run([self.cluster.bin.msagentd, *flags], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=20, env=self.cluster.env)

    def test_a_second_agent_on_the_same_state_names_the_first(self):
        done = self.agent(f"--state_dir={self.cluster.state_dir}",
                          f"--listen=unix:{self.cluster.dir}/other.sock")
        self.assertEqual(done.returncode, STATE_IN_USE, done.stderr)
        self.assertIn(str(self.cluster.agent_pid), done.stderr)
        self.assertIn(self.cluster.state_dir, done.stderr)

    def test_a_wrong_flag(self):
        done = self.agent("--agent_devices=xpu")
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn("xpu", done.stderr)

    def test_tcp_without_tls_is_refused(self):
        done = self.agent(f"--state_dir={self.cluster.dir}/other", "--listen=127.0.0.1:0")
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn("--tls_cert", done.stderr)


if __name__ == "__main__":
    suite.main()
