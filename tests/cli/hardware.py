#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How the hardware reads entries: registers beside the root, groups of entries, dirty state, and remarks about
tables of another machine, space or byte order. The images are ELF cores of a few pages."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import schemas

TOOL = None     # set by main
PAGE = 4096
X86, I386, ARM, ARM64, S390, PPC64, RISCV = 62, 3, 40, 183, 22, 21, 243


class Image:
    """Physical memory, written word by word, as an ELF core."""

    def __init__(self, machine, big=False):
        self.machine, self.order, self.pages = machine, ">" if big else "<", {}

    def put(self, address, data):
        page = self.pages.setdefault(address & -PAGE, bytearray(PAGE))
        page[address % PAGE:address % PAGE + len(data)] = data

    def entries(self, address, *entries, size=8):
        for i, entry in enumerate(entries):
            self.put(address + i * size, struct.pack(self.order + ("Q" if size == 8 else "I"), entry))

    def note(self, name, kind, data):
        name += b"\0"
        return (struct.pack(self.order + "III", len(name), len(data), kind) + name + bytes(-len(name) % 4) + data +
                bytes(-len(data) % 4))

    def write(self, path, *notes):
        notes, order = b"".join(notes), self.order
        count = len(self.pages) + bool(notes)
        start = -(-(64 + 56 * count) // PAGE) * PAGE
        with open(path, "wb") as file:
            file.write(b"\x7fELF\2" + (b"\2" if order == ">" else b"\1") + b"\1" + bytes(9))
            file.write(struct.pack(order + "HHIQQQIHHHHHH", 4, self.machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0))
            for i, page in enumerate(sorted(self.pages)):
                file.write(struct.pack(order + "IIQQQQQQ", 1, 7, start + i * PAGE, 0, page, PAGE, PAGE, PAGE))
            if notes:
                file.write(struct.pack(order + "IIQQQQQQ", 4, 0, start + len(self.pages) * PAGE, 0, 0, len(notes),
                                       len(notes), 4))
            file.write(bytes(start - file.tell()))
            for page in sorted(self.pages):
                file.write(self.pages[page])
            file.write(notes)
        return path


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_tool(self, *arguments, status=0):
        result = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, status, f"{arguments}\n{result.stdout}\n{result.stderr}")
        return result

    def lines(self, *arguments, **more):
        return self.run_tool(*arguments, **more).stdout.splitlines()

    def objects(self, *arguments, **more):
        return schemas.check(arguments, [json.loads(line) for line in self.lines(*arguments, "--json", **more)])

    def pa(self, *arguments, **more):
        return [int(answer["pa"], 16) for answer in self.objects("translate", *arguments, **more)]


class Prefixing(Case):
    """s390x: prefixing exchanges real addresses 0 to 0x1fff with the CPU's prefix area."""

    def image(self, name, order, prefixes=(0x40000,)):
        image = Image(S390, big=True)
        segments, ptes = 0x10000, 0x18000
        image.entries(segments, ptes, 0x1000000 | 0x400, *[0x20] * 510)
        image.entries(ptes, *[i << 12 for i in range(0x80)], *[0x400] * 128)
        for address in (0, 0x1000, 0x40000, 0x41000):
            image.put(address, b"absolute %7x" % address)
        notes = []
        for prefix in prefixes:
            control = bytearray(128)
            for register in (1, 7, 13):
                control[8 * register:8 * register + 8] = struct.pack(">Q", segments)
            pair = [image.note(b"LINUX", 0x304, bytes(control)),
                    image.note(b"LINUX", 0x305, struct.pack(">I", prefix))]
            notes += [image.note(b"CORE", 1, bytes(336)), *(pair if order == "linux" else reversed(pair))]
        return image.write(self.path / name, *notes)

    def test_one_address(self):
        for order in ("linux", "qemu"):
            source = self.image("one.elf", order)
            self.assertEqual(self.pa(source, 0, 0x1234, 0x2000, 0x40000, 0x41fff, 0x42000),
                             [0x40000, 0x41234, 0x2000, 0, 0x1fff, 0x42000])
            self.assertIn("prefix 0x40000", self.run_tool("info", source).stdout)
            self.assertEqual(self.objects("info", source)[-1]["registers"], {"prefix": "0x40000"})

    def test_memory_is_read_where_it_is(self):
        source = self.image("read.elf", "qemu")
        for va, text in ((0, "absolute   40000"), (0x41000, "absolute    1000")):
            done = self.run_tool("read", "--raw", source, va, 16)
            self.assertEqual(done.stdout, text)

    def test_without_a_cpu_nothing_is_prefixed(self):
        source = self.image("root.elf", "qemu")
        root = ["--format", "s390x", "--root", "0x10000", source]
        self.assertEqual(self.pa(*root, 0, 0x40000), [0, 0x40000])
        self.assertEqual(self.pa("--cpu", 0, *root, 0, 0x40000), [0x40000, 0])
        self.assertEqual(self.pa("--prefix", "0x6000", *root, 0, 0x6000, 0x40000), [0x6000, 0, 0x40000])
        self.run_tool("translate", "--prefix", "0x1000", *root, 0, status=2)

    def test_each_cpu_has_its_own(self):
        source = self.image("two.elf", "linux", (0x40000, 0x44000))
        self.assertEqual([self.pa("--cpu", n, source, 0)[0] for n in (0, 1)], [0x40000, 0x44000])

    def test_ranges_are_cut(self):
        source = self.image("map.elf", "qemu")
        ranges = [(int(r["va"], 16), int(r["pa"], 16), r["length"]) for r in self.objects("map", source, "0-0x7ffff")]
        self.assertEqual(ranges, [(0, 0x40000, 0x2000), (0x2000, 0x2000, 0x3e000), (0x40000, 0, 0x2000),
                                  (0x42000, 0x42000, 0x3e000)])
        # A range that crosses a megabyte: only a prefix inside of it cuts it.
        ranges = self.objects("map", "--prefix", "0x1080000", source, "0x100000-0x1fffff")
        self.assertEqual([(r["va"], r["pa"], r["size"]) for r in ranges],
                         [("0x100000", "0x1000000", 1 << 20), ("0x180000", "0x0", 1 << 20),
                          ("0x182000", "0x1082000", 1 << 20)])

    def test_back_from_physical(self):
        source = self.image("find.elf", "qemu")
        self.assertIn("0x00041008", self.run_tool("find", source, "0x1008").stdout)
        self.assertIn("0x00000008", self.run_tool("find", source, "0x40008").stdout)

    def test_explained(self):
        text = " ".join(self.run_tool("explain", "--ascii", self.image("explain.elf", "qemu"), "0x10").stdout.split())
        self.assertIn("physical 0x40010", text)
        self.assertIn("real 0x10, and the CPU's prefix is 0x40000", text)

    def test_kept_by_cut(self):
        source = self.image("whole.elf", "qemu")
        output = self.path / "cut.elf"
        self.run_tool("cut", source, output)
        self.assertEqual(self.pa(output, 0, 0x40000), [0x40000, 0])


class Registers(Case):
    def i386(self, name, cr4, *arguments):
        image = Image(I386)
        image.entries(0x1000, 0x20e7, size=4)
        image.entries(0x2000, 0x5067, size=4)
        note = bytearray(440)
        struct.pack_into("<II", note, 0, 1, 440)
        for at, value in ((392, 0x80000001), (416, 0x1000), (424, cr4)):
            struct.pack_into("<Q", note, at, value)
        return image.write(self.path / name, image.note(b"QEMU", 0, bytes(note)))

    def test_no_large_pages_without_pse(self):
        on, off = self.i386("on.elf", 0x10), self.i386("off.elf", 0)
        self.assertEqual(self.objects("translate", off, 0)[0]["pa"], "0x5000")
        self.assertEqual(self.objects("translate", on, 0)[0]["size"], 4 << 20)
        root = ["--format", "i386", "--root", "0x1000"]
        self.assertEqual(self.objects("translate", *root, off, 0)[0]["size"], 4 << 20)
        self.assertEqual(self.objects("translate", *root, "--cr4", 0, off, 0)[0]["size"], 4096)
        self.assertEqual(self.objects("translate", *root, "--cpu", 0, off, 0)[0]["size"], 4096)

    def arm64(self, name="arm64.elf"):
        image = Image(ARM64)
        image.entries(0x1000, 0x2003)
        image.entries(0x2000, 0x3003)
        image.entries(0x3000, 0x4003)
        # Ordinary memory; a device; a page that is writable and executable by DBM; a page with address bit 48.
        image.entries(0x4000, 0x0060000000005703 | 0 << 2, 0x006000000000670f, 0x00200000000077c3 | 1 << 51,
                      0x0061000000005703)
        return ["--format", "arm64", "--root", "0x1000", image.write(self.path / name)]

    def test_memory_types_of_arm64(self):
        source = self.arm64()
        self.assertIn("index=3", self.lines("map", *source)[2])
        done = self.run_tool("map", "--uncached", *source, status=1)
        self.assertEqual(done.stdout, "")
        self.assertIn("--mair", done.stderr)
        lines = self.lines("map", "--uncached", "--mair", "0x04ff", *source, "0-0x1fff")
        self.assertEqual(len(lines), 2)
        self.assertIn("device", lines[1])

    def test_memory_types_of_x86(self):
        image = Image(X86)
        for table in (0x1000, 0x2000, 0x3000):
            image.entries(table, table + 0x1007)
        image.entries(0x4000, 0x5067, 0x606f, 0x7077)
        source = ["--format", "x86_64", "--root", "0x1000", image.write(self.path / "pat.elf")]
        lines = self.lines("map", *source)[1:]
        self.assertIn("index=1", lines[1])
        self.assertEqual(len(self.lines("map", "--uncached", *source)), 2)
        lines = self.lines("map", "--uncached", "--pat", "0x0007050600070106", *source)[1:]
        self.assertIn("write-combining", lines[0])
        self.assertIn("uncached", lines[1])

    def test_writable_by_dbm(self):
        source = self.arm64()
        line = self.lines("translate", *source, "0x2000")[0]
        self.assertIn("r-xu", line)
        self.assertIn("dbm-writable", line)
        self.assertIn("writable and executable: 1 range", self.run_tool("check", *source, status=1).stdout)
        self.assertEqual(len(self.lines("map", "--wx", *source)), 2)
        hd = 1 << 40 | 0x80100010
        self.assertIn("rwxu", self.lines("translate", "--tcr", hd, *source, "0x2000")[0])
        line = self.lines("translate", "--tcr", 0x80100010, *source, "0x2000")[0]
        self.assertIn("r-xu", line)
        self.assertNotIn("dbm", line)
        self.assertNotIn("writable and executable",
                         self.run_tool("check", "--tcr", 0x80100010, *source, status=1).stdout)

    def test_no_address_bit_is_dropped(self):
        source = self.arm64()
        self.assertEqual(self.objects("translate", *source, "0x3000", status=1)[0]["status"], "malformed")
        ds = 1 << 59 | 0x80100010
        self.assertEqual(self.objects("translate", "--tcr", ds, *source, "0x3000")[0]["pa"], "0xd000000005000")
        image = Image(ARM64)
        image.entries(0x10000, 0x20003)
        image.entries(0x20000, 0x30003)
        image.entries(0x30000, 0x006000000005f703)
        source = image.write(self.path / "lpa.elf")
        self.assertEqual(self.pa("--format", "arm64_64k_48", "--root", "0x10000", source, "0x10"), [0xf000000050010])

    def test_ttbcr(self):
        image = Image(ARM)
        # TTBR0 at 0x1000, TTBR1 at 0x4000, both with a pgd, as with CONFIG_CPU_TTBR0_PAN.
        image.entries(0x1000, 0x2003, 0, 0, 0)
        image.entries(0x2000, 0x40000741, 0x40200741)
        image.entries(0x4000, 0, 0, 0, 0x5003)
        image.entries(0x5000, 0x60000701)
        source = ["--format", "arm_lpae", "--root", "0x1000", "--root", "0x4000", image.write(self.path / "pan.elf")]
        done = self.run_tool("translate", *source, "0xc0001000", status=1)
        self.assertIn("TTBCR", done.stderr)
        self.assertEqual(self.pa("--tcr", 0x80400087, *source, "0xc0001000"), [0x60001000])
        self.assertEqual(self.objects("translate", "--tcr", 0x80400087, *source, "0x1000", status=1)[0]["status"],
                         "not-canonical")
        self.assertEqual(self.pa("--tcr", 0x80000000, *source, "0x1000"), [0x40001000])
        self.run_tool("translate", "--tcr", 0, *source, 0, status=2)


class Riscv(Case):
    def test_shadow_stack_and_global_tables(self):
        image = Image(RISCV)
        leaf = 0x5000 >> 2 | 0xd1        # V U A D
        image.entries(0x1000, 0x2000 >> 2 | 1 | 1 << 5, 0x2000 >> 2 | 1)
        image.entries(0x2000, 0x3000 >> 2 | 1)
        image.entries(0x3000, leaf | 2, leaf | 4, leaf | 4 | 8)
        source = ["--format", "riscv_sv39", "--root", 8 << 60 | 1, image.write(self.path / "riscv.elf")]
        lines = self.lines("translate", *source, 0, "0x40000000", "0x40001000", "0x40002000", status=1)
        self.assertIn("global", lines[0])
        self.assertNotIn("global", lines[1])
        self.assertIn("r--u", lines[2])
        self.assertIn("shadow-stack", lines[2])
        self.assertIn("malformed", lines[3])
        self.assertIn("shadow-stack", self.lines("map", *source, "0x40001000-0x40001fff")[1])


class Groups(Case):
    def check_group(self, name, machine, source, whole, broken, pages, big=False):
        """Sixteen entries that agree, and five of sixteen."""
        arguments = [*source, self.path / name]
        lines = self.objects("map", *arguments)
        self.assertEqual([(r["va"], r["size"], r["length"]) for r in lines],
                         [(hex(whole), 65536, 65536), (hex(broken), 4096, pages * 4096)])
        found = self.objects("check", *arguments, status=1)
        self.assertEqual([(f["finding"], f["va"]) for f in found], [("group", hex(broken))])
        self.assertIn("disagree", self.run_tool("check", *arguments, status=1).stdout)

    def test_contiguous_bit(self):
        image = Image(ARM64)
        for table in (0x1000, 0x2000, 0x3000):
            image.entries(table, table + 0x1003)
        image.entries(0x4000, *[0x0070000000040703 | i << 12 for i in range(16)],
                      *[0x0070000000080703 | i << 12 for i in range(5)])
        image.write(self.path / "cont.elf")
        self.check_group("cont.elf", ARM64, ["--format", "arm64", "--root", "0x1000"], 0, 0x10000, 5)

    def test_napot(self):
        image = Image(RISCV)
        image.entries(0x1000, 0x801)
        image.entries(0x2000, 0xc01)
        leaf = 1 << 63 | 8 << 10 | 0xd7
        image.entries(0x3000, *[leaf | 0x40000 >> 2] * 16, *[leaf | 0x80000 >> 2] * 5)
        image.write(self.path / "napot.elf")
        self.check_group("napot.elf", RISCV, ["--format", "riscv_sv39", "--root", 8 << 60 | 1], 0, 0x10000, 5)

    def test_amdv1(self):
        image = Image(X86)
        allowed = 3 << 61
        image.entries(0x1000, 0x2001 | 1 << 9 | allowed)
        leaf = 0x7001 | 7 << 9 | allowed            # 64 KiB: ones below bit 15
        image.entries(0x2000, *[leaf | 0x40000] * 16, *[leaf | 0x80000] * 5)
        image.write(self.path / "amdv1.elf")
        self.check_group("amdv1.elf", X86, ["--format", "amdv1", "--root", 0x1003 | 2 << 9 | allowed], 0, 0x10000, 5)

    def test_large_pages_of_arm(self):
        image = Image(ARM)
        for page in range(0x4000, 0x8000, PAGE):
            image.put(page, bytes(4))
        image.entries(0x4000, 0x8001, size=4)
        image.entries(0x8000, *[0x48031] * 16, *[0x88031] * 5, size=4)
        image.write(self.path / "large.elf")
        self.check_group("large.elf", ARM, ["--format", "arm", "--root", "0x4000"], 0, 0x10000, 5)

    def test_members_that_disagree_about_the_page(self):
        image = Image(ARM64)
        for table in (0x1000, 0x2000, 0x3000):
            image.entries(table, table + 0x1003)
        image.entries(0x4000, *[(0x0070000000040703 if i < 8 else 0x0070000000080703) | i << 12 for i in range(16)])
        source = ["--format", "arm64", "--root", "0x1000", image.write(self.path / "mixed.elf")]
        self.assertEqual([r["size"] for r in self.objects("map", *source)], [4096, 4096])
        # Entries beyond the requested range are not known to disagree.
        self.assertEqual(self.objects("map", *source, "0-0x3fff")[0]["size"], 65536)


class Remarks(Case):
    def test_a_kernel_address_of_a_process(self):
        image = Image(PPC64, big=True)
        image.put(0x10000, bytes(8))
        source = image.write(self.path / "ppc.elf")
        root = 2 << 61 | 5 << 5 | 13 | 0x10000
        done = self.run_tool("translate", "--format", "ppc64_radix_64k", "--root", root, source, "0xc000000000000000", 0,
                             status=1)
        self.assertIn("PID 0", done.stderr)
        done = self.run_tool("translate", "--format", "ppc64_radix_64k", "--root", root, "--root", root, source,
                             "0xc000000000000000", status=1)
        self.assertNotIn("PID 0", done.stderr)

    def test_the_other_byte_order(self):
        image = Image(ARM64, big=True)
        image.entries(0x1000, 0x2003)
        image.put(0x2000, bytes(8))
        image.order = "<"
        source = image.write(self.path / "be.elf")
        line = self.lines("translate", "--format", "arm64", "--root", "0x1000", source, 0, status=1)[0]
        self.assertNotIn("is empty", line)
        self.assertIn("0x2003", line)
        self.assertIn("big-endian", line)

    def test_another_machine(self):
        image = Image(X86)
        for table in (0x1000, 0x2000, 0x3000):
            image.entries(table, table + 0x1007)
        image.entries(0x4000, 0x5067)
        source = image.write(self.path / "machine.elf")
        done = self.run_tool("map", "--format", "arm64", "--root", "0x1000", source)
        self.assertIn("is from a machine (x86_64) that does not use format arm64", done.stderr)
        for format in ("x86_64", "um_4", "amdv1"):
            root = 0x1000 if format != "amdv1" else 3 << 61 | 0x1003 | 4 << 9
            done = subprocess.run([TOOL, "map", "--format", format, "--root", str(root), source], capture_output=True,
                                  text=True, timeout=60)
            self.assertNotIn("is from a machine", done.stderr)

    def test_what_map_says_when_it_has_little(self):
        image = Image(X86)
        for table in (0x1000, 0x2000):
            image.entries(table, table + 0x1007)
        image.entries(0x3000, 0x9007, 0x200087)
        source = ["--format", "x86_64", "--root", "0x1000", image.write(self.path / "holes.elf")]
        lines = self.lines("map", "--holes", *source, "0-0x7fffff")
        self.assertEqual(sum("virtual addresses" in line for line in lines), 1)
        done = self.run_tool("map", "--holes", *source, "0x400000-0x7fffff", status=1)
        self.assertNotIn("--holes", done.stderr)
        done = self.run_tool("map", "--kernel-only", *source, status=1)
        self.assertEqual(done.stdout, "")
        self.assertIn("passes the filters", done.stderr)


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    unittest.main()
