#!/usr/bin/python3
"""The contracts of MindSpore behind a real agent: the scheduler process, recovery, rank tables.

The ranks are shell scripts that stand for MindSpore's processes: a scheduler that ends once all
workers have left, and workers that register with it through files.
"""

import json
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cluster as c
import suite
from job_case import JobCase

# $1: a directory that all share. The scheduler waits until every worker has left.
CLUSTER = """
case $MS_ROLE in
MS_SCHED)
  echo "$MS_NODE_ID" > $1/scheduler
  until [ $(ls $1 | grep -c '^left-') = $MS_WORKER_NUM ]; do sleep 0.02; done ;;
MS_WORKER)
  echo "$MS_NODE_ID $MUSTER_RANK_RESTARTS $MS_RECOVERY_PATH" >> $1/worker-$RANK_ID
  if [ $RANK_ID = 1 ] && [ "$MUSTER_RANK_RESTARTS" = 0 ] && [ -n "$2" ]; then exit 7; fi
  until [ $(ls $1 | grep -c '^worker-') = $MS_WORKER_NUM ]; do sleep 0.02; done
  touch $1/left-$RANK_ID ;;
esac
"""


class ContractsTest(JobCase):
    DEVICES = "ascend:4"

    def job(self, contract, script, *arguments, more=""):
        command = ["/bin/sh", "-c", script, "sh", *arguments]
        return (f"name: contracts\ncontract: {contract}\nranks_per_node: 2\n"
                f"command: {json.dumps(command)}\n{more}")

    def lines(self, *names):
        with open(os.path.join(*names)) as file:
            return file.read().splitlines()

    def test_the_scheduler_process_ends_after_the_workers_and_the_job_with_it(self):
        shared = self.directory("shared")
        job = self.submit_detached(self.job("mindspore", CLUSTER, shared))
        self.assertEqual(self.wait(job), 0)
        ends = {rank["role"]: rank["exit"]["code"] for rank in self.ranks(job)}
        self.assertEqual(ends, {"worker": 0, "scheduler": 0})

    def test_a_scheduler_process_that_fails_is_the_first_cause(self):
        script = '[ $MS_ROLE = MS_SCHED ] && exit 3; exec sleep 60'
        job = self.submit_detached(self.job("mindspore", script))
        self.assertEqual(self.wait(job), 3)
        cause = self.cluster.job(job)["status"]["attempts"][0]["first_cause"]
        self.assertEqual(cause["role"], "scheduler")

    def test_a_restarted_worker_keeps_its_node_id_and_its_cluster(self):
        shared = self.directory("shared")
        job = self.submit_detached(self.job(
            "mindspore", CLUSTER, shared, "fail",
            more="restart: {scope: rank, max_restarts: 2, first_delay: 10ms}\n"
                 "mindspore: {recovery: true}\n"))
        self.assertEqual(self.wait(job), 0)
        first, second = (line.split() for line in self.lines(shared, "worker-1"))
        self.assertEqual((first[0], second[0]), ("1", "1"))
        self.assertEqual(first[2], second[2], "the same recovery directory")
        self.assertEqual(self.lines(shared, "scheduler"), ["sched"], "it was not started again")

    def test_every_rank_gets_a_table_that_keeps_all_rules(self):
        shared = self.directory("shared")
        script = "cp $RANK_TABLE_FILE $1/table-$RANK_ID && echo $DEVICE_ID > $1/device-$RANK_ID"
        job = self.submit_detached(self.job(
            "rank_table", script, shared, more="devices_per_rank: {kind: ascend, count: 1}\n"))
        self.assertEqual(self.wait(job), 0)
        tables = [os.path.join(shared, f"table-{rank}") for rank in range(2)]
        self.cluster.msctl("ranktable", "check", *tables, check=True)
        with open(tables[1]) as file:
            table = json.load(file)
        self.assertEqual([device["rank_id"] for device in table["server_list"][0]["device"]],
                         ["0", "1"])
        self.assertEqual(self.lines(shared, "device-1"), ["1"])

    def test_a_table_of_the_users_that_does_not_fit_starts_nothing(self):
        shared = self.directory("shared")
        table = self.path("table.json")
        with open(table, "w") as file:
            json.dump({"version": "1.0", "server_count": "1", "status": "completed",
                       "server_list": [{"server_id": "a", "device": [
                           {"device_id": "0", "rank_id": "0"}]}]}, file)
        job = self.submit_detached(self.job(
            "rank_table", "touch $1/ran", shared,
            more=f"devices_per_rank: {{kind: ascend, count: 1}}\nrank_table: {{file: {table}}}\n"))
        self.assertNotEqual(self.wait(job), 0)
        self.assertEqual(os.listdir(shared), [])
        self.assertIn("it lists 1 devices, and the job has 2 ranks",
                      json.dumps(self.cluster.job(job)["status"]))

    def test_a_port_that_a_job_names_is_held_and_a_taken_one_is_named(self):
        directories = [self.directory("a"), self.directory("b")]
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            port = listener.getsockname()[1]
            gate = self.path("gate")
            script = ("[ $MS_ROLE = MS_SCHED ] && echo $MS_SCHED_PORT > $1/port; "
                      "until [ -e $2 ]; do sleep 0.02; done")
            files = [self.job("mindspore", script, directory, gate,
                              more=f"mindspore: {{sched_port: {port}}}\n")
                     for directory in directories]
            jobs = [self.submit_detached(files[0])]
            self.wait_reason(jobs[0], f": port {port} is in use by a process of no job")
        self.wait_state(jobs[0], "RUNNING")
        jobs.append(self.submit_detached(files[1]))
        self.wait_reason(jobs[1], f"1 node: 1 port {port} held by another job")
        open(gate, "w").close()
        for job, directory in zip(jobs, directories):
            self.assertEqual(self.wait(job), 0)
            self.assertEqual(self.lines(directory, "port"), [str(port)])

    def wait_reason(self, job, text):
        c.wait_for(lambda: text in self.cluster.job(job)["status"].get("reason", ""), 30,
                   f"{job}: {text}")

    def test_a_broken_table_of_the_users_starts_no_mindspore_process(self):
        shared = self.directory("shared")
        table = self.path("table.json")
        with open(table, "w") as file:
            file.write("{}")
        job = self.submit_detached(self.job(
            "mindspore", "touch $1/ran", shared, more=f"mindspore: {{rank_table_file: {table}}}\n"))
        self.assertNotEqual(self.wait(job), 0)
        self.assertEqual(os.listdir(shared), [])
        self.assertIn("mindspore.rank_table_file: ", json.dumps(self.cluster.job(job)["status"]))

    def test_a_host_without_ranks_is_refused_before_anything_starts(self):
        refused = self.submit("command: [\"true\"]\nnodes: 3\n"
                              "roles:\n  - {name: server, count: 1}\n"
                              "  - {name: worker, per_node: 1, node_ranks: 1}\n", check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("of 3 hosts host 2 has no rank of any role", refused.stderr)

    def test_a_device_that_the_documents_exclude_is_refused(self):
        refused = self.submit(self.job("rank_table", "true"), check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("contract 'rank_table' cannot run", refused.stderr)


if __name__ == "__main__":
    suite.main()
