"""A directory like the documents' reader's: their scripts, net.py and train.py, a prepared
MNIST_Data/ and a `python` on PATH, which here notes the environment that it is given. The scripts
are the contract worker."""

import glob
import os
import shutil

import cluster
import drop_in

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENTS = os.path.join(HERE, "documents")
WORKER = os.path.realpath(os.path.join(HERE, "..", "programs", "contract_worker"))

# What the page's net.py does after the part that it shows for debuggers: it trains.
REST_OF_NET = """
import training
from mindspore_standin import all_reduce_mean, finalize, get_group_size, get_rank

training.train(get_rank(), get_group_size(), all_reduce_mean)
finalize()
"""

PYTHON = """#!/bin/sh
env -0 > '{reports}'/$$.part && mv '{reports}'/$$.part '{reports}'/$$.env
PYTHONPATH='{package}' exec /usr/bin/python3 "$@"
"""


class DocumentBench(drop_in.Bench):
    """A Bench whose interpreters run the script, which is the contract worker."""

    def __init__(self):
        super().__init__(interpreters=())
        for name in ("python", "python3"):
            path = self.path("bin", name)
            with open(path, "w") as file:
                file.write(PYTHON.format(reports=self.reports,
                                         package=os.path.join(WORKER, "package")))
            os.chmod(path, 0o755)
        self.prepare(self.cwd)

    def fresh(self, scripts=()):
        super().fresh(scripts)
        self.prepare(self.cwd)

    def prepare(self, directory):
        """What the documents expect to find in a working directory. Returns it."""
        os.makedirs(os.path.join(directory, "MNIST_Data", "train"))
        for name in ("net.py", "train.py"):
            os.symlink(os.path.join(WORKER, name), os.path.join(directory, name))
        return directory

    def host_dir(self, index):
        """A working directory of one of several hosts, which share no disk."""
        path = self.path(f"host{index}")
        shutil.rmtree(path, ignore_errors=True)
        return self.prepare(path)

    def script(self, name, directory=None, address=""):
        """Puts a document's script into the directory, with the first node's address filled in."""
        text = document(name).replace("<node_1 ip address>", address)
        return self.write(os.path.join(directory or self.cwd, name), text)

    def debugged(self, name, directory=None):
        """net.py as the page has it for debuggers."""
        path = os.path.join(directory or self.cwd, "net.py")
        os.unlink(path)
        return self.write(path, document(name) + REST_OF_NET)

    def records(self, count=None, seconds=20):
        """The processes' {pid, env, began_ns}, in the order of their starts."""

        def read():
            found = []
            for path in glob.glob(os.path.join(self.reports, "*.env")):
                with open(path, "rb") as file:
                    pairs = file.read().decode(errors="replace").split("\0")
                env = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
                found.append({"pid": int(os.path.basename(path)[:-4]), "env": env,
                              "began_ns": os.stat(path).st_mtime_ns, "grandchild": False})
            return found if count is None or len(found) >= count else None

        found = cluster.wait_for(read, seconds, f"{count} reports") if count else read()
        return sorted(found, key=lambda record: record["began_ns"])

    def wait_text(self, name, text, count=1, seconds=20):
        """Waits until a file has `text` in it, so many times; returns all of it."""
        path = os.path.join(self.cwd, name)

        def read():
            if not os.path.exists(path):
                return None
            content = self.read(path)
            return content if content.count(text) >= count else None

        return cluster.wait_for(read, seconds, f"{count} × '{text}' in {name}")


def document(name):
    with open(os.path.join(DOCUMENTS, name), encoding="utf-8") as file:
        return file.read()
