#!/usr/bin/python3
"""The drop-in torchrun on one host against the facts of the original: processes, files, ends."""

import glob
import os
import pty
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import drop_in
import suite
import torchrun_rules
from torchrun_case import TorchrunCase, free_port


class StartTest(TorchrunCase):
    """Every process: argv, environment, directory, stdin, files."""

    def check(self, case):
        bench = self.bench
        done = bench.run([*case.words()[:1], "--log_dir=logs", *case.words()[1:]], env=case.env)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        records = bench.records(case.nproc)
        self.assertEqual(len(records), case.nproc)
        found = {int(record["env"]["LOCAL_RANK"]): record for record in records}
        for local_rank in range(case.nproc):
            self.check_process(case, local_rank, found[local_rank])
        ports = {record["env"]["MASTER_PORT"] for record in records}
        self.assertEqual(len(ports), 1, ports)
        noted = "OMP_NUM_THREADS" in done.stderr
        self.assertEqual(noted, case.nproc > 1 and "OMP_NUM_THREADS" not in case.env)

    def check_process(self, case, local_rank, record):
        bench = self.bench
        env = drop_in.environment(record)
        inherited = {**bench.env, **case.env}
        want = case.expected(local_rank)
        for name, value in want.items():
            self.assertIn(name, env)
            if value is not None:
                self.assertEqual(env[name], value, name)
        for name, value in inherited.items():
            if name not in want:
                self.assertEqual(env.get(name), value, name)
        self.assertEqual(set(env) - set(inherited) - set(want), set())
        log = os.path.join(bench.cwd, "logs", "*", "attempt_0", str(local_rank))
        (log_dir,) = glob.glob(log)
        self.assertEqual(env["TORCHELASTIC_ERROR_FILE"], os.path.join(log_dir, "error.json"))
        if case.run_id:
            run_dir = os.path.basename(os.path.dirname(os.path.dirname(log_dir)))
            self.assertTrue(run_dir.startswith(case.run_id + "_"), run_dir)
        files = case.out.get(local_rank, "")
        for letter, number, name in (("o", "1", "stdout.log"), ("e", "2", "stderr.log")):
            path = os.path.join(log_dir, name)
            self.assertEqual(os.path.exists(path), letter in files, path)
            if letter in files:
                self.assertEqual(record["fds"][number], path)
            else:
                self.assertTrue(record["fds"][number].startswith("pipe:"), record["fds"])
        interpreter = bench.path("bin", "python3")
        self.assertEqual(record["argv"], case.worker_argv(local_rank, interpreter))
        self.assertEqual(record["cwd"], bench.cwd)
        self.assertEqual(record["fds"]["0"], "/dev/null")
        self.assertEqual(sorted(record["fds"]), ["0", "1", "2"], "descriptors leak into a rank")
        self.assertEqual(int(record["blocked"], 16), 0, "blocked signals")
        self.assertEqual(drop_in.ignored_signals(record), drop_in.ignored_here(), "ignored signals")


def add_start_cases():
    for number, case in enumerate(torchrun_rules.cases()):

        def test(self, case=case):
            self.check(case)

        test.__doc__ = case.name()
        setattr(StartTest, f"test_{number:03}", test)


add_start_cases()


class UsageTest(TorchrunCase):
    """What is refused, before anything starts."""

    def refuse(self, words, code, text, env=None):
        done = self.torchrun(*words, env=env)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(text, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.bench.records(), [])
        return done

    def test_argparse(self):
        for words, text in (
                ((), "the following arguments are required: training_script, training_script_args"),
                (("--bogus", "t.py"), "torchrun: error: unrecognized arguments: --bogus"),
                (("--nnodes",), "--nnodes: expected one argument"),
                (("--max_restarts=a", "t.py"), "invalid int value: 'a'"),
                (("--monitor_interval=x", "t.py"), "invalid float value: 'x'"),
                (("--start_method=thread", "t.py"), "invalid choice: 'thread' (choose from 'spawn', "
                 "'fork', 'forkserver')"),
                (("--master", "x", "t.py"), "ambiguous option: --master could match"),
                (("--standalone=1", "t.py"), "ignored explicit argument '1'")):
            with self.subTest(words=words):
                done = self.refuse(words, 2, text)
                self.assertTrue(done.stderr.startswith("usage: torchrun [-h]"), done.stderr)

    def test_wrong_values_are_one_line(self):
        for words, text in (
                (("--nnodes=2:1", "t"), "--nnodes=2:1: there must be at least one node"),
                (("--nproc=some", "t"), "Unsupported nproc_per_node value: some"),
                (("--nproc=-1", "t"), "a node needs at least one worker"),
                (("--nproc=gpu", "t"), "Cuda is not available. This host"),
                (("--log_dir=/etc/passwd", "t.py"), "/etc/passwd is not a directory"),
                (("--rdzv_backend=etcd", "t"), "this torchrun meets without etcd"),
                (("--rdzv_backend=etcd-v2", "t"), "this torchrun meets without etcd"),
                (("--rdzv_backend=zeus", "t"), "is neither static nor c10d"),
                (("--rdzv_endpoint=h", "t"), "port is missing in endpoint: h"),
                (("--rdzv_endpoint=h:x", "t"), "must be an integer between 0 and 65536"),
                (("--rdzv_conf=a=", "t"), "must have a value specified"),
                (("--node_rank=1", "t"), "with --nnodes=1 it is 0 to 0"),
                (("--nnodes=2", "--node_rank=2", "t"), "with --nnodes=2 it is 0 to 1"),
                (("-r", "5", "t"), "5 does not match"),
                (("--tee=0:1,", "t"), "0:1, does not match"),
                (("--no_python", "-m", "t"), "'--no_python' flag and the '--module' flag"),
                (("--standalone", "--nnodes=2", "t"), "is one node, and --nnodes asks for 2"),
                (("--rdzv_id=a/b", "t"), "must not contain '/'")):
            with self.subTest(words=words):
                done = self.refuse(words, 1, text)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_a_wrong_variable_is_named(self):
        self.refuse(["t.py"], 2, "invalid int value: 'x'", env={"PET_NODE_RANK": "x"})
        self.refuse(["t.py"], 2, "PET_STANDALONE: 'x' is neither 0 nor 1", env={"PET_STANDALONE": "x"})

    def test_a_port_in_use_is_named_when_it_was_asked_for(self):
        with socket.socket() as server:
            server.bind(("0.0.0.0", 0))
            server.listen()
            port = server.getsockname()[1]
            self.refuse([f"--master_port={port}", "t.py"], 1, f"--master_port {port}: somebody")

    def test_a_program_that_is_not_there(self):
        self.refuse(["--no_python", "./nothing"], 1, "./nothing")

    def test_a_log_dir_that_cannot_be(self):
        self.bench.write("file", "")
        self.refuse(["--log_dir=file/x", "t.py"], 1, "file/x")

    def test_help(self):
        done = self.torchrun("--help")
        self.assertEqual(done.returncode, 0)
        for flag in ("--nnodes", "--rdzv_conf", "-t TEE", "--max_restarts"):
            self.assertIn(flag, done.stdout)


class LogTest(TorchrunCase):
    def act(self, text, *words):
        return self.torchrun("--nproc=2", *words, "t.py", env={"PROBE_ACT": text,
                                                               "OMP_NUM_THREADS": "1"})

    def test_output_is_the_launchers_own(self):
        done = self.act("RANK=0:print zero;err one")
        self.assertEqual((done.stdout, done.stderr), ("zero\n", "one\n"))

    def test_redirected_output_is_in_files_alone(self):
        done = self.act("RANK=0:print zero;print one", "-r", "1", "--log_dir=l")
        self.assertEqual(done.stdout, "")
        for rank, text in enumerate(("zero\n", "one\n")):
            (path,) = glob.glob(os.path.join(self.bench.cwd, f"l/none_*/attempt_0/{rank}/stdout.log"))
            with open(path) as file:
                self.assertEqual(file.read(), text)

    def test_teed_lines_have_a_header(self):
        done = self.act("RANK=0:print zero+err e;print one+prompt half", "-t", "3", "--role=trainer",
                        "--log_dir=l")
        self.assertEqual(sorted(done.stdout.splitlines()),
                         ["[trainer0]:zero", "[trainer1]:half", "[trainer1]:one"])
        self.assertEqual(done.stderr, "[trainer0]:e\n")

    def test_teed_lines_come_at_once(self):
        run = self.start("--nproc=2", "-t", "1", "--log_dir=l", "t.py",
                         env={"PROBE_ACT": "RANK=0:print now+hang;hang", "OMP_NUM_THREADS": "1"})
        try:
            self.assertEqual(run.stdout.readline(), "[default0]:now\n")
        finally:
            run.terminate()
            run.communicate(timeout=20)

    def test_logs_without_a_directory_say_where_they_are(self):
        done = self.act("print x", "-r", "3")
        where = re.search(r"logs are in (\S+)", done.stderr).group(1)
        self.addCleanup(subprocess.run, ["rm", "-r", os.path.dirname(where)], check=True)
        self.assertTrue(os.path.exists(os.path.join(where, "attempt_0/1/stdout.log")))

    def test_a_run_without_logs_or_failures_leaves_no_directory(self):
        temp = self.bench.path("work", "tmp")
        os.mkdir(temp)
        done = self.torchrun("t.py", env={"TMPDIR": temp})
        self.assertEqual((done.returncode, os.listdir(temp)), (0, []))
        done = self.torchrun("--nnodes=2", "--rdzv_conf=timeout=1", f"--master_port={free_port()}",
                             "t.py", env={"TMPDIR": temp})
        self.assertEqual((done.returncode, os.listdir(temp)), (1, []), "nothing was started")


class FailureTest(TorchrunCase):
    def test_the_first_failure_stops_all_and_is_in_the_table(self):
        began = time.monotonic()
        done = self.torchrun("--nproc=3", "--log_dir=l", "train.py",
                             env={"PROBE_ACT": "RANK=1:sleep 200+exit 7;grandchild+hang"})
        self.assertEqual(done.returncode, 1)
        self.assertLess(time.monotonic() - began, 10)
        self.assertIn("ChildFailedError", done.stderr)
        table = done.stderr[done.stderr.index("train.py FAILED"):]
        self.assertIn("Failures:\n  <NO_OTHER_FAILURES>\n", table)
        root = table[table.index("Root Cause (first observed failure):"):]
        self.assertRegex(root, r"\[0\]:\n  time      : \d{4}-\d\d-\d\d_\d\d:\d\d:\d\d\n"
                         r"  host      : \S+\n  rank      : 1 \(local_rank: 1\)\n"
                         r"  exitcode  : 7 \(pid: \d+\)\n  error_file: <N/A>\n"
                         r"  traceback : To enable traceback see: ")
        self.bench.wait_gone()

    def test_a_signal_is_a_negative_exit_code(self):
        done = self.torchrun("--nproc=2", "t.py", env={"PROBE_ACT": "RANK=0:sleep 100+signal 9;hang"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("exitcode  : -9 (pid: ", done.stderr)
        self.assertIn("Signal 9 (SIGKILL) received by PID", done.stderr)

    def test_a_worker_that_ignores_sigterm_is_killed(self):
        run = self.start("--nproc=2", "t.py",
                         env={"PROBE_ACT": "RANK=0:sleep 1000+exit 3;ignore-term+grandchild+hang"})
        self.bench.records(3)
        run.send_signal(signal.SIGTERM)  # A second reason to end does not wait for the grace.
        run.send_signal(signal.SIGINT)
        code, _, _ = self.end(run, 20)
        self.assertIn(code, (1, 130, 143))
        self.bench.wait_gone()

    def test_restarts_are_counted_and_have_new_ports_and_files(self):
        act = "TORCHELASTIC_RESTART_COUNT=2:;RANK=1:sleep 300+exit 5;hang"
        done = self.torchrun("--nproc=2", "--max_restarts=2", "--log_dir=l", "-r", "1", "t.py",
                             env={"PROBE_ACT": act})
        self.assertEqual(done.returncode, 0, done.stderr)
        records = self.bench.records(6)
        counts = sorted(record["env"]["TORCHELASTIC_RESTART_COUNT"] for record in records)
        self.assertEqual(counts, ["0", "0", "1", "1", "2", "2"])
        ports = {record["env"]["TORCHELASTIC_RESTART_COUNT"]: record["env"]["MASTER_PORT"]
                 for record in records}
        self.assertEqual(len(set(ports.values())), 3, ports)
        self.assertEqual(len(glob.glob(os.path.join(self.bench.cwd, "l/*/attempt_*/1/stdout.log"))), 3)
        self.assertIn("restart 2 of 2", done.stderr)

    def test_no_more_restarts_than_allowed(self):
        done = self.torchrun("--max_restarts=1", "t.py", env={"PROBE_ACT": "exit 5"})
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(self.bench.records(2)), 2)
        self.assertIn("exitcode  : 5", done.stderr)


class SignalTest(TorchrunCase):
    def test_signals_reach_the_ranks_and_end_everything(self):
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)):
            with self.subTest(signal=number):
                self.bench.fresh()
                run = self.start("--nproc=2", "t.py", env={"PROBE_ACT": "grandchild+hang"})
                self.bench.records(4)
                run.send_signal(number)
                self.assertEqual(self.end(run)[0], code)
                self.bench.wait_gone()

    def test_nothing_outlives_a_launcher_that_is_killed(self):
        run = self.start("--nproc=2", "t.py", env={"PROBE_ACT": "grandchild+hang"})
        self.bench.records(4)
        run.kill()
        self.end(run)
        self.bench.wait_gone()

    def test_a_signal_while_it_waits_for_others(self):
        port = free_port()
        run = self.start("--nnodes=2", f"--master_port={port}", "t.py")
        self.assertIn("waiting: 1 of 2 nodes is here", run.stderr.readline())
        run.send_signal(signal.SIGINT)
        self.assertEqual(self.end(run)[0], 130)

    def test_it_costs_next_to_nothing_while_ranks_run(self):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = self.torchrun("--nproc=2", "-t", "3", "--log_dir=l", "t.py",
                             env={"PROBE_ACT": "print x+sleep 3000"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertEqual(done.returncode, 0)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.assertLess(spent, 0.25, "launcher and workers together")


class TerminalTest(TorchrunCase):
    """A terminal shared among the workers, as a debugger needs it."""

    def read_until(self, terminal, text, count=1, seconds=20):
        """What comes up to the `text`, `count` times; the terminal's own echo is part of it."""
        shown = ""
        deadline = time.monotonic() + seconds
        while shown.count(text) < count:
            ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                self.fail(f"{text!r} does not come: {shown!r}")
            shown += os.read(terminal, 4096).decode()
        return shown

    def test_lines_go_to_one_debugger_after_the_other(self):
        script = self.bench.write("t.py", "import os, pdb\nrank = os.environ['RANK']\n"
                                  "pdb.set_trace()\nprint('done', rank)\n")
        for flags in ((), ("-t", "1", "--log_dir=l")):
            with self.subTest(flags=flags):
                ours, theirs = pty.openpty()
                run = self.start("--nproc=2", *flags, script, stdin=theirs, stdout=theirs,
                                 stderr=theirs, env={"PYTHON_EXEC": "/usr/bin/python3",
                                                     "OMP_NUM_THREADS": "1"})
                os.close(theirs)
                self.read_until(ours, "(Pdb) ", count=2)
                for rank in (0, 1):
                    os.write(ours, b"p 'rank', rank\n")
                    self.read_until(ours, f"('rank', '{rank}')")
                for rank in (0, 1):
                    os.write(ours, b"c\n")
                    self.read_until(ours, f"done {rank}")
                self.assertEqual(run.wait(timeout=20), 0)
                os.close(ours)


class BareHostTest(TorchrunCase):
    """No agent, another user, nowhere to write but the temporary directory."""

    def test_as_a_user_without_rights(self):
        temp = self.bench.path("work", "tmp")
        os.mkdir(temp)
        for path in (temp, self.bench.dir, self.bench.reports):
            os.chmod(path, 0o777)
        # The build may lie where only root reads.
        for name, program in (("torchrun", self.bench.bin.msctl),
                              ("python3", self.bench.bin.program("tests/programs/launch_probe"))):
            shutil.copy(program, os.path.join(temp, name))
            os.chmod(os.path.join(temp, name), 0o755)
        done = self.bench.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                               "torchrun", "--nproc=2", "t.py"],
                              env={"TMPDIR": temp, "PATH": temp + ":/usr/bin:/bin"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.ranks(2)


if __name__ == "__main__":
    suite.main()
