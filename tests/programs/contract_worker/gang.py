"""Several contract workers as one job on loopback, for the tests."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
GOLDEN = os.path.join(HERE, "../../golden")
SECONDS = 60  # Until a gang that does not end is a failure.


def free_ports(count):
    """Ports that nobody has on any address of loopback just now."""
    sockets = [socket.socket() for _ in range(count)]
    for sock in sockets:
        sock.bind(("0.0.0.0", 0))
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


class Gang:
    """Processes by name. Use as a context: what is left of them is killed at its end."""

    def __init__(self, script):
        self._script = os.path.join(HERE, script)
        self._processes = {}
        self.folder = tempfile.mkdtemp(prefix="contract-worker-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
        shutil.rmtree(self.folder)

    def start(self, name, env, *args):
        """A second one of the same name takes its place and its log."""
        with open(self._log(name), "ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, self._script, *args], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={"PATH": os.environ["PATH"], **env}, cwd=self.folder)

    def process(self, name):
        return self._processes[name]

    def output(self, name):
        with open(self._log(name), encoding="utf-8") as log:
            return log.read()

    def await_line(self, name, text):
        deadline = time.monotonic() + SECONDS
        while text not in self.output(name):
            if time.monotonic() > deadline or self._processes[name].poll() is not None:
                raise AssertionError(f"{name} does not say '{text}':\n{self.output(name)}")
            time.sleep(0.02)

    def wait(self, names=None):
        """{name: exit code}; AssertionError when one does not end."""
        codes = {}
        for name in names or self._processes:
            try:
                codes[name] = self._processes[name].wait(SECONDS)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{name} does not end:\n{self.output(name)}") from None
        return codes

    def wait_for_failure(self):
        """The output of the first process that fails; all others are left to be killed."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for name, process in self._processes.items():
                if process.poll() not in (None, 0):
                    return self.output(name)
            if all(process.poll() == 0 for process in self._processes.values()):
                return ""
            time.sleep(0.01)
        raise AssertionError("nobody fails")

    def _log(self, name):
        return os.path.join(self.folder, f"{name.replace(' ', '-')}.log")


def read_golden(name):
    """{"trainer 0": {variable: value}}: the environments in a file of tests/golden/."""
    shared, sections, current = {}, {}, None
    with open(os.path.join(GOLDEN, name), encoding="utf-8") as file:
        for line in file:
            line = line.partition("# ")[0].strip()
            if line.startswith("["):
                title = line.strip("[]")
                if title.startswith("every "):
                    current = shared.setdefault(title[len("every "):], {})
                else:
                    current = sections[title] = {**shared.get("rank", {}),
                                                 **shared.get(title.split()[0], {})}
            elif line:
                key, _, value = line.partition("=")
                current[key] = value
    for lines in sections.values():
        for key in ("argv", "out", "err"):
            lines.pop(key, None)
    return sections


def at_home(sections, folder):
    """The environments of a golden file with ports that are free and directories that are there."""
    text = "\n".join(value for env in sections.values() for value in env.values())
    old = sorted(set(re.findall(r"\b2\d{4}\b", text)))
    new = dict(zip(old, map(str, free_ports(len(old)))))
    os.makedirs(os.path.join(folder, "log"), exist_ok=True)
    os.makedirs(os.path.join(folder, "gang"), exist_ok=True)

    def local(value):
        value = re.sub(r"\b2\d{4}\b", lambda match: new[match.group()], value)
        return value.replace("/gang", f"{folder}/gang").replace("/work/log", f"{folder}/log")

    homes = {}
    for title, env in sections.items():
        homes[title] = {name: local(value) for name, value in env.items()}
        if "POD_NAME" in env:
            homes[title]["POD_NAME"] = _pod_name(env)
    return homes


def _pod_name(env):
    """One for each host, which is known by the address of the own endpoint."""
    own = [env[name] for name in ("PADDLE_CURRENT_ENDPOINT", "PADDLE_WORKER_ENDPOINT", "POD_IP")
           if name in env]
    return "second" if own[0].startswith("127.0.0.2") else "firsts"
