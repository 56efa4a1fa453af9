#!/usr/bin/env python3
"""The documents' net.py: joins a MindSpore cluster, checks every variable that it was given, and
trains. Runs as each process of the job, also as its scheduler.

    python net.py [--steps N] [--until FILE] [--fail_rank R --fail_step N --exit_code C] [--hold]
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import mindspore_standin as ms  # noqa: E402: beside this file, also when it is a link.
import training  # noqa: E402


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=training.STEPS)
    parser.add_argument("--until", default="", help="train again and again until this file exists")
    parser.add_argument("--fail_rank", type=int, default=-1, help="the rank that fails on purpose")
    parser.add_argument("--fail_step", type=int, default=5)
    parser.add_argument("--exit_code", type=int, default=7, help="negative: killed by that signal")
    parser.add_argument("--hold", action="store_true", help="waits for a line on stdin first")
    return parser.parse_args()


def main():
    args = parse()
    ms.init()
    if args.hold:
        sys.stdin.readline()
    ms.barrier()
    calls = 0

    def reduce_mean(values):
        nonlocal calls
        calls += 1
        if ms.get_rank() == args.fail_rank and calls > args.fail_step:
            fail(args.exit_code)
        return ms.all_reduce_mean(values)

    while True:
        training.train(ms.get_rank(), ms.get_group_size(), reduce_mean, args.steps)
        if not args.until or os.path.exists(args.until):
            break
    ms.finalize()


def fail(code):
    print(f"contract worker: fails on purpose with {code}", flush=True)
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
