#!/usr/bin/python3
"""The msrun page on debuggers, at a terminal: pdb on all ranks, on one, behind a barrier."""

import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "hosts")]

import document_bench
import host
import suite
import terminal

ALL = ("msrun --worker_num=8 --local_worker_num=8 --master_port=8118 --log_dir=msrun_log "
       "--join=True --cluster_time_out=300 net.py")
ONLY_7 = ("msrun --worker_num=8 --local_worker_num=8 --master_port=8118 --log_dir=msrun_log "
          "--join=True --cluster_time_out=300 --tail_worker_log=7 net.py")
PROMPT = r"\(Pdb\) "


class DebuggerTest(unittest.TestCase):
    def setUp(self):
        self.bench = document_bench.DocumentBench()
        self.addCleanup(self.bench.close)

    def open(self, command, script):
        """The page's command line, typed at a terminal, with the page's script as net.py."""
        self.bench.debugged(script)
        user = terminal.Terminal(["bash", "-c", command], cwd=self.bench.cwd, env=self.bench.env)
        self.addCleanup(user.__exit__)
        return user

    def log(self, rank):
        return self.bench.read(f"msrun_log/worker_{rank}.log")

    def check_all_trained(self):
        for rank in range(8):
            self.assertIn("epoch: 0, step: 30", self.log(rank))
        self.bench.wait_gone()

    def test_on_all_ranks_each_line_goes_to_one_of_them_in_the_order_of_ranks(self):
        user = self.open(ALL, "pdb_all.py")
        user.wait_for(PROMPT, count=8)
        for i in range(8):
            user.type(f"p 'for rank', {i}\n")
        user.wait_for(PROMPT, count=16)
        for rank in range(8):
            self.assertEqual(re.findall(r"\('for rank', \d\)", self.log(rank)),
                             [f"('for rank', {rank})"])
            self.assertIn("net.py(9)<module>()\n-> ms.set_seed(1)\n(Pdb) ", self.log(rank))
        user.type("c\n" * 8)
        self.assertEqual(user.end(), 0, user.shown)
        self.check_all_trained()

    def test_on_rank_7_while_the_others_run_on(self):
        user = self.open(ALL, "pdb_rank_7.py")
        user.wait_for(PROMPT)
        for rank in range(7):
            self.bench.wait_text(f"msrun_log/worker_{rank}.log", "epoch: 0, step: 0")
        # All commands of the page's list, but for q; line 15 is where the training begins.
        for line, answer in (("p get_rank()", "\n7\n"), ("l", "->\tms.set_seed(1)"),
                             ("h", "Documented commands"), ("b 15", "Breakpoint 1 at"),
                             ("n", "net.py(12)<module>()"), ("c", "net.py(15)<module>()"),
                             ("s", "--Call--")):
            user.type(line + "\n")
            user.wait_for(re.escape(answer))
        user.type("c\n")
        self.assertEqual(user.end(), 0, user.shown)
        self.check_all_trained()

    def test_on_rank_7_while_the_others_wait_at_the_barrier(self):
        user = self.open(ONLY_7, "pdb_rank_7_barrier.py")
        user.wait_for(PROMPT)
        user.type("p get_rank()\n")
        user.wait_for("\n7\n\\(Pdb\\) ")
        for rank in range(7):
            self.bench.wait_text(f"msrun_log/worker_{rank}.log", f"Global rank id: {rank}")
            self.assertNotIn("epoch:", self.log(rank))
        user.type("c\n")
        self.assertEqual(user.end(), 0, user.shown)
        self.check_all_trained()

    def test_tail_worker_log_7_shows_that_rank_and_its_prompt_at_once(self):
        user = self.open(ONLY_7, "pdb_rank_7.py")
        user.wait_for(PROMPT + "$")  # With no newline behind it.
        user.type("c\n")
        self.assertEqual(user.end(), 0, user.shown)
        self.assertEqual(re.findall(r"Global rank id: (\d)", user.shown), ["7"])
        self.assertEqual(len(re.findall("epoch: 0, step: 0", user.shown)), 1)
        self.check_all_trained()

    def test_a_rank_that_quits_fails_and_so_does_the_job(self):
        for script in ("pdb_rank_7_barrier.py", "pdb_all.py"):
            with self.subTest(script):
                self.bench.fresh()
                user = self.open(ONLY_7, script)
                user.wait_for(PROMPT)
                if script == "pdb_all.py":
                    for rank in range(8):
                        self.bench.wait_text(f"msrun_log/worker_{rank}.log", "(Pdb) ")
                    user.type("c\n" * 7)
                user.type("q\n")
                self.assertEqual(user.end(), 1, user.shown)
                self.assertIn("bdb.BdbQuit", user.shown)
                self.assertIn("Worker 7 failed first: exit code 1", user.shown)
                self.bench.wait_gone()

    def test_a_script_of_commands_is_inherited_as_it_is(self):
        self.bench.debugged("pdb_rank_7.py")
        path = self.bench.write("commands", "p get_rank()\nc\n")
        with open(path) as stdin:
            done = self.bench.run(ONLY_7.split(), stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("(Pdb) 7\n(Pdb) ", done.stdout)


if __name__ == "__main__":
    host.move_to_own_network()
    suite.main()
