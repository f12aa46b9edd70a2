#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The pictures of pagewalk lab fold are well-formed, refer to nothing outside, and are the same each time. They agree
with the JSON: every address of a turn that left its table, every page found, and the oracle's pages. fold.mjs tries
the page in a browser.

usage: fold.py PAGEWALK
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

TOOL = sys.argv.pop(1)
SVG = "{http://www.w3.org/2000/svg}"
MAIL = ["--format", "s390x", "--levels", "3", "0x1007ffff000-0x10080000fff"]
CASES = [
    MAIL,
    [*MAIL, "--strategy", "a,d"],
    [*MAIL, "--neighbour", "none"],
    [*MAIL, "--walk", "pagewalk", "--strategy", "a,c"],
    ["--format", "s390x", "--levels", "2", "0x6ff000-0x700fff"],
    ["--format", "s390x", "--levels", "4", "0x1bfffffff000-0x1c0000000fff"],
    ["--format", "s390x", "0x1ffffffffff000-0x20000000000fff"],
    ["--format", "s390x", "--levels", "2", "--strategy", "a", "0x6fe000-0x901fff"],
    ["--format", "s390x", "--levels", "2", "0-0x7fffff"],
    ["--format", "arm64_16k_47", "--strategy", "a,b,c,d,e,d2020", "0x123456788000"],
    ["--format", "x86_64", "0x7ffffff000-0x8000000fff"],
    ["--source", "sample:s390x", "--cpu", "2", "0xfffff000-0x100000fff"],
]


def fold(*arguments):
    return subprocess.run([TOOL, "lab", "fold", *arguments], capture_output=True, text=True, timeout=120)


def objects(*arguments):
    done = fold("--json", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def words(element):
    return " ".join("".join(text.itertext()) for text in element.iter(SVG + "text"))


class Svg(unittest.TestCase):
    def draw(self, *arguments):
        done = fold("--svg", "-", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("<?xml"))
        self.assertTrue(done.stdout.endswith("</svg>\n"))
        return done.stdout

    def test_agrees_with_json(self):
        for case in CASES:
            with self.subTest(case=case):
                root = xml.etree.ElementTree.fromstring(self.draw(*case))
                panels = root.findall(f"{SVG}g[@class='panel']")
                found = objects(*case)
                self.assertEqual(len(panels), len(found))
                for panel, walk in zip(panels, found):
                    self.compare(panel, walk)

    def compare(self, panel, walk):
        text = words(panel)
        self.assertTrue(text.startswith(walk["strategy"]), text)
        self.assertIn(walk["verdict"], re.sub(r"\s+", " ", text))
        self.assertIn(f"{walk['loads']} loads from tables, {walk['stack_loads']} from the stack", text)
        departed = [step for step in walk["steps"] if step["departed"]]
        marked = panel.findall(f"{SVG}g[@class='step departed']")
        self.assertEqual(bool(marked), bool(departed))
        if departed:
            # Shown by shape and by word, not by colour alone.
            self.assertIn(departed[0]["read"], marked[0].find(SVG + "title").text)
            self.assertIn("NO TABLE", marked[0].find(SVG + "title").text)
            self.assertTrue(marked[0].findall(f"{SVG}path[@class='bar alarm']"))
        self.assertEqual("WRONG" in text, not walk["right"])
        titles = " ".join(title.text for title in panel.iter(SVG + "title"))
        if len(walk["steps"]) > 20:
            return
        # A few turns are drawn one by one.
        self.assertEqual(len(list(panel.iter(SVG + "title"))), len(walk["steps"]))
        for step in walk["steps"]:
            self.assertIn(f"{step['level']}, turn {step['turn']}: reads the {step['read']} = {step['value']}.", titles)
        for page in walk["pages"]:
            self.assertIn(f"found {page['pa']}", text)
            if page["mapped_at"] != page["va"]:
                self.assertIn(f"For {page['va']} it takes the page {page['pa']}, which belongs to {page['mapped_at']}",
                              titles)
        self.assertIn(walk["first"], text)
        self.assertIn(walk["last"], text)

    def test_names_the_boundary(self):
        for case, boundary in ((MAIL, "0x10080000000 (2^31)"), (CASES[4], "0x700000 (2^20)"),
                               (CASES[5], "0x1c0000000000 (2^42)")):
            root = xml.etree.ElementTree.fromstring(self.draw(*case))
            self.assertIn(boundary, words(root))
            self.assertTrue(root.findall(f".//{SVG}line[@class='boundary']"))

    def test_stands_alone(self):
        for case in CASES:
            svg = self.draw(*case)
            self.assertEqual(re.findall(r"(?:href|src|url\()[^>]*", svg), [])
            self.assertIn("prefers-color-scheme:dark", svg)
            self.assertTrue(svg.isascii())
            self.assertEqual(svg, self.draw(*case))

    def test_stays_inside(self):
        for case in CASES:
            root = xml.etree.ElementTree.fromstring(self.draw(*case))
            width, height = float(root.get("width")), float(root.get("height"))
            for panel in [root, *root.findall(f"{SVG}g[@class='panel']")]:
                move = re.match(r"translate\((\S+) (\S+)\)", panel.get("transform", "translate(0 0)"))
                for element in panel.iter() if panel is not root else panel.findall("*"):
                    right = float(element.get("x", 0)) + float(element.get("width", 0))
                    self.assertLessEqual(float(move[1]) + right, width + 0.1)
                    self.assertLessEqual(float(move[2]) + float(element.get("y", 0)), height)

    def test_long_ranges_stay_small(self):
        svg = self.draw("--format", "s390x", "--levels", "3", "0x10000000000-0x10007ffffff")
        self.assertLess(len(svg), 200000)
        self.assertIn("32768 turns", svg)


class Page(unittest.TestCase):
    def test_on_its_own(self):
        for case in CASES:
            page = fold("--html", "-", *case).stdout
            self.assertTrue(page.startswith("<!doctype html>"))
            self.assertIn("default-src 'none'", page)
            ids, outside = [], []

            class Parser(html.parser.HTMLParser):
                def handle_starttag(self, tag, attrs):
                    for name, value in attrs:
                        if name == "id":
                            ids.append(value)
                        if name in ("src", "href") and not value.startswith(("data:", "#")):
                            outside.append(value)

            Parser().feed(page)
            self.assertEqual(outside, [])
            self.assertEqual(len(ids), len(set(ids)), "an id is used twice")
            self.assertEqual(set(re.findall(r"https?://[^\"' )]+", page)), {"http://www.w3.org/2000/svg"})


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def test_beside_the_text(self):
        svg, page = self.path / "fold.svg", self.path / "fold.html"
        done = fold("--svg", str(svg), "--html", str(page), *MAIL)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, fold(*MAIL).stdout)
        self.assertEqual(svg.read_text(encoding="utf-8"), fold("--svg", "-", *MAIL).stdout)
        self.assertEqual(page.read_text(encoding="utf-8"), fold("--html", "-", *MAIL).stdout)

    def refused(self, says, *arguments):
        done = fold(*arguments)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn(says, done.stderr)

    def test_refusals(self):
        self.refused("same file", "--svg", "x", "--html", "x", *MAIL)
        self.refused("there is no such folder", "--html", str(self.path / "none" / "fold.html"), *MAIL)
        self.refused("/dev/full: could not be written", "--svg", "/dev/full", *MAIL)

    def test_source_is_not_overwritten(self):
        image = self.path / "image.elf"
        subprocess.run([TOOL, "cut", "--root", "0x28341c7", "sample:s390x", str(image)], check=True,
                       capture_output=True, timeout=120)
        before = image.read_bytes()
        self.refused("is the source, or a part of it", "--svg", str(image), "--format", "s390x", "--source", str(image), "--root",
                     "0x28341c7", "0x7ffff000-0x80000fff")
        self.assertEqual(image.read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
