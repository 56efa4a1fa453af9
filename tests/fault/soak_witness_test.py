#!/usr/bin/python3
"""The checker of the soak must see what it is there to see."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import soak_witness as w
import suite


def life(attempt, began, last, rank=0, pid=7, lines=3, ended=True, code=0):
    return w.Life("j-1", rank, attempt, pid, began, last, lines, ended, code)


def job(*ranks):
    """Attempt 0 of a job with these ranks."""
    return {"id": "j-1", "status": {"attempts": [{"ranks": [
        dict({"node_name": "node-1", "state": "RANK_STATE_EXITED"}, **rank) for rank in ranks]}]}}


class OverlapTest(unittest.TestCase):
    def test_lives_one_after_the_other_are_fine(self):
        bad, gap = w.overlaps([life(0, 1, 2), life(1, 2.5, 4), life(0, 1, 9, rank=1)])
        self.assertEqual((bad, gap), ([], 0.5))

    def test_a_rank_that_ran_twice(self):
        bad, _ = w.overlaps([life(0, 1, 3), life(1, 2.5, 4, pid=8)])
        self.assertRegex(bad[0], r"I1 j-1: rank 0 ran twice for 0.500 s")

    def test_one_attempt_that_started_a_rank_twice(self):
        bad, _ = w.overlaps([life(0, 1, 2), life(0, 3, 4, pid=8)])
        self.assertRegex(bad[0], "started twice in attempt 0")


class ExitsTest(unittest.TestCase):
    def bad(self, rank, one, excused=False):
        return w.exits(job(rank), [one], lambda *_: excused)

    def test_a_right_code_is_fine(self):
        self.assertEqual(self.bad({"exit": {"code": 3}}, life(0, 1, 2, code=3)), [])

    def test_a_wrong_code(self):
        self.assertRegex(self.bad({"exit": {"code": 4}}, life(0, 1, 2, code=3))[0], "ended with 3")

    def test_a_code_of_one_that_did_not_end_by_itself(self):
        self.assertTrue(self.bad({"exit": {"code": 0}}, life(0, 1, 2, ended=False)))
        self.assertFalse(self.bad({"exit": {"signal": 9}}, life(0, 1, 2, ended=False)))

    def test_a_lost_exit_is_allowed_only_where_all_that_could_know_it_had_died(self):
        lost = {"state": "RANK_STATE_UNKNOWN", "exit": {"unknown": "nobody"}}
        self.assertTrue(self.bad(lost, life(0, 1, 2)))
        self.assertFalse(self.bad(lost, life(0, 1, 2), excused=True))

    def test_a_life_that_nobody_tells_of(self):
        self.assertRegex(self.bad({"exit": {"code": 0}}, life(0, 1, 2, rank=1))[0], "nothing is told")

    def test_a_rank_that_lived_and_is_told_not_to_have_started(self):
        self.assertTrue(self.bad({"exit": {"not_started": "no"}}, life(0, 1, 2)))

    def test_a_rank_that_runs_in_a_job_that_is_over(self):
        self.assertTrue(self.bad({"state": "RANK_STATE_RUNNING"}, life(0, 1, 2)))


class OutputTest(unittest.TestCase):
    TEXT = "\n".join(w.line(0, i) for i in range(3))

    def bad(self, text, complete=(0,)):
        return w.output("j-1", text, [life(0, 1, 2)], set(complete))

    def test_all_lines_in_order_are_fine(self):
        self.assertEqual(self.bad(self.TEXT), [])

    def test_a_line_that_is_lost_doubled_or_damaged(self):
        lines = self.TEXT.splitlines()
        self.assertTrue(self.bad("\n".join(lines[1:])))
        self.assertTrue(self.bad("\n".join(lines[:1] + lines)))
        self.assertTrue(self.bad(self.TEXT.replace("0:1:", "0:1:f")))

    def test_an_end_that_is_missing_is_allowed_only_where_the_exit_is_unknown(self):
        short = self.TEXT.rpartition("\n")[0]
        self.assertTrue(self.bad(short))
        self.assertFalse(self.bad(short, complete=()))

    def test_lines_of_a_rank_that_did_not_live(self):
        self.assertTrue(self.bad(self.TEXT + "\n" + w.line(5, 0)))


if __name__ == "__main__":
    suite.main()
