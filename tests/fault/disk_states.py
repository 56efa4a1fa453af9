"""What a disk may hold after a power cut, from a trace of disk_preload.so; and what a start makes of it.

A sector of 512 bytes is written whole or not at all; nothing else is taken for granted.
"""

import os
import random
import re
import shutil
import subprocess
import tempfile

SECTOR = 512
PAGE = 4096
# all: every call has reached the disk.      synced: only what an fsync has promised.
# renamed: all names, but only synced bytes. torn: all, but of the last write a part only.
# random: names up to some call; of each page the bytes of some moment since the last fsync.
MODELS = ("all", "synced", "renamed", "torn", "random")


def read_trace(path):
    """[(operation, arguments, bytes)], in the order of the calls."""
    records = []
    with open(path, "rb") as file:
        while True:
            line = file.readline()
            if not line:
                return records
            word, _, rest = line.decode().rstrip("\n").partition(" ")
            data = b""
            if word == "write":
                data = file.read(int(rest.split()[2]))
            records.append((word, rest, data))


class File:
    def __init__(self):
        self.bytes = bytearray()
        self.synced = b""
        self.pending = []  # Since the last fsync: (offset, bytes) or (size, None).

    def change(self, offset, data):
        apply(self.bytes, offset, data)
        self.pending.append((offset, data))

    def sync(self):
        self.synced = bytes(self.bytes)
        self.pending = []


def apply(content, offset, data):
    if data is None:  # A new size.
        if offset < len(content):
            del content[offset:]
        else:
            content.extend(bytes(offset - len(content)))
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


class Disk:
    """Plays a trace; at any point the states that a power cut may leave can be had."""

    def __init__(self):
        self.files = {}  # By inode.
        self.dirs = {}  # Inode to path.
        self.names = []  # [operation, directory, on disk, arguments], all of them.
        self.last = None  # The file and offset of the last record, when it was a write.

    def play(self, record):
        word, rest, data = record
        args = rest.split(" ")
        self.last = None
        if word == "create":
            self.files[args[0]] = File()
            self._name("create", args[1], (args[1], self.files[args[0]]))
        elif word == "dir":
            self.dirs[args[0]] = args[1]
        elif word == "write":
            file = self.files[args[0]]
            file.change(int(args[1]), data)
            self.last = (file, int(args[1]), data)
        elif word == "resize":
            self.files[args[0]].change(int(args[1]), None)
        elif word == "allocate":
            file = self.files[args[0]]
            if int(args[1]) > len(file.bytes):
                file.change(int(args[1]), None)
        elif word == "sync":
            self.files[args[0]].sync()
        elif word == "unsynced":  # The kernel has thrown the bytes away and says so once.
            if args[0] in self.files:
                file = self.files[args[0]]
                file.bytes, file.pending = bytearray(file.synced), []
        elif word == "syncdir":
            for name in self.names:
                if name[1] == self.dirs[args[0]]:
                    name[2] = True
        elif word == "rename":
            self._name("rename", args[1], (args[0], args[1]))
        elif word in ("unlink", "rmdir", "mkdir"):
            self._name(word, args[0], (args[0],))

    def _name(self, word, path, args):
        self.names.append([word, os.path.dirname(path) or ".", False, args])

    def _tree(self, kept):
        """({path: File}, {directories}) after those name operations for which `kept` is true."""
        files, dirs = {}, set()
        for number, (word, _, synced, args) in enumerate(self.names):
            if not (synced or kept(number)):
                continue
            if word == "create":
                files[args[0]] = args[1]
            elif word == "rename":
                if args[0] in files:
                    files[args[1]] = files.pop(args[0])
            elif word == "mkdir":
                dirs.add(args[0])
            else:
                files.pop(args[0], None)
                dirs.discard(args[0])
        return files, dirs

    def build(self, root, model, rng):
        """Makes the state below `root`. False: `model` has none here that differs from another's."""
        if model == "torn" and (self.last is None or len(self.last[2]) <= SECTOR):
            return False
        last_name = rng.randint(0, len(self.names))
        files, dirs = self._tree({"synced": lambda _: False,
                                  "random": lambda number: number < last_name}.get(
                                      model, lambda _: True))
        for name in sorted(dirs):
            if os.path.dirname(name) in dirs or not os.path.dirname(name):
                os.makedirs(os.path.join(root, name), exist_ok=True)
        for name, file in files.items():
            path = os.path.join(root, name)
            if os.path.isdir(os.path.dirname(path)):
                with open(path, "wb") as out:
                    out.write(self._content(file, model, rng))
        return True

    def _content(self, file, model, rng):
        if model in ("synced", "renamed"):
            return file.synced
        if model == "all" or model == "torn" and file is not self.last[0]:
            return file.bytes
        if model == "random":
            return self._some_pages(file, rng)
        content = bytearray(file.synced)
        for offset, data in file.pending[:-1]:
            apply(content, offset, data)
        offset, data = file.pending[-1]
        cut = (offset // SECTOR + rng.randint(1, len(data) // SECTOR)) * SECTOR - offset
        apply(content, offset, data[:cut])
        return content

    @staticmethod
    def _some_pages(file, rng):
        """Each page of the cache as it was at some moment since the last fsync, and so the size."""
        content, cuts = bytearray(file.synced), {}
        size_cut = rng.randint(0, len(file.pending))
        for number, (offset, data) in enumerate(file.pending):
            if data is None:
                if number < size_cut:
                    apply(content, offset, data)
                continue
            for page in range(offset // PAGE, (offset + len(data) - 1) // PAGE + 1):
                if number < cuts.setdefault(page, rng.randint(0, len(file.pending))):
                    begin, end = max(offset, page * PAGE), min(offset + len(data), (page + 1) * PAGE)
                    apply(content, begin, data[begin - offset:end - offset])
        return content


class Reader:
    """`disk_worker read`: asks what a start finds. Started anew when it dies."""

    def __init__(self, worker, env=None):
        self.command, self.env, self.process = [worker, "read"], env, None

    def facts(self, where):
        """The lines, or None when it died."""
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, text=True,
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                            env=self.env, errors="replace")
        self.process.stdin.write(where + "\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line == "end\n":
                return lines
            lines.append(line.rstrip("\n"))
        self.process.wait()
        self.process = None
        return None

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


class Scratch:
    """A directory for one state after the other, in memory where there is some."""

    def __init__(self):
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.root = tempfile.mkdtemp(prefix="mst-disk-", dir=memory)
        self.count = 0

    def fresh(self):
        self.count += 1
        path = os.path.join(self.root, str(self.count))
        os.mkdir(path)
        return path

    def drop(self, path):
        shutil.rmtree(path, ignore_errors=True)

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)


def record(worker, preload, state, trace, fault=None, plant=None):
    """One `disk_worker write` under the preload: (exit code, its lines, its error lines)."""
    env = dict(os.environ, LD_PRELOAD=preload, DISK_ROOT=state, DISK_TRACE=trace)
    if fault:
        env["DISK_FAULT"] = fault
    if plant:
        env["MUSTER_PLANT"] = plant
    done = subprocess.run([worker, "write", state], env=env, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr


class Promises:
    """What was told to somebody, and what was only begun; a start is held against both."""

    def __init__(self, lines):
        self.begun = {re.sub("^try ", "", line) for line in lines}
        self.jobs_begun = {line for line in self.begun if line.startswith("job ")}

    def check(self, facts, told):
        """The violations in what a start has found, after `told` was told."""
        if facts is None:
            return ["I7: the start crashed"]
        # A report and a stop are not promised to outlive the host; the exit journal is.
        bad = [f"I7: refused after a power cut: {line}" for line in facts
               if line.startswith("lost ") and not line.endswith(
                   ("the exit journal stands in", "taken for a stop without grace"))]
        found = {}
        for line in facts:
            found.setdefault(line.split(" ")[0], []).append(line)
        told_of = {}
        for line in told:
            told_of.setdefault(line.split(" ")[0], []).append(line)
        bad += self._numbers(found, told_of)
        bad += self._gangs(found, told_of)
        bad += self._store(found, told_of)
        return bad

    @staticmethod
    def _last(lines):
        return int(lines[-1].split(" ")[1]) if lines else 0

    def _numbers(self, found, told):
        bad = []
        for node in told.get("node", []):
            if found.get("node") != [node]:
                bad.append(f"I5: {node} was told of, found {found.get('node')}")
        for name in ("incarnation", "store_epoch"):  # The start that looks counts itself.
            if self._last(found.get(name)) <= self._last(told.get(name)):
                bad.append(f"I6: {told[name][-1]} was told of, then comes {found.get(name)}")
        if self._last(found.get("epoch")) < self._last(told.get("epoch")):
            bad.append(f"I6: {told['epoch'][-1]} was told of, found {found.get('epoch')}")
        for epoch in found.get("epoch", []):
            if epoch != "epoch 0" and epoch not in self.begun:
                bad.append(f"I5: invented: {epoch}")
        for lease in found.get("lease", []):
            if lease not in ("lease none", "lease out") and \
                    lease.replace(" grace 10", "") not in self.begun:
                bad.append(f"I5: invented: {lease}")
        return bad

    def _gangs(self, found, told):
        intents = {line.split(" ")[1]: line for line in found.get("intent", [])}
        bad = [f"I4: {line} was told of and is gone" for line in told.get("intent", [])
               if line.split(" ")[1] not in intents]
        for job, line in intents.items():
            number = int(job.split("-")[1], 16) - 0xabc000
            if f"the job number {number} " not in line:
                bad.append(f"I5: invented: {line}")
        exits = found.get("exit", [])
        bad += [f"I2: {line} was told of and is gone" for line in told.get("exit", [])
                if line not in exits]
        for line in exits:
            fields = line.split(" ")
            if fields[4] != f"code={40 + int(fields[2])}" or fields[5] != "signal=0":
                bad.append(f"I2: invented: {line}")
        return bad

    def _store(self, found, told):
        bad = []
        jobs = {line.split(" ")[1]: line for line in found.get("job", [])}
        requests = {line.split(" ")[2] for line in found.get("request", [])}
        versions = {}
        for line in told.get("job", []):
            versions[line.split(" ")[1]] = int(line.split(" ")[2])
        for job, version in versions.items():
            if job not in jobs or int(jobs[job].split(" ")[2]) < version:
                bad.append(f"I5: job {job} version {version} was told of, found {jobs.get(job)}")
        bad += [f"I5: invented: {line}" for line in jobs.values() if line not in self.jobs_begun]
        if set(jobs) != requests:
            bad.append(f"I5: half of a commit: {sorted(set(jobs) ^ requests)}")
        orders = {line.split(" ")[1]: line for line in found.get("order", [])}
        for line in told.get("order", []):
            node, number = line.split(" ")[1], int(line.split(" ")[-1])
            if node not in orders or int(orders[node].split(" ")[-1]) < number:
                bad.append(f"I5: {line} was told of, found {orders.get(node)}")
        bad += [f"I5: invented: {line}" for line in orders.values() if line not in self.begun]
        return bad


def told_until(records, count):
    return [rest for word, rest, _ in records[:count] if word == "mark"]


def count_calls(records):
    """How many calls of each kind of DISK_FAULT a trace has."""
    counts = {"write": 0, "space": 0, "short": 0, "sync": 0, "rename": 0}
    for word, _, data in records:
        if word in ("write", "allocate"):
            counts["write"] += 1
            counts["space"] += 1
        if word == "write" and len(data) > 1:
            counts["short"] += 1
        if word in ("sync", "syncdir"):
            counts["sync"] += 1
        if word == "rename":
            counts["rename"] += 1
    return counts


def make_rng(seed, *key):
    return random.Random(f"{seed}:{key}")
