#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts the costs of the folding strategies, prints tables, and writes every cell as JSON.

usage: report.py FOLD_BENCH JSON

The laboratory counts turns and loads. callgrind counts instructions, inside the lean forms and the
functions that they call. Code sizes come from the symbols. The strategies' numbers are the same on every
run (pw_scan allocates, which takes a few instructions more or less). Instructions and sizes depend on the
compiler that built FOLD_BENCH.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

STRATEGIES = ["b", "c", "d", "e"]
LIBRARY = ["pw_walk_range", "pw_scan"]


def counted(bench):
    """Turns and loads, by the name of the cell; this also checks every page."""
    done = subprocess.run([bench, "count"], stdout=subprocess.PIPE, text=True, check=True)
    return {o.pop("cell"): o for o in map(json.loads, done.stdout.splitlines())}


def instructions(bench):
    """Instructions by the name of the cell."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        # The valgrind of Debian 12 cannot read clang's debug information.
        subprocess.run(["objcopy", "--strip-debug", bench, f"{folder}/bench"], check=True)
        subprocess.run(["valgrind", "--tool=callgrind", "-q", "--instr-atstart=no",
                        "--toggle-collect=fold_lean_*", f"--callgrind-out-file={folder}/out",
                        f"{folder}/bench", "run"], stdout=subprocess.DEVNULL, check=True)
        for file in pathlib.Path(folder).glob("out.*"):
            head = file.read_text(errors="replace")[:4000]
            cell = re.search(r"^desc: Trigger: Client Request: (\S+)$", head, re.M)
            if cell:
                found[cell[1]] = int(re.search(r"^summary: (\d+)", head, re.M)[1])
    return found


def sizes(bench):
    """Bytes of code by (style's symbol, walk, strategy), for functions without calls."""
    done = subprocess.run(["nm", "-S", "--defined-only", bench], capture_output=True, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        # GCC puts code that it believes never to run into a part of its own.
        name = re.search(r" fold_lean_([bcde])_(fast|walk)_(\w+)(\.cold)?$", line)
        if name:
            key = name[3], name[2], name[1]
            found[key] = found.get(key, 0) + int(line.split()[1], 16)
    return found


def compiler_of(bench):
    done = subprocess.run(["readelf", "-p", ".comment", bench], capture_output=True, text=True, check=True)
    return "; ".join(re.findall(r"\]\s+(\S.*)", done.stdout))


class Case:
    """A style and a depth: "s390x/value/3"."""

    def __init__(self, name, cells, count, instruction):
        self.name = name
        self.format, self.style, self.levels = name.split("/")
        self.cells = [c for c in cells if c.startswith(name + "/")]
        self.count, self.instruction = count, instruction

    def row(self, walk, where, pages):
        """{strategy: counts} of one range; None if this case does not have the range."""
        found = {}
        for strategy in STRATEGIES + LIBRARY:
            cell = f"{self.name}/{walk}/{where}/{pages}/{strategy}"
            if cell in self.instruction:
                found[strategy] = {**self.count[cell], "instructions": self.instruction[cell]}
        return found or None

    def empty(self):
        """The number of entries of the empty range."""
        for cell in self.cells:
            if cell.split("/")[4] == "empty":
                return int(cell.split("/")[5])
        return None


def above(cell):
    """Turns of the loops above the pte."""
    return sum(n for level, n in cell["turns"].items() if level != "pte")


def loads(cell):
    return f"{cell['loads']}+{cell['stack_loads']}" if cell["stack_loads"] else str(cell["loads"])


def table(title, heads, rows):
    """Left-aligned first column, the others right-aligned."""
    wide = [max(len(str(r[i])) for r in [heads] + rows) for i in range(len(heads))]
    print(f"\n{title}\n")
    for row in [heads] + rows:
        cells = [str(row[0]).ljust(wide[0])]
        cells += [str(c).rjust(w) for c, w in zip(row[1:], wide[1:])]
        print("  " + "  ".join(cells).rstrip())


def of_each(row, strategies, what):
    return [what(row[s]) if s in row else "-" for s in strategies]


def number(cell):
    return cell["instructions"]


def print_range(cases, walk, where, pages, title):
    rows = []
    for case in cases:
        row = case.row(walk, where, pages)
        if not row:
            continue
        counts = [s for s in ("b", "c", "d", "e") if s in row and "turns" in row[s]]
        if not counts:
            continue
        rows.append([case.name.replace("/", " ")] +
                    of_each(row, "cde", above) + of_each(row, "cde", loads) +
                    of_each(row, STRATEGIES, number))
    table(title, ["", "turns c", "d", "e", "loads c", "d", "e", "instr. b", "c", "d", "e"], rows)


def print_long(cases, walk):
    rows = []
    for case in cases:
        short, long = case.row(walk, "across", 512), case.row(walk, "across", 65536)
        if short and long:
            rows.append([case.name.replace("/", " ")] + of_each(short, STRATEGIES, number) +
                        of_each(long, STRATEGIES, number))
    table(f"{walk}: long ranges across a boundary, instructions",
          ["", "512: b", "c", "d", "e", "65536: b", "c", "d", "e"], rows)


def print_empty(cases):
    rows = []
    for case in cases:
        entries = case.empty()
        if entries:
            row = case.row("pagewalk", "empty", entries)
            rows.append([case.name.replace("/", " "), entries] +
                        of_each(row, STRATEGIES, lambda c: f"{c['instructions'] / entries:.1f}"))
    table("pagewalk: a range without pages, instructions for each empty entry of the top table",
          ["", "entries", "b", "c", "d", "e"], rows)


def print_crossing(cases, walk):
    """Two pages across a boundary of the top, less two pages that meet inside one entry."""
    rows = []
    for case in cases:
        inside, across = case.row(walk, "inside", 2), case.row(walk, "across", 2)
        if inside and across:
            rows.append([case.name.replace("/", " ")] +
                        [number(across[s]) - number(inside[s]) if s in across else "-"
                         for s in STRATEGIES])
    table(f"{walk}: what crossing a boundary of the top costs, instructions", ["", "b", "c", "d", "e"], rows)


def print_value_ends(cases):
    """Compares c with d in pagewalk where no value decides: the sources differ only in the ends."""
    same, rows = 0, []
    for case in cases:
        if case.style == "value":
            continue
        deltas = {}
        for cell in case.cells:
            other = cell[:-1] + "d"
            if "/pagewalk/" in cell and cell.endswith("/c") and other in case.instruction:
                deltas[cell] = case.instruction[cell] - case.instruction[other]
        if not deltas:
            continue
        if not any(deltas.values()):
            same += 1
            continue
        share = {cell: 100 * n / case.instruction[cell[:-1] + "d"] for cell, n in deltas.items()}
        rows.append([case.name.replace("/", " "), f"{min(deltas.values()):+d}", f"{max(deltas.values()):+d}",
                     f"{min(share.values()):+.2f}%", f"{max(share.values()):+.2f}%"])
    table(f"pagewalk: value-aware ends where no value decides; {same} cases do not change, {len(rows)} do",
          ["instructions, c less d", "least", "most", "least", "most"], rows)


def print_library(cases):
    rows = []
    for case in cases:
        for pages in (1, 512, 65536):
            row = case.row("pagewalk", "inside", pages) or case.row("pagewalk", "across", pages)
            if row and "e" in row and case.name in ("s390x/value/3", "x86_64/mode/4"):
                rows.append([f"{case.name.replace('/', ' ')}, {pages}"] +
                            of_each(row, ["e"] + LIBRARY, number))
    table("e beside the library's own calls, which give complete answers (pagewalk), instructions",
          ["pages", "e", "pw_walk_range", "pw_scan"], rows)


def print_sizes(size):
    rows = []
    for style in sorted({key[0] for key in size}):
        rows.append([style] + [size.get((style, walk, s), "-") for walk in ("fast", "walk")
                               for s in STRATEGIES])
    table("code, bytes (a style's function with its constants inlined)",
          ["", "fast: b", "c", "d", "e", "pagewalk: b", "c", "d", "e"], rows)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    bench, output = sys.argv[1:]
    count, instruction, size = counted(bench), instructions(bench), sizes(bench)
    if set(count) != set(instruction):
        sys.exit("report.py: callgrind and the laboratory did not walk the same cells")
    names = list(dict.fromkeys("/".join(cell.split("/")[:3]) for cell in count))
    cases = [Case(name, count, count, instruction) for name in names]

    print(f"compiled by {compiler_of(bench)}; a case is a format, how it is folded, and its tables")
    print("turns: of the loops above the pte; loads: of table words + of copies on the stack")
    print_range(cases, "fast", "inside", 1, "fast: one page")
    print_range(cases, "fast", "inside", 2, "fast: two pages that meet inside an entry of the top")
    print_range(cases, "fast", "across", 2, "fast: two pages across a boundary of the top")
    print_range(cases, "pagewalk", "across", 2, "pagewalk: two pages across a boundary of the top")
    print_long(cases, "fast")
    print_long(cases, "pagewalk")
    print_empty(cases)
    print_crossing(cases, "fast")
    print_crossing(cases, "pagewalk")
    print_value_ends(cases)
    print_library(cases)
    print_sizes(size)

    with open(output, "w", encoding="ascii") as file:
        for cell, o in count.items():
            file.write(json.dumps({"cell": cell, **o, "instructions": instruction[cell]}) + "\n")
        for (style, walk, strategy), bytes_ in sorted(size.items()):
            file.write(json.dumps({"code": f"{style}/{walk}/{strategy}", "bytes": bytes_}) + "\n")


if __name__ == "__main__":
    main()
