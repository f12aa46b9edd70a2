#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A long map is the same whatever the number of threads that put its lines together; so is find --aliases, which takes the
memory of a large map in parts, and tells what a plain list of all mappings tells."""

import collections
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unittest

TOOL = None     # set by main
PAGE = 4096
TABLES = 1000   # of base pages, so that there are more runs than find --aliases takes at once
SOME = ["0x0-0x7ffffff"]   # 32768 pages, for what is long for each line


def entries(seed):
    """Entries of x86-64: frames at random, a few kinds of permissions, holes of several kinds, and runs of frames."""
    choice = random.Random(seed)
    frame = 0
    for _ in range(512 * TABLES):
        frame = frame + 1 if choice.random() < 0.2 else choice.randrange(1 << 19)
        kind = choice.random()
        if kind < 0.05:
            yield choice.choice([0, 0, 0x123456000])
        else:
            yield frame * PAGE | choice.choice([0x67, 0x27, 0x25, 0x65 | 1 << 63, 0x67 | 1 << 63, 0x63])


def image(path):
    leaves = list(entries(7))
    tops = [(3 + i) * PAGE | 7 for i in range(TABLES)]
    uppers = (TABLES + 511) // 512
    words = [PAGE | 7] + [0] * 511 + [(2 + TABLES + 1 + i) * PAGE | 7 for i in range(uppers)] + [0] * (512 - uppers)
    words += [0] * 512 + leaves + tops + [0] * (512 * uppers - TABLES)
    path.write_bytes(struct.pack(f"<{len(words)}Q", *words))
    return leaves


class LongMaps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        cls.leaves = image(cls.path / "tables")
        cls.source = ["--format", "x86_64", "--root", "0", f"raw:{cls.path}/tables@0"]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_tool(self, *arguments, status=0):
        done = subprocess.run([TOOL, *arguments], capture_output=True, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def test_threads(self):
        for more in ([], ["--json"], ["--holes", *SOME], ["--json", "--holes", *SOME], ["--wx", *SOME], ["--summary", *SOME],
                     ["--json", "--summary", "--user", *SOME], ["--regions", *SOME]):
            options = [word for word in more if word.startswith("--")]
            last = [word for word in more if not word.startswith("--")]
            one = self.run_tool("map", "--jobs", "1", *options, *self.source, *last)
            self.assertGreater(one.count(b"\n"), 4096, more)
            for jobs in ([], ["--jobs", "2"], ["--jobs", "5"]):
                with self.subTest(more=more, jobs=jobs):
                    self.assertTrue(one == self.run_tool("map", *jobs, *options, *self.source, *last))

    def test_closed(self):
        """Nobody reads to the end: that is no error, and the tool ends."""
        for more in ([], ["--json"]):
            with subprocess.Popen([TOOL, "map", *more, *self.source], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tool:
                tool.stdout.read(100)
                tool.stdout.close()
                tool.wait(timeout=600)
                self.assertEqual(tool.stderr.read(), b"")

    def test_jobs(self):
        for wrong in ("0", "-1", "two"):
            for command in ("map", "check", "roots"):
                done = subprocess.run([TOOL, command, "--jobs", wrong, *self.source[-1:]], capture_output=True, check=False)
                self.assertEqual((done.returncode, b"pagewalk " + command.encode() in done.stderr), (2, True), wrong)

    def test_aliases(self):
        mapped = collections.Counter(entry >> 12 & 0xffffffffff for entry in self.leaves if entry & 1)
        self.assertGreater(sum(mapped.values()), 1 << 18)
        told = collections.Counter()
        before = -1
        lines = self.run_tool("find", "--aliases", "--limit", "0", "--json", "--jobs", "1", *self.source)
        for jobs in ("2", "3"):
            self.assertTrue(lines == self.run_tool("find", "--aliases", "--limit", "0", "--json", "--jobs", jobs, *self.source))
        for line in lines.splitlines():
            record = json.loads(line)
            pa, length, count = int(record["pa"], 16), record["length"], len(record["mappings"])
            self.assertEqual(record["count"], count)
            self.assertGreater(pa, before)
            before = pa + length - 1
            for page in range(length // PAGE):
                told[pa // PAGE + page] = count
        self.assertTrue(told == {frame: count for frame, count in mapped.items() if count > 1})


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    unittest.main()
