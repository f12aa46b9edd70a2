#!/usr/bin/python3
"""Boots real kernels as guests and compares all of their pages with pagewalk: "make check-guests".

Kernels are downloaded once (fetch.py). Those of MORE in kinds.py are booted with --all, or by name; if this machine cannot boot
one of them, because an emulator, a compiler or the kernel's package is missing, it is skipped with a sentence. Two guests run at a time; each is checked (check.py), and then its files are deleted.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import again
import check
import fetch
import found
import gdb_command
import guest
import initramfs
import kinds
import readme
import roots
import stamps
import uml
from gdbstub import GdbError
from machine import GuestError, Machine
from qmp import QmpError

interrupted = threading.Event()

TRIES = 2               # a guest that did not boot gets a second try, because the machine may be very busy
EXPECTED = (GuestError, GdbError, QmpError, initramfs.BuildError, roots.RootError, OSError, subprocess.SubprocessError)


def boot(kind, cache, directory, attach):
    for attempt in range(1, TRIES + 1):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        try:
            return (uml if kind.qemu == kinds.UML else guest).boot(kind, fetch.kernel(kind, cache), fetch.modules(kind, cache), directory, attach)
        except initramfs.BuildError:
            raise
        except EXPECTED:
            if attempt == TRIES or interrupted.is_set():
                raise


def one(kind, cache, work, arguments, roots_found):
    """Boots and checks one guest. Returns (is everything right?, lines to print)."""
    directory = work / kind.name
    started = time.monotonic()
    live = (0, [])
    rows = None

    def attach(path):
        nonlocal live, rows
        live = check.check_live(path, arguments.pagewalk)
        if kind.qemu == kinds.UML:              # there is no dump of it
            booted = json.loads((path / "guest.json").read_text())
            rows = found.Roots(arguments.pagewalk, booted, booted["live"]).compare()

    try:
        booted = boot(kind, cache, directory, None if arguments.boot_only else attach)
        if arguments.boot_only:
            pages = sum(len(shape["pages"]) for shape in booted["shapes"]) + len(booted["kernel"])
            good, lines = True, [f"ok {kind.name}: {pages} pages recorded"]
        else:
            good, lines = check.check(directory, arguments.pagewalk, live)
            rows = rows or found.Roots(arguments.pagewalk, booted, directory / "dump.elf").compare()
            roots_found.append((kind.name, *rows))
        lines[0] += f" (booted in {booted['boot_seconds']} s, done in {time.monotonic() - started:.0f} s)"
    except EXPECTED as error:
        good, lines = False, [f"FAIL {kind.name}: {error}"]
    if not arguments.keep:
        shutil.rmtree(directory, ignore_errors=True)
    return good, lines


def work_directory(arguments):
    """The folder for the guests' RAM, and whether this run removes it. RAM files are sparse, dumps are not: 16 GiB at most."""
    if arguments.work:
        work = pathlib.Path(arguments.work).resolve()
        work.mkdir(parents=True, exist_ok=True)
        return work, False
    return pathlib.Path(tempfile.mkdtemp(prefix="pagewalk-guests-", dir=os.environ.get("TMPDIR", "/var/tmp"))), True


def main():
    parser = argparse.ArgumentParser(description="Boots real kernels and compares every page with pagewalk.",
                                     epilog="guests: " + " ".join(kind.name for kind in kinds.KINDS)
                                     + "; and with --all: " + " ".join(kind.name for kind in kinds.MORE))
    parser.add_argument("--only", nargs="+", default=[], metavar="KIND", help="these guests, and nothing else")
    parser.add_argument("--all", action="store_true", help="also the guests with newer kernels and other page tables")
    parser.add_argument("--work", metavar="DIR", help="where RAM and dumps go (default: a new one in $TMPDIR or /var/tmp)")
    parser.add_argument("--keep", action="store_true", help="keep the guests' files")
    parser.add_argument("--pagewalk", default="build/pagewalk", metavar="FILE", help="the tool (default: %(default)s)")
    parser.add_argument("--boot-only", action="store_true", help="record the guests without checking them; implies --keep")
    parser.add_argument("--stamps", type=float, default=15, metavar="SECONDS",
                        help="how long to read a guest that remaps its pages, twice; 0: not at all (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="guests at a time (default: %(default)s)")
    arguments = parser.parse_args()
    arguments.keep |= arguments.boot_only
    wanted = kinds.select(arguments.only, arguments.all)
    # A terminated run ends like an interrupted one: emulators are stopped, files removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    cache = fetch.cache_directory()
    skipped = {kind.name: why for kind in wanted if (why := kinds.lacks(kind)) and kind in kinds.MORE}
    try:
        fetch.fetch([kind for kind in wanted if kind.name not in skipped], cache)
    except (fetch.FetchError, OSError, subprocess.SubprocessError) as error:
        unavailable = getattr(error, "kinds", {})
        if not unavailable or {kind.name for kind in kinds.KINDS} & unavailable.keys():
            print(f"run.py: {error}", file=sys.stderr)
            return 2
        skipped.update(unavailable)
    for name, why in skipped.items():
        print(f"skip {name}: {why}", flush=True)
    wanted = [kind for kind in wanted if kind.name not in skipped]
    work, ours = work_directory(arguments)
    results, roots_found = [], []
    try:
        pool = concurrent.futures.ThreadPoolExecutor(max_workers=max(1, arguments.jobs))
        running = [pool.submit(one, kind, cache, work, arguments, roots_found) for kind in wanted]
        for future in concurrent.futures.as_completed(running):
            good, lines = future.result()
            print("\n".join(lines), flush=True)
            results.append(good)
    except KeyboardInterrupt:
        print("run.py: interrupted", file=sys.stderr)
        interrupted.set()
        Machine.end_all()
        pool.shutdown(cancel_futures=True)
        return 130
    finally:
        if ours and not arguments.keep:
            shutil.rmtree(work, ignore_errors=True)
    reader = stamps.build_folder(arguments.pagewalk) / "tests" / "guests" / "stamps"
    if arguments.stamps > 0 and not arguments.only and not arguments.boot_only:
        good, lines = stamps.check(reader, arguments.stamps)
        print("\n".join(lines), flush=True)
        results.append(good)
    if not arguments.only and not arguments.boot_only:
        good, lines = readme.check(arguments.pagewalk, fetch.kernel(kinds.select(["x86_64"])[0], cache))
        print("\n".join(lines), flush=True)
        results.append(good)
        good, lines = gdb_command.check(arguments.pagewalk)
        print("\n".join(lines), flush=True)
        results.append(good)
        for good, lines in again.check(arguments.pagewalk, cache, arguments.all):
            print("\n".join(lines), flush=True)
            results.append(good)
    if arguments.keep:
        print(f"the guests' files are in {work}")
    if roots_found:
        print("\n".join(found.table(roots_found)))
        results.append(found.is_enough(roots_found))
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
