"""What Paddle's start-up code reads from its environment, by mode: section 2 of the rules of
paddle.distributed.launch. Nothing here opens a socket.

Each of the check_… functions takes Variables and returns the card of its process: what its peers
compare, and what it needs to meet them. ContractError names the variable that is missing or wrong.
"""

import json
import os
import re

from variables import ContractError, Variables, check_expected

DEVICE_FLAG = "FLAGS_selected_"
VISIBLE = ("CUDA_VISIBLE_DEVICES", "XPU_VISIBLE_DEVICES")

COLLECTIVE, LEGACY_COLLECTIVE, PS, RPC = "collective", "legacy collective", "ps", "rpc"
# Who has two of these is of that mode: one may be missing, which is then said.
SIGNS = (
    (PS, ("PADDLE_PSERVERS_IP_PORT_LIST", "TRAINING_ROLE", "PADDLE_PORT", "POD_IP")),
    (RPC, ("PADDLE_MASTER_ENDPOINT", "PADDLE_WORKER_ENDPOINT")),
    (LEGACY_COLLECTIVE, ("PADDLE_LOCAL_DEVICE_IDS", "PADDLE_WORLD_DEVICE_IDS",
                         "FLAGS_selected_accelerators")),
)


def read(env):
    """(mode, card)."""
    v = _variables(env)
    check_expected(v)
    mode = _mode(v)
    check = {PS: check_ps, RPC: check_rpc, COLLECTIVE: check_collective,
             LEGACY_COLLECTIVE: check_legacy_collective}[mode]
    return mode, check(v)


def _mode(v):
    for mode, names in SIGNS:
        if sum(v.has(name) for name in names) >= (1 if mode == RPC else 2):
            return mode
    return COLLECTIVE


def _variables(env):
    """With the backup file behind it, where Paddle looks for lists that were too long to export."""
    v = Variables(env)
    if not v.has("PADDLE_BACKUP_ENV_PATH"):
        return v
    path = v.text("PADDLE_BACKUP_ENV_PATH")
    try:
        with open(path, encoding="utf-8") as file:
            backup = json.load(file)
    except (OSError, ValueError) as error:
        raise ContractError("PADDLE_BACKUP_ENV_PATH", f"'{path}': {error}") from None
    for name, value in backup.items():
        if name.startswith(("PADDLE_", "POD_")) and env.get(name, value) != value:
            raise ContractError("PADDLE_BACKUP_ENV_PATH",
                                f"'{path}' says {name}={value}, and the process {env[name]}")
    return Variables(env, backup)


def _pod(v):
    """What the new launcher tells every process."""
    name = v.text("POD_NAME")
    if not re.fullmatch("[a-z]{6}", name):
        raise ContractError("POD_NAME", f"'{name}' is not six lower-case letters")
    log_dir = v.text("PADDLE_LOG_DIR")
    if not os.path.isabs(log_dir) or not os.path.isdir(log_dir):
        raise ContractError("PADDLE_LOG_DIR", f"'{log_dir}' is no absolute path of a directory")
    if v.has("PADDLE_TRAINER_ID"):
        v.text("PADDLE_BACKUP_ENV_PATH")
    return {"POD_NAME": name, "PADDLE_LOG_DIR": log_dir}


def _own_place(v, endpoints, names):
    """The rank, told by several names at once, and its place in the list."""
    rank = v.number(names[0], 0, len(endpoints) - 1)
    for name in names[1:]:
        v.exactly(name, rank, f"{names[0]} says so")
    v.exactly("PADDLE_CURRENT_ENDPOINT", endpoints[rank],
              f"{names[0]} is {rank}, and PADDLE_TRAINER_ENDPOINTS says so")
    return rank


def check_collective(v):
    endpoints = v.endpoints("PADDLE_TRAINER_ENDPOINTS")
    for name in ("PADDLE_TRAINERS_NUM", "PADDLE_GLOBAL_SIZE"):
        v.exactly(name, len(endpoints), "PADDLE_TRAINER_ENDPOINTS has so many")
    rank = _own_place(v, endpoints, ("PADDLE_GLOBAL_RANK", "PADDLE_TRAINER_ID"))
    local_size = v.number("PADDLE_LOCAL_SIZE", 1, len(endpoints))
    local_rank = v.number("PADDLE_LOCAL_RANK", 0, local_size - 1)
    v.exactly("PADDLE_RANK_IN_NODE", local_rank, "PADDLE_LOCAL_RANK says so")
    v.exactly("PADDLE_AUTO_CLUSTER", 0, "no auto-tuner runs")
    card = _pod(v)
    card.update(rank=rank, endpoint=endpoints[rank], peers=endpoints,
                hub=v.endpoint("PADDLE_MASTER"), devices=_selected(v),
                local_rank=local_rank, local_size=local_size, same={
                    "PADDLE_NNODES": v.number("PADDLE_NNODES", 1),
                    "PADDLE_TRAINER_ENDPOINTS": endpoints,
                    "PADDLE_DISTRI_BACKEND": v.get("PADDLE_DISTRI_BACKEND"),
                    "PADDLE_XCCL_BACKEND": v.get("PADDLE_XCCL_BACKEND")})
    return card


def _selected(v):
    """Indices of the own devices within the visible list, or None without devices."""
    flags = v.names(DEVICE_FLAG)
    backend = v.get("PADDLE_DISTRI_BACKEND")
    if not flags:
        if backend != "gloo":
            raise ContractError("FLAGS_selected_gpus", "no such flag is set, and neither is "
                                                       "PADDLE_DISTRI_BACKEND=gloo")
        return None
    if len(flags) > 1:
        raise ContractError(flags[1], f"{flags[0]} is set as well")
    flag = flags[0]
    custom = flag not in ("FLAGS_selected_gpus", "FLAGS_selected_xpus", "FLAGS_selected_ipus")
    if custom:
        v.exactly("PADDLE_XCCL_BACKEND", flag[len(DEVICE_FLAG):-1], f"{flag} is set")
        v.exactly("PADDLE_DISTRI_BACKEND", "xccl", f"{flag} is set")
    elif backend:
        raise ContractError("PADDLE_DISTRI_BACKEND", f"it is '{backend}', and {flag} is set")
    text = v.text(flag)
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise ContractError(flag, f"'{text}' is no list of indices")
    indices = [int(part) for part in text.split(",")]
    visible = {"FLAGS_selected_gpus": VISIBLE[0], "FLAGS_selected_xpus": VISIBLE[1]}.get(flag, "")
    if v.has(visible) and max(indices) >= len(v.get(visible).split(",")):
        raise ContractError(flag, f"'{text}' goes beyond {visible}={v.get(visible)}")
    return {"flag": flag, "indices": indices}


def check_legacy_collective(v):
    endpoints = v.endpoints("PADDLE_TRAINER_ENDPOINTS")
    v.exactly("PADDLE_TRAINERS_NUM", len(endpoints), "PADDLE_TRAINER_ENDPOINTS has so many")
    rank = _own_place(v, endpoints, ("PADDLE_TRAINER_ID",))
    v.number("PADDLE_RANK_IN_NODE", 0, rank)
    own = v.text("PADDLE_LOCAL_DEVICE_IDS")
    world = v.text("PADDLE_WORLD_DEVICE_IDS").split(",")
    if len(world) != len(endpoints) or world[rank] != own.replace(",", ":"):
        raise ContractError("PADDLE_WORLD_DEVICE_IDS", f"'{','.join(world)}' does not have "
                                                       f"PADDLE_LOCAL_DEVICE_IDS={own} at {rank}")
    return {"rank": rank, "endpoint": endpoints[rank], "peers": endpoints, "hub": None}


def check_rpc(v):
    size = v.number("PADDLE_TRAINERS_NUM", 1)
    card = _pod(v)
    card.update(rank=v.number("PADDLE_TRAINER_ID", 0, size - 1), size=size,
                endpoint=v.endpoint("PADDLE_WORKER_ENDPOINT"),
                hub=v.endpoint("PADDLE_MASTER_ENDPOINT"), same={"PADDLE_TRAINERS_NUM": size})
    return card


def check_ps(v):
    servers = v.endpoints("PADDLE_PSERVERS_IP_PORT_LIST")
    trainers = v.endpoints("PADDLE_TRAINER_ENDPOINTS")
    v.exactly("PADDLE_TRAINERS_NUM", len(trainers), "PADDLE_TRAINER_ENDPOINTS has so many")
    role = v.one_of("TRAINING_ROLE", ("PSERVER", "TRAINER", "HETER_TRAINER"))
    own = f"{v.address('POD_IP')}:{v.number('PADDLE_PORT', 1, 65535)}"
    card = {"role": role, "endpoint": own, "servers": servers, "trainers": trainers, "stages": [],
            "stage": 1}
    if v.has("PADDLE_ALL_HETER_TRAINER_IP_PORT_LIST") or v.has("STAGE_ID"):
        _read_stages(v, card)
    legacy = v.has("PADDLE_COORDINATOR_ENDPOINTS") or role == "HETER_TRAINER"
    if legacy:
        _check_legacy(v, role)
    else:
        v.exactly("PADDLE_ROLE", role, "TRAINING_ROLE says so, and "
                  "PADDLE_COORDINATOR_ENDPOINTS, which only the legacy launcher sets, is not there")
        card.update(_pod(v))
    card["rank"] = _ps_rank(v, card)
    card["hub"] = _gloo(v, servers)
    same = ("PADDLE_PSERVERS_IP_PORT_LIST", "PADDLE_TRAINER_ENDPOINTS", "PADDLE_NNODES",
            "PADDLE_WITH_GLOO", "PADDLE_ALL_HETER_TRAINER_IP_PORT_LIST")
    card["same"] = {name: v.get(name) for name in same}
    return card


def _ps_rank(v, card):
    role, own = card["role"], card["endpoint"]
    name, peers = {
        "PSERVER": ("PADDLE_PSERVERS_IP_PORT_LIST", card["servers"]),
        "TRAINER": ("PADDLE_TRAINER_ENDPOINTS", card["trainers"]),
        "HETER_TRAINER": ("PADDLE_ALL_HETER_TRAINER_IP_PORT_LIST",
                          [e for stage in card["stages"] for e in stage]),
    }[role]
    if own not in peers:
        raise ContractError("POD_IP, PADDLE_PORT", f"{own} is not in {name}={','.join(peers)}, "
                                                   f"and TRAINING_ROLE is {role}")
    if role == "TRAINER":
        v.exactly("PADDLE_TRAINER_ID", peers.index(own), f"{own} stands there in {name}")
    else:
        v.absent("PADDLE_TRAINER_ID", f"a {role} has none")
    return peers.index(own)


def _gloo(v, servers):
    """Where all meet: on the first server's host."""
    v.one_of("PADDLE_WITH_GLOO", ("0", "1", "2"))
    v.exactly("PADDLE_GLOO_RENDEZVOUS", 3, "they meet by HTTP")
    path = v.text("PADDLE_GLOO_FS_PATH")
    if not os.path.isabs(path) or os.path.exists(path):
        raise ContractError("PADDLE_GLOO_FS_PATH", f"'{path}' is not a fresh absolute path")
    endpoint = v.endpoint("PADDLE_GLOO_HTTP_ENDPOINT")
    first = servers[0].rpartition(":")[0]
    if endpoint.rpartition(":")[0] != first or endpoint in servers:
        raise ContractError("PADDLE_GLOO_HTTP_ENDPOINT",
                            f"'{endpoint}' is not a free port of the first server's host, {first}")
    return endpoint


def _check_legacy(v, role):
    for name in ("PADDLE_ROLE", "PADDLE_NNODES"):
        v.absent(name, "the legacy launcher does not set it")
    if role == "HETER_TRAINER":
        v.absent("PADDLE_COORDINATOR_ENDPOINTS", "only servers and first trainers have it")
    else:
        v.exactly("PADDLE_COORDINATOR_ENDPOINTS", "", "there is no coordinator")
    if role == "PSERVER":
        return
    for name in ("FLAGS_selected_gpus", "FLAGS_selected_xpus"):
        v.exactly(name, 0, "it sees one device")
    device = v.text("CUDA_VISIBLE_DEVICES")
    v.exactly("XPU_VISIBLE_DEVICES", device, "CUDA_VISIBLE_DEVICES says so")


def _read_stages(v, card):
    """The card's stage, and the endpoints of stage 2 and on as far as this process knows them."""
    everyone = v.endpoints("PADDLE_ALL_HETER_TRAINER_IP_PORT_LIST")
    if card["role"] == "PSERVER":
        card["stages"] = [everyone]
        return
    text = v.text("PADDLE_STAGE_TRAINERS_NUM")
    if not re.fullmatch(r"\[\d+(, \d+)*\]", text):
        raise ContractError("PADDLE_STAGE_TRAINERS_NUM", f"'{text}' is not a Python list")
    sizes = json.loads(text)
    v.exactly("STAGE_NUM", len(sizes), "PADDLE_STAGE_TRAINERS_NUM has so many")
    if sizes[0] != len(card["trainers"]) or sum(sizes[1:]) != len(everyone):
        raise ContractError("PADDLE_STAGE_TRAINERS_NUM",
                            f"'{text}' does not fit PADDLE_TRAINER_ENDPOINTS and "
                            f"PADDLE_ALL_HETER_TRAINER_IP_PORT_LIST={','.join(everyone)}")
    stages = [card["trainers"]]
    for size in sizes[1:]:
        start = sum(len(stage) for stage in stages[1:])
        stages.append(everyone[start:start + size])
    first = 1 if card["role"] == "TRAINER" else 2
    stage = v.number("STAGE_ID", first, 1 if first == 1 else len(sizes))
    if card["endpoint"] not in stages[stage - 1]:
        raise ContractError("STAGE_ID", f"it is {stage}, and {card['endpoint']} (POD_IP, "
                                        "PADDLE_PORT) is not of that stage by "
                                        "PADDLE_TRAINER_ENDPOINTS and "
                                        "PADDLE_ALL_HETER_TRAINER_IP_PORT_LIST")
    before = stages[stage - 2] if stage > 1 else []
    after = stages[stage] if stage < len(stages) else []
    why = (f"STAGE_ID is {stage}, by PADDLE_TRAINER_ENDPOINTS, PADDLE_STAGE_TRAINERS_NUM and "
           "PADDLE_ALL_HETER_TRAINER_IP_PORT_LIST")
    v.exactly("PADDLE_PREVIOUS_HETER_TRAINER_IP_PORT_LIST", ",".join(before), why)
    v.exactly("PADDLE_NEXT_HETER_TRAINER_IP_PORT_LIST", ",".join(after), why)
    device = v.one_of("HETER_DEVICE_TYPE", ("cpu", "gpu", "xpu"))
    if stage == 1 and device != "cpu":
        raise ContractError("HETER_DEVICE_TYPE", f"it is '{device}', and stage 1 is on the CPU")
    card.update(stages=stages[1:], stage=stage, next=after, before=before, device=device)
