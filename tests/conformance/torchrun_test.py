#!/usr/bin/python3
"""The drop-in torchrun against the facts of the original: processes, files, messages, ends."""

import glob
import json
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
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "hosts")]

import cluster
import drop_in
import host
import suite
import torchrun_rules

C10D = ("--rdzv_backend=c10d", "--rdzv_id=job")


def free_port():
    """A port with free ones above it: launchers take the rendezvous's and the next."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return min(probe.getsockname()[1], 65000)


class TorchrunCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = drop_in.Bench()
        cls.addClassCleanup(cls.bench.close)

    def setUp(self):
        self.bench.fresh()

    def torchrun(self, *words, **options):
        return self.bench.run(["torchrun", *words], **options)

    def start(self, *words, **options):
        return self.bench.popen(["torchrun", *words], **options)

    def end(self, process, seconds=30):
        """Awaits a launcher; (exit code, stdout, stderr)."""
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            self.fail(f"does not end:\n{out}\n{err}")
        return process.returncode, out, err

    def ranks(self, count):
        """The environments of all ranks, by RANK; each rank once."""
        envs = [record["env"] for record in self.bench.records(count)]
        by_rank = {int(env["RANK"]): env for env in envs}
        self.assertEqual(sorted(by_rank), list(range(count)))
        return by_rank


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


class NodesTest(TorchrunCase):
    """Several launchers on this machine, each as a node of its own."""

    def nodes(self, flags, count=2, act="", port=None):
        port = port or free_port()
        runs = []
        for i in range(count):
            words = [flag.format(node=i, port=port) for flag in flags]
            runs.append(self.start(*words, "t.py", env={"PROBE_ACT": act, "OMP_NUM_THREADS": "1"}))
        return runs

    STATIC = ("--nnodes=2", "--nproc=2", "--node_rank={node}", "--master_port={port}")
    DYNAMIC = ("--nnodes=2", "--nproc=2", *C10D, "--rdzv_endpoint=127.0.0.1:{port}")

    def test_both_backends_make_one_world(self):
        for flags in (self.STATIC, self.DYNAMIC):
            with self.subTest(flags=flags):
                self.bench.fresh()
                ends = [self.end(run) for run in self.nodes(flags)]
                self.assertEqual([end[0] for end in ends], [0, 0], ends)
                envs = self.ranks(4)
                for rank, env in envs.items():
                    self.assertEqual(env["WORLD_SIZE"], "4")
                    self.assertEqual(env["GROUP_RANK"], str(rank // 2))
                    self.assertEqual(env["LOCAL_RANK"], str(rank % 2))
                    self.assertEqual(env["ROLE_RANK"], str(rank))
                self.assertEqual(len({env["MASTER_PORT"] for env in envs.values()}), 1)

    def test_nodes_may_have_different_numbers_of_workers(self):
        port = free_port()
        common = ("--nnodes=2", f"--master_port={port}")
        runs = [self.start(*common, "--node_rank=0", "--nproc=1", "t.py"),
                self.start(*common, "--node_rank=1", "--nproc=3", "t.py")]
        self.assertEqual([self.end(run)[0] for run in runs], [0, 0])
        envs = self.ranks(4)
        self.assertEqual([envs[rank]["LOCAL_WORLD_SIZE"] for rank in range(4)], ["1", "3", "3", "3"])

    def test_the_failure_of_one_node_stops_the_other_at_once(self):
        for flags in (self.STATIC, self.DYNAMIC):
            with self.subTest(flags=flags):
                self.bench.fresh()
                began = time.monotonic()
                runs = self.nodes(flags, act="RANK=3:sleep 300+exit 9;hang")
                ends = [self.end(run) for run in runs]
                self.assertLess(time.monotonic() - began, 10)
                self.assertEqual([end[0] for end in ends], [1, 1], ends)
                for _, _, err in ends:
                    self.assertIn("rank      : 3 (local_rank: 1)\n  exitcode  : 9", err)
                self.bench.wait_gone()

    def test_all_nodes_start_again_and_the_budget_is_the_jobs(self):
        act = "TORCHELASTIC_RESTART_COUNT=1:sleep 1;RANK=2:sleep 500+exit 4;hang"
        runs = self.nodes((*self.DYNAMIC, "--max_restarts=1"), act=act)
        ends = [self.end(run) for run in runs]
        self.assertEqual([end[0] for end in ends], [0, 0], ends)
        self.assertEqual(len(self.bench.records(8)), 8)
        self.bench.fresh()
        runs = self.nodes((*self.DYNAMIC, "--max_restarts=1"),
                          act="RANK=0,TORCHELASTIC_RESTART_COUNT=0:sleep 500+exit 4;"
                          "RANK=2,TORCHELASTIC_RESTART_COUNT=1:sleep 500+exit 5;hang")
        ends = [self.end(run) for run in runs]
        self.assertEqual([end[0] for end in ends], [1, 1], ends)
        self.assertEqual(len(self.bench.records(8)), 8)

    def test_too_few_nodes_are_named_after_the_timeout(self):
        port = free_port()
        for flags, text in (
                ((f"--master_port={port}", "--rdzv_conf=timeout=1"), "missing: node_rank 1"),
                ((*C10D, f"--rdzv_endpoint=127.0.0.1:{port}", "--rdzv_conf=join_timeout=1"),
                 "missing: 1 more")):
            with self.subTest(flags=flags):
                done = self.torchrun("--nnodes=2", *flags, "t.py")
                self.assertEqual(done.returncode, 1)
                self.assertIn("gave up after 1s: 1 of 2 nodes is here", done.stderr)
                self.assertIn(text, done.stderr)
                self.assertEqual(self.bench.records(), [])

    def test_a_leader_that_is_not_there_is_named(self):
        port = free_port()
        done = self.torchrun("--nnodes=2", "--node_rank=1", f"--master_port={port}",
                             "--rdzv_conf=timeout=2", "t.py")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"waiting: the rendezvous at 127.0.0.1:{port} is not there yet", done.stderr)
        self.assertIn("gave up after 2s: Connection refused", done.stderr)

    def test_one_node_too_many_is_told_so_and_breaks_nothing(self):
        port = free_port()
        go = self.bench.path("work", "go")
        runs = self.nodes(self.DYNAMIC, act=f"wait {go}", port=port)
        self.bench.records(4)
        (extra,) = self.nodes(self.DYNAMIC, count=1, port=port)
        code, _, err = self.end(extra)
        self.assertEqual(code, 1)
        self.assertIn("refused: the job has all its 2 nodes", err)
        self.bench.write("go", "")
        ends = [self.end(run) for run in runs]
        self.assertEqual([end[0] for end in ends], [0, 0], ends)

    def test_who_belongs_to_another_job_is_told_so(self):
        port = free_port()
        for other, text in (((*self.DYNAMIC, "--rdzv_id=other"), "--rdzv_id=other"),
                            ((*self.DYNAMIC, "--nnodes=3"), "--nnodes=3:3")):
            with self.subTest(other=other):
                (first,) = self.nodes(self.DYNAMIC, count=1, port=port)
                self.assertIn("waiting", first.stderr.readline())
                code, _, err = self.end(self.nodes(other, count=1, port=port)[0])
                self.assertEqual(code, 1)
                self.assertIn(text, err)
                first.terminate()
                self.assertEqual(self.end(first)[0], 143)

    def test_the_same_node_rank_twice(self):
        port = free_port()
        flags = ("--nnodes=3", f"--master_port={port}", "t.py")
        leader = self.start("--node_rank=0", *flags)
        self.assertIn("missing: node_rank 1, node_rank 2", leader.stderr.readline())
        one = self.start("--node_rank=1", *flags)
        self.assertIn("missing: node_rank 2", leader.stderr.readline())
        two = self.start("--node_rank=1", *flags)
        code, _, err = self.end(two)
        self.assertEqual(code, 1)
        self.assertIn("--node_rank=1 is taken by", err)
        leader.terminate()
        self.end(leader)
        code, _, err = self.end(one)
        self.assertEqual(code, 1)
        self.assertIn("got SIGTERM", err)

    def test_a_leader_that_dies_is_named_and_its_nodes_end(self):
        port = free_port()
        (leader,) = self.nodes(self.DYNAMIC, count=1, act="hang", port=port)
        self.assertIn("waiting", leader.stderr.readline())
        (member,) = self.nodes(self.DYNAMIC, count=1, act="hang", port=port)
        self.bench.records(4)
        leader.kill()
        self.end(leader)
        code, _, err = self.end(member)
        self.assertEqual(code, 1)
        self.assertIn(f"lost the rendezvous at 127.0.0.1:{port}", err)
        self.bench.wait_gone()

    def test_a_node_that_is_killed_fails_the_job(self):
        port = free_port()
        (leader,) = self.nodes(self.DYNAMIC, count=1, act="hang", port=port)
        self.assertIn("waiting", leader.stderr.readline())
        (member,) = self.nodes(self.DYNAMIC, count=1, act="hang", port=port)
        self.bench.records(4)
        member.kill()
        self.end(member)
        code, _, err = self.end(leader)
        self.assertEqual(code, 1)
        self.assertIn("is gone", err)
        self.bench.wait_gone()

    def test_an_elastic_job_starts_with_fewer_and_takes_more(self):
        port = free_port()
        go = self.bench.path("work", "go")
        flags = ("--nnodes=1:2", "--nproc=1", *C10D, "--rdzv_endpoint=127.0.0.1:{port}",
                 "--rdzv_conf=last_call_timeout=1")
        (first,) = self.nodes(flags, count=1, act=f"wait {go}", port=port)
        self.assertEqual(self.bench.records(1)[0]["env"]["WORLD_SIZE"], "1")
        (second,) = self.nodes(flags, count=1, act=f"wait {go}", port=port)
        records = self.bench.records(3)
        self.assertEqual({record["env"]["WORLD_SIZE"] for record in records[1:]}, {"2"})
        self.assertEqual({record["env"]["TORCHELASTIC_RESTART_COUNT"] for record in records}, {"0"})
        self.bench.write("go", "")
        self.assertEqual([self.end(run)[0] for run in (first, second)], [0, 0])

    def test_an_elastic_job_goes_on_without_a_node_that_dies(self):
        port = free_port()
        flags = ("--nnodes=1:2", "--nproc=1", "--max_restarts=1", *C10D,
                 "--rdzv_endpoint=127.0.0.1:{port}", "--rdzv_conf=last_call_timeout=1")
        act = "TORCHELASTIC_RESTART_COUNT=1:;hang"
        runs = self.nodes(flags, act=act, port=port)
        self.bench.records(2)
        leads = [run for run in runs if self.listens(run.pid, port)]
        self.assertEqual(len(leads), 1)
        (member,) = [run for run in runs if run is not leads[0]]
        member.kill()
        self.end(member)
        code, _, err = self.end(leads[0])
        self.assertEqual(code, 0, err)
        self.assertEqual(self.bench.records(3)[-1]["env"]["WORLD_SIZE"], "1")

    @staticmethod
    def listens(pid, port):
        done = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], stdout=subprocess.PIPE, text=True,
                              check=True)
        return f"pid={pid}," in done.stdout

    def test_strangers_at_the_port_disturb_nobody(self):
        port = free_port()
        (leader,) = self.nodes(self.DYNAMIC, count=1, port=port)
        self.assertIn("waiting", leader.stderr.readline())
        for words in (b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\4ABCD", b"\0", os.urandom(4000)):
            with socket.create_connection(("127.0.0.1", port)) as stranger:
                stranger.sendall(words)
        (member,) = self.nodes(self.DYNAMIC, count=1, port=port)
        self.assertEqual([self.end(run)[0] for run in (leader, member)], [0, 0])


class HostsTest(TorchrunCase):
    """Hosts with networks of their own."""

    def test_both_backends_over_a_network(self):
        with host.Hosts(2) as hosts:
            address = hosts.addresses[0]
            for flags in (("--node_rank={}", f"--master_addr={address}"),
                          (*C10D, f"--rdzv_endpoint={address}:29400")):
                with self.subTest(flags=flags):
                    self.bench.fresh()
                    runs = []
                    # The host of the rendezvous comes last: the other waits for it.
                    for i in (1, 0):
                        words = ["torchrun", "--nnodes=2", "--nproc=2",
                                 *[flag.format(i) for flag in flags], "t.py"]
                        runs.append(self.bench.popen(hosts.command(i, words),
                                                     env={"OMP_NUM_THREADS": "1"}))
                    ends = [self.end(run) for run in runs]
                    self.assertEqual([end[0] for end in ends], [0, 0], ends)
                    envs = self.ranks(4)
                    self.assertEqual({env["MASTER_ADDR"] for env in envs.values()}, {address})
                    self.assertEqual(len({env["MASTER_PORT"] for env in envs.values()}), 1)

    @suite.within(120)
    def test_a_host_that_leaves_the_network_is_noticed(self):
        with host.Hosts(2) as hosts:
            runs = []
            for i in range(2):
                words = ["torchrun", "--nnodes=2", f"--node_rank={i}",
                         f"--master_addr={hosts.addresses[0]}", "t.py"]
                runs.append(self.bench.popen(hosts.command(i, words), env={"PROBE_ACT": "hang"}))
            self.bench.records(2)
            hosts.cut(1)
            ends = [self.end(run, 60) for run in runs]
            self.assertEqual([end[0] for end in ends], [1, 1], ends)
            self.assertIn("has been silent", ends[0][2])
            self.assertIn("lost the rendezvous", ends[1][2])
            self.bench.wait_gone()


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


class RealTest(TorchrunCase):
    """With torch itself, where it is installed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if subprocess.run(["/usr/bin/python3", "-c", "import torch, sklearn"], check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            raise unittest.SkipTest("no torch")
        cls.env = {"PYTHON_EXEC": "/usr/bin/python3"}
        cls.digits = os.path.join(HERE, "..", "..", "deploy", "examples", "digits_ddp.py")

    def accuracy(self, out):
        return float(re.search(r"held-out accuracy (\S+)", out).group(1))

    def test_a_training_reaches_its_accuracy(self):
        done = self.torchrun("--standalone", "--nproc_per_node=4", self.digits, env=self.env,
                             timeout=85)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(self.accuracy(done.stdout), 0.9)

    def test_a_training_on_two_nodes(self):
        port = free_port()
        for flags in (("--node_rank={}", f"--master_port={port}"),
                      (*C10D, f"--rdzv_endpoint=localhost:{port}")):
            with self.subTest(flags=flags):
                self.bench.fresh()
                runs = [self.start("--nnodes=2", "--nproc=1", *[f.format(i) for f in flags],
                                   self.digits, env=self.env) for i in range(2)]
                ends = [self.end(run, 60) for run in runs]
                self.assertEqual([end[0] for end in ends], [0, 0], ends)
                self.assertGreaterEqual(self.accuracy(ends[0][1] + ends[1][1]), 0.9)

    SCRIPT = """
import json, os, sys
import torch.distributed as dist
from torch.distributed.elastic.multiprocessing.errors import record
@record
def main():
    dist.init_process_group("gloo")
    dist.barrier()
    print(json.dumps(dict(os.environ)), flush=True)
    if sys.argv[1:] == ["fail"] and os.environ["RANK"] == "1":
        raise RuntimeError("boom")
    dist.barrier()
main()
"""

    def test_an_exception_of_a_rank_is_in_the_table_and_not_its_fallout(self):
        script = self.bench.write("t.py", self.SCRIPT)
        parents = os.path.join(self.bench.cwd, "parents.json")
        done = self.torchrun("--nproc=3", "--log_dir=l", script, "fail",
                             env={**self.env, "TORCHELASTIC_ERROR_FILE": parents})
        self.assertEqual(done.returncode, 1)
        root = done.stderr[done.stderr.index("Root Cause"):]
        self.assertIn("rank      : 1 (local_rank: 1)", root)
        self.assertIn("RuntimeError: boom", root)
        self.assertRegex(root, r"error_file: /\S+/l/none_\w+/attempt_0/1/error.json")
        self.assertIn("traceback : Traceback (most recent call last):", root)
        message = json.loads(self.bench.read("parents.json"))["message"]
        self.assertEqual((message["message"], message["errorCode"]), ("RuntimeError: boom", 1))

    def test_the_environment_is_the_real_torchruns(self):
        """Debian's own works with -r 1 -t 1."""
        script = self.bench.write("t.py", self.SCRIPT)
        flags = ["--nproc_per_node=2", "--max_restarts=3", "--role=trainer", "--rdzv_id=x", "-r", "1",
                 "-t", "1", "--log_dir=l", f"--master_port={free_port()}", script]
        found = {}
        for name, program in (("real", "/usr/bin/torchrun"), ("ours", "torchrun")):
            done = self.bench.run([program, *flags], env=self.env, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            lines = dict(re.findall(r"^\[trainer(\d)\]:(\{.*\})$", done.stdout, re.M))
            found[name] = {rank: json.loads(text) for rank, text in lines.items()}
            self.assertEqual(sorted(found[name]), ["0", "1"], done.stdout)
        for rank, real in found["real"].items():
            ours = found["ours"][rank]
            self.assertEqual(set(ours) - set(drop_in.NOISE), set(real) - set(drop_in.NOISE))
            # The real one holds the store itself; each has its own directory.
            for name in set(real) - {"TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_ERROR_FILE",
                                     *drop_in.NOISE}:
                self.assertEqual(ours[name], real[name], name)
            pattern = r"l/x_\w+/attempt_0/%s/error.json$" % rank
            for env in (real, ours):
                self.assertRegex(env["TORCHELASTIC_ERROR_FILE"], pattern)


class JobTest(TorchrunCase):
    """The same words behind `msctl run --`."""

    def test_a_job_on_the_agents(self):
        with cluster.Cluster() as agents:
            env = {"MSCTL_ADDRESS": agents.address, "XDG_STATE_HOME": agents.dir}
            for words in (["torchrun"], ["python", "-m", "torch.distributed.run"]):
                with self.subTest(words=words):
                    self.bench.fresh()
                    done = self.bench.run(
                        ["msctl", "run", "-q", "-e", "PROBE_DIR", "-e", "PROBE_ACT", "--", *words,
                         "--nproc_per_node=3", "-r", "1:3", "t.py", "x"],
                        env={**env, "PROBE_ACT": "RANK=0:print zero;RANK=1:print one;print two"})
                    self.assertEqual(done.returncode, 0, done.stderr)
                    envs = self.ranks(3)
                    self.assertEqual(envs[2]["WORLD_SIZE"], "3")
                    self.assertIn("zero", done.stdout)
                    self.assertNotIn("one", done.stdout)
                    self.assertIn("two", done.stdout)
                    self.assertEqual(self.bench.records()[0]["argv"][-3:], ["-u", "t.py", "x"])

    def test_a_job_without_agents(self):
        done = self.bench.run(["msctl", "run", "--local", "-q", f"--shim-path={self.bench.bin.msshim}",
                               "--", "torchrun", "--nproc_per_node=2", "t.py"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.ranks(2)

    def test_the_job_file(self):
        done = self.bench.run(["msctl", "run", "--print-yaml", "--name=exp", "--", "torchrun",
                               "--nnodes=1:2", "--nproc_per_node=4", "--max_restarts=2", "t.py"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.bench.records(), [])
        path = self.bench.write("job.yaml", done.stdout)
        again = self.bench.run(["msctl", "validate", path])
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        for line in ("name: exp", "contract: torch", "ranks_per_node: 4", "  max_restarts: 2"):
            self.assertIn(line + "\n", done.stdout)

    def test_the_command_itself(self):
        self.bench.write("torchrun", "#!/bin/sh\necho itself\n", 0o755)
        done = self.bench.run(["msctl", "run", "--local", "-q", "--as-is",
                               f"--shim-path={self.bench.bin.msshim}", "--", "./torchrun"])
        self.assertEqual((done.returncode, done.stdout), (0, "itself\n"), done.stderr)


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
