#!/usr/bin/python3
"""Holds this checkout to tests/structure/house_rules.py."""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))  # In the checkout, not in Bazel's copy of it.
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
import house_rules  # noqa: E402


class HouseRulesTest(unittest.TestCase):
    """One test per rule; its docstring is the rule."""


def add_test(check):
    def test(self):
        violations = list(check(ROOT))
        if violations:
            self.fail("\n".join([check.__doc__, *violations]))
    setattr(HouseRulesTest, "test_" + check.__name__, test)


for rule in house_rules.CHECKS:
    add_test(rule)

if __name__ == "__main__":
    if not os.path.exists(os.path.join(ROOT, "WORKSPACE")):
        sys.exit(f"{ROOT} is not a checkout")
    unittest.main()
