"""Whether a history of concurrent calls is linearizable: whether each call can be given one moment
between its begin and its end so that, in the order of these moments, all answers are right.

After J. Wing and C. Gong, "Testing and verifying concurrent objects" (1993), with the memory of
visited configurations of G. Lowe, "Testing for linearizability" (2017). Exponential at worst: for
histories of some dozens of calls.
"""

import collections
import math

# `result` None: nobody knows what came of the call, it may still take effect at any later time, or
# never; `end` does not count then.
Call = collections.namedtuple("Call", "begin end verb result")

LIVE, STOPPED, NONE = "live", "stopped", "none"
INITIAL = NONE


def job_register(state, call):
    """One job as a register, under its request id: NONE, LIVE, STOPPED. Returns the state after
    `call`, or None: it cannot have had this result in `state`.

    submit → LIVE or STOPPED, as found; read → as found; cancel → STOPPED, or NONE where there is none.
    """
    if call.verb == "read":
        after = state
    elif call.verb == "submit":
        after = LIVE if state == NONE else state
    else:
        after = NONE if state == NONE else STOPPED
    return after if call.result in (None, after) else None


def linearizable(calls, step=job_register, initial=INITIAL):
    """Returns whether `calls`, in any order, are a linearizable history of the model `step`."""
    calls = sorted(calls, key=lambda call: call.begin)
    ends = [math.inf if call.result is None else call.end for call in calls]
    must = sum(1 << i for i, call in enumerate(calls) if call.result is not None)
    seen = set()
    stack = [(0, initial)]
    while stack:
        done, state = stack.pop()
        if done & must == must:
            return True
        if (done, state) in seen:
            continue
        seen.add((done, state))
        # Only a call that began before the first open one ended may be next.
        first_end = min(end for i, end in enumerate(ends) if not done >> i & 1)
        for i, call in enumerate(calls):
            if call.begin > first_end:
                break
            if done >> i & 1:
                continue
            after = step(state, call)
            if after is not None:
                stack.append((done | 1 << i, after))
    return False
