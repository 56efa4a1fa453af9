#!/usr/bin/python3
"""What tests start is gone after them."""

import os
import signal
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import suite
from cluster import pids_with_text, wait_for

DRIVER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from cluster import Cluster
with Cluster() as cluster:
    cluster.msctl("submit", "-q", cluster.write("job.yaml", "command: [/bin/sleep, '1000']"))
    print(cluster.dir, flush=True)
    time.sleep(1000)
"""


class ClusterTest(unittest.TestCase):
    def test_nothing_is_left_of_a_driver_that_is_late(self):
        driver = subprocess.Popen([sys.executable, "-c", DRIVER, HERE], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, text=True)
        directory = driver.stdout.readline().strip()
        self.assertTrue(os.path.isdir(directory))
        self.assertTrue(pids_with_text(directory))
        driver.send_signal(signal.SIGTERM)
        self.assertEqual(driver.wait(timeout=30), 143)
        driver.stdout.close()
        wait_for(lambda: not pids_with_text(directory), 10, "every process is gone")
        self.assertFalse(os.path.exists(directory))


if __name__ == "__main__":
    suite.main()
