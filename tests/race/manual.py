#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""pagewalk-lab(5) describes every word of the language, and its examples end as they say.

usage: manual.py PAGEWALK_LAB SOURCE_ROOT
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

LABORATORY, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
del sys.argv[1:3]
PAGE = (ROOT / "man/pagewalk-lab.5").read_text(encoding="utf-8")


class Language(unittest.TestCase):
    def test_words(self):
        """Words that the parser knows are words that the page shows as such, and the other way round."""
        sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "lab/race/scene").glob("*.c"))]
        known = set(re.findall(r'parse_is\(p, "([a-z-]+)"\)', "".join(sources)))
        known |= set(re.findall(r'\[SCENE_\w+\] = "([a-z-]+)"', "".join(sources)))
        known |= set(re.findall(r'\[PW_FOLIO_\w+\] = "([a-z-]+)"', "".join(sources)))
        known |= set(re.findall(r'\{ "([a-z]+)", PW_[A-Z]+ \}', "".join(sources)))
        self.assertGreater(len(known), 70)
        told = set()
        for line in re.findall(r"^\.(?:It )?(?:Cm|Oo|Ar|Op) .*", PAGE, re.MULTILINE):
            literal = False
            for word in line.split():
                if word in {"Cm", "Ar", "Op", "Oo", "Oc", "Ns", ".Cm", ".Ar", ".It", ".Oo", "\\&:"}:
                    literal = word in {"Cm", ".Cm"} or (literal and word in {"Ns"})
                elif literal and re.fullmatch(r"[a-z][a-z-]*", word):
                    told.add(word)
        commands = {"lab", "run", "list", "--all", "--mutants"}
        self.assertEqual(known - told, set(), "the page does not show these")
        self.assertEqual(told - known - commands, set(), "the parser does not know these")

    def test_examples(self):
        examples = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", PAGE, re.MULTILINE | re.DOTALL)
        self.assertGreaterEqual(len(examples), 3)
        with tempfile.TemporaryDirectory() as folder:
            for i, example in enumerate(examples):
                (pathlib.Path(folder) / f"example{i}.scene").write_text(example, encoding="utf-8")
            done = subprocess.run([LABORATORY, "run", "--all", "--mutants"], capture_output=True, text=True, check=False,
                                  timeout=100, env=dict(os.environ, PAGEWALK_SCENARIOS=folder))
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertRegex(done.stdout, r"\d+ proved, [1-9]\d* found, 0 not finished\n$")


if __name__ == "__main__":
    unittest.main()
