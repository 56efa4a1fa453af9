"""What MindSpore's start-up code reads from its environment, and what msrun adds to it: sections
1.3 and 2 of the rules of msrun and the dynamic cluster. Nothing here opens a socket."""

import json
import os
import uuid

from variables import ContractError, Variables, check_expected

SCHEDULER, WORKER, SERVER = "MS_SCHED", "MS_WORKER", "MS_PSERVER"
ROLES = (SCHEDULER, WORKER, SERVER)

# What all processes of one job are told alike; the scheduler compares. The second line only where
# msrun started them: a script of one's own may tell the scheduler alone.
JOB_WIDE = ("MS_WORKER_NUM", "MS_SERVER_NUM", "RANK_TABLE_FILE", "MS_ENABLE_RECOVERY")
MSRUN_WIDE = ("RANK_SIZE", "MS_TOPO_TIMEOUT", "MS_NODE_TIMEOUT", "MS_RECOVERY_PATH")
# Set by msrun for every process, and by nobody else together.
MSRUN_SIGNS = ("RANK_SIZE", "MS_TOPO_TIMEOUT", "RANK_ID", "DEVICE_ID")

TLS_CONFIG = "MUSTER_MS_TLS_CONFIG"
TLS_FIELDS = ("server_cert_path", "client_cert_path", "ca_cert_path")


class Node:
    """One process of a MindSpore cluster, as its environment describes it."""

    def __init__(self, env):
        """ContractError: a variable is missing or wrong."""
        v = Variables(env)
        check_expected(v)
        self.simulated = bool(v.get("MS_SIMULATION_LEVEL"))
        self.launched_by_msrun = sum(v.has(name) for name in MSRUN_SIGNS) >= 2
        names = JOB_WIDE + (MSRUN_WIDE if self.launched_by_msrun else ())
        self.job_wide = {name: v.get(name) for name in names}
        # Each host may have it elsewhere.
        self.rank_table = self.job_wide["RANK_TABLE_FILE"]
        self.job_wide["RANK_TABLE_FILE"] = "a file" if self.rank_table else ""
        if self.simulated:
            self._read_simulation(v)
        else:
            self._read_cluster(v)
        self._read_rank(v)
        self._read_files(v)
        _check_affinity(v)

    def _read_simulation(self, v):
        v.number("MS_SIMULATION_LEVEL", 0, 3)
        for name in ("MS_ROLE", "MS_SCHED_HOST", "MS_SCHED_PORT", "MS_TOPO_TIMEOUT"):
            v.absent(name, "a simulation has no scheduler process")
        self.role = WORKER
        self.worker_num = v.number("MS_WORKER_NUM", 1)
        self.device_id = v.number("DEVICE_ID", 0)

    def _read_cluster(self, v):
        self.role = v.get("MS_ROLE").replace("MS_SERVER", SERVER)
        if self.role not in ROLES:
            raise ContractError("MS_ROLE", f"Role name '{v.get('MS_ROLE')}' is invalid (and "
                                           "MS_SIMULATION_LEVEL, which needs none, is not set)")
        self.scheduler = f"{v.address('MS_SCHED_HOST')}:{v.number('MS_SCHED_PORT', 1, 65535)}"
        self.worker_num = v.number("MS_WORKER_NUM", 1)
        self.server_num = v.number("MS_SERVER_NUM", 0) if v.has("MS_SERVER_NUM") else 0
        if self.role == SERVER and self.server_num == 0:
            raise ContractError("MS_SERVER_NUM", "it is not set, and MS_ROLE is that of a server")
        required = self.launched_by_msrun
        timeout = v.number("MS_TOPO_TIMEOUT", -1 << 31) if required or v.has(
            "MS_TOPO_TIMEOUT") else 1800
        self.topo_timeout = None if timeout < 0 else timeout
        beat = v.number("MS_NODE_TIMEOUT", -1 << 31) if v.has("MS_NODE_TIMEOUT") else 30
        self.node_timeout = None if beat < 0 else beat
        self.recovery = v.has("MS_ENABLE_RECOVERY") and v.one_of("MS_ENABLE_RECOVERY",
                                                                 ("0", "1")) == "1"
        self.recovery_path = v.get("MS_RECOVERY_PATH")
        self.node_id = v.get("MS_NODE_ID") or str(uuid.uuid4())
        needs_device = self.launched_by_msrun and self.role == WORKER
        if needs_device and not v.has("DEVICE_ID"):
            raise ContractError("DEVICE_ID", f"it is not set, and MS_ROLE is {self.role}")
        self.device_id = v.number("DEVICE_ID", 0) if v.has("DEVICE_ID") else None

    def _read_rank(self, v):
        """RANK_SIZE, RANK_ID and MS_NODE_ID, which say the same thing twice."""
        if not self.launched_by_msrun:
            return
        size = v.number("RANK_SIZE", 1)
        if size != self.worker_num and not self.simulated:
            raise ContractError("RANK_SIZE", f"it is {size}, and MS_WORKER_NUM {self.worker_num}")
        if self.role == SCHEDULER:
            v.exactly("RANK_ID", 0, f"MS_ROLE is {SCHEDULER}, and the scheduler's is always 0")
            return
        if v.has("RANK_ID"):
            # One that is too large is the scheduler's to reject.
            rank = v.number("RANK_ID", 0, size - 1 if self.simulated else None)
            if not self.simulated:
                v.exactly("MS_NODE_ID", rank, "RANK_ID is known, and both are the rank")
        elif v.get("MS_NODE_ID").isdigit() and self.role == WORKER:
            raise ContractError("RANK_ID", "it is not set, and MS_NODE_ID is a rank")

    def _read_files(self, v):
        _check_tls(v)
        if not v.has("RANK_TABLE_FILE"):
            return
        path = v.text("RANK_TABLE_FILE")
        if not os.access(path, os.R_OK):
            raise ContractError("RANK_TABLE_FILE", f"'{path}' cannot be read")
        if self.role == WORKER and self.device_id is None:
            raise ContractError("DEVICE_ID", "it is not set, and a rank table needs it")


def _check_tls(v):
    """The file that the script hands to set_ps_context(config_file_path=…)."""
    if not v.has(TLS_CONFIG):
        return
    path = v.text(TLS_CONFIG)
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except (OSError, ValueError) as error:
        raise ContractError(TLS_CONFIG, f"'{path}': {error}") from None
    missing = [name for name in TLS_FIELDS if name not in config]
    if missing:
        raise ContractError(TLS_CONFIG, f"'{path}' lacks {', '.join(missing)}")


def _check_affinity(v):
    if not v.has("MSRUN_CPU_LIST"):
        return
    bound = str(sorted(os.sched_getaffinity(0)))
    if v.get("MSRUN_CPU_LIST") != bound:
        raise ContractError("MSRUN_CPU_LIST",
                            f"it is '{v.get('MSRUN_CPU_LIST')}', and the process runs on {bound}")
