#!/usr/bin/python3
"""The examples of Paddle's page on launch, word for word, with the contract worker as train.py: what
each must give is the table of the contract page (§7)."""

import os
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
import document_bench
import host
import paddle_examples
import suite

STANDS_FOR = "contract worker: stands for Paddle, which is not installed here"
FOUR_DEVICES = {"MUSTER_DEVICES": "nvidia:4"}


class ExamplesCase(unittest.TestCase):
    ADDRESSES = ()

    def setUp(self):
        self.bench = document_bench.DocumentBench()
        self.addCleanup(self.bench.close)
        self.hosts = None
        self.runs = []
        self.addCleanup(self.end_runs)
        if self.ADDRESSES:
            self.hosts = host.Hosts(addresses=list(self.ADDRESSES))
            self.hosts.__enter__()
            self.addCleanup(self.hosts.close)
            self.dirs = [self.bench.host_dir(i) for i in range(len(self.ADDRESSES))]

    def end_runs(self):
        for run in self.runs:
            if run.poll() is None:
                run.kill()
            run.communicate()

    def start(self, index, words, **options):
        run = self.bench.popen(self.hosts.command(index, words), cwd=self.dirs[index], **options)
        self.runs.append(run)
        return run

    def shell(self, number, index=0):
        return ["bash", "-e", "-c", paddle_examples.script(number, index)]

    def run_here(self, number, **options):
        done = self.bench.run(self.shell(number), **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def run_on_both(self, number, **options):
        for run in [self.start(index, self.shell(number, index), **options) for index in range(2)]:
            self.check_end(run)

    def check_end(self, run, code=0, timeout=60):
        out, err = run.communicate(timeout=timeout)
        self.assertEqual(run.returncode, code, out + err)
        return out, err

    def environments(self, count):
        """Of all processes, which must be so many."""
        records = self.bench.records(count)
        self.assertEqual(len(records), count)
        return [record["env"] for record in records]

    def check_roles(self, environments, **expected):
        roles = [env["TRAINING_ROLE"] for env in environments]
        self.assertEqual({role: roles.count(role) for role in roles}, expected)
        return {role: [env for env in environments if env["TRAINING_ROLE"] == role] for role in roles}

    def check_log(self, text, *names):
        for name in names:
            log = self.bench.read(name)
            self.assertIn(STANDS_FOR, log, name)
            self.assertIn(text, log, name)
        self.bench.wait_gone()


class OneHostTest(ExamplesCase):
    def test_example_1_four_devices(self):
        done = self.run_here(1, env=FOUR_DEVICES)
        by_rank = {int(env["PADDLE_TRAINER_ID"]): env for env in self.environments(4)}
        self.assertEqual(sorted(by_rank), [0, 1, 2, 3])
        for rank, env in by_rank.items():
            self.assertEqual(env["FLAGS_selected_gpus"], str(rank))
            self.assertEqual(env["PADDLE_TRAINERS_NUM"], "4")
            self.check_log(f"trainer {rank} of 4 has met all others", f"log/workerlog.{rank}")
        self.assertIn("trainer 0 of 4 has met all others", done.stdout)
        self.assertIn("epoch: 0, step: 30, loss is ", done.stdout)

    def test_example_3_parameter_servers(self):
        self.run_here(3)
        self.check_roles(self.environments(6), PSERVER=2, TRAINER=4)
        self.check_log("has met all 6 processes", *[f"log/serverlog.{i}" for i in range(2)],
                       *[f"log/workerlog.{i}" for i in range(4)])

    def test_example_5_parameter_servers_with_devices(self):
        self.run_here(5)
        roles = self.check_roles(self.environments(6), PSERVER=2, TRAINER=4)
        for env in roles["TRAINER"]:
            self.assertEqual(env["CUDA_VISIBLE_DEVICES"], env["PADDLE_TRAINER_ID"])
        self.check_log("is done", *[f"log/workerlog.{i}" for i in range(4)])

    def test_example_7_stages(self):
        self.run_here(7)
        roles = self.check_roles(self.environments(6), PSERVER=2, TRAINER=2, HETER_TRAINER=2)
        for env in roles["TRAINER"]:
            self.assertEqual((env["STAGE_ID"], env["HETER_DEVICE_TYPE"]), ("1", "cpu"))
        for env in roles["HETER_TRAINER"]:
            self.assertEqual((env["STAGE_ID"], env["HETER_DEVICE_TYPE"]), ("2", "gpu"))
        self.check_log("is done", *[f"log/workerlog.{i}" for i in range(2)])

    def test_example_10_ipus(self):
        poprun = self.bench.path("bin", "poprun")
        with open(poprun, "w") as file:
            file.write('#!/bin/sh\nprintf "%s\\n" "$@"\n')
        os.chmod(poprun, 0o755)
        self.run_here(10)
        words = self.bench.read("log/workerlog.0").splitlines()
        for word in ("--num-instances=2", "--num-replicas=4", "--ipus-per-replica=1",
                     "--host=localhost", "--vipu-partition=pod16", "--vipu-server-host=127.0.0.1"):
            self.assertIn(word, words)
        self.assertEqual(words[-1], "train.py")


class TwoHostsTest(ExamplesCase):
    ADDRESSES = paddle_examples.HOSTS

    def by_rank(self, count):
        ranks = {int(env["PADDLE_TRAINER_ID"]): env for env in self.environments(count)}
        self.assertEqual(sorted(ranks), list(range(count)))
        return ranks

    def test_example_0_the_other_host_runs_the_command_that_the_first_prints(self):
        first = self.start(0, self.shell(0))
        lines = []
        while lines[-1:] != ["-" * 80] or lines.count("-" * 80) < 2:
            line = first.stdout.readline()
            self.assertTrue(line, "no command to copy: " + "\n".join(lines))
            lines.append(line.rstrip("\n"))
        self.assertEqual(lines[-4], "Copy the following command to other nodes to run.")
        self.assertRegex(lines[-2], r"^paddle-launch --master 192\.168\.0\.16:\d+ --nnodes 2 train\.py$")
        second = self.start(1, shlex.split(lines[-2]))
        self.check_end(second)
        self.check_end(first)
        ranks = self.by_rank(2)
        self.assertEqual([ranks[rank]["PADDLE_CURRENT_ENDPOINT"].split(":")[0] for rank in range(2)],
                         self.ADDRESSES)
        for index, directory in enumerate(self.dirs):
            self.check_log(f"trainer {index} of 2 has met all others", f"{directory}/log/workerlog.0")

    def test_example_2_eight_trainers(self):
        self.run_on_both(2, env=FOUR_DEVICES)
        ranks = self.by_rank(8)
        nodes = [env["PADDLE_CURRENT_ENDPOINT"].split(":")[0] for _, env in sorted(ranks.items())]
        self.assertEqual(nodes, [self.ADDRESSES[0]] * 4 + [self.ADDRESSES[1]] * 4)
        for rank, env in ranks.items():
            self.assertEqual(env["PADDLE_TRAINERS_NUM"], "8")
            self.assertEqual(env["FLAGS_selected_gpus"], str(rank % 4))
            self.check_log(f"trainer {rank} of 8 has met all others",
                           f"{self.dirs[rank // 4]}/log/workerlog.{rank % 4}")

    def check_hosts(self, environments, **expected):
        """That each host has as many processes of each role."""
        for address in self.ADDRESSES:
            self.check_roles([env for env in environments if env["POD_IP"] == address], **expected)

    def test_example_4_parameter_servers(self):
        self.run_on_both(4)
        self.check_hosts(self.environments(6), PSERVER=1, TRAINER=2)
        for directory in self.dirs:
            self.check_log("has met all 6 processes", f"{directory}/log/serverlog.0",
                           *[f"{directory}/log/workerlog.{i}" for i in range(2)])

    def test_example_6_parameter_servers_with_devices(self):
        self.run_on_both(6)
        environments = self.environments(6)
        self.check_hosts(environments, PSERVER=1, TRAINER=2)
        for env in environments:
            if env["TRAINING_ROLE"] == "TRAINER":
                rank = int(env["PADDLE_TRAINER_ID"])
                self.assertEqual(env["CUDA_VISIBLE_DEVICES"], str(rank % 2))
        for directory in self.dirs:
            self.check_log("is done", *[f"{directory}/log/workerlog.{i}" for i in range(2)])

    def test_example_8_stages(self):
        self.run_on_both(8)
        self.check_hosts(self.environments(6), PSERVER=1, TRAINER=1, HETER_TRAINER=1)
        for directory in self.dirs:
            self.check_log("is done", f"{directory}/log/workerlog.0")


class ElasticTest(ExamplesCase):
    """Example 9: nodes 10.0.0.2 to .5, and an etcd at 10.0.0.1."""

    ADDRESSES = [f"10.0.0.{i + 1}" for i in range(5)]
    # The document's default is half a minute.
    SHORT = {"PADDLE_ELASTIC_TIMEOUT": "3"}

    def setUp(self):
        super().setUp()
        data = tempfile.TemporaryDirectory(prefix="mst-etcd-", dir="/tmp")
        self.addCleanup(data.cleanup)
        url = f"http://{paddle_examples.ETCD}"
        self.start(0, ["etcd", f"--data-dir={data.name}", f"--listen-client-urls={url}:2379",
                       f"--advertise-client-urls={url}:2379", f"--listen-peer-urls={url}:2380",
                       "--log-level=error"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cluster.wait_for(self.etcd_answers, 30, "etcd")

    def etcd_answers(self):
        words = ["etcdctl", f"--endpoints={paddle_examples.ETCD}:2379", "endpoint", "health"]
        return subprocess.run(self.hosts.command(0, words), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL,
                              env={**self.bench.env, "ETCDCTL_API": "3"}).returncode == 0

    def launch(self, *nodes, steps=None, env=None):
        """The document's line on each of these hosts; `steps`: more than train.py has by itself."""
        more = f" --steps {steps}" if steps else ""
        return [self.start(node, ["bash", "-c", f"exec {paddle_examples.script(9)}{more}"], env=env)
                for node in nodes]

    def wait_generation(self, size):
        """Until the newest log of each node says that so many have met."""

        def met():
            ranks = set()
            for directory in self.dirs:
                path = f"{directory}/log/workerlog.0"
                lines = self.bench.read(path).splitlines() if os.path.exists(path) else []
                last = [line for line in lines if line.endswith("has met all others")][-1:]
                ranks.update(line for line in last if f" of {size} " in line)
            return len(ranks) == size

        cluster.wait_for(met, 60, f"a generation of {size}")

    def test_four_nodes_start_at_once(self):
        began = time.monotonic()
        for run in self.launch(1, 2, 3, 4):
            self.check_end(run)
        self.assertLess(time.monotonic() - began, 20, "nobody waits for the timeout of 30 s")
        environments = self.environments(4)
        self.assertEqual({env["PADDLE_TRAINERS_NUM"] for env in environments}, {"4"})
        self.wait_generation(4)

    def test_two_or_three_start_after_the_timeout(self):
        for nodes in ((1, 2), (1, 2, 3)):
            with self.subTest(len(nodes)):
                self.bench.fresh()
                began = time.monotonic()
                for run in self.launch(*nodes, env=self.SHORT):
                    self.check_end(run)
                self.assertGreater(time.monotonic() - began, 3)
                sizes = [env["PADDLE_TRAINERS_NUM"] for env in self.environments(len(nodes))]
                self.assertEqual(sizes, [str(len(nodes))] * len(nodes))

    @suite.within(150)
    def test_the_same_on_every_change(self):
        env = {**self.SHORT, "PADDLE_ELASTIC_LEVEL": "1"}
        first = self.launch(1, 2, steps=1000000, env=env)
        self.wait_generation(2)
        third, = self.launch(3, steps=1000000, env=env)
        self.wait_generation(3)
        fourth, = self.launch(4, steps=1000000, env=env)
        self.wait_generation(4)
        fourth.send_signal(signal.SIGTERM)
        self.check_end(fourth, code=signal.SIGTERM)
        self.wait_generation(3)
        for run in (*first, third):
            run.send_signal(signal.SIGTERM)
            self.check_end(run, code=signal.SIGTERM)
        self.bench.wait_gone()


if __name__ == "__main__":
    host.move_to_own_network()
    suite.main()
