#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The tool's answers about Linux: the version of the kernel, its own tables, and the meaning of entries that are not present."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import schemas

TOOL = None     # set by main

CR3, PAGE = 0x1000, 0x5000
PHYS_BASE = 0x1000000
KERNEL = 0xffffffff80000000
OFFSET = 0x1234     # of the swap entries, inverted


def note(name, kind, description):
    name = name.encode() + b"\0"
    return (struct.pack("<III", len(name), len(description), kind) + name + bytes(-len(name) % 4) +
            description + bytes(-len(description) % 4))


def core(path, loads, notes=b"", machine=62):
    """An ELF core of (address, bytes[, bytes of memory])."""
    count = len(loads) + 1
    at = (64 + 56 * count + 0xfff) & ~0xfff
    headers = struct.pack("<IIQQQQQQ", 4, 0, at, 0, 0, len(notes), len(notes), 4)
    body = notes + bytes(-len(notes) % 4096)
    for pa, data, *more in loads:
        headers += struct.pack("<IIQQQQQQ", 1, 7, at + len(body), 0, pa, len(data), more[0] if more else len(data), 4096)
        body += data
    ident = b"\x7fELF\2\1\1" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 4, machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    path.write_bytes((header + headers).ljust(at, b"\0") + body)
    return str(path)


def tables(entries):
    """x86-64 tables from CR3 on; the page table holds these entries."""
    image = bytearray(5 * 4096)
    for level in range(3):
        struct.pack_into("<Q", image, level * 4096, CR3 + (level + 1) * 4096 | 7)
    for index, entry in entries.items():
        struct.pack_into("<Q", image, 3 * 4096 + index * 8, entry)
    return image


def swap(kind):
    return kind << 59 | (~OFFSET & (1 << 50) - 1) << 9


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def run_tool(self, *arguments, status=0):
        result = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, status, f"{arguments}\n{result.stdout}\n{result.stderr}")
        return result

    def statuses(self, image, *options):
        """The status of each of the 32 swap types."""
        result = self.run_tool("translate", "--json", "--format", "x86_64", "--root", CR3, "--view", "linux", *options, image,
                               *[hex(index * 4096) for index in range(32)], status=1)
        return [json.loads(line)["status"] for line in result.stdout.splitlines()]


class SwapTypes(Case):
    def layout(self, *pairs):
        return [name for name, count in pairs for _ in range(count)]

    def test_versions_and_configurations(self):
        image = core(self.path / "swap", [(CR3, tables({kind: swap(kind) for kind in range(32)}))])
        for options, *pairs in [
                ["5.10", ("swap", 29), ("hwpoison", 1), ("migration", 2)],
                ["5.10,device-private", ("swap", 27), ("hwpoison", 1), ("migration", 2), ("device", 2)],
                ["5.14,device-private", ("swap", 25), ("hwpoison", 1), ("migration", 2), ("device", 4)],
                ["6.1", ("swap", 26), ("hwpoison", 1), ("migration", 3), ("marker", 2)],
                ["6.1,no-pte-marker", ("swap", 27), ("hwpoison", 1), ("migration", 3), ("marker", 1)],
                ["6.1,device-private", ("swap", 22), ("hwpoison", 1), ("migration", 3), ("device", 4), ("marker", 2)],
                ["6.12", ("swap", 27), ("hwpoison", 1), ("migration", 3), ("marker", 1)],
                ["6.12,no-memory-failure", ("swap", 28), ("migration", 3), ("marker", 1)],
                ["6.12,no-memory-failure,no-migration", ("swap", 31), ("marker", 1)],
                ["6.12,device-private", ("swap", 23), ("hwpoison", 1), ("migration", 3), ("device", 4), ("marker", 1)],
                ["6.13", ("swap", 23), ("hwpoison", 1), ("migration", 3), ("device", 4), ("marker", 1)],
                ["7.2", ("swap", 24), ("hwpoison", 1), ("migration", 3), ("device", 3), ("marker", 1)],
                ["7.2,no-device-private", ("swap", 27), ("hwpoison", 1), ("migration", 3), ("marker", 1)]]:
            self.assertEqual(self.statuses(image, "--kernel", options), self.layout(*pairs), options)

    def test_machines(self):
        """arm has no memory failure; s390x has none either, but device-private memory."""
        image = core(self.path / "arm", [(0x4000, struct.pack("<I", 0x8801)),
                                         (0x8000, b"".join(struct.pack("<I", kind << 2 | 0x1000) for kind in range(32)).ljust(4096, b"\0"))], machine=40)
        result = self.run_tool("translate", "--json", "--format", "arm", "--root", 0x4000, "--view", "linux", "--kernel", "7.2", image,
                               *[hex(index * 4096) for index in range(32)], status=1)
        self.assertEqual([json.loads(line)["status"] for line in result.stdout.splitlines()],
                         self.layout(("swap", 28), ("migration", 3), ("marker", 1)))

    def test_huge(self):
        """A huge page is never in swap, so Linux never writes such an entry."""
        image = tables({})
        for index, kind in enumerate([3, 24, 25, 28, 31], start=1):
            struct.pack_into("<Q", image, 2 * 4096 + index * 8, swap(kind))
        path = core(self.path / "huge", [(CR3, image)])
        result = self.run_tool("translate", "--json", "--format", "x86_64", "--root", CR3, "--view", "linux", "--kernel", "7.2", path,
                               *[hex(index << 21) for index in range(1, 6)], status=1)
        self.assertEqual([json.loads(line)["status"] for line in result.stdout.splitlines()],
                         ["malformed", "hwpoison", "migration", "device", "marker"])

    def test_words(self):
        image = core(self.path / "words", [(CR3, tables({0: swap(26), 1: swap(28), 2: swap(30)}))])
        options = ["--format", "x86_64", "--root", CR3, "--view", "linux", "--kernel", "6.1"]
        text = self.run_tool("translate", *options, image, 0, 0x1000, 0x2000, status=1).stdout
        for word in ["hwpoison: pte", "the page's memory failed", "is being moved", "marker: pte", "guard region"]:
            self.assertIn(word, text)
        for word in ["hwpoison", "migration", "marker"]:
            self.assertIn(word, self.run_tool("map", "--holes", *options, image, "0-0x2fff", status=1).stdout)
        self.assertIn("memory failed", self.run_tool("explain", *options, image, 0, status=1).stdout)
        self.assertIn("marker", self.run_tool("explain", *options, image, 0x2000, status=1).stdout)
        # The hardware view also gives the meaning for Linux.
        self.assertIn("hwpoison entry", self.run_tool("translate", "--kernel", "6.1", *options[:4], image, 0, status=1).stdout)

    def test_refused(self):
        image = core(self.path / "refused", [(CR3, tables({}))])
        for wrong in ["6.1,", "6.1,devices", "6.1,no-", "6.1,device-private,no-device-private", ",device-private", "6,migration"]:
            result = self.run_tool("map", "--kernel", wrong, image, status=2)
            self.assertIn(f"'{wrong}' is not a version of Linux", result.stderr)


class Kernel(Case):
    INFO = (b"OSRELEASE=7.2.13+deb14-amd64\nPAGESIZE=4096\nSYMBOL(init_top_pgt)=%x\nNUMBER(phys_base)=%d\n"
            b"NUMBER(pgtable_l5_enabled)=0\nNUMBER(PG_hwpoison)=22\n" % (KERNEL + 0x1000, PHYS_BASE))
    BANNER = b"Linux version 6.12.43+deb13-amd64 (debian-kernel@lists.debian.org) (gcc) #1 SMP\n\0"

    def kernel_tables(self):
        image = tables({0: PHYS_BASE + PAGE | 3, 1: swap(25)})
        for level in range(3):
            struct.pack_into("<Q", image, level * 4096, PHYS_BASE + CR3 + (level + 1) * 4096 | 3)
        return PHYS_BASE + CR3, image

    def test_root_of_a_core(self):
        """README's `pagewalk map vmcore', with registers in NT_PRSTATUS only."""
        notes = note("CORE", 1, bytes(336)) + note("VMCOREINFO", 0, self.INFO)
        path = core(self.path / "vmcore", [self.kernel_tables()], notes)
        result = self.run_tool("map", path)
        self.assertIn("0x0000000001005000", result.stdout)
        self.assertIn("using x86_64, root 0x1001000 (VMCOREINFO, init_top_pgt: the kernel's own", result.stderr)
        text = self.run_tool("info", path).stdout
        self.assertIn("kernel: Linux 7.2.13+deb14-amd64 (by VMCOREINFO)", text)
        objects = schemas.check(["info"], [json.loads(line) for line in self.run_tool("info", "--json", path).stdout.splitlines()])
        self.assertIn({"kernel": "7.2.13+deb14-amd64", "version": "7.2", "origin": "VMCOREINFO", "status": "ok"}, objects)
        self.assertIn({"line": 1, "cpu": None, "format": "x86_64", "root_name": "CR3", "roots": ["0x1001000"],
                       "origin": "VMCOREINFO, init_top_pgt: the kernel's own", "registers": {}, "status": "ok"}, objects)

    def test_registers_win(self):
        qemu = bytearray(440)
        struct.pack_into("<II", qemu, 0, 1, 440)
        struct.pack_into("<Q", qemu, 392, 1 << 31)
        struct.pack_into("<QQ", qemu, 416, CR3, 1 << 5)
        notes = note("QEMU", 0, bytes(qemu)) + note("VMCOREINFO", 0, self.INFO)
        path = core(self.path / "both", [(CR3, tables({0: PAGE | 7})), self.kernel_tables()], notes)
        self.assertIn("root 0x1000 (CPU 0: QEMU note, CR3", self.run_tool("map", path).stderr)
        self.assertIn("root 0x1001000 (VMCOREINFO", self.run_tool("map", "--cpu", "kernel", path).stderr)
        self.assertIn("root 0x1001000 (VMCOREINFO", self.run_tool("map", "--cpu", 1, path).stderr)
        other = core(self.path / "other", [(CR3, tables({0: PAGE | 7}))])
        self.assertIn("no VMCOREINFO", self.run_tool("map", "--cpu", "kernel", other, status=2).stderr)

    def test_found_in_memory(self):
        """A flat file, LiME's too: VMCOREINFO is in a page of memory, and counts if it leads to the kernel's tables."""
        top = KERNEL + (8 << 21)
        info = self.INFO.replace(b"%x" % (KERNEL + 0x1000), b"%x" % (top + CR3)).replace(b"%d" % PHYS_BASE, b"%d" % -(8 << 21))
        image = bytearray(64 * 4096)
        for at, entry in [(CR3 + 511 * 8, 0x2063), (0x2000 + 510 * 8, 0x3063), (0x3000 + 8 * 8, 0x1e3)]:
            struct.pack_into("<Q", image, at, entry)
        struct.pack_into("<Q", image, 0x3000, 0x4063)
        for i in range(64):
            struct.pack_into("<Q", image, 0x4000 + i * 8, i << 12 | 0x163)
        forged = note("VMCOREINFO", 0, info.replace(b"%x" % (top + CR3), b"%x" % (top + 0x9000)))
        image[0x10000:0x10000 + len(forged)] = forged
        (self.path / "forged").write_bytes(image)
        mine = note("VMCOREINFO", 0, info)
        image[0x20000:0x20000 + len(mine)] = mine
        (self.path / "flat").write_bytes(image)
        (self.path / "lime").write_bytes(struct.pack("<4sIQQQ", b"EMiL", 1, 0, len(image) - 1, 0) + image)
        for source in (f"raw:{self.path}/flat@0", self.path / "lime"):
            result = self.run_tool("map", source)
            self.assertIn("using x86_64, root 0x1000 (VMCOREINFO at 0x20000, init_top_pgt)", result.stderr)
            self.assertIn("0xffffffff81000000-0xffffffff811fffff", result.stdout)
            self.assertIn("root 0x1000", self.run_tool("map", "--cpu", "kernel", source).stderr)
            self.assertIn("kernel: Linux 7.2.13+deb14-amd64 (by VMCOREINFO at 0x20000)", self.run_tool("info", source).stdout)
            objects = [json.loads(line) for line in self.run_tool("roots", "--json", source).stdout.splitlines()]
            self.assertEqual([(root["roots"], root["sure"]) for root in objects if "roots" in root], [(["0x1000"], "named")])
            self.assertIn("as Linux 7.2 has them", self.run_tool("map", "--view", "linux", source).stderr)
        source = f"raw:{self.path}/forged@0"
        self.assertIn("nor does its memory", self.run_tool("map", "--cpu", "kernel", source, status=2).stderr)
        self.assertNotIn("VMCOREINFO", self.run_tool("info", source).stdout)

    def test_arm64_root(self):
        """With TTBR1 alone, nothing is known about the lower half."""
        table = bytearray(0x4000)
        for level in range(3):
            struct.pack_into("<Q", table, level * 4096, 0x41000000 + (level + 1) * 4096 | 3)
        struct.pack_into("<Q", table, 3 * 4096, 0x42000000 | 0x703)
        info = (b"OSRELEASE=6.12.43\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffff800081000000\nNUMBER(VA_BITS)=48\n"
                b"NUMBER(kimage_voffset)=0xffff800040000000\nNUMBER(TCR_EL1_T1SZ)=0x10\n")
        path = core(self.path / "arm64", [(0x41000000, table)], note("VMCOREINFO", 0, info), machine=183)
        result = self.run_tool("translate", path, 0xffff000000000000, 0, status=1)
        self.assertIn("0xffff000000000000 -> 0x0000000042000000", result.stdout)
        self.assertIn("0x0000000000000000 -> not-canonical", result.stdout)
        self.assertIn("the second root 0x41000000 alone", result.stderr)
        self.assertIn("none, 0x41000000", self.run_tool("info", path).stdout)
        self.assertEqual(len(self.run_tool("map", path).stdout.splitlines()), 2)

    def test_version_is_found(self):
        """The version comes from VMCOREINFO, from the banner, or from nothing; a message says so where the view depends on it."""
        types = {kind: swap(kind) for kind in range(32)}
        told = core(self.path / "told", [(CR3, tables(types))], note("VMCOREINFO", 0, b"OSRELEASE=7.2.13\n"))
        memory = bytearray(4096)
        memory[100:100 + len(self.BANNER)] = self.BANNER
        banner = core(self.path / "banner", [(CR3, tables(types)), (0x10000, memory)])
        nothing = core(self.path / "nothing", [(CR3, tables(types))])
        options = ["--format", "x86_64", "--root", CR3]
        for path, version, says in [[told, "7.2,no-memory-failure", "as Linux 7.2 has them (7.2.13, by VMCOREINFO)"],
                                    [banner, "6.12", "as Linux 6.12 has them (6.12.43+deb13-amd64, by the banner at 0x10064)"],
                                    [nothing, "6.1", "nothing says which Linux this was"]]:
            self.assertEqual(self.statuses(path), self.statuses(path, "--kernel", version))
            self.assertIn(says, self.run_tool("translate", *options, "--view", "linux", path, 0, status=1).stderr)
            # The hardware view needs no message, nor does a version that was given.
            self.assertEqual(self.run_tool("translate", *options, path, 0, status=1).stderr, "")
            self.assertEqual(self.run_tool("translate", *options, "--view", "linux", "--kernel", "6.1", path, 0, status=1).stderr, "")
        self.assertIn("kernel: Linux 6.12.43+deb13-amd64 (by the banner at 0x10064)", self.run_tool("info", banner).stdout)
        self.assertNotIn("kernel: ", self.run_tool("info", nothing).stdout)

    def test_cut_keeps_it(self):
        """An image of tables alone has neither banner nor VMCOREINFO, and tells the version all the same."""
        types = {kind: swap(kind) for kind in range(32)}
        memory = bytearray(4096)
        memory[100:100 + len(self.BANNER)] = self.BANNER
        told = core(self.path / "told", [(CR3, tables(types))], note("VMCOREINFO", 0, b"OSRELEASE=7.2.13\n"))
        banner = core(self.path / "banner", [(CR3, tables(types)), (0x10000, memory)])
        nothing = core(self.path / "nothing", [(CR3, tables(types))])
        for path, options, says in [[told, [], "Linux 7.2 has them (7.2.13, by PAGEWALK note)"],
                                    [banner, [], "Linux 6.12 has them (6.12.43+deb13-amd64, by PAGEWALK note)"],
                                    [banner, ["--kernel", "6.1,no-pte-marker"], "Linux 6.1 has them (6.1, by PAGEWALK note)"],
                                    [nothing, [], "nothing says which Linux this was"]]:
            cut = self.path / "cut"
            self.run_tool("cut", "--format", "x86_64", "--root", CR3, *options, path, cut)
            self.assertEqual(self.statuses(cut), self.statuses(path, *options))
            self.assertIn(says, self.run_tool("translate", "--view", "linux", cut, 0, status=1).stderr)

    def test_encryption(self):
        info = b"OSRELEASE=6.12.43\nNUMBER(sme_mask)=%d\n" % (1 << 47)
        image = tables({0: 1 << 47 | PAGE | 7})
        path = core(self.path / "sme", [(CR3, image)], note("VMCOREINFO", 0, info))
        result = self.run_tool("translate", "--format", "x86_64", "--root", CR3, path, 0)
        self.assertIn("-> 0x0000000000005000", result.stdout)
        self.assertIn("bit 47 of an entry marks encrypted memory", result.stderr)
        self.run_tool("cut", "--format", "x86_64", "--root", CR3, path, self.path / "cut")
        self.assertIn("-> 0x0000000000005000", self.run_tool("translate", self.path / "cut", 0).stdout)


class LeftOut(Case):
    def test_tables(self):
        """makedumpfile -E: memory that is not in the file. A table there was all zero."""
        image = tables({})[:3 * 4096]
        path = core(self.path / "zero", [(CR3, image, 0x5000)])
        options = ["--format", "x86_64", "--root", CR3]
        result = self.run_tool("translate", *options, path, 0, status=1)
        self.assertIn("none: the dump left out the page table at 0x4000, because it was all zero: it is empty", result.stdout)
        self.assertIn("that were left out of the file", result.stderr)
        self.assertIn("nothing looks wrong", self.run_tool("check", *options, path).stdout)
        self.assertIn("remark: PT_LOAD 1 has 0x2000 bytes of memory at 0x4000", self.run_tool("info", path).stdout)
        remarks = schemas.check(["info"], [json.loads(line) for line in self.run_tool("info", "--json", path).stdout.splitlines()])
        self.assertIn("PT_LOAD 1 has 0x2000 bytes", remarks[-1]["remark"])
        self.assertIn("none", self.run_tool("map", "--holes", *options, path, "0-0x1fffff", status=1).stdout)
        # A cut image has these tables.
        cut = self.path / "cut"
        self.run_tool("cut", *options, path, cut)
        self.assertIn("is empty", self.run_tool("translate", cut, 0, status=1).stdout)


class Words(Case):
    """Roots that are given as words, for a core that tells its machine and nothing else."""

    def test_word_tells(self):
        """satp has the format in it; of s390x there is but one."""
        image = bytearray(4096)
        struct.pack_into("<Q", image, 0, CR3 >> 12 << 10 | 0xcf)        # a huge page at 0, of whichever level
        path = core(self.path / "riscv", [(CR3, image)], machine=243)
        for mode, name in [(8, "riscv_sv39"), (9, "riscv_sv48"), (10, "riscv_sv57")]:
            result = self.run_tool("info", path)
            self.assertIn("riscv64", result.stdout)
            result = self.run_tool("map", "--holes", "--root", hex(mode << 60 | CR3 >> 12), path, "0-0xfff", status=1)
            self.assertIn(f"is taken for {name}: of the formats of this machine, no other has such a satp", result.stderr)
        result = self.run_tool("map", "--root", hex(CR3 >> 12), path, status=2)
        self.assertIn("is not a root of any format of this machine (riscv_sv32, riscv_sv39, riscv_sv48, riscv_sv57): ", result.stderr)
        self.assertIn("has mode 0 (no translation)", result.stderr)
        path = core(self.path / "s390", [(0, bytes(16384))], machine=22)
        self.assertIn("is taken for s390x", self.run_tool("map", "--root", "0x4", path, status=1).stderr)

    def test_word_does_not_tell(self):
        path = core(self.path / "x86", [(CR3, tables({0: 0x5007}))])
        result = self.run_tool("map", "--root", hex(CR3), path, status=2)
        self.assertIn("the word of CR3 alone does not tell in which of these formats the tables are: x86_64, x86_64_la57. Give --format NAME",
                      result.stderr)
        path = core(self.path / "arm64", [(CR3, bytes(4096))], machine=183)
        self.assertIn("arm64_4k_48, ", self.run_tool("map", "--root", hex(CR3), path, status=2).stderr)
        raw = self.path / "flat"
        raw.write_bytes(bytes(4096))
        self.assertIn("`pagewalk formats' lists the names", self.run_tool("map", "--root", "0", f"raw:{raw}@0", status=2).stderr)


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    unittest.main(argv=sys.argv)
