#!/usr/bin/python3
"""Two jobs share a host's eight devices: each rank finds its own by its index."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import suite
from job_case import JobCase

VISIBLE = "XPU_VISIBLE_DEVICES"


class PlacementTest(JobCase):
    DEVICES = "xpu:8"

    def reports(self, directory, ranks):
        found = []
        for rank in range(ranks):
            with open(os.path.join(directory, f"{rank}.json")) as file:
                found.append(json.load(file))
        return found

    def two_jobs(self, contract):
        """Runs two jobs of 4 ranks side by side; returns what their ranks report."""
        gate = self.path("gate")
        jobs, directories = [], []
        for name in ("a", "b"):
            directory = self.directory(name)
            script = (f"{self.program('report_env')} {directory} && "
                      f"exec {self.program('slow_start')} --until {gate}")
            jobs.append(self.submit_detached(
                f"name: {name}\ncontract: {contract}\nranks_per_node: 4\n"
                f"devices_per_rank: {{kind: xpu, count: 1}}\n"
                f"command: [/bin/sh, -c, {json.dumps(script)}]\n"))
            directories.append(directory)
        for job in jobs:
            self.wait_state(job, "RUNNING")
        open(gate, "w").close()
        for job in jobs:
            self.assertEqual(self.wait(job), 0)
        return [self.reports(directory, 4) for directory in directories]

    def check_shared(self, both):
        lists = []
        for reports in both:
            visible = {report["env"][VISIBLE] for report in reports}
            self.assertEqual(len(visible), 1, "all ranks of a gang see the same list")
            lists.append(visible.pop().split(","))
            self.assertEqual(len(set(lists[-1])), 4)
            own = [lists[-1][int(report["env"]["MUSTER_LOCAL_RANK"])] for report in reports]
            self.assertEqual(len(set(own)), 4, "each rank has a device of its own")
        self.assertEqual(sorted(lists[0] + lists[1]), [str(n) for n in range(8)])

    def test_plain_ranks_find_their_own_device_by_their_index(self):
        self.check_shared(self.two_jobs("plain"))

    def test_torch_ranks_find_their_own_device_by_local_rank(self):
        both = self.two_jobs("torch")
        self.check_shared(both)
        for reports in both:
            self.assertEqual([report["env"]["LOCAL_RANK"] for report in reports], list("0123"))

    def test_a_plain_rank_may_see_its_own_device_only(self):
        directory = self.directory("own")
        job = self.submit_detached(
            f"ranks_per_node: 4\ndevices_per_rank: {{kind: xpu, count: 2, visible: rank}}\n"
            f"command: [{self.program('report_env')}, {directory}]\n")
        self.assertEqual(self.wait(job), 0)
        seen = [report["env"][VISIBLE].split(",") for report in self.reports(directory, 4)]
        self.assertEqual(sorted(sum(seen, [])), [str(n) for n in range(8)])

    def test_devices_come_back_when_a_job_ends(self):
        for _ in range(3):
            done = self.submit("ranks_per_node: 8\ndevices_per_rank: {kind: xpu, count: 1}\n"
                               "command: [/bin/true]\n", "--follow")
            self.assertEqual(done.returncode, 0)

    def test_a_rank_is_started_as_its_spec_says(self):
        directory, workdir = self.directory("report"), self.directory("workdir")
        job = self.submit_detached(
            f"workdir: {workdir}\numask: '027'\nenv: {{COLOUR: blue}}\n"
            f"limits: {{open_files: 512}}\nbind: core\n"
            f"command: [{self.program('report_env')}, {directory}, 'two words']\n")
        self.assertEqual(self.wait(job), 0, self.cluster.msctl("describe", job).stdout)
        report = self.reports(directory, 1)[0]
        self.assertEqual(report["cwd"], workdir)
        self.assertEqual(report["umask"], 0o027)
        self.assertEqual(report["env"]["COLOUR"], "blue")
        self.assertEqual(report["env"]["MUSTER_JOB_ID"], job)
        self.assertEqual(report["limits"]["nofile"], 512)
        self.assertEqual(report["argv"][2], "two words")
        self.assertEqual(report["sid"], report["pid"], "a session of its own")
        self.assertEqual(sorted(report["fds"]), ["0", "1", "2"], "nothing of ours is left open")
        self.assertTrue(report["cpus"])


if __name__ == "__main__":
    suite.main()
