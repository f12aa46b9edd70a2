# SPDX-License-Identifier: MIT
"""The command `pagewalk` inside gdb: walks the page tables of the machine that gdb looks at.

    (gdb) source bindings/gdb/pagewalk_gdb.py
    (gdb) pagewalk map 0x400000 0x4fffff
    (gdb) pagewalk translate $rip
    (gdb) pagewalk explain $sp
    (gdb) pagewalk find 0x1b8701000
    (gdb) pagewalk roots

With a core file, it reads that file as the tool does. Attached to QEMU's stub, it reads physical memory through the stub, and the root
from the registers of the selected CPU. doc/gdb.md has more.
"""

import inspect
import re

import gdb

import pagewalk

LAST = 2**64 - 1


def register(name):
    """The value of a register, or None if the stub has none of this name."""
    try:
        return int(gdb.selected_frame().read_register(name)) % 2**64
    except (ValueError, gdb.error):
        return None


def x86_root():
    """The mode is in CR0, CR4 and EFER, not in gdb's architecture: QEMU's stub names that of the widest mode."""
    cr0, cr3, cr4, efer = (register(name) for name in ("cr0", "cr3", "cr4", "efer"))
    if cr0 is not None and not cr0 & 1 << 31:
        return None, None
    cr4 = cr4 or 0
    long_mode = efer & 1 << 10 if efer is not None else gdb.selected_frame().architecture().name() == "i386:x86-64"
    if long_mode:
        return ("x86_64_la57" if cr4 & 1 << 12 else "x86_64"), cr3
    return ("i386_pae" if cr4 & 1 << 5 else "i386"), cr3


def arm64_root():
    # TCR_EL1: TG0 in bits 15:14, T0SZ in bits 5:0. Without TCR, Linux's usual tables.
    tcr = register("TCR_EL1")
    granule = {0: "4k", 1: "64k", 2: "16k"}.get(tcr >> 14 & 3, "4k") if tcr else "4k"
    bits = 64 - (tcr & 63) if tcr else 48
    return f"arm64_{granule}_{bits}", (register("TTBR0_EL1"), register("TTBR1_EL1"))


def riscv_root():
    satp = register("satp")
    return {8: "riscv_sv39", 9: "riscv_sv48", 10: "riscv_sv57"}.get(satp >> 60 if satp else 0), satp


def s390_root():
    return "s390x", register("cr1")


#: The architecture's name in gdb begins like this; the function gives the format's name and the root word or words.
ROOTS = {"i386": x86_root, "aarch64": arm64_root, "riscv": riscv_root, "s390": s390_root}


def core_file():
    """The name of the core file that gdb has open, or None."""
    match = re.search(r"Local core dump file:\s+`(.*)', file type", gdb.execute("info files", to_string=True))
    return match and match.group(1)


class PhysicalMemory:
    """What QEMU's stub reads as physical memory while it is asked to. Ordinary commands of gdb see virtual memory as before."""

    def __init__(self):
        try:
            answer = gdb.execute("maintenance packet qqemu.PhyMemMode", to_string=True)
        except gdb.error:       # there is no remote target
            answer = ""
        if not re.search(r'received: "[01]"', answer):
            raise gdb.GdbError("this target has no core file and is not QEMU's stub, so its physical memory cannot be read; `pagewalk "
                               "map' in a shell reads dumps and qemu:SOCKET")

    @staticmethod
    def mode(physical):
        gdb.execute(f"maintenance packet Qqemu.PhyMemMode:{int(physical)}", to_string=True)
        # gdb keeps memory that it has read, and would answer from the other mode's.
        gdb.execute("maintenance flush dcache", to_string=True)

    def read(self, pa, size):
        self.mode(True)
        try:
            return bytes(gdb.selected_inferior().read_memory(pa, size))
        finally:
            self.mode(False)


def stub_space():
    memory = pagewalk.fetched(PhysicalMemory().read, [(0, 2**52 - 1)], "the memory behind gdb's target")
    name = gdb.selected_frame().architecture().name()
    find = next((function for start, function in ROOTS.items() if name.startswith(start)), None)
    if find is None:
        raise gdb.GdbError(f"where {name} has the root of its page tables is not known here; use qemu:SOCKET in a shell")
    form, root = find()
    if form is None or root is None or root == (None, None):
        raise gdb.GdbError(f"the stub does not show the root register of {name}, or paging is off")
    words = root if isinstance(root, int) else [pagewalk.ROOT_ABSENT if word is None else word for word in root]
    return memory.space(root=words, format=form)


def space():
    name = core_file()
    return pagewalk.open(name).space() if name else stub_space()


def number(text):
    return int(gdb.parse_and_eval(text)) % 2**64


class Command(gdb.Command):
    """Walk the page tables of the machine that gdb looks at: pagewalk map|translate|explain|find|roots"""

    def __init__(self):
        super().__init__("pagewalk", gdb.COMMAND_DATA, prefix=True)


class Subcommand(gdb.Command):
    """A subcommand whose help is the function's."""

    def __init__(self, name, function):
        self.__doc__ = function.__doc__
        self.function = function
        super().__init__(f"pagewalk {name}", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, text, from_tty):
        arguments = [number(word) for word in gdb.string_to_argv(text)]
        try:
            inspect.signature(self.function).bind(*arguments)
        except TypeError:
            raise gdb.GdbError(self.__doc__) from None
        try:
            for line in self.function(*arguments):
                print(line)
        except pagewalk.Error as error:
            raise gdb.GdbError(str(error)) from None


def show_map(first=0, last=LAST):
    """pagewalk map [FIRST LAST]: what is mapped, as merged ranges (FIRST and LAST inclusive)"""
    return space().ranges(first, last)


def translate(va, *more):
    """pagewalk translate ADDRESS...: the page behind each address"""
    here = space()
    return [here.translate(one) for one in (va, *more)]


def explain(va, last=None):
    """pagewalk explain ADDRESS [LAST]: a walk, drawn step by step"""
    return [space().explain(va, last).text(width=max(72, gdb.parameter("width") or 100))]


def find(pa, last=None):
    """pagewalk find PA [LAST]: every virtual address of a physical one"""
    return space().find(pa, last) or ["nothing maps it"]


def roots():
    """pagewalk roots: every address space in the core file"""
    name = core_file()
    if not name:
        raise gdb.GdbError("a search needs a core file; for a machine that runs, use `pagewalk roots qemu:SOCKET' in a shell")
    return [" ".join([*map(hex, root.roots), root.format, root.owner, *([] if root.pid is None else [str(root.pid), root.command]),
                      root.program]).rstrip() for root in pagewalk.open(name).roots()]


Command()
for one in (("map", show_map), ("translate", translate), ("explain", explain), ("find", find), ("roots", roots)):
    Subcommand(*one)
