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

    def test_a_client_waits_for_the_next_scheduler(self):
        leader, others = self.followers()
        leader.kill(signal.SIGKILL)
        try:
            done = others[0].msctl("get", "nodes", "--timeout", "20s", check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        finally:
            leader.start()
        self.cluster.wait_ready()

    def test_a_client_is_told_by_any_agent_that_there_is_no_scheduler(self):
        job = self.submit(self.cluster.agents[0], "before", ["/bin/true"])
        self.cluster.agents[0].msctl("wait", job)
        self.etcd.signal(0, signal.SIGSTOP)
        try:
            wait_for(lambda: self.ask(self.cluster.agents[0], "0.2s")[0] != 0, 20, "it notices")
            for agent in self.cluster.agents:
                begin = time.monotonic()
                code, said = self.ask(agent, "2s")
                took = time.monotonic() - begin
                self.assertEqual(code, 6, said)
                self.assertRegex(said, "^error: there is no scheduler: .*etcd")
                self.assertGreater(took, 1.0, said)  # It has tried again,
                self.assertLess(took, 4.0, said)     # for as long as it was told.
        finally:
            self.etcd.signal(0, signal.SIGCONT)
        self.cluster.wait_ready()
        self.assertEqual(self.cluster.jobs()[job]["status"]["state"], "JOB_STATE_SUCCEEDED")

    @staticmethod
    def ask(agent, timeout):
        done = agent.msctl("get", "jobs", "--timeout", timeout, check=False)
        return done.returncode, done.stderr


if __name__ == "__main__":
    suite.main()
