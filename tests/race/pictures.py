#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The pictures of findings, compared with those in golden/: text and SVG. They agree with each other, and say how to
see the run again. race.mjs of tests/html tries the page in a browser.

usage: pictures.py PROGRAM            PROGRAM is built from pictures.c
       pictures.py PROGRAM --write    writes golden/ anew
"""
import html.parser
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

PROGRAM = sys.argv.pop(1)
GOLDEN = pathlib.Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"
# The scenario, its model, and what the text must name as the step that decides.
CASES = [
    ("SB", "tso", "Decided by step 3 (right: load x: 0,"),
    ("lost-update", "sc", "Decided by step 6 (ben: load count: 0,"),
    ("deadlock", "sc", "Decided by step 2 (fault: lock table,"),
    ("stale-entry", "sc", "Decided by step 3 (unmap: update count of folio 8: 1 -> 0,"),
]


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=120, check=False)


def named(text):
    """The program has another name, and is elsewhere, when it is built in another way."""
    return re.sub(r'(?:[^\s">]*/)?race_pictures\w*', "race_pictures", text)


def draw(scenario, model, *arguments):
    done = run(scenario, "--model", model, *arguments)
    assert done.returncode == 1 and done.stderr == "", done
    return named(done.stdout)


def drawn(kind):
    for scenario, model, _ in CASES:
        yield GOLDEN / f"{scenario}-{model}.{kind}", draw(scenario, model, *(["--svg", "-"] if kind == "svg" else []))


class Links(html.parser.HTMLParser):
    """What a page would load, and whether its elements are closed in order."""

    def __init__(self):
        super().__init__()
        self.outside, self.open, self.wrong = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)
        self.outside += [value for name, value in attrs if name in ("src", "href") and not value.startswith("data:")]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append((tag, self.getpos()))


class Pictures(unittest.TestCase):
    maxDiff = None

    def test_golden(self):
        for kind in ("txt", "svg"):
            for path, text in drawn(kind):
                with self.subTest(path=path.name):
                    self.assertEqual(text, path.read_text(encoding="utf-8"))

    def test_text_fits(self):
        for scenario, model, _ in CASES:
            lines = draw(scenario, model).splitlines()
            # Commands are not broken; the line of counts is the search's.
            long = [line for line in lines if len(line) > 100 and "replay: " not in line and not line.startswith("found")]
            self.assertEqual(long, [])
            self.assertFalse([line for line in lines if line.endswith(" ")])

    def test_decisive_step(self):
        for scenario, model, sentence in CASES:
            self.assertIn(sentence, draw(scenario, model).replace("\n      ", " "))

    def test_limit_of_the_decision(self):
        text = draw("hopeless", "sc", "--runs", "50").replace("\n      ", " ")
        self.assertIn("Which step decides is not known: the search for it ended after 20000 runs.", text)
        self.assertNotIn("*", text)
        text = draw("data-race", "sc")
        self.assertIn("No step decides: the run fails in every order (2, all tried).", text)

    def test_replay(self):
        """The command of a picture draws the same picture again, in a new process."""
        for scenario, model, _ in CASES:
            text = draw(scenario, model)
            command = re.search(r"replay: race_pictures (.*)", text).group(1).split()
            again = run(*command)
            self.assertEqual(again.returncode, 1)
            # All but the counts, which are those of one run.
            self.assertEqual(text.splitlines()[:-1], named(again.stdout).splitlines()[:len(text.splitlines()) - 1])

    def test_stacks(self):
        text = draw("lost-update", "sc", "--stacks").replace("\n            ", " ")
        stack = re.search(r"load count: 0.*\n +in (.*)", text).group(1)
        self.assertEqual(re.findall(r"(\w+) \(pictures\.c:\d+\)", stack), ["get", "add_one", "ann"])

    def test_buffered(self):
        """A store that is late is drawn where it is executed, before the load that overtakes it."""
        text = draw("SB", "tso")
        places = [text.index(words) for words in ("(store x: 1, buffered)", "load y: 0", "load x: 0", "~ flush x: 0 -> 1")]
        self.assertEqual(places, sorted(places))
        self.assertNotIn("buffered", draw("lost-update", "sc"))

    def test_folded(self):
        """Steps that nobody conflicts with are counted, and not shown."""
        text = draw("lost-update", "sc")
        self.assertEqual(text.count("... 2 steps"), 2)
        self.assertNotIn("last_round", text)
        # They are numbered all the same.
        self.assertEqual(re.findall(r"^ +(\d+)\*? ", text, re.M), ["3", "6", "7", "8"])

    def test_json(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("SB", "--model", "tso", "--json", "--svg", f"{folder}/x.svg")
            self.assertEqual(json.loads(done.stdout)["verdict"], "found")
            xml.etree.ElementTree.parse(f"{folder}/x.svg")

    def test_svg(self):
        for scenario, model, _ in CASES:
            with self.subTest(scenario=scenario):
                root = xml.etree.ElementTree.fromstring(draw(scenario, model, "--svg", "-"))
                text = draw(scenario, model)
                steps = root.findall(f"{SVG}g[@class='step']")
                shown = re.findall(r"^ +(\d+)\*? +\|?", text.split("=>")[0], re.M)
                numbers = ["".join(t.itertext()).split()[-1] for g in steps for t in g.iter(SVG + "text")
                           if "right" in t.get("class").split()]
                self.assertEqual(numbers, shown)
                # Every step says in a sentence what it does.
                for group in steps:
                    self.assertRegex(group.find(SVG + "title").text, r"\.")
                self.assertIn(root.find(SVG + "title").text, text.replace("\n", " "))

    def test_html(self):
        for scenario, model, _ in CASES:
            with self.subTest(scenario=scenario):
                page = draw(scenario, model, "--html", "-")
                links = Links()
                links.feed(page)
                self.assertEqual((links.outside, links.open, links.wrong), ([], [], []))

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("SB", "--model", "sc", "--html", f"{folder}/x.html")
            self.assertEqual(done.returncode, 0)
            self.assertIn("nothing was found", done.stderr)
            self.assertFalse(pathlib.Path(folder, "x.html").exists())
            done = run("SB", "--model", "tso", "--html", f"{folder}/no/x.html")
            self.assertEqual(done.returncode, 3)
            self.assertIn("cannot be written", done.stderr)
            self.assertEqual(run("--svg", f"{folder}/x.svg").returncode, 3)


if sys.argv[1:] == ["--write"]:
    for kind in ("txt", "svg"):
        for path, text in drawn(kind):
            path.write_text(text, encoding="utf-8")
else:
    unittest.main()
