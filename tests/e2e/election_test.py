#!/usr/bin/python3
"""Agents that elect their scheduler, and clients that ask any of them."""

import json
import os
import signal
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import suite
from cluster import wait_for
from etcd_cluster import ETCD, ElectedCluster, Etcd, free_ports
from tls_certs import make_ca, make_certificate


@unittest.skipUnless(os.access(ETCD, os.X_OK), "etcd is not installed")
class ElectionTest(unittest.TestCase):
    """Everything over TLS: etcd, agents, clients."""

    @classmethod
    def setUpClass(cls):
        certs = tempfile.TemporaryDirectory(prefix="msc-")
        cls.addClassCleanup(certs.cleanup)
        make_ca(certs.name, "ca")
        make_certificate(certs.name, "ca", "node")
        tls = [f"--tls_cert={certs.name}/node.pem", f"--tls_key={certs.name}/node.key",
               f"--tls_ca={certs.name}/ca.pem"]
        cls.etcd = Etcd(1, certs=certs.name)
        cls.addClassCleanup(cls.etcd.close)
        cls.etcd.start(0)
        cls.etcd.wait_healthy()
        cls.cluster = ElectedCluster(cls.etcd, 3, tls=tls, flags=["--scheduler_heartbeat_ms=500"])
        cls.addClassCleanup(cls.cluster.close)
        for agent, port in zip(cls.cluster.agents, free_ports(3)):
            agent.listen += f",127.0.0.1:{port}"
            agent.start()
        cls.cluster.wait_ready()

    def followers(self):
        leader = wait_for(self.cluster.leader, 20, "somebody leads")
        return leader, [agent for agent in self.cluster.agents if agent is not leader]

    def submit(self, agent, name, command):
        spec = os.path.join(self.cluster.dir, f"{name}.json")
        with open(spec, "w") as file:
            json.dump({"name": name, "command": command}, file)
        return agent.msctl("submit", "-q", spec).stdout.strip()

    def test_any_agent_leads_a_client_to_the_scheduler(self):
        for agent in self.cluster.agents:
            job = self.submit(agent, f"ask-{agent.index}", ["/bin/true"])
            self.assertEqual(agent.msctl("wait", job).returncode, 0)

    def test_a_leader_that_is_stopped_hands_over_at_once_and_jobs_go_on(self):
        leader, others = self.followers()
        job = self.submit(others[0], "goes-on", ["/bin/sh", "-c", "sleep 3; echo done"])
        begin = time.monotonic()
        leader.kill(signal.SIGTERM)
        wait_for(lambda: others[0].msctl("get", "jobs", job, check=False).returncode == 0, 20,
                 "the next one answers")
        self.assertLess(time.monotonic() - begin, 2.5)  # The lease would have lasted up to 3.5 s.
        leader.start()
        self.assertEqual(others[1].msctl("wait", job).returncode, 0)
        self.assertIn("done", others[1].msctl("logs", job).stdout)
        self.cluster.wait_ready()

    def test_a_follower_that_ends_changes_nothing(self):
        leader, others = self.followers()
        epoch = self.etcd.candidates()[0][0]
        others[0].kill(signal.SIGKILL)
        others[0].start()
        self.cluster.wait_ready()
        self.assertEqual(self.etcd.candidates()[0][0], epoch)
        self.assertIs(self.cluster.leader(), leader)


if __name__ == "__main__":
    suite.main()
