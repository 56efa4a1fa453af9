"""Several hosts whose agents elect the scheduler through three members of etcd."""

import os
import signal

import cluster as c
from etcd_cluster import Etcd
from host_cluster import HostCluster, make_certificates


class ElectedHosts(HostCluster):
    """A HostCluster without a scheduler of its own: node-1 to node-COUNT stand for the role. etcd has
    an address that belongs to no host, so that a host can be lost alone. Everything over TLS.

    `etcd` is the tests' Etcd. `down` holds the indices of hosts whose agent was killed and not started
    again: none of them is asked.
    """

    MEMBERS = 3

    def __init__(self, count, **options):
        super().__init__(count, **options)
        self.etcd = None
        self.down = set()

    def _prepare(self):
        address = self.hosts.serve()
        make_certificates(self.dir, [*self.hosts.addresses, address])
        self.etcd = Etcd(self.MEMBERS, certs=self.dir, address=address,
                         enter=self.hosts.enter_switch)
        self.etcd.__enter__()

    def _role(self, index):
        return self.hosts.addresses[index], [f"--etcd={self.etcd.endpoints}"]

    def front(self):
        return next(i for i in range(self.count) if i not in self.down)

    def start_agent(self, index):
        super().start_agent(index)
        self.down.discard(index)

    def kill_agent(self, index, sig=signal.SIGKILL):
        self.down.add(index)
        return super().kill_agent(index, sig)

    def kill_host(self, index):
        self.down.add(index)
        super().kill_host(index)

    def leader(self):
        """Index of the host whose agent has the scheduler role, as etcd says; None: nobody."""
        for _, value in self.etcd.candidates()[:1]:
            for index in range(self.count):
                # A string of a Candidate, behind its length.
                name = f"node-{index + 1}".encode()
                if bytes([len(name)]) + name in value:
                    return index
        return None

    def wait_leader(self, but=None, seconds=20):
        def other():
            leader = self.leader()
            return None if leader in (None, but) else (leader,)

        return c.wait_for(other, seconds, "somebody leads")[0]

    def close(self):
        super().close()
        if self.etcd is not None:
            self.etcd.close()

    def log_tails(self, length=4000):
        return "".join(f"--- {os.path.basename(self.log_path(i))}\n{self.log(i)[-length:]}\n"
                       for i in range(self.count) if os.path.exists(self.log_path(i)))
