"""A one-host cluster of real binaries in a directory of its own, for e2e, fault and bench.

Everything that it starts is ended by process id, also when the test dies of an exception or SIGTERM.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time


class Binaries:
    """Where the programs are: a `bazel-bin`, or any folder of the same shape."""

    def __init__(self, bin_dir=None):
        end_on_sigterm()
        root = bin_dir or os.environ.get("MUSTER_BIN_DIR") or _find_bin_dir()
        self.root = os.path.abspath(root)
        self.msagentd = self._path("agent/msagentd")
        self.msshim = self._path("agent/shim/msshim")
        self.msctl = self._path("ctl/msctl")

    def _path(self, name):
        path = os.path.join(self.root, name)
        if not os.path.exists(path):
            sys.exit(f"{path}: not built; bazel build //agent:msagentd //agent/shim:msshim //ctl:msctl")
        return path

    def program(self, name):
        """Path of one of tests/programs, or of another target below the root."""
        return self._path(name)


def end_on_sigterm():
    """Bazel ends a test that is late by SIGTERM: what it has started is cleaned up then, too."""
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def _find_bin_dir():
    runfiles = os.environ.get("TEST_SRCDIR")
    if runfiles:
        return os.path.join(runfiles, "muster")
    here = os.path.dirname(os.path.realpath(__file__))
    return os.path.join(here, "..", "..", "bazel-bin")


class Cluster:
    """One msagentd with the scheduler role. A context manager.

    Args:
      devices: value of --agent_devices.
      flags: further flags of msagentd.
      state_dir: kept where it is when given; otherwise made, and removed at the end.
      own_session: the agent has one, as a service has.
    """

    def __init__(self, binaries=None, devices="none", flags=(), state_dir=None, env=None,
                 own_session=False):
        self.bin = binaries or Binaries()
        self.dir = tempfile.mkdtemp(prefix="mst-", dir="/tmp")  # Short: socket paths are ≤ 107 bytes.
        self.state_dir = state_dir or os.path.join(self.dir, "state")
        self.socket = os.path.join(self.dir, "agent.sock")
        self.address = "unix:" + self.socket
        self.log_path = os.path.join(self.dir, "msagentd.log")
        self.env = dict(os.environ, XDG_STATE_HOME=os.path.join(self.dir, "xdg"), **(env or {}))
        self.env.pop("MSCTL_ADDRESS", None)
        self._devices = devices
        self._flags = list(flags)
        self._own_session = own_session
        self._agent = None

    def __enter__(self):
        try:
            self.start_agent()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def agent_pid(self):
        return self._agent.pid

    def start_agent(self, wait=True):
        """Starts msagentd; `wait`: until it answers."""
        self._agent = subprocess.Popen(
            [self.bin.msagentd, f"--state_dir={self.state_dir}", f"--listen={self.address}",
             f"--shim_path={self.bin.msshim}", f"--agent_devices={self._devices}", *self._flags],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(self.log_path, "ab"), env=self.env, cwd=self.dir,
            start_new_session=self._own_session)
        if wait:
            self.wait_ready()

    def wait_ready(self, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._agent.poll() is not None:
                raise RuntimeError(f"msagentd ended with {self._agent.returncode}:\n{self.log()}")
            if self.msctl("get", "nodes", "-o", "json", check=False).returncode == 0 and self._ready():
                return
            time.sleep(0.02)
        raise RuntimeError(f"msagentd does not answer:\n{self.log()}")

    def _ready(self):
        nodes = json.loads(self.msctl("get", "nodes", "-o", "json").stdout).get("nodes", [])
        return any(node.get("state") == "NODE_STATE_READY" for node in nodes)

    def node_name(self):
        return json.loads(self.msctl("get", "nodes", "-o", "json").stdout)["nodes"][0]["info"]["name"]

    def kill_agent(self, sig=signal.SIGKILL):
        """Ends msagentd and reaps it; its ranks go on."""
        self._agent.send_signal(sig)
        return self._agent.wait(timeout=20)

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def popen_msctl(self, *args, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("env", self.env)
        return subprocess.Popen([self.bin.msctl, f"--address={self.address}", *args], **options)

    def msctl(self, *args, check=True, timeout=60, **options):
        """Runs msctl to its end; stdout and stderr are text."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("env", self.env)
        options.setdefault("text", True)
        done = subprocess.run([self.bin.msctl, f"--address={self.address}", *args],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=timeout, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"msctl {' '.join(args)}: exit {done.returncode}\n"
                               f"{done.stdout}{done.stderr}\n{self.log()[-4000:]}")
        return done

    def job(self, job_id):
        """The job as a dictionary, from `msctl get jobs ID -o json`."""
        parsed = json.loads(self.msctl("get", "jobs", job_id, "-o", "json").stdout)
        return parsed["jobs"][0] if "jobs" in parsed else parsed.get("job", parsed)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def close(self):
        """Ends the agent, then every shim and rank whose gang lies in the state directory."""
        if self._agent and self._agent.poll() is None:
            self._agent.kill()
            self._agent.wait()
        for pid in pids_with_text(self.state_dir):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(self.dir, ignore_errors=True)


def pids_with_text(text):
    """Processes (not this one) whose command line or environment contains `text`."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        for file in ("cmdline", "environ"):
            try:
                with open(f"/proc/{name}/{file}", "rb") as proc:
                    if text.encode() in proc.read():
                        found.append(int(name))
                        break
            except OSError:
                break
    return found


def wait_for(condition, seconds, what):
    """Returns the first true value of `condition()`; an error that names `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)
