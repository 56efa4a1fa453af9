#!/usr/bin/env python3
"""The documents' train.py: a process of a Paddle job, which checks every variable that it was
given, meets its peers and trains with them. Runs as trainer, server and RPC worker alike.

    python train.py [--lr LR] [--steps N] [--fail_rank R --exit_code C]
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import paddle_collective  # noqa: E402: beside this file, also when it is a link.
import paddle_env  # noqa: E402
import paddle_servers  # noqa: E402
import training  # noqa: E402
from variables import ContractError  # noqa: E402

STANDS_FOR = "contract worker: stands for Paddle, which is not installed here"


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lr", default="0.01", help="taken as the documents' script takes it")
    parser.add_argument("--steps", type=int, default=training.STEPS)
    parser.add_argument("--fail_rank", type=int, default=-1, help="who fails on purpose")
    parser.add_argument("--exit_code", type=int, default=7)
    return parser.parse_args()


def main():
    args = parse()
    print(STANDS_FOR, flush=True)
    seconds = float(os.environ.get("STANDIN_TIMEOUT", "30"))
    try:
        mode, card = paddle_env.read(os.environ)
        print(f"mode {mode}, rank {card['rank']}, at {card['endpoint']}", flush=True)
        if card["rank"] == args.fail_rank and card.get("role", "TRAINER") == "TRAINER":
            print(f"contract worker: fails on purpose with {args.exit_code}", flush=True)
            sys.exit(args.exit_code)
        if mode == paddle_env.PS:
            paddle_servers.run(card, args.steps, seconds)
        elif mode == paddle_env.RPC:
            paddle_collective.run_rpc(card, seconds)
        else:
            paddle_collective.run_collective(card, args.steps, seconds)
    except ContractError as error:
        print(f"contract worker: {error}", file=sys.stderr, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
