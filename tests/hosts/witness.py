"""What tests/hosts:ticker saw: when each rank of each attempt lived, on the boot clock."""

import collections


def lives(path):
    """{(rank, attempt, pid): (first tick, last tick)}"""
    seen = {}
    with open(path) as file:
        for line in file:
            rank, attempt, pid, when = line.split()
            key = (int(rank), int(attempt), int(pid))
            first, _ = seen.get(key, (float(when), 0.0))
            seen[key] = (first, float(when))
    return seen


def gaps(path, only=None):
    """Seconds between the last tick of a life and the first of the same rank's next, for all ranks
    or for one; negative where two lives overlap: the rank ran twice."""
    by_rank = collections.defaultdict(list)
    for (rank, _, _), life in lives(path).items():
        if only in (None, rank):
            by_rank[rank].append(life)
    found = []
    for spans in by_rank.values():
        spans.sort()
        found += [after[0] - before[1] for before, after in zip(spans, spans[1:])]
    return found
