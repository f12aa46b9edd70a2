#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""pagewalk lab fold: the ranges of the mails of 2020, by address, as JSON and as text that fits into a mail.

usage: tool.py PAGEWALK
"""
import json
import struct
import subprocess
import sys
import tempfile
import unittest

TOOL = sys.argv.pop(1)
STRATEGIES = ["a", "b", "c", "d", "e"]
MAIL = ["--format", "s390x", "--levels", "3", "0x1007ffff000-0x10080000fff"]


def run(*arguments):
    return subprocess.run([TOOL, "lab", *arguments], capture_output=True, text=True, timeout=60)


def fold(*arguments):
    """The objects by strategy."""
    done = run("fold", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return {o["strategy"]: o for o in map(json.loads, done.stdout.splitlines())}


def last_mapped_at(found):
    return {name: o["pages"][-1]["mapped_at"] for name, o in found.items()}


class Json(unittest.TestCase):
    def test_three_levels(self):
        found = fold(*MAIL)
        self.assertEqual(list(found), STRATEGIES)
        right = "0x10080000000"
        self.assertEqual(last_mapped_at(found),
                         {"a": "0x10000000000", "b": right, "c": right, "d": right, "e": right})
        self.assertEqual({n: o["right"] for n, o in found.items()},
                         {"a": False, "b": True, "c": True, "d": True, "e": True})
        self.assertEqual(found["a"]["turns"], {"pgd": 1, "p4d": 1, "pud": 2, "pmd": 2, "pte": 2})
        self.assertEqual(found["b"]["turns"], {"pgd": 2, "p4d": 2, "pud": 2, "pmd": 2, "pte": 2})
        self.assertEqual(found["d"]["turns"], {"pgd": 1, "p4d": 1, "pud": 2, "pmd": 2, "pte": 2})
        self.assertEqual(found["e"]["turns"], {"pgd": 0, "p4d": 0, "pud": 2, "pmd": 2, "pte": 2})
        self.assertEqual(found["e"]["loads"], 6)
        # The first entry gives the depth; then pgd, p4d and pud read the same entry.
        self.assertEqual((found["d"]["loads"], found["d"]["entries"], found["d"]["most_loads"]), (9, 7, 3))
        self.assertEqual((found["e"]["entries"], found["e"]["most_loads"]), (6, 1))
        self.assertEqual(found["a"]["departures"], 1)
        for page in found["d"]["pages"]:
            self.assertEqual(page["va"], page["mapped_at"])
        # The page that strategy a took is the page that the oracle, and d, have at that address.
        there = fold("--format", "s390x", "--levels", "3", "0x10000000000-0x10000000fff")
        self.assertEqual(there["a"]["pages"][0]["mapped_at"], "0x10000000000")

    def test_other_depths(self):
        for levels, page in ((2, 1 << 20), (4, 1 << 42)):
            found = fold("--format", "s390x", "--levels", str(levels),
                         f"{7 * page - 0x1000:#x}-{7 * page + 0xfff:#x}")
            self.assertEqual(last_mapped_at(found)["a"], f"{6 * page:#x}")
            for name in "bcde":
                self.assertEqual(last_mapped_at(found)[name], f"{7 * page:#x}")
        for shift in (20, 31, 42, 53):
            found = fold("--format", "s390x", "--levels", "5", f"{(1 << shift) - 1:#x}-{1 << shift:#x}")
            self.assertTrue(all(o["right"] and o["departures"] == 0 for o in found.values()))

    def test_single_address(self):
        found = fold("--format", "arm64_16k_47", "--strategy", "a,b,c,d,e,d2020", "0x123456788123")
        self.assertEqual({n for n, o in found.items() if o["right"]}, {"d", "e"})
        self.assertEqual(last_mapped_at(found)["d2020"], "0x456788000")

    def test_copies_without_harm(self):
        found = fold("--format", "x86_64", "0x7fffffffff-0x8000000000")
        self.assertTrue(all(o["right"] and o["departures"] == 0 for o in found.values()))
        self.assertEqual(found["a"]["stack_loads"], 2)

    def test_lucky(self):
        found = fold(*MAIL, "--neighbour", "none", "--strategy", "a")["a"]
        self.assertTrue(found["right"])
        self.assertEqual(found["departures"], 1)
        self.assertEqual(found["stopped_at"], "0x10080000000")
        self.assertEqual(len(found["pages"]), 1)

    def test_pagewalk(self):
        found = fold(*MAIL, "--walk", "pagewalk")
        self.assertTrue(all(o["right"] for o in found.values()))
        self.assertEqual({n: o["turns"]["pgd"] for n, o in found.items()},
                         {"a": 1, "b": 1, "c": 2, "d": 1, "e": 0})


class Text(unittest.TestCase):
    def test_fits_a_mail(self):
        for arguments in (MAIL, MAIL + ["--walk", "pagewalk"], MAIL + ["--neighbour", "none"],
                          ["--format", "s390x", "--levels", "5", "0x1ffffffffff000-0x20000000000fff"],
                          ["--format", "arm64_16k_47", "0x123456788000"],
                          ["--format", "x86_64", "0x7ffffe0000-0x8000100000"],
                          ["--format", "riscv_sv39", "0-0xfffff"]):
            done = run("fold", *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            for line in done.stdout.splitlines():
                self.assertLessEqual(len(line), 100, line)
                self.assertTrue(line.isascii(), line)
                self.assertEqual(line, line.rstrip())

    def test_says_it(self):
        text = " ".join(run("fold", *MAIL).stdout.split())
        self.assertIn("WRONG: the page of 0x10000000000", text)
        self.assertIn("stack, 1 word beside the copy of p4d: NO TABLE", text)
        self.assertIn("crosses a multiple of 2^31", text)
        text = " ".join(run("fold", "--format", "x86_64", "0x7fffffffff-0x8000000000").stdout.split())
        self.assertIn("Stack copies do no harm here", text)
        text = " ".join(run("fold", *MAIL, "--walk", "pagewalk").stdout.split())
        self.assertIn("Before (a, b, d): pgd_addr_end() uses the static 2^53", text)
        five = run("fold", "--format", "s390x", "0x1ffffffffff000-0x20000000000fff").stdout
        self.assertIn("With five tables no level is folded", " ".join(five.split()))


class Image(unittest.TestCase):
    """A hand-made s390x image: three tables for the page below 2 GB, two more for the page above."""

    def test_image(self):
        ram = bytearray(0x20000)

        def put(at, value):
            struct.pack_into(">Q", ram, at, value)

        for at in range(0, 0x4000, 8):
            put(at, 0x24)
        for at in range(0x4000, 0xc000, 8):
            put(at, 0x20)
        for at in range(0xc000, 0xf000, 8):
            put(at, 0x400)
        put(0, 0x4007)
        put(8, 0x8007)
        put(0x4000 + 8 * 0x7ff, 0xc000)
        put(0x4000, 0xd000)
        put(0x8000, 0xe000)
        put(0xc000 + 8 * 0xff, 0x1000003d)
        put(0xd000, 0x2000003d)
        put(0xe000, 0x3000003d)
        with tempfile.NamedTemporaryFile() as file:
            file.write(ram)
            file.flush()
            found = fold("--format", "s390x", "--source", f"raw:{file.name}@0", "--root", "0x1c7",
                         "0x7ffff000-0x80000fff")
        self.assertEqual([(p["va"], p["pa"]) for p in found["d"]["pages"]],
                         [("0x7ffff000", "0x10000000"), ("0x80000000", "0x30000000")])
        self.assertEqual(found["a"]["pages"][1]["pa"], "0x20000000")
        self.assertEqual(found["a"]["pages"][1]["mapped_at"], "0x0")
        self.assertEqual({n for n, o in found.items() if o["right"]}, {"b", "c", "d", "e"})


class RealKernel(unittest.TestCase):
    """Tables that Linux made: a process with three tables and pages on both sides of 4 GB."""

    SPACE = ["--source", "sample:s390x", "--cpu", "2"]

    def test_wrong_page(self):
        found = fold(*self.SPACE, "0xfffff000-0x100000fff")
        self.assertEqual(last_mapped_at(found)["a"], "0x80000000")
        for name in "bcde":
            self.assertEqual(last_mapped_at(found)[name], "0x100000000")
        self.assertEqual({n for n, o in found.items() if o["right"]}, {"b", "c", "d", "e"})

    def test_nothing_where_it_looks(self):
        found = fold(*self.SPACE, "0x7ffff000-0x80000fff", "--strategy", "a")["a"]
        self.assertEqual(found["departures"], 1)
        self.assertEqual(found["stopped_at"], "0x80000000")
        self.assertIn("Right by luck", found["verdict"])

    def test_four_and_five_tables(self):
        for cpu in ("3", "4"):
            found = fold("--source", "sample:s390x", "--cpu", cpu, "0xfffff000-0x100000fff")
            self.assertTrue(all(o["right"] for o in found.values()))
            self.assertEqual(last_mapped_at(found)["a"], "0x100000000")


class Usage(unittest.TestCase):
    def refuse(self, words, *arguments):
        done = run(*arguments)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_refusals(self):
        self.refuse("no laboratory command 'fodl'", "fodl")
        self.refuse("Usage:")
        self.refuse("give a range", "fold", "--format", "s390x")
        self.refuse("give --format", "fold", "0-1")
        self.refuse("no format 's39'", "fold", "--format", "s39", "0-1")
        self.refuse("not a strategy", "fold", "--format", "s390x", "--strategy", "a,f", "0-1")
        self.refuse("2 to 5 levels", "fold", "--format", "s390x", "--levels", "6", "0-1")
        self.refuse("a format that has as many", "fold", "--format", "x86_64", "--levels", "5", "0-1")
        self.refuse("cannot map 0x80000000", "fold", "--format", "s390x", "--levels", "2", "0x80000000")
        self.refuse("nothing to compare", "fold", "--format", "amdv1", "0-1")
        self.refuse("its usual one is 'value'", "fold", "--format", "s390x", "--style", "mode", "0-1")
        self.refuse("give a shorter range", "fold", "--format", "x86_64", "0-0xffffffffff")
        self.refuse("--levels does not work with --source", "fold", "--source", "x", "--levels", "3", "0-1")
        self.refuse("--neighbour is entry or none", "fold", "--neighbour", "x", "0-1")

    def test_help(self):
        self.assertIn("fold", run("--help").stdout)
        self.assertIn("--strategy", run("fold", "--help").stdout)


if __name__ == "__main__":
    unittest.main()
