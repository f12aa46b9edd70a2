#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""pagewalk explain: its arguments and exit status. Its files are whole, well-formed, and refer to nothing outside
themselves. page.mjs tries the page itself.

usage: explain.py PAGEWALK
"""
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

TOOL = sys.argv.pop(1)
# The address space of tests/images/s390x.txt that straddles boundaries, three levels.
STRADDLE = ["--root", "0x28341c7", "sample:s390x"]
MAPPED, HOLE, RANGE = "0x7ffff123", "0x2700000000", "0x7ffff000-0x80001fff"


def explain(*arguments, **environment):
    variables = {**os.environ, "LC_ALL": "C.UTF-8", **environment}
    return subprocess.run([TOOL, "explain", *arguments], capture_output=True, text=True, timeout=120,
                          env=variables)


def translate(*arguments):
    done = subprocess.run([TOOL, "translate", "--json", *arguments], capture_output=True, text=True, timeout=120)
    return json.loads(done.stdout)


def objects(*arguments):
    done = explain("--json", *arguments)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Text(unittest.TestCase):
    def test_mapped(self):
        done = explain(*STRADDLE, MAPPED)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("region-first   folded, not visited: this ASCE starts at region-third (DT=1)", done.stdout)
        self.assertRegex(done.stdout, r"= physical 0x[0-9a-f]+123 ")
        self.assertIn("┌", done.stdout)
        self.assertNotIn("\033", done.stdout)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 100)

    def test_hole(self):
        done = explain(*STRADDLE, HOLE)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("not mapped: the region-third entry is empty (2 GiB)", done.stdout)

    def test_range(self):
        done = explain(*STRADDLE, RANGE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 x 2 GiB: iterates here", done.stdout)
        self.assertEqual(explain(*STRADDLE, "0x2700000000-0x2700ffffff").returncode, 1)

    def test_ascii_by_option_and_by_locale(self):
        for done in (explain("--ascii", *STRADDLE, MAPPED), explain(*STRADDLE, MAPPED, LC_ALL="C")):
            self.assertTrue(done.stdout.isascii())
            self.assertIn("+--> ", done.stdout)

    def test_width(self):
        done = explain("--width", "72", *STRADDLE, RANGE)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 72)

    def test_colour_only_on_a_terminal(self):
        if not shutil.which("script"):
            self.skipTest("script(1) is not installed")
        command = f"{TOOL} explain {' '.join(STRADDLE)} {MAPPED}"

        def on_terminal(**environment):
            variables = {**os.environ, "TERM": "xterm", "NO_COLOR": "", "PAGER": "cat", **environment}
            return subprocess.run(["script", "-qec", command, "/dev/null"], capture_output=True, env=variables,
                                  timeout=120, stdin=subprocess.DEVNULL).stdout

        self.assertIn(b"\033[", on_terminal())
        self.assertNotIn(b"\033[", on_terminal(NO_COLOR="1"))
        self.assertNotIn(b"\033[", on_terminal(TERM="dumb"))


class Json(unittest.TestCase):
    def test_agrees_with_translate(self):
        *steps, result = objects(*STRADDLE, MAPPED)
        expected = translate(*STRADDLE, MAPPED)
        self.assertEqual({key: result[key] for key in expected}, expected)
        self.assertEqual([step["level"] for step in steps], ["region-third", "segment", "pte"])
        self.assertEqual([folded["level"] for folded in result["folded"]], ["region-first", "region-second"])
        for above, below in zip(steps, steps[1:]):
            self.assertEqual(above["next"], below["table"])

    def test_range_names_where_it_iterates(self):
        *steps, result = objects(*STRADDLE, RANGE)
        self.assertEqual(result["parts"][0]["iterates"], "region-third")
        self.assertEqual([step["index"] for step in steps if step["level"] == "region-third"], [0, 1])
        self.assertEqual(result["leaves"], sum(step["count"] for step in steps if step["kind"] == "leaf"))


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def draw(self, *what):
        svg, page = self.path / "walk.svg", self.path / "walk.html"
        done = explain("--svg", str(svg), "--html", str(page), *STRADDLE, *what)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertIn("s390x: ", done.stdout)
        return svg.read_text(encoding="utf-8"), page.read_text(encoding="utf-8")

    def test_svg_is_xml_on_its_own(self):
        for address in (MAPPED, HOLE, RANGE, "0x40000000000"):
            svg, _ = self.draw(address)
            root = xml.etree.ElementTree.fromstring(svg)
            self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
            outside = re.findall(r"""(?:href|src|url\()[^>]*""", svg)
            self.assertEqual(outside, [])
            self.assertIn("prefers-color-scheme:dark", svg)
            width, height = float(root.get("width")), float(root.get("height"))
            for element in root.iter():
                self.assertLessEqual(float(element.get("x", 0)), width)
                self.assertLessEqual(float(element.get("y", 0)), height)

    def test_page_is_on_its_own(self):
        _, page = self.draw(MAPPED)
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
        for url in re.findall(r"https?://[^\"' )]+", page):
            self.assertEqual(url, "http://www.w3.org/2000/svg")

    def test_names_are_escaped(self):
        hostile = self.path / "<img src=x onerror=alert(1)>&\"'.elf"
        source = subprocess.run([TOOL, "cut", "--root", "0x28341c7", "sample:s390x", str(hostile)],
                                capture_output=True, text=True, timeout=120)
        self.assertEqual(source.returncode, 0, source.stderr)
        done = explain("--html", "-", "--root", "0x28341c7", "--format", "s390x", str(hostile), MAPPED)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("<img", done.stdout)
        self.assertIn("&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;.elf", done.stdout)

    def test_standard_output_is_not_mixed(self):
        done = explain("--svg", "-", *STRADDLE, MAPPED)
        self.assertTrue(done.stdout.startswith("<?xml"))
        self.assertTrue(done.stdout.endswith("</svg>\n"))

    def test_source_is_not_overwritten(self):
        image = self.path / "image.elf"
        subprocess.run([TOOL, "cut", "--root", "0x28341c7", "sample:s390x", str(image)], check=True,
                       capture_output=True, timeout=120)
        before = image.read_bytes()
        done = explain("--svg", str(image), "--root", "0x28341c7", "--format", "s390x", str(image), MAPPED)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is the source, or a part of it", done.stderr)
        self.assertEqual(image.read_bytes(), before)

    def test_no_such_folder(self):
        done = explain("--html", str(self.path / "none" / "walk.html"), *STRADDLE, MAPPED)
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no such folder", done.stderr)

    def test_full_device(self):
        done = explain("--html", "/dev/full", *STRADDLE, MAPPED)
        self.assertEqual(done.returncode, 2)
        self.assertIn("/dev/full: could not be written", done.stderr)


class Usage(unittest.TestCase):
    def refused(self, *arguments):
        done = explain(*arguments)
        self.assertEqual(done.returncode, 2, arguments)
        return done.stderr

    def test_bad_arguments(self):
        self.assertIn("give a SOURCE", self.refused("sample:s390x"))
        self.assertIn("one argument too many", self.refused(*STRADDLE, "1", "2"))
        self.assertIn("--width takes a number from 30 to 400", self.refused("--width", "10", *STRADDLE, "1"))
        self.assertIn("--rows takes", self.refused("--rows", "0", *STRADDLE, "1"))
        self.assertIn("same file", self.refused("--svg", "x", "--html", "x", *STRADDLE, "1"))
        self.refused(*STRADDLE, "0x2000-0x1000")
        self.refused(*STRADDLE, "here")

    def test_rows_bound_a_range(self):
        done = explain("--rows", "3", *STRADDLE, "0-0xffffffffff")
        self.assertIn("stopped at 0x", done.stdout)
        self.assertEqual(explain("--help").returncode, 0)


if __name__ == "__main__":
    unittest.main()
