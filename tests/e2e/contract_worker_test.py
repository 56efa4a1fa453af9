#!/usr/bin/python3
"""Contracts whose frameworks cannot be installed here, run by an agent for the contract worker,
which stands for them: it checks every variable, and meets its peers at the given endpoints."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

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


if __name__ == "__main__":
    suite.main()
