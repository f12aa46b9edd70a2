#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A search that is stopped, and goes on from its file, ends as one that is not stopped. Other files are refused.

usage: resume.py PAGEWALK_LAB
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

LABORATORY = sys.argv.pop(1)
HERE = {name: value for name, value in os.environ.items() if not name.startswith("PAGEWALK_")}
PROVED, FOUND, NOT_FINISHED, BROKEN = range(4)


def run(*arguments):
    return subprocess.run([LABORATORY, "run", "--json", *map(str, arguments)], capture_output=True, text=True, check=False,
                          timeout=200, env=HERE)


def counts(done):
    result = json.loads(done.stdout)
    return {key: value for key, value in result.items() if key != "seconds"}


class Resume(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.file = self.path / "state"

    def stopped(self, every, *arguments):
        """Stops the search after each @every runs. Returns its end, and how often it was stopped."""
        for stops in range(1000):
            done = run(*arguments, "--resume", self.file, "--runs", (stops + 1) * every)
            if done.returncode != NOT_FINISHED:
                return done, stops
            self.assertTrue(self.file.exists(), done.stderr)
        self.fail("the search does not end")

    def check(self, every, least, *arguments):
        whole = run(*arguments)
        self.assertEqual(whole.returncode, PROVED)
        done, stops = self.stopped(every, *arguments)
        self.assertEqual(done.returncode, PROVED, done.stderr)
        self.assertGreaterEqual(stops, least)
        self.assertEqual(counts(done), counts(whole))
        self.assertEqual(list(self.path.iterdir()), [])  # nothing is left

    def test_after_each_run(self):
        self.check(1, 40, "unmap-reuse", "--model", "sc")
        self.check(7, 5, "unmap-reuse", "--model", "tso")

    def test_with_sleep_sets(self):
        """Runs that are blocked; and stops before all shared words are known."""
        self.check(211, 6, "memory-moved", "--format", "i386", "--model", "tso")

    def test_finding(self):
        """A search that has found something has ended."""
        done, stops = self.stopped(1, "unmap-reuse", "--model", "sc", "--mutant", "no-leaf-recheck")
        self.assertEqual((done.returncode, counts(done)["verdict"]), (FOUND, "found"))
        self.assertGreater(stops, 0)
        self.assertFalse(self.file.exists())

    def test_other_files(self):
        arguments = ["unmap-reuse", "--model", "sc"]
        self.assertEqual(run(*arguments, "--resume", self.file, "--runs", 20).returncode, NOT_FINISHED)
        whole = self.file.read_bytes()
        for other in [["unmap-reuse", "--model", "tso"], ["last-look", "--model", "sc"]]:
            self.refused(other)
        self.refused([*arguments, "--mutant", "no-leaf-recheck"])
        for at in range(0, len(whole), max(1, len(whole) // 25)):
            self.file.write_bytes(whole[:at])
            self.refused(arguments)
            self.file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x11]) + whole[at + 1:])
            self.refused(arguments)
        self.file.write_bytes(whole + b"x")
        self.refused(arguments)
        self.file.write_bytes(whole)
        self.assertEqual(run(*arguments, "--resume", self.file).returncode, PROVED)

    def refused(self, arguments):
        before = self.file.read_bytes()
        done = run(*arguments, "--resume", self.file)
        self.assertEqual((done.returncode, done.stdout), (BROKEN, ""))
        self.assertIn("was stopped: remove it, or give another file", done.stderr)
        self.assertEqual(self.file.read_bytes(), before)

    def test_arguments(self):
        for arguments in [["unmap-reuse"], ["unmap-reuse", "last-look", "--model", "sc"], ["--all", "--model", "sc"],
                          ["unmap-reuse", "--model", "sc", "--sample", "3"]]:
            done = run(*arguments, "--resume", self.file)
            self.assertEqual(done.returncode, BROKEN)
            self.assertIn("--resume keeps one search", done.stderr)

    def test_no_place(self):
        done = run("unmap-reuse", "--model", "sc", "--runs", "5", "--resume", self.path / "none" / "state")
        self.assertEqual(done.returncode, NOT_FINISHED)
        self.assertIn("cannot be kept in", done.stderr)


if __name__ == "__main__":
    unittest.main()
