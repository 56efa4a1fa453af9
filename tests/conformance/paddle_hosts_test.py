#!/usr/bin/python3
"""paddle-launch on several hosts: the http master, the etcd layout, and a second client of both."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "hosts")]

import cluster
import drop_in
import host
import suite

PEER = os.path.join(HERE, "paddle_peer.py")
ETCD = "/usr/bin/etcd"


class HostsCase(unittest.TestCase):
    HOSTS = 2

    def setUp(self):
        self.bench = drop_in.Bench()
        self.addCleanup(self.bench.close)
        self.bench.write("train.py", "")
        self.hosts = host.Hosts(self.HOSTS)
        self.hosts.__enter__()
        self.addCleanup(self.hosts.close)
        self.runs = []
        self.addCleanup(self.end_runs)

    def end_runs(self):
        for run in self.runs:
            if run.poll() is None:
                run.kill()
            run.communicate()

    def start(self, index, words, env=None, **options):
        """Starts a command on a host, which knows its own address."""
        env = {"POD_IP": self.hosts.addresses[index], **(env or {})}
        run = self.bench.popen(self.hosts.command(index, words), env=env, **options)
        self.runs.append(run)
        return run

    def launch(self, index, *words, **options):
        return self.start(index, ["paddle-launch", f"--log_dir=log{index}", *words], **options)

    def peer(self, index, protocol, *words):
        return self.start(index, ["/usr/bin/python3", PEER, protocol,
                                  f"--ip={self.hosts.addresses[index]}", *words])

    def end(self, run, code=0, timeout=60):
        out, err = run.communicate(timeout=timeout)
        self.assertEqual(run.returncode, code, out + err)
        return out, err

    def by_rank(self, count):
        return {int(record["env"]["PADDLE_TRAINER_ID"]): record["env"]
                for record in self.bench.records(count)}


class HttpMasterTest(HostsCase):
    """§2.1 and the document's examples 0, 2 and 4."""

    def test_the_master_is_found_by_copying_a_command(self):
        first = self.start(0, ["paddle-launch", "--nnodes", "2", "--log_dir", "log0", "train.py",
                               "--name", "two words"], env={"PROBE_ACT": "exit 0"})
        lines = []
        while len([line for line in lines if line == "-" * 80]) < 2:
            line = first.stdout.readline()
            self.assertTrue(line, "no command to copy: " + "".join(lines))
            lines.append(line.rstrip("\n"))
        self.assertIn("Copy the following command to other nodes to run.", lines)
        words = shlex.split(lines[lines.index("-" * 80) + 1])
        self.assertEqual(words[0], "paddle-launch")
        self.assertRegex(" ".join(words), rf"--master[= ]{re.escape(self.hosts.addresses[0])}:\d+")
        self.assertIn("two words", words)
        second = self.start(1, words)
        self.end(second)
        self.end(first)
        ranks = self.by_rank(2)
        self.assertEqual(sorted(ranks), [0, 1])
        self.assertEqual(ranks[0]["POD_IP"], self.hosts.addresses[0], "rank 0 has the KV server")

    def test_two_hosts_with_four_devices_each(self):
        master = f"{self.hosts.addresses[0]}:8090"
        devices = {"CUDA_VISIBLE_DEVICES": "0,1,2,3"}
        for prefix in ("", "http://"):
            with self.subTest(prefix or "plain"):
                self.bench.fresh(["train.py"])
                runs = [self.launch(i, "--devices=0,1,2,3", f"--master={prefix}{master}",
                                    "--nnodes=2", "train.py", "--lr=0.01", env=devices)
                        for i in range(2)]
                for run in runs:
                    self.end(run)
                ranks = self.by_rank(8)
                self.assertEqual(sorted(ranks), list(range(8)))
                self.assertEqual(len({env["PADDLE_TRAINER_ENDPOINTS"] for env in ranks.values()}), 1)
                self.assertEqual(len({env["PADDLE_MASTER"] for env in ranks.values()}), 1)
                for rank, env in ranks.items():
                    self.assertEqual(env["PADDLE_NNODES"], "2")
                    self.assertEqual(env["PADDLE_GLOBAL_SIZE"], "8")
                    self.assertEqual(env["PADDLE_LOCAL_SIZE"], "4")
                    self.assertEqual(env["FLAGS_selected_gpus"], str(rank % 4))
                    own = env["PADDLE_TRAINER_ENDPOINTS"].split(",")[rank]
                    self.assertEqual(own, env["PADDLE_CURRENT_ENDPOINT"])
                self.assertEqual(ranks[0]["POD_IP"], self.hosts.addresses[0])

    def test_explicit_ranks_decide(self):
        master = f"{self.hosts.addresses[0]}:8090"
        runs = [self.launch(i, f"--master={master}", "--nnodes=2", f"--rank={1 - i}", "train.py")
                for i in range(2)]
        for run in runs:
            self.end(run)
        ranks = self.by_rank(2)
        self.assertEqual(ranks[0]["POD_IP"], self.hosts.addresses[1])

    def test_parameter_servers_on_two_hosts(self):
        master = f"{self.hosts.addresses[0]}:8090"
        runs = [self.launch(i, f"--master={master}", "--nnodes=2", "--server_num=1",
                            "--trainer_num=2", "train.py", "--lr=0.01") for i in range(2)]
        for run in runs:
            self.end(run)
        records = [record["env"] for record in self.bench.records(6)]
        trainers = [env for env in records if env["TRAINING_ROLE"] == "TRAINER"]
        self.assertEqual(sorted(env["PADDLE_TRAINER_ID"] for env in trainers), list("0123"))
        self.assertEqual(len({env["PADDLE_PSERVERS_IP_PORT_LIST"] for env in records}), 1)
        self.assertEqual(len(records[0]["PADDLE_PSERVERS_IP_PORT_LIST"].split(",")), 2)
        self.assertEqual(len({env["PADDLE_GLOO_HTTP_ENDPOINT"] for env in records}), 1)

    def test_a_second_client_forms_a_job_with_ours(self):
        master = f"{self.hosts.addresses[0]}:8090"
        ours = self.launch(0, f"--master={master}", "--nnodes=2", "train.py",
                           env={"PROBE_ACT": "sleep 1500"})
        out, _ = self.end(self.peer(1, "kv", f"--master={master}"))
        seen = json.loads(out)
        self.end(ours)
        env = self.by_rank(1)[0]
        self.assertEqual(seen["rank"], 1)
        self.assertEqual(env["PADDLE_TRAINER_ENDPOINTS"].split(",")[1],
                         f"{self.hosts.addresses[1]}:37002")
        self.assertEqual(seen["nodes"][0]["endpoints"], env["PADDLE_CURRENT_ENDPOINT"])
        self.assertEqual(seen["nodes"][0]["candidate"], env["PADDLE_MASTER"])

    def test_a_missing_node_is_named_and_has_a_deadline(self):
        master = f"{self.hosts.addresses[0]}:8090"
        run = self.launch(0, f"--master={master}", "--nnodes=2", "--elastic_timeout=0", "train.py")
        out, err = run.communicate(timeout=60)
        self.assertNotEqual(run.returncode, 0)
        self.assertRegex(out + err, r"1 of 2")
        self.assertEqual(self.bench.records(), [])

    def test_a_failed_node_stops_its_peers(self):
        master = f"{self.hosts.addresses[0]}:8090"
        act = {"PROBE_ACT": "PADDLE_TRAINER_ID=1:sleep 300+exit 3;hang"}
        runs = [self.launch(i, f"--master={master}", "--nnodes=2", f"--rank={i}", "train.py", env=act)
                for i in range(2)]
        self.end(runs[1], code=3)
        out, err = runs[0].communicate(timeout=60)
        self.assertNotEqual(runs[0].returncode, 0, out + err)
        self.bench.wait_gone()


class EndpointsTest(HostsCase):
    """§2.3 by endpoints, legacy and heterogeneous: examples 6 and 8."""

    def lists(self, *ports):
        return ",".join(f"{address}:{port}" for address in self.hosts.addresses for port in ports)

    def run_both(self, *words, env=None):
        # Servers end with the last worker: workers work until those have started, too.
        env = {"PROBE_ACT": "TRAINING_ROLE=PSERVER:exit 0;sleep 400", **(env or {})}
        for run in [self.launch(i, *words, "train.py", "--lr=0.01", env=env) for i in range(2)]:
            self.end(run)

    def test_gpu_servers_and_workers(self):
        self.run_both(f"--servers={self.lists(6170)}", f"--workers={self.lists(6171, 6172)}",
                      env={"CUDA_VISIBLE_DEVICES": "0,1"})
        records = [record["env"] for record in self.bench.records(6)]
        trainers = {env["PADDLE_TRAINER_ID"]: env for env in records
                    if env["TRAINING_ROLE"] == "TRAINER"}
        self.assertEqual(sorted(trainers), list("0123"))
        for rank, env in trainers.items():
            self.assertEqual(env["CUDA_VISIBLE_DEVICES"], str(int(rank) % 2))

    def test_heterogeneous_workers(self):
        self.run_both(f"--servers={self.lists(6170)}", f"--workers={self.lists(6171)}",
                      f"--heter_workers={self.lists(6172)}", env={"CUDA_VISIBLE_DEVICES": "0"})
        roles = sorted(record["env"]["TRAINING_ROLE"] for record in self.bench.records(6))
        self.assertEqual(roles, ["HETER_TRAINER"] * 2 + ["PSERVER"] * 2 + ["TRAINER"] * 2)

    def test_a_host_with_servers_only(self):
        servers = f"{self.hosts.addresses[0]}:6170"
        trainers = f"{self.hosts.addresses[1]}:6171,{self.hosts.addresses[1]}:6172"
        self.run_both(f"--servers={servers}", f"--trainers={trainers}")
        by_host = {}
        for record in self.bench.records(3):
            env = record["env"]
            by_host.setdefault(env["POD_IP"], []).append(env["TRAINING_ROLE"])
        self.assertEqual(by_host[self.hosts.addresses[0]], ["PSERVER"])
        self.assertEqual(by_host[self.hosts.addresses[1]], ["TRAINER", "TRAINER"])


class ElasticTest(HostsCase):
    """§2.2 and example 9, against a real etcd on the first host."""

    HOSTS = 4

    def setUp(self):
        super().setUp()
        self.data = tempfile.TemporaryDirectory(prefix="mst-etcd-", dir="/tmp")
        self.addCleanup(self.data.cleanup)
        address = self.hosts.addresses[0]
        self.master = f"{address}:2379"
        self.etcd = self.start(0, [ETCD, f"--data-dir={self.data.name}",
                                   f"--listen-client-urls=http://{self.master},http://127.0.0.1:2379",
                                   f"--advertise-client-urls=http://{self.master}",
                                   f"--listen-peer-urls=http://{address}:2380", "--log-level=error"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cluster.wait_for(self.etcd_answers, 30, "etcd")

    def etcd_answers(self):
        done = subprocess.run(self.hosts.command(0, ["etcdctl", f"--endpoints={self.master}",
                                                     "endpoint", "health"]),
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**self.bench.env, "ETCDCTL_API": "3"})
        return done.returncode == 0

    def elastic(self, index, nnodes, *words, **options):
        return self.launch(index, f"--master=etcd://{self.master}", f"--nnodes={nnodes}", *words,
                           "train.py", **options)

    def generation(self, size):
        """The environments of the newest processes, once `size` of them agree on the size."""

        def read():
            newest = self.bench.records()[-size:]
            envs = [record["env"] for record in newest]
            if len(envs) < size or any(env["PADDLE_GLOBAL_SIZE"] != str(size) for env in envs):
                return None
            lists = {env["PADDLE_TRAINER_ENDPOINTS"] for env in envs}
            ranks = sorted(int(env["PADDLE_TRAINER_ID"]) for env in envs)
            return envs if len(lists) == 1 and ranks == list(range(size)) else None

        return cluster.wait_for(read, 60, f"a generation of {size}")

    def test_all_four_start_at_once(self):
        runs = [self.elastic(i, "2:4", "--elastic_timeout=50", env={"PROBE_ACT": "sleep 1000"})
                for i in range(4)]
        for run in runs:
            self.end(run)
        envs = self.generation(4)
        self.assertEqual({env["PADDLE_NNODES"] for env in envs}, {"4"})

    @suite.within(180)
    def test_two_start_after_the_timeout_and_go_on_when_one_more_comes(self):
        act = {"PROBE_ACT": "hang"}
        for i in range(2):
            self.elastic(i, "2:4", "--elastic_timeout=3", "--elastic_level=1", env=act)
        self.generation(2)
        self.elastic(2, "2:4", "--elastic_timeout=3", "--elastic_level=1", env=act)
        self.generation(3)
        self.runs[-1].kill()  # A launcher that dies: its lease runs out.
        self.generation(2)
        for run in self.runs[1:3]:
            run.send_signal(signal.SIGTERM)
        for run in self.runs[1:3]:
            run.communicate(timeout=60)
        self.bench.wait_gone()

    def changed(self, size, event):
        """Does `event`; one generation of `size` follows, and no other. Returns its seconds."""
        before = len(self.bench.records())
        began = time.monotonic()
        event()
        cluster.wait_for(lambda: len(self.bench.records()) - before >= size, 60,
                         f"{size} new processes")
        self.generation(size)
        took = time.monotonic() - began
        time.sleep(3)
        self.assertEqual(len(self.bench.records()) - before, size)
        return took

    @suite.within(240)
    def test_four_three_two_and_again_four_hosts(self):
        def start(*indices):
            for i in indices:
                self.elastic(i, "2:4", "--elastic_timeout=6", "--elastic_level=1",
                             env={"PROBE_ACT": "hang"})

        start(0, 1, 2, 3)
        self.generation(4)
        runs = self.runs[-4:]
        times = [self.changed(3, runs[3].kill), self.changed(2, runs[2].kill),
                 self.changed(4, lambda: start(2, 3))]
        print("\npaddle-launch 4 → 3 → 2 → 4 hosts: " +
              ", ".join(f"{took:.1f} s" for took in times))
        for run in (*runs[:2], *self.runs[-2:]):
            run.send_signal(signal.SIGTERM)
        for run in (*runs[:2], *self.runs[-2:]):
            run.communicate(timeout=60)
        self.bench.wait_gone()

    def test_a_second_client_forms_a_job_with_ours(self):
        peer = self.peer(1, "etcd", f"--master={self.master}", "--nnodes=2", "--seconds=40")
        ours = self.elastic(0, "2", "--elastic_timeout=20", env={"PROBE_ACT": "hang"})
        # A joiner wipes the others' heartbeats, which then come back: more than one report.
        env = self.bench.records(1, seconds=40)[-1]["env"]
        self.assertIn(f"{self.hosts.addresses[1]}:37002", env["PADDLE_TRAINER_ENDPOINTS"].split(","))
        self.assertEqual(env["PADDLE_GLOBAL_SIZE"], "2")
        seen = json.loads(peer.stdout.readline())
        self.assertEqual(seen["rank"], 1 - int(env["PADDLE_TRAINER_ID"]))
        ours.send_signal(signal.SIGTERM)
        ours.communicate(timeout=60)
        self.bench.wait_gone()

    @suite.within(120)
    def test_too_few_nodes_end_with_a_reason(self):
        began = time.monotonic()
        run = self.elastic(0, "2:4", "--elastic_timeout=3")
        out, err = run.communicate(timeout=90)
        self.assertNotEqual(run.returncode, 0, "the original's 0 is a lie (§2.2)")
        self.assertRegex(out + err, r"1 of (at least )?2")
        self.assertLess(time.monotonic() - began, 60)


if __name__ == "__main__":
    suite.main()
