"""Something tiny to train: y = 2x + 1, by gradient descent, each rank on its own points."""

import os
import time

STEPS = 40
SHOWN = 10  # Every so many steps a line is printed.


def points(rank, size):
    """Eight points; no two ranks have the same."""
    return [((rank + size * i) / (8.0 * size)) for i in range(8)]


def gradient(weights, rank, size):
    """Of the mean square error on the rank's points: ([d/dslope, d/doffset], loss)."""
    slope, offset = weights
    xs = points(rank, size)
    errors = [slope * x + offset - (2 * x + 1) for x in xs]
    loss = sum(error * error for error in errors) / len(xs)
    return [2 * sum(e * x for e, x in zip(errors, xs)) / len(xs), 2 * sum(errors) / len(xs)], loss


def step(weights, mean_gradient):
    return [weight - 0.3 * part for weight, part in zip(weights, mean_gradient)]


def train(rank, size, reduce_mean, steps=STEPS):
    """Trains with `reduce_mean(list) -> list`, the mean over all ranks. Prints as the documents'
    scripts do. RuntimeError when it does not converge: then the ranks did not train together."""
    weights, first, loss = [0.0, 0.0], None, None
    pause = float(os.environ.get("STANDIN_STEP_SECONDS", "0"))
    for number in range(steps):
        own, loss = gradient(weights, rank, size)
        first = loss if first is None else first
        if number % SHOWN == 0:
            show(number, loss)
        weights = step(weights, reduce_mean(own))
        time.sleep(pause)
    if steps > SHOWN and not loss < first:
        raise RuntimeError(f"the loss did not shrink: {first} to {loss}")
    return weights


def show(number, loss):
    print(f"epoch: 0, step: {number}, loss is {loss:.7f}", flush=True)
