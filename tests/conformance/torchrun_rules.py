"""torchrun's rules a second time, from the page of its facts: what each rank of a call must get."""

import dataclasses
import os

# Of every rank, and nobody else's.
OWN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE",
       "ROLE_NAME", "ROLE_RANK", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
       "TORCHELASTIC_RESTART_COUNT", "TORCHELASTIC_MAX_RESTARTS", "TORCHELASTIC_RUN_ID",
       "TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_ERROR_FILE", "OMP_NUM_THREADS",
       "NCCL_ASYNC_ERROR_HANDLING")


@dataclasses.dataclass
class Case:
    """One call on one host."""

    flags: tuple = ()
    nproc: int = 1
    script: tuple = ("train.py",)
    env: dict = dataclasses.field(default_factory=dict)
    role: str = "default"
    run_id: str = "none"  # "": any.
    max_restarts: int = 0
    master_addr: str = "127.0.0.1"
    master_port: int = 0  # 0: any.
    argv: tuple = ()  # Of the workers; "{r}" is the local rank. Empty: python3 -u script.
    out: dict = dataclasses.field(default_factory=dict)  # Streams that are files: {0: "oe"}.

    def words(self):
        return ["torchrun", *self.flags, *self.script]

    def name(self):
        env = " ".join(f"{k}={v}" for k, v in self.env.items())
        return " ".join([env, *self.words()]).strip()

    def expected(self, local_rank):
        """The variables of one rank; None: any value."""
        want = {
            "RANK": str(local_rank), "WORLD_SIZE": str(self.nproc),
            "LOCAL_RANK": str(local_rank), "LOCAL_WORLD_SIZE": str(self.nproc),
            "GROUP_RANK": "0", "GROUP_WORLD_SIZE": "1",
            "ROLE_NAME": self.role, "ROLE_RANK": str(local_rank), "ROLE_WORLD_SIZE": str(self.nproc),
            "MASTER_ADDR": self.master_addr, "MASTER_PORT": str(self.master_port or "") or None,
            "TORCHELASTIC_RESTART_COUNT": "0",
            "TORCHELASTIC_MAX_RESTARTS": str(self.max_restarts),
            "TORCHELASTIC_RUN_ID": self.run_id or None,
            "TORCHELASTIC_USE_AGENT_STORE": "False",
            "TORCHELASTIC_ERROR_FILE": None,
            "NCCL_ASYNC_ERROR_HANDLING": self.env.get("NCCL_ASYNC_ERROR_HANDLING", "1"),
        }
        if "OMP_NUM_THREADS" in self.env:
            want["OMP_NUM_THREADS"] = self.env["OMP_NUM_THREADS"]
        elif self.nproc > 1:
            want["OMP_NUM_THREADS"] = "1"
        return want

    def worker_argv(self, local_rank, interpreter):
        argv = self.argv or (interpreter, "-u", *self.script)
        return [word.replace("{r}", str(local_rank)).replace("{python}", interpreter)
                for word in argv]


def cases():
    """Flags alone, in both spellings, from the environment, and together."""
    found = [Case()]
    for nproc in (1, 2, 3, 4, 8):
        for flag in ("--nproc_per_node", "--nproc-per-node", "--nproc", "--nproc_per"):
            found.append(Case((flag, str(nproc)), nproc))
            found.append(Case((f"{flag}={nproc}",), nproc))
        found.append(Case((), nproc, env={"PET_NPROC_PER_NODE": str(nproc)}))
    for word in ("cpu", "auto"):
        found.append(Case(("--nproc_per_node", word), len(os.sched_getaffinity(0))))
    for flags in (("--standalone",), ("--rdzv_backend=c10d",), ("--rdzv-backend", "c10d"),
                  ("--rdzv_backend=c10d", "--rdzv_endpoint=localhost:0"),
                  ("--rdzv_backend=c10d", "--rdzv_endpoint=elsewhere:29400"),
                  ("--standalone", "--nnodes=1:4", "--rdzv_id=given")):
        run_id = "" if "--standalone" in flags else "none"
        found.append(Case((*flags, "--nproc_per_node=2"), 2, run_id=run_id))
    found.append(Case(("--nproc_per_node=2",), 2, env={"PET_STANDALONE": "1"}, run_id=""))
    found.append(Case(("--nproc_per_node=2",), 2, env={"PET_STANDALONE": "0"}))
    for address in ("127.0.0.1", "localhost", "127.0.0.7", "node-0.example"):
        found.append(Case((f"--master_addr={address}", "--nproc=2"), 2, master_addr=address))
        found.append(Case((f"--rdzv_endpoint={address}:23456",), master_addr=address,
                          master_port=23456))
        found.append(Case((), env={"PET_MASTER_ADDR": address}, master_addr=address))
    for port in (23457, 23458):
        for flag in ("--master_port", "--master-port"):
            found.append(Case((f"{flag}={port}",), master_port=port))
        found.append(Case((), env={"PET_MASTER_PORT": str(port)}, master_port=port))
    for nnodes in ("1", "1:1"):
        for rank in ((), ("--node_rank=0",), ("--node-rank", "0")):
            found.append(Case((f"--nnodes={nnodes}", *rank)))
    for role in ("trainer", "default", "Ä b"):
        found.append(Case((f"--role={role}", "--nproc=2"), 2, role=role))
    for run_id in ("job-1", "a b"):
        for backend in ("static", "c10d"):
            found.append(Case((f"--rdzv_id={run_id}", f"--rdzv_backend={backend}"), run_id=run_id))
    for restarts in (0, 3):
        found.append(Case(("--max_restarts", str(restarts)), max_restarts=restarts))
        found.append(Case((), env={"PET_MAX_RESTARTS": str(restarts)}, max_restarts=restarts))
    for interval, method in (("0.1", "spawn"), ("30", "fork"), ("5", "forkserver")):
        found.append(Case((f"--monitor_interval={interval}", f"--start_method={method}")))
    found += _command_cases()
    found += _stream_cases()
    for env in ({"OMP_NUM_THREADS": "4"}, {"NCCL_ASYNC_ERROR_HANDLING": "0"}, {"RANK": "7"},
                {"WORLD_SIZE": "9", "MASTER_ADDR": "x", "TORCHELASTIC_RUN_ID": "old"},
                {"NCCL_DEBUG": "INFO", "SLURM_NODEID": "3"}):
        for nproc in (1, 2):
            found.append(Case((f"--nproc={nproc}",), nproc, env=env))
    return found


def _command_cases():
    found = []
    python = ("{python}", "-u")
    for flag in ("-m", "--module"):
        found.append(Case((flag,), script=("pkg.mod", "-m", "x"),
                          argv=(*python, "-m", "pkg.mod", "-m", "x")))
    found.append(Case((), env={"PET_MODULE": "1"}, script=("pkg",), argv=(*python, "-m", "pkg")))
    for flag in ("--no_python", "--no-python"):
        found.append(Case((flag, "--nproc=2"), 2, script=("pytest", "-k", "a b"),
                          argv=("pytest", "-k", "a b")))
    for words in (("t.py", "--nproc_per_node=9"), ("t.py", "", "ü", "$HOME", "a'b"),
                  ("dir/t.py", "-h")):
        found.append(Case(("--nproc=2",), 2, script=words, argv=(*python, *words)))
    found.append(Case(("--nproc=2",), 2, script=("t.py", "${local_rank}", "x$local_rank", "$$"),
                      argv=(*python, "t.py", "{r}", "x{r}", "$")))
    found.append(Case(("--pass_local_rank", "--nproc=2"), 2, script=("t.py", "a"),
                      argv=(*python, "t.py", "--local_rank={r}", "a")))
    found.append(Case(("--pass_local_rank", "--use_env"), script=("t.py",), argv=(*python, "t.py")))
    return found


def _stream_cases():
    """Both flags with values for all ranks, and rank by rank."""
    found = []
    streams = {0: "", 1: "o", 2: "e", 3: "oe"}
    for redirect in streams:
        for tee in streams:
            both = streams[redirect | tee]
            found.append(Case(("-r", str(redirect), "-t", str(tee), "--nproc=2"), 2,
                              out={0: both, 1: both}))
    found.append(Case(("--redirects", "0:3,1:1", "--nproc=3"), 3, out={0: "oe", 1: "o"}))
    found.append(Case(("--tee", "1:2", "--redirects=0:1", "--nproc=3"), 3, out={0: "o", 1: "e"}))
    found.append(Case(("--nproc=2",), 2, env={"PET_REDIRECTS": "2"}, out={0: "e", 1: "e"}))
    return found
