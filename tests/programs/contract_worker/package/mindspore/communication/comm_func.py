"""Collective calls."""

from mindspore_standin import barrier

__all__ = ["barrier"]
