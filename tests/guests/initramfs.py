"""Builds a guest's initramfs: /init, compiled for its architecture, and the modules for swap."""

import pathlib
import stat
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = ("init.c", "shapes.c", "report.c", "kernel.c")
FLAGS = ("-static", "-O2", "-Wall", "-Wextra", "-std=gnu11", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64")


class BuildError(Exception):
    pass


def compile_init(kind, output):
    command = [kind.compiler, *FLAGS, "-o", str(output), *(str(HERE / name) for name in SOURCES)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except FileNotFoundError:
        raise BuildError(f"{kind.compiler} is not installed (tests/guests/packages.txt says in which package it is)")
    if result.returncode:
        raise BuildError(f"{kind.compiler} could not compile /init:\n{result.stderr}")


def member(number, name, mode, data=b"", device=(0, 0)):
    """One file of a cpio archive in the "newc" format (the kernel's Documentation/driver-api/early-userspace/
    buffer-format.rst): 13 numbers of eight hexadecimal digits, name and data each padded to four bytes."""
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return header + b"\0" * (-len(header) % 4) + data + b"\0" * (-len(data) % 4)


def build(kind, modules, directory):
    """Returns the archive's path. The archive is not compressed, so that a slow emulator unpacks it faster."""
    init = directory / "init"
    compile_init(kind, init)
    members = [("dev", stat.S_IFDIR | 0o755, b"", (0, 0)), ("proc", stat.S_IFDIR | 0o755, b"", (0, 0)),
               ("sys", stat.S_IFDIR | 0o755, b"", (0, 0)), ("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)),
               ("init", stat.S_IFREG | 0o755, init.read_bytes(), (0, 0))]
    # /init loads them in the order of their numbers
    members += [(f"module{number}", stat.S_IFREG | 0o644, data, (0, 0)) for number, (_, data) in enumerate(modules)]
    archive = directory / "initramfs"
    archive.write_bytes(b"".join(member(number, *entry) for number, entry in enumerate(members, 1))
                        + member(0, "TRAILER!!!", 0))
    init.unlink()
    return archive
