#!/usr/bin/python3
"""Contracts whose frameworks cannot be installed here, run by an agent for the contract worker,
which stands for them: it checks every variable, and meets its peers at the given endpoints."""

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cluster as c
import suite
from job_case import JobCase

WORKERS = "tests/programs/contract_worker"


class ContractWorkerTest(JobCase):
    DEVICES = "nvidia:4"

    def run_job(self, contract, script, more="", arguments=()):
        """The job's id; it must succeed."""
        program = self.cluster.bin.program(f"{WORKERS}/{script}")
        words = ", ".join(["/usr/bin/python3", "-u", program, *arguments])
        job = self.submit_detached(f"name: {script[:-3]}\ncontract: {contract}\n"
                                   f"command: [{words}]\n{more}")
        if self.wait(job) != 0:
            self.fail(self.cluster.msctl("describe", job).stdout +
                      self.cluster.msctl("logs", job, check=False).stdout)
        return job

    def log(self, job):
        return self.cluster.msctl("logs", job).stdout

    def test_paddle_collective(self):
        log = self.log(self.run_job("paddle_collective", "train.py", "ranks_per_node: 4\n"
                                    "devices_per_rank: {kind: nvidia, count: 1}\n"))
        for rank in range(4):
            self.assertIn(f"trainer {rank} of 4 has met all others", log)

    def test_paddle_collective_without_devices(self):
        self.run_job("paddle_collective", "train.py", "ranks_per_node: 2\n")

    def test_paddle_parameter_servers(self):
        roles = ("roles:\n- {name: server, per_node: 2}\n"
                 "- {name: trainer, per_node: 2, devices_per_rank: {kind: nvidia, count: 2}}\n")
        for mode in ("", "mode: legacy\n"):
            with self.subTest(mode):
                log = self.log(self.run_job("paddle_ps", "train.py", roles + mode))
                self.assertIn("TRAINER 1 is done", log)

    def test_servers_that_never_end_are_stopped_once_the_trainers_have(self):
        command = "command: [/bin/sleep, infinity]"
        self.run_job("paddle_ps", "train.py", "roles:\n"
                     f"- {{name: server, per_node: 1, {command}}}\n"
                     "- {name: trainer, per_node: 1, command: [/bin/true]}\n")

    def test_paddle_stages(self):
        gpu = "devices_per_rank: {kind: nvidia, count: 1}"
        log = self.log(self.run_job("paddle_heter", "train.py", "roles:\n"
                                    "- {name: server}\n- {name: trainer, per_node: 2}\n"
                                    f"- {{name: heter-2, {gpu}}}\n- {{name: heter-3, {gpu}}}\n"))
        self.assertIn("TRAINER 1 is done", log)

    def test_paddle_rpc(self):
        self.assertIn("worker 2 of 3 has called all others",
                      self.log(self.run_job("paddle_rpc", "train.py", "ranks_per_node: 3\n")))

    def test_mindspore(self):
        log = self.log(self.run_job("mindspore", "net.py", "ranks_per_node: 4\n"
                                    "devices_per_rank: {kind: nvidia, count: 1}\n"))
        for rank in range(4):
            self.assertIn(f"Global rank id: {rank}", log)

    def test_mindspores_parameter_servers(self):
        self.run_job("mindspore", "net.py", "roles:\n- {name: worker, per_node: 2}\n"
                     "- {name: server, per_node: 2}\n")

    def test_mindspores_recovery_starts_only_the_process_that_died(self):
        gate = self.path("gate")
        words = ", ".join(["/usr/bin/python3", "-u",
                           self.cluster.bin.program(f"{WORKERS}/net.py"),
                           "--steps", "'10'", "--until", gate])
        job = self.submit_detached(
            f"name: net\ncontract: mindspore\nranks_per_node: 3\ncommand: [{words}]\n"
            "env: {STANDIN_STEP_SECONDS: '0.02'}\nmindspore: {recovery: true}\n"
            "restart: {scope: rank, max_restarts: 2, first_delay: 0.1s}\n")
        expected = self.wait_trained(job)
        for victim in (("worker", 1), ("scheduler", 0)):
            old = expected[victim]
            os.kill(old, signal.SIGKILL)
            now = c.wait_for(lambda: self.pids_if_all_run(job, victim, old), 30,
                             f"{victim} runs again")
            self.assertEqual(node_id(now[victim]), self.node_ids[victim])
            self.assertEqual({**expected, victim: now[victim]}, now, "another pid has changed")
            self.assert_trains_on(job)
            expected = now
        open(gate, "w").close()
        self.assertEqual(self.wait(job), 0, self.cluster.msctl("describe", job).stdout)
        attempts = self.cluster.job(job)["status"]["attempts"]
        self.assertEqual(len(attempts), 1)
        restarts = {(rank["role"], rank.get("rank", 0)): rank.get("restarts", 0)
                    for rank in attempts[0]["ranks"]}
        self.assertEqual(restarts, {("worker", 0): 0, ("worker", 1): 1, ("worker", 2): 0,
                                    ("scheduler", 0): 1})
        self.assertEqual([failure["fault_class"] for failure in attempts[0]["rank_failures"]],
                         ["FAULT_CLASS_KILLED"] * 2)
        self.assertEqual(self.pids(job), expected)

    def pids(self, job):
        return {(rank["role"], rank.get("rank", 0)): rank["pid"] for rank in self.ranks(job)}

    def pids_if_all_run(self, job, victim, old):
        if any(rank["state"] != "RANK_STATE_RUNNING" for rank in self.ranks(job)):
            return None
        now = self.pids(job)
        return now if now[victim] != old else None

    def wait_trained(self, job):
        """The processes' pids by role and rank, once they train together."""
        self.wait_state(job, "RUNNING")
        self.assert_trains_on(job)
        pids = self.pids(job)
        self.node_ids = {who: node_id(pid) for who, pid in pids.items()}
        self.assertEqual(len(set(self.node_ids.values())), 4)
        return pids

    def assert_trains_on(self, job):
        """Every worker takes further steps: none waits for a peer that is not there."""
        def steps():
            return [self.cluster.msctl("logs", "--rank", str(rank), job).stdout.count("step: 0")
                    for rank in range(3)]

        before = steps()
        c.wait_for(lambda: all(now > then for now, then in zip(steps(), before)), 30,
                   "all workers take another step")


def node_id(pid):
    """MS_NODE_ID of a process."""
    with open(f"/proc/{pid}/environ", "rb") as environ:
        variables = dict(entry.split(b"=", 1) for entry in environ.read().split(b"\0") if entry)
    return variables[b"MS_NODE_ID"].decode()


if __name__ == "__main__":
    suite.main()
