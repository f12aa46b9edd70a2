"""Boots a user-mode Linux, which is a process of this machine, and keeps the same files as guest.py, without a core dump.

Its RAM is an unlinked file of the process. There are no registers to read roots from: they are found in the RAM, from the pages
that the guest reported, without pagewalk. Tables: the kernel's arch/um/include/asm/pgtable-3level.h and pgtable-4level.h.
"""

import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time

import guest
import initramfs
from machine import Console, GuestError, Machine
from roots import RootError, words

LOADER = b"/lib64/ld-linux-x86-64.so.2"
ADDRESS, PRESENT, PAGE = (1 << 52) - (1 << 12), 1, 4096


class Uml(Machine):
    """The kernel runs with the loader and the library of its own suite, which this machine's may be too old for."""

    def __enter__(self):
        libraries = self.kernel.parents[1] / "lib" / "x86_64-linux-gnu"
        # The kernel executes itself again, so the loader's name is changed in a copy; the new one must not be longer.
        self.links = pathlib.Path(tempfile.mkdtemp(prefix="pw", dir="/tmp"))
        (self.links / "l").symlink_to(libraries / "ld-linux-x86-64.so.2")
        program = self.directory / "linux"
        name = str(self.links / "l").encode()
        program.write_bytes(self.kernel.read_bytes().replace(LOADER, name.ljust(len(LOADER), b"\0"), 1))
        program.chmod(0o755)
        ours, theirs = socket.socketpair()
        self.sockets = [ours]
        with open(self.directory / "qemu.log", "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "env", f"LD_LIBRARY_PATH={libraries}", str(program), f"mem={self.kind.memory}M", f"initrd={self.initramfs}",
                 "con=null", "con0=fd:0,fd:1", "quiet", "loglevel=1", "panic=-1", f"umid=pagewalk{os.getpid()}-{self.kind.name}"],
                stdin=theirs, stdout=theirs, stderr=log,
                env={"PATH": "/usr/bin:/bin", "HOME": str(self.directory), "TMPDIR": str(self.directory)})
        theirs.close()
        Machine.running.add(self)
        self.console = Console(ours, self.directory / "console.log")
        return self

    def __exit__(self, *rest):
        super().__exit__(*rest)
        shutil.rmtree(self.links, ignore_errors=True)

    def keep_ram(self):
        """Copies the file of the RAM: the largest of the process's files without a name."""
        folder = pathlib.Path(f"/proc/{self.process.pid}/fd")
        files = [entry for entry in folder.iterdir() if os.readlink(entry).endswith(" (deleted)")]
        if not files:
            raise GuestError("the process has no file without a name that could be its RAM")
        largest = max(files, key=lambda entry: entry.stat().st_size)
        subprocess.run(["cp", "--sparse=always", str(largest), str(self.ram)], check=True, timeout=600)


def walk(memory, levels, top, va):
    """The physical address that the tables give for an address, or None."""
    table = top
    for level in range(levels - 1, -1, -1):
        at = table + (va >> 12 + 9 * level & 511) * 8
        entry = struct.unpack_from("<Q", memory, at)[0] if at + 8 <= len(memory) else 0
        if not entry & PRESENT:
            return None
        table = entry & ADDRESS
    return table


def find_root(memory, levels, shape):
    """The table from which all of the shape's pages are where the guest says: upwards from the one page of its own."""
    targets = {shape["pa"]}
    for level in range(levels):
        at = (shape["va"] >> 12 + 9 * level & 511) * 8
        targets = {page for page in range(0, len(memory) - PAGE + 1, PAGE)
                   if (entry := struct.unpack_from("<Q", memory, page + at)[0]) & PRESENT and entry & ADDRESS in targets}
    told = [(int(page[0], 16), int(page[2], 16)) for page in shape["pages"] if page[1] == "present"]
    found = [top for top in targets if all(walk(memory, levels, top, va) == pa for va, pa in told)]
    if len(found) != 1:
        raise RootError(f"{len(found)} tables lead to the pages of {shape['name']}, instead of one")
    return found[0]


def boot(kind, kernel, modules, directory, attach=None):
    """As guest.boot(): attach(directory) is called while the guest runs on."""
    started = time.monotonic()
    archive = initramfs.build(kind, modules, directory)
    with Uml(kind, kernel, archive, directory) as machine:
        try:
            answer = converse(machine, kind, started)
            guest.write_json(answer, directory / "guest.json")
            if attach:
                attach(directory)
        except (GuestError, RootError) as error:
            raise GuestError(f"{error}\nthe end of the console ({machine.console.log}):\n"
                             + "\n".join(f"  | {line}" for line in machine.console.tail))
    archive.unlink()
    (directory / "linux").unlink()
    return answer


def converse(machine, kind, started):
    count = int(machine.expect("H", guest.BOOT, "booting")[0])
    booted = time.monotonic() - started
    shapes = []
    for number in range(1, count + 1):
        line = machine.expect("R", guest.BOOT, f"making shape {number}")
        shapes.append({"name": line[1], "va": int(line[4], 16), "pa": (int(line[5], 16) & guest.FRAME) * PAGE, "registers": {}})
        machine.tell()
    _, _, line = guest.read_kernel(machine)
    for shape in shapes:
        name, shape["pages"] = guest.read_pages(machine, line, PAGE)
        if name != shape["name"]:
            raise GuestError(f"expected the pages of {shape['name']}, got those of {name}")
        line = machine.next_line(guest.STEP, "telling its pages")
    machine.keep_ram()
    memory = machine.ram.read_bytes()
    for shape in shapes:
        shape["roots"] = words(find_root(memory, int(kind.format[-1]), shape))
    release = next(machine.kernel.parents[1].glob("lib/uml/modules/*")).name
    return {
        "kind": kind.name, "format": kind.format, "page_size": PAGE, "big_endian": False,
        "boot_seconds": round(booted, 1), "seconds": round(time.monotonic() - started, 1),
        "segments": [[0, len(memory), 0]], "source": f"raw:ram@0x0+0x{len(memory):x}:0x0",
        "live": f"uml:{machine.process.pid}",
        # the RAM's file does not have the kernel's image, and so no banner
        "version": ".".join(release.split(".")[:2]),
        "registers": {}, "kernel_roots": [], "kernel_names": {}, "kernel": [], "shapes": guest.with_pairs(shapes),
    }
