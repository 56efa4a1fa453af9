#!/usr/bin/python3
"""Several drop-in torchruns that make one job: on one host, and over a network."""

import os
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "hosts")]

import host
import suite
from torchrun_case import C10D, TorchrunCase, free_port


class NodesTest(TorchrunCase):
    """Several launchers on this machine, each as a node of its own."""

    def nodes(self, flags, count=2, act="", port=None):
        port = port or free_port()
        runs = []
        for i in range(count):
            words = [flag.format(node=i, port=port) for flag in flags]
            runs.append(self.start(*words, "t.py", env={"PROBE_ACT": act, "OMP_NUM_THREADS": "1"}))
        return runs

    STATIC = ("--nnodes=2", "--nproc=2", "--node_rank={node}", "--master_port={port}")
    DYNAMIC = ("--nnodes=2", "--nproc=2", *C10D, "--rdzv_endpoint=127.0.0.1:{port}")

    def test_both_backends_make_one_world(self):
        for flags in (self.STATIC, self.DYNAMIC):
            with self.subTest(flags=flags):
                self.bench.fresh()
                ends = [self.end(run) for run in self.nodes(flags)]
                self.assertEqual([end[0] for end in ends], [0, 0], ends)
                envs = self.ranks(4)
                for rank, env in envs.items():
                    self.assertEqual(env["WORLD_SIZE"], "4")
                    self.assertEqual(env["GROUP_RANK"], str(rank // 2))
                    self.assertEqual(env["LOCAL_RANK"], str(rank % 2))
                    self.assertEqual(env["ROLE_RANK"], str(rank))
                self.assertEqual(len({env["MASTER_PORT"] for env in envs.values()}), 1)

    def test_nodes_may_have_different_numbers_of_workers(self):
        port = free_port()
        common = ("--nnodes=2", f"--master_port={port}")
        runs = [self.start(*common, "--node_rank=0", "--nproc=1", "t.py"),
                self.start(*common, "--node_rank=1", "--nproc=3", "t.py")]
        self.assertEqual([self.end(run)[0] for run in runs], [0, 0])
        envs = self.ranks(4)
        self.assertEqual([envs[rank]["LOCAL_WORLD_SIZE"] for rank in range(4)], ["1", "3", "3", "3"])

    def test_the_failure_of_one_node_stops_the_other_at_once(self):
        for flags in (self.STATIC, self.DYNAMIC):
            with self.subTest(flags=flags):
                self.bench.fresh()
                began = time.monotonic()
                runs = self.nodes(flags, act="RANK=3:sleep 300+exit 9;hang")
                ends = [self.end(run) for run in runs]
                self.assertLess(time.monotonic() - began, 10)
                self.assertEqual([end[0] for end in ends], [1, 1], ends)
                for _, _, err in ends:
                    self.assertIn("rank      : 3 (local_rank: 1)\n  exitcode  : 9", err)
                self.bench.wait_gone()

    def test_all_nodes_start_again_and_the_budget_is_the_jobs(self):
        act = "TORCHELASTIC_RESTART_COUNT=1:sleep 1;RANK=2:sleep 500+exit 4;hang"
        runs = self.nodes((*self.DYNAMIC, "--max_restarts=1"), act=act)
        ends = [self.end(run) for run in runs]
        self.assertEqual([end[0] for end in ends], [0, 0], ends)
        self.assertEqual(len(self.bench.records(8)), 8)
        self.bench.fresh()
        runs = self.nodes((*self.DYNAMIC, "--max_restarts=1"),
                          act="RANK=0,TORCHELASTIC_RESTART_COUNT=0:sleep 500+exit 4;"
                          "RANK=2,TORCHELASTIC_RESTART_COUNT=1:sleep 500+exit 5;hang")
        ends = [self.end(run) for run in runs]
        self.assertEqual([end[0] for end in ends], [1, 1], ends)
        self.assertEqual(len(self.bench.records(8)), 8)

    def test_too_few_nodes_are_named_after_the_timeout(self):
        port = free_port()
        for flags, text in (
                ((f"--master_port={port}", "--rdzv_conf=timeout=1"), "missing: node_rank 1"),
                ((*C10D, f"--rdzv_endpoint=127.0.0.1:{port}", "--rdzv_conf=join_timeout=1"),
                 "missing: 1 more")):
            with self.subTest(flags=flags):
                done = self.torchrun("--nnodes=2", *flags, "t.py")
                self.assertEqual(done.returncode, 1)
                self.assertIn("gave up after 1s: 1 of 2 nodes is here", done.stderr)
                self.assertIn(text, done.stderr)
                self.assertEqual(self.bench.records(), [])

    def test_a_leader_that_is_not_there_is_named(self):
        port = free_port()
        done = self.torchrun("--nnodes=2", "--node_rank=1", f"--master_port={port}",
                             "--rdzv_conf=timeout=2", "t.py")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"waiting: the rendezvous at 127.0.0.1:{port} is not there yet", done.stderr)
        self.assertIn("gave up after 2s: Connection refused", done.stderr)

    def test_one_node_too_many_is_told_so_and_breaks_nothing(self):
        port = free_port()
        go = self.bench.path("work", "go")
        runs = self.nodes(self.DYNAMIC, act=f"wait {go}", port=port)
        self.bench.records(4)
        (extra,) = self.nodes(self.DYNAMIC, count=1, port=port)
        code, _, err = self.end(extra)
        self.assertEqual(code, 1)
        self.assertIn("refused: the job has all its 2 nodes", err)
        self.bench.write("go", "")
        ends = [self.end(run) for run in runs]
        self.assertEqual([end[0] for end in ends], [0, 0], ends)

    def test_who_belongs_to_another_job_is_told_so(self):
        port = free_port()
        for other, text in (((*self.DYNAMIC, "--rdzv_id=other"), "--rdzv_id=other"),
                            ((*self.DYNAMIC, "--nnodes=3"), "--nnodes=3:3")):
            with self.subTest(other=other):
                (first,) = self.nodes(self.DYNAMIC, count=1, port=port)
                self.assertIn("waiting", first.stderr.readline())
                code, _, err = self.end(self.nodes(other, count=1, port=port)[0])
                self.assertEqual(code, 1)
                self.assertIn(text, err)
                first.terminate()
                self.assertEqual(self.end(first)[0], 143)

    def test_the_same_node_rank_twice(self):
        port = free_port()
        flags = ("--nnodes=3", f"--master_port={port}", "t.py")
        leader = self.start("--node_rank=0", *flags)
        self.assertIn("missing: node_rank 1, node_rank 2", leader.stderr.readline())
        one = self.start("--node_rank=1", *flags)
        self.assertIn("missing: node_rank 2", leader.stderr.readline())
        two = self.start("--node_rank=1", *flags)
        code, _, err = self.end(two)
        self.assertEqual(code, 1)
        self.assertIn("--node_rank=1 is taken by", err)
        leader.terminate()
        self.end(leader)
        code, _, err = self.end(one)
        self.assertEqual(code, 1)
        self.assertIn("got SIGTERM", err)

    def test_a_leader_that_dies_is_named_and_its_nodes_end(self):
        port = free_port()
        (leader,) = self.nodes(self.DYNAMIC, count=1, act="hang", port=port)
        self.assertIn("waiting", leader.stderr.readline())
        (member,) = self.nodes(self.DYNAMIC, count=1, act="hang", port=port)
        self.bench.records(4)
        leader.kill()
        self.end(leader)
        code, _, err = self.end(member)
        self.assertEqual(code, 1)
        self.assertIn(f"lost the rendezvous at 127.0.0.1:{port}", err)
        self.bench.wait_gone()

    def test_a_node_that_is_killed_fails_the_job(self):
        port = free_port()
        (leader,) = self.nodes(self.DYNAMIC, count=1, act="hang", port=port)
        self.assertIn("waiting", leader.stderr.readline())
        (member,) = self.nodes(self.DYNAMIC, count=1, act="hang", port=port)
        self.bench.records(4)
        member.kill()
        self.end(member)
        code, _, err = self.end(leader)
        self.assertEqual(code, 1)
        self.assertIn("is gone", err)
        self.bench.wait_gone()

    def test_an_elastic_job_starts_with_fewer_and_takes_more(self):
        port = free_port()
        go = self.bench.path("work", "go")
        flags = ("--nnodes=1:2", "--nproc=1", *C10D, "--rdzv_endpoint=127.0.0.1:{port}",
                 "--rdzv_conf=last_call_timeout=1")
        (first,) = self.nodes(flags, count=1, act=f"wait {go}", port=port)
        self.assertEqual(self.bench.records(1)[0]["env"]["WORLD_SIZE"], "1")
        (second,) = self.nodes(flags, count=1, act=f"wait {go}", port=port)
        records = self.bench.records(3)
        self.assertEqual({record["env"]["WORLD_SIZE"] for record in records[1:]}, {"2"})
        self.assertEqual({record["env"]["TORCHELASTIC_RESTART_COUNT"] for record in records}, {"0"})
        self.bench.write("go", "")
        self.assertEqual([self.end(run)[0] for run in (first, second)], [0, 0])

    def test_an_elastic_job_goes_on_without_a_node_that_dies(self):
        port = free_port()
        flags = ("--nnodes=1:2", "--nproc=1", "--max_restarts=1", *C10D,
                 "--rdzv_endpoint=127.0.0.1:{port}", "--rdzv_conf=last_call_timeout=1")
        act = "TORCHELASTIC_RESTART_COUNT=1:;hang"
        runs = self.nodes(flags, act=act, port=port)
        self.bench.records(2)
        leads = [run for run in runs if self.listens(run.pid, port)]
        self.assertEqual(len(leads), 1)
        (member,) = [run for run in runs if run is not leads[0]]
        member.kill()
        self.end(member)
        code, _, err = self.end(leads[0])
        self.assertEqual(code, 0, err)
        self.assertEqual(self.bench.records(3)[-1]["env"]["WORLD_SIZE"], "1")

    @staticmethod
    def listens(pid, port):
        done = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], stdout=subprocess.PIPE, text=True,
                              check=True)
        return f"pid={pid}," in done.stdout

    def test_strangers_at_the_port_disturb_nobody(self):
        port = free_port()
        (leader,) = self.nodes(self.DYNAMIC, count=1, port=port)
        self.assertIn("waiting", leader.stderr.readline())
        for words in (b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\4ABCD", b"\0", os.urandom(4000)):
            with socket.create_connection(("127.0.0.1", port)) as stranger:
                stranger.sendall(words)
        (member,) = self.nodes(self.DYNAMIC, count=1, port=port)
        self.assertEqual([self.end(run)[0] for run in (leader, member)], [0, 0])


class HostsTest(TorchrunCase):
    """Hosts with networks of their own."""

    def test_both_backends_over_a_network(self):
        with host.Hosts(2) as hosts:
            address = hosts.addresses[0]
            for flags in (("--node_rank={}", f"--master_addr={address}"),
                          (*C10D, f"--rdzv_endpoint={address}:29400")):
                with self.subTest(flags=flags):
                    self.bench.fresh()
                    runs = []
                    # The host of the rendezvous comes last: the other waits for it.
                    for i in (1, 0):
                        words = ["torchrun", "--nnodes=2", "--nproc=2",
                                 *[flag.format(i) for flag in flags], "t.py"]
                        runs.append(self.bench.popen(hosts.command(i, words),
                                                     env={"OMP_NUM_THREADS": "1"}))
                    ends = [self.end(run) for run in runs]
                    self.assertEqual([end[0] for end in ends], [0, 0], ends)
                    envs = self.ranks(4)
                    self.assertEqual({env["MASTER_ADDR"] for env in envs.values()}, {address})
                    self.assertEqual(len({env["MASTER_PORT"] for env in envs.values()}), 1)

    @suite.within(120)
    def test_a_host_that_leaves_the_network_is_noticed(self):
        with host.Hosts(2) as hosts:
            runs = []
            for i in range(2):
                words = ["torchrun", "--nnodes=2", f"--node_rank={i}",
                         f"--master_addr={hosts.addresses[0]}", "t.py"]
                runs.append(self.bench.popen(hosts.command(i, words), env={"PROBE_ACT": "hang"}))
            self.bench.records(2)
            hosts.cut(1)
            ends = [self.end(run, 60) for run in runs]
            self.assertEqual([end[0] for end in ends], [1, 1], ends)
            self.assertIn("has been silent", ends[0][2])
            self.assertIn("lost the rendezvous", ends[1][2])
            self.bench.wait_gone()


if __name__ == "__main__":
    suite.main()
