#!/usr/bin/python3
"""The drop-in msrun against the facts of the original: processes, files, messages, ends."""

import itertools
import os
import signal
import socket
import stat
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "hosts")]

import cluster
import drop_in
import host
import suite
from msrun_rules import Case, expected

MS_VARIABLES = {"RANK_SIZE", "RANK_ID", "DEVICE_ID", "MS_WORKER_NUM", "MS_SCHED_HOST",
                "MS_SCHED_PORT", "MS_TOPO_TIMEOUT", "MS_ROLE", "MS_NODE_ID", "RANK_TABLE_FILE",
                "MS_SIMULATION_LEVEL", "MS_NODE_RANK", "MS_SERVER_NUM", "MSRUN_CPU_LIST",
                "MS_ENABLE_RECOVERY"}


# Their text does not matter: the probe is the interpreter.
SCRIPTS = ("net.py", "x.py", "t.py")


class MsrunCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = drop_in.Bench()
        cls.addClassCleanup(cls.bench.close)

    def setUp(self):
        self.bench.fresh(SCRIPTS)

    def msrun(self, *words, **options):
        return self.bench.run(["msrun", *words], **options)

    def by_rank(self, role="MS_WORKER"):
        return {record["env"].get("RANK_ID"): record for record in self.bench.records()
                if record["env"].get("MS_ROLE") == role}


def started_cases():
    """Calls that start processes: flags alone, in pairs, and in the ways they may be written."""
    cases = []
    shapes = [(1, 1), (2, 2), (3, 3), (4, 4), (4, 2), (8, 4), (2, 1), (3, 0), (None, None)]
    for (workers, local), node_rank in itertools.product(shapes, (None, 0, 1, -1)):
        cases.append(Case(workers, local, node_rank=node_rank))
    for style, join in itertools.product(("=", " ", "-"), ("True", "1")):
        cases.append(Case(2, 2, "127.0.0.1", 9000, 0, "logs", join, 30, style=style))
    for address in ("127.0.0.1", "localhost", "127.0.0.2", "0.0.0.0"):
        for node_rank in (None, 1):
            cases.append(Case(4, 2, master_addr=address, node_rank=node_rank))
    for log_dir in ("logs", "a/b/c", "./x", "logs/"):
        for name in (None, "w", "{hostname}_w", "{ip}", "w_{rank}"):
            cases.append(Case(2, 2, log_dir=log_dir.rstrip("/"), worker_log_name=name))
    for level, rank in itertools.product((0, 1, 2, 3), (None, 0, 5)):
        cases.append(Case(8, 2, sim_level=level, sim_rank_id=rank))
    for env in ({"MS_SIMULATION_LEVEL": "1"}, {"MS_SIMULATION_LEVEL": "1", "RANK_ID": "3"},
                {"MS_SIMULATION_LEVEL": "0", "RANK_ID": "1", "RANK_SIZE": "64"}):
        cases.append(Case(2, 2, env=env))
    for script in (("python", "net.py"), ("python3", "-u", "net.py", "a b"), ("pytest", "-s", "t.py"),
                   ("net.py",), ("net.py", "--worker_num=9"), ("net.py", "--", "x"),
                   ("net.py", "", "ü", "$HOME", "a'b")):
        for join in ("True", "False"):
            cases.append(Case(2, 2, join=join, script=script))
    for env in ({"MS_NODE_ID": "7"}, {"RANK_ID": "9"}, {"MS_ROLE": "MS_PSERVER"},
                {"GLOG_v": "1", "MS_SERVER_NUM": "0", "HCCL_CONNECT_TIMEOUT": "9"}):
        for shape in ((2, 2), (4, 2)):
            cases.append(Case(*shape, env=env))
    for timeout, port in itertools.product((None, 5, -1), (None, 1024, 65535)):
        cases.append(Case(2, 2, cluster_time_out=timeout, master_port=port))
    return cases


class StartTest(MsrunCase):
    """Every process: argv, environment, directory, session, stdin, log file (§1.2-1.4, 1.7, 1.9)."""

    def check(self, case):
        bench = self.bench
        if case.rank_table_file:
            bench.write(case.rank_table_file, "{}")
        wanted = expected(case, host.local_addresses(), socket.gethostname())
        done = self.msrun(*case.words(), env=case.env)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        records = bench.records(len(wanted))
        self.assertEqual(len(records), len(wanted))
        keys = [self.key(want["env"]) for want in wanted]
        found = {self.key(record["env"]): record for record in records}
        self.assertEqual(set(found), set(keys))
        for want, key in zip(wanted, keys):
            self.check_process(case, want, found[key])
        return done

    @staticmethod
    def key(env):
        return (env.get("MS_ROLE"), env.get("DEVICE_ID") if env.get("MS_ROLE") != "MS_SCHED" else "")

    def check_process(self, case, want, record):
        env = drop_in.environment(record)
        inherited = {**self.bench.env, **case.env}
        for name in MS_VARIABLES | set(inherited):
            if name in want.get("any", ()):
                continue
            if name in want["env"]:
                self.assertEqual(env.get(name), want["env"][name], f"{name} of {want['role']}")
            elif name in want["absent"] or name in ("MS_ROLE",):
                self.assertNotIn(name, env, want["role"])
            else:
                self.assertEqual(env.get(name), inherited.get(name), f"{name} of {want['role']}")
        extra = set(env) - set(inherited) - set(want["env"]) - set(want.get("any", ()))
        self.assertEqual(extra, set(), "variables that the original does not set")
        self.assertEqual(record["argv"], want["argv"])
        self.assertEqual(record["cwd"], self.bench.cwd)
        self.assertEqual(record["fds"]["0"], "/dev/null")
        log = os.path.realpath(os.path.join(self.bench.cwd, want["log"]))
        self.assertEqual((record["fds"]["1"], record["fds"]["2"]), (log, log))
        self.assertEqual(sorted(record["fds"]), ["0", "1", "2"], "descriptors leak into a rank")
        self.assertEqual(record["sid"] == record["pid"], want["role"] == "worker", "setsid (§1.2)")
        self.assertEqual(int(record["blocked"], 16), 0, "blocked signals")
        self.assertEqual(drop_in.ignored_signals(record), drop_in.ignored_here())
        self.assertEqual(record["umask"], 0o022)


def add_start_cases():
    for number, case in enumerate(started_cases()):

        def test(self, case=case):
            self.check(case)

        test.__doc__ = "msrun " + case.name()
        setattr(StartTest, f"test_{number:03}", test)


add_start_cases()


class UsageTest(MsrunCase):
    """What argparse and msrun refuse, word for word (§1.1), before anything starts (§8)."""

    REFUSED = [
        (["--worker_num=abc", "x.py"], 2, "argument --worker_num: invalid int value: 'abc'"),
        (["--worker_num=", "x.py"], 2, "argument --worker_num: invalid int value: ''"),
        (["--worker_num=0", "x.py"], 1, "worker_num must be greater than 0, but got 0."),
        (["--worker_num=-3", "x.py"], 1, "worker_num must be greater than 0, but got -3."),
        (["--worker_num=2", "--local_worker_num=4", "x.py"], 1,
         "Total worker number is 2, but got exceeded local worker number: 4."),
        (["--local_worker_num=x", "x.py"], 2, "argument --local_worker_num: invalid int value: 'x'"),
        (["--master_port=1.5", "x.py"], 2, "argument --master_port: invalid int value: '1.5'"),
        (["--node_rank=a", "x.py"], 2, "argument --node_rank: invalid int value: 'a'"),
        (["--cluster_time_out=a", "x.py"], 2, "argument --cluster_time_out: invalid int value: 'a'"),
        (["--join=true", "x.py"], 2, "argument --join: invalid literal_eval value: 'true'"),
        (["--join=maybe", "x.py"], 2, "argument --join: invalid literal_eval value: 'maybe'"),
        (["--join=2", "x.py"], 2, "argument --join: invalid choice: 2 (choose from True, False)"),
        (["--sim_level=9", "x.py"], 2,
         "argument --sim_level: invalid choice: 9 (choose from 0, 1, 2, 3)"),
        (["--sim_level=-1", "x.py"], 2,
         "argument --sim_level: invalid choice: -1 (choose from 0, 1, 2, 3)"),
        (["--sim_rank_id=q", "x.py"], 2, "argument --sim_rank_id: invalid int value: 'q'"),
        ([], 2, "the following arguments are required: task_script, task_script_args"),
        (["--worker_num=2"], 2, "the following arguments are required: task_script, task_script_args"),
        (["--nope=1", "x.py"], 2, "unrecognized arguments: --nope=1"),
        (["-m", "mod"], 2, "error: "),
        (["--worker=2", "x.py"], 2, "ambiguous option: --worker=2 could match --worker_num"),
        (["--log_dir"], 2, "argument --log_dir: expected one argument"),
        (["--bind_core=1", "x.py"], 2, "argument --bind_core: "),
        (["--bind_core={", "x.py"], 2, "Failed to parse"),
        (['--bind_core={"dev0": ["0-1"]}', "x.py"], 2,
         "Key 'dev0' must be in format 'deviceX' (X ≥ 0)."),
        (['--bind_core={"device0": "0-1"}', "x.py"], 2, "should be a list, but got"),
        (['--bind_core={"device0": ["0"]}', "x.py"], 2,
         "CPU range '0' in '['0']' should be in format 'cpuidX-cpuidY'."),
        (["--master_addr=no.such.host.invalid", "x.py"], 1, "DNS resolution"),
        (["--master_addr=::1", "x.py"], 1, "DNS resolution"),
        (["--master_port=0", "x.py"], 1, "0"),
        (["--master_port=70000", "x.py"], 1, "70000"),
        (["--worker_num=2", "--local_worker_num=-1", "x.py"], 1, "-1"),
        (["--tail_worker_log=abc", "--join=True", "x.py"], 1, "abc"),
        (["--rank_table_file=/no/such.json", "x.py"], 1, "/no/such.json"),
        (["--log_dir=/proc/no", "x.py"], 1, "/proc/no"),
        (["--worker_log_name=a/b", "--worker_num=1", "--local_worker_num=1", "x.py"], 1, "a/b"),
        (["--worker_num=1", "--local_worker_num=1", '--bind_core={"device0": ["0-4095"]}', "x.py"], 1,
         "this host has CPUs"),
        (["--worker_num=2", "--local_worker_num=2", '--bind_core={"device0": ["0-0"]}', "x.py"], 1,
         "device"),
    ]

    def test_what_cannot_work_is_refused_before_anything_starts(self):
        for words, code, text in self.REFUSED:
            with self.subTest(" ".join(words)):
                self.bench.fresh(SCRIPTS)
                done = self.msrun(*words)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertIn(text, done.stderr)
                if code == 2:
                    self.assertIn("usage: msrun ", done.stderr)
                    self.assertIn("msrun: error: ", done.stderr)
                self.assertEqual(self.bench.records(), [])

    def test_a_missing_interpreter_is_one_line(self):
        os.unlink(self.bench.path("bin", "python"))
        self.addCleanup(os.symlink, self.bench.bin.program("tests/programs/launch_probe"),
                        self.bench.path("bin", "python"))
        done = self.msrun("--worker_num=1", "--local_worker_num=1", "--join=True", "x.py",
                          env={"PATH": self.bench.path("bin")})
        self.assertEqual(done.returncode, 1)
        self.assertIn("python", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_a_missing_script_is_one_line(self):
        done = self.msrun("--worker_num=1", "--local_worker_num=1", "--join=True", "no_such.py")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no_such.py", done.stderr)
        self.assertEqual(self.bench.records(), [])

    def test_help_is_on_stdout(self):
        for words in (["-h"], ["--help"]):
            done = self.msrun(*words)
            self.assertEqual(done.returncode, 0)
            for flag in ("--worker_num", "--tail_worker_log", "--bind_core"):
                self.assertIn(flag, done.stdout)


class EndTest(MsrunCase):
    """Ends of ranks, of the scheduler process and of msrun itself (§1.5, §1.6, §8)."""

    ONE_FAILS = "MS_ROLE=MS_SCHED:exit 0;RANK_ID=1:print last words+exit 3;hang"

    def run_two(self, act, *flags, **options):
        return self.msrun("--worker_num=2", "--local_worker_num=2", "--join=True", *flags, "net.py",
                          env={"PROBE_ACT": act}, **options)

    def test_a_failing_worker_ends_the_job_and_is_named(self):
        done = self.run_two(self.ONE_FAILS, "--log_dir=logs")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Worker 1 failed first: exit code 3", done.stderr)
        self.assertEqual((done.stdout + done.stderr).count("last words"), 1)
        self.assertNotIn("Time out nodes", done.stderr)
        self.assertIn("Distributed job exited with exception", done.stderr)
        self.bench.wait_gone()

    def test_its_code_is_passed_on_when_asked(self):
        self.assertEqual(self.run_two(self.ONE_FAILS, "--propagate_exit_code").returncode, 3)

    def test_a_killed_worker_is_named_with_its_signal(self):
        done = self.run_two("MS_ROLE=MS_SCHED:exit 0;RANK_ID=0:signal 9;hang")
        self.assertEqual(done.returncode, 1)
        self.assertIn("SIGKILL", done.stderr)

    def test_grandchildren_of_a_failed_worker_die(self):
        done = self.run_two("MS_ROLE=MS_SCHED:exit 0;RANK_ID=1:grandchild+sleep 200+exit 3;hang")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(any(record["grandchild"] for record in self.bench.records()))
        self.bench.wait_gone()

    def test_a_failing_scheduler_process_ends_the_job_while_workers_run(self):
        done = self.run_two("MS_ROLE=MS_SCHED:sleep 100+exit 7;hang")
        self.assertEqual(done.returncode, 1)
        self.assertIn("scheduler", done.stderr.lower())
        self.bench.wait_gone()

    def test_a_worker_that_ignores_term_is_killed(self):
        done = self.run_two("MS_ROLE=MS_SCHED:exit 0;RANK_ID=1:sleep 200+exit 1;ignore-term+hang")
        self.assertEqual(done.returncode, 1)
        self.bench.wait_gone()

    def test_without_join_the_processes_go_on(self):
        done = self.msrun("--worker_num=2", "--local_worker_num=2", "net.py",
                          env={"PROBE_ACT": "hang"})
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(self.bench.records(3)), 3)
        self.assertEqual(len(self.bench.alive()), 3)

    def test_signals_stop_everything(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            with self.subTest(number.name):
                self.bench.fresh(SCRIPTS)
                process = self.bench.popen(
                    ["msrun", "--worker_num=2", "--local_worker_num=2", "--join=True", "net.py"],
                    env={"PROBE_ACT": "RANK_ID=1:grandchild+hang;hang"})
                self.bench.records(4)
                process.send_signal(number)
                process.communicate(timeout=20)
                self.assertEqual(process.returncode, code)
                self.bench.wait_gone()

    def test_nothing_is_left_when_msrun_itself_is_killed(self):
        process = self.bench.popen(
            ["msrun", "--worker_num=2", "--local_worker_num=2", "--join=True", "net.py"],
            env={"PROBE_ACT": "hang"})
        self.bench.records(3)
        process.kill()
        process.communicate(timeout=20)
        self.bench.wait_gone()


class ConsoleTest(MsrunCase):
    """What stands on the console (§1.4, §1.5)."""

    SPEAK = {"PROBE_ACT": ";".join(f"RANK_ID={i},MS_ROLE=MS_WORKER:print I am {i}" for i in range(4))}

    def shown(self, *flags, worker_num=4):
        done = self.msrun(f"--worker_num={worker_num}", f"--local_worker_num={worker_num}",
                          "--join=True", *flags, "net.py", env=self.SPEAK)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {i for i in range(4) if f"I am {i}\n" in done.stdout}

    def test_all_workers_are_shown_unless_some_are_named(self):
        for flags, ranks in (((), {0, 1, 2, 3}), (("--tail_worker_log=-1",), {0, 1, 2, 3}),
                             (("--tail_worker_log=2",), {2}), (("--tail_worker_log=0,3",), {0, 3}),
                             (("--tail_worker_log=-1,0",), {0}), (("--tail_worker_log=9",), set())):
            with self.subTest(" ".join(flags)):
                self.assertEqual(self.shown(*flags), ranks)

    def test_each_worker_of_known_rank_is_announced(self):
        done = self.msrun("--worker_num=2", "--local_worker_num=2", "--log_dir=logs", "net.py")
        for rank in range(2):
            self.assertIn(f"Start worker process with rank id:{rank}, log file:logs/worker_{rank}.log. "
                          f"Environment variable [RANK_ID={rank}] is exported.\n", done.stdout)

    def test_warnings_of_the_original(self):
        for words, text in (
                (["--worker_num=2", "--local_worker_num=2", "--node_rank=3"],
                 "All workers will be spawned on this node, so 'node_rank': [3] will be ignored."),
                (["--worker_num=4", "--local_worker_num=2"],
                 "You are running distributed job with multiple nodes but not setting '--node_rank'."),
                (["--worker_num=1", "--local_worker_num=1", "--join=True"],
                 "Distributed job is spawned. Waiting all processes to exit..."),
                (["--worker_num=1", "--local_worker_num=1", "--master_port=80"], "80"),
                (["--worker_num=2", "--local_worker_num=1", "--node_rank=9"], "9")):
            with self.subTest(text):
                self.bench.fresh(SCRIPTS)
                self.assertIn(text, self.msrun(*words, "net.py").stderr)

    def test_leftovers_of_another_launcher_are_cleared_and_named_once(self):
        done = self.msrun("--worker_num=4", "--local_worker_num=2", "net.py",
                          env={"MS_NODE_ID": "3", "RANK_ID": "3"})
        lines = [line for line in done.stderr.splitlines() if "MS_NODE_ID" in line]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn("RANK_ID", lines[0])


class FilesTest(MsrunCase):
    """Log directories and files (§1.1, §1.4)."""

    def test_new_directories_are_private_and_files_follow_the_umask(self):
        self.msrun("--worker_num=1", "--local_worker_num=1", "--join=True", "--log_dir=a/b", "net.py",
                   preexec_fn=lambda: os.umask(0o027))
        for name in ("a", "a/b"):
            mode = os.stat(os.path.join(self.bench.cwd, name)).st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o700, name)
        mode = os.stat(os.path.join(self.bench.cwd, "a/b/worker_0.log")).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o640)

    def test_an_old_log_is_truncated(self):
        self.bench.write("worker_0.log", "old\n")
        self.msrun("--worker_num=1", "--local_worker_num=1", "--join=True", "net.py",
                   env={"PROBE_ACT": "MS_ROLE=MS_SCHED:exit 0;print new+err too"})
        self.assertEqual(self.bench.read("worker_0.log"), "new\ntoo\n")

    def test_stdin_is_inherited_as_it_is(self):
        path = self.bench.write("input", "a line\n")
        with open(path) as stdin:
            self.msrun("--worker_num=1", "--local_worker_num=1", "--join=True", "net.py", stdin=stdin,
                       env={"PROBE_ACT": "MS_ROLE=MS_SCHED:exit 0;echo"})
        self.assertIn("got a line", self.bench.read("worker_0.log"))
        self.assertEqual({record["fds"]["0"] for record in self.bench.records()}, {path})


class WithoutAnythingTest(MsrunCase):
    """No agent, no rights, no writable system directories."""

    def test_as_a_stranger_with_nothing_but_a_directory(self):
        self.bench.for_strangers()
        done = self.bench.run(
            ["unshare", "--mount", "--", "sh", "-c",
             "mount -t tmpfs -o ro none /run && mount -t tmpfs -o ro none /var/lib && "
             "exec setpriv --reuid=65534 --regid=65534 --clear-groups "
             "msrun --worker_num=4 --local_worker_num=4 --join=True --log_dir=logs net.py"],
            env={"PROBE_ACT": "MS_ROLE=MS_SCHED:exit 0;print here"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("here\n"), 4)


class HostsTest(MsrunCase):
    """Two hosts, each with its own msrun, no daemon (§1.7)."""

    def two_hosts(self, flags, env=None, master=0):
        with host.Hosts(2) as hosts:
            runs = []
            for i in range(2):
                words = ["msrun", f"--master_addr={hosts.addresses[master]}", f"--log_dir=logs{i}",
                         "--join=True", *[flag.format(node=i) for flag in flags], "net.py"]
                runs.append(self.bench.popen(hosts.command(i, words), env=env))
            return [(run.communicate(timeout=60), run.returncode) for run in runs], hosts

    def test_the_scheduler_starts_where_the_address_is(self):
        for master in (0, 1):
            with self.subTest(master=master):
                self.bench.fresh(SCRIPTS)
                ends, hosts = self.two_hosts(
                    ["--worker_num=4", "--local_worker_num=2", "--node_rank={node}"], master=master)
                self.assertEqual([code for _, code in ends], [0, 0], ends)
                self.assertEqual(set(self.by_rank()), {"0", "1", "2", "3"})
                self.assertEqual({record["env"]["MS_SCHED_HOST"] for record in self.bench.records()},
                                 {hosts.addresses[master]})
                for i in range(2):
                    self.assertEqual(os.path.exists(os.path.join(self.bench.cwd,
                                                                 f"logs{i}/scheduler.log")), i == master)

    def test_ranks_are_left_open_without_node_rank(self):
        ends, _ = self.two_hosts(["--worker_num=4", "--local_worker_num=2"])
        self.assertEqual([code for _, code in ends], [0, 0], ends)
        workers = [record["env"] for record in self.bench.records(5)
                   if record["env"]["MS_ROLE"] == "MS_WORKER"]
        self.assertEqual(len(workers), 4)
        for env in workers:
            self.assertNotIn("RANK_ID", env)
            self.assertNotIn("MS_NODE_ID", env)


if __name__ == "__main__":
    suite.main()
