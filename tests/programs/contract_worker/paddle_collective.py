"""A trainer of a collective job, or a worker of an RPC job: meets the others, then talks to each of
them at its own endpoint."""

import paddle_hub
import training
import wire
from variables import ContractError


class Mesh:
    """Every trainer connects to every other: what it sends goes out by its own connections, what
    it receives comes in by theirs."""

    def __init__(self, variable, card):
        self._rank = card["rank"]
        try:
            self._listener = wire.listen(card["endpoint"])
        except OSError as error:
            raise ContractError(variable, f"{card['endpoint']} cannot be listened at: {error}") \
                from None
        self._to, self._from = {}, {}

    def connect(self, peers, seconds):
        """ContractError: one is missing, or was given another list."""
        others = [rank for rank in range(len(peers)) if rank != self._rank]
        try:
            for rank in others:
                self._to[rank] = wire.connect(peers[rank], seconds)
                self._to[rank].send(rank=self._rank, peers=peers)
            while len(self._from) < len(others):
                channel = wire.accept(self._listener, seconds)
                hello = channel.receive(seconds)
                if hello is None or hello["peers"] != peers:
                    raise ContractError("PADDLE_TRAINER_ENDPOINTS", "a peer has another list")
                self._from[hello["rank"]] = channel
        except OSError as error:
            missing = [peers[rank] for rank in others if rank not in self._from]
            raise ContractError("PADDLE_TRAINER_ENDPOINTS",
                                f"{', '.join(missing)} did not come: {error}") from None

    def mean(self, values):
        """Of one list of numbers a trainer."""
        every = [values] + self.exchange(values)
        return [sum(column) / len(every) for column in zip(*every)]

    def exchange(self, values):
        for channel in self._to.values():
            channel.send(values=values)
        received = []
        for rank in sorted(self._from):
            message = self._from[rank].receive()
            if message is None:
                raise RuntimeError(f"trainer {rank} has gone")
            received.append(message["values"])
        return received


def run_collective(card, steps, seconds):
    mesh = Mesh("PADDLE_CURRENT_ENDPOINT", card)
    if card["hub"]:
        if card["rank"] == 0:
            expected = (len(card["peers"]), "PADDLE_TRAINERS_NUM")
            paddle_hub.Hub("PADDLE_MASTER", card["hub"], expected, compare, seconds)
        paddle_hub.meet("PADDLE_MASTER", card, seconds)
    mesh.connect(card["peers"], seconds)
    print(f"trainer {card['rank']} of {len(card['peers'])} has met all others", flush=True)
    training.train(card["rank"], len(card["peers"]), mesh.mean, steps)


def compare(cards):
    """ContractError: the trainers of one job were told different things."""
    paddle_hub.compare_alike(cards)
    for pod in paddle_hub.compare_pods(cards).values():
        _compare_pod(sorted(pod, key=lambda card: card["rank"]))


def _compare_pod(pod):
    for local_rank, card in enumerate(pod):
        if card["local_size"] != len(pod):
            raise ContractError("PADDLE_LOCAL_SIZE", f"it is {card['local_size']}, and POD_NAME="
                                                     f"{card['POD_NAME']} has {len(pod)} trainers")
        if card["local_rank"] != local_rank:
            raise ContractError("PADDLE_LOCAL_RANK, PADDLE_RANK_IN_NODE",
                                f"{card['local_rank']} is not the place of trainer {card['rank']} "
                                f"in POD_NAME={card['POD_NAME']}, which is {local_rank}")
    devices = [card["devices"] for card in pod]
    if any((d or {}).get("flag") != (devices[0] or {}).get("flag") for d in devices):
        raise ContractError("FLAGS_selected_gpus", "only some trainers of the host have devices")
    if devices[0] is None:
        return
    indices = [index for device in devices for index in device["indices"]]
    if indices != sorted(set(indices)):
        raise ContractError(devices[0]["flag"], f"the trainers of the host have {indices}, which "
                                                "does not go up by rank")


def run_rpc(card, seconds):
    mesh = Mesh("PADDLE_WORKER_ENDPOINT", card)
    if card["rank"] == 0:
        expected = (card["size"], "PADDLE_TRAINERS_NUM")
        paddle_hub.Hub("PADDLE_MASTER_ENDPOINT", card["hub"], expected, compare_rpc, seconds)
    cards = paddle_hub.meet("PADDLE_MASTER_ENDPOINT", card, seconds)
    peers = [c["endpoint"] for c in sorted(cards, key=lambda c: c["rank"])]
    mesh.connect(peers, seconds)
    squares = sorted(value for values in [[card["rank"] ** 2]] + mesh.exchange([card["rank"] ** 2])
                     for value in values)
    if squares != [rank ** 2 for rank in range(card["size"])]:
        raise RuntimeError(f"the others answered {squares}")
    print(f"worker {card['rank']} of {card['size']} has called all others", flush=True)


def compare_rpc(cards):
    paddle_hub.compare_alike(cards)
    ranks = sorted(card["rank"] for card in cards)
    if ranks != list(range(len(cards))):
        raise ContractError("PADDLE_TRAINER_ID", f"the workers have {ranks}")
    endpoints = {card["endpoint"] for card in cards}
    if len(endpoints) != len(cards):
        raise ContractError("PADDLE_WORKER_ENDPOINT", "two workers have the same")
    paddle_hub.compare_pods(cards)
