#!/usr/bin/env python3
"""The stand-in for MindSpore: whole clusters form, and say what the framework would; a process that
lost a variable, or has a wrong one, fails and names it."""

import json
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import gang as gangs  # noqa: E402
import mindspore_env  # noqa: E402
from variables import ContractError  # noqa: E402

SCHEDULER = "scheduler"


def msrun_cluster(workers, port, timeout=20, known=True, **more):
    """What msrun gives to its processes (section 1.3); `more` goes to all of them."""
    shared = {"RANK_SIZE": str(workers), "MS_WORKER_NUM": str(workers),
              "MS_SCHED_HOST": "127.0.0.1", "MS_SCHED_PORT": str(port),
              "MS_TOPO_TIMEOUT": str(timeout), **more}
    cluster = {SCHEDULER: {**shared, "MS_ROLE": "MS_SCHED", "RANK_ID": "0"}}
    for i in range(workers):
        env = cluster[f"worker {i}"] = {**shared, "MS_ROLE": "MS_WORKER", "DEVICE_ID": str(i)}
        if known:
            env.update(RANK_ID=str(i), MS_NODE_ID=str(i))
    return cluster


def dynamic_cluster(workers, servers, port, **more):
    """What the documents' own scripts export (section 2), and no more."""
    shared = {"MS_WORKER_NUM": str(workers), "MS_SCHED_HOST": "127.0.0.1",
              "MS_SCHED_PORT": str(port), **more}
    if servers:
        shared["MS_SERVER_NUM"] = str(servers)
    cluster = {SCHEDULER: {**shared, "MS_ROLE": "MS_SCHED"}}
    for i in range(servers):
        cluster[f"server {i}"] = {**shared, "MS_ROLE": "MS_PSERVER"}
    for i in range(workers):
        cluster[f"worker {i}"] = {**shared, "MS_ROLE": "MS_WORKER", "MS_NODE_ID": str(i)}
    return cluster


def start(gang, cluster, *args):
    for name, env in cluster.items():
        gang.start(name, env, *args)


class ClusterTest(unittest.TestCase):

    def setUp(self):
        self.gang = gangs.Gang("net.py")
        self.addCleanup(self.gang.__exit__)
        self.port, = gangs.free_ports(1)

    def run_all(self, cluster, *args):
        start(self.gang, cluster, *args)
        for name, code in self.gang.wait().items():
            self.assertEqual(code, 0, f"{name}:\n{self.gang.output(name)}")

    def test_msruns_processes_form_a_cluster_and_train(self):
        self.run_all(msrun_cluster(3, self.port))
        for i in range(3):
            output = self.gang.output(f"worker {i}")
            self.assertIn("stands for MindSpore, which is not installed here", output)
            self.assertIn(f"Global rank id: {i}\nThis node ID rank id: {i}\n", output)
            self.assertIn("epoch: 0, step: 30, loss is 0.0", output)
        output = self.gang.output(SCHEDULER)
        self.assertIn("Currently registered node number: 3, expected node number: 3", output)
        self.assertIn("(role: MS_WORKER), rank id: ", output)
        self.assertIn("is registered successfully", output)

    def test_ranks_that_nobody_knows_are_given_out(self):
        self.run_all(msrun_cluster(3, self.port, known=False))
        ranks = sorted(i for i in range(3) for j in range(3)
                       if f"Global rank id: {i}\n" in self.gang.output(f"worker {j}"))
        self.assertEqual(ranks, [0, 1, 2])

    def test_names_that_are_no_numbers_are_sorted(self):
        cluster = dynamic_cluster(3, 0, self.port)
        for i, name in enumerate(("job-worker-2", "job-worker-0", "job-worker-1")):
            cluster[f"worker {i}"]["MS_NODE_ID"] = name
        self.run_all(cluster)
        for i, rank in enumerate((2, 0, 1)):
            self.assertIn(f"Global rank id: {rank}\n", self.gang.output(f"worker {i}"))

    def test_a_rank_table_has_the_last_word(self):
        cluster = msrun_cluster(2, self.port, known=False)
        table = os.path.join(self.gang.folder, "table.json")
        with open(table, "w", encoding="utf-8") as file:
            json.dump({"server_list": [{"pod_ip": "127.0.0.1", "device": [
                {"device_id": "0", "rank_id": "1"}, {"device_id": "1", "rank_id": "0"}]}]}, file)
        for env in cluster.values():
            env["RANK_TABLE_FILE"] = table
        self.run_all(cluster)
        self.assertIn("Global rank id: 1\n", self.gang.output("worker 0"))
        self.assertIn("Global rank id: 0\n", self.gang.output("worker 1"))

    def test_parameter_servers_leave_when_the_workers_have(self):
        self.run_all(dynamic_cluster(2, 2, self.port))
        self.assertNotIn("epoch", self.gang.output("server 0"))
        self.assertIn("expected node number: 4", self.gang.output(SCHEDULER))

    def test_one_worker_too_many_is_rejected(self):
        cluster = msrun_cluster(2, self.port)
        cluster["worker 2"] = {**cluster["worker 1"], "RANK_ID": "2", "MS_NODE_ID": "2",
                               "DEVICE_ID": "2"}
        self.gang.start(SCHEDULER, cluster.pop(SCHEDULER))
        self.gang.start("worker 2", cluster.pop("worker 2"))
        self.assertEqual(self.gang.wait(["worker 2"]), {"worker 2": 1})
        self.assertIn("This node is extra or rank id exceeds. Total node number for role MS_WORKER "
                      "is 2 but got rank id 2", self.gang.output("worker 2"))
        start(self.gang, cluster)
        self.assertEqual(set(self.gang.wait([SCHEDULER, "worker 0", "worker 1"]).values()), {0})

    def test_two_of_one_name_are_not_let_in(self):
        cluster = msrun_cluster(2, self.port)
        self.gang.start(SCHEDULER, cluster[SCHEDULER])
        self.gang.start("first", cluster["worker 0"])
        self.gang.await_line(SCHEDULER, "Currently registered node number: 1")
        self.gang.start("second", cluster["worker 0"])
        self.assertEqual(self.gang.wait(["second"]), {"second": 1})
        self.assertIn(f"netstat -anp|grep {self.port}", self.gang.output("second"))

    def test_a_cluster_that_does_not_fill_says_how_many_are_missing(self):
        cluster = msrun_cluster(3, self.port, timeout=1)
        del cluster["worker 1"]
        start(self.gang, cluster)
        codes = self.gang.wait()
        self.assertEqual(codes[SCHEDULER], 1)
        self.assertEqual(codes["worker 0"], -signal.SIGTERM)
        for name in cluster:
            self.assertIn("1 missing. Currently registered node number: 2, expected node number: 3",
                          self.gang.output(name))

    def test_without_a_scheduler_a_worker_gives_up(self):
        self.gang.start("worker 0", msrun_cluster(1, self.port, timeout=1)["worker 0"])
        self.assertEqual(self.gang.wait(), {"worker 0": 1})
        self.assertIn("MS_SCHED_HOST, MS_SCHED_PORT: nobody answers", self.gang.output("worker 0"))

    def test_a_lost_worker_brings_the_others_down(self):
        cluster = msrun_cluster(2, self.port, MS_NODE_TIMEOUT="1")
        start(self.gang, cluster, "--fail_rank", "1", "--exit_code", "-9")
        codes = self.gang.wait()
        self.assertEqual(codes, {SCHEDULER: 1, "worker 0": -signal.SIGTERM,
                                 "worker 1": -signal.SIGKILL})
        self.assertIn("The node: 1 is timed out.", self.gang.output(SCHEDULER))
        self.assertIn("Time out nodes are ['1']", self.gang.output("worker 0"))

    def test_with_recovery_a_lost_worker_may_come_back(self):
        cluster = msrun_cluster(2, self.port, MS_ENABLE_RECOVERY="1", MS_NODE_TIMEOUT="1",
                                MS_RECOVERY_PATH=os.path.join(self.gang.folder, "recovery"))
        start(self.gang, cluster, "--fail_rank", "1")
        self.assertEqual(self.gang.wait(["worker 1"]), {"worker 1": 7})
        self.gang.start("worker 1", cluster["worker 1"])
        self.assertEqual(set(self.gang.wait().values()), {0})
        self.assertIn("is registered successfully again", self.gang.output(SCHEDULER))
        self.assertTrue(os.path.exists(os.path.join(self.gang.folder, "recovery/recovery.dat")))

    def test_with_recovery_a_scheduler_that_was_started_again_is_joined_again(self):
        cluster = msrun_cluster(2, self.port, MS_ENABLE_RECOVERY="1", MS_NODE_TIMEOUT="5",
                                MS_RECOVERY_PATH=os.path.join(self.gang.folder, "recovery"))
        enough = os.path.join(self.gang.folder, "enough")
        start(self.gang, cluster, "--until", enough)
        self.gang.await_line("worker 1", "step: 30")
        self.gang.process(SCHEDULER).kill()
        self.gang.process(SCHEDULER).wait()
        self.gang.start(SCHEDULER, cluster[SCHEDULER])
        self.gang.await_line(SCHEDULER, "Recovered 2 nodes")
        open(enough, "w").close()
        self.assertEqual(set(self.gang.wait().values()), {0})
        self.assertEqual(self.gang.output(SCHEDULER).count("is registered successfully again"), 2)

    def test_a_simulation_needs_nobody(self):
        self.run_all({"one": {"MS_SIMULATION_LEVEL": "1", "MS_WORKER_NUM": "8", "RANK_SIZE": "8",
                              "RANK_ID": "3", "DEVICE_ID": "0"}})
        self.assertIn("Global rank id: 3\n", self.gang.output("one"))


# variable → a wrong value of it.
WRONG = {
    "RANK_SIZE": "9", "MS_WORKER_NUM": "9", "MS_SCHED_HOST": "127.0.0.9", "MS_SCHED_PORT": "1",
    "MS_TOPO_TIMEOUT": "3", "MS_ROLE": "MS_NOBODY", "RANK_ID": "5", "MS_NODE_ID": "5",
    "DEVICE_ID": "5", "MS_ENABLE_RECOVERY": "yes", "MS_RECOVERY_PATH": "/elsewhere",
    "MS_NODE_TIMEOUT": "77", "MS_SERVER_NUM": "9", "RANK_TABLE_FILE": "/nowhere/table.json",
    "MSRUN_CPU_LIST": "[4095]", "MS_SIMULATION_LEVEL": "9", "MUSTER_MS_TLS_CONFIG": "/nowhere/tls",
}


class MutantTest(unittest.TestCase):
    """Drops and alters every variable of one process."""

    def hunt(self, make, process):
        """`make(port)` is the cluster in which one process is changed at a time."""
        for name in make(0)[process]:
            for drop in (True, False):
                if name == "STANDIN_EXPECTS":
                    continue
                with self.subTest(process=process, variable=name, drop=drop):
                    self.assertIn(name, self.complaint(make, process, name, drop))

    def complaint(self, make, process, name, drop):
        cluster = make(gangs.free_ports(1)[0])
        if drop:
            del cluster[process][name]
        else:
            cluster[process][name] = WRONG[name]
        try:
            mindspore_env.Node(cluster[process])
        except ContractError as error:
            return str(error)
        with gangs.Gang("net.py") as gang:
            start(gang, cluster, "--steps", "1")
            said = gang.wait_for_failure()
            if name not in said:  # Whoever fails first need not be the one that knows.
                gang.wait()
                said = "".join(map(gang.output, cluster))
            return said

    def test_msruns_processes(self):
        for process in (SCHEDULER, "worker 0", "worker 1"):
            self.hunt(lambda port: msrun_cluster(2, port, timeout=2), process)

    def test_what_a_process_is_told_of_recovery(self):
        def make(port):
            cluster = msrun_cluster(2, port, timeout=2)
            for env in cluster.values():
                env.update(MS_ENABLE_RECOVERY="1", MS_RECOVERY_PATH="recovery", MS_NODE_TIMEOUT="5")
            return cluster
        for name in ("MS_ENABLE_RECOVERY", "MS_RECOVERY_PATH", "MS_NODE_TIMEOUT"):
            for drop in (True, False):
                with self.subTest(variable=name, drop=drop):
                    self.assertIn(name, self.complaint(make, "worker 1", name, drop))

    def test_what_only_the_launcher_knows_to_be_there(self):
        """Names that depend on flags: who starts the job says in STANDIN_EXPECTS that they must be
        there."""
        here = os.path.realpath(__file__)
        tls = os.path.join(os.path.dirname(here), "tls_example.json")
        optional = {"RANK_TABLE_FILE": here, "MUSTER_MS_TLS_CONFIG": tls,
                    "MSRUN_CPU_LIST": str(sorted(os.sched_getaffinity(0)))}

        def make(port):
            cluster = msrun_cluster(2, port, timeout=2)
            cluster["worker 1"].update(optional, STANDIN_EXPECTS=",".join(optional))
            return cluster
        for name in optional:
            for drop in (True, False):
                with self.subTest(variable=name, drop=drop):
                    self.assertIn(name, self.complaint(make, "worker 1", name, drop))

    def test_the_documents_own_scripts(self):
        def make(port):
            return dynamic_cluster(2, 1, port, MS_TOPO_TIMEOUT="2")
        for process in ("server 0", "worker 1"):
            cluster = make(0)[process]
            for name in sorted(set(cluster) - {"MS_TOPO_TIMEOUT", "MS_NODE_ID"}):  # Both optional.
                for drop in (True, False):
                    with self.subTest(process=process, variable=name, drop=drop):
                        self.assertIn(name, self.complaint(make, process, name, drop))

    def test_a_simulation(self):
        self.hunt(lambda _: {"one": {"MS_SIMULATION_LEVEL": "1", "MS_WORKER_NUM": "2",
                                     "DEVICE_ID": "0", "RANK_SIZE": "2", "RANK_ID": "1",
                                     "STANDIN_EXPECTS": "MS_SIMULATION_LEVEL=1,MS_WORKER_NUM=2,"
                                                        "DEVICE_ID=0,RANK_SIZE=2,RANK_ID=1"}},
                  "one")


if __name__ == "__main__":
    unittest.main()
