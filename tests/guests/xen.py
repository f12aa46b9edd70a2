#!/usr/bin/python3
"""Dumps that Xen's own tools write (xl dump-core): of a paravirtualised domain, whose tables hold the machine's frames, and of a PVH one.

QEMU runs Xen; Xen's first domain is Debian's kernel with Xen's tools and xen_dom0.sh as its /init; the other domains are the same
kernel with again_init.c, whose process 1 reports its pages. Files come out through the memory of an ivshmem device. What must
agree: `map --pid 1` with the report, in PV by the dump's own list of frames, which is read once more here; `roots`; and a
domain that `xl save` wrote must be answered with what to do instead.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import struct
import subprocess
import sys
import tempfile
import time

import again
import fetch
import kinds
import programs
from machine import Emulator, GuestError

HERE = pathlib.Path(__file__).resolve().parent
LIFE = 2400                 # seconds, of the whole run
MiB = again.MiB
SHARED = 512                # MiB of the ivshmem device
DOMAINS = [("pv", 0, 224 * MiB, 225 * MiB), ("pvh", 256 * MiB, 480 * MiB, 0)]      # type; where its dump, text and saved state go
PROGRAMS = ("xl", "xenstored", "xenconsoled", "xen-init-dom0", "libxl-save-helper")
MODULES = ("xen_privcmd", "xen_evtchn", "xen_gntdev", "xen_gntalloc", "xenfs")
KIND = dataclasses.replace(kinds.select(["x86_64"])[0], name="xen")       # a folder of its own: with Xen's modules
# QEMU 7.2 reads the frames of interrupts as the kernel, which SMAP forbids for a PV kernel; and Xen cannot pass over rdtscp
# without a feature of AMD's that QEMU does not have.
CPU = "max,la57=off,smap=off,rdtscp=off"


def lacks():
    """A sentence about what this machine lacks; None if it has everything."""
    if platform.machine() != "x86_64":
        return "Xen's tools are programs of x86-64, which this machine does not run"
    return kinds.lacks(KIND)


# --- Xen and its tools, from Debian

def packages(apt):
    system = apt.depends("xen-system-amd64", "amd64", "xen-(?:hypervisor|utils)-")
    if len(system) < 2:
        raise fetch.FetchError("the mirror has no xen-system-amd64")
    return [*system, "xen-utils-common", "busybox-static", "libgcc-s1"]


def choose(top, final):
    with open(final / "xen", "wb") as plain:
        subprocess.run(["gzip", "-dc", next(top.glob("boot/xen-*.gz"))], check=True, stdout=plain, timeout=60)
    folder = next(top.glob("usr/lib/xen-*/bin"))
    # pthread_cancel() loads libgcc_s
    return [*(folder / name for name in PROGRAMS), next(top.glob("**/bin/busybox")), top / "etc/xen/xl.conf",
            next(top.rglob("libgcc_s.so.1"))]


def tools(cache):
    """The folder with Xen and its tools."""
    return programs.get(cache, "xen", "amd64", packages, choose)


# --- the machine

def compile_static(source, program):
    done = subprocess.run([KIND.compiler, "-static", "-O2", "-std=gnu11", "-D_GNU_SOURCE", "-o", str(program), str(HERE / source)],
                          capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise again.AgainError(f"{KIND.compiler} could not compile {source}:\n{done.stderr}")
    return program.read_bytes()


def build(cache, kernel, folder, domains):
    """Writes folder/initramfs, that of the first domain."""
    loaded = fetch.modules(KIND, cache, MODULES)
    if len(loaded) < len(MODULES):
        raise again.AgainError(f"{kernel.name} lacks modules of Xen's: {' '.join(name for name, _ in loaded)} are all there is")
    members = programs.members(tools(cache))
    members += [(f"modules/{name}", 0o644, data) for name, data in loaded]
    members += [("modules/order", 0o644, "\n".join(name for name, _ in loaded).encode()),
                ("domains", 0o644, "".join(f"{name} {dump} {text} {saved}\n" for name, dump, text, saved in domains).encode()),
                ("init", 0o755, (HERE / "xen_dom0.sh").read_bytes()),
                ("xen_copy", 0o755, compile_static("xen_copy.c", folder / "xen_copy")),
                ("vmlinuz", 0o644, kernel.read_bytes()),
                ("domain", 0o644, again.archive(("init", 0o755, compile_static("again_init.c", folder / "again_init"))))]
    (folder / "initramfs").write_bytes(again.archive(*members))


class Machine(Emulator):
    """QEMU with Xen."""

    def __init__(self, xen, kernel, folder):
        self.folder = folder
        self.words = ["timeout", "--kill-after=5", str(LIFE), KIND.qemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                      "-accel", "tcg", "-machine", "q35", "-cpu", CPU, "-smp", "2", "-m", "2048M", "-kernel", str(xen),
                      "-append", "console=com1 com1=115200,8n1 dom0_mem=900M,max:900M dom0_max_vcpus=1 loglvl=warning",
                      "-initrd", f"{kernel} console=hvc0 quiet loglevel=3 panic=-1,{folder / 'initramfs'}",
                      "-object", f"memory-backend-file,id=shared,share=on,mem-path={folder / 'shared'},size={SHARED}M",
                      "-device", "ivshmem-plain,memdev=shared", "-serial", "chardev:console"]

    def words_of(self, letter, doing):
        words = self.next_words(LIFE, doing)
        if words[0] != f"@{letter}":
            raise again.AgainError(f"unexpected line while {doing}: {' '.join(words)}")
        return words[1:]

    def take(self, path, doing):
        """Waits for a file of the first domain's, and writes it to @path."""
        at, size = map(int, self.words_of("F", doing))
        with open(self.folder / "shared", "rb") as shared:
            shared.seek(at)
            path.write_bytes(shared.read(size))
        return path


# --- what must agree

def frames(dump):
    """What the dump's list says of a PV domain: {the guest's frame: the machine's}. Other domains have no such list."""
    data = dump.read_bytes()
    at, = struct.unpack_from("<Q", data, 40)
    count, of_names = struct.unpack_from("<HH", data, 60)
    headers = [struct.unpack_from("<IIQQQQ", data, at + 64 * number) for number in range(count)]
    for name, _, _, _, offset, size in headers:
        begin = headers[of_names][4] + name
        if data[begin:data.index(b"\0", begin)] == b".xen_p2m":
            return dict(struct.iter_unpack("<QQ", data[offset:offset + size]))
    return None


def run(tool, *words):
    done = subprocess.run([tool, *map(str, words)], capture_output=True, text=True, timeout=again.BOOT)
    if done.returncode:
        raise again.AgainError(f"pagewalk {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def compare_roots(tool, dump, pv):
    """The kernel's root must be known, and the roots that process 1 has: two in a PV domain."""
    rows = [json.loads(line) for line in run(tool, "roots", "--json", dump).splitlines()]
    rows = [row for row in rows if "owner" in row]
    of_init = sorted(row["owner"] for row in rows if row["pid"] == 1 and row["command"] == "init")
    if rows[0]["owner"] != "kernel" or rows[0]["kernel"] < 128 * MiB or of_init != (["user", "user-half"] if pv else ["user"]):
        raise again.AgainError(f"roots of {dump.name}: {rows}")
    return [row["name"] for row in rows if row["pid"] == 1]


def compare(tool, dump, pages, kind):
    """Everything about one dump. Returns words about it."""
    machine = frames(dump)
    if (machine is not None) != (kind == "pv") or ("(PV:" in run(tool, "info", dump)) != (kind == "pv"):
        raise again.AgainError(f"the dump of the domain {kind} is taken for one of another type")
    if machine:
        pages = {va: (entry & ~again.FRAME | machine[entry & again.FRAME] if entry & again.PRESENT else entry, name)
                 for va, (entry, name) in pages.items()}
    counts = [again.compare(tool, dump, pages)]
    names = compare_roots(tool, dump, kind == "pv")
    counts += [again.compare(tool, dump, pages, ("--root", name)) for name in names[1:]]
    return f"{kind}: {' and '.join(map(str, counts))} pages of {dump.stat().st_size // MiB} MiB"


def check_saved(tool, path):
    done = subprocess.run([tool, "info", str(path)], capture_output=True, text=True, timeout=again.BOOT)
    if done.returncode == 0 or "a saved domain of Xen" not in done.stderr or "xl dump-core" not in done.stderr:
        raise again.AgainError(f"a saved domain of Xen should be answered with what to do: {done.stderr}")


def check(tool, cache, only=()):
    """Returns a line, or raises again.AgainError and others."""
    fetch.fetch([KIND], cache)
    kernel = fetch.kernel(KIND, cache)
    domains = [domain for domain in DOMAINS if not only or domain[0] in only]
    told = []
    with tempfile.TemporaryDirectory(prefix="pagewalk-xen-", dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        folder = pathlib.Path(name)
        build(cache, kernel, folder, domains)
        with Machine(tools(cache) / "xen", kernel, folder) as machine:
            version, = machine.words_of("X", "starting Xen")
            for kind, _, _, saved in domains:
                dump = machine.take(folder / "dump", f"running the domain {kind}")
                pages = again.read_report(machine.take(folder / "text", f"telling the pages of the domain {kind}").read_text(errors="replace"))
                told.append(compare(tool, dump, pages, kind))
                if saved:
                    check_saved(tool, machine.take(folder / "saved", f"saving the domain {kind}"))
                    told.append("xl save is answered")
    return f"ok xen {version}: " + "; ".join(told)


def main():
    parser = argparse.ArgumentParser(description="Dumps of Xen's domains, by Xen's own tools.")
    parser.add_argument("--pagewalk", default="build/pagewalk", metavar="FILE", help="the tool (default: %(default)s)")
    types = [name for name, *_ in DOMAINS]
    parser.add_argument("--only", choices=types, nargs="+", default=[], help="domains of these types")
    arguments = parser.parse_args()
    if lacks():
        print(f"skip xen: {lacks()}")
        return 0
    started = time.monotonic()
    try:
        print(f"{check(os.path.abspath(arguments.pagewalk), fetch.cache_directory(), arguments.only)} ({time.monotonic() - started:.0f} s)")
    except (again.AgainError, GuestError, fetch.FetchError, OSError, subprocess.SubprocessError) as error:
        print(f"FAIL xen: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
