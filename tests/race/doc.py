#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The commands of doc/laboratory.md and of the tutorial, run as a stranger would in an empty folder.

usage: doc.py BUILD PAGEWALK SOURCE_ROOT 'COMPILER VERSION' [--update | --table | --pictures]

An indented block that begins with `$ ` is a listing: commands and what they print. A line `[...]` stands for any number
of lines. A block after a line that ends with "`NAME`:" is a file of that name. --update writes into the documents what
the commands print, where there is no `[...]`; --table writes the table of scenarios alone; --pictures draws the findings
of doc/laboratory/ anew.
"""
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import pairs

BUILD, TOOL, ROOT = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3])
KNOWN = "gcc 12." in " ".join(sys.argv[4:])  # what the tool was compiled by
UPDATE, TABLE, DRAW = ("--update" in sys.argv), ("--table" in sys.argv), ("--pictures" in sys.argv)
del sys.argv[1:]
SCENE = ROOT / "lab/race/scenarios/unmap-reuse.scene"
# Scenario, the rule that is left out, and the memory model.
PICTURES = [("unmap-reuse", "no-leaf-recheck", "sc"), ("last-look", "no-settle", "tso"),
            ("table-collapsed", "no-upper-recheck", "sc")]
TUTORIAL, LABORATORY = ROOT / "doc/laboratory-tutorial.md", ROOT / "doc/laboratory.md"


def blocks(lines):
    """(number of the first line, name of the file or None, lines) of each indented block."""
    found, start = [], None
    for number, line in enumerate(lines + ["end"]):
        if line.startswith("    "):
            start = number if start is None else start
        elif line and start is not None:
            end = number
            while not lines[end - 1]:
                end -= 1
            before = next((text for text in reversed(lines[:start]) if text), "")
            name = re.search(r"`([\w.-]+)`:$", before)
            found.append((start, name and name[1], [text[4:] for text in lines[start:end]]))
            start = None
    return found


def listings(block):
    """(command, lines of output) of each command of a listing."""
    found = []
    for line in block:
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return [(command, strip(output)) for command, output in found]


def strip(lines):
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


def compiler_is_known():
    """Are the steps those of the documents? Another compiler does some loads once, or in another order."""
    words = subprocess.run(["cc", "--version"], capture_output=True, text=True, check=False).stdout
    return KNOWN and re.match(r"(cc|gcc) .* 12\.", words) is not None and platform.machine() == "x86_64"


def places_left_out(lines):
    """Lines of the library's sources change with every edit."""
    return [re.sub(r"\s+[\w.]+\.[ch]:\d+$", "", line) for line in lines]


def verdicts(lines):
    return [re.sub(r":.*", "", line) for line in lines if re.match(r"(proved|found|not finished|sampled) ", line)]


def missing(output, listing):
    """The first run of lines of @listing, in order, that is not in @output; None if all are."""
    pieces, at = "\n".join(listing).split("[...]"), 0
    for number, piece in enumerate(pieces):
        piece = strip(piece.strip("\n").split("\n")) if piece.strip("\n") else []
        if not piece:
            continue
        places = [0] if number == 0 else range(at, len(output) - len(piece) + 1)
        here = next((i for i in places if output[i:i + len(piece)] == piece), None)
        if here is None:
            return "\n".join(piece)
        at = here + len(piece)
    ended = at == len(output) or (listing and listing[-1] == "[...]")
    return None if ended else "(the end)"


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        root = pathlib.Path(cls.folder.name) / "root"
        subprocess.run([shutil.which("meson"), "install", "-C", BUILD, "--no-rebuild", "--destdir", root],
                       capture_output=True, check=True)
        config = next(root.rglob("pagewalk-lab.pc")).parent
        usual = subprocess.run(["pkg-config", "--variable", "pc_path", "pkg-config"], capture_output=True, text=True,
                               check=True).stdout.strip()
        cls.environment = {name: value for name, value in os.environ.items() if not name.startswith("PAGEWALK_")}
        cls.environment.update(PKG_CONFIG_SYSROOT_DIR=str(root), PKG_CONFIG_LIBDIR=f"{config}:{usual}",
                               PATH=f"{TOOL.parent}:{os.environ['PATH']}")

    def follow(self, path):
        """Does all that the document says, from its top to its end. Returns how many commands there were."""
        lines, count = path.read_text(encoding="utf-8").splitlines(), 0
        changed = list(lines)
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "unmap-reuse.scene").write_text(SCENE.read_text(encoding="utf-8"), encoding="utf-8")
            for start, written, block in reversed(list(self.done(path, lines, folder))):
                count += 1
                changed[start:start + len(block)] = written
        if UPDATE:
            path.write_text("\n".join(changed) + "\n", encoding="utf-8")
        return count

    def done(self, path, lines, folder):
        for start, name, block in blocks(lines):
            if name:
                (pathlib.Path(folder) / name).write_text("\n".join(block) + "\n", encoding="utf-8")
                continue
            if not block[0].startswith("$ "):
                continue
            written = []
            for command, listing in listings(block):
                done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                      timeout=120, cwd=folder, env=self.environment, check=False)
                output = done.stdout.rstrip("\n").split("\n") if done.stdout else []
                if not UPDATE:
                    with self.subTest(f"{path.name}: {command}"):
                        self.check(output, listing)
                keep = listing if "[...]" in listing else output
                written += [f"    $ {command}", *((f"    {line}" if line else "") for line in keep)]
            yield start, written, block

    def check(self, output, listing):
        if compiler_is_known():
            self.assertIsNone(missing(places_left_out(output), places_left_out(listing)), "\n".join(output))
        else:
            wanted = verdicts(listing)
            self.assertEqual(verdicts(output)[:len(wanted)], wanted, "\n".join(output))

    def test_tutorial(self):
        self.assertGreaterEqual(self.follow(TUTORIAL), 5)

    def test_laboratory(self):
        self.assertGreaterEqual(self.follow(LABORATORY), 2)

    @unittest.skipUnless(compiler_is_known(), "steps of another compiler")
    def test_pictures(self):
        """The pictures are those that the tool draws now, but for the places in the sources."""
        for name, mutant, model in PICTURES:
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                drawn = draw(name, mutant, model, pathlib.Path(folder), self.environment)
                shown = (LABORATORY.parent / "laboratory" / f"{name}.svg").read_text(encoding="utf-8")
                self.assertEqual(places_blank(shown), places_blank(drawn),
                                 f"{__file__} {BUILD} {TOOL} {ROOT} '' --pictures draws it anew; look at it")
                self.assertIn(f"laboratory/{name}.svg", LABORATORY.read_text(encoding="utf-8"))

    def test_list(self):
        """The table of scenarios has the installed ones."""
        listed = subprocess.run([TOOL, "lab", "list"], capture_output=True, text=True, check=True,
                                env=self.environment).stdout.split("\n\n")[0]
        names = {path.stem for path in (ROOT / "lab/race/scenarios").glob("*.scene")}
        self.assertEqual({line.split()[0] for line in listed.splitlines()} & names, names)
        for heading, rows in tables():
            self.assertEqual(shown_table(heading)[1], rows, f"{__file__} {BUILD} {TOOL} {ROOT} '' --table writes it anew")


def places_blank(text):
    return re.sub(r"[\w.]+\.[ch]:\d+", "", text)


def draw(name, mutant, model, folder, environment):
    """What the tool draws of a finding."""
    path = folder / f"{name}.svg"
    subprocess.run([TOOL, "lab", "run", name, "--mutant", mutant, "--model", model, "--svg", path], capture_output=True,
                   check=False, env=environment)
    return path.read_text(encoding="utf-8")


def tables():
    """(heading, rows) of the tables of scenarios, to be put into the document."""
    rows, folder = [], ROOT / "lab/race/scenarios"
    for path in sorted(folder.glob("*.scene")):
        text = path.read_text(encoding="utf-8")
        rules = pairs.rules(text)
        if re.search(r"(?m)^expect +found", text):
            rules.insert(0, "(found as it is)")
        rows.append(f"| {path.stem} | {re.search(r'(?m)^about +(.*)$', text)[1]} | {', '.join(rules) or '-'} |")
    heading, _, *of_pairs = pairs.table(folder)
    return [("| scenario | what happens | rules that it needs |", rows), (heading, of_pairs)]


def shown_table(heading):
    """(where it begins, its rows) in the document."""
    lines = LABORATORY.read_text(encoding="utf-8").splitlines()
    at = lines.index(heading) + 2
    return at, lines[at:next(i for i in range(at, len(lines)) if not lines[i].startswith("| "))]


def update_tables():
    for heading, rows in tables():
        lines = LABORATORY.read_text(encoding="utf-8").splitlines()
        at, shown = shown_table(heading)
        lines[at:at + len(shown)] = rows
        LABORATORY.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if UPDATE or TABLE:
        update_tables()
    for picture in PICTURES if DRAW else ():
        draw(*picture, LABORATORY.parent / "laboratory", None)
    if not TABLE and not DRAW:
        unittest.main()
