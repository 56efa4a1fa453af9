#!/usr/bin/env python3
"""The stand-in for Paddle, with the environments of tests/golden/paddle-*: whole jobs meet and
train; a job that lost a variable, or has a wrong one, fails and names it."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import gang as gangs  # noqa: E402
import paddle_env  # noqa: E402
from variables import ContractError  # noqa: E402

# Set by Muster, and no concern of Paddle's rules: its new launcher does not touch the visible list.
NOT_PADDLES = {"CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"}
NOT_THE_LEGACY_LAUNCHERS = {"CUDA_DEVICE_ORDER"}
# A wrong value that is not simply another number or word.
WRONG = {
    "PADDLE_LOG_DIR": "log",
    "PADDLE_BACKUP_ENV_PATH": "/nowhere/backup_env.json",
    "PADDLE_GLOO_FS_PATH": "/tmp",
    "PADDLE_WORKER_ENDPOINT": "192.0.2.1:9",
    "PADDLE_STAGE_TRAINERS_NUM": "[9, 9, 9]",
    "POD_NAME": "thirds",
}


def wrong(name, value):
    """Another value of the same form."""
    if name in WRONG:
        return WRONG[name]
    head, separator, last = value.rpartition(":")
    if separator and last.isdigit():
        return f"{head}:{int(last) - 1}"  # The last port of a list, too.
    if value.isdigit():
        return str(int(value) + 1)
    return value + "x"


def write_backup(env):
    path = env.get("PADDLE_BACKUP_ENV_PATH", "")
    if os.path.isdir(os.path.dirname(path)):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(env, file)


def start(gang, sections, seconds="20"):
    for title, env in sections.items():
        write_backup(env)
        gang.start(title, {**env, "STANDIN_TIMEOUT": seconds})


class WholeJobTest(unittest.TestCase):

    def run_golden(self, name):
        with gangs.Gang("train.py") as gang:
            start(gang, gangs.at_home(gangs.read_golden(name), gang.folder))
            for title, code in gang.wait().items():
                output = gang.output(title)
                self.assertEqual(code, 0, f"{title}:\n{output}")
                self.assertIn("stands for Paddle, which is not installed here", output)
            return {title: gang.output(title) for title in gang.wait()}

    def test_collective(self):
        for name in ("paddle-collective-1-host.golden", "paddle-collective-2-hosts.golden"):
            for output in self.run_golden(name).values():
                self.assertIn("has met all others", output)
                self.assertIn("epoch: 0, step: 0, loss is ", output)

    def test_rpc(self):
        for output in self.run_golden("paddle-rpc-2-hosts.golden").values():
            self.assertIn("has called all others", output)

    def test_parameter_servers_stop_when_their_trainers_are_done(self):
        for name in ("paddle-ps-1-host.golden", "paddle-ps-2-hosts.golden",
                     "paddle-ps-legacy-2-hosts.golden"):
            outputs = self.run_golden(name)
            self.assertIn("PSERVER 1 stops: all trainers are done", outputs["server 1"])
            self.assertIn("epoch: 0, step: 30, loss is ", outputs["trainer 3"])

    def test_every_step_goes_through_all_stages(self):
        outputs = self.run_golden("paddle-heter-2-hosts.golden")
        self.assertIn("HETER_TRAINER of stage 3 stops", outputs["heter-3 3"])

    def test_a_list_that_is_only_in_the_backup_file_is_found(self):
        with gangs.Gang("train.py") as gang:
            sections = gangs.at_home(gangs.read_golden("paddle-collective-1-host.golden"),
                                     gang.folder)
            for title, env in sections.items():
                write_backup(env)
                env.pop("PADDLE_TRAINER_ENDPOINTS")
                gang.start(title, env)
            self.assertEqual(set(gang.wait().values()), {0})

    def test_a_missing_trainer_is_counted(self):
        with gangs.Gang("train.py") as gang:
            sections = gangs.at_home(gangs.read_golden("paddle-collective-1-host.golden"),
                                     gang.folder)
            sections.pop("worker 3")
            start(gang, sections, seconds="1")
            self.assertEqual(set(gang.wait().values()), {1})
            self.assertIn("PADDLE_MASTER: 3 of 4 (PADDLE_TRAINERS_NUM) came in 1.0 s; 1 missing",
                          gang.output("worker 2"))

    def test_one_that_fails_on_purpose_does_so(self):
        env = gangs.read_golden("paddle-rpc-1-host.golden")["worker 1"]
        with gangs.Gang("train.py") as gang:
            env = gangs.at_home({"worker 1": env}, gang.folder)["worker 1"]
            write_backup(env)
            gang.start("one", env, "--fail_rank", "1", "--exit_code", "9")
            self.assertEqual(gang.wait(), {"one": 9})


class MutantTest(unittest.TestCase):
    """Drops and alters every variable of one process of each role."""

    def hunt(self, golden, titles, passed_over=NOT_PADDLES):
        for title in titles:
            for name in sorted(set(gangs.read_golden(golden)[title]) - passed_over):
                for drop in (True, False):
                    with self.subTest(golden=golden, process=title, variable=name, drop=drop):
                        self.assertIn(name, self.complaint(golden, title, name, drop))

    def complaint(self, golden, title, name, drop):
        """What the job says when it fails; the process alone, where that suffices."""
        with gangs.Gang("train.py") as gang:
            sections = gangs.at_home(gangs.read_golden(golden), gang.folder)
            env = sections[title]
            if drop:
                del env[name]
            else:
                env[name] = wrong(name, env[name])
            write_backup(env)
            try:
                paddle_env.read(env)
            except ContractError as error:
                return str(error)
            start(gang, sections, seconds="2")
            said = gang.wait_for_failure()
            return said if name in said else self.everything(gang, sections)

    @staticmethod
    def everything(gang, sections):
        """Whoever fails first need not be the one that knows."""
        gang.wait()
        return "\n".join(gang.output(title) for title in sections
                         if gang.process(title).returncode != 0)

    def test_collective(self):
        self.hunt("paddle-collective-1-host.golden", ["worker 0", "worker 3"])

    def test_rpc(self):
        self.hunt("paddle-rpc-1-host.golden", ["worker 3"])

    def test_parameter_servers(self):
        self.hunt("paddle-ps-1-host.golden", ["server 1", "trainer 3"])

    def test_the_legacy_launchers_parameter_servers(self):
        self.hunt("paddle-ps-legacy-1-host.golden", ["trainer 3"],
                  NOT_THE_LEGACY_LAUNCHERS)

    def test_stages(self):
        self.hunt("paddle-heter-2-hosts.golden", ["trainer 3", "heter-2 3", "heter-3 3"],
                  NOT_THE_LEGACY_LAUNCHERS)


if __name__ == "__main__":
    unittest.main()
