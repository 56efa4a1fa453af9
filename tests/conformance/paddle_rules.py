"""paddle.distributed.launch's rules, written a second time from the contract page alone.

`check_gang(test, records, …)` looks at all processes of a job together: ports are free ones, so what
matters is that all lists agree and each process finds itself in them.
"""

import dataclasses
from typing import Optional

import drop_in

PROXIES = ("http_proxy", "https_proxy")


@dataclasses.dataclass
class Collective:
    """One call on one host, without a master (§2.1)."""

    flags: dict = dataclasses.field(default_factory=dict)
    env: dict = dataclasses.field(default_factory=dict)
    style: str = "="
    # What must come out.
    size: int = 1
    selected: Optional[list] = None  # FLAGS_selected_* of each process; None: gloo, no device.
    flag: str = "gpus"
    log_dir: str = "log"
    command: tuple = ("train.py", "--lr=0.01")
    ip: Optional[str] = None

    def words(self):
        line = []
        for name, value in self.flags.items():
            line += [f"--{name}", str(value)] if self.style == " " else [f"--{name}={value}"]
        return line + list(self.command)

    def name(self):
        return " ".join(self.words()) + (f" with {self.env}" if self.env else "")


def check_collective(test, case, records):
    """All trainers of one host."""
    test.assertEqual(len(records), case.size)
    by_rank = {int(record["env"]["PADDLE_TRAINER_ID"]): record for record in records}
    test.assertEqual(sorted(by_rank), list(range(case.size)))
    lists = {record["env"]["PADDLE_TRAINER_ENDPOINTS"] for record in records}
    test.assertEqual(len(lists), 1, "all agree on the endpoints")
    endpoints = lists.pop().split(",")
    test.assertEqual(len(set(endpoints)), case.size)
    masters = {record["env"]["PADDLE_MASTER"] for record in records}
    test.assertEqual(len(masters), 1)
    test.assertNotIn(masters.copy().pop(), endpoints, "the master's port is one of its own (§2.1)")
    for rank, record in by_rank.items():
        env = record["env"]
        want = {
            "PADDLE_GLOBAL_SIZE": case.size, "PADDLE_TRAINERS_NUM": case.size,
            "PADDLE_LOCAL_SIZE": case.size, "PADDLE_GLOBAL_RANK": rank, "PADDLE_TRAINER_ID": rank,
            "PADDLE_LOCAL_RANK": rank, "PADDLE_RANK_IN_NODE": rank, "PADDLE_NNODES": 1,
            "PADDLE_CURRENT_ENDPOINT": endpoints[rank], "PADDLE_AUTO_CLUSTER": 0,
        }
        for name, value in want.items():
            test.assertEqual(env.get(name), str(value), f"{name} of {rank}")
        if case.selected is None:
            test.assertEqual(env.get("PADDLE_DISTRI_BACKEND"), "gloo")
            test.assertFalse([name for name in env if name.startswith("FLAGS_selected_")])
        else:
            test.assertEqual(env.get(f"FLAGS_selected_{case.flag}"), case.selected[rank])
            test.assertNotEqual(env.get("PADDLE_DISTRI_BACKEND"), "gloo")
        if case.ip:
            test.assertTrue(endpoints[rank].startswith(case.ip + ":"), endpoints[rank])
    check_common(test, case.env, case.log_dir, records)
    for rank, record in by_rank.items():
        test.assertEqual(log_of(test, record), f"{case.log_dir}/workerlog.{rank}")


def check_common(test, given, log_dir, records):
    """What every process of the new launcher has (§2)."""
    pods = {record["env"].get("POD_NAME") for record in records}
    test.assertEqual(len(pods), 1)
    test.assertRegex(pods.pop(), "^[a-z]{6}$")
    for record in records:
        env = record["env"]
        for name in PROXIES:
            test.assertNotIn(name, env)
        test.assertEqual(env.get("PADDLE_LOG_DIR"), test.bench.cwd + "/" + log_dir)
        if "PADDLE_TRAINER_ID" in env:
            test.assertTrue(env.get("PADDLE_BACKUP_ENV_PATH", "").endswith(
                f"{log_dir}/backup_env.{env['PADDLE_TRAINER_ID']}.json"))
        if "CUDA_VISIBLE_DEVICES" in given:
            test.assertEqual(env.get("CUDA_VISIBLE_DEVICES"), given["CUDA_VISIBLE_DEVICES"],
                             "the new launcher does not touch it (§2)")
    check_process(test, records)


def check_process(test, records):
    for record in records:
        test.assertEqual(record["sid"], record["pid"], "a session of its own (§2)")
        test.assertEqual(record["cwd"], test.bench.cwd)
        test.assertEqual(record["fds"]["0"], "/dev/null")
        test.assertEqual(record["fds"]["1"], record["fds"]["2"])
        test.assertEqual(sorted(record["fds"]), ["0", "1", "2"], "descriptors leak into a rank")
        test.assertEqual(int(record["blocked"], 16), 0)
        test.assertEqual(drop_in.ignored_signals(record), drop_in.ignored_here())


def log_of(test, record):
    return record["fds"]["1"].replace(test.bench.cwd + "/", "")


def check_ps(test, records, servers, trainers, nnodes=1, legacy=False, log_dir="log"):
    """A parameter-server job on one host (§2.3, §2.4); returns (servers, trainers) by index."""
    roles = {"PSERVER": [], "TRAINER": [], "HETER_TRAINER": []}
    for record in records:
        roles[record["env"]["TRAINING_ROLE"]].append(record)
    test.assertEqual((len(roles["PSERVER"]), len(roles["TRAINER"])), (servers, trainers))
    for name in ("PADDLE_PSERVERS_IP_PORT_LIST", "PADDLE_TRAINER_ENDPOINTS",
                 "PADDLE_GLOO_HTTP_ENDPOINT"):
        test.assertEqual(len({record["env"][name] for record in records}), 1, name)
    env = records[0]["env"]
    server_list = env["PADDLE_PSERVERS_IP_PORT_LIST"].split(",")
    trainer_list = env["PADDLE_TRAINER_ENDPOINTS"].split(",")
    test.assertEqual((len(server_list), len(trainer_list)), (servers, trainers))
    test.assertEqual(env["PADDLE_GLOO_HTTP_ENDPOINT"].split(":")[0], server_list[0].split(":")[0])
    for role, ends in (("PSERVER", server_list), ("TRAINER", trainer_list)):
        for record in roles[role]:
            env = record["env"]
            test.assertEqual(env["PADDLE_TRAINERS_NUM"], str(trainers))
            test.assertIn(f"{env['POD_IP']}:{env['PADDLE_PORT']}", ends)
            test.assertEqual(env["PADDLE_GLOO_RENDEZVOUS"], "3")
            test.assertIn("PADDLE_GLOO_FS_PATH", env)
            test.assertIn("PADDLE_WITH_GLOO", env)
            test.assertNotIn("PADDLE_MASTER", env)
            if legacy:
                test.assertNotIn("PADDLE_ROLE", env)
                test.assertNotIn("POD_NAME", env)
            else:
                test.assertEqual(env["PADDLE_ROLE"], role)
                test.assertEqual(env.get("PADDLE_NNODES"), str(nnodes) if nnodes else None)
    for record in roles["PSERVER"]:
        test.assertNotIn("PADDLE_TRAINER_ID", record["env"])
    by_id = {int(record["env"]["PADDLE_TRAINER_ID"]): record for record in roles["TRAINER"]}
    test.assertEqual(sorted(by_id), list(range(trainers)))
    for rank, record in by_id.items():
        env = record["env"]
        test.assertEqual(trainer_list[rank], f"{env['POD_IP']}:{env['PADDLE_PORT']}")
        test.assertEqual(log_of(test, record), f"{log_dir}/workerlog.{rank}")
    logs = {log_of(test, record) for record in roles["PSERVER"]}
    test.assertEqual(logs, {f"{log_dir}/serverlog.{i}" for i in range(servers)})
    check_process(test, records)
    return roles, by_id
