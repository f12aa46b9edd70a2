"""Compares the roots that `pagewalk roots` finds in a dump with those that the guest really used.

Recall: of the roots that the guest used, how many are found? Those are the roots that the host read from the CPU while a
process ran in user mode, the kernel's, and that of process 1, which is known by its stamp. Precision: of the roots that are
found, how many did the guest use? A root is right if the host saw it, or if the stamp of a living process can be read
through it: every process of the guest keeps its number in a page at the same address (init.c). Nothing but the dump's name
is given to the tool.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

LEAST = 0.98
STAMP = 0x5a000000
TEXT = re.compile(rb"pagewalk stamp (\d+)\n")
# Bits of a root word that are not part of the table's address; the rest of the format's words have none.
NOT_ADDRESS = {"x86_64": 0xfff, "x86_64_la57": 0xfff, "i386": 0xfff, "i386_pae": 0x1f, "arm": 0x3fff, "s390x": 0xfff}


def address(format_name, word):
    """The table that a root word leads to."""
    word = int(word, 16)
    if format_name.startswith("arm64"):
        return word & 0x0000fffffffffffe
    if format_name == "arm_lpae":
        return word & 0x000000ffffffffe0
    if format_name.startswith("ppc64"):
        return word & 0x0fffffffffffff00
    if format_name.startswith("riscv"):
        return (word & (1 << 44) - 1) << 12
    return word & ~NOT_ADDRESS.get(format_name, 0xfff) & (1 << 52) - 1


class Roots:
    def __init__(self, pagewalk, guest, dump):
        self.pagewalk = str(pagewalk)
        self.guest = guest
        self.dump = str(dump)
        self.format = {"arm64": "arm64_4k_48"}.get(guest["format"], guest["format"])

    def run(self, *arguments):
        return subprocess.run([self.pagewalk, *arguments], capture_output=True, timeout=600)

    def find(self):
        result = self.run("roots", "--json", self.dump)
        return [json.loads(line) for line in result.stdout.decode().splitlines()]

    def seconds(self):
        """CPU seconds of the search, of all of its threads, in user mode and in the kernel."""
        search = subprocess.Popen([self.pagewalk, "roots", self.dump], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, search.returncode, used = os.wait4(search.pid, 0)
        return used.ru_utime + used.ru_stime

    def gibibytes(self):
        return sum(length for _, length, _ in self.guest["segments"]) / (1 << 30)

    def read(self, root, va, length):
        words = root["roots"]
        if words[0] is None:        # TTBR1 alone: the other half does not matter
            words = [words[1], words[1]]
        options = [option for word in words for option in ("--root", word)]
        return self.run("read", "--raw", "--format", root["format"], *options, self.dump, hex(va), str(length)).stdout

    def stamp(self, root):
        match = TEXT.match(self.read(root, STAMP, 32))
        return int(match[1]) if match else None

    def processes(self, found=None):
        """Compares the numbers of processes with their stamps. Returns how many stamps there are, how many roots have the same
        number, and sentences about those that have not; and about `--pid 1`."""
        stamped, right, wrong = 0, 0, []
        for root in self.find() if found is None else found:
            number = None if root["owner"] == "kernel" else self.stamp(root)
            if number is None:
                continue
            stamped += 1
            right += root["pid"] == number and root["command"] is not None
            if root["pid"] != number:
                wrong.append(f"{root['roots']} is of process {number}, not {root['pid']}")
        first = self.run("read", "--raw", "--pid", "1", self.dump, hex(STAMP), "32")
        if not first.stdout.startswith(b"pagewalk stamp 1\n"):
            wrong.append(f"--pid 1 does not lead to process 1: {first.stderr.decode().strip()}")
        return stamped, right, wrong

    def compare(self):
        """Returns how many are wanted, wanted and found, found, found and right; how many show a stamp, and of these how many
        have its number; the search's CPU seconds and the memory's GiB; and what is wrong."""
        two = not self.format.startswith(("ppc64", "x86_64", "i386", "s390x", "riscv")) and self.format not in ("arm", "arm_lpae")
        wanted = {address(self.format, shape["roots"][0]): shape["name"] for shape in self.guest["shapes"]}
        kernel = self.guest["kernel_roots"]
        # On x86 and 32-bit arm, the kernel runs on the root of some process. Its own is not seen, but must be found.
        own = {"s390x": 0, "ppc64_radix_64k": 0, "ppc64_radix_4k": 0}.get(self.format, 1 if two else None)
        kernel_table = address(self.format, kernel[own]) if own is not None and len(kernel) > own else None
        found, wrong, right, seen, kernels = self.find(), [], 0, set(), 0
        stamps = set()
        for root in found:
            table = int(root["table"], 16)
            if root["format"] != self.format:
                wrong.append(f"{root['roots']} is of format {root['format']}")
                continue
            number = self.stamp(root)
            if root["owner"] == "kernel":
                good = kernel_table in (None, table) and self.has_kernel(root)
                kernels += good
                if not self.has_vectors(root, live="live" in self.guest):
                    wrong.append(f"the kernel's root shows the wrong exception vectors: {root['vectors']}")
                    good = False
            else:
                good = table in wanted or number is not None
            stamps.add(number)
            seen.add(table)
            right += good
            if not good:
                wrong.append(f"{root['roots']} ({root['owner']}) is not a root of the guest's")
        lost = [f"{name} at 0x{table:x} was not found" for table, name in wanted.items() if table not in seen]
        lost += [] if 1 in stamps else ["process 1 was not found"]
        lost += [] if kernels else ["the kernel's root was not found"]
        total = len(wanted) + 2
        if self.format.startswith("um_"):       # its kernel maps itself by the host's calls, so it has no tables to be found by
            return total - 1, total - len(lost), len(found), right, 0, 0, self.seconds(), self.gibibytes(), wrong + lost[:-1]
        stamped, named, nameless = self.processes(found)
        return total, total - len(lost), len(found), right, stamped, named, self.seconds(), self.gibibytes(), wrong + lost + nameless

    def has_vectors(self, root, live=False):
        """Is the kernel's root proved by the exception vectors, where a register or the architecture tells where they are? Dumps
        of riscv, arm and arm64 do not have the register."""
        told = self.format.startswith(("x86_64", "i386", "s390x", "ppc64")) or live and self.format.startswith(("riscv", "arm"))
        return bool(root["vectors"] and root["vectors"]["mapped"]) if told else root["vectors"] is None

    def has_kernel(self, root):
        """Does the root show the kernel's name where the kernel says that it is?"""
        va = self.guest["kernel_names"].get("linux_banner")
        return va is None or self.read(root, int(va, 16), 13) == b"Linux version"


def table(rows):
    """The lines of a table: recall and precision of each kind, and of all; the numbers of processes; the CPU time, which decides
    nothing; then what is wrong."""
    sums = [sum(row[i] for row in rows) for i in range(1, 9)]
    yield "roots            used  found  recall   listed  right  precision   stamps  pids   CPU s    GiB  CPU s/GiB"
    for name, wanted, found, listed, right, stamped, named, seconds, gibibytes, *_ in [*sorted(rows), ("all", *sums)]:
        yield (f"{name:15} {wanted:5} {found:6} {found / wanted:7.2f}  {listed:7} {right:6} "
               f"{right / listed if listed else 0:10.2f}  {stamped:7} {named:5} {seconds:7.2f} {gibibytes:6.2f} {seconds / gibibytes:10.2f}")
    for name, *_, wrong in sorted(rows):
        yield from (f"  {name}: {line}" for line in wrong)


def is_enough(rows):
    """Are recall and precision over all kinds what they should be? And is every stamp the number that its root has?"""
    wanted, found, listed, right, stamped = (sum(row[i] for row in rows) for i in range(1, 6))
    numbered = all(row[6] == row[5] for row in rows)
    tells = stamped > 0 or all(row[0].startswith("um_") for row in rows)
    return found >= LEAST * wanted and listed > 0 and right >= LEAST * listed and tells and numbered


def main():
    parser = argparse.ArgumentParser(description="Recall and precision of `pagewalk roots` on finished guests.")
    parser.add_argument("--pagewalk", default="build/pagewalk", help="the tool (default: %(default)s)")
    parser.add_argument("directory", nargs="+", type=pathlib.Path, help="finished guests, as guest.py leaves them")
    arguments = parser.parse_args()
    rows = []
    for directory in arguments.directory:
        guest = json.loads((directory / "guest.json").read_text())
        rows.append((guest["kind"], *Roots(arguments.pagewalk, guest, directory / "dump.elf").compare()))
    print("\n".join(table(rows)))
    return 0 if is_enough(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
