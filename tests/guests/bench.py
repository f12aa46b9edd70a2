#!/usr/bin/python3
"""How long the map of a running guest takes, beside the other ways to get it: "make bench-guests".

An x86_64 guest of 1 GiB (Linux, TCG, RAM in a memfd). Everything is measured from the start to the last line, in turns, on the same
guest; the medians and the ratios count, because other work on the machine and the guest itself are in every number. drgn's --qemu is
not in the drgn of Debian 12 (0.0.22), so it is not here.
"""

import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import again
import fetch
import kinds
from qmp import Qmp

SAMPLE = 500        # addresses that the monitor is asked for
ADDRESSES = 300000  # that are translated twice over


def timed(function):
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def run(*words, text=None):
    return subprocess.run(words, input=text, capture_output=True, text=True, timeout=again.BOOT)


def cpu(*words, text=None):
    """CPU seconds of a program."""
    before = os.times()
    run(*words, text=text)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def pages_of(rows):
    """Addresses of all pages, each by its first byte."""
    return [va for row in rows for va in range(int(row["va"], 16), int(row["va"], 16) + int(str(row["length"]), 0), int(str(row["size"]), 0))]


def measure(tool, guest, runs):
    with socket.socket(socket.AF_UNIX) as own:
        own.connect(str(guest.folder / "own"))
        monitor = Qmp(own)
        rows = [json.loads(line) for line in run(tool, "map", "--json", guest.source).stdout.splitlines()]
        rows = [row for row in rows if row.get("status") == "ok" and "size" in row]
        pages = pages_of(rows)
        sample = pages[::max(1, len(pages) // SAMPLE)]
        maps, tables, asked = [], [], []
        for _ in range(runs):
            maps.append(timed(lambda: run(tool, "map", guest.source))[0])
            tables.append(timed(lambda: monitor.human("info tlb"))[0])
            asked.append(timed(lambda: [monitor.human(f"gva2gpa {va:#x}") for va in sample])[0] / len(sample))
        lines = len(monitor.human("info tlb").splitlines())
        stub = guest.folder / "gdb"
        monitor.human(f"gdbserver unix:{stub},server=on,wait=off")
        by_stub, _ = timed(lambda: run(tool, "map", f"gdb:{stub}"))
        monitor.human("gdbserver none")
    seconds = statistics.median(maps)
    yield f"map: {len(rows)} ranges, {len(pages)} pages: median {seconds * 1e3:.0f} ms, fastest {min(maps) * 1e3:.0f} ms; " \
          f"CPU {cpu(tool, 'map', guest.source) * 1e3:.0f} ms"
    for what, other in [(f"monitor, info tlb ({lines} lines)", statistics.median(tables)),
                        (f"monitor, gva2gpa of each page ({len(sample)} asked)", statistics.median(asked) * len(pages)),
                        ("map through the gdb stub", by_stub)]:
        yield f"{what}: {other * 1e3:.0f} ms, {other / seconds:.1f} times as long"
    text = "".join(f"{va:#x}\n" for va in (pages * (ADDRESSES // len(pages) + 1))[:ADDRESSES])
    base = cpu(tool, "translate", "--tries", "0", guest.source, "-", text="0x0\n")
    for tries, words in [("0", "once"), ("5", "with the second look")]:
        used = cpu(tool, "translate", "--tries", tries, guest.source, "-", text=text) - base
        yield f"translate, {ADDRESSES} addresses {words}: {used / ADDRESSES * 1e9:.0f} ns of CPU each, text in and out included"


def main():
    parser = argparse.ArgumentParser(description="The map of a running guest, beside the monitor and the gdb stub.")
    parser.add_argument("--pagewalk", default="build/pagewalk", metavar="FILE", help="the tool (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=11, metavar="N", help="of each (default: %(default)s)")
    arguments = parser.parse_args()
    kind, cache = kinds.select(["x86_64"])[0], fetch.cache_directory()
    fetch.fetch([kind], cache)
    with tempfile.TemporaryDirectory(prefix="pagewalk-bench-", dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        folder = pathlib.Path(name)
        again.build(kind, fetch.kernel(kind, cache), folder)
        with again.Guest(kind, fetch.kernel(kind, cache), folder, "memfd", size=1024) as guest:
            guest.pages()
            for line in measure(os.path.abspath(arguments.pagewalk), guest, arguments.runs):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
