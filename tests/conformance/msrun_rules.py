"""msrun's rules, written a second time from the contract page alone (its sections are named here).

What a command line must start: `expected(case)` gives one dictionary per process.
"""

import dataclasses
import socket
from typing import Optional


@dataclasses.dataclass
class Case:
    """One call of msrun on one host, and the environment of the caller that matters."""

    worker_num: Optional[int] = None
    local_worker_num: Optional[int] = None
    master_addr: Optional[str] = None
    master_port: Optional[int] = None
    node_rank: Optional[int] = None
    log_dir: Optional[str] = None
    join: Optional[str] = "True"
    cluster_time_out: Optional[int] = None
    sim_level: Optional[int] = None
    sim_rank_id: Optional[int] = None
    rank_table_file: Optional[str] = None
    worker_log_name: Optional[str] = None
    tail_worker_log: Optional[str] = None
    env: dict = dataclasses.field(default_factory=dict)
    script: tuple = ("net.py", "--lr=0.1")
    style: str = "="  # How flags are written: "=", " ", or "-" for their shortest unique prefixes.

    def words(self):
        line = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in ("env", "script", "style") or value is None:
                continue
            if self.style == " ":
                line += [f"--{field.name}", str(value)]
            elif self.style == "-":
                line.append(f"--{SHORTEST[field.name]}={value}")
            else:
                line.append(f"--{field.name}={value}")
        return line + list(self.script)

    def name(self):
        shown = " ".join(self.words())
        return shown + (f" with {self.env}" if self.env else "")


# §1.1 Parsing: unique prefixes are accepted.
SHORTEST = {
    "worker_num": "worker_n", "local_worker_num": "loca", "master_addr": "master_a",
    "master_port": "master_p", "node_rank": "n", "log_dir": "log", "join": "j",
    "cluster_time_out": "c", "sim_level": "sim_l", "sim_rank_id": "sim_r",
    "rank_table_file": "r", "worker_log_name": "worker_l", "tail_worker_log": "t",
}


def expected(case, addresses, hostname):
    """One dictionary per process: role, env (what is set), absent, log, argv.

    `addresses` are the host's own (§1.7).
    """
    workers = 8 if case.worker_num is None else case.worker_num
    local = 8 if case.local_worker_num is None else case.local_worker_num
    node_rank = -1 if case.node_rank is None else case.node_rank
    address = socket.gethostbyname(case.master_addr or "127.0.0.1")
    port = case.master_port or 8118

    # §1.2: python, python3 and pytest run as they are; all else is a script of python.
    # §1.1: argparse drops a `--` next to the script.
    script = list(case.script)
    if len(script) > 1 and script[1] == "--":
        del script[1]
    argv = script if script[0] in ("python", "python3", "pytest") else ["python", *script]

    # §1.9
    simulated = case.sim_level is not None or bool(case.env.get("MS_SIMULATION_LEVEL"))
    common = {"MS_WORKER_NUM": str(workers), "RANK_SIZE": str(workers)}
    sim_rank = -1 if case.sim_rank_id is None else case.sim_rank_id
    if case.sim_level is not None:
        common["MS_SIMULATION_LEVEL"] = str(case.sim_level)
    elif simulated:
        common["RANK_SIZE"] = case.env.get("RANK_SIZE", str(workers))
        sim_rank = int(case.env.get("RANK_ID", "-1"))
    if not simulated:
        common.update({"MS_SCHED_HOST": address, "MS_SCHED_PORT": str(port),
                       "MS_TOPO_TIMEOUT": str(case.cluster_time_out or 600)})
    if case.rank_table_file is not None:
        common["RANK_TABLE_FILE"] = case.rank_table_file

    directory = (case.log_dir + "/") if case.log_dir else ""
    name = (case.worker_log_name or "worker").replace("{ip}", "127.0.0.1")
    name = name.replace("{hostname}", hostname)

    processes = []
    if not simulated and address in addresses:
        processes.append({
            "role": "scheduler", "argv": argv, "log": directory + "scheduler.log",
            "env": {**common, "MS_ROLE": "MS_SCHED", "RANK_ID": "0"},  # §1.3
            "absent": {"MS_NODE_ID"},                                 # §8
        })
    if simulated and sim_rank != -1:
        processes.append({
            "role": "worker", "argv": argv, "log": f"{directory}{name}_0.log",
            "env": {**common, "RANK_ID": str(sim_rank), "DEVICE_ID": "0"},
            "absent": {"MS_ROLE", "MS_SCHED_HOST", "MS_SCHED_PORT", "MS_TOPO_TIMEOUT"},
            "any": {"MS_NODE_ID"},
        })
        return processes
    for i in range(max(local, 0)):
        # §1.3: known when all run here, or by the node's rank.
        rank = i if local == workers else node_rank * local + i if node_rank >= 0 else None
        env = {**common, "DEVICE_ID": str(i)}
        absent = set()
        if simulated:
            absent |= {"MS_ROLE", "MS_SCHED_HOST", "MS_SCHED_PORT", "MS_TOPO_TIMEOUT"}
        else:
            env["MS_ROLE"] = "MS_WORKER"
        if rank is None:
            absent |= {"RANK_ID", "MS_NODE_ID"}  # §8: automatic ranks have no RANK_ID.
        else:
            env.update({"RANK_ID": str(rank), "MS_NODE_ID": str(rank)})
        processes.append({
            "role": "worker", "argv": argv, "env": env, "absent": absent,
            "log": f"{directory}{name}_{i if rank is None else rank}.log",  # §1.4
        })
    return processes
