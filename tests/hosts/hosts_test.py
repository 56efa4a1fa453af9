#!/usr/bin/python3
"""Gangs over several hosts, and the death of each part of them."""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import cluster as c
import suite
import witness
from host_cluster import PORT, HostCluster

# Long enough for a busy machine, short enough to wait for.
FLAGS = ["--node_lease_ms=5000", "--fence_grace_ms=1000", "--scheduler_heartbeat_ms=1000"]


class HostsCase(unittest.TestCase):
    HOSTS = 4
    NODE_FLAGS = {}

    @classmethod
    def setUpClass(cls):
        cls.cluster = HostCluster(cls.HOSTS, flags=FLAGS, node_flags=cls.NODE_FLAGS)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.__enter__()

    def path(self, name):
        return os.path.join(self.cluster.dir, f"{self._testMethodName}-{name}")

    def ticker(self, seconds, more):
        """Submits a job of ranks that ignore SIGTERM. Returns its id and the witness."""
        path = self.path("witness")
        command = json.dumps([self.cluster.bin.program("tests/hosts/ticker"), path, str(seconds)])
        job = self.cluster.submit(f"name: ticker\ncommand: {command}\n"
                                  f"timeouts: {{stop_grace: 0.2s}}\n{more}")
        return job, path

    def cancel(self, job):
        self.cluster.msctl("cancel", job)
        self.cluster.wait_job(job)


class FabricTest(HostsCase):
    """Nothing dies here."""

    def test_each_host_is_known_by_the_address_that_leads_to_the_scheduler(self):
        nodes = self.cluster.nodes()
        for i, address in enumerate(self.cluster.hosts.addresses):
            info = nodes[f"node-{i + 1}"]["info"]
            self.assertEqual(info["address"], address)
            self.assertEqual(info["agent_address"], f"{address}:{PORT}")

    def test_a_second_network_of_a_host_does_not_confuse_it(self):
        name = self.cluster.hosts.names[2]
        for words in (["link", "add", "aaa0", "type", "veth", "peer", "name", "aab0"], ["link", "set", "aaa0", "up"],
                      ["addr", "add", "172.31.9.9/16", "dev", "aaa0"]):
            subprocess.run(["ip", "-n", name, *words], check=True)
        self.cluster.kill_agent(2)
        self.cluster.start_agent(2)
        self.cluster.wait_ready()
        self.assertEqual(self.cluster.nodes()["node-3"]["info"]["address"],
                         self.cluster.hosts.addresses[2])

    def test_a_gang_over_all_hosts_is_followed_from_any_of_them(self):
        path = os.path.join(self.cluster.dir, "echo.yaml")
        with open(path, "w") as file:
            file.write("nodes: 4\nranks_per_node: 2\nconstraints: []\n"
                       "command: [/bin/sh, -c, 'echo rank $MUSTER_RANK of $MUSTER_WORLD_SIZE']\n")
        for on, address in ((0, None), (3, None),
                            (1, f"unix:{self.cluster.host_dir(1)}/agent.sock")):
            done = self.cluster.msctl("submit", "--follow", path, on=on, address=address)
            said = sorted(re.findall(r"rank (\d) of 8", done.stdout))
            self.assertEqual(said, [str(i) for i in range(8)], done.stderr)

    def test_ranks_follow_the_hosts_in_order(self):
        job, _ = self.ticker(60, "nodes: 4\nranks_per_node: 2\n")
        attempt = self.cluster.wait_attempt(job, 0)
        hosts = [rank["node_name"] for rank in attempt["ranks"]]
        self.assertEqual(hosts, [f"node-{i // 2 + 1}" for i in range(8)])
        self.cancel(job)

    def test_more_hosts_than_there_are_is_refused_and_says_why(self):
        with self.assertRaisesRegex(RuntimeError, r"4 nodes: 4 fit \(need 5 nodes\)"):
            self.cluster.submit("nodes: 5\ncommand: [/bin/true]\n")

    def test_cordon_and_drain(self):
        job, _ = self.ticker(60, "nodes: 1\nranks_per_node: 1\n")
        here = self.cluster.wait_attempt(job, 0)["ranks"][0]["node_name"]
        self.cluster.msctl("drain", "--now", "--reason", "new fans", here, on=2)
        moved = self.cluster.wait_attempt(job, 1)["ranks"][0]["node_name"]
        self.assertNotEqual(moved, here)
        table = self.cluster.msctl("get", "nodes").stdout
        self.assertRegex(table, rf"{here} +DRAINING,CORDONED .*drained: new fans")
        self.cluster.msctl("uncordon", here)
        self.cluster.msctl("cordon", moved)
        self.assertTrue(self.cluster.nodes()[moved]["cordoned"])
        self.cluster.msctl("uncordon", moved)
        self.assertEqual(self.cluster.node_state(self.cluster.index_of(here)), "READY")
        self.cancel(job)
        self.assertIn("audit verb=drain", self.cluster.log(0))

    @suite.within(150)
    def test_scale(self):
        job, path = self.ticker(600, "nodes: 4\nranks_per_node: 1\n")
        self.cluster.wait_attempt(job, 0)
        said = self.cluster.msctl("scale", "--nodes", "2:3", job, on=2).stdout
        self.assertEqual(said, f"{job} may have 2 to 3 hosts\n")
        hosts = [rank["node_name"] for rank in self.cluster.wait_attempt(job, 1)["ranks"]]
        self.assertEqual(hosts, ["node-1", "node-2", "node-3"])
        self.cluster.msctl("scale", "-N4", "-q", job)
        self.assertEqual(len(self.cluster.wait_attempt(job, 2)["ranks"]), 4)
        for nodes, code in (("0", 2), ("4:2", 2), ("5", 3)):
            done = self.cluster.msctl("scale", "--nodes", nodes, job, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
        shown = self.cluster.job(job)
        self.assertEqual([end.get("planned_end") for end in shown["status"]["attempts"]],
                         ["PLANNED_END_RESIZED", "PLANNED_END_RESIZED", None])
        self.assertEqual(shown["status"].get("restarts", 0), 0)
        self.cancel(job)
        done = self.cluster.msctl("scale", "--nodes", "2", job, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("its number of hosts cannot change", done.stderr)
        self.assertGreater(min(witness.gaps(path)), 0)

    @suite.within(240)
    def test_peers_are_stopped_at_once_when_a_rank_dies(self):
        spans = []
        for _ in range(7):
            job = self.cluster.submit("nodes: 4\nranks_per_node: 2\ncommand: [/bin/sleep, '600']\n")
            victim = self.cluster.wait_attempt(job, 0)["ranks"][5]
            os.kill(victim["pid"], signal.SIGKILL)
            self.assertEqual(self.cluster.wait_job(job), 128 + signal.SIGKILL)
            ranks = self.cluster.attempts(job)[0]["ranks"]
            # All hosts have one kernel here, and so one boot clock.
            ends = [int(rank["end_boottime_ns"]) for rank in ranks]
            spans.append((max(ends) - ends[5]) / 1e9)
        print(f"\nfrom a rank's exit to its last peer's: median {statistics.median(spans):.3f} s, "
              f"most {max(spans):.3f} s, n={len(spans)}")
        self.assertLessEqual(statistics.median(spans), 0.1)


class LossTest(HostsCase):
    """Four hosts of which three can be lost; jobs of two hosts have a spare one."""

    NODE_FLAGS = {i: ["--agent_labels=spare=yes"] for i in (1, 2, 3)}
    MORE = ("nodes: 2\nconstraints: [spare]\nplacement: spread\n"
            "restart: {max_restarts: 5, first_delay: 0.01s}\n")

    def cause(self, job, attempt=0):
        return self.cluster.attempts(job)[attempt]["first_cause"]["summary"]

    def assert_never_twice(self, path):
        found = witness.gaps(path)
        self.assertTrue(found)
        self.assertGreater(min(found), 0, found)
        print(f"\nleast gap between two lives of a rank: {min(found):.3f} s")

    def test_a_killed_agent_is_not_noticed_by_the_ranks(self):
        job, path = self.ticker(12, self.MORE)
        victim = self.cluster.wait_attempt(job, 0)["ranks"][1]
        index = self.cluster.index_of(victim["node_name"])
        self.cluster.kill_agent(index)
        time.sleep(1)
        self.cluster.start_agent(index)
        self.assertEqual(self.cluster.wait_job(job), 0)
        self.assertEqual(len(self.cluster.attempts(job)), 1)
        self.assertEqual(len(witness.lives(path)), 2)

    @suite.within(150)
    def test_a_host_whose_agent_stays_dead_is_fenced_by_its_shim(self):
        job, path = self.ticker(30, self.MORE)
        victim = self.cluster.wait_attempt(job, 0)["ranks"][0]
        index = self.cluster.index_of(victim["node_name"])
        self.cluster.kill_agent(index)
        self.cluster.wait_attempt(job, 1)
        self.assertRegex(self.cause(job), rf"host {victim['node_name']} lost: not heard for \d+s")
        with self.assertRaises(ProcessLookupError):
            os.kill(victim["pid"], 0)
        self.cluster.start_agent(index)
        self.cluster.wait_ready()

        def settled():
            rank = self.cluster.attempts(job)[0]["ranks"][0]
            return rank["state"] == "RANK_STATE_EXITED" and rank["exit"].get("signal") == 9

        c.wait_for(settled, 20, "the old attempt's exit is learned")
        self.cancel(job)
        self.assert_never_twice(path)

    @suite.within(150)
    def test_a_host_that_loses_its_power_is_replaced(self):
        job, path = self.ticker(30, self.MORE)
        victim = self.cluster.wait_attempt(job, 0)["ranks"][1]
        index = self.cluster.index_of(victim["node_name"])
        self.cluster.kill_host(index)
        c.wait_for(lambda: self.cluster.node_state(index) == "SUSPECT", 5, "SUSPECT")
        attempt = self.cluster.wait_attempt(job, 1)
        self.assertNotIn(victim["node_name"], [rank["node_name"] for rank in attempt["ranks"]])
        described = self.cluster.msctl("describe", job, on=3 if index != 3 else 2).stdout
        self.assertIn(f"host {victim['node_name']} lost: not heard for", described)
        self.cluster.hosts.heal(index)
        self.cluster.start_agent(index)
        self.cluster.wait_ready()
        self.cancel(job)
        self.assert_never_twice(path)

    @suite.within(150)
    def test_on_partition_continue_lets_the_ranks_run(self):
        job, path = self.ticker(20, self.MORE + "on_partition: continue\n")
        victim = self.cluster.wait_attempt(job, 0)["ranks"][0]
        index = self.cluster.index_of(victim["node_name"])
        self.cluster.hosts.cut(index)
        self.cluster.wait_state(job, "UNKNOWN")
        time.sleep(12)
        self.cluster.hosts.heal(index)
        self.assertEqual(self.cluster.wait_job(job), 0)
        self.assertEqual(len(self.cluster.attempts(job)), 1)
        self.assertEqual(len(witness.lives(path)), 2)


if __name__ == "__main__":
    suite.main()
