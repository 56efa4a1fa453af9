"""What most e2e cases need: one cluster for the class, and jobs of the test programs."""

import json
import os
import time
import unittest

import cluster as c


class JobCase(unittest.TestCase):
    """A test class with a cluster of its own; DEVICES and FLAGS are msagentd's."""

    DEVICES = "none"
    FLAGS = ()

    @classmethod
    def setUpClass(cls):
        cls.cluster = c.Cluster(devices=cls.DEVICES, flags=cls.FLAGS)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.start_agent()

    def program(self, name):
        return self.cluster.bin.program(f"tests/programs/{name}")

    def spec(self, program, *args, ranks=1, more=""):
        """A job file that runs one of tests/programs; `more` holds further lines."""
        words = [self.program(program), *args]
        return (f"name: {program.replace('_', '-')}\nranks_per_node: {ranks}\n"
                f"command: {json.dumps(words)}\n{more}")

    def submit(self, text, *flags, check=True):
        path = self.cluster.write("job.yaml", text)
        return self.cluster.msctl("submit", *flags, path, check=check, cwd=self.cluster.dir)

    def submit_detached(self, text):
        """Returns the job's id."""
        return self.submit(text, "--detach", "--quiet").stdout.strip()

    def wait(self, job, check=False, timeout=60):
        return self.cluster.msctl("wait", job, check=check, timeout=timeout).returncode

    def state(self, job):
        return self.cluster.job(job)["status"]["state"]

    def wait_state(self, job, state, seconds=30):
        c.wait_for(lambda: self.state(job) == f"JOB_STATE_{state}", seconds, f"{job} {state}")

    def last_job(self):
        jobs = json.loads(self.cluster.msctl("get", "jobs", "-o", "json").stdout)["jobs"]
        return jobs[0]["id"]

    def ranks(self, job, attempt=-1):
        return self.cluster.job(job)["status"]["attempts"][attempt]["ranks"]

    def path(self, name):
        """A path in the cluster's directory, unique to this case."""
        return os.path.join(self.cluster.dir, f"{self._testMethodName}-{name}")

    def directory(self, name):
        os.makedirs(self.path(name))
        return self.path(name)

    def wait_file(self, path, lines=1, seconds=20):
        """Waits until a witness has so many lines; returns them."""

        def read():
            if not os.path.exists(path):
                return None
            with open(path) as file:
                found = file.read().splitlines()
            return found if len(found) >= lines else None

        return c.wait_for(read, seconds, f"{lines} lines in {path}")

    def assert_gone(self, pids, seconds=10):
        """Checks that processes end; a zombie that its parent has not reaped counts as ended."""
        left = [int(pid) for pid in pids]
        deadline = time.monotonic() + seconds
        while left and time.monotonic() < deadline:
            left = [pid for pid in left if alive(pid)]
            time.sleep(0.02)
        self.assertEqual(left, [], "processes are left")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
