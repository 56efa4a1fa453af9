"""Several agents that elect their scheduler through several members of etcd, on this one machine.

Everything listens on loopback or Unix sockets, on ports that the kernel gives, and is ended by
process id, also when the test dies of an exception.
"""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from cluster import Binaries, pids_with_text, wait_for

ETCD = "/usr/bin/etcd"
ETCDCTL = "/usr/bin/etcdctl"
LEADERS = "/muster/default/leader/"
COMMITS = "/muster/default/state/commit"
CGROUPS = next((path for path in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")
                if os.path.exists(os.path.join(path, "cgroup.controllers"))
                and os.access(path, os.W_OK)), None)  # Version 2, if we may.


def free_ports(count):
    """Ports that nobody listens on now; held together while they are chosen, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Etcd:
    """A cluster of etcd members. A context manager.

    Args:
      certs: directory of ca.pem, node.pem and node.key: clients must show a certificate.
      address: where the members listen.
      enter: makes of a command one that runs where that address is.
    """

    def __init__(self, members=3, base=None, certs=None, address="127.0.0.1", enter=list):
        self._certs = certs
        self._enter = enter
        self.dir = tempfile.mkdtemp(prefix="mse-", dir=base or _fast_dir())
        ports = free_ports(2 * members)
        self.clients = [f"{address}:{port}" for port in ports[:members]]
        self._peers = [f"http://{address}:{port}" for port in ports[members:]]
        self._processes = [None] * members

    def __enter__(self):
        try:
            for member in range(len(self.clients)):
                self.start(member)
            self.wait_healthy()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def endpoints(self):
        return ",".join(self.clients)

    def start(self, member):
        cluster = ",".join(f"m{i}={peer}" for i, peer in enumerate(self._peers))
        url = ("https://" if self._certs else "http://") + self.clients[member]
        security = self._files("--cert-file", "--key-file", "--trusted-ca-file")
        if security:
            security.append("--client-cert-auth")
        with open(self.log_path(member), "ab") as log:
            words = [ETCD, "--name", f"m{member}", "--data-dir",
                     os.path.join(self.dir, f"m{member}"),
                     "--listen-client-urls", url, "--advertise-client-urls", url,
                     "--listen-peer-urls", self._peers[member],
                     "--initial-advertise-peer-urls", self._peers[member],
                     "--initial-cluster", cluster, "--initial-cluster-token", self.dir, *security]
            self._processes[member] = subprocess.Popen(
                self._enter(words), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.dir)

    def _files(self, cert, key, authority):
        if not self._certs:
            return []
        return [f"{cert}={self._certs}/node.pem", f"{key}={self._certs}/node.key",
                f"{authority}={self._certs}/ca.pem"]

    def log_path(self, member):
        return os.path.join(self.dir, f"m{member}.log")

    def signal(self, member, sig):
        self._processes[member].send_signal(sig)

    def kill(self, member):
        process = self._processes[member]
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
        self._processes[member] = None

    def ctl(self, *args, check=True, timeout=10):
        words = [ETCDCTL, f"--endpoints={self.endpoints}",
                 *self._files("--cert", "--key", "--cacert"), *args]
        return subprocess.run(self._enter(words), env=dict(os.environ, ETCDCTL_API="3"),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=check, timeout=timeout)

    def wait_healthy(self, seconds=30):
        wait_for(lambda: self.ctl("put", "/health", "1", check=False).returncode == 0, seconds,
                 "etcd takes writes")

    def raft_leader(self):
        """Which member leads etcd itself; None: nobody does."""
        done = self.ctl("endpoint", "status", "-w", "json", check=False)  # Fails when one is down.
        for answer in json.loads(done.stdout or "[]"):
            status = answer["Status"]
            if status["header"]["member_id"] == status["leader"]:
                return self.clients.index(answer["Endpoint"])
        return None

    def wait_raft_leader(self, seconds=20):
        def leader():
            member = self.raft_leader()
            return None if member is None else (member,)

        return wait_for(leader, seconds, "etcd has a leader")[0]

    def candidates(self):
        """[(create revision, value)] of who stands for the scheduler role, the leader first."""
        done = self.ctl("get", "--prefix", LEADERS, "-w", "json", check=False)
        if done.returncode != 0:
            return []
        keys = json.loads(done.stdout).get("kvs", [])
        return sorted((kv["create_revision"], base64.b64decode(kv["value"])) for kv in keys)

    def leading_lease(self):
        """Of the candidate that leads, as etcdctl names leases; None: nobody does."""
        done = self.ctl("get", "--prefix", LEADERS, "--sort-by=CREATE", "--order=ASCEND",
                        "--limit=1", "-w", "json", check=False)
        keys = json.loads(done.stdout).get("kvs", []) if done.returncode == 0 else []
        return f"{keys[0]['lease']:x}" if keys else None

    def terms(self):
        """What etcd itself remembers of leaders, in the order of its revisions, since it was last
        compacted: [("put" or "delete", key of a candidate, revision, create revision)] and, of each
        write to the scheduler's state, ("commit", epoch that made it, revision, None)."""
        end = "/muster/default/leader0"  # Between the keys that are asked for.
        last = json.loads(self.ctl("put", end, "", "-w", "json").stdout)["header"]["revision"]
        words = [ETCDCTL, f"--endpoints={self.endpoints}", "watch", LEADERS, COMMITS + "0",
                 "--rev=1", "-w", "json", *self._files("--cert", "--key", "--cacert")]
        found = []
        with subprocess.Popen(self._enter(words), env=dict(os.environ, ETCDCTL_API="3"),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as watch:
            try:
                for line in watch.stdout:
                    for event in json.loads(line)["Events"]:
                        if event["kv"]["mod_revision"] == last:
                            return found
                        found.append(_term_event(event))
            finally:
                watch.kill()
        raise RuntimeError("etcd does not tell its history")

    def close(self):
        for member in range(len(self.clients)):
            self.kill(member)
        shutil.rmtree(self.dir, ignore_errors=True)


def _term_event(event):
    kv = event["kv"]
    key, revision = base64.b64decode(kv["key"]).decode(), kv["mod_revision"]
    if key == COMMITS:  # Its value is EPOCH.NUMBER of the transaction.
        epoch = base64.b64decode(kv["value"]).split(b".")[0]
        return "commit", int(epoch, 16), revision, None
    if event.get("type", 0):
        return "delete", key, revision, None
    return "put", key, revision, kv["create_revision"]


def _fast_dir():
    """etcd fsyncs each write: a slow disk is not what is tested."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"


class Agent:
    """One msagentd of the cluster."""

    def __init__(self, cluster, index, flags, client_flags):
        self.cluster, self.index, self._client_flags = cluster, index, client_flags
        self.name = f"node-{index}"
        self.state_dir = os.path.join(cluster.dir, f"state-{index}")
        self.address = "unix:" + os.path.join(cluster.dir, f"a{index}.sock")
        self.listen = self.address  # More of them, separated by commas, before start().
        self.log_path = os.path.join(cluster.dir, f"agent-{index}.log")
        self._flags = flags
        self.etcd = cluster.etcd.endpoints  # May be changed before start().
        # Its own, as on a host of its own: else the parts of one gang are one cgroup.
        self.cgroup = CGROUPS and os.path.join(
            CGROUPS, f"{os.path.basename(cluster.dir)}-{self.index}")
        self.process = None

    def start(self):
        first = 20000 + 1000 * self.index
        cgroup = [f"--cgroup_root={self.cgroup}"] if self.cgroup else []
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.cluster.bin.msagentd, f"--state_dir={self.state_dir}",
                 f"--listen={self.listen}", f"--shim_path={self.cluster.bin.msshim}",
                 f"--agent_name={self.name}", "--agent_devices=none",
                 "--agent_address=127.0.0.1", f"--etcd={self.etcd}",
                 f"--agent_first_port={first}", f"--agent_last_port={first + 999}", *cgroup,
                 *self._flags],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                env=self.cluster.env, cwd=self.cluster.dir)

    def kill(self, sig=signal.SIGKILL):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(sig)
            self.process.wait(timeout=20)

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def epochs(self):
        """Of the schedulers that this agent has obeyed, in order."""
        return [int(epoch) for epoch in re.findall(r"link UP epoch=(\d+)", self.log())]

    def msctl(self, *args, check=True, timeout=60):
        done = subprocess.run([self.cluster.bin.msctl, f"--address={self.address}",
                               *self._client_flags, *args],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=self.cluster.env,
                              timeout=timeout)
        if check and done.returncode != 0:
            raise RuntimeError(f"msctl {' '.join(args)}: exit {done.returncode}\n{done.stdout}"
                               f"{done.stderr}\n{self.log()[-4000:]}")
        return done


class ElectedCluster:
    """`agents` agents on an etcd cluster. A context manager.

    Args:
      flags: further flags of msagentd.
      tls: flags of TLS for agents and msctl; empty: plain, on loopback.
    """

    def __init__(self, etcd, agents=3, flags=(), binaries=None, tls=()):
        self.etcd = etcd
        self.bin = binaries or Binaries()
        self.dir = tempfile.mkdtemp(prefix="mst-", dir="/tmp")
        self.env = dict(os.environ, XDG_STATE_HOME=os.path.join(self.dir, "xdg"))
        self.env.pop("MSCTL_ADDRESS", None)
        self.agents = [Agent(self, i, [*flags, *(tls or ["--insecure"])], list(tls)) for i in range(agents)]

    def __enter__(self):
        try:
            for agent in self.agents:
                agent.start()
            self.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def wait_ready(self, seconds=40):
        """Until a scheduler leads and every agent is READY with it."""
        wait_for(self._all_ready, seconds, "all agents are READY")

    def _all_ready(self):
        for agent in self.agents:
            if agent.process.poll() is not None:
                raise RuntimeError(f"{agent.name} ended: {agent.process.returncode}\n{agent.log()}")
        done = self.agents[0].msctl("get", "nodes", "-o", "json", check=False)
        if done.returncode != 0:
            return False
        nodes = json.loads(done.stdout).get("nodes", [])
        ready = [node for node in nodes if node.get("state") == "NODE_STATE_READY"]
        return len(ready) == len(self.agents)

    def leader(self):
        """The agent that has the scheduler role, as etcd says; None: nobody."""
        for _, value in self.etcd.candidates()[:1]:
            for agent in self.agents:
                if agent.name.encode() in value:
                    return agent
        return None

    def jobs(self):
        """All jobs by id, as a living scheduler says."""
        jobs = {}
        for agent in self.agents:
            done = agent.msctl("get", "jobs", "--limit", "1000000", "-o", "json", check=False)
            if done.returncode == 0:
                for job in json.loads(done.stdout).get("jobs", []):
                    jobs[job["id"]] = job
                return jobs
        raise RuntimeError(f"no scheduler answers: {done.stderr}")

    def close(self):
        for agent in self.agents:
            agent.kill()
        for pid in pids_with_text(self.dir):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        poll(lambda: all(_removed(agent.cgroup) for agent in self.agents), 5)
        shutil.rmtree(self.dir, ignore_errors=True)


def _removed(cgroup):
    """Ends what lives in a subtree of cgroups; whether all of it could be removed."""
    for path, _, _ in os.walk(cgroup or "", topdown=False):
        try:
            with open(os.path.join(path, "cgroup.procs")) as procs:
                for pid in procs.read().split():
                    os.kill(int(pid), signal.SIGKILL)
            os.rmdir(path)
        except OSError:
            return False
    return True


def poll(condition, seconds, step=0.02):
    """(value, seconds it took), or (None, seconds)."""
    begin = time.monotonic()
    while True:
        value = condition()
        took = time.monotonic() - begin
        if value or took > seconds:
            return value, took
        time.sleep(step)
