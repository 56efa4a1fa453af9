"""Stands for `mindspore.communication`, which cannot be installed here: init(), ranks, a barrier
and a mean over all ranks, by way of the scheduler process."""

import os
import signal
import socket
import sys
import threading
import time

import mindspore_scheduler
import wire
from mindspore_env import SCHEDULER, SERVER, Node
from variables import ContractError

BEAT = 0.5  # Seconds between heartbeats.
STANDS_FOR = "contract worker: stands for MindSpore, which is not installed here"


class _Gone(Exception):
    """The scheduler process does not answer any more."""


class Cluster:
    """This process's place in the cluster, from init() to finalize(). With recovery, a scheduler
    process that was started anew is joined again."""

    def __init__(self, node):
        self.node = node
        self.rank = self.local_rank = 0
        self.size = node.worker_num
        self._lock = threading.Lock()  # Of the channel's writing side.
        self._over = threading.Event()
        self._channel = None

    def join(self):
        """Registers, and waits until all have. ContractError: it is rejected, or nobody answers."""
        self._register()
        threading.Thread(target=self._beat, daemon=True).start()

    def mean(self, values):
        return self._ask(kind="collect", values=values)["values"]

    def leave(self):
        self._over.set()
        self._ask(kind="unregister")
        self._channel.close()

    def serve(self):
        """A parameter server's life: it runs no user code, and leaves when the workers have."""
        self._ask()
        self.leave()

    def _register(self):
        while True:
            try:
                answer = self._try_to_register()
                break
            except _Gone:
                self._end_without_recovery()
        if answer["kind"] == "rejected":
            raise ContractError("registration", answer["text"])
        self.rank, self.size = answer["rank"], answer["size"]
        self.local_rank = answer["local_rank"]

    def _try_to_register(self):
        node = self.node
        try:
            channel = wire.connect(node.scheduler, node.topo_timeout)
        except ConnectionError as error:
            raise ContractError("MS_SCHED_HOST, MS_SCHED_PORT",
                                f"{error} within MS_TOPO_TIMEOUT={node.topo_timeout}") from None
        with self._lock:  # So that no heartbeat comes first.
            self._channel = channel
            self._send(kind="register", role=node.role, ip=channel.own_address(),
                       hostname=socket.gethostname(), device_id=node.device_id,
                       job_wide=node.job_wide)
        return self._receive()

    def _ask(self, **message):
        """The answer, also to an empty message, which is not sent."""
        while True:
            try:
                if message:
                    with self._lock:
                        self._send(**message)
                return self._receive()
            except _Gone:
                self._end_without_recovery()
            self._register()

    def _send(self, **message):
        try:
            self._channel.send(id=self.node.node_id, **message)
        except OSError:
            raise _Gone from None

    def _receive(self):
        """Without a limit: the scheduler has one."""
        try:
            answer = self._channel.receive()
        except OSError:
            answer = None
        if answer is None:
            raise _Gone
        if answer["kind"] == "abort":
            _die(answer["text"])
        return answer

    def _beat(self):
        while not self._over.wait(BEAT):
            try:
                with self._lock:
                    self._send(kind="heartbeat")
            except _Gone:
                self._end_without_recovery()

    def _end_without_recovery(self):
        if not self.node.recovery:
            _die("the scheduler is gone")


def _die(text):
    """What MindSpore does when it is told that the cluster is broken, or hears nothing more."""
    print(f"ERROR: {text}; this process kills itself", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)  # Until the signal arrives, in whichever thread this is.


_cluster = None


def init():
    """Reads the environment and joins the cluster. Returns only in workers."""
    global _cluster
    print(STANDS_FOR, flush=True)
    try:
        node = Node(os.environ)
        if node.role == SCHEDULER:
            mindspore_scheduler.serve(node)
        _cluster = Cluster(node)
        if not node.simulated:
            _cluster.join()
        else:
            _cluster.rank = int(os.environ.get("RANK_ID", "0"))
            _cluster.local_rank = node.device_id
    except ContractError as error:
        print(f"contract worker: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    if node.role == SERVER:
        _cluster.serve()
        sys.exit(0)
    _export()


def _export():
    os.environ["RANK_ID"] = str(_cluster.rank)
    os.environ["RANK_SIZE"] = str(_cluster.size)
    os.environ["DEVICE_ID"] = str(_cluster.local_rank)
    print(f"Global rank id: {_cluster.rank}", flush=True)
    print(f"This node ID rank id: {_cluster.rank}", flush=True)


def get_rank():
    return _cluster.rank


def get_group_size():
    return _cluster.size


def get_local_rank():
    return _cluster.local_rank


def all_reduce_mean(values):
    """Of one list of numbers a rank. Alone in a simulation: there is nobody else."""
    return values if _cluster.node.simulated else _cluster.mean(values)


def barrier():
    all_reduce_mean([])


def finalize():
    if not _cluster.node.simulated:
        _cluster.leave()
