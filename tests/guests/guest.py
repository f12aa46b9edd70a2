"""Boots one guest and keeps the files for a checker: its RAM, a core dump, and the guest's own report of its pages.

A finished guest is a directory with

  ram         the guest's RAM after the emulator's end
  dump.elf    the same as an ELF core, written by QEMU's dump-guest-memory
  guest.json  kind, format, page_size, big_endian
              segments     [base, length, offset in ram] of each piece of RAM
              source       the same as pagewalk's name of a source, with a placeholder for the path of the RAM
              shapes       a process each: name, roots (the hardware's words; TTBR0 then TTBR1), registers, and
                           pages [va, state, pa or null, permissions, name, tag or null]; state is present, none, swap
                           or protnone; a tag is the address in the page's first bytes (see report.c)
              kernel_roots, kernel, kernel_names
                           [va, pa or null] by the monitor's gva2gpa, and the names of some of the addresses
"""

import json
import re
import time

import initramfs
import roots
from gdbstub import GdbError
from machine import GuestError, Machine
from qmp import QmpError

BOOT = 240          # seconds; four to twelve were measured on two idle cores
STEP = 180          # seconds between two lines of /init
MODE = 60           # seconds for the CPU to be seen in the wanted mode

PRESENT, SWAPPED, FRAME = 1 << 63, 1 << 62, (1 << 55) - 1
# Of a longer run of pages (a gigantic page has 262144), only the ends and every 61st page are kept.
LONG, ENDS, EVERY = 2048, 64, 61
KERNEL_SAMPLES = 1000
BANNER = re.compile(rb"Linux version [1-9]")
RUN = re.compile(r"@P ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ([-rwxsp]{4}) (\S+) ([0-9a-f]+)")


def record_roots(machine, family, number):
    """Waits until a shape is made, and reads its roots while its process loops in user mode."""
    words = machine.expect("R", BOOT, f"making shape {number}")
    name, (first, end, va, entry) = words[1], (int(word, 16) for word in words[2:6])
    machine.stop_when(lambda: family.in_user_mode() and first <= machine.gdb.read(*family.pc) < end, MODE,
                      f"in the loop of {name}")
    found = family.user()
    found.update(name=name, va=va, pa=(entry & FRAME) * machine.kind.page, registers=family.registers())
    machine.gdb.go()
    machine.tell()
    return found


def read_kernel(machine):
    """Reads symbols and areas of the kernel; returns them and the first line that is neither."""
    symbols, areas = [], []
    while True:
        line = machine.next_line(STEP, "telling the kernel's addresses")
        if line.startswith("@K "):
            _, address, name = line.split()
            symbols.append((int(address, 16), name))
        elif line.startswith("@V "):
            areas.append(tuple(int(word, 16) for word in line.split()[1:]))
        elif not line.startswith("@I "):
            return symbols, areas, line


def read_pages(machine, line, page_size):
    """Reads the report of a shape's process about its own pages."""
    if not line.startswith("@B "):
        raise GuestError(f"expected a shape's pages, got {line!r}")
    name, pages, count = line.split()[1], [], 0
    while True:
        line = machine.next_line(STEP, f"telling the pages of {name}")
        if line.startswith("@X "):
            if line.split()[1:] != [name, str(count)]:
                raise GuestError(f"{count} lines of {name} arrived, {line.split()[2]} were sent")
            return name, pages
        match = RUN.fullmatch(line)
        if not match:
            raise GuestError(f"a damaged line on the console: {line!r}")
        va, length, entry = (int(match[i], 16) for i in (1, 2, 3))
        pages += pages_of((va, length, entry, match[4], match[5], int(match[6], 16)), page_size)
        count += 1


def pages_of(run, page_size):
    """The pages of one @P line."""
    va, count, entry, permissions, name, tag = run
    steps = range(count)
    if count > LONG:
        steps = sorted({*range(ENDS), *range(count - ENDS, count), *range(0, count, EVERY)})
    for step in steps:
        if entry & PRESENT:
            state = "protnone" if permissions.startswith("---") else "present"
            pa = ((entry & FRAME) + step) * page_size
        else:
            state, pa = ("swap" if entry & SWAPPED else "none"), None
        yield [f"0x{va + step * page_size:x}", state, None if pa is None else f"0x{pa:x}", permissions, name,
               f"0x{tag + step * page_size:x}" if tag else None]


def find_banner(machine, symbols):
    """The address of linux_banner if the symbol table has no data symbols. The kernel's image is one piece, in virtual and
    in physical addresses, and the banner is its first place that starts with these words."""
    named = {name: va for va, name in symbols}
    if "linux_banner" in named:
        return []
    start = machine.physical(named["_stext"])
    with open(machine.ram, "rb") as file:
        for base, length, offset in machine.kind.segments():
            if base <= start < base + length:
                file.seek(start - base + offset)
                match = BANNER.search(file.read(64 << 20))
                at = match.start() if match else 0
                if match and machine.physical(named["_stext"] + at) == start + at:
                    return [(named["_stext"] + at, "linux_banner")]
    return []


def kernel_addresses(kind, symbols, areas):
    """The addresses for the monitor: symbols, samples of the kernel's image and of the addresses behind it, samples of the
    direct map, both ends of vmalloc's areas with the holes after them."""
    named = {name: va for va, name in symbols}
    top = 1 << (32 if named["_stext"] < 1 << 32 and kind.cpu_family != "S390" else 64)

    def sample(start, end):
        return range(start, min(end, top), max(1, (end - start) // KERNEL_SAMPLES // kind.page) * kind.page)

    wanted = {va for va, _ in symbols}
    wanted.update(sample(named["_stext"], max(wanted) + (16 << 20)))
    if kind.direct_map is not None:
        for base, length, _ in kind.segments():
            start = kind.direct_map + base - kind.ram_base
            wanted.update(sample(start, start + length))
    for start, end in areas:
        wanted.update((start, end - 2 * kind.page, end - kind.page))
    return sorted(wanted)


def boot(kind, kernel, modules, directory, attach=None):
    """Boots a guest and leaves the files in a directory; returns the contents of guest.json. While the guest runs on, with all of its
    processes asleep, it calls attach(directory) with guest.json in it; QEMU's socket there is called live."""
    started = time.monotonic()
    archive = initramfs.build(kind, modules, directory)
    with Machine(kind, kernel, archive, directory) as machine:
        try:
            guest = converse(machine, kind, started)
            write_json(guest, directory / "guest.json")
            if attach:
                machine.leave_stub()
                attach(directory)
        except (GuestError, GdbError, QmpError, roots.RootError) as error:
            raise GuestError(f"{error}\nthe end of the console ({machine.console.log}):\n"
                             + "\n".join(f"  | {line}" for line in machine.console.tail))
    archive.unlink()            # it can be built again; the kernel is in the cache
    return guest


def converse(machine, kind, started):
    family = getattr(roots, kind.cpu_family)(kind, machine.gdb)
    machine.gdb.go()
    count = int(machine.expect("H", BOOT, "booting")[0])
    booted = time.monotonic() - started
    shapes = [record_roots(machine, family, number) for number in range(1, count + 1)]

    symbols, areas, line = read_kernel(machine)
    for shape in shapes:
        name, shape["pages"] = read_pages(machine, line, kind.page)
        if name != shape["name"]:
            raise GuestError(f"expected the pages of {shape['name']}, got those of {name}")
        line = machine.next_line(STEP, "telling its pages")
    if not line.startswith("@D"):
        raise GuestError(f"expected the end, got {line!r}")

    machine.stop_when(family.in_kernel, MODE, "in the kernel")
    kernel_roots = family.kernel()
    registers = family.registers()
    symbols += find_banner(machine, symbols)
    kernel = [(va, machine.physical(va)) for va in kernel_addresses(kind, symbols, areas)]
    kernel = [pair for pair in kernel if family.usable(*pair)]
    machine.dump(machine.directory / "dump.elf")
    kernel_roots = family.finish(shapes, machine.ram) or kernel_roots

    segments = kind.segments()
    return {
        "kind": kind.name, "format": kind.format, "page_size": kind.page, "big_endian": kind.big_endian,
        "suite": kind.suite, "boot_seconds": round(booted, 1), "seconds": round(time.monotonic() - started, 1),
        "segments": segments,
        "source": "raw:" + ",".join(f"ram@0x{base:x}+0x{length:x}:0x{offset:x}" for base, length, offset in segments),
        "registers": registers,
        "kernel_roots": kernel_roots,
        "kernel_names": {name: f"0x{va:x}" for va, name in symbols},
        "kernel": [[f"0x{va:x}", None if pa is None else f"0x{pa:x}"] for va, pa in kernel],
        "shapes": with_pairs(shapes),
    }


def with_pairs(shapes):
    """If the kernel has a second table for a process, that table is a shape of its own with the same pages."""
    result = []
    for shape in shapes:
        common = {"registers": shape["registers"], "pages": shape["pages"]}
        result.append({"name": shape["name"], "roots": shape["roots"], **common})
        if "kernel_pair" in shape:
            # the kernel must not execute its user half
            result.append({"name": shape["name"] + "-in-kernel", "roots": shape["kernel_pair"], "no_execute": True, **common})
    return result


def write_json(guest, path):
    """Writes one page per line, so that people can read and search the file."""
    def rows(pages):
        return "[\n" + ",\n".join("   " + json.dumps(page) for page in pages) + "]"

    text = ["{"]
    for key, value in guest.items():
        if key == "shapes":
            continue
        text.append(f' "{key}": {rows(value) if key == "kernel" else json.dumps(value)},')
    shapes = []
    for shape in guest["shapes"]:
        head = {key: value for key, value in shape.items() if key != "pages"}
        shapes.append("  " + json.dumps(head)[:-1] + ', "pages": ' + rows(shape["pages"]) + "}")
    text.append(' "shapes": [\n' + ",\n".join(shapes) + "]\n}")
    path.write_text("\n".join(text) + "\n")
