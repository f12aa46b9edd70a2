"""Dumps of guests: those that QEMU writes, plain and in each of its compressions; and those that the guest's own kernel for crashes
makes, plain and by makedumpfile. The map of process 1 in each must agree with what the process itself reported.

The kernel for crashes copies its dump to memory that the first kernel left alone, where the host finds it: x86_64 leaves a GiB out by
memmap=.
"""

import json
import os
import pathlib
import subprocess
import tempfile

import again
import fetch
import programs

MiB, GiB = again.MiB, again.GiB
FORMATS = ["elf", "kdump-zlib", "kdump-lzo", "kdump-snappy"]
# kind of tests/guests/kinds.py: MiB of RAM, where the dump goes, where RAM begins, the kernel's options. Debian's kernel for s390x
# has no kernel for crashes.
CRASHES = {
    "x86_64": (2048, GiB, 0, f"crashkernel=192M memmap=1G${GiB:#x}"),
}


def tools(kind, cache):
    """makedumpfile: files of an initramfs."""
    def choose(top, _):
        return [next(path for path in top.glob("**/*bin/makedumpfile") if path.is_file())]

    found = programs.members(programs.get(cache, f"dumps-{kind.arch}", kind.arch, lambda apt: ["makedumpfile"], choose))
    return tuple((pathlib.PurePath(path).name if "bin/" in path else path, mode, data) for path, mode, data in found)


def check_names(tool, dump):
    """The kernel's root, and process 1 with its name."""
    done = subprocess.run([tool, "roots", "--json", str(dump)], capture_output=True, text=True, timeout=again.BOOT)
    rows = [row for row in map(json.loads, done.stdout.splitlines()) if "owner" in row]
    if not rows or rows[0]["owner"] != "kernel" or not any(row["pid"] == 1 and row["command"] == "init" for row in rows):
        raise again.AgainError(f"roots of {dump}: {rows} {done.stderr}")


def compare(tool, dump, pages, page):
    check_names(tool, dump)
    return f"{again.compare(tool, dump, pages, page=page)} pages of {dump.stat().st_size // MiB} MiB"


def by_qemu(tool, guest, pages, page):
    """Yields a word about each format."""
    path = guest.folder / "dump"
    for form in FORMATS:
        try:
            guest.dump(path, format=form)
        except again.QmpError as error:
            yield f"{form}: not written ({error})"
            continue
        yield f"{form}: {compare(tool, path, pages, page)}"
        path.unlink()


def by_guest(tool, guest, pages, page, at, base):
    """Lets the guest crash. Yields a word about each of the dumps at @at of its memory, which begins at @base."""
    guest.tell("crash")
    words = guest.line("dumping its memory after a crash", 3 * again.BOOT)
    if words[0] != "@C":
        raise again.AgainError(f"the kernel for crashes says {words}")
    whole, compressed = int(words[1]), int(words[2])
    path = guest.folder / "vmcore"
    with open(guest.folder / "ram", "rb") as ram:
        for what, begin, size in [("vmcore", at, whole), ("makedumpfile -F", at + -(-whole // MiB) * MiB, compressed)]:
            if size == 0:
                raise again.AgainError(f"{what}: nothing was written")
            ram.seek(begin - base)
            path.write_bytes(ram.read(size))
            yield f"{what}: {compare(tool, path, pages, page)}"


def check(tool, kind, kernel, cache):
    """Returns a line, or raises again.AgainError and others."""
    size, at, base, append = CRASHES.get(kind.name, (None, None, 0, ""))
    with tempfile.TemporaryDirectory(prefix="pagewalk-dumps-", dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        folder = pathlib.Path(name)
        again.build(kind, kernel, folder, tools(kind, cache) if at else ())
        with again.Guest(kind, kernel, folder, "file", f"{append} dump={at:#x}" if at else "", size) as guest:
            pages = guest.pages()
            told = list(by_qemu(tool, guest, pages, kind.page))
            if at:
                told += by_guest(tool, guest, pages, kind.page, at, base)
    return f"ok dumps {kind.name}: " + "; ".join(told)
