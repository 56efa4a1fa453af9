#!/usr/bin/python3
"""The documents' command lines behind `msctl run --`: the same results, now with an agent; and what
only an agent can do, a process of a MindSpore job that comes back alone."""

import json
import os
import signal
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "hosts")]

import cluster
import document_bench
import host
import paddle_examples
import suite

MSRUN = ("msrun --worker_num=8 --local_worker_num=8 --master_port=8118 --log_dir=msrun_log "
         "--join=True --cluster_time_out=300 net.py")


class AgentCase(unittest.TestCase):
    """An agent with four pretended devices; its ranks find the documents' `python` on PATH."""

    @classmethod
    def setUpClass(cls):
        cls.bench = document_bench.DocumentBench()
        cls.addClassCleanup(cls.bench.close)
        with open(cls.bench.path("bin", "poprun"), "w") as poprun:
            poprun.write('#!/bin/sh\nprintf "%s\\n" "$@"\n')
            os.fchmod(poprun.fileno(), 0o755)
        cls.start_agents()

    @classmethod
    def start_agents(cls):
        cls.cluster = cluster.Cluster(devices="nvidia:4", env={"PATH": cls.bench.env["PATH"]})
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.start_agent()

    def setUp(self):
        self.bench.fresh()

    def succeed(self, script, *flags):
        """A shell runs a document's script with `msctl run --` before its last line."""
        before, _, line = script.strip().rpartition("\n")
        text = f"{before}\nmsctl run --agent {' '.join(flags)} -- {line}\n"
        done = self.bench.run(["bash", "-e", self.bench.write("script.sh", text)],
                              env={"MSCTL_ADDRESS": self.address(),
                                   "XDG_STATE_HOME": self.bench.path("home")})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def address(self):
        return self.cluster.address

    def roles(self, count):
        roles = [record["env"]["TRAINING_ROLE"] for record in self.bench.records(count)]
        return {role: roles.count(role) for role in roles}

    def ranks(self, job):
        """{(role, rank): what the agent says of it}, in the newest attempt."""
        ranks = self.cluster.job(job)["status"]["attempts"][-1]["ranks"]
        return {(rank["role"], rank.get("rank", 0)): rank for rank in ranks}


class MsrunTest(AgentCase):
    def test_the_single_host_line_gives_the_same_files(self):
        done = self.succeed(MSRUN, "--env", "DATA_PATH=MNIST_Data/train/")
        self.assertEqual(sorted(os.listdir(os.path.join(self.bench.cwd, "msrun_log"))),
                         ["scheduler.log"] + [f"worker_{rank}.log" for rank in range(8)])
        for rank in range(8):
            log = self.bench.read(f"msrun_log/worker_{rank}.log")
            self.assertIn(f"Global rank id: {rank}\n", log)
            self.assertIn("epoch: 0, step: 30, loss is ", log)
            self.assertIn(f"[{rank}] Global rank id: {rank}\n", done.stdout)
        shown = self.cluster.msctl("logs", "--rank", "7", "--no-prefix").stdout
        self.assertEqual(shown, self.bench.read("msrun_log/worker_7.log"))
        for record in self.bench.records(9):
            self.assertEqual(record["env"]["MS_SCHED_PORT"], "8118")
            self.assertEqual(record["env"]["MS_TOPO_TIMEOUT"], "300")
            self.assertEqual(record["env"]["DATA_PATH"], "MNIST_Data/train/")

    def test_tail_worker_log_7_shows_that_rank(self):
        done = self.succeed(MSRUN.replace("net.py", "--tail_worker_log=7 net.py"))
        self.assertEqual([line for line in done.stdout.splitlines() if "Global" in line],
                         ["Global rank id: 7"])

    def test_without_join_the_line_stays_all_the_same_and_says_so(self):
        done = self.succeed(MSRUN.replace("--join=True ", ""))
        self.assertIn("muster: msrun itself would not wait without --join=True; msctl run always "
                      "does\n", done.stderr)
        self.assertIn("[7] Global rank id: 7\n", done.stdout)

    def test_print_yaml_writes_a_job_file_that_means_the_same(self):
        text = self.succeed(MSRUN, "--print-yaml").stdout
        path = self.bench.write("job.yaml", text)
        self.cluster.msctl("validate", path)
        self.cluster.msctl("submit", "--follow", path)
        self.assertEqual(sorted(os.listdir(os.path.join(self.bench.cwd, "msrun_log"))),
                         ["scheduler.log"] + [f"worker_{rank}.log" for rank in range(8)])
        self.assertEqual(len(self.bench.records(9)), 9)


class PaddleTest(AgentCase):
    """The examples of one host, not a word changed but for what stands before them."""

    def succeed_with(self, number):
        return self.succeed(paddle_examples.EXAMPLES[number][0])

    def test_example_1_four_devices(self):
        done = self.succeed_with(1)
        ranks = {int(record["env"]["PADDLE_TRAINER_ID"]): record["env"]
                 for record in self.bench.records(4)}
        self.assertEqual(sorted(ranks), [0, 1, 2, 3])
        for rank in range(4):
            self.assertIn(f"trainer {rank} of 4 has met all others",
                          self.bench.read(f"log/workerlog.{rank}"))
        self.assertEqual(len({env["CUDA_VISIBLE_DEVICES"] + "/" + env["FLAGS_selected_gpus"]
                              for env in ranks.values()}), 4, "a device for each")
        self.assertIn("trainer 0 of 4 has met all others", done.stdout)
        self.assertNotIn("trainer 1 of 4", done.stdout)

    def test_example_3_parameter_servers(self):
        done = self.succeed_with(3)
        self.assertEqual(self.roles(6), {"PSERVER": 2, "TRAINER": 4})
        self.assertIn("PSERVER 0 has met all 6 processes", done.stdout, "process 0 is shown")
        self.assertNotIn("PSERVER 1", done.stdout)
        for name in ("serverlog.0", "serverlog.1", "workerlog.0", "workerlog.3"):
            self.assertIn("has met all 6 processes", self.bench.read(f"log/{name}"))

    def test_example_5_parameter_servers_with_devices(self):
        self.succeed_with(5)
        self.assertEqual(self.roles(6), {"PSERVER": 2, "TRAINER": 4})
        devices = sorted(record["env"]["CUDA_VISIBLE_DEVICES"] for record in self.bench.records(6)
                         if record["env"]["TRAINING_ROLE"] == "TRAINER")
        self.assertEqual(devices, ["0", "1", "2", "3"])

    def test_example_7_stages(self):
        self.succeed_with(7)
        self.assertEqual(self.roles(6), {"PSERVER": 2, "TRAINER": 2, "HETER_TRAINER": 2})
        self.assertIn("is done", self.bench.read("log/workerlog.0"))

    def test_example_10_ipus(self):
        self.succeed_with(10)
        words = self.bench.read("log/workerlog.0").splitlines()
        self.assertIn("--num-instances=2", words)
        self.assertIn("--num-replicas=4", words)


class TwoAgentsTest(AgentCase):
    """The documents' lines for the first of two hosts, each of which has an agent: one line is now
    enough for both. They share a disk, and the sockets on it."""

    @classmethod
    def start_agents(cls):
        cls.hosts = host.Hosts(addresses=paddle_examples.HOSTS)
        cls.hosts.__enter__()
        cls.addClassCleanup(cls.hosts.close)
        cls.agents = []
        cls.addClassCleanup(cls.end_agents)
        for index in range(2):
            cls.start_agent(index)
        cluster.wait_for(lambda: cls.nodes_ready() == 2, 20, "two agents")

    @classmethod
    def start_agent(cls, index):
        files = cls.bench.bin
        scheduler = "self" if index == 0 else cls.socket(0)
        words = [files.msagentd, f"--state_dir={cls.bench.path(f'state{index}')}",
                 f"--listen={cls.socket(index)}", f"--scheduler={scheduler}",
                 f"--shim_path={files.msshim}", f"--agent_name=node-{index}",
                 f"--agent_address={cls.hosts.addresses[index]}", "--agent_devices=nvidia:4"]
        with open(cls.bench.path(f"agent{index}.log"), "w") as log:
            cls.agents.append(cls.bench.popen(cls.hosts.command(index, words), stdout=log, stderr=log,
                                              cwd=cls.bench.dir))

    @classmethod
    def end_agents(cls):
        for agent in cls.agents:
            agent.kill()
            agent.wait()
        for pid in cluster.pids_with_text(cls.bench.path("state")):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    @classmethod
    def socket(cls, index):
        return "unix:" + cls.bench.path(f"{index}.sock")

    @classmethod
    def nodes_ready(cls):
        done = cls.bench.run(["msctl", f"--address={cls.socket(0)}", "get", "nodes"])
        return done.stdout.count("READY")

    def address(self):
        return self.socket(0)

    def hosts_of(self, count, variable):
        """How many of the job's processes each host has."""
        found = [record["env"][variable].split(":")[0] for record in self.bench.records(count)]
        self.assertEqual(len(found), count)
        return {address: found.count(address) for address in found}

    def test_msrun_with_four_workers_on_each(self):
        text = document_bench.document("msrun_1.sh")
        self.succeed(text.replace("<node_1 ip address>", self.hosts.addresses[0]))
        ranks = [record["env"]["RANK_ID"] for record in self.bench.records(9)
                 if record["env"]["MS_ROLE"] == "MS_WORKER"]
        self.assertEqual(sorted(ranks), list("01234567"))
        log = self.bench.read("msrun_log/scheduler.log")
        for address in self.hosts.addresses:
            self.assertEqual(log.count(f"ip: {address} is registered successfully"), 4)

    def test_example_2_eight_trainers(self):
        self.succeed(paddle_examples.EXAMPLES[2][0])
        self.assertEqual(self.hosts_of(8, "PADDLE_CURRENT_ENDPOINT"),
                         dict.fromkeys(self.hosts.addresses, 4))

    def test_examples_4_6_and_8_parameter_servers(self):
        for number, trainers, stages in ((4, 4, 0), (6, 4, 0), (8, 2, 2)):
            with self.subTest(number):
                self.bench.fresh()
                self.succeed(paddle_examples.EXAMPLES[number][0])
                roles = {"PSERVER": 2, "TRAINER": trainers, "HETER_TRAINER": stages}
                self.assertEqual(self.roles(6), {role: n for role, n in roles.items() if n})
                self.assertEqual(self.hosts_of(6, "POD_IP"), dict.fromkeys(self.hosts.addresses, 3))


class RecoveryTest(AgentCase):
    JOB = """
name: recovery
contract: mindspore
ranks_per_node: 4
command: [python, net.py, --until, {directory}/enough]
workdir: {directory}
env: {{MS_NODE_TIMEOUT: "20"}}
restart: {{scope: rank, max_restarts: 3, first_delay: 10ms}}
mindspore: {{recovery: true}}
logs: {{dir: logs}}
"""

    def pids(self):
        return {key: rank["pid"] for key, rank in self.ranks(self.job).items()
                if rank.get("state") == "RANK_STATE_RUNNING"}

    def kill_and_await(self, key, log, again):
        """Kills one process, whose log has `again` once more when it is back. Both process ids."""
        said = self.bench.read(log).count(again)
        before = self.pids()
        os.kill(before[key], signal.SIGKILL)

        def came_back():
            now = self.pids()
            return now if len(now) == 5 and now[key] != before[key] else None

        after = cluster.wait_for(came_back, 20, f"another process of {key}")
        self.bench.wait_text(log, again, count=said + 1)
        self.assertEqual({k: pid for k, pid in after.items() if k != key},
                         {k: pid for k, pid in before.items() if k != key}, "all others go on")
        return before[key], after[key]

    def node_id(self, pid):
        return next(record["env"].get("MS_NODE_ID") for record in self.bench.records()
                    if record["pid"] == pid)

    def test_only_the_process_that_was_killed_starts_again(self):
        path = self.bench.write("job.yaml", self.JOB.format(directory=self.bench.cwd))
        self.job = self.cluster.msctl("submit", "--detach", "--quiet", path).stdout.strip()
        for rank in range(4):
            self.bench.wait_text(f"logs/worker_{rank}.log", "step: 30")
        old, new = self.kill_and_await(("worker", 1), "logs/worker_1.log", "Global rank id: 1")
        self.assertEqual((self.node_id(old), self.node_id(new)), ("1", "1"))
        log, again = "logs/scheduler.log", "is registered successfully again"
        self.bench.wait_text(log, again)
        old, new = self.kill_and_await(("scheduler", 0), log, "Recovered 4 nodes from ")
        self.assertEqual((self.node_id(old), self.node_id(new)), ("sched", "sched"))
        self.bench.wait_text(log, again, count=1 + 4)
        self.bench.write("enough", "")
        self.assertEqual(self.cluster.msctl("wait", self.job, check=False).returncode, 0,
                         json.dumps(self.cluster.job(self.job)["status"], indent=1))
        self.assertEqual(len(self.cluster.job(self.job)["status"]["attempts"]), 1)


if __name__ == "__main__":
    host.move_to_own_network()
    suite.main()
