#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A search by several processes visits the same classes as one process, and finds the same.

usage: jobs.py PAGEWALK_LAB
"""
import json
import os
import subprocess
import sys
import unittest

LABORATORY = sys.argv.pop(1)
HERE = {name: value for name, value in os.environ.items() if not name.startswith("PAGEWALK_")}


def run(*arguments):
    done = subprocess.run([LABORATORY, "run", "--json", *arguments], capture_output=True, text=True, check=False, timeout=200,
                          env=HERE)
    return [(done.returncode, json.loads(line)) for line in done.stdout.splitlines()]


class Jobs(unittest.TestCase):
    def compare(self, *arguments, keys=("verdict", "classes", "deepest", "words", "complete")):
        alone = run(*arguments)
        self.assertGreater(len(alone), 0)
        for jobs in ("2", "5"):
            with self.subTest(arguments=arguments, jobs=jobs):
                together = run(*arguments, "--jobs", jobs)
                self.assertEqual([(status, [result[key] for key in keys]) for status, result in together],
                                 [(status, [result[key] for key in keys]) for status, result in alone])

    def test_proofs(self):
        """Each has more runs than a process keeps to itself, and races that lead above the place where it was split."""
        for name in ("dirty-split", "head-split", "table-collapsed", "tables-retired"):
            self.compare(name)

    def test_findings(self):
        """In a part of another process, too: then one process looks for the shortest schedule of all."""
        for name, mutant in (("dirty-split", "no-hold"), ("table-collapsed", "no-upper-recheck")):
            self.compare(name, "--mutant", mutant, keys=("verdict", "classes", "findings", "schedule"))

    def test_bounds(self):
        """A number of runs means the runs of one process."""
        [(status, result), _] = run("dirty-split", "--jobs", "4", "--runs", "1000")
        self.assertEqual((status, result["runs"], result["verdict"]), (2, 1000, "not finished"))


if __name__ == "__main__":
    unittest.main()
