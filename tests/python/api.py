#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The Python module, on images of known tables, and beside the tool: usage: api.py TOOL [TEST...], with PAGEWALK_LIBRARY set."""

import array
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

TREE = pathlib.Path(__file__).parents[2]
sys.path[:0] = [str(TREE / "bindings" / "python"), str(TREE / "tests" / "cli")]
import images  # noqa: E402
import pagewalk  # noqa: E402

TOOL = None     # set by main


def tool(*arguments):
    result = subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=60)
    return [json.loads(line) for line in result.stdout.splitlines()]


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        cls.source = images.x86_64(cls.path / "x86.img")
        cls.memory = pagewalk.open(cls.source)
        cls.space = cls.memory.space(root=images.CR3, format="x86_64")
        cls.options = ["--format", "x86_64", "--root", hex(images.CR3), cls.source]

    @classmethod
    def tearDownClass(cls):
        cls.memory.close()
        cls.folder.cleanup()

    def refused(self, says, call, *arguments, **more):
        with self.assertRaises(pagewalk.Error) as caught:
            call(*arguments, **more)
        self.assertIn(says, str(caught.exception))
        self.assertGreater(caught.exception.errno, 0)

    def test_translate(self):
        page = self.space.translate(0x10123)
        self.assertTrue(page)
        self.assertEqual((page.pa, page.size, page.level, page.prot, page.flags), (0x108123, 4096, "pte", "rw-u", ("accessed", "dirty")))
        self.assertEqual((page.readable, page.writable, page.executable, page.user), (True, True, False, True))
        hole = self.space.translate(0x800000)
        self.assertFalse(hole)
        self.assertEqual((hole.pa, hole.status), (None, "none"))
        self.assertEqual(hole.why, tool("translate", "--json", *self.options, "0x800000")[0]["why"])

    def test_translate_many(self):
        addresses = [0x10123, 0x800000, 0x234567]
        for given in (addresses, array.array("Q", addresses), memoryview(array.array("Q", addresses)).toreadonly(), iter(addresses)):
            results = self.space.translate_many(given)
            self.assertEqual([int.from_bytes(results[i + 8:i + 16], sys.byteorder) for i in (0, 64)], [0x108123, 0x40034567])
            self.assertEqual([results[i + 28] for i in (0, 32, 64)], [0, 1, 0])
        room = bytearray(96)
        self.assertIs(self.space.translate_many(addresses, room), room)
        self.assertEqual(room, self.space.translate_many(addresses))
        self.assertEqual(self.space.translate_many([]), bytearray())
        with self.assertRaises(ValueError):
            self.space.translate_many(addresses, bytearray(95))
        with self.assertRaises(TypeError):
            self.space.translate_many(array.array("I", addresses))
        self.assertEqual(sum(int(kind[1:]) for _, kind in pagewalk.RESULT_DTYPE), 32)

    def test_ranges(self):
        for holes in (False, True):
            told = tool("map", "--json", *(["--holes"] if holes else []), *self.options)
            ours = list(self.space.ranges(holes=holes))
            self.assertEqual([(hex(part.first), part.bytes, part.status) for part in ours],
                             [(part["va"], int(part["length"]), part["status"]) for part in told])
            self.assertEqual([(hex(part.pa), part.prot) for part in ours if part.status == "ok"],
                             [(part["pa"], part["prot"]) for part in told if part["status"] == "ok"])
        self.assertEqual([part.first for part in self.space.ranges(0x10800, 0x117ff)], [0x10800, 0x11000])
        self.refused("ends before it begins", self.space.ranges(2, 1).__next__)

    def test_stopped_iterator(self):
        ranges = self.space.ranges()
        next(ranges)
        ranges.close()

    def test_find(self):
        self.assertEqual([hex(part.first) for part in self.space.find(0x108123)],
                         [part["va"] for part in tool("find", "--json", *self.options, "0x108123")])
        self.assertEqual(self.space.find(0x77777000), [])

    def test_read(self):
        self.assertEqual(self.space.read(0x10ff8, 16), self.memory.read(0x108ff8, 8) + self.memory.read(0x109000, 8))
        self.refused("0x13000 is not mapped: pte", self.space.read, 0x12ff8, 16)
        self.refused("0x77777000", self.memory.read, 0x77777000, 8)

    def test_check(self):
        kinds = {finding.kind for finding in self.space.check()}
        self.assertEqual(kinds, {finding.get("finding") or finding["note"] for finding in tool("check", "--json", *self.options)})

    def test_picture(self):
        picture = self.space.explain(0x10123)
        self.assertIn("0x108123", picture.text())
        self.assertIn("<svg", picture._repr_svg_())
        self.assertIn("<html", picture.html())
        self.assertIn("rw-u", str(self.space.explain(0x10000, 0x20000)))

    def test_roots(self):
        source = images.MACHINES["x86_64"](self.path / "machine.img")
        with pagewalk.open(source) as memory:
            roots = memory.roots("x86_64")
            self.assertEqual([hex(root.roots[0]) for root in roots],
                             [root["roots"][0] for root in tool("roots", "--json", "--format", "x86_64", source)])
            kernel = memory.space()
            self.assertEqual([kernel._regime.root[0]], [root.roots[0] for root in roots if root.owner == "kernel"])
            self.assertTrue(any(kernel.ranges()))

    def test_sample(self):
        with pagewalk.open("sample:s390x") as memory:
            self.assertEqual(memory.cpus[0].format, "s390x")
            self.assertTrue(memory.segments)
            self.assertTrue(any(memory.space().ranges()))
            self.assertTrue(any(memory.space(view="linux").ranges()))

    def test_fetched(self):
        memory = pagewalk.fetched(self.memory.read, [(part.first, part.last) for part in self.memory.segments])
        space = memory.space(root=images.CR3, format="x86_64")
        self.assertEqual(list(space.ranges()), list(self.space.ranges()))
        broken = pagewalk.fetched(lambda pa, size: 1 // 0, [(0, 0xffffff)]).space(root=0, format="x86_64")
        self.assertEqual(broken.translate(0).status, "outside")

    def test_errors(self):
        self.refused("No such file", pagewalk.open, "/nonexistent/vmcore")
        self.refused("there is no format 'x87'", self.memory.space, root=0, format="x87")
        self.refused("give a format", self.memory.space, root=0)
        self.refused("not a view", self.memory.space, root=0, format="x86_64", view="soft")
        self.refused("root word", self.memory.space, root=(1, 2), format="x86_64")

    def test_closed(self):
        memory = pagewalk.open(self.source)
        space = memory.space(root=images.CR3, format="amd64")
        ranges = space.ranges()
        memory.close()
        memory.close()
        for call in (lambda: space.translate(0), lambda: list(ranges), lambda: memory.segments, lambda: space.translate_many([0]),
                     lambda: space.explain(0)):
            self.assertRaises(ValueError, call)
        self.assertIn("closed", repr(memory))

    def test_formats(self):
        names = [form.name for form in pagewalk.formats()]
        self.assertEqual(names, [form["name"] for form in tool("formats", "--json")])

    def test_threads(self):
        whole, answers = list(self.space.ranges()), []
        threads = [threading.Thread(target=lambda: answers.append(list(self.space.ranges()))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [whole] * 4)


def main():
    global TOOL
    TOOL = sys.argv.pop(1)
    unittest.main()


if __name__ == "__main__":
    main()
