#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The page that `make bench` writes: bars, goals and words say what the numbers do.

usage: bench_page.py SOURCE
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

SOURCE = None   # set by main

CASES = [
    {"name": "walk-a", "part": "walks", "ns": 3.0, "floor": "floor", "floor_ns": 2.0, "unit": "page", "ratio": 1.5, "goal": 1.6,
     "rivals": {"slow_one": 4000.0, "kernel": "not on this host"}},
    {"name": "walk-b", "part": "walks", "ns": 9.0, "floor": "floor", "floor_ns": 2.0, "unit": "page", "ratio": 4.5, "goal_ns": 4.0, "rivals": {}},
    {"name": "edit <a>", "part": "edits", "ns": 9.0, "floor": "plain loop", "floor_ns": 2.0, "unit": "entry", "ratio": 4.5, "rivals": {}},
    {"name": "memory", "bytes": 5, "floor_bytes": 4, "folio_bytes": 3},
]


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            source, target = pathlib.Path(folder, "bench.json"), pathlib.Path(folder, "bench.html")
            source.write_text(json.dumps(CASES))
            subprocess.run([SOURCE / "bench" / "page.py", source, target], check=True, timeout=60, stdout=subprocess.DEVNULL)
            cls.text = target.read_text()
            cls.left = [path.name for path in pathlib.Path(folder).iterdir()]
        cls.figures = re.findall(r"<figure.*?</figure>", cls.text, re.S)

    def widths(self, figure, kind):
        return [float(width) for width in re.findall(rf'<rect class="{kind}" x="190" y="\d+" width="([0-9.]+)"', figure)]

    def test_bars(self):
        self.assertEqual(len(self.figures), 3)
        figure = self.figures[0]
        ours, floor, rival = (self.widths(figure, kind)[0] for kind in ["met", "floor", "rival"])
        self.assertAlmostEqual(ours / floor, 1.5, delta=0.01)
        self.assertEqual(rival, 560)
        self.assertIn("4000 ns (bar is cut)", figure)
        self.assertIn("not on this host", figure)
        # The goal stands at 1.6 times the floor's bar.
        goal = float(re.search(r'class="goal" x1="([0-9.]+)"', figure)[1]) - 190
        self.assertAlmostEqual(goal / floor, 1.6, delta=0.01)

    def test_words(self):
        self.assertIn("1 of 2 goals are met", self.text)
        self.assertIn('goal 1.6 times: <span class="met">met', self.figures[0])
        self.assertIn('goal 4 ns: <span class="missed">missed', self.figures[1])
        self.assertNotIn("goal", self.figures[2])
        self.assertEqual(self.widths(self.figures[2], "plain")[:1], self.widths(self.figures[2], "plain"))
        self.assertIn("edit &lt;a&gt;", self.figures[2])
        self.assertIn("floor bytes 4", self.text)

    def test_alone(self):
        """One file, which is XML in all its drawings, and loads nothing."""
        self.assertEqual(sorted(self.left), ["bench.html", "bench.json"])
        self.assertNotRegex(self.text, r"(?:src|href)=|@import|url\(")
        for drawing in re.findall(r"<svg.*?</svg>", self.text, re.S):
            xml.dom.minidom.parseString(drawing)


if __name__ == "__main__":
    SOURCE = pathlib.Path(sys.argv.pop(1))
    unittest.main(argv=sys.argv)
