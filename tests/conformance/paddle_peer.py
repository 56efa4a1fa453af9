#!/usr/bin/python3
"""One node of a Paddle job, written from the contract page alone: a second client of both protocols.

  paddle_peer.py kv   --master IP:PORT --ip IP [--nnodes N] [--rank R] [--job ID]
  paddle_peer.py etcd --master IP:PORT --ip IP --nnodes N [--job ID] [--seconds S]

It registers, waits until all are there, and prints one JSON line: its rank and all nodes in rank
order, as it sees them. It starts no processes.
"""

import argparse
import base64
import http.client
import json
import random
import string
import sys
import time

DEADLINE_S = 60


def pod_name():
    return "".join(random.choice(string.ascii_lowercase) for _ in range(6))


class Kv:
    """§2.1: plain HTTP; GET answers all keys that begin with the path."""

    def __init__(self, master):
        self._master = master

    def _ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self._master, timeout=5)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def healthy(self):
        try:
            status, text = self._ask("GET", "/healthy")
        except OSError:
            return False
        return status == 200 and json.loads(text).get("/healthy") == "ok"

    def put(self, key, value):
        return self._ask("POST", key, value)[0] == 200

    def prefix(self, prefix):
        status, text = self._ask("GET", prefix)
        return json.loads(text) if status == 200 else {}


class Etcd:
    """etcd's JSON gateway; keys as in §2.2."""

    def __init__(self, master):
        self._master = master

    def ask(self, path, **body):
        connection = http.client.HTTPConnection(self._master, timeout=5)
        try:
            connection.request("POST", "/v3" + path, json.dumps(body))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    @staticmethod
    def _text(value):
        return base64.b64encode(value.encode()).decode()

    def lease(self, seconds):
        return self.ask("/lease/grant", TTL=seconds)["ID"]

    def keep(self, lease):
        self.ask("/lease/keepalive", ID=lease)

    def put(self, key, value, lease=0):
        self.ask("/kv/put", key=self._text(key), value=self._text(value), lease=lease)

    def prefix(self, prefix):
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        answer = self.ask("/kv/range", key=self._text(prefix), range_end=self._text(end))
        return {base64.b64decode(kv["key"]).decode(): base64.b64decode(kv["value"]).decode()
                for kv in answer.get("kvs", [])}


def node_info(name, rank, ip):
    return json.dumps({"name": name, "rank": rank, "replicas": 1, "dtype": "cpu",
                       "candidate": f"{ip}:37001", "endpoints": f"{ip}:37002"})


def report(name, rank, infos):
    nodes = [json.loads(info) for info in infos]
    mine = [node["name"] for node in nodes].index(name)
    print(json.dumps({"rank": mine, "nodes": nodes}), flush=True)


def run_kv(options):
    kv = Kv(options.master)
    name = pod_name()
    end = time.monotonic() + DEADLINE_S
    while not kv.healthy():
        if time.monotonic() > end:
            sys.exit("master not ready")
        time.sleep(0.2)
    prefix = f"/{options.job}/info/"
    while time.monotonic() < end:
        kv.put(f"{prefix}{name}/{options.rank}", node_info(name, options.rank, options.ip))
        found = kv.prefix(prefix)
        if len(found) == int(options.nnodes):
            # Rank >= 0: the index of the key; else keys sorted as strings (§2.1, Rank order).
            if options.rank >= 0:
                order = sorted(found, key=lambda key: int(key.rpartition("/")[2]))
            else:
                order = sorted(found)
            report(name, options.rank, [found[key] for key in order])
            return
        time.sleep(0.5)
    sys.exit("peers not ready")


def run_etcd(options):
    etcd = Etcd(options.master)
    name = pod_name()
    lease = etcd.lease(10)
    beats = f"/paddle/{options.job}/heartbeat/"
    infos = f"/{options.job}/info/"
    etcd.put(beats + name, name, lease)
    end = time.monotonic() + options.seconds
    last = None
    while time.monotonic() < end:
        etcd.keep(lease)
        if beats + name not in etcd.prefix(beats):
            etcd.put(beats + name, name, lease)
        etcd.put(f"{infos}{name}/-1", node_info(name, -1, options.ip))
        alive = set(etcd.prefix(beats).values())
        found = {key: value for key, value in etcd.prefix(infos).items()
                 if key.split("/")[3] in alive}
        order = sorted(found)
        if len(alive) == len(found) == int(options.nnodes) and order != last:
            last = order
            report(name, -1, [found[key] for key in order])
        time.sleep(0.5)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("protocol", choices=("kv", "etcd"))
    parser.add_argument("--master", required=True)
    parser.add_argument("--ip", required=True)
    parser.add_argument("--nnodes", default="2")
    parser.add_argument("--rank", type=int, default=-1)
    parser.add_argument("--job", default="default")
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    {"kv": run_kv, "etcd": run_etcd}[options.protocol](options)


if __name__ == "__main__":
    main()
