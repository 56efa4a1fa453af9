"""Hosts for tests of several launchers: network namespaces on one bridge, or this machine alone."""

import itertools
import json
import os
import subprocess

_SERIAL = itertools.count()


class Hosts:
    """`count` network namespaces at 10.231.X.1, .2, … on a bridge in a namespace of its own.

    A context manager; everything it made is gone at its end, also when the test dies of an
    exception. `names[i]` is a namespace, `addresses[i]` its address.
    """

    def __init__(self, count):
        tag = f"mst{os.getpid()}-{next(_SERIAL)}"
        self._switch = f"{tag}-sw"
        self.names = [f"{tag}-h{i}" for i in range(count)]
        net = os.getpid() % 250 + 1
        self.addresses = [f"10.231.{net}.{i + 1}" for i in range(count)]
        self._made = []

    def __enter__(self):
        try:
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
        """`words`, run on host `index`."""
        return ["ip", "netns", "exec", self.names[index], *words]

    def enter(self, index, words):
        """As command(), but in the mounts of this machine: with its cgroups below /sys."""
        return ["nsenter", f"--net=/run/netns/{self.names[index]}", *words]

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

    def _add(self, name):
        self._ip("netns", "add", name)
        self._made.append(name)

    @staticmethod
    def _ip(*words):
        subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL)


def local_addresses():
    """IPv4 addresses of this host's interfaces."""
    done = subprocess.run(["ip", "-j", "-4", "addr"], check=True, stdout=subprocess.PIPE)
    return {info["local"] for link in json.loads(done.stdout) for info in link.get("addr_info", [])}
