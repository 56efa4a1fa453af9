#!/usr/bin/python3
"""The checker of histories: right ones pass, and each kind of wrong one is seen."""

import itertools
import os
import random
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import suite
from linear import INITIAL, LIVE, NONE, STOPPED, Call, job_register, linearizable


def brute_force(calls):
    """By trying every order; a call without a result may also be left out."""
    unknown = [call for call in calls if call.result is None]
    for left_out in itertools.product([False, True], repeat=len(unknown)):
        dropped = [id(call) for call, out in zip(unknown, left_out) if out]
        kept = [call for call in calls if id(call) not in dropped]
        for order in itertools.permutations(kept):
            if fits(order):
                return True
    return False


def fits(order):
    state = INITIAL
    for i, call in enumerate(order):
        if any(later.result is not None and later.end < call.begin for later in order[i + 1:]):
            return False
        state = job_register(state, call)
        if state is None:
            return False
    return True


class LinearTest(unittest.TestCase):
    def test_calls_one_after_the_other(self):
        self.assertTrue(linearizable([Call(0, 1, "read", NONE), Call(2, 3, "submit", LIVE),
                                      Call(4, 5, "read", LIVE), Call(6, 7, "cancel", STOPPED),
                                      Call(8, 9, "read", STOPPED)]))

    def test_a_read_beside_a_submit_may_see_either(self):
        for seen in (NONE, LIVE):
            self.assertTrue(linearizable([Call(0, 9, "submit", LIVE), Call(1, 2, "read", seen)]))

    def test_a_job_that_was_acknowledged_and_is_gone(self):
        self.assertFalse(linearizable([Call(0, 1, "submit", LIVE), Call(2, 3, "read", NONE)]))

    def test_a_stale_read(self):
        self.assertFalse(linearizable([Call(0, 1, "submit", LIVE), Call(2, 3, "cancel", STOPPED),
                                       Call(4, 5, "read", LIVE)]))

    def test_two_readers_that_saw_a_change_in_different_orders(self):
        self.assertFalse(linearizable([Call(0, 9, "submit", LIVE), Call(1, 2, "read", LIVE),
                                       Call(3, 4, "read", NONE)]))

    def test_a_cancelled_job_that_a_repeated_submit_made_live_again(self):
        self.assertFalse(linearizable([Call(0, 1, "submit", LIVE), Call(2, 3, "cancel", STOPPED),
                                       Call(4, 5, "submit", LIVE)]))

    def test_a_lost_answer_may_take_effect_late_or_never_but_only_once(self):
        lost = Call(0, None, "submit", None)
        self.assertTrue(linearizable([lost, Call(5, 6, "read", NONE), Call(7, 8, "read", LIVE)]))
        self.assertTrue(linearizable([lost, Call(5, 6, "read", NONE)]))
        self.assertFalse(linearizable([lost, Call(5, 6, "read", LIVE), Call(7, 8, "read", NONE)]))

    def test_nothing_takes_effect_before_it_was_asked_for(self):
        self.assertFalse(linearizable([Call(0, 1, "read", LIVE), Call(2, 3, "submit", LIVE)]))

    def test_agrees_with_trying_every_order(self):
        rng = random.Random(7)
        verdicts = set()
        for _ in range(400):
            calls = []
            for _ in range(5):
                begin = rng.randrange(12)
                result = rng.choice([None, NONE, LIVE, STOPPED])
                calls.append(Call(begin, begin + rng.randrange(1, 6) + 0.5,
                                  rng.choice(["submit", "read", "cancel"]), result))
            verdict = linearizable(calls)
            verdicts.add(verdict)
            self.assertEqual(verdict, brute_force(calls), calls)
        self.assertEqual(verdicts, {True, False})


if __name__ == "__main__":
    suite.main()
