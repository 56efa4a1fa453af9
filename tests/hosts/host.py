"""Hosts for tests of several launchers: network namespaces on one bridge, or this machine alone."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile

_SERIAL = itertools.count()


class Hosts:
    """Network namespaces at 10.231.X.1, .2, …, or at given addresses of one /24, on a bridge in a
    namespace of its own. Each is a host with a name, node-0, node-1, …, that resolves to its address.

    A context manager; everything it made is gone at its end, also when the test dies of an
    exception. `names[i]` is a namespace, `addresses[i]` its address.
    """

    def __init__(self, count=0, addresses=None):
        net = os.getpid() % 250 + 1
        self.addresses = addresses or [f"10.231.{net}.{i + 1}" for i in range(count)]
        tag = f"mst{os.getpid()}-{next(_SERIAL)}"
        self._switch = f"{tag}-sw"
        self.names = [f"{tag}-h{i}" for i in range(len(self.addresses))]
        self._made = []
        self._dir = None

    def __enter__(self):
        try:
            self._write_names()
            self._add(self._switch)
            self._ip("-n", self._switch, "link", "add", "br0", "type", "bridge")
            self._ip("-n", self._switch, "link", "set", "br0", "up")
            for i, (name, address) in enumerate(zip(self.names, self.addresses)):
                self._add(name)
                self._ip("-n", name, "link", "set", "lo", "up")
                self._ip("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name",
                         f"p{i}", "netns", self._switch)
                self._ip("-n", self._switch, "link", "set", f"p{i}", "master", "br0", "up")
                self._ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
                self._ip("-n", name, "link", "set", "eth0", "up")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def command(self, index, words):
        """`words`, run on host `index`. The process is the command's in the end, also by its id."""
        script = 'hostname "$1" && mount --bind "$2" /etc/hosts && shift 2 && exec "$@"'
        return ["ip", "netns", "exec", self.names[index], "unshare", "--uts", "--mount", "--", "sh",
                "-c", script, "sh", f"node-{index}", os.path.join(self._dir, "hosts"), *words]

    def enter(self, index, words):
        """As command(), but in the mounts of this machine: with its cgroups below /sys."""
        return ["nsenter", f"--net=/run/netns/{self.names[index]}", *words]

    def serve(self):
        """Gives the switch an address of its own, for services that belong to no host. Returns it."""
        address = self.addresses[0].rpartition(".")[0] + ".254"
        self._ip("-n", self._switch, "addr", "add", f"{address}/24", "dev", "br0")
        self._ip("-n", self._switch, "link", "set", "lo", "up")
        return address

    def enter_switch(self, words):
        """As enter(), beside the service address."""
        return ["nsenter", f"--net=/run/netns/{self._switch}", *words]

    def cut(self, index):
        """Takes the host off the network."""
        self._ip("-n", self.names[index], "link", "set", "eth0", "down")

    def heal(self, index):
        """Puts the host back, with an address of its own again."""
        self._ip("-n", self.names[index], "link", "set", "eth0", "up")

    def drop(self, index, direction):
        """Drops every packet that the host gets ("in") or sends ("out"), until accept()."""
        chain = {"in": "INPUT", "out": "OUTPUT"}[direction]
        subprocess.run(self.enter(index, ["iptables", "-w", "-I", chain, "!", "-i" if direction ==
                                          "in" else "-o", "lo", "-j", "DROP"]), check=True)

    def accept(self, index):
        """Undoes every drop()."""
        for chain in ("INPUT", "OUTPUT"):
            subprocess.run(self.enter(index, ["iptables", "-w", "-F", chain]), check=True)

    def close(self):
        for name in reversed(self._made):
            subprocess.run(["ip", "netns", "del", name], check=False)
        self._made = []
        if self._dir:
            shutil.rmtree(self._dir, ignore_errors=True)

    def _write_names(self):
        self._dir = tempfile.mkdtemp(prefix="mst-hosts-", dir="/tmp")
        os.chmod(self._dir, 0o755)
        with open(os.path.join(self._dir, "hosts"), "w") as file:
            file.write("127.0.0.1 localhost\n")
            for index, address in enumerate(self.addresses):
                file.write(f"{address} node-{index}\n")

    def _add(self, name):
        self._ip("netns", "add", name)
        self._made.append(name)

    @staticmethod
    def _ip(*words):
        subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL)


def move_to_own_network():
    """Starts this test anew on a host called localhost with nothing but loopback, so that the ports of
    the documents are free. To be called first of all, by the main program."""
    if os.environ.get("MST_OWN_NETWORK"):
        return
    os.environ["MST_OWN_NETWORK"] = "1"
    script = 'ip link set lo up && hostname localhost && exec "$@"'
    os.execvp("unshare", ["unshare", "--net", "--uts", "--", "sh", "-c", script, "sh", sys.executable,
                          *sys.argv])


def local_addresses():
    """IPv4 addresses of this host's interfaces."""
    done = subprocess.run(["ip", "-j", "-4", "addr"], check=True, stdout=subprocess.PIPE)
    return {info["local"] for link in json.loads(done.stdout) for info in link.get("addr_info", [])}
