#!/usr/bin/python3
"""The drop-in paddle-launch against the facts of the original, on one host."""

import itertools
import json
import os
import signal
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import drop_in
import suite
from paddle_rules import Collective, check_collective, check_process, check_ps


class PaddleCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = drop_in.Bench()
        cls.addClassCleanup(cls.bench.close)

    def setUp(self):
        self.bench.fresh(["train.py"])

    def launch(self, *words, **options):
        return self.bench.run(["paddle-launch", *words], **options)

    def succeed(self, *words, count, **options):
        done = self.launch(*words, **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        records = self.bench.records(count)
        self.assertEqual(len(records), count)
        return done, records


def collective_cases():
    cases = [Collective(), Collective(command=("train.py",))]
    gpus = {"CUDA_VISIBLE_DEVICES": "0,1,2,3"}
    for n, style in itertools.product((1, 2, 3, 4), ("=", " ")):
        cases.append(Collective({"nproc_per_node": n}, size=n, style=style))
    for flag in ("nproc_per_nod", "nproc"):  # §1: prefix abbreviations.
        cases.append(Collective({flag: 2}, size=2))
    # §2.1: one process per visible device, each with its index.
    for count in range(1, 5):
        visible = ",".join(str(i) for i in range(count))
        cases.append(Collective(env={"CUDA_VISIBLE_DEVICES": visible}, size=count,
                                selected=[str(i) for i in range(count)]))
        cases.append(Collective(env={"MUSTER_DEVICES": f"nvidia:{count}"}, size=count,
                                selected=[str(i) for i in range(count)]))
    for names in (("devices",), ("gpus",), ("npus",), ("xpus",)):
        for chosen in ("0", "1", "0,1", "2,3", "3,1", "0,1,2,3"):
            cases.append(Collective({names[0]: chosen}, env=gpus, size=len(chosen.split(",")),
                                    selected=chosen.split(",")))
    # Indices are relative to the visible list.
    for visible, chosen, index in (("4,5", "4,5", ["0", "1"]), ("4,5", "5", ["1"]),
                                   ("7,3,1", "1,7", ["2", "0"])):
        cases.append(Collective({"devices": chosen}, env={"CUDA_VISIBLE_DEVICES": visible},
                                size=len(index), selected=index))
    # Fewer processes than devices: the first ones; one process gets them all.
    cases.append(Collective({"devices": "0,1,2,3", "nproc_per_node": 2}, env=gpus, size=2,
                            selected=["0", "1"]))
    cases.append(Collective({"devices": "0,1,2,3", "nproc_per_node": 1}, env=gpus, size=1,
                            selected=["0,1,2,3"]))
    cases.append(Collective({"nproc_per_node": 2}, env=gpus, size=2, selected=["0", "1"]))
    for variable, kind, flag in (("XPU_VISIBLE_DEVICES", "xpu", "xpus"),):
        cases.append(Collective(env={variable: "0,1"}, size=2, selected=["0", "1"], flag=flag))
        cases.append(Collective(env={"MUSTER_DEVICES": f"{kind}:2"}, size=2, selected=["0", "1"],
                                flag=flag))
    # §1: flags and what overrides them.
    for log_dir in ("log", "out", "a/b"):
        cases.append(Collective({"log_dir": log_dir, "nproc_per_node": 2}, size=2, log_dir=log_dir))
    cases.append(Collective({"log_dir": "x"}, env={"PADDLE_LOG_DIR": "y"}, log_dir="y"))
    cases.append(Collective({"nproc_per_node": 3}, env={"PADDLE_NPROC_PER_NODE": "2"}, size=2))
    cases.append(Collective({"devices": "0"}, env={**gpus, "PADDLE_DEVICES": "1,2"}, size=2,
                            selected=["1", "2"]))
    cases.append(Collective({"host": "127.0.0.1", "nproc_per_node": 2}, size=2, ip="127.0.0.1"))
    cases.append(Collective({"nproc_per_node": 2}, env={"POD_IP": "127.0.0.9"}, size=2,
                            ip="127.0.0.9"))
    for name, value in (("job_id", "job1"), ("max_restart", 2), ("elastic_level", 1),
                        ("elastic_timeout", 5), ("log_level", "debug"), ("log_level", "ERROR"),
                        ("run_mode", "collective"), ("rank", 0), ("nnodes", 1), ("nnodes", "1:1"),
                        ("log_overwrite", "true"), ("sort_ip", "1"), ("enable_gpu_log", "false"),
                        ("gloo_port", 7000), ("with_gloo", "0"), ("master", "127.0.0.1:38000"),
                        ("legacy", "false")):
        for n in (1, 2):
            cases.append(Collective({name: value, "nproc_per_node": n}, size=n))
    for name, value in (("PADDLE_JOB_ID", "j2"), ("PADDLE_MAX_RESTART", "1"),
                        ("PADDLE_LOG_LEVEL", "warning"), ("PADDLE_RANK", "0"),
                        ("PADDLE_NNODES", "1"), ("http_proxy", "http://x"),
                        ("https_proxy", "http://y"), ("PORT_RANGE", "36000:36500"),
                        ("PADDLE_ELASTIC_TIMEOUT", "3"), ("PADDLE_TRAINER_ID", "0")):
        cases.append(Collective({"nproc_per_node": 2}, env={name: value}, size=2))
    # Leftovers of another launcher must not shine through.
    cases.append(Collective(env={"PADDLE_GLOBAL_RANK": "5", "PADDLE_TRAINERS_NUM": "9",
                                 "FLAGS_selected_gpus": "7"}))
    return cases


class CollectiveTest(PaddleCase):
    """Trainers of one host (§1, §2.1, §4)."""

    def check(self, case):
        done, records = self.succeed(*case.words(), count=case.size, env=case.env)
        check_collective(self, case, records)
        for record in records:
            # §1: python -u script args; `python` is python3 of PATH (Decided).
            self.assertEqual(record["argv"][1:], ["-u", *case.command])
            self.assertEqual(os.path.basename(record["argv"][0]), "python3")
        return done


def add_collective_cases():
    for number, case in enumerate(collective_cases()):

        def test(self, case=case):
            self.check(case)

        test.__doc__ = "paddle-launch " + case.name()
        setattr(CollectiveTest, f"test_{number:03}", test)


add_collective_cases()


class PsTest(PaddleCase):
    """Parameter-server jobs on one host (§2.3, §2.4)."""

    # The legacy launcher ends servers with the last worker: workers that last until all have begun.
    WORK = {"PROBE_ACT": "TRAINING_ROLE=TRAINER:sleep 400"}

    def test_by_counts(self):
        for servers, trainers in ((1, 1), (2, 4), (3, 1)):
            with self.subTest(servers=servers, trainers=trainers):
                self.bench.fresh(["train.py"])
                _, records = self.succeed(f"--server_num={servers}", f"--trainer_num={trainers}",
                                          "train.py", count=servers + trainers)
                check_ps(self, records, servers, trainers)

    def test_each_count_defaults_to_one(self):
        for words in (["--run_mode=ps"], ["--server_num=1"], ["--trainer_num=1"]):
            with self.subTest(words[0]):
                self.bench.fresh(["train.py"])
                _, records = self.succeed(*words, "train.py", count=2)
                check_ps(self, records, 1, 1)

    def test_by_endpoints(self):
        servers = "127.0.0.1:36170,127.0.0.1:36171"
        trainers = "127.0.0.1:36172,127.0.0.1:36173,127.0.0.1:36174"
        _, records = self.succeed(f"--servers={servers}", f"--trainers={trainers}",
                                  "--gloo_port=36999", "train.py", count=5)
        check_ps(self, records, 2, 3, nnodes=None)
        env = records[0]["env"]
        self.assertEqual(env["PADDLE_PSERVERS_IP_PORT_LIST"], servers)
        self.assertEqual(env["PADDLE_TRAINER_ENDPOINTS"], trainers)
        self.assertEqual(env["PADDLE_GLOO_HTTP_ENDPOINT"], "127.0.0.1:36999")

    def test_trainers_may_be_given_without_ports(self):
        _, records = self.succeed("--servers=127.0.0.1:36170", "--trainers=127.0.0.1,127.0.0.1",
                                  "train.py", count=3)
        check_ps(self, records, 1, 2, nnodes=None)

    def test_legacy_by_worker_num(self):
        _, records = self.succeed("--server_num=2", "--worker_num=4", "train.py", count=6,
                                  env={"CUDA_VISIBLE_DEVICES": "0,1,2,3", **self.WORK})
        _, trainers = check_ps(self, records, 2, 4, legacy=True)
        for rank, record in trainers.items():
            self.assertEqual(record["env"]["CUDA_VISIBLE_DEVICES"], str(rank))
            self.assertEqual(record["env"]["XPU_VISIBLE_DEVICES"], str(rank))
            self.assertEqual(record["env"]["FLAGS_selected_gpus"], "0")

    def test_legacy_stops_its_servers_when_the_workers_are_done(self):
        self.succeed("--server_num=1", "--worker_num=2", "train.py", count=3,
                     env={"PROBE_ACT": "TRAINING_ROLE=PSERVER:hang;sleep 400"})
        self.bench.wait_gone()

    def test_a_failed_legacy_worker_is_not_called_success(self):
        done = self.launch("--server_num=1", "--worker_num=2", "train.py",
                           env={"PROBE_ACT": "PADDLE_TRAINER_ID=1:exit 5;hang"})
        self.assertEqual(done.returncode, 5)
        self.bench.wait_gone()

    def test_heterogeneous_stages(self):
        for more in ([], ["--heter_devices=gpu"]):
            with self.subTest(" ".join(more)):
                self.bench.fresh(["train.py"])
                _, records = self.succeed("--server_num=2", "--worker_num=2", "--heter_worker_num=2",
                                          *more, "train.py", count=6,
                                          env={"CUDA_VISIBLE_DEVICES": "0,1", **self.WORK})
                roles, trainers = check_ps(self, records, 2, 2, legacy=True)
                heter = [record["env"] for record in roles["HETER_TRAINER"]]
                self.assertEqual(len(heter), 2)
                trainer = trainers[0]["env"]
                self.assertEqual(trainer["STAGE_ID"], "1")
                self.assertEqual(trainer["STAGE_NUM"], "2")
                self.assertEqual(trainer["HETER_DEVICE_TYPE"], "cpu")
                self.assertEqual(trainer["PADDLE_STAGE_TRAINERS_NUM"], "[2, 2]")
                self.assertEqual(trainer["PADDLE_PREVIOUS_HETER_TRAINER_IP_PORT_LIST"], "")
                stage2 = trainer["PADDLE_NEXT_HETER_TRAINER_IP_PORT_LIST"]
                for env in heter:
                    self.assertEqual(env["STAGE_ID"], "2")
                    self.assertEqual(env["HETER_DEVICE_TYPE"], "gpu")
                    self.assertEqual(env["PADDLE_PREVIOUS_HETER_TRAINER_IP_PORT_LIST"],
                                     trainer["PADDLE_TRAINER_ENDPOINTS"])
                    self.assertEqual(env["PADDLE_NEXT_HETER_TRAINER_IP_PORT_LIST"], "")
                    self.assertEqual(env["PADDLE_ALL_HETER_TRAINER_IP_PORT_LIST"], stage2)
                    self.assertNotIn("PADDLE_TRAINER_ID", env)


class RpcTest(PaddleCase):
    def test_workers_know_the_master_and_each_other(self):
        _, records = self.succeed("--run_mode=rpc", "--master=127.0.0.1:38765", "--nproc_per_node=3",
                                  "train.py", count=3)
        self.assertEqual({record["env"]["PADDLE_TRAINER_ID"] for record in records}, {"0", "1", "2"})
        self.assertEqual({record["env"]["PADDLE_TRAINERS_NUM"] for record in records}, {"3"})
        self.assertEqual(len({record["env"]["PADDLE_MASTER_ENDPOINT"] for record in records}), 1)
        self.assertEqual(len({record["env"]["PADDLE_WORKER_ENDPOINT"] for record in records}), 3)

    def test_a_master_is_needed(self):
        done = self.launch("--run_mode=rpc", "train.py")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--master", done.stderr)


class RefusedTest(PaddleCase):
    """Bad input: one line, before anything starts (§0, §1, Decided)."""

    REFUSED = [
        ([], 2, "the following arguments are required: training_script"),
        (["--nproc_per_node=x", "train.py"], 2, "invalid int value: 'x'"),
        (["--nproc_per_node=-1", "train.py"], 1, "nproc_per_node"),
        (["--rank=x", "train.py"], 2, "invalid int value: 'x'"),
        (["--max_restart=x", "train.py"], 2, "invalid int value: 'x'"),
        (["--server", "train.py"], 2, "ambiguous option"),
        (["--nnodes=x", "train.py"], 1, "nnodes"),
        (["--nnodes=0", "train.py"], 1, "nnodes"),
        (["--nnodes=4:2", "train.py"], 1, "nnodes"),
        (["--log_level=loud", "train.py"], 1, "log_level"),
        (["--log_dir=", "train.py"], 1, "log_dir"),
        (["--run_mode=foo", "train.py"], 1, "run_mode"),
        (["--devices=9", "train.py"], 1, "9"),
        (["--devices=0,1", "--nproc_per_node=4", "train.py"], 1, "nproc_per_node"),
        (["--ips=127.0.0.1,10.0.0.1", "train.py"], 1, "127.0.0.1"),
        (["--servers=10.9.9.1:1", "--trainers=10.9.9.1:2", "train.py"], 1, "10.9.9.1"),
        (["--master=nonsense", "--nnodes=2", "train.py"], 1, "nonsense"),
        (["no_such.py"], 2, "no_such.py"),
        (["./no_such_program"], 1, "no_such_program"),
    ]

    def test_refused(self):
        for words, code, text in self.REFUSED:
            with self.subTest(" ".join(words)):
                env = {"CUDA_VISIBLE_DEVICES": "0,1"} if "--devices" in " ".join(words) else {}
                done = self.launch(*words, env=env)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertIn(text, done.stdout + done.stderr)
                self.assertNotIn("Traceback", done.stderr)
                self.assertEqual(self.bench.records(), [])

    def test_a_bad_number_in_the_environment_is_refused_too(self):
        done = self.launch("train.py", env={"PADDLE_MAX_RESTART": "many"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("PADDLE_MAX_RESTART", done.stdout + done.stderr)

    def test_help(self):
        for flag in ("-h", "--help"):
            done = self.launch(flag)
            self.assertEqual(done.returncode, 0)
            for word in ("--nproc_per_node", "--heter_workers", "PADDLE_LAUNCH_PYTHON"):
                self.assertIn(word, done.stdout)


class EndTest(PaddleCase):
    """Ends of trainers and of the launcher (§3)."""

    def test_the_exit_code_is_the_first_causes(self):
        for act, code in (("PADDLE_TRAINER_ID=1:exit 3;hang", 3),
                          ("PADDLE_TRAINER_ID=1:exit 3;ignore-term+hang", 3),
                          ("PADDLE_TRAINER_ID=0:exit 7;hang", 7)):
            with self.subTest(act):
                self.bench.fresh(["train.py"])
                done = self.launch("--nproc_per_node=2", "train.py", env={"PROBE_ACT": act})
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn("Pod failed", done.stderr)
                self.assertIn("Container failed !!!", done.stderr)
                self.assertIn("ERROR LOG DETAIL", done.stderr)
                self.bench.wait_gone()

    def test_grandchildren_do_not_stay(self):
        self.launch("--nproc_per_node=2", "train.py",
                    env={"PROBE_ACT": "PADDLE_TRAINER_ID=1:grandchild+sleep 200+exit 3;hang"})
        self.bench.wait_gone()

    def test_signals_stop_everything_and_are_the_exit_code(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                self.bench.fresh(["train.py"])
                process = self.bench.popen(["paddle-launch", "--nproc_per_node=2", "train.py"],
                                           env={"PROBE_ACT": "hang"})
                self.bench.records(2)
                process.send_signal(number)
                process.communicate(timeout=20)
                self.assertEqual(process.returncode, int(number))
                self.bench.wait_gone()

    def test_nothing_is_left_when_the_launcher_is_killed(self):
        process = self.bench.popen(["paddle-launch", "--nproc_per_node=2", "train.py"],
                                   env={"PROBE_ACT": "hang"})
        self.bench.records(2)
        process.kill()
        process.communicate(timeout=20)
        self.bench.wait_gone()


class ConsoleTest(PaddleCase):
    """stdout, stderr and files (§4)."""

    SPEAK = {"PROBE_ACT": "PADDLE_TRAINER_ID=0:print I am zero;print I am another"}

    def test_stdout_is_process_zero(self):
        done = self.launch("--nproc_per_node=2", "train.py", env=self.SPEAK)
        self.assertIn("I am zero\n", done.stdout)
        self.assertNotIn("I am another", done.stdout)
        self.assertIn("I am another", self.bench.read("log/workerlog.1"))

    def test_stderr_tells_the_story(self):
        done = self.launch("--nproc_per_node=2", "train.py")
        for text in ("-----------  Configuration  ----------------------", "nproc_per_node: 2",
                     "Job: default, mode collective, replicas 1[1:1], elastic False",
                     "replicas 2, status ready", "Watching Pod:", "Pod completed", "Exit code 0"):
            self.assertIn(text, done.stderr)

    def test_an_override_is_told_on_stdout(self):
        done = self.launch("--log_dir=x", "train.py", env={"PADDLE_LOG_DIR": "y"})
        self.assertIn("args log_dir will be overridden by env: PADDLE_LOG_DIR value: y", done.stdout)

    def test_logs_are_appended_unless_asked(self):
        for flags, text in (((), "old\nI am zero\n"), (("--log_overwrite=true",), "I am zero\n")):
            with self.subTest(str(flags)):
                self.bench.fresh(["train.py"])
                os.mkdir(os.path.join(self.bench.cwd, "log"))
                self.bench.write("log/workerlog.0", "old\n")
                done = self.launch(*flags, "train.py", env=self.SPEAK)
                self.assertEqual(self.bench.read("log/workerlog.0"), text)
                self.assertNotIn("old", done.stdout)

    def test_files_beside_the_logs(self):
        self.launch("--nproc_per_node=2", "--job_id=j7", "train.py")
        names = os.listdir(os.path.join(self.bench.cwd, "log"))
        for name in ("workerlog.0", "workerlog.1", "envlog.0", "envlog.1", "backup_env.0.json",
                     "backup_env.1.json"):
            self.assertIn(name, names)
        self.assertTrue([name for name in names if name.startswith("j7.") and name.endswith(".log")])
        backup = json.loads(self.bench.read("log/backup_env.1.json"))
        self.assertEqual(backup["PADDLE_TRAINER_ID"], "1")

    def test_deprecated_flags_are_followed_with_one_warning(self):
        done = self.launch("--ips=127.0.0.1", "train.py")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len([line for line in (done.stdout + done.stderr).splitlines()
                              if "deprecated" in line.lower()]), 1)


class CommandTest(PaddleCase):
    """What is run (§1, last rows)."""

    def test_a_program_is_run_as_it_is(self):
        _, records = self.succeed("python", "x.txt", "a b", count=1)
        self.assertEqual(records[0]["argv"], ["python", "x.txt", "a b"])

    def test_arguments_are_the_scripts_own(self):
        _, records = self.succeed("train.py", "--nproc_per_node=9", "--a", "b", "--", "c", count=1)
        self.assertEqual(records[0]["argv"][2:],
                         ["train.py", "--nproc_per_node=9", "--a", "b", "--", "c"])

    def test_the_interpreter_may_be_named(self):
        _, records = self.succeed("train.py", count=1,
                                  env={"PADDLE_LAUNCH_PYTHON": self.bench.path("bin", "python")})
        self.assertEqual(os.path.basename(records[0]["argv"][0]), "python")
        check_process(self, records)


class IpuTest(PaddleCase):
    """The poprun line (§2.6, §6)."""

    LINE = ("ipu", "--hosts=localhost", "--nproc_per_host=2", "--ipus_per_replica=1",
            "--ipu_partition=pod16", "--vipu_server=127.0.0.1", "train.py")

    def setUp(self):
        super().setUp()
        probe = self.bench.bin.program("tests/programs/launch_probe")
        if not os.path.exists(self.bench.path("bin", "poprun")):
            os.symlink(probe, self.bench.path("bin", "poprun"))

    def test_example_ten(self):
        done, records = self.succeed("--devices", "4", *self.LINE, count=1)
        argv = records[0]["argv"]
        for part in ("--num-instances=2", "--num-replicas=4", "--ipus-per-replica=1",
                     "--host=localhost", "--vipu-partition=pod16", "--vipu-server-host=127.0.0.1",
                     "--update-partition=no", "--vipu-server-timeout=120", "--print-topology=yes",
                     "--numa-aware=yes"):
            self.assertIn(part, argv)
        self.assertIn("--mpi-local-args=-x PADDLE_TRAINERS_NUM=2 -x "
                      "PADDLE_TRAINER_ENDPOINTS=localhost:8090", argv)
        for i in range(2):
            self.assertIn(f"--instance-mpi-local-args={i}:-x PADDLE_TRAINER_ID={i} -x "
                          f"PADDLE_CURRENT_ENDPOINT=localhost:8090 -x PADDLE_RANK_IN_NODE={i}", argv)
        self.assertEqual(argv[-1], "train.py")
        self.assertIn("PopRun Command", done.stdout)

    def test_counts_must_divide(self):
        for devices, line in (("3", self.LINE[:3] + ("--ipus_per_replica=2",) + self.LINE[4:]),
                              ("3", self.LINE)):
            done = self.launch("--devices", devices, *line)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(self.bench.records(), [])

    def test_a_missing_flag_is_one_line(self):
        done = self.launch("--devices", "4", "ipu", "--hosts=localhost", "train.py")
        self.assertEqual(done.returncode, 2)
        self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    suite.main()
