"""The words of a CPU that say where its page tables are: one class per family of CPUs.

A family knows whether the CPU is in user mode, its roots, and the registers that give the roots their meaning. Roots are
the hardware's own words, with all their bits.
"""

import mmap
import os
import re


class RootError(Exception):
    pass


def words(*values):
    return [f"0x{value:x}" for value in values]


class Family:
    pc = ("pc",)
    big_endian = False          # byte order in which the gdbstub shows registers
    extra = ()                  # registers that explain the roots

    def __init__(self, kind, gdb):
        self.kind = kind
        self.gdb = gdb
        gdb.big_endian = self.big_endian

    def in_user_mode(self):
        raise NotImplementedError

    def in_kernel(self):
        return not self.in_user_mode()

    def user(self):
        """The registers of a process while it runs in user mode: {"roots": [...], ...}."""
        raise NotImplementedError

    def kernel(self):
        """The roots for the kernel's half, read while the CPU is in the kernel."""
        raise NotImplementedError

    def usable(self, va, pa):
        """Does the monitor's answer for a kernel address come from page tables alone?"""
        return True

    def registers(self):
        return {name: f"0x{self.gdb.read(name):x}" for name in self.extra if name in self.gdb.registers}

    def finish(self, shapes, ram):
        """Finds roots that only the whole memory can tell; returns the kernel's, if they are found here."""
        return None


class X86(Family):
    pc = ("rip", "eip")
    extra = ("cr0", "cr3", "cr4", "efer")

    def in_user_mode(self):
        return self.gdb.read("cs") & 3 == 3

    def user(self):
        cr3 = self.gdb.read("cr3")
        found = {"roots": words(cr3)}
        if "pti=on" in self.kind.append:
            # Page-table isolation: the kernel's table is the page before the user's, with bit 11 of the PCID clear
            # (arch/x86/mm/tlb.c, arch/x86/entry/calling.h). It maps the user half too, without execution.
            if not cr3 & 0x1000:
                raise RootError(f"CR3 is 0x{cr3:x} in user mode: page-table isolation is not on")
            found["kernel_pair"] = words(cr3 & ~0x1800)
        return found

    def kernel(self):
        return words(self.gdb.read("cr3"))


class S390(Family):
    pc = ("pswa",)
    big_endian = True
    extra = ("pswm", "cr0", "cr1", "cr7", "cr13")

    def in_user_mode(self):
        return self.gdb.read("pswm") >> 48 & 1 == 1         # the PSW's problem-state bit

    def user(self):
        return {"roots": words(self.gdb.read("cr1"))}

    def kernel(self):
        # In the kernel, primary space (control register 1) is the kernel's own; in Linux 7, the PSW has home space (13)
        # instead, and control register 1 stays the process's (arch/s390/kernel/entry.S).
        home = self.gdb.read("pswm") >> 46 & 3 == 3
        return words(self.gdb.read("cr13" if home else "cr1"))

    def usable(self, va, pa):
        # The monitor gives absolute addresses, page tables give real ones. The two differ by prefixing, which exchanges
        # the first 8 KiB with two pages of each CPU (z/Architecture Principles of Operation, chapter 3).
        return pa is None or pa >= 0x2000 and va >= 0x2000


class Arm(Family):
    extra = ("TTBR0", "TTBR1", "TTBCR", "DACR", "SCTLR", "CONTEXTIDR")

    def in_user_mode(self):
        return self.gdb.read("cpsr") & 0x1f == 0x10

    def user(self):
        # TTBCR: bit 31 means long descriptors; then TTBR1 has the top of the address space. Without it, TTBR1 has a part
        # only if N (2:0) is not zero (ARM DDI 0406C B4.1.153). Linux leaves N zero.
        roots = [self.gdb.read("TTBR0")]
        control = self.gdb.read("TTBCR")
        if control >> 31 & 1 or control & 7:
            roots.append(self.gdb.read("TTBR1"))
        return {"roots": words(*roots)}

    def kernel(self):
        return self.user()["roots"]


class Arm64(Family):
    extra = ("TTBR0_EL1", "TTBR1_EL1", "TCR_EL1", "MAIR_EL1", "SCTLR", "CONTEXTIDR_EL1", "ID_AA64MMFR0_EL1")

    def in_user_mode(self):
        return self.gdb.read("cpsr") & 0xf == 0             # exception level 0

    def user(self):
        return {"roots": words(self.gdb.read("TTBR0_EL1"), self.gdb.read("TTBR1_EL1"))}

    def kernel(self):
        return words(self.gdb.read("TTBR0_EL1"), self.gdb.read("TTBR1_EL1"))


class Riscv(Family):
    extra = ("satp", "sstatus", "priv")

    def in_user_mode(self):
        return self.gdb.read("priv") == 0

    def in_kernel(self):
        return self.gdb.read("priv") == 1                   # not the firmware, which has no page tables

    def user(self):
        return {"roots": words(self.gdb.read("satp"))}

    def kernel(self):
        return words(self.gdb.read("satp"))


class Ppc64(Family):
    """On pseries no register holds the process table's address. It is found in memory afterwards, from the processes'
    numbers (the PID register) and one address that each process reported. Layout: Power ISA 3.0 book III 6.7.6;
    arch/powerpc/kvm/book3s_64_mmu_radix.c."""

    extra = ("msr", "lpcr", "lpidr", "pid", "ptcr")
    # RTS 21 (52 bits), 2^13 entries in the top table, and an unused second doubleword
    ENTRY = re.compile(rb"\x40[\x00-\xff]{6}\xad\x00{8}")
    ADDRESS = 0x0fffffffffffff00

    def in_user_mode(self):
        return self.gdb.read("msr") >> 14 & 1 == 1

    def user(self):
        return {"roots": [], "pid": self.gdb.read("pid")}

    def kernel(self):
        return []

    def finish(self, shapes, ram):
        with open(ram, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
            table = self._find(file, memory, shapes)
            for shape in shapes:
                shape["roots"] = words(self._word(memory, table + 16 * shape["pid"]))
            # addresses in quadrant 3, the kernel's, use process 0
            return words(self._word(memory, table))

    @staticmethod
    def _word(memory, address):
        return int.from_bytes(memory[address:address + 8], "big")

    def _find(self, file, memory, shapes):
        """The process table's address: the first place where the entry of every known process leads to its known page."""
        first = shapes[0]
        for address in self._candidates(file, memory):
            table = address - 16 * first["pid"]
            if table >= 0 and table % 4096 == 0 and all(
                    self._walk(memory, table + 16 * shape["pid"], shape["va"]) == shape["pa"] for shape in shapes):
                return table
        raise RootError("no process table in the guest's memory leads to the pages that the guest told of")

    def _candidates(self, file, memory):
        start = 0
        while start < len(memory):
            try:                    # read only where the file has data: most of it is a hole
                start = os.lseek(file.fileno(), start, os.SEEK_DATA)
            except OSError:         # no more data
                return
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            for match in self.ENTRY.finditer(memory, start, end):
                if match.start() % 16 == 0:
                    yield match.start()
            start = end

    def _walk(self, memory, entry_address, va):
        word = self._word(memory, entry_address)
        table, bits, shift = word & self.ADDRESS, word & 0x1f, 52
        for _ in range(4):
            shift -= bits
            address = table + (va >> shift & (1 << bits) - 1) * 8
            if address + 8 > len(memory):
                return None
            word = self._word(memory, address)
            if not word >> 63:
                return None
            if word >> 62 & 1:
                return (word & 0x01fffffffffff000) + (va & (1 << shift) - 1)
            table, bits = word & self.ADDRESS, word & 0x1f
            if not 5 <= bits <= 13 or bits > shift:
                return None
        return None
