#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The costs of hostile images are bounded, and long work stops when it is told to.

Every image here is small and claims to be large: work without a bound would take hours. Each command has a minute of
CPU, which is a hundred times what it needs, and some hundred megabytes. It ends by itself, with an answer or with a
sentence that says why there is none."""

import lzma
import os
import pathlib
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

TOOL = None     # set by main
PAGE = 4096
X86 = ["--format", "x86_64", "--root", "0x10000000"]
LA57 = ["--format", "x86_64_la57", "--root", "0x10000"]
CPU_SECONDS = 60
MEMORY = 700 << 20


def table(entries, count=512, order="<"):
    return struct.pack(f"{order}{count}Q", *entries, *[0] * (count - len(entries)))


def core(path, loads, blob, notes=b"", note_headers=0):
    """An ELF core: (address, size, offset in the blob) for each PT_LOAD, and PT_NOTEs that all name the same notes."""
    headers = len(loads) + note_headers
    start = 64 + 56 * headers
    start += -start % 64
    many = headers >= 0xffff
    section = start + len(blob) + len(notes)
    with open(path, "wb") as file:
        file.write(b"\x7fELF\2\1\1" + bytes(9))
        file.write(struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, section if many else 0, 0, 64, 56,
                               0xffff if many else headers, 64, int(many), 0))
        for address, size, offset in loads:
            file.write(struct.pack("<IIQQQQQQ", 1, 4, start + offset, 0, address, size, size, 8))
        for _ in range(note_headers):
            file.write(struct.pack("<IIQQQQQQ", 4, 4, start + len(blob), 0, 0, len(notes), 0, 4))
        file.write(bytes(start - file.tell()) + blob + notes)
        if many:
            file.write(struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, headers, 0, 0))
    return path


def self_map(path):
    """One page is every table: 512^5 pages."""
    return core(path, [(0x10000, PAGE, 0)], table([0x10007] * 512))


def crowd(path, tables=8):
    """
    Five levels with some tables at each. Entries lead to random tables of the next level, with random
    permissions. The last entry of all maps page 0x123456789000.
    """
    state = 1

    def number():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        return state >> 32

    levels, at = [], 0x10000
    for count in (1, *[tables] * 4):
        levels.append([at + i * PAGE for i in range(count)])
        at += count * PAGE
    blob = b""
    for level in range(5):
        for _ in levels[level]:
            blob += table([(levels[level + 1][number() % tables] if level < 4 else number() << 12) |
                           (7, 5, 3, 1)[number() % 4] | (number() & 1) << 63 for _ in range(512)])
    blob = blob[:-8] + struct.pack("<Q", 0x123456789000 | 7)
    return core(path, [(0x10000, len(blob), 0)], blob)


def aliases(path, tables=36):
    """511 x 512 mappings of the first GiB by 1 GiB pages, and single pages of it."""
    root = 0x10000000
    blob = table([root + PAGE | 7] * 511 + [root + 2 * PAGE | 7]) + table([0x87] * 512)
    blob += table([root + 3 * PAGE | 7]) + table([root + (4 + i) * PAGE | 7 for i in range(tables)])
    for i in range(tables):
        blob += table([(i * 512 + j) * PAGE | (7 if j & 1 else 5) for j in range(512)])
    return core(path, [(root, len(blob), 0)], blob)


def repeated(path, loads=66000):
    """A table of 512 pages that do not merge, at many addresses: 3.8 MB give 33 million runs."""
    root, base = 0x10000000, 0x1000000000
    lower = (loads + 511) // 512
    blob = table([root + PAGE | 7]) + table([root + (2 + i) * PAGE | 7 for i in range(lower)])
    for i in range(lower):
        blob += table([base + 2 * PAGE * n | 7 for n in range(i * 512, min((i + 1) * 512, loads))])
    there = len(blob)
    blob += table([0x200000000 + i * 7 % 512 * 0x10000 | (7 if i & 1 else 5) for i in range(512)])
    return core(path, [(root, there, 0)] + [(base + 2 * PAGE * i, PAGE, there) for i in range(loads)], blob)


def colliding(path, count=1 << 19):
    """
    s390x: tables at addresses that collide when multiplied by the golden ratio. A set that hashes so looks at
    count squared entries.
    """
    golden, base = 0x9e3779b97f4a7c15, 0x100000
    inverse = pow(golden, -1, 2 ** 64)
    tables = []
    for high in range(2 ** 13):
        for low in range(2 ** 18):
            at = ((high << 51) + (low << 11)) * inverse % 2 ** 64
            if at & 0x7ff == 0 and at >= 0x10000000:
                tables.append(at)
        if len(tables) >= count:
            break
    del tables[count:]
    segments = (count + 2047) // 2048

    def big(entries):
        return struct.pack(">2048Q", *entries, *[0x20] * (2048 - len(entries)))

    blob = b"".join(big(tables[i * 2048:(i + 1) * 2048]) for i in range(segments))
    third = base + len(blob)
    blob += big([base + i * 16384 | 7 for i in range(segments)])
    second = base + len(blob)
    blob += big([third | 0xb])
    return core(path, [(base, len(blob), 0)], blob), ["--format", "s390x", "--root", hex(second | 0xb)]


def cpus(path, headers=1900, notes=5400):
    """Every PT_NOTE names the same CPUs."""
    note = struct.pack("<III", 5, 0, 1) + b"CORE\0\0\0\0"
    return core(path, [(0x1000, PAGE, 0)], bytes(PAGE), note * notes, headers)


def kdump(path, fields=()):
    """A kdump without pages, with these changes: (offset, format, value)."""
    data = bytearray(119 << 10)
    data[:8] = b"KDUMP   "
    data[272:278] = b"x86_64"
    for offset, form, value in [(8, "<I", 6), (428, "<IIII", (4096, 1, 2, 104)), (4096 + 96, "<Q", 104), *fields]:
        struct.pack_into(form, data, offset, *(value if isinstance(value, tuple) else (value,)))
    path.write_bytes(data)
    return path


# The entry above says which part of the table below exists.
PARTS = """format parts
entry 8 little
level l2 44 4
level l1 32 12
level l0 12 20
span 0 0xffffffffffff at 51:12
entries l2
  none if !0
  table at 51:12
entries l1
  none if !0
  table at 51:12 length 11:4 59:52
entries l0
  none if !0
  leaf at 51:12
entries all
  read
"""


def parts(path, segments=8000):
    """One table in 32896 extents; the memory has 8000 single entries of it."""
    root, lower = 0x1000000, 0x40000000
    blob = table([root + PAGE + i * 8 * PAGE | 1 for i in range(16)])
    for i in range(65536):
        first, last = sorted((i // 256, i % 256))
        blob += struct.pack("<Q", lower | first << 4 | last << 52 | 1)
    there = len(blob)
    return core(path, [(root, there, 0)] + [(lower + 8 * i, 8, there + 8 * i) for i in range(segments)],
                blob + bytes(8 * segments))


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        # A sanitizer needs more address space than this limit.
        cls.memory = MEMORY
        if subprocess.run([TOOL, "--version"], capture_output=True, check=False, preexec_fn=cls.limit).returncode:
            cls.memory = resource.RLIM_INFINITY

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def limit(cls):
        resource.setrlimit(resource.RLIMIT_AS, (cls.memory, cls.memory))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Output is bounded, too.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))

    def run_tool(self, *arguments, statuses=(0, 1, 2), says=None, head=None, **more):
        with subprocess.Popen([TOOL, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, preexec_fn=self.limit, **more) as tool:
            output = tool.stdout.read(head) if head else tool.stdout.read()
            tool.stdout.close()
            errors = tool.stderr.read().decode()
            status = tool.wait()
        if head:
            statuses = (*statuses, -signal.SIGPIPE)
        self.assertIn(status, statuses, f"{arguments}: {errors}")
        if says:
            self.assertIn(says, errors, arguments)
        return output.decode()


class Bounds(Case):
    def ask_everything(self, image, how, commands=None):
        for command in commands or (["map"], ["map", "--json", "--holes"], ["find"], ["find", "--aliases"],
                                    ["check"], ["check", "--limit", "0", "--json"], ["cut"], ["explain"]):
            arguments = {"find": ["0x1234000"] if len(command) == 1 else [], "cut": [self.path / "cut.elf"],
                         "explain": ["0-0x7fffffffffff"]}.get(command[0], [])
            with self.subTest(image=image.name, command=command):
                self.run_tool(*command, *how, image, *arguments, head=1 << 20)

    def test_self_map(self):
        self.ask_everything(self_map(self.path / "self.elf"), LA57)

    def test_crowd(self):
        self.ask_everything(crowd(self.path / "crowd.elf"), LA57,
                            [["map"], ["find"], ["check"], ["cut"], ["explain"]])

    def test_aliases(self):
        image = aliases(self.path / "aliases.elf")
        self.ask_everything(image, X86)
        output = self.run_tool("find", "--aliases", *X86, image, "0x3fffffff", statuses=[0])
        self.assertEqual(output.count("mapped 261632 times"), 1)
        self.assertEqual(len(output.splitlines()), 22)
        output = self.run_tool("find", "--aliases", "--limit", "0", *X86, image, "0x3fffffff", statuses=[0])
        self.assertEqual(len(output.splitlines()), 261633)

    def test_repeated_loads(self):
        image = repeated(self.path / "loads.elf")
        for command in (["info"], ["check", *X86], ["find", *X86], ["map", *X86]):
            self.run_tool(*command, image, *["1"] * (command[0] == "find"), statuses=[2],
                          says="the same bytes stand at many addresses")

    def test_colliding_tables(self):
        image, how = colliding(self.path / "hash.elf")
        self.ask_everything(image, how, [["check"], ["cut"], ["map"], ["find"]])

    def test_repeated_notes(self):
        image = cpus(self.path / "notes.elf")
        output = self.run_tool("info", image, statuses=[0])
        self.assertIn("it is not read", output)
        self.assertLess(len(output.splitlines()), 60)
        self.run_tool("map", *X86, image, statuses=[2], says="is not in the memory")

    def test_outside(self):
        """arm64 in 64 KiB: 65536 tables of 8192 entries, none of which is in the image."""
        root = 0x10000000
        blob = table([root + (1 + i) * 65536 | 3 for i in range(8)], 8192)
        for i in range(8):
            blob += table([0x100000000 + (8192 * i + j) * 65536 | 3 for j in range(8192)], 8192)
        image = core(self.path / "outside.elf", [(root, len(blob), 0)], blob)
        how = ["--format", "arm64_64k_48", "--root", hex(root)]
        self.assertEqual(self.run_tool("map", "--holes", *how, image).count("outside"), 1)
        self.ask_everything(image, how, [["map"], ["find"], ["check"], ["cut"]])

    def test_parts(self):
        form = self.path / "parts.pwf"
        form.write_text(PARTS)
        image = parts(self.path / "parts.elf")
        self.ask_everything(image, ["--format", form, "--root", "0x1000000"],
                            [["map"], ["find"], ["check"], ["cut"], ["explain"]])

    def test_sample(self):
        """A packed sample may grow by a factor, not without end."""
        data = (self_map(self.path / "self.elf").read_bytes() + bytes(96 << 20))
        (self.path / "bomb.elf.xz").write_bytes(lzma.compress(data, preset=0))
        self.run_tool("info", "sample:bomb", statuses=[2], says="unpacks to more",
                      env={**os.environ, "PAGEWALK_SAMPLES": str(self.path)})

    def test_kdump(self):
        for fields in ([(440, "<I", 0xffffffff)], [(4096 + 96, "<Q", 1 << 40)], [(4096 + 56, "<Q", 3 << 30)],
                       [(4096 + 40, "<Q", 3 << 30)], [(4096 + 72, "<Q", 3 << 30)], [(436, "<I", 0x7fffffff)],
                       [(432, "<I", 0x7fffffff)]):
            with self.subTest(fields=fields):
                self.run_tool("info", kdump(self.path / "kdump", fields), statuses=[2])

    def test_files(self):
        """Any kind of file: it is read to its end only if the end is near."""
        image = self_map(self.path / "self.elf")
        fifo = self.path / "fifo"
        os.mkfifo(fifo)
        large = self.path / "large"
        large.touch()
        os.truncate(large, 1 << 40)
        for name in ("/dev/zero", fifo, self.path, large, "/dev/stdin", "/dev/full", "/dev/null"):
            for arguments in (["info", name], ["map", "--format", name, "--root", "0x10000", image],
                              ["map", *LA57, name], ["map", *LA57, f"raw:{name}@0", "0-0xfffff"],
                              ["lab", "fold", "--source", name, *LA57, "0-0xffff"]):
                with self.subTest(arguments=arguments):
                    self.run_tool(*arguments, head=1 << 20)


class Interrupts(Case):
    """When it is told to stop, the tool ends at once, and claims nothing about the part that it has not finished."""

    def interrupt(self, *arguments, after=0.5, number=signal.SIGINT, read=True):
        """
        On a fast machine the work may be done before the signal comes: then the status is 0. That a signal ends
        work which goes on for long is tested where such work is: cli.py's maze, output.py's large files.
        """
        with subprocess.Popen([TOOL, *map(str, arguments)], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL if read else subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=lambda: signal.signal(number, signal.SIG_DFL)) as tool:
            time.sleep(after)
            if tool.poll() is not None:
                return None
            tool.send_signal(number)
            try:
                status = tool.wait(20)
            except subprocess.TimeoutExpired:
                tool.kill()
                self.fail(f"{arguments}: goes on")
            errors = tool.stderr.read().decode()
            for true in "interrupted; nothing was written", "stopped; nothing was compared":
                errors = errors.replace(true, "")
        self.assertIn(status, (0, 1, 2, -number), arguments)
        for claim in ("nothing", "no physical memory"):
            self.assertNotIn(claim, errors, arguments)
        return status

    def test_comparison(self):
        """1 would say that nothing differs."""
        crowded = crowd(self.path / "crowd.elf")
        for after in (0.05, 0.3):
            self.assertNotEqual(self.interrupt("diff", *LA57, crowded, crowded, after=after), 1)

    def test_scans(self):
        crowded = crowd(self.path / "crowd.elf")
        for arguments in (["map"], ["map", "--json", "--holes"], ["check"], ["find"], ["find", "--aliases"],
                          ["explain", "--rows", "10000"], ["cut"], ["read"]):
            # Something maps the wanted page, so an answer of "nothing" would be wrong.
            last = {"find": ["0x123456789000"], "explain": ["0-0xffffffffffffff"], "cut": [self.path / "cut.elf"],
                    "read": ["0", "0x100000000000"]}.get(arguments[0], [])
            for number in (signal.SIGINT, signal.SIGTERM):
                with self.subTest(arguments=arguments, number=number):
                    self.interrupt(*arguments, *LA57, crowded, *last, after=0.3, number=number)
        self.assertEqual(list(self.path.glob("cut.elf.*")), [])

    def test_sorting_and_telling(self):
        image = aliases(self.path / "aliases.elf", 400)
        for after in (0.2, 0.5, 1):
            self.interrupt("find", "--aliases", *X86, image, after=after)
            self.interrupt("find", "--aliases", "--limit", "0", *X86, image, "0x3fffffff", after=after)

    def test_nobody_reads(self):
        image = aliases(self.path / "aliases.elf")
        for arguments in (["map"], ["map", "--json"], ["find", "--aliases"], ["find"], ["read"]):
            last = {"find": ["0-0xffffffffff"] if len(arguments) == 1 else [],
                    "read": ["0xffffff8000000000", "0x10000000"]}.get(arguments[0], [])
            with self.subTest(arguments=arguments):
                self.interrupt(*arguments, *X86, image, *last, number=signal.SIGTERM, read=False)

    def test_folding(self):
        for more in ([], ["--svg", self.path / "fold.svg"], ["--json"], ["--html", self.path / "fold.html"]):
            with self.subTest(more=more):
                self.interrupt("lab", "fold", "--format", "arm64_64k_42", "0-0x3ffffffff", *more)


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    unittest.main()
