#!/usr/bin/python3
"""Runs a script as the rank that it is, and leaves evidence of every moment of its life outside of
the product, as tests/hosts:ticker does: one line each 10 ms.

usage: ticking.py WITNESS SCRIPT [ARG…]
"""

import os
import runpy
import sys
import threading
import time


def tick(path):
    who = f"{os.environ['MUSTER_RANK']} {os.environ['MUSTER_ATTEMPT']} {os.getpid()}"
    witness = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    while True:
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        os.write(witness, f"{who} {now // 10**9}.{now % 10**9:09d}\n".encode())
        time.sleep(0.01)


def main():
    if len(sys.argv) < 3 or "MUSTER_RANK" not in os.environ:
        sys.exit("usage: MUSTER_RANK=N MUSTER_ATTEMPT=N ticking.py WITNESS SCRIPT [ARG…]")
    threading.Thread(target=tick, args=[sys.argv[1]], daemon=True).start()
    sys.argv = sys.argv[2:]
    sys.path[0] = os.path.dirname(os.path.realpath(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
