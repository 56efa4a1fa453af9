#!/usr/bin/python3
"""Every drop-in launcher with a console or a caller that is in its way.

What the originals do with a terminal that nobody reads, or with closed streams, is not theirs to
decide alone; ours must deal with failures and signals all the same.
"""

import os
import signal
import sys
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import drop_in
import suite

# Words, processes that report, exit codes after a worker's 3 and after Ctrl-C.
LAUNCHERS = (
    (["msrun", "--worker_num=2", "--local_worker_num=2", "--join=True", "net.py"], 3, 1, 130),
    (["paddle-launch", "--nproc_per_node=2", "net.py"], 2, 3, 2),
    (["torchrun", "--standalone", "--nproc_per_node=2", "-t", "3", "--log_dir=l", "net.py"],
     2, 1, 130),
)
# Of the second worker of each; the others, msrun's scheduler process too, stay.
SECOND = ("RANK_ID=1", "PADDLE_TRAINER_ID=1", "RANK=1")


def full_pipe():
    """Both ends of a pipe that takes nothing more."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(write, True)
    return read, write


def read_all(fd):
    while os.read(fd, 4096):
        pass


class ConsoleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = drop_in.Bench()
        cls.addClassCleanup(cls.bench.close)

    def each(self):
        """Every launcher, in a sub-test of its own."""
        for case in LAUNCHERS:
            with self.subTest(case[0][0]):
                self.bench.fresh(["net.py"])
                yield case

    def unread(self, words, act):
        """A launcher whose console is a full pipe; with the pipe's read end."""
        read, write = full_pipe()
        self.addCleanup(os.close, read)
        process = self.bench.popen(words, env={"PROBE_ACT": act}, stdout=write, stderr=write)
        os.close(write)
        return process, read

    def test_a_failure_is_dealt_with_while_nobody_reads(self):
        for words, count, code, _ in self.each():
            go = os.path.join(self.bench.cwd, "go")
            act = ";".join(f"{second}:wait {go}+print x+exit 3" for second in SECOND)
            process, read = self.unread(words, f"MS_ROLE=MS_SCHED:exit 0;{act};print y+hang")
            self.bench.records(count)
            self.bench.write("go", "")  # Not before its peers have reported.
            self.bench.wait_gone()
            reader = threading.Thread(target=read_all, args=(read,))
            reader.start()
            self.assertEqual(process.wait(timeout=20), code)
            reader.join()

    def test_ctrl_c_works_while_nobody_reads(self):
        for words, count, _, code in self.each():
            process, _ = self.unread(words, "print y+hang")
            self.bench.records(count)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=20), code)
            self.bench.wait_gone()

    def test_closed_standard_streams(self):
        for words, _, _, _ in self.each():
            for streams in ((0,), (1,), (2,), (0, 1, 2)):
                with self.subTest(streams=streams):
                    closed = " ".join(f"{fd}>&-" for fd in streams)
                    done = self.bench.run(["bash", "-c", f'exec "$@" {closed}', "bash", *words],
                                          timeout=20)
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_children_of_who_called_exec_are_left_alone(self):
        for words, _, _, _ in self.each():
            done = self.bench.run(
                ["bash", "-c", 'sleep 1000 <&- >&- 2>&- & echo $! > pid; exec "$@"', "bash", *words])
            self.assertEqual(done.returncode, 0, done.stderr)
            pid = int(self.bench.read("pid"))
            os.kill(pid, signal.SIGTERM)  # It is still there.


if __name__ == "__main__":
    suite.main()
