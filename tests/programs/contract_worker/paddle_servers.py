"""A job with parameter servers: servers that hold the weights, trainers that push gradients to
them, and trainers of later stages, through which every step passes."""

import threading

import paddle_hub
import training
import wire
from variables import ContractError

GLOO = "PADDLE_GLOO_HTTP_ENDPOINT"


def run(card, steps, seconds):
    first = card["role"] == "PSERVER" and card["rank"] == 0
    size = len(card["servers"]) + len(card["trainers"]) + sum(map(len, card["stages"]))
    listener = _listen(card)
    if first:
        paddle_hub.Hub(GLOO, card["hub"], (size, "the endpoint lists"), compare, seconds)
    paddle_hub.meet(GLOO, card, seconds)
    print(f"{card['role']} {card['rank']} has met all {size} processes", flush=True)
    if card["role"] == "PSERVER":
        serve_weights(listener, card, seconds)
    elif card["role"] == "HETER_TRAINER":
        serve_stage(listener, card, seconds)
    else:
        train(card, steps, seconds)


def compare(cards):
    """ContractError: the processes of one job were told different things."""
    paddle_hub.compare_alike(cards)
    endpoints = [card["endpoint"] for card in cards]
    twice = sorted({e for e in endpoints if endpoints.count(e) > 1})
    if twice:
        raise ContractError("POD_IP, PADDLE_PORT, TRAINING_ROLE", f"two processes are {twice[0]}")
    with_pods = [card for card in cards if "POD_NAME" in card]
    if len(with_pods) not in (0, len(cards)):
        raise ContractError("PADDLE_ROLE, PADDLE_COORDINATOR_ENDPOINTS",
                            "only some processes were started by the legacy launcher's rules")
    if not with_pods:
        return
    for name, pod in paddle_hub.compare_pods(cards).items():
        hosts = {card["endpoint"].rpartition(":")[0] for card in pod}
        if len(hosts) > 1:
            raise ContractError("POD_IP", f"POD_NAME={name} has several: {sorted(hosts)}")


def _listen(card):
    try:
        return wire.listen(card["endpoint"])
    except OSError as error:
        raise ContractError("POD_IP, PADDLE_PORT", f"{card['endpoint']} cannot be listened at: "
                                                   f"{error}") from None


def serve_weights(listener, card, seconds):
    """Serves the weights whose number modulo the servers' is the own, until every trainer has said
    that it is done."""
    weights = [0.0, 0.0]
    own = [i for i in range(len(weights)) if i % len(card["servers"]) == card["rank"]]
    lock = threading.Lock()

    def serve(channel):
        while True:
            message = channel.receive()
            if message is None or message.get("stop"):
                return message is not None
            with lock:
                for i in own:
                    weights[i] -= 0.3 * message["gradient"][i] / len(card["trainers"])
                channel.send(weights={str(i): weights[i] for i in own})

    if not _serve_all(listener, serve, len(card["trainers"]), seconds):
        raise RuntimeError("a trainer went without a word")
    print(f"PSERVER {card['rank']} stops: all trainers are done; weights {weights}", flush=True)


def serve_stage(listener, card, seconds):
    """Passes each step on to all of the next stage, and the answer back."""
    successors = [wire.connect(endpoint, seconds) for endpoint in card["next"]]
    lock = threading.Lock()

    def serve(channel):
        while True:
            message = channel.receive()
            if message is None or message.get("stop"):
                return message is not None
            stages = message["stages"] + [card["stage"]]
            with lock:
                channel.send(stages=_pass_on(successors, stages))

    ended_well = _serve_all(listener, serve, len(card["before"]), seconds)
    for channel in successors:
        channel.send(stop=True)
    if not ended_well:
        raise RuntimeError("a process of the stage before went without a word")
    print(f"HETER_TRAINER of stage {card['stage']} stops: the stage before is done", flush=True)


def _pass_on(successors, stages):
    """Which stages a step has seen when it comes back from `successors`."""
    for channel in successors:
        channel.send(stages=stages)
    answers = [channel.receive()["stages"] for channel in successors]
    return answers[0] if answers else stages


def _serve_all(listener, serve, count, seconds):
    """Runs `serve` for `count` peers, each in a thread; whether all returned True."""
    ended = []
    threads = []
    for _ in range(count):
        channel = wire.accept(listener, seconds)
        thread = threading.Thread(target=lambda c=channel: ended.append(serve(c)))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    return ended == [True] * count


def train(card, steps, seconds):
    servers = [wire.connect(endpoint, seconds) for endpoint in card["servers"]]
    stages = [wire.connect(endpoint, seconds) for endpoint in card.get("next", [])]
    weights = [0.0, 0.0]
    for number in range(steps):
        gradient, loss = training.gradient(weights, card["rank"], len(card["trainers"]))
        seen = _pass_on(stages, [1])
        if len(seen) != len(card["stages"]) + 1:
            raise ContractError("STAGE_ID", f"a step went through the stages {seen}")
        for server in servers:
            server.send(gradient=gradient)
        for server in servers:
            for index, value in server.receive()["weights"].items():
                weights[int(index)] = value
        if number % training.SHOWN == 0:
            training.show(number, loss)
    for channel in servers + stages:
        channel.send(stop=True)
    print(f"TRAINER {card['rank']} is done", flush=True)
