#!/usr/bin/python3
"""The drop-in torchrun with the real torch, and as a job of agents."""

import json
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import cluster
import drop_in
import suite
from torchrun_case import C10D, TorchrunCase, free_port


class RealTest(TorchrunCase):
    """With torch itself, where it is installed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if subprocess.run(["/usr/bin/python3", "-c", "import torch, sklearn"], check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            raise unittest.SkipTest("no torch")
        cls.env = {"PYTHON_EXEC": "/usr/bin/python3"}
        cls.digits = os.path.join(HERE, "..", "..", "deploy", "examples", "digits_ddp.py")

    def accuracy(self, out):
        return float(re.search(r"held-out accuracy (\S+)", out).group(1))

    def test_a_training_reaches_its_accuracy(self):
        done = self.torchrun("--standalone", "--nproc_per_node=4", self.digits, env=self.env,
                             timeout=85)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(self.accuracy(done.stdout), 0.9)

    def test_a_training_on_two_nodes(self):
        port = free_port()
        for flags in (("--node_rank={}", f"--master_port={port}"),
                      (*C10D, f"--rdzv_endpoint=localhost:{port}")):
            with self.subTest(flags=flags):
                self.bench.fresh()
                runs = [self.start("--nnodes=2", "--nproc=1", *[f.format(i) for f in flags],
                                   self.digits, env=self.env) for i in range(2)]
                ends = [self.end(run, 60) for run in runs]
                self.assertEqual([end[0] for end in ends], [0, 0], ends)
                self.assertGreaterEqual(self.accuracy(ends[0][1] + ends[1][1]), 0.9)

    SCRIPT = """
import json, os, sys
import torch.distributed as dist
from torch.distributed.elastic.multiprocessing.errors import record
@record
def main():
    dist.init_process_group("gloo")
    dist.barrier()
    print(json.dumps(dict(os.environ)), flush=True)
    if sys.argv[1:] == ["fail"] and os.environ["RANK"] == "1":
        raise RuntimeError("boom")
    dist.barrier()
main()
"""

    def test_an_exception_of_a_rank_is_in_the_table_and_not_its_fallout(self):
        script = self.bench.write("t.py", self.SCRIPT)
        parents = os.path.join(self.bench.cwd, "parents.json")
        done = self.torchrun("--nproc=3", "--log_dir=l", script, "fail",
                             env={**self.env, "TORCHELASTIC_ERROR_FILE": parents})
        self.assertEqual(done.returncode, 1)
        root = done.stderr[done.stderr.index("Root Cause"):]
        self.assertIn("rank      : 1 (local_rank: 1)", root)
        self.assertIn("RuntimeError: boom", root)
        self.assertRegex(root, r"error_file: /\S+/l/none_\w+/attempt_0/1/error.json")
        self.assertIn("traceback : Traceback (most recent call last):", root)
        message = json.loads(self.bench.read("parents.json"))["message"]
        self.assertEqual((message["message"], message["errorCode"]), ("RuntimeError: boom", 1))

    def test_the_environment_is_the_real_torchruns(self):
        """Debian's own works with -r 1 -t 1."""
        script = self.bench.write("t.py", self.SCRIPT)
        flags = ["--nproc_per_node=2", "--max_restarts=3", "--role=trainer", "--rdzv_id=x", "-r", "1",
                 "-t", "1", "--log_dir=l", f"--master_port={free_port()}", script]
        found = {}
        for name, program in (("real", "/usr/bin/torchrun"), ("ours", "torchrun")):
            done = self.bench.run([program, *flags], env=self.env, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            lines = dict(re.findall(r"^\[trainer(\d)\]:(\{.*\})$", done.stdout, re.M))
            found[name] = {rank: json.loads(text) for rank, text in lines.items()}
            self.assertEqual(sorted(found[name]), ["0", "1"], done.stdout)
        for rank, real in found["real"].items():
            ours = found["ours"][rank]
            self.assertEqual(set(ours) - set(drop_in.NOISE), set(real) - set(drop_in.NOISE))
            # The real one holds the store itself; each has its own directory.
            for name in set(real) - {"TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_ERROR_FILE",
                                     *drop_in.NOISE}:
                self.assertEqual(ours[name], real[name], name)
            pattern = r"l/x_\w+/attempt_0/%s/error.json$" % rank
            for env in (real, ours):
                self.assertRegex(env["TORCHELASTIC_ERROR_FILE"], pattern)


class JobTest(TorchrunCase):
    """The same words behind `msctl run --`."""

    def test_a_job_on_the_agents(self):
        with cluster.Cluster() as agents:
            env = {"MSCTL_ADDRESS": agents.address, "XDG_STATE_HOME": agents.dir}
            for words in (["torchrun"], ["python", "-m", "torch.distributed.run"]):
                with self.subTest(words=words):
                    self.bench.fresh()
                    done = self.bench.run(
                        ["msctl", "run", "-q", "-e", "PROBE_DIR", "-e", "PROBE_ACT", "--", *words,
                         "--nproc_per_node=3", "-r", "1:3", "t.py", "x"],
                        env={**env, "PROBE_ACT": "RANK=0:print zero;RANK=1:print one;print two"})
                    self.assertEqual(done.returncode, 0, done.stderr)
                    envs = self.ranks(3)
                    self.assertEqual(envs[2]["WORLD_SIZE"], "3")
                    self.assertIn("zero", done.stdout)
                    self.assertNotIn("one", done.stdout)
                    self.assertIn("two", done.stdout)
                    self.assertEqual(self.bench.records()[0]["argv"][-3:], ["-u", "t.py", "x"])

    def test_a_job_without_agents(self):
        done = self.bench.run(["msctl", "run", "--local", "-q", f"--shim-path={self.bench.bin.msshim}",
                               "--", "torchrun", "--nproc_per_node=2", "t.py"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.ranks(2)

    def test_the_job_file(self):
        done = self.bench.run(["msctl", "run", "--print-yaml", "--name=exp", "--", "torchrun",
                               "--nnodes=1:2", "--nproc_per_node=4", "--max_restarts=2", "t.py"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.bench.records(), [])
        path = self.bench.write("job.yaml", done.stdout)
        again = self.bench.run(["msctl", "validate", path])
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        for line in ("name: exp", "contract: torch", "ranks_per_node: 4", "  max_restarts: 2"):
            self.assertIn(line + "\n", done.stdout)

    def test_the_command_itself(self):
        self.bench.write("torchrun", "#!/bin/sh\necho itself\n", 0o755)
        done = self.bench.run(["msctl", "run", "--local", "-q", "--as-is",
                               f"--shim-path={self.bench.bin.msshim}", "--", "./torchrun"])
        self.assertEqual((done.returncode, done.stdout), (0, "itself\n"), done.stderr)


if __name__ == "__main__":
    suite.main()
