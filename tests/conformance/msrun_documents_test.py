#!/usr/bin/python3
"""The msrun page's own command lines, word for word, with the contract worker as net.py."""

import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "hosts")]

import document_bench
import host
import suite

STANDS_FOR = "contract worker: stands for MindSpore, which is not installed here"
LOSS = re.compile(r"^epoch: 0, step: (\d+), loss is \d\.\d+$", re.M)


class DocumentsCase(unittest.TestCase):
    def setUp(self):
        self.bench = document_bench.DocumentBench()
        self.addCleanup(self.bench.close)

    def check_trained(self, path, rank=None):
        """That a worker's log is as the page shows it. Returns the log."""
        log = self.bench.read(path)
        self.assertIn(STANDS_FOR, log)
        self.assertEqual(LOSS.findall(log), ["0", "10", "20", "30"], log)
        if rank is not None:
            self.assertIn(f"Global rank id: {rank}\n", log)
        return log


class OneHostTest(DocumentsCase):
    def test_bash_msrun_single_sh(self):
        self.bench.script("msrun_single.sh")
        done = self.bench.run(["bash", "msrun_single.sh"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(done.stdout.startswith("start training\n"), done.stdout)
        for rank in range(8):
            log = self.check_trained(f"msrun_log/worker_{rank}.log", rank)
            for line in log.splitlines():
                self.assertIn(line + "\n", done.stdout, "--join=True shows all workers")
        self.assertIn("The cluster is built: 8 nodes.", self.bench.read("msrun_log/scheduler.log"))
        self.assertEqual(sorted(os.listdir(os.path.join(self.bench.cwd, "msrun_log"))),
                         ["scheduler.log"] + [f"worker_{rank}.log" for rank in range(8)])
        for record in self.bench.records(9):
            self.assertEqual(record["env"]["DATA_PATH"], self.bench.cwd + "/MNIST_Data/train/")
        self.bench.wait_gone()


class HostsCase(DocumentsCase):
    """Each host has a disk, a name and an address of its own."""

    HOSTS = 2

    def setUp(self):
        super().setUp()
        self.hosts = host.Hosts(self.HOSTS)
        self.hosts.__enter__()
        self.addCleanup(self.hosts.close)
        self.dirs = [self.bench.host_dir(index) for index in range(self.HOSTS)]

    def start(self, index, line):
        return self.bench.popen(self.hosts.command(index, line.split()), cwd=self.dirs[index])

    def check_end(self, run, code):
        out, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, code, out + err)
        return out, err


class TwoHostsTest(HostsCase):
    def run_scripts(self, change=lambda text: text):
        """Runs the page's script of each host; (stdout, stderr) of each. `change`: on its text."""
        for index in range(2):
            path = self.bench.script(f"msrun_{index + 1}.sh", self.dirs[index],
                                     address=self.hosts.addresses[0])
            self.bench.write(path, change(self.bench.read(path)))
        runs = [self.start(index, f"bash msrun_{index + 1}.sh") for index in range(2)]
        return [self.check_end(run, 0) for run in runs]

    def test_bash_msrun_1_sh_and_msrun_2_sh(self):
        for index, (out, _) in enumerate(self.run_scripts()):
            for rank in range(4 * index, 4 * index + 4):
                self.check_trained(f"{self.dirs[index]}/msrun_log/worker_{rank}.log", rank)
                self.assertIn(f"Global rank id: {rank}\n", out)
        logs = [os.path.exists(f"{directory}/msrun_log/scheduler.log") for directory in self.dirs]
        self.assertEqual(logs, [True, False], "the scheduler runs where the address is")

    def test_the_ranks_are_found_by_grep_where_they_are_left_open(self):
        self.run_scripts(change=lambda text: re.sub(r" --node_rank=\d", "", text))
        ranks = []
        for directory in self.dirs:
            done = self.bench.run(["bash", "-c", 'grep -rn "Global rank id"'], cwd=directory)
            found = re.findall(r"^msrun_log/worker_([0-3])\.log:\d+:Global rank id: (\d)$",
                               done.stdout, re.M)
            self.assertEqual(sorted(local for local, _ in found), list("0123"), done.stdout)
            ranks += [rank for _, rank in found]
        self.assertEqual(sorted(ranks), list("01234567"))


class TooManyTest(HostsCase):
    """One worker on each of three hosts, where the job has two."""

    HOSTS = 3

    def check_rejected(self, flags):
        """`flags`: more for the host of this number."""
        line = (f"msrun --worker_num=2 --local_worker_num=1 --master_addr={self.hosts.addresses[0]} "
                f"--join=True --cluster_time_out=20 {{}} net.py --until {self.bench.cwd}/enough")
        runs = [self.start(index, line.format(flags.format(index))) for index in range(2)]
        self.bench.wait_text(f"{self.dirs[0]}/scheduler.log", "The cluster is built: 2 nodes.")
        out, err = self.check_end(self.start(2, line.format(flags.format(2))), 1)
        text = ("This node is extra or rank id exceeds. Total node number for role MS_WORKER is 2 but "
                "got rank id 2")
        log, = [name for name in os.listdir(self.dirs[2]) if name.startswith("worker_")]
        self.assertIn(text, self.bench.read(f"{self.dirs[2]}/{log}"))
        self.assertIn(text, out)
        self.assertRegex(err, r"Worker \d failed first: exit code 1")
        self.assertIn("is rejected", self.bench.read(f"{self.dirs[0]}/scheduler.log"))
        self.bench.write("enough", "")
        for run in runs:
            self.check_end(run, 0)
        self.bench.wait_gone()

    def test_of_a_rank_beyond_the_last(self):
        self.check_rejected("--node_rank={}")

    def test_of_open_rank(self):
        self.check_rejected("")


class TooFewTest(DocumentsCase):
    def test_all_end_after_the_timeout_and_the_console_says_how_many_are_missing(self):
        for present, expected in ((3, 4), (5, 8)):
            with self.subTest(present=present):
                self.bench.fresh()
                done = self.bench.run(["msrun", f"--worker_num={expected}",
                                       f"--local_worker_num={present}", "--node_rank=0",
                                       "--log_dir=msrun_log", "--join=True", "--cluster_time_out=3",
                                       "net.py"], timeout=15)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn(f"The cluster was never complete: {present} of {expected} processes had "
                              f"registered, {expected - present} missing (--cluster_time_out=3).",
                              done.stderr)
                self.assertNotIn("failed first", done.stderr)
                self.bench.wait_gone()


if __name__ == "__main__":
    host.move_to_own_network()
    suite.main()
