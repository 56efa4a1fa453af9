"""Several hosts on one machine: real agents in network namespaces, with mutual TLS between them.

Each host has its own address, state directory, cgroup subtree and agent; the first one's agent
holds the scheduler role. All that is started is ended by process id, also when a test dies.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import cluster as c
import host

PORT = 7070
# Version 2, beside version 1 or alone.
CGROUPS = next((path for path in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")
                if os.path.exists(os.path.join(path, "cgroup.controllers"))), "/sys/fs/cgroup")


def _openssl(directory, *args):
    subprocess.run(["openssl", *args], cwd=directory, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_certificates(directory, addresses):
    """An authority, and one certificate for all `addresses`: ca.pem, node.pem, node.key."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl(directory, "req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days",
             "2", "-subj", "/CN=ca")
    _openssl(directory, "req", *curve, "-keyout", "node.key", "-out", "node.csr", "-subj",
             "/CN=node")
    names = ",".join(["DNS:localhost", *(f"IP:{address}" for address in addresses)])
    with open(os.path.join(directory, "node.ext"), "w") as file:
        file.write(f"subjectAltName={names}\n")
    _openssl(directory, "x509", "-req", "-in", "node.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
             "-CAcreateserial", "-out", "node.pem", "-days", "2", "-extfile", "node.ext")


class HostCluster:
    """`count` hosts, node-1 to node-COUNT. A context manager.

    Args:
      flags: of every msagentd.
      node_flags: by index, of one.
      devices: value of --agent_devices on every host.
    """

    def __init__(self, count, flags=(), node_flags=None, devices="none"):
        self.bin = c.Binaries()
        self.dir = tempfile.mkdtemp(prefix="msh-", dir="/tmp")  # Short: socket paths are bounded.
        self.count = count
        self.hosts = host.Hosts(count)
        self.scheduler = f"{self.hosts.addresses[0]}:{PORT}"
        self._flags = list(flags)
        self._node_flags = node_flags or {}
        self._devices = devices
        self._agents = [None] * count
        self._cgroups = [os.path.join(CGROUPS, f"msh-{os.getpid()}-{i + 1}") for i in range(count)]
        self.env = dict(os.environ, XDG_STATE_HOME=os.path.join(self.dir, "xdg"))
        self.env.pop("MSCTL_ADDRESS", None)

    def __enter__(self):
        try:
            self.hosts.__enter__()
            self._prepare()
            for i in range(self.count):
                os.makedirs(self.host_dir(i))
                self.start_agent(i)
            self.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _prepare(self):
        """What must be there before the first agent, on a network that is."""
        make_certificates(self.dir, self.hosts.addresses)

    # --- Agents.

    def host_dir(self, index):
        return os.path.join(self.dir, f"h{index + 1}")

    def tls(self):
        return [f"--tls_cert={self.dir}/node.pem", f"--tls_key={self.dir}/node.key",
                f"--tls_ca={self.dir}/ca.pem"]

    def _role(self, index):
        """(address that the agent listens on, flags that say who schedules). The first one listens on
        its own address, the others on all of theirs."""
        if index == 0:
            return self.hosts.addresses[0], ["--scheduler=self"]
        return "0.0.0.0", [f"--scheduler={self.scheduler}"]

    def start_agent(self, index):
        own, role = self._role(index)
        words = [self.bin.msagentd, f"--state_dir={self.host_dir(index)}/state",
                 f"--listen=unix:{self.host_dir(index)}/agent.sock,{own}:{PORT}",
                 *role,
                 f"--agent_name=node-{index + 1}", f"--shim_path={self.bin.msshim}",
                 f"--agent_devices={self._devices}", f"--cgroup_root={self._cgroups[index]}",
                 *self.tls(), *self._flags, *self._node_flags.get(index, [])]
        with open(self.log_path(index), "ab") as log:
            self._agents[index] = subprocess.Popen(
                self.hosts.enter(index, words), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log, env=self.env, cwd=self.dir)

    def agent_pid(self, index):
        return self._agents[index].pid

    def kill_agent(self, index, sig=signal.SIGKILL):
        """Ends the agent and reaps it; its ranks go on."""
        self._agents[index].send_signal(sig)
        return self._agents[index].wait(timeout=20)

    def kill_host(self, index):
        """Power off: every process of the host is gone at once, and so is the host."""
        self.hosts.cut(index)
        self._agents[index].kill()
        # Not by cgroup.kill: Linux then kills, for ever, whatever is cloned into these cgroups.
        self.freeze(index, True)
        for path, _, _ in os.walk(self._cgroups[index]):
            for pid in self._members(path):
                self._kill(pid)
        self.freeze(index, False)
        self._agents[index].wait()

    def freeze(self, index, frozen):
        """Shims and ranks of the host stand still, or go on. Not its agent."""
        with open(os.path.join(self._cgroups[index], "cgroup.freeze"), "w") as freeze:
            freeze.write("1" if frozen else "0")

    @staticmethod
    def _members(cgroup):
        try:
            with open(os.path.join(cgroup, "cgroup.procs")) as procs:
                return [int(pid) for pid in procs.read().split()]
        except OSError:
            return []  # It has just been removed.

    def log_path(self, index):
        return os.path.join(self.dir, f"node-{index + 1}.log")

    def log(self, index):
        with open(self.log_path(index), errors="replace") as log:
            return log.read()

    # --- The client, on this machine's side of host `on`.

    def front(self):
        """The host whose agent is asked by default."""
        return 0

    def msctl(self, *args, on=None, address=None, check=True, timeout=90, **options):
        on = self.front() if on is None else on
        options.setdefault("stdin", subprocess.DEVNULL)
        words = [self.bin.msctl, f"--address={address or self.hosts.addresses[on] + f':{PORT}'}",
                 *self.tls(), *args]
        done = subprocess.run(self.hosts.enter(on, words), text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout, env=self.env, cwd=self.dir,
                              **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"msctl {' '.join(args)}: exit {done.returncode}\n{done.stdout}"
                               f"{done.stderr}\n{self.log(on)[-4000:]}")
        return done

    def nodes(self):
        """By name, as dictionaries."""
        nodes = json.loads(self.msctl("get", "nodes", "-o", "json").stdout).get("nodes", [])
        return {node["info"]["name"]: node for node in nodes}

    def node_state(self, index):
        return self.nodes()[f"node-{index + 1}"]["state"].replace("NODE_STATE_", "")

    def wait_ready(self, seconds=30):
        def ready():
            for i, agent in enumerate(self._agents):
                if agent.poll() is not None:
                    raise RuntimeError(f"msagentd of node-{i + 1} has ended:\n{self.log(i)}")
            done = self.msctl("get", "nodes", "-o", "json", check=False)
            if done.returncode != 0:
                return False
            nodes = json.loads(done.stdout).get("nodes", [])
            return sum(node["state"] == "NODE_STATE_READY" for node in nodes) == self.count

        c.wait_for(ready, seconds, f"{self.count} nodes READY")

    def job(self, job_id):
        parsed = json.loads(self.msctl("get", "jobs", job_id, "-o", "json").stdout)
        return parsed["jobs"][0] if "jobs" in parsed else parsed

    def state(self, job_id):
        return self.job(job_id)["status"]["state"].replace("JOB_STATE_", "")

    def attempts(self, job_id):
        return self.job(job_id)["status"].get("attempts", [])

    def wait_state(self, job_id, state, seconds=60):
        c.wait_for(lambda: self.state(job_id) == state, seconds, f"{job_id} {state}")

    def wait_attempt(self, job_id, number, seconds=60):
        """Until every rank of attempt `number` runs. Returns the attempt."""

        def running():
            attempts = self.attempts(job_id)
            last = attempts[-1] if attempts else {}
            runs = all(rank.get("state") == "RANK_STATE_RUNNING" for rank in last.get("ranks", []))
            return last if last and last.get("number", 0) == number and runs else None

        return c.wait_for(running, seconds, f"{job_id}: attempt {number} runs")

    def submit(self, text):
        """Returns the job's id."""
        path = os.path.join(self.dir, "job.yaml")
        with open(path, "w") as file:
            file.write(text)
        return self.msctl("submit", "--detach", "--quiet", path).stdout.strip()

    def wait_job(self, job_id, seconds=120):
        """Returns the job's exit code."""
        return self.msctl("wait", job_id, check=False, timeout=seconds).returncode

    def index_of(self, node_name):
        return int(node_name.rpartition("-")[2]) - 1

    # --- The end.

    @staticmethod
    def _kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def close(self):
        for agent in self._agents:
            if agent and agent.poll() is None:
                agent.kill()
                agent.wait()
        for pid in c.pids_with_text(self.dir):
            self._kill(pid)
        self.hosts.close()
        for root in self._cgroups:
            self._remove_cgroup(root)
        if os.environ.get("MUSTER_KEEP_DIR"):
            print("kept", self.dir)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    @staticmethod
    def _remove_cgroup(root):
        deadline = time.monotonic() + 2
        for path, _, _ in os.walk(root, topdown=False):
            while os.path.isdir(path):
                try:
                    os.rmdir(path)
                except OSError:
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.01)
