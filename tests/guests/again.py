#!/usr/bin/python3
"""Guests that start again while somebody looks at them, and the dumps that such guests leave.

Process 1 of each guest (again_init.c) reports its own pages. `map --pid 1`, which gets nothing but the source's name, must agree:
of the running guest; after a reboot and after another kernel was started in its place (kexec), each of which `watch --pid 1` must
notice and go on; of the dumps (dumps.py).

The guests differ in how QEMU keeps their RAM (a file, a memfd, memory of its own), and have two CPUs and RAM on both sides of 4 GiB.
"""

import argparse
import json
import os
import pathlib
import queue
import shlex
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

import fetch
import initramfs
import kinds
from machine import Emulator, GuestError, TIMER
from qmp import Qmp, QmpError

HERE = pathlib.Path(__file__).resolve().parent
BOOT = 600          # seconds, after which something hangs, however busy the machine is
LIFE = 3000
MiB, GiB = 1 << 20, 1 << 30
PRESENT, SWAPPED, FRAME = 1 << 63, 1 << 62, (1 << 55) - 1
NOT_PAGES = {"[vvar]", "[vvar_vclock]", "[vdso]"}      # pagemap is silent about what is mapped without a struct page
BACKENDS = {
    "file": "memory-backend-file,id=ram,size={size}M,mem-path={folder}/ram,share=on",
    "memfd": "memory-backend-memfd,id=ram,size={size}M,share=on",
    "anonymous": "memory-backend-ram,id=ram,size={size}M",
}
# kind of tests/guests/kinds.py: -machine, -cpu, MiB, console
GUESTS = {
    "x86_64": ("q35,max-ram-below-4g=1G", "max,la57=off", 1536, "ttyS0"),
    # With SVE, QEMU 7.2 counts the notes of a dump by the first CPU's vectors, which others may not have as long at that moment.
    "arm64": ("virt", "max,sve=off", 3584, "ttyAMA0"),
    "s390x": ("s390-ccw-virtio", "max", 1152, "ttysclp0"),
}


class AgainError(Exception):
    """A sentence for people."""


# --- the guest

def archive(*files):
    """An initramfs with these (path, mode, bytes)."""
    members = [("dev", stat.S_IFDIR | 0o755, b""), ("proc", stat.S_IFDIR | 0o755, b""), ("sys", stat.S_IFDIR | 0o755, b"")]
    members += [(folder, stat.S_IFDIR | 0o755, b"") for folder in sorted({str(parent) for path, _, _ in files
                                                                         for parent in pathlib.PurePath(path).parents} - {"."})]
    members += [(path, stat.S_IFREG | mode, data) for path, mode, data in files]
    members.insert(2, ("dev/console", stat.S_IFCHR | 0o600, b""))
    return b"".join(initramfs.member(number, name, mode, data, (5, 1) if name == "dev/console" else (0, 0))
                    for number, (name, mode, data) in enumerate(members, 1)) + initramfs.member(0, "TRAILER!!!", 0)


def build(kind, kernel, folder, more=()):
    """Writes folder/initramfs, which has the kernel in it and the initramfs for that; both have @more files."""
    init = folder / "init"
    done = subprocess.run([kind.compiler, "-static", "-O2", "-std=gnu11", "-D_GNU_SOURCE", "-o", str(init), str(HERE / "again_init.c")],
                          capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise AgainError(f"{kind.compiler} could not compile /init:\n{done.stderr}")
    program = ("init", 0o755, init.read_bytes())
    (folder / "initramfs").write_bytes(archive(program, ("kernel", 0o644, kernel.read_bytes()), ("next", 0o644, archive(program, *more)), *more))


class Guest(Emulator):
    def __init__(self, kind, kernel, folder, backend, append="", size=None):
        machine, cpu, memory, console = GUESTS[kind.name]
        self.folder, self.source = folder, f"qemu:{folder / 'qmp'}"
        self.size = size or memory
        self.words = ["timeout", "--kill-after=5", str(LIFE), kind.qemu, "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg",
                      "-machine", f"{machine if not size else machine.split(',')[0]},memory-backend=ram", "-cpu", cpu, "-smp", "2",
                      "-m", f"{self.size}M", "-object", BACKENDS[backend].format(size=self.size, folder=folder),
                      "-kernel", str(kernel), "-initrd", str(folder / "initramfs"),
                      "-append", f"console={console} quiet loglevel=1 panic=-1 random.trust_cpu=on {TIMER if kind.name == 'x86_64' else ''} {append}",
                      "-qmp", f"unix:{folder / 'qmp'},server=on,wait=off", "-qmp", f"unix:{folder / 'own'},server=on,wait=off",
                      "-serial", "chardev:console"]

    def __exit__(self, *what):
        super().__exit__(*what)
        for name in ("qmp", "own", "ram"):
            (self.folder / name).unlink(missing_ok=True)

    def line(self, doing, seconds=BOOT):
        return self.next_words(seconds, doing)

    def pages(self):
        """Waits for a report, and returns it: {address: (pagemap, name)}."""
        found = {}
        while True:
            words = self.line("telling its pages")
            if words[0] == "@P":
                found[int(words[1], 16)] = (int(words[2], 16), words[3])
            elif words[0] == "@D":
                if int(words[1]) != len(found) or len(found) < 100:
                    raise AgainError(f"{words[1]} pages were told, {len(found)} arrived")
                return found

    def tell(self, what):
        self.console.socket.sendall(what.encode() + b"\n")

    def dump(self, path, **arguments):
        with socket.socket(socket.AF_UNIX) as own:
            own.connect(str(self.folder / "own"))
            monitor = Qmp(own)
            monitor.command("stop")
            try:
                monitor.command("dump-guest-memory", timeout=BOOT, paging=False, protocol=f"file:{path}", **arguments)
            finally:
                monitor.command("cont")


def read_report(text):
    """The last whole report in a console's text, as Guest.pages returns it."""
    pages, last = {}, {}
    for words in map(str.split, text.replace("\r", "").splitlines()):
        if words and words[0] == "@P" and len(words) == 4:
            pages[int(words[1], 16)] = (int(words[2], 16), words[3])
        elif words and words[0] == "@D":
            last, pages = pages, {}
    return last


# --- what must agree

def compare(tool, source, pages, root=("--pid", "1"), page=4096):
    """Compares the map of process 1 with its own report. Returns the number of pages that are there."""
    words = [tool, "map", "--json", "--view", "linux", "--holes", *root, str(source), f"0-{max(pages) + 0xffff:#x}"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=BOOT)
    if done.returncode:
        raise AgainError(f"exit status {done.returncode} from {shlex.join(words)}\n{done.stderr}")
    rows = [row for row in map(json.loads, done.stdout.splitlines()) if row.get("status") == "ok"]
    mapped = {}
    for row in rows:
        va, pa = int(row["va"], 16), int(row["pa"], 16)
        mapped.update({va + at: pa + at for at in range(0, int(str(row["length"]), 0), page)})
    present = {va: (entry & FRAME) * page for va, (entry, _) in pages.items() if entry & PRESENT}
    wrong = [f"{va:#x} ({pages[va][1]}): the guest says {pa:#x}, the map {mapped.get(va, 0):#x}"
             for va, pa in present.items() if mapped.get(va) != pa]
    wrong += [f"{va:#x} ({pages[va][1]}) is mapped, and the guest says that it is not" for va in mapped
              if va in pages and va not in present and pages[va][1] not in NOT_PAGES]
    wrong += [f"{va:#x} is mapped, and is in no mapping of the guest's" for va in mapped if va not in pages][:3]
    if wrong or len(present) < 50:
        raise AgainError(f"{len(wrong)} of {len(present)} pages differ: {shlex.join(words)}\n  " + "\n  ".join(wrong[:5]))
    return len(present)


class Watch:
    """A watch of process 1 that goes on, whatever the guest does."""

    def __init__(self, tool, source):
        self.process = subprocess.Popen([tool, "watch", "--json", "--interval", "0.2", "--wait", str(BOOT), "--pid", "1", source],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.events = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put({"end": True})

    def wait_for(self, key, value):
        """The next line with this; events before it are kept."""
        while True:
            try:
                line = self.lines.get(timeout=BOOT)
            except queue.Empty:
                raise AgainError(f"watch has not said {value} in {BOOT} seconds; before: {self.events}")
            if line.get("end"):
                raise AgainError(f"watch ended before {value}: {self.process.stderr.read()}")
            if "event" in line:
                self.events.append(line["event"])
            if line.get(key) == value:
                return line

    def end(self):
        self.process.kill()
        self.process.wait()


def sees_a_change(guest, watch):
    """A page more: the watch that goes on must be one of the machine as it is now."""
    done = threading.Event()

    def ask():
        # The watch may not have looked yet when the first page is mapped.
        while not done.wait(1):
            guest.tell("remap")

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        watch.wait_for("change", "mapped")
    finally:
        done.set()
        asking.join()


def start_again(tool, guest, how):
    """The guest starts again, and `watch` must go on. Returns what happened, in words."""
    watch = Watch(tool, guest.source)
    try:
        sees_a_change(guest, watch)
        guest.tell(how)
        started = time.monotonic()
        pages = guest.pages()
        booted = time.monotonic() - started
        watch.wait_for("event", "found")
        found = time.monotonic() - started
        # A reset can look like another kernel: QEMU puts that into memory before it tells.
        if watch.events[0] not in {"reboot": ("reset", "kernel"), "kexec": ("kernel",)}[how]:
            raise AgainError(f"after {how}, watch said {watch.events}")
        # The watch has the one socket: a socket serves one program at a time.
        count = compare(tool, f"qemu:{guest.folder / 'own'}", pages)
        sees_a_change(guest, watch)
    finally:
        watch.end()
    return f"{how}: {' '.join(watch.events)}, found {max(0, found - booted):.0f} s after its report, {count} pages"


def check_guest(tool, kind, kernel, backend, again):
    """Returns (is everything right?, lines)."""
    with tempfile.TemporaryDirectory(prefix="pagewalk-again-", dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        folder = pathlib.Path(name)
        build(kind, kernel, folder)
        with Guest(kind, kernel, folder, backend) as guest:
            told = [f"{compare(tool, guest.source, guest.pages())} pages"]
            told += [start_again(tool, guest, how) for how in again]
    return f"ok again {kind.name}, RAM {backend}, 2 CPUs, {guest.size} MiB: " + "; ".join(told)


# --- which

def jobs(everything):
    """(kind, backend, what it does again). One run has no time for all: the day of the year chooses."""
    all_of_them = [("x86_64", backend, ("reboot", "kexec")) for backend in BACKENDS]
    if everything:
        return all_of_them + [("s390x", "anonymous", ("reboot",)), ("arm64", "memfd", ("reboot",))]
    return [all_of_them[time.gmtime().tm_yday % len(all_of_them)]]


def check(tool, cache, everything, only=""):
    """Yields (is everything right?, lines)."""
    tool = os.path.abspath(tool)
    work = [(f"again {name}, RAM {backend}", lambda kind, kernel, backend=backend, again=again:
             check_guest(tool, kind, kernel, backend, again), name) for name, backend, again in jobs(everything)]
    if everything:
        import domain       # which need this file
        import dumps
        import xen
        work += [(f"dumps {name}", lambda kind, kernel: dumps.check(tool, kind, kernel, cache), name)
                 for name in ("x86_64", "arm64", "s390x")]
        lacks = domain.lacks()
        if lacks:
            yield True, [f"skip libvirt: {lacks}"]
        else:
            work.append(("libvirt", lambda kind, kernel: domain.check(tool, kind, kernel), "x86_64"))
        if xen.lacks():
            yield True, [f"skip xen: {xen.lacks()}"]
        else:
            work.append(("xen", lambda kind, kernel: xen.check(tool, cache), "x86_64"))
    for title, run, name in work:
        if only not in title:
            continue
        kind = kinds.select([name])[0]
        started = time.monotonic()
        try:
            line = run(kind, fetch.kernel(kind, cache))
            yield True, [f"{line} ({time.monotonic() - started:.0f} s)"]
        except (AgainError, GuestError, QmpError, fetch.FetchError, OSError, subprocess.SubprocessError) as error:
            yield False, [f"FAIL {title}: {error}"]


def main():
    parser = argparse.ArgumentParser(description="Guests that start again while somebody looks at them, and their dumps.")
    parser.add_argument("--pagewalk", default="build/pagewalk", metavar="FILE", help="the tool (default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="all guests, and the dumps")
    parser.add_argument("--only", default="", metavar="TEXT", help="those whose title has this in it, as \"dumps arm64\"")
    arguments = parser.parse_args()
    cache = fetch.cache_directory()
    fetch.fetch(kinds.select(["x86_64", "arm64", "s390x"] if arguments.all else ["x86_64"]), cache)
    results = []
    for good, lines in check(arguments.pagewalk, cache, arguments.all, arguments.only):
        print("\n".join(lines), flush=True)
        results.append(good)
    return 0 if all(results) else 1


if __name__ == "__main__":
    import again                # as other files know it, so that there is one AgainError
    sys.exit(again.main())
