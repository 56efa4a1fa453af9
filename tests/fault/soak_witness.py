"""What tests/fault:soak_worker leaves behind, and what must hold between that and what Muster says."""

import collections
import os
import struct

Life = collections.namedtuple("Life", "job rank attempt pid began last lines ended code")

_LAYOUT = struct.Struct("=5q")
# States in which nobody claims to know how a rank ended.
UNKNOWN = ("RANK_STATE_LOST", "RANK_STATE_UNKNOWN")


def read(directory):
    """Every life that any rank of any attempt has had."""
    lives = []
    for name in sorted(os.listdir(directory)):
        job, rank, attempt, pid = name.rsplit(".", 3)
        with open(os.path.join(directory, name), "rb") as file:
            data = file.read()
        if len(data) < _LAYOUT.size:
            continue  # It died before it had lived.
        began, last, lines, ended, code = _LAYOUT.unpack(data)
        lives.append(Life(job, int(rank), int(attempt), int(pid), began / 1e9, last / 1e9, lines,
                          bool(ended), code))
    return [life for life in lives if life.began > 0]


def overlaps(lives):
    """I1: (complaints, least gap between two lives of a rank or None)."""
    by_rank = collections.defaultdict(list)
    for life in lives:
        by_rank[life.job, life.rank].append(life)
    bad, gaps = [], []
    for (job, rank), spans in by_rank.items():
        spans.sort(key=lambda life: life.began)
        for before, after in zip(spans, spans[1:]):
            gap = after.began - before.last
            gaps.append(gap)
            if gap <= 0:
                bad.append(f"I1 {job}: rank {rank} ran twice for {-gap:.3f} s: attempt "
                           f"{before.attempt} pid {before.pid}, attempt {after.attempt} pid "
                           f"{after.pid}")
            if before.attempt == after.attempt:
                bad.append(f"I1 {job}: rank {rank} was started twice in attempt {before.attempt}")
    return bad, min(gaps) if gaps else None


def exits(job, lives, excused):
    """I2: complaints about one job as Muster tells it. `excused(node, begin, end)`: whether agent and
    shim of a host were both lost between these times of the boot clock, so that an exit may be
    unknown."""
    bad = []
    told = {}
    for attempt in job["status"].get("attempts", []):
        for rank in attempt.get("ranks", []):
            told[rank.get("rank", 0), attempt.get("number", 0)] = rank
    lived = {(life.rank, life.attempt): life for life in lives}
    for key, life in lived.items():
        status = told.get(key)
        where = f"I2 {job['id']}: rank {life.rank} of attempt {life.attempt}"
        if status is None:
            bad.append(f"{where}: it lived, and nothing is told of it")
            continue
        exit = status.get("exit", {})
        if "not_started" in exit:
            bad.append(f"{where}: it lived, and is told not to have started: {exit}")
        elif status["state"] in UNKNOWN or "unknown" in exit:
            if not excused(status.get("node_name", ""), life.began, life.last):
                bad.append(f"{where} on {status.get('node_name')}: {status['state']} {exit}")
        elif status["state"] != "RANK_STATE_EXITED":
            bad.append(f"{where}: {status['state']} in a job that is over")
        elif life.ended and exit.get("code", 0 if "signal" not in exit else None) != life.code:
            # A signal may still come between the witness and the exit.
            if exit.get("signal") not in (9, 15):
                bad.append(f"{where}: {exit}, it ended with {life.code}")
        elif not life.ended and exit.get("signal") not in (9, 15):
            bad.append(f"{where}: {exit}, it did not end by itself")
    return bad


def line(rank, number):
    crc = (rank * 2654435761 + number * 40503) & 0xFFFFFFFF
    return f"{rank}:{number}:{crc:08x}"


def output(job_id, text, lives, complete):
    """I3: complaints about what `msctl logs` gave of one attempt whose lives these are. `complete`:
    ranks of which no byte may be missing; of the others the end may."""
    bad = []
    got = collections.defaultdict(list)
    for one in text.splitlines():
        rank = one.partition(":")[0]
        got[int(rank) if rank.isdigit() else -1].append(one)
    for life in lives:
        lines = got.pop(life.rank, [])
        want = [line(life.rank, i) for i in range(life.lines + 1)]
        where = f"I3 {job_id}: rank {life.rank} of attempt {life.attempt}"
        if lines != want[:len(lines)]:
            first = next(i for i, (a, b) in enumerate(zip(lines + [""], want + [""])) if a != b)
            bad.append(f"{where}: line {first} of {len(lines)} is {lines[first:first + 1]}")
        elif life.rank in complete and len(lines) < life.lines:
            bad.append(f"{where}: {len(lines)} lines of {life.lines}")
    for rank, lines in got.items():
        bad.append(f"I3 {job_id}: rank {rank} did not live, and has {len(lines)} lines: {lines[:1]}")
    return bad
