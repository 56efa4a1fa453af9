"""Where the processes of a Paddle job meet, and compare what they were told: rank 0 at
PADDLE_MASTER, or the first server at PADDLE_GLOO_HTTP_ENDPOINT."""

import threading
import time

import wire
from variables import ContractError


class Hub:
    """Runs in the first process, in a thread of its own, until all have met or one is missing."""

    def __init__(self, variable, endpoint, expected, compare, seconds):
        """`expected`: how many come, and who says so. `compare(cards)` raises ContractError when
        the job does not fit together. ContractError: `endpoint`, from `variable`, is taken."""
        try:
            self._listener = wire.listen(endpoint)
        except OSError as error:
            raise ContractError(variable, f"{endpoint} cannot be listened at: {error}") from None
        self._variable = variable
        self._size, self._size_from = expected
        self._compare, self._seconds = compare, seconds
        # No daemon: this process, which may fail as well, ends only when all have been told.
        threading.Thread(target=self._run).start()

    def _run(self):
        deadline = time.monotonic() + self._seconds
        came = []  # (channel, card)
        text = ""
        try:
            while len(came) < self._size:
                channel = wire.accept(self._listener, max(deadline - time.monotonic(), 0.001))
                came.append((channel, channel.receive(5)["card"]))
            self._compare([card for _, card in came])
        except OSError:
            text = (f"{self._variable}: {len(came)} of {self._size} ({self._size_from}) came "
                    f"in {self._seconds} s; {self._size - len(came)} missing")
        except ContractError as error:
            text = str(error)
        self._listener.close()
        cards = [card for _, card in came]
        for channel, _ in came:
            try:
                channel.send(fault=text, cards=cards)
            except OSError:
                pass  # It is gone, which it says itself.


def meet(variable, card, seconds):
    """Brings the own card; returns all. ContractError: nobody is there, or they do not fit."""
    try:
        channel = wire.connect(card["hub"], seconds)
        channel.send(card=card)
        answer = channel.receive(seconds + 5)
    except OSError as error:
        raise ContractError(variable, f"{card['hub']}: {error}") from None
    if answer is None:
        raise ContractError(variable, f"{card['hub']} has gone")
    if answer["fault"]:
        variable, _, text = answer["fault"].partition(": ")
        raise ContractError(variable, text)
    return answer["cards"]


def compare_alike(cards):
    """What all must have been told alike."""
    for name in cards[0]["same"]:
        values = sorted({str(card["same"].get(name)) for card in cards})
        if len(values) > 1:
            raise ContractError(name, f"it is not the same for all: {' and '.join(values)}")


def compare_pods(cards):
    """Hosts, by POD_NAME; returns them."""
    pods = {}
    for card in cards:
        pods.setdefault(card["POD_NAME"], []).append(card)
    for name, pod in pods.items():
        if len({card["PADDLE_LOG_DIR"] for card in pod}) > 1:
            raise ContractError("PADDLE_LOG_DIR", f"it is not the same for all of POD_NAME={name}")
    by_place = {}
    for card in cards:
        place = (card["endpoint"].rpartition(":")[0], card["PADDLE_LOG_DIR"])
        if by_place.setdefault(place, card["POD_NAME"]) != card["POD_NAME"]:
            raise ContractError("POD_NAME", f"{place[0]} has {by_place[place]} and "
                                            f"{card['POD_NAME']} with one PADDLE_LOG_DIR")
    nodes = int(cards[0]["same"].get("PADDLE_NNODES") or len(pods))
    if len(pods) != nodes:
        raise ContractError("PADDLE_NNODES", f"it is {nodes}, and the processes have "
                                             f"{len(pods)} POD_NAMEs: {', '.join(sorted(pods))}")
    return pods
