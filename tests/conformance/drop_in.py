"""A drop-in launcher under test: links, a `python` that reports, and what its processes reported."""

import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import cluster

LAUNCHERS = ("msrun", "paddle-launch", "torchrun")
# What a process has on top of what its launcher gave it: bash and Bazel leave these.
NOISE = ("_", "SHLVL", "PWD", "OLDPWD")


def _removed(path):
    shutil.rmtree(path, ignore_errors=True)
    return not os.path.exists(path)


class Bench:
    """A directory with `bin/` (launchers as links to msctl, interpreters as links to the probe).

    A context manager; at its end all processes that reported are gone, by process id.
    """

    def __init__(self, interpreters=("python", "python3", "pytest")):
        self.bin = cluster.Binaries()
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="mst-", dir="/tmp"))
        self.reports = self.path("reports")
        self.cwd = self.path("work")
        for name in (self.reports, self.cwd, self.path("bin"), self.path("home")):
            os.mkdir(name)
        for name in LAUNCHERS:
            os.symlink(self.bin.msctl, self.path("bin", name))
        os.symlink(self.bin.msctl, self.path("bin", "msctl"))
        for name in interpreters:
            os.symlink(self.bin.program("tests/programs/launch_probe"), self.path("bin", name))
        # As small as a login shell's, so that whole environments can be compared.
        self.env = {
            "PATH": self.path("bin") + ":/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": self.path("home"),
            "LANG": "C.UTF-8",
            "PROBE_DIR": self.reports,
            "MUSTER_DEVICES": "none",
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def fresh(self, scripts=()):
        """Forgets all reports, and empties the working directory but for `scripts`."""
        self.end_all()
        for name in (self.reports, self.cwd):
            # Who had not reported by then may write while it is removed.
            cluster.wait_for(lambda name=name: _removed(name), 20, f"{name} is removed")
            os.mkdir(name)
        for name in scripts:
            self.write(name, "")

    def for_strangers(self):
        """Replaces links to programs by copies, and opens the directory: other users may run it."""
        os.chmod(self.dir, 0o755)
        for name in os.listdir(self.path("bin")):
            path = self.path("bin", name)
            program = os.path.realpath(path)
            os.unlink(path)
            if name != "msctl" and program.endswith("/msctl"):
                os.symlink("msctl", path)
            else:
                shutil.copy(program, path)
                os.chmod(path, 0o755)
        for name in (self.cwd, self.reports):
            os.chmod(name, 0o777)

    def popen(self, words, env=None, **options):
        """Starts a launcher. `env`: added; None as a value takes one away."""
        whole = dict(self.env)
        for name, value in (env or {}).items():
            if value is None:
                whole.pop(name, None)
            else:
                whole[name] = value
        options.setdefault("cwd", self.cwd)
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("text", True)
        return subprocess.Popen(words, env=whole, **options)

    def run(self, words, env=None, timeout=60, **options):
        """Runs a launcher to its end; has stdout, stderr and returncode."""
        process = self.popen(words, env, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            out, err = process.communicate()
            raise AssertionError(f"{' '.join(words)} does not end:\n{out}\n{err}") from None
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def records(self, count=None, seconds=20):
        """What the processes reported, in the order of their starts; waits for `count` of them."""

        def read():
            found = []
            for path in glob.glob(os.path.join(self.reports, "*.json")):
                with open(path) as file:
                    record = json.load(file)
                record["grandchild"] = path.endswith(".grandchild.json")
                found.append(record)
            return found if count is None or len(found) >= count else None

        found = cluster.wait_for(read, seconds, f"{count} reports") if count else read()
        return sorted(found, key=lambda record: record["began_ns"])

    def alive(self):
        """Process ids of reporters that still run."""
        return [record["pid"] for record in self.records() if _runs(record["pid"], self.reports)]

    def wait_gone(self, seconds=10):
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                raise AssertionError(f"still running: {self.alive()}")
            time.sleep(0.01)

    def end_all(self):
        for pid in self.alive():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def read(self, name):
        with open(os.path.join(self.cwd, name), errors="replace") as file:
            return file.read()

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.cwd, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def close(self):
        self.end_all()
        shutil.rmtree(self.dir, ignore_errors=True)


def ignored_signals(record):
    """Signals that the process ignores, as a mask, but for those that only glibc uses."""
    return int(record["ignored"], 16) & ~(3 << 31)  # posix_spawn() leaves 32 and 33 so.


def ignored_here():
    """Signals that this test was started with as ignored, as a mask: its children's as well."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("SigIgn:"):
                mask = int(line.split()[1], 16)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python's own; subprocess resets them.
        mask &= ~(1 << (number - 1))
    return mask & ~(3 << 31)


def environment(record):
    """A process's environment without what shells leave in it."""
    return {name: value for name, value in record["env"].items() if name not in NOISE}


def _runs(pid, reports):
    """Whether `pid` is still the process that reported: its environment names our directory."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            if stat.read().rpartition(")")[2].split()[0] in "ZX":
                return False
        with open(f"/proc/{pid}/environ", "rb") as environ:
            return f"PROBE_DIR={reports}".encode() in environ.read().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
