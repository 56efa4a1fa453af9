#!/usr/bin/python3
"""`msctl run`: the same contracts with an agent and without one."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import suite
from job_case import JobCase

UNREACHABLE = 6


class RunTest(JobCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster.env["MUSTER_DEVICES"] = "none"

    def run_local(self, *args, check=True):
        done = subprocess.run([self.cluster.bin.msctl, "run", "--local", *args], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, cwd=self.cluster.dir,
                              env=self.cluster.env)
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def run_agent(self, *args, check=True):
        return self.cluster.msctl("run", "--agent", *args, check=check, cwd=self.cluster.dir)

    def both(self):
        return (("local", self.run_local), ("agent", self.run_agent))

    def test_both_ways_end_with_the_same_line(self):
        for name, run in self.both():
            with self.subTest(name):
                last = run("--name", "good", "--", "/bin/true").stderr.splitlines()[-1]
                self.assertRegex(last, r"^(✓|ok:) good-\w+ succeeded after \d+\.\ds$")

    def test_a_program_that_is_not_there_gets_one_clear_line(self):
        for name, run in self.both():
            with self.subTest(name):
                done = run("--", "no-such-program", check=False)
                self.assertEqual(done.returncode, 127, done.stderr)
                self.assertRegex(done.stderr, r"rank 0 on \S+: cannot start 'no-such-program': No "
                                              r"such file or directory; it is not in the PATH of "
                                              r"the rank\n")
                self.assertNotIn(" running (", done.stderr)

    def test_too_many_ranks_name_the_flag_and_the_limit(self):
        done = self.run_local("--nproc", "2000", "--", "/bin/true", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.splitlines(),
                         ["error: --nproc: 2000 ranks on a host, must be 1 to 1024",
                          "help: more ranks need more hosts: --nodes"])

    def test_every_rank_runs_and_is_heard(self):
        for name, run in self.both():
            with self.subTest(name):
                done = run("--nproc", "4", "--", "/bin/sh", "-c", "echo rank $MUSTER_RANK here")
                for rank in range(4):
                    self.assertIn(f"rank {rank} here", done.stdout)

    def test_the_exit_code_is_the_first_causes(self):
        for name, run in self.both():
            with self.subTest(name):
                done = run("--nproc", "8", "--", self.program("exit_with"), "--rank", "5", "--code",
                           "3", check=False)
                self.assertEqual(done.returncode, 3, done.stderr)

    def test_both_ways_give_a_rank_the_same(self):
        reports = {}
        for name, run in self.both():
            directory = self.directory(name)
            run("--nproc", "2", "--contract", "torch", "--", self.program("report_env"), directory)
            with open(os.path.join(directory, "1.json")) as file:
                reports[name] = json.load(file)
        # A local run hands on the caller's own environment too; the contract's share is the same.
        contract = {}
        for name, report in reports.items():
            contract[name] = {key for key in report["env"]
                              if key.startswith("MUSTER_") and key not in self.cluster.env}
            for variable in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK",
                             "MASTER_ADDR", "OMP_NUM_THREADS", "MUSTER_RANK", "MUSTER_WORLD_SIZE",
                             "TORCHELASTIC_USE_AGENT_STORE"):
                self.assertEqual(report["env"].get(variable),
                                 reports["agent"]["env"].get(variable), variable)
        self.assertEqual(contract["local"], contract["agent"])
        self.assertEqual(reports["local"]["cwd"], reports["agent"]["cwd"])

    def test_agent_is_asked_for_and_not_there(self):
        done = subprocess.run(
            [self.cluster.bin.msctl, "--address=unix:/nonexistent/agent.sock", "run", "--agent",
             "--", "/bin/true"], text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=20, env=self.cluster.env)
        self.assertEqual(done.returncode, UNREACHABLE, done.stderr)

    def test_which_way_is_said_on_stderr(self):
        here = self.cluster.msctl("run", "--", "/bin/true", cwd=self.cluster.dir)
        self.assertEqual(len(here.stderr.strip().splitlines()) >= 1, True)
        self.assertIn("agent", here.stderr)

    def test_a_local_run_leaves_nothing_behind(self):
        before = set(os.listdir("/tmp"))
        self.run_local("--nproc", "2", "--", "/bin/true")
        left = [name for name in set(os.listdir("/tmp")) - before if "must" in name]
        self.assertEqual(left, [])


if __name__ == "__main__":
    suite.main()
