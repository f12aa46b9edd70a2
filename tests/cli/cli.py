#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The tool as people and programs use it: text, JSON, exit status, streams, and bad input of every kind."""

import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

import images
import schemas

TOOL = None     # set by main
MAN = pathlib.Path(__file__).parents[2] / "man" / "pagewalk.1"
SUBCOMMANDS = ["info", "roots", "map", "translate", "explain", "read", "find", "check", "cut", "watch", "diff", "lab fold", "formats"]
X86 = ["--format", "x86_64", "--root", hex(images.CR3)]
S390 = ["--format", "s390x", "--root", hex(images.ASCE)]


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        cls.x86 = images.x86_64(cls.path / "x86.img")
        cls.s390 = images.s390x(cls.path / "s390.img")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_tool(self, *arguments, status=0, text=True, **more):
        result = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=text, timeout=60, **more)
        self.assertEqual(result.returncode, status, f"{arguments}\n{result.stdout}\n{result.stderr}")
        return result

    def lines(self, *arguments, **more):
        return self.run_tool(*arguments, **more).stdout.splitlines()

    def objects(self, *arguments, **more):
        return schemas.check(arguments, [json.loads(line) for line in self.lines(*arguments, **more)])

    def refused(self, *arguments, says, **more):
        """Exit status 2, nothing on stdout, and a sentence on stderr that contains all of @says."""
        result = self.run_tool(*arguments, status=2, **more)
        self.assertEqual(result.stdout, "")
        self.assertTrue(result.stderr.startswith("pagewalk"), result.stderr)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, result.stderr)


class Translate(Case):
    def test_text(self):
        self.assertEqual(self.lines("translate", *X86, self.x86, "0x10123", "0x11000", "0x12000", "0x234567"), [
            "0x0000000000010123 -> 0x0000000000108123     4 KiB pte  rw-u  accessed dirty",
            "0x0000000000011000 -> 0x0000000000109000     4 KiB pte  r-xu  accessed",
            "0x0000000000012000 -> 0x0000000000108000     4 KiB pte  r--k",
            "0x0000000000234567 -> 0x0000000040034567     2 MiB pmd  rwxu  accessed"])

    def test_reasons(self):
        lines = self.lines("translate", *X86, self.x86, 0, "0x13000", "0x14000", "0x400000", "0x600000", "0x8000000000",
                           1 << 47, status=1)
        for line, words in zip(lines, [
                ["none: pte 0x0 is empty"],
                ["none: pte 0x18", "not valid", "swap entry", "Linux view"],
                ["none: pte 0x", "PROT_NONE"],
                ["outside: the page table at 0x9000000 is not in the memory that we have", "; pmd entry 0x9000027 leads to it"],
                ["malformed: pmd entry 0x60004081", "reserved bits"],
                ["none: pgd entry 0x0 is empty"],
                ["not-canonical:", "0x0-0x7fffffffffff", "0xffff800000000000-0xffffffffffffffff"]]):
            for word in words:
                self.assertIn(word, line)

    def test_linux_view(self):
        view = ["--view", "linux"]
        answers = self.objects("translate", "--json", *view, *X86, self.x86, "0x13000", "0x14008", status=1)
        self.assertEqual(answers[0]["status"], "swap")
        self.assertEqual((answers[1]["status"], answers[1]["pa"], answers[1]["size"]), ("prot-none", "0x10a008", 4096))
        self.assertIn("nobody may access", self.lines("translate", *view, *X86, self.x86, "0x14008", status=1)[0])

    def test_json(self):
        self.assertEqual(self.objects("translate", "--json", *X86, self.x86, "0x10123", "0x500000", "0x800000",
                                      "0xffffffffffffffff", "0x8000000000000000", status=1), [
            {"va": "0x10123", "pa": "0x108123", "size": 4096, "level": "pte", "entry": "0x8000000000108067", "prot": "rw-u", "status": "ok",
             "flags": ["accessed", "dirty"], "memtype": "normal"},
            {"va": "0x500000", "status": "outside", "level": "pte", "entry": "0x9000027",
             "why": "the page table at 0x9000000 is not in the memory that we have, so its entry at 0x9000800 cannot be read; pmd entry 0x9000027 leads to it"},
            {"va": "0x800000", "status": "none", "level": "pmd", "entry": "0x0", "why": "pmd entry 0x0 is empty (2 MiB)"},
            {"va": "0xffffffffffffffff", "pa": "0x108fff", "size": 4096, "level": "pte", "entry": "0x8000000000108003", "prot": "rw-k",
             "status": "ok", "flags": [], "memtype": "normal"},
            {"va": "0x8000000000000000", "status": "not-canonical",
             "why": "the roots cover 0x0-0x7fffffffffff and 0xffff800000000000-0xffffffffffffffff, but nothing between"}])

    def test_s390x(self):
        lines = self.lines("translate", *S390, self.s390, "0x5008", "0x6000", "0x100000", "0x80000000", "0x25800000", status=1)
        self.assertEqual(lines[0], "0x0000000000005008 -> 0x0000000000009008     4 KiB pte  rwxu  accessed dirty")
        self.assertIn("none: pte 0xa631 is not valid (4 KiB); for Linux the page at 0xa000 is present here, but old", lines[1])
        self.assertIn("none: segment entry 0x20 is empty", lines[2])
        self.assertIn("none: region-third entry 0x24 is empty", lines[3])
        self.assertIn("length: index 600 is in quarter 1 of the segment table, and the region-third above says that quarters 0 (TF) to 0 (TL) exist",
                      lines[4])
        self.lines("translate", "--view", "linux", *S390, self.s390, "0x6000")

    def test_numbers(self):
        for text in ["0x10000", "0X10000", "65536", "64K", "0x40k", "0000000000010000"]:
            self.assertEqual(self.objects("translate", "--json", *X86, self.x86, text)[0]["va"], "0x10000")
        self.assertEqual(self.objects("translate", "--json", *X86, self.x86, "1G", "1T", "2M", status=1)[0]["va"], "0x40000000")

    def test_bad_numbers(self):
        for text, says in [("1ffffffffffffffff", "put 0x before it"), ("0x1ffffffffffffffff", "more than 64 bits"),
                           ("18446744073709551616", "more than 64 bits"), ("16777216T", "more than 64 bits"),
                           ("0x10000z", "is not a number"), ("0x", "is not a number"), ("", "is empty"), ("K", "is not a number"),
                           ("1234567890123456", "write it with 0x"), ("fffffffffffffff", "put 0x before it"), ("0xg", "is not a number"), ("12 34", "is not a number"), ("1.5G", "is not a number")]:
            self.refused("translate", *X86, self.x86, text, says=says)
        self.refused("translate", *X86, self.x86, "--", "-5", says="is negative")
        self.refused("translate", *X86, self.x86, "-5", says="invalid option")

    def test_input(self):
        text = "0x10000 # a comment\n\n  0x11000\r\n# nothing\n0x800000"
        answers = self.objects("translate", "--json", *X86, self.x86, "0x12000", "-", "0x200000", status=1, input=text)
        self.assertEqual([answer["va"] for answer in answers], ["0x12000", "0x10000", "0x11000", "0x800000", "0x200000"])
        self.assertEqual(self.lines("translate", *X86, self.x86, "-", input=""), [])

    def test_much_input(self):
        count = 20000
        text = "".join(f"0x{0x10000 + i % 4096:x}\n" for i in range(count))
        answers = self.objects("translate", "--json", *X86, self.x86, "-", input=text)
        self.assertEqual([int(answer["pa"], 16) for answer in answers], [0x108000 + i % 4096 for i in range(count)])

    def test_bad_input(self):
        for text, says in [("0x10000\nnonsense\n", "line 2: 'nonsense' is not a number"), ("0x1 0x2\n", "a line of its own"), ("0x1\0\n", "NUL"),
                           ("0" * 100000, "too long")]:
            result = self.run_tool("translate", *X86, self.x86, "-", status=2, input=text)
            self.assertIn(says, result.stderr)
        # The lines before this one are answered.
        self.assertEqual(len(self.run_tool("translate", *X86, self.x86, "-", status=2, input="0x10000\nx\n").stdout.splitlines()), 1)
        self.refused("translate", *X86, self.x86, "-", "-", says="only once")

    def test_conversation(self):
        """Each answer comes before the next question."""
        with subprocess.Popen([TOOL, "translate", "--json", *X86, self.x86, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as process:
            for va in ["0x10000", "0x11000", "0x800000"]:
                process.stdin.write(va + "\n")
                process.stdin.flush()
                self.assertEqual(json.loads(process.stdout.readline())["va"], va)
            process.stdin.close()
            self.assertEqual(process.wait(timeout=10), 1)


class Map(Case):
    def test_text(self):
        lines = self.lines("map", *X86, self.x86, "0-0x3fffffff")
        self.assertEqual(lines[0].split(), ["virtual", "addresses", "physical", "length", "page", "prot"])
        self.assertEqual(lines[1:], [
            "0x0000000000010000-0x0000000000010fff  0x0000000000108000     4 KiB    4 KiB  rw-u",
            "0x0000000000011000-0x0000000000011fff  0x0000000000109000     4 KiB    4 KiB  r-xu",
            "0x0000000000012000-0x0000000000012fff  0x0000000000108000     4 KiB    4 KiB  r--k",
            "0x0000000000015000-0x0000000000015fff  0x0000000007000000     4 KiB    4 KiB  r--u uncached",
            "0x0000000000200000-0x00000000003fffff  0x0000000040000000     2 MiB    2 MiB  rwxu"])

    def test_json(self):
        ranges = self.objects("map", "--json", *X86, self.x86)
        page = {"length": 4096, "size": 4096, "status": "ok", "level": "pte", "flags": [], "memtype": "normal"}
        self.assertEqual(ranges[0], {"va": "0x10000", "pa": "0x108000", "prot": "rw-u", **page, "region": "user"})
        self.assertEqual(ranges[-1], {"va": "0xfffffffffffff000", "pa": "0x108000", "prot": "rw-k", **page, "region": "unused"})
        self.assertEqual([r["va"] for r in ranges if r["memtype"] == "uncached"], ["0x15000", "0x40015000"])
        self.assertEqual([r["va"] for r in ranges], sorted((r["va"] for r in ranges), key=lambda va: int(va, 16)))
        self.assertEqual(len(ranges), 11)

    def test_ranges(self):
        for text in ["0x10800-0x117ff", "0x10800..0x117ff", "0x10800+0x1000", "66K-0x117ff", "0000000000010800+4K"]:
            ranges = self.objects("map", "--json", *X86, self.x86, text)
            self.assertEqual([(r["va"], r["pa"], r["length"]) for r in ranges],
                             [("0x10800", "0x108800", 2048), ("0x11000", "0x109000", 2048)])
        self.assertEqual(len(self.objects("map", "--json", *X86, self.x86, "0-0xffffffffffffffff")), 11)

    def test_bad_ranges(self):
        for text, says in [("2-1", "ends before it begins"), ("0x1000", "FIRST-LAST"), ("0x1000+0", "length of 0"),
                           ("0xffffffffffffffff+2", "beyond 2^64"), ("-", "is negative"), ("1-", "is empty"), ("1..", "is empty"), ("1..2..3", "is not a number"), ("..2", "is not a number"), ("1-2-3", "is not a number"),
                           ("0-0x1ffffffffffffffff", "more than 64 bits")]:
            self.refused("map", *X86, self.x86, "--", text, says=says)
        self.refused("map", *X86, self.x86, "0-1", "2-3", says="one argument too many")

    def test_holes(self):
        holes = [r for r in self.objects("map", "--json", "--holes", *X86, self.x86) if r["status"] != "ok"]
        self.assertIn({"va": "0x0", "length": 0x10000, "status": "none", "level": "pte", "entry": "0x0", "region": "user"}, holes)
        self.assertIn({"va": "0x400000", "length": 0x200000, "status": "outside", "level": "pte", "entry": "0x9000027", "region": "user"},
                      holes)
        self.assertIn({"va": "0x600000", "length": 0x200000, "status": "malformed", "level": "pmd", "entry": "0x60004081", "region": "user"},
                      holes)
        self.assertIn({"va": "0x800000000000", "length": str(0xffff000000000000), "status": "not-canonical"}, holes)
        # All addresses are there, once each.
        whole = self.objects("map", "--json", "--holes", *X86, self.x86)
        at = 0
        for r in whole:
            self.assertEqual(int(r["va"], 16), at)
            self.assertEqual(isinstance(r["length"], str), int(r["length"]) > 1 << 53)
            at += int(r["length"])
        self.assertEqual(at, 1 << 64)
        text = self.run_tool("map", "--holes", *X86, self.x86).stdout
        self.assertRegex(text, r"0x0000000000400000-0x00000000005fffff  outside +2 MiB +pte 0x9000027")

    def test_filters(self):
        def found(*options, status=0):
            return [r["va"] for r in self.objects("map", "--json", *options, *X86, self.x86, "0-0x3fffffff", status=status)]
        self.assertEqual(found("--writable"), ["0x10000", "0x200000"])
        self.assertEqual(found("--read-only"), ["0x11000", "0x12000", "0x15000"])
        self.assertEqual(found("--executable"), ["0x11000", "0x200000"])
        self.assertEqual(found("--wx"), ["0x200000"])
        self.assertEqual(found("--user", "--read-only"), ["0x11000", "0x15000"])
        self.assertEqual(found("--kernel-only"), ["0x12000"])
        self.assertEqual(found("--huge"), ["0x200000"])
        self.assertEqual(found("--uncached"), ["0x15000"])
        self.assertEqual(found("--kernel-only", "--wx", status=1), [])
        self.refused("map", "--user", "--kernel-only", self.x86, says="no range can be both")
        self.refused("map", "--holes", "--user", self.x86, says="exclude each other")

    def test_tables_used_often(self):
        source = self.path / "espfix.img"
        images.espfix(source)
        source = ["--format", "x86_64", "--root", 0, f"raw:{source}@0"]
        ranges = self.objects("map", "--json", *source)
        self.assertEqual([r["va"] for r in ranges[:64]], [f"0x{i << 16:x}" for i in range(64)])
        # One line for the rest of four gigabytes, then the next range.
        self.assertEqual(ranges[64:], [
            {"va": "0x400000", "length": (4 << 30) - 0x400000, "status": "shared", "same_as": "0x0", "region": "user"},
            {"va": "0x8000000000", "pa": "0x7200000", "length": 2 << 20, "size": 2 << 20, "prot": "rw-k", "status": "ok",
             "level": "pmd", "flags": [], "memtype": "normal", "region": "user"}])
        self.assertIn("same tables as at 0x0000000000000000", self.lines("map", *source)[65])
        everything = self.objects("map", "--json", "--expand", *source)
        self.assertEqual([r["va"] for r in everything[:-1]], [f"0x{i << 16:x}" for i in range(65536)])
        self.assertEqual(everything[-1], ranges[-1])
        # Filters cannot judge ranges that were not walked; a message says so.
        result = self.run_tool("map", "--writable", *source)
        self.assertEqual(len(result.stdout.splitlines()), 2)
        self.assertIn("--expand", result.stderr)
        self.assertNotIn("--expand", self.run_tool("map", "--writable", "--expand", *source).stderr)

    def test_nothing(self):
        self.assertIn("nothing is mapped", self.run_tool("map", *X86, self.x86, "0-0xfff", status=1).stderr)


class Read(Case):
    def test_dump(self):
        lines = self.lines("read", *X86, self.x86, "0x10005", 24)
        self.assertEqual(lines, [
            "0x0000000000010000                 69 73 20  62 65 68 69 6e 64 20 74       is behind t",
            "0x0000000000010010  68 69 73 20 61 64 64 72  65 73 73 3f 20           his address? "])

    def test_raw(self):
        result = self.run_tool("read", "--raw", *X86, self.x86, "0x10000", len(images.TEXT), text=False)
        self.assertEqual(result.stdout, images.TEXT)
        output = self.path / "bytes"
        self.run_tool("read", "-o", output, *X86, self.x86, "0x10ffc", 8)
        self.assertEqual(output.read_bytes(), b"one two ")

    def test_json(self):
        rows = self.objects("read", "--json", *X86, self.x86, "0x10ffc", 8)
        self.assertEqual(rows, [{"va": "0x10ffc", "pa": "0x108ffc", "bytes": b"one ".hex(), "status": "ok"},
                                {"va": "0x11000", "pa": "0x109000", "bytes": b"two ".hex(), "status": "ok"}])

    def test_stops(self):
        result = self.run_tool("read", "--raw", *X86, self.x86, "0x12ffe", "0x1000", status=1, text=False)
        self.assertEqual(len(result.stdout), 2)
        self.assertIn(b"0x13000: pte 0x18", result.stderr)
        self.assertIn(b"2 of 4096 bytes", result.stderr)
        result = self.run_tool("read", *X86, self.x86, "0x15000", 1, status=1)
        self.assertIn("0x7000000 is not in the memory", result.stderr)
        # A read of an absurd length ends where the memory ends.
        self.run_tool("read", "--raw", *X86, self.x86, "0x10000", 0xffffffffffff0000, status=1, text=False)

    def test_refusals(self):
        self.refused("read", *X86, self.x86, "0x10000", 0, says="length of 0")
        self.refused("read", *X86, self.x86, "0xffffffffffffff00", "0x101", says="beyond 2^64")
        self.refused("read", *X86, self.x86, "0x10000", says="a length")
        self.refused("read", "--raw", "--json", *X86, self.x86, "0x10000", 1, says="excludes raw bytes")
        self.refused("read", "-o", self.path / "x86.img", *X86, self.x86, "0x10000", 1, says="is not overwritten")
        self.refused("read", "-o", self.path / "no" / "where", *X86, self.x86, "0x10000", 1, says="there is no such folder")


class Find(Case):
    def test_address(self):
        self.assertEqual(self.lines("find", *X86, self.x86, "0x108123"), [
            "0x0000000000010123 -> 0x0000000000108123     4 KiB  rw-u",
            "0x0000000000012123 -> 0x0000000000108123     4 KiB  r--k",
            "0x0000000040010123 -> 0x0000000000108123     4 KiB  rw-u",
            "0x0000000040012123 -> 0x0000000000108123     4 KiB  r--k",
            "0xfffffffffffff123 -> 0x0000000000108123     4 KiB  rw-k"])

    def test_range(self):
        found = self.objects("find", "--json", *X86, self.x86, "0x108800-0x1097ff", "0x40000000+1")
        self.assertEqual([(r["va"], r["pa"], r["length"]) for r in found][:2], [("0x10800", "0x108800", 2048), ("0x11000", "0x109000", 2048)])
        self.assertEqual(found[-1], {"va": "0x40200000", "pa": "0x40000000", "length": 1, "size": 0x200000, "prot": "rwxu", "status": "ok",
                                     "level": "pmd", "flags": [], "memtype": "normal"})
        self.assertEqual(len(found), 9)

    def test_nothing(self):
        self.assertIn("nothing maps 0x1", self.run_tool("find", *X86, self.x86, 1, status=1).stderr)
        self.assertEqual(len(self.lines("find", *X86, self.x86, 1, "0x109000", status=1)), 2)

    def test_aliases(self):
        aliases = self.objects("find", "--aliases", "--json", *X86, self.x86)
        self.assertEqual([a["pa"] for a in aliases], ["0x108000", "0x109000", "0x7000000", "0x40000000"])
        self.assertEqual(aliases[0]["length"], 4096)
        self.assertEqual([m["va"] for m in aliases[0]["mappings"]],
                         ["0x10000", "0x12000", "0x40010000", "0x40012000", "0xfffffffffffff000"])
        self.assertEqual(len(self.objects("find", "--aliases", "--json", *X86, self.x86, "0x7000010")), 1)
        self.assertIn("mapped 5 times", self.run_tool("find", "--aliases", *X86, self.x86).stdout)
        self.run_tool("find", "--aliases", *S390, self.s390, status=1)


class Check(Case):
    def test_text(self):
        text = self.run_tool("check", *X86, self.x86, status=1).stdout
        self.assertIn("writable and executable: 1 range, 2 MiB\n", text)
        self.assertRegex(text, r"malformed entries.*: 1\n")
        self.assertIn("0x0000000000400000-0x00000000005fffff  pte table at 0x9000000 (entry 0x9000027)", text)
        self.assertIn("0x0000000040000000-0x000000007fffffff  pmd table at 0x102000, the same as at 0x0000000000000000", text)

    def test_json(self):
        findings = self.objects("check", "--json", *X86, self.x86, status=1)
        self.assertEqual([f["finding"] for f in findings if "finding" in f],
                         ["writable-executable", "malformed", "outside"])
        self.assertEqual(findings[0], {"finding": "writable-executable", "va": "0x200000", "length": 0x200000, "pa": "0x40000000",
                                       "size": 0x200000, "prot": "rwxu", "flags": [], "memtype": "normal", "status": "ok"})
        self.assertEqual(len(findings), 4)
        self.assertEqual((findings[3]["note"], findings[3]["table"]), ("shared-table", "0x102000"))
        self.assertEqual(findings[3]["other_va"], "0x0")

    def test_limit(self):
        garbage = self.path / "garbage.img"
        garbage.write_bytes(bytes(range(1, 256)) * 4096)
        source = f"raw:{garbage}@0"
        result = self.run_tool("check", "--limit", 2, "--format", "x86_64", "--root", 0, source, status=1)
        self.assertIn("more", result.stdout)
        self.assertLess(len(result.stdout.splitlines()), 6 * 4 + 1)
        limited = self.objects("check", "--json", "--limit", 1, "--format", "x86_64", "--root", 0, source, status=1)
        self.assertTrue(any("more" in finding for finding in limited))

    def test_notes(self):
        """Tables that are shared on purpose are not a finding."""
        source = self.path / "espfix.img"
        images.espfix(source)
        source = ["--format", "x86_64", "--root", 0, f"raw:{source}@0"]
        lines = self.lines("check", *source)
        self.assertEqual(lines[:2], ["nothing looks wrong", "note: tables that are used more than once: 2"])
        self.assertIn("pte table at 0x3000, the same as at 0x0000000000000000", lines[2])
        self.assertIn("0x0000000040000000-0x00000000ffffffff  pmd table at 0x2000, the same as at 0x0000000000000000", lines[3])
        self.assertEqual([n["note"] for n in self.objects("check", "--json", *source)], ["shared-table", "shared-table"])
        self.assertIn({"note": "shared-table", "more": 1, "status": "shared"}, self.objects("check", "--json", "--limit", 1, *source))

    def test_clean(self):
        self.assertEqual(self.lines("check", *X86, self.x86, "0x10000-0x12fff"), ["nothing looks wrong"])
        self.assertEqual(self.lines("check", "--json", *X86, self.x86, "0x10000-0x12fff"), [])


class Cut(Case):
    def test_same_answers(self):
        for name, options, source in [("x", X86, self.x86), ("s", S390, self.s390)]:
            output = self.path / f"{name}.elf"
            result = self.objects("cut", "--json", "--label", "a \"test\"", *options, source, output)[0]
            self.assertEqual(result["output"], str(output))
            self.assertEqual(result["spaces"], 1)
            for view in ["hardware", "linux"]:
                whole = self.run_tool("map", "--holes", "--json", "--view", view, *options, source).stdout
                self.assertEqual(self.run_tool("map", "--holes", "--json", "--view", view, output).stdout, whole)
            info = self.objects("info", "--json", output)
            self.assertIn('a "test"', [o.get("origin") for o in info])
        # Only tables, without a byte of a page: seven on x86; on s390x two quarters of region tables and 2 KiB of page table.
        self.assertEqual((self.path / "x.elf").read_bytes().find(b"What is behind"), -1)
        self.assertEqual(sum(o["length"] for o in self.objects("info", "--json", self.path / "x.elf") if "segment" in o), 7 * 4096)
        self.assertEqual(sum(o["length"] for o in self.objects("info", "--json", self.path / "s.elf") if "segment" in o),
                         4096 + 4096 + 2048)

    def test_spaces(self):
        output = self.path / "spaces.elf"
        self.run_tool("cut", "--format", "x86_64", "--space", f"first=0x{images.CR3:x}", "--space", images.page(4), self.x86, output)
        cpus = [o for o in self.objects("info", "--json", output) if "cpu" in o]
        self.assertEqual([cpu["roots"] for cpu in cpus], [["0x100000"], ["0x104000"]])
        self.assertEqual(cpus[0]["origin"], "first")
        self.assertEqual(self.run_tool("map", "--cpu", 1, output).stdout,
                         self.run_tool("map", "--format", "x86_64", "--root", "0x104000", self.x86).stdout)
        self.refused("map", "--cpu", 2, output, says=["--cpu 2", "2 CPUs"])
        message = self.run_tool("map", output).stderr
        self.assertIn("pagewalk: using x86_64, root 0x100000 (CPU 0: first; `pagewalk info' lists 2, --cpu chooses)", message)

    def test_range(self):
        output = self.path / "range.elf"
        self.run_tool("cut", "--range", "0x10000-0x10fff", *X86, self.x86, output)
        self.run_tool("translate", output, "0x10000")
        self.assertIn("outside", self.run_tool("translate", output, "0xfffffffffffff000", status=1).stdout)
        self.assertIn(f"{output}: page tables alone, cut out of a larger image, 1 segment", self.lines("info", output)[0])

    def test_refusals(self):
        self.refused("cut", *X86, self.x86, self.path / "x86.img", says="is not overwritten")
        self.refused("cut", *X86, self.x86, "/dev/null", says="/dev/null")
        self.refused("cut", *X86, self.x86, self.path / "no" / "where", says="there is no such folder")
        self.refused("cut", "--format", "x86_64", "--root", "0x7000000", self.x86, self.path / "new", says="0x7000000")
        self.refused("cut", "--label", "x" * 40, *X86, self.x86, self.path / "new", says="39")
        self.refused("cut", "--label", "\n", *X86, self.x86, self.path / "new", says="printable")
        self.assertFalse((self.path / "new").exists())


class Sources(Case):
    def test_info(self):
        text = self.run_tool("info", self.x86).stdout
        self.assertIn("0x100000 0x10ffff 64 KiB", text)
        objects = self.objects("info", "--json", self.x86)
        self.assertEqual(objects[0]["bytes"], 65536)
        self.assertEqual(objects[1], {"segment": 0, "pa": "0x100000", "length": 65536, "status": "ok"})

    def test_formats(self):
        formats = self.objects("formats", "--json")
        names = [f["name"] for f in formats]
        self.assertEqual(len(names), len(set(names)))
        x86 = formats[names.index("x86_64")]
        self.assertEqual([level["bits"] for level in x86["levels"]], [9, 9, 9, 9])
        self.assertEqual([level["leaf"] for level in x86["levels"]], [False, True, True, True])
        table = self.run_tool("formats").stdout
        for name in names:
            self.assertRegex(table, rf"(?m)^{name} ")

    def test_bad_sources(self):
        empty, cut_short, text = self.path / "empty", self.path / "short", self.path / "text"
        empty.write_bytes(b"")
        cut_short.write_bytes(b"\177ELF\2\1\1")
        text.write_text("hello")
        for source, says in [(self.path / "missing", "missing"), (self.path, str(self.path)), (empty, "empty"), (cut_short, "truncated"),
                             (text, "raw:"), (f"raw:{self.path / 'x86.img'}", "@0"), (f"raw:{self.path / 'x86.img'}@z", "'z'"),
                             (f"raw:{self.path / 'x86.img'}@0+1T", "0x10000"), ("", "empty"), ("qemo:/tmp/x", "not a kind of source"),
                             ("sample:none-of-this-name", "none-of-this-name")]:
            self.refused("info", source, says=says)
            self.refused("map", *X86, source, says=says)

    def test_formats_and_roots(self):
        self.refused("map", "--format", "x86_46", "--root", 0, self.x86, says="did you mean x86_64?")
        self.refused("map", "--format", "z80", "--root", 0, self.x86, says=["'z80'", "pagewalk formats"])
        self.refused("map", "--format", self.path / "none.pwf", "--root", 0, self.x86, says="none.pwf")
        self.refused("map", "--root", 0, self.x86, says=["--format", "--root"])
        self.refused("map", "--format", "x86_64", self.x86, says=["--root", "CR3"])
        self.refused("map", "--format", "i386", "--root", 1 << 40, self.x86, says="32 bits")
        self.refused("map", "--format", "x86_64", "--root", 0, "--root", 0, self.x86, says="one root word")
        self.refused("map", *X86, "--root", 0, "--root", 1, self.x86, says="at most twice")
        self.refused("map", *S390[:2], "--root", "0x20", self.s390, says="real space")
        for subcommand, *arguments in [["map"], ["translate", 0], ["explain", 0], ["read", 0, 1], ["find", 0], ["check"]]:
            self.refused(subcommand, "--format", "x86_64", "--root", "0x7000000", self.x86, *arguments,
                         says=["root 0x7000000", "pgd table at 0x7000000 is not in the memory", "CR3", "x86.img"])

    def test_bad_options(self):
        self.refused("map", "--view", "mine", self.x86, says="hardware or linux")
        for version in ["6", "six", "6.1.2", "999.1", "-1.2", "6. 1", "4294967302.1"]:
            self.refused("map", "--kernel=" + version, self.x86, says="is not a version")
        for bit in ["11", "63", "x"]:
            self.refused("map", "--encryption-bit", bit, self.x86, says=f"'{bit}'")
        self.refused("map", "--nonsense", self.x86, says="--nonsense")
        self.refused("map", says="SOURCE")
        self.refused("mop", says="did you mean map?")
        self.refused("--json", "map", says="the subcommand comes first")
        self.run_tool(status=2)

    def test_encryption_bit(self):
        path = self.path / "encrypted.img"
        image = bytearray((self.path / "x86.img").read_bytes())
        for at in range(0, 7 * 4096, 8):
            if image[at] & 1:
                image[at + 5] |= 0x80               # bit 47
        path.write_bytes(image)
        source = f"raw:{path}@0x{images.BASE:x}"
        self.run_tool("translate", *X86, source, "0x10000", status=1)
        answer = self.objects("translate", "--json", "--encryption-bit", 47, *X86, source, "0x10000")[0]
        self.assertEqual(answer["pa"], "0x108000")


class Roots(Case):
    """Machines of several formats, with a kernel and two processes each; and memory in which there is none."""

    def test_formats(self):
        for name, machine in images.MACHINES.items():
            with self.subTest(name):
                source = machine(self.path / f"{name}.img")
                found = self.objects("roots", "--json", "--format", name, source)
                self.assertEqual([(root["name"], root["owner"], root["table"]) for root in found], [
                    ("kernel", "kernel", hex(images.KERNEL_ROOT)), ("1", "user", hex(images.USER_ROOTS[0])),
                    ("2", "user", hex(images.USER_ROOTS[1]))])
                for root in found[1:]:
                    self.assertEqual(root["user"], 8 * 4096)

    def test_unknown_format(self):
        source = images.MACHINES["x86_64"](self.path / "any.img")
        lines = self.lines("roots", source)
        self.assertEqual(lines[0].split(), "NAME ROOT FORMAT LEVELS USER KERNEL WHO SURE".split())
        self.assertEqual([line.split()[2] for line in lines[1:]], ["x86_64"] * 3)
        formats = {root["format"] for root in self.objects("roots", "--json", "--format", "any", source)}
        self.assertIn("x86_64", formats)

    def test_nothing(self):
        empty = self.path / "empty.img"
        empty.write_bytes(bytes(1 << 20))
        result = self.run_tool("roots", f"raw:{empty}@0", status=1)
        self.assertEqual(result.stdout, "")
        self.assertIn("no root was found", result.stderr)

    def test_hostile(self):
        """Tables that lead to each other in every way: the search ends, and finds what it finds."""
        hostile = self.path / "hostile.img"
        for entry in (lambda table, i: (i % 64) * 4096 | 0x67, lambda table, i: table * 4096 | 0x67,
                      lambda table, i: (i * 7919 + table) % 64 * 4096 | 0x3):
            hostile.write_bytes(b"".join(entry(table, i).to_bytes(8, "little") for table in range(64) for i in range(512)))
            result = subprocess.run([TOOL, "roots", "--format", "any", f"raw:{hostile}@0"], capture_output=True, timeout=60)
            self.assertIn(result.returncode, (0, 1))

    def test_names(self):
        """Other subcommands take the names, and find the kernel's root by themselves."""
        source = images.MACHINES["x86_64"](self.path / "named.img")
        result = self.run_tool("map", source)
        self.assertIn("using x86_64, root 0x40000 (the kernel's, found by its tables", result.stderr)
        self.assertEqual(result.stdout, self.run_tool("map", "--root", "kernel", source).stdout)
        words = self.run_tool("map", "--format", "x86_64", "--root", "0x50000", source).stdout
        self.assertEqual(self.run_tool("map", "--root", "1", source).stdout, words)
        self.assertEqual(self.lines("translate", "--root", "2", source, "0x18080201000")[0].split()[2], "0x0000000000029000")
        self.refused("map", "--root", "3", source, says=["--root 3", "pagewalk roots"])
        self.refused("map", "--root", "nobody", source, says="--root nobody")
        self.refused("map", "--all", "--root", "1", source, says="--all")

    def test_all(self):
        source = images.MACHINES["x86_64"](self.path / "all.img")
        objects = self.objects("map", "--json", "--all", source)
        self.assertEqual([o["space"] for o in objects if "space" in o], ["kernel", "1", "2"])
        self.assertEqual(sum(o.get("length", 0) for o in objects), (16 + 8 + 8) * 4096)
        found = self.objects("find", "--json", "--all", source, "0x29000")
        self.assertEqual([o.get("space", o.get("va")) for o in found], ["kernel", "1", "2", "0x18080201000"])
        # Everything is writable and executable: the kernel's half is told once.
        bad = [o for o in self.objects("check", "--json", "--all", source, status=1) if o.get("finding") == "writable-executable"]
        self.assertEqual(sum(o["length"] for o in bad), (16 + 8 + 8) * 4096)
        self.run_tool("cut", "--all", source, self.path / "all.elf")
        lines = self.objects("roots", "--json", self.path / "all.elf")
        self.assertEqual({line["table"] for line in lines}, {"0x40000", "0x50000", "0x60000"})

    def test_bad_options(self):
        self.refused("roots", says="SOURCE")
        self.refused("roots", "--format", "x86_65", self.x86, says="x86_64")
        self.refused("roots", self.x86, "more", says="too many")


class DumpFiles(Case):
    """The same memory in other kinds of files: every one has the same map."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = images.MACHINES["x86_64"](cls.path / "memory.img")
        cls.memory = (cls.path / "memory.img").read_bytes()
        cls.answer = subprocess.run([TOOL, "map", "--format", "x86_64", "--root", "0x50000", cls.source], capture_output=True,
                                    check=True).stdout

    def same(self, name, image, *options):
        path = self.path / name
        path.write_bytes(image)
        result = subprocess.run([TOOL, "map", *options, path], capture_output=True, timeout=60)
        self.assertEqual(result.stdout, self.answer, result.stderr)
        return result.stderr.decode()

    def lime(self, *ranges):
        return b"".join(b"EMiL" + struct.pack("<IQQQ", 1, first, last, 0) + self.memory[first:last + 1] for first, last in ranges)

    def test_lime(self):
        self.same("image.lime", self.lime((0, 0x4ffff), (0x50000, 0xfffff)), "--root", "1")
        path = self.path / "short.lime"
        path.write_bytes(self.lime((0, 0xfffff))[:-4096])
        self.assertIn("truncated: the range 0x0-0xfffff", self.run_tool("info", path).stdout)
        path.write_bytes(self.lime((0, 0xfff)) + bytes(40))
        self.refused("info", path, says=["0x1020", "LiME"])

    def windows(self, kind, body):
        header = bytearray(b"PAGE" * (0x2000 // 4))
        struct.pack_into("<8sIIQ", header, 0, b"PAGEDU64", 15, 7601, 0x50000)
        struct.pack_into("<I", header, 0x30, 0x8664)
        struct.pack_into("<IIQQQQQ", header, 0x88, 2, 0, 0x100, 0, 0x80, 0x80, 0x80)
        struct.pack_into("<I", header, 0xf98, kind)
        return bytes(header) + body

    def test_windows(self):
        said = self.same("full.dmp", self.windows(1, self.memory))
        self.assertIn("using x86_64, root 0x50000 (CPU 0: crash dump, DirectoryTableBase)", said)
        pages = range(1, 0x100)     # without page 0
        bits = bytearray(0x20)
        for page in pages:
            bits[page // 8] |= 1 << page % 8
        bitmap = b"SDMPDUMP" + bytes(24) + struct.pack("<QQQ", 0x3000, len(pages), 0x100) + bits
        self.same("bitmap.dmp", self.windows(5, bitmap.ljust(0x1000, b"\0") + self.memory[4096:]))
        path = self.path / "bad.dmp"
        path.write_bytes(self.windows(5, b""))
        self.refused("info", path, says="bitmap of pages is missing")
        path.write_bytes(self.windows(4, self.memory))
        self.refused("info", path, says=["type 4", "complete memory dump"])
        path.write_bytes(self.windows(1, self.memory[:0x90000]))
        self.assertIn("truncated: the run of 0x80 pages at 0x80000", self.run_tool("info", path).stdout)

    def test_windows_32(self):
        """The header of a 32-bit system; its memory is that of the 64-bit one, so only the addresses are compared."""
        header = bytearray(0x1000)
        struct.pack_into("<8sIII", header, 0, b"PAGEDUMP", 15, 2600, 0x50000)
        struct.pack_into("<I", header, 0x20, 0x14c)
        header[0x5c] = 1
        struct.pack_into("<IIII", header, 0x64, 1, 0x100, 0, 0x100)
        struct.pack_into("<I", header, 0xf88, 1)
        path = self.path / "old.dmp"
        path.write_bytes(bytes(header) + self.memory)
        objects = self.objects("info", "--json", path)
        self.assertIn({"segment": 0, "pa": "0x0", "length": 1 << 20, "status": "ok"}, objects)
        self.assertEqual([(o["format"], o["roots"]) for o in objects if "line" in o], [("i386_pae", ["0x50000"])])


class Words(Case):
    """What people type who know another tool, or the machine by another name."""

    def test_formats(self):
        for name, format in [("amd64", "x86_64"), ("x86-64", "x86_64"), ("x64", "x86_64")]:
            options = ["--format", name, "--root", hex(images.CR3)]
            result = self.run_tool("map", *options, self.x86)
            self.assertIn(f"'{name}' is taken for {format} (", result.stderr)
        self.assertIn("s390x", self.run_tool("map", "--format", "s390", "--root", hex(images.ASCE), self.s390).stderr)

    def test_subcommands(self):
        for other, name, arguments in [("vtop", "translate", ["0x10000"]), ("ptov", "find", ["0x108000"]), ("rd", "read", ["0x10000", "16"])]:
            self.assertEqual(self.lines(other, *X86, self.x86, *arguments), self.lines(name, *X86, self.x86, *arguments))
            for words in [["help", other], [other, "--help"], [other, "-h"], [name, "-h"]]:
                self.assertTrue(self.run_tool(*words).stdout.startswith(f"Usage: pagewalk {name} "))
        self.refused("help", "mapp", says="did you mean map?")

    def test_registers(self):
        self.refused("map", *S390, "--cr4", "0x10", self.s390, says=["--cr4", "s390x"])
        self.refused("map", *X86, "--mair", "5", self.x86, says=["--mair", "x86_64"])

    def test_version(self):
        lines = self.lines("--version")
        self.assertRegex(lines[0], r"^pagewalk \d+\.\d+\.\d+")
        self.assertRegex(lines[1], "^sources: ELF core, .*kdump.*, LiME, AVML, Windows crash dump, VMware, raw:FILE@BASE, sample:NAME, .*qemu:.*, gdb:HOST:PORT, uml:PID$")

    def test_cut_to_stdout(self):
        image = self.path / "stdout.elf"
        with open(image, "wb") as file:
            subprocess.run([TOOL, "cut", *X86, self.x86, "-"], stdout=file, check=True, timeout=60)
        self.assertEqual(self.lines("map", image), self.lines("map", *X86, self.x86))
        self.refused("cut", "--json", *X86, self.x86, "-", says="--json")

    def test_temporary_files(self):
        """They are in $TMPDIR, and nothing of them stays."""
        folder = self.path / "temporary"
        script = self.path / "swap.sim"
        script.write_text("format x86_64\nmemory 64p\nswap 16p\nmm A\n")
        calls = [["cut", *X86, self.x86, "-"], ["sim", script]]
        for call in calls:
            self.refused(*call, says=["cannot make a file", str(folder), "TMPDIR=FOLDER"], env={**os.environ, "TMPDIR": str(folder)})
        folder.mkdir()
        for call in calls:
            with open(self.path / "out", "wb") as out:
                subprocess.run([TOOL, *call], stdout=out, check=True, timeout=60,
                               env={**os.environ, "TMPDIR": str(folder)})
            self.assertEqual(list(folder.iterdir()), [])


class Streams(Case):
    def maze(self):
        """Tables that lead to each other in every entry, so that a scan would take too long."""
        path = self.path / "maze.img"
        entries = b"".join(((i * 2654435761 % 512) << 12 | 0x67).to_bytes(8, "little") for i in range(512 * 512))
        path.write_bytes(entries)
        return f"raw:{path}@0"

    def test_closed_pipe(self):
        arguments = [TOOL, "map", "--format", "x86_64", "--root", "0", self.maze()]
        for ignore in [False, True]:
            with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, restore_signals=not ignore) as process:
                self.assertTrue(process.stdout.readline().startswith(b"virtual"))
                process.stdout.close()
                self.assertEqual(process.stderr.read(), b"")
                self.assertIn(process.wait(timeout=20), [2, -signal.SIGPIPE])

    def test_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        for arguments in [["formats"], ["map", *X86, self.x86], ["translate", *X86, self.x86, "0x10000"], ["info", self.x86],
                          ["read", *X86, self.x86, "0x10000", "16"], ["find", *X86, self.x86, "0x108000"]]:
            with open("/dev/full", "w") as full:
                result = subprocess.run([TOOL, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
            self.assertEqual(result.returncode, 2)
            self.assertIn("No space left", result.stderr)
        self.refused("read", "-o", "/dev/full", *X86, self.x86, "0x10000", 16, says="No space left")

    def test_interrupt(self):
        """Ctrl-C ends a scan with the results so far, in whole lines, and a message says where."""
        arguments = [TOOL, "map", "--json", "--format", "x86_64", "--root", "0", self.maze()]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            out, err = process.stdout.read(), process.stderr.read()
            status = process.wait(timeout=60)
        lines = [first, *out.splitlines()]
        # On a busy machine its time may be up first; then the signal ends it, and a message says so (cli/stop.c).
        self.assertIn(status, [1, -signal.SIGINT])
        if status == 1:
            self.assertRegex(err, r"pagewalk: stopped at 0x[0-9a-f]+; the map is not complete")
        else:
            self.assertIn("pagewalk: stopped; the output is not complete", err)
            lines.pop()
        for line in lines:
            json.loads(line)

    def test_first_results_come_at_once(self):
        arguments = [TOOL, "map", "--format", "x86_64", "--root", "0", self.maze()]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.readline()
            self.assertIsNone(process.poll())
            process.kill()


class Help(Case):
    def test_main(self):
        text = self.run_tool("--help").stdout
        for name in SUBCOMMANDS:
            self.assertRegex(text, rf"(?m)^  {name.split()[0]} ")
        self.assertRegex(self.run_tool("--version").stdout, r"^pagewalk \d+\.\d+")

    def options(self, subcommand):
        return set(re.findall(r"--[a-z][a-z-]*", self.run_tool(*subcommand.split(), "--usage").stdout)) - {"--help", "--usage"}

    def test_subcommands(self):
        for name in SUBCOMMANDS:
            text = self.run_tool(*name.split(), "--help").stdout
            self.assertTrue(text.startswith(f"Usage: pagewalk {name}"))
            self.assertIn("Exit status:", " ".join(text.split()))
            # Options follow each heading.
            self.assertNotRegex(text, r"(?m)^ \S.*:\n(?!  +-)")
            for option in self.options(name):
                self.assertIn(option, text)

    def test_manual(self):
        """The manual page and the help texts name the same options."""
        manual = MAN.read_text()
        common = manual[manual.index(".Sh COMMON OPTIONS"):manual.index(".Sh SUBCOMMANDS")]
        parts = re.split(r"(?m)^\.Ss ", manual[manual.index(".Sh SUBCOMMANDS"):manual.index(".Sh NUMBERS")])
        sections = {part.splitlines()[0]: part for part in parts[1:]}

        def named(text):
            return {"--" + name for name in re.findall(r"Fl -([a-z][a-z-]*)", text)}
        for name in SUBCOMMANDS:
            self.assertIn(name, sections)
            self.assertEqual(self.options(name) - named(common), named(sections[name]) - named(common), name)
        self.assertEqual(self.options("map") & named(common), named(common))


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    unittest.main(argv=sys.argv)
