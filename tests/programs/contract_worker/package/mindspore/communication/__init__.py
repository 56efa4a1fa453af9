"""Ranks and their cluster."""

from mindspore_standin import get_group_size, get_local_rank, get_rank, init

__all__ = ["get_group_size", "get_local_rank", "get_rank", "init"]
