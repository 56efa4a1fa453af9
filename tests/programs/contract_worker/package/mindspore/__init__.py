"""Stands for the package of this name: as much of it as the documents' scripts for debuggers import,
done by the contract worker."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))

GRAPH_MODE, PYNATIVE_MODE = 0, 1


class ParallelMode:
    """The one that the documents choose."""

    DATA_PARALLEL = "data_parallel"


def set_context(**_):
    """Nothing here depends on it."""


def set_auto_parallel_context(**_):
    """Nothing here depends on it."""


def set_seed(_):
    """Nothing here is random."""
