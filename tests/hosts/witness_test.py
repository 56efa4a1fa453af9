#!/usr/bin/python3
"""The checker of the partitions must see what it is there to see."""

import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import suite
import witness


class WitnessTest(unittest.TestCase):
    def gaps(self, *lines, only=None):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("".join(line + "\n" for line in lines))
            file.flush()
            return witness.gaps(file.name, only)

    def test_a_gap_is_from_the_last_tick_to_the_first(self):
        self.assertEqual(self.gaps("0 0 11 1.0", "0 0 11 2.0", "0 1 12 5.5", "0 1 12 6.0"), [3.5])

    def test_a_rank_that_ran_twice_has_a_negative_one(self):
        self.assertEqual(self.gaps("0 0 11 1.0", "0 1 12 2.0", "0 0 11 2.5"), [-0.5])

    def test_two_lives_of_one_attempt_count_too(self):
        self.assertEqual(self.gaps("0 0 11 1.0", "0 0 12 2.0", "0 0 11 3.0"), [-1.0])

    def test_ranks_are_apart(self):
        lines = ["0 0 11 1.0", "1 0 12 2.0", "0 0 11 3.0", "1 1 13 4.0"]
        self.assertEqual(self.gaps(*lines), [2.0])
        self.assertEqual(self.gaps(*lines, only=0), [])


if __name__ == "__main__":
    suite.main()
