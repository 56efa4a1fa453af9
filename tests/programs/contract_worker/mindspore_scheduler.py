"""The scheduler process of a MindSpore cluster: who is in it, which rank each has, who is still
there. Section 2 of the rules of the dynamic cluster; the texts are its."""

import json
import os
import sys
import time

import wire
from mindspore_env import SERVER, WORKER

TICK = 0.1  # Seconds between two looks at the clock.


class Member:
    """A registered process."""

    def __init__(self, message, channel):
        self.id = message["id"]
        self.role = message["role"]
        self.ip = message["ip"]
        self.hostname = message["hostname"]
        self.device_id = message["device_id"]
        self.rank = int(self.id) if self.id.isdigit() else None
        self.channel = channel
        self.seen = time.monotonic()
        self.done = False
        self.lost = False


class Scheduler:
    """Serves until every node has unregistered."""

    def __init__(self, node, log=print):
        """OSError: the port is taken. `node`: the scheduler's own mindspore_env.Node."""
        self._node = node
        self._log = log
        self._expected = {WORKER: node.worker_num, SERVER: node.server_num}
        self._members = {}
        self._built = False
        self._failed = None
        self._brought = {}  # To the collective call that goes on: {id: values}.
        self._server = wire.Server(wire.listen(node.scheduler), self._on_message, lambda _: None)
        self._recall()

    def run(self):
        """The exit code."""
        start = time.monotonic()
        while not self._failed and not self._finished():
            self._server.poll(TICK)
            limit = self._node.topo_timeout
            if not self._built and limit is not None and time.monotonic() - start > limit:
                self._fail(f"Topology build timed out after {limit} s (MS_TOPO_TIMEOUT): "
                           f"{self._total() - len(self._members)} missing. {self._count()}")
            self._look_for_the_lost()
        self._server.close()
        if self._failed:
            return 1
        self._log("All nodes have unregistered; the scheduler exits.")
        return 0

    def _total(self):
        return sum(self._expected.values())

    def _count(self):
        return (f"Currently registered node number: {len(self._members)}, "
                f"expected node number: {self._total()}")

    def _finished(self):
        return self._built and all(member.done for member in self._members.values())

    def _on_message(self, channel, message):
        kind = message["kind"]
        if kind == "register":
            self._register(channel, message)
            return
        member = self._members.get(message["id"])
        if member is None or member.channel is not channel:
            _tell(channel, kind="rejected", text=f"The node: {message['id']} is not registered.")
            return
        member.seen = time.monotonic()
        if kind == "collect":
            self._brought[member.id] = message["values"]
            self._collect()
        elif kind == "unregister":
            member.done = True
            self._log(f"The node: {member.id}(role: {member.role}) is unregistered successfully.")
            _tell(channel, kind="unregistered")
            self._collect()
            self._dismiss_servers()

    def _register(self, channel, message):
        reason = self._why_not(message)
        if reason:
            self._log(f"The node: {message['id']} is rejected: {reason}")
            _tell(channel, kind="rejected", text=reason)
            return
        member = Member(message, channel)
        known = self._members.get(member.id)
        if known is not None:
            member.rank = known.rank
            self._brought.pop(member.id, None)  # It did not hear the answer.
        self._members[member.id] = member
        again = " again: it is recovered" if known is not None else ""
        self._log(f"The new node: {member.id}(role: {member.role}), rank id: {member.rank}, device "
                  f"id: {member.device_id}, hostname: {member.hostname}, ip: {member.ip} is "
                  f"registered successfully{again}. {self._count()}")
        if self._built:
            self._welcome(member)
        elif len(self._members) == self._total():
            self._build()

    def _why_not(self, message):
        """Why this one may not register, or None."""
        for name, own in self._node.job_wide.items():
            theirs = message["job_wide"].get(name, "")
            if own != theirs:
                return f"{name}: it is '{theirs}', and the scheduler's is '{own}'"
        role, node_id = message["role"], message["id"]
        known = self._members.get(node_id)
        if known is not None:
            if self._node.recovery:
                return None
            port = self._node.scheduler.rpartition(":")[2]
            return (f"MS_NODE_ID: Node {node_id} is registered already. Another job's scheduler "
                    f"may be left on this port; look for it with `netstat -anp|grep {port}`")
        peers = [m for m in self._members.values() if m.role == role]
        rank = int(node_id) if node_id.isdigit() else len(peers)
        if rank >= self._expected[role] or len(peers) >= self._expected[role]:
            return (f"MS_NODE_ID {node_id}: This node is extra or rank id exceeds. Total node "
                    f"number for role {role} is {self._expected[role]} but got rank id {rank}")
        if any(m.rank == rank and m.rank is not None for m in peers if node_id.isdigit()):
            return f"MS_NODE_ID {node_id}: Rank id:{rank} for role:{role} exists."
        return None

    def _build(self):
        for role in (WORKER, SERVER):
            self._assign_ranks([m for m in self._members.values() if m.role == role])
        fault = self._device_fault()
        if fault:
            self._fail(fault)
            return
        self._built = True
        self._remember()
        self._log(f"The cluster is built: {self._total()} nodes.")
        for member in self._members.values():
            self._welcome(member)

    def _assign_ranks(self, members):
        by_table = self._ranks_by_table(members)
        if by_table is not None:
            for member in members:
                member.rank = by_table[member.id]
        elif not all(member.id.isdigit() for member in members):
            ordered = sorted(members, key=lambda m: (m.ip, m.id))
            for rank, member in enumerate(ordered):
                member.rank = rank

    def _ranks_by_table(self, members):
        path = self._node.rank_table
        if not path or not members or members[0].role != WORKER:
            return None
        try:
            with open(path, encoding="utf-8") as file:
                servers = {s["pod_ip"]: s["device"] for s in json.load(file)["server_list"]}
            ranks = {m.id: int(servers[m.ip][m.device_id]["rank_id"]) for m in members}
            complete = sum(len(devices) for devices in servers.values()) == len(members)
            if complete and sorted(ranks.values()) == list(range(len(members))):
                return ranks
        except (KeyError, IndexError, TypeError, ValueError):
            pass
        self._log("WARNING: Won't reassign rank id based on rank table file")
        return None

    def _device_fault(self):
        """Device ids count up from 0 on each host; one that runs two launchers has two counts."""
        by_ip = {}
        for member in self._members.values():
            if member.role == WORKER and member.device_id is not None:
                by_ip.setdefault(member.ip, []).append(member.device_id)
        for ip, ids in by_ip.items():
            counts = [ids.count(number) for number in range(max(ids) + 1)]
            if 0 in counts or counts != sorted(counts, reverse=True):
                return f"DEVICE_ID: the workers on {ip} have {sorted(ids)}, which does not count up"
        return None

    def _welcome(self, member):
        neighbours = sorted(m.rank for m in self._members.values()
                            if m.ip == member.ip and m.role == member.role)
        _tell(member.channel, kind="built", rank=member.rank, size=self._expected[member.role],
              local_rank=neighbours.index(member.rank))

    def _collect(self):
        """Answers with the mean once every worker that is left has brought its values."""
        workers = [m for m in self._members.values() if m.role == WORKER and not m.done]
        if not workers or any(m.id not in self._brought for m in workers):
            return
        # A barrier brings nothing. That of a worker which came back meets the others' next call.
        values = [self._brought[m.id] for m in workers if self._brought[m.id]]
        mean = [sum(column) / len(values) for column in zip(*values)]
        self._brought.clear()
        for member in workers:
            _tell(member.channel, kind="mean", values=mean)

    def _dismiss_servers(self):
        if all(m.done for m in self._members.values() if m.role == WORKER):
            for member in self._members.values():
                if member.role == SERVER and not member.done:
                    _tell(member.channel, kind="finish")

    def _look_for_the_lost(self):
        limit = self._node.node_timeout
        if not self._built or limit is None or self._failed:
            return
        now = time.monotonic()
        lost = [m for m in self._members.values()
                if not m.done and not m.lost and now - m.seen > limit]
        for member in lost:
            self._log(f"The node: {member.id} is timed out. It may exit with exception.")
            member.lost = True  # Until it registers again.
        if lost and not self._node.recovery:
            self._fail(f"Time out nodes are {[m.id for m in lost]}")

    def _fail(self, text):
        self._log(f"ERROR: {text}")
        self._failed = text
        for member in self._members.values():
            _tell(member.channel, kind="abort", text=text)

    def _remember(self):
        if not self._node.recovery or not self._node.recovery_path:
            return
        os.makedirs(self._node.recovery_path, exist_ok=True)
        with open(self._data_path(), "w", encoding="utf-8") as file:
            json.dump({m.id: [m.role, m.rank, m.ip] for m in self._members.values()}, file)

    def _recall(self):
        """A scheduler that was started again knows who had which rank."""
        if not self._node.recovery or not self._node.recovery_path:
            return
        if not os.path.exists(self._data_path()):
            return
        with open(self._data_path(), encoding="utf-8") as file:
            for node_id, (role, rank, ip) in json.load(file).items():
                member = Member({"id": node_id, "role": role, "ip": ip, "hostname": "",
                                 "device_id": None}, _Nobody())
                member.rank = rank
                self._members[node_id] = member
        self._built = True
        self._log(f"Recovered {len(self._members)} nodes from {self._data_path()}")

    def _data_path(self):
        return os.path.join(self._node.recovery_path, "recovery.dat")


class _Nobody:
    """The channel of a node that has not come back yet."""

    def send(self, **_):
        raise OSError("nobody")


def _tell(channel, **message):
    try:
        channel.send(**message)
    except OSError:
        pass  # It is gone; its heartbeat will be missed.


def serve(node):
    """What init() does in the scheduler's process. Never returns."""
    try:
        scheduler = Scheduler(node, log=lambda text: print(text, flush=True))
    except OSError as error:
        print(f"MS_SCHED_HOST, MS_SCHED_PORT: Failed to call bind at {node.scheduler}: {error}; "
              "and MS_ROLE says that this is the scheduler", file=sys.stderr, flush=True)
        sys.exit(1)
    sys.exit(scheduler.run())
