#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The listings of doc/folding.md are the output of the tool, and its pictures are those that the tool draws.

usage: doc.py PAGEWALK SOURCE_ROOT

A listing is an indented block that begins with `$ pagewalk ...`. The rest of the block is the output, in which
a line `[...]` stands for any number of lines.
"""
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

TOOL, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
del sys.argv[1:3]
DOC = ROOT / "doc/folding.md"
PICTURES = ROOT / "doc/folding"


def listings():
    """(command, lines) of each listing."""
    block = []
    for line in DOC.read_text(encoding="utf-8").splitlines() + ["end"]:
        if line.startswith("    ") or (block and not line):
            block.append(line[4:])
            continue
        text = "\n".join(block)
        for part in re.split(r"^(?=\$ )", text, flags=re.M):
            if part.startswith("$ pagewalk "):
                command, _, output = part[2:].partition("\n")
                yield shlex.split(command)[1:], output.rstrip("\n").splitlines()
        block = []


def runs(lines):
    """The runs of lines between `[...]`."""
    found = [[]]
    for line in lines:
        if line == "[...]":
            found.append([])
        else:
            found[-1].append(line)
    return found


def missing(output, listing):
    """The first run of @listing, in order, that is not in @output; None if all are."""
    pieces, at = runs(listing), 0
    for number, piece in enumerate(pieces):
        places = [0] if number == 0 else range(at, len(output) - len(piece) + 1)
        here = next((i for i in places if output[i:i + len(piece)] == piece), None)
        if here is None:
            return "\n".join(piece)
        at = here + len(piece)
    return None if at == len(output) or not pieces[-1] else "(the end)"


class Listings(unittest.TestCase):
    def test_listings(self):
        count = 0
        for command, lines in listings():
            with self.subTest(" ".join(command)):
                done = subprocess.run([TOOL, *command], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIsNone(missing(done.stdout.splitlines(), lines), done.stdout)
                count += 1
        self.assertGreaterEqual(count, 9)

    def test_listings_are_compared(self):
        output = ["one", "two", "three"]
        self.assertIsNone(missing(output, ["[...]", "two", "[...]"]))
        self.assertIsNone(missing(output, output))
        self.assertEqual(missing(output, ["[...]", "three", "two"]), "three\ntwo")
        self.assertEqual(missing(output, ["[...]", "one", "three", "[...]"]), "one\nthree")
        self.assertEqual(missing(output, ["[...]", "two"]), "(the end)")
        self.assertEqual(missing(output, ["two", "[...]"]), "two")

    def test_names(self):
        """The tests that the document names exist."""
        tests = "".join(file.read_text() for file in (ROOT / "tests/lab").glob("*.c"))
        named = set(re.findall(r"`(test_\w+)`", DOC.read_text(encoding="utf-8")))
        self.assertGreater(len(named), 5)
        for name in named:
            self.assertIn(f"static void {name}(", tests)


class Pictures(unittest.TestCase):
    def test_pictures(self):
        shown = set(re.findall(r"\]\(folding/([\w-]+\.svg)\)", DOC.read_text(encoding="utf-8")))
        self.assertEqual(shown, {file.name for file in PICTURES.glob("*.svg")})
        done = subprocess.run([ROOT / "tools/pictures.sh", TOOL, "--check"], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
