#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""doc/folding.md says what the tool says, and its pictures are what the tool draws.

usage: doc.py PAGEWALK SOURCE_ROOT

A listing is an indented block that begins with `$ pagewalk ...`; what follows is the output, in which
a line `[...]` stands for any number of lines.
"""
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

TOOL, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
del sys.argv[1:3]
DOC = ROOT / "doc/folding.md"
PICTURES = ROOT / "doc/folding"


def listings():
    """(command, lines) of each."""
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


def find(output, pieces):
    """The first line, in order, that is not there; None if all are."""
    at, anywhere = 0, False
    for line in pieces:
        if line == "[...]":
            anywhere = True
            continue
        try:
            found = output.index(line, at) if anywhere else at
        except ValueError:
            return line
        if found >= len(output) or output[found] != line:
            return line
        at, anywhere = found + 1, False
    return None if anywhere or at == len(output) else "(end of the listing)"


class Listings(unittest.TestCase):
    def test_listings(self):
        count = 0
        for command, lines in listings():
            with self.subTest(" ".join(command)):
                done = subprocess.run([TOOL, *command], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIsNone(find(done.stdout.splitlines(), lines))
                count += 1
        self.assertGreaterEqual(count, 9)

    def test_listings_are_compared(self):
        output = ["one", "two", "three"]
        self.assertIsNone(find(output, ["[...]", "two", "[...]"]))
        self.assertIsNone(find(output, output))
        self.assertEqual(find(output, ["[...]", "three", "two"]), "two")
        self.assertEqual(find(output, ["[...]", "two"]), "(end of the listing)")
        self.assertEqual(find(output, ["two", "[...]"]), "two")


class Pictures(unittest.TestCase):
    def test_pictures(self):
        shown = set(re.findall(r"\]\(folding/([\w-]+\.svg)\)", DOC.read_text(encoding="utf-8")))
        kept = {file.name for file in PICTURES.glob("*.svg")}
        self.assertEqual(shown, kept)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([ROOT / "tools/pictures.sh", TOOL, folder], check=True, timeout=60)
            drawn = {file.name: file.read_bytes() for file in pathlib.Path(folder).iterdir()}
        self.assertEqual(set(drawn), kept)
        for name, picture in drawn.items():
            self.assertEqual(picture, (PICTURES / name).read_bytes(),
                             f"doc/folding/{name} is not what pagewalk draws; `make pictures', look at it, commit it")


if __name__ == "__main__":
    unittest.main()
