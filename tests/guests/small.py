#!/usr/bin/python3
"""Makes the small images in tests/images/ from finished guests: only the page tables of real kernels' processes, and a text
with the pages that they map. With them, the plain test run needs no emulator.

KIND.elf.xz  an ELF core whose segments are page tables; the pages that they map are not in it
KIND.txt     the mapped pages; lines of

  format NAME                                  then, for each process,
  shape NAME ROOT...                           and its pages
  VA COUNT STATE PA PERMISSIONS NAME           COUNT pages of "page" bytes; PA counts up too, and is - if there is none
  kernel ROOT...                               addresses of the kernel's half:
  VA PA                                        PA by the emulator's own walk, - if it found none
"""

import argparse
import json
import lzma
import pathlib
import sys
import tempfile

import check

LINES = 48              # the most runs of pages that are kept of each name in a shape
KERNEL = 160            # the most kernel addresses that are kept
LIMIT = 1 << 20         # bytes, for all images together


# --- which pages

def runs(pages, page_size):
    """Lists of consecutive pages that differ only in their position."""
    result = []
    for page in pages:
        va, state, pa, *rest = page
        if result:
            run = result[-1]
            step = page_size * len(run)
            if (int(va, 16) == int(run[0][0], 16) + step and [state, *rest[:2]] == [run[0][1], *run[0][3:5]]
                    and (pa is None) == (run[0][2] is None) and (pa is None or int(pa, 16) == int(run[0][2], 16) + step)):
                run.append(page)
                continue
        result.append([page])
    return result


def choose(pages, page_size):
    """A bounded number of a shape's runs for each name, spread evenly."""
    by_name = {}
    for run in runs(pages, page_size):
        by_name.setdefault((run[0][4], run[0][1], run[0][3]), []).append(run)
    kept = [run for group in by_name.values() for run in group[::max(1, -(-len(group) // LINES))]]
    return sorted(kept, key=lambda run: int(run[0][0], 16))


def choose_kernel(guest):
    """All addresses with names, and a part of the others, spread evenly."""
    names = set(guest["kernel_names"].values())
    step = max(1, len(guest["kernel"]) // KERNEL)
    return [pair for i, pair in enumerate(guest["kernel"]) if i % step == 0 or pair[0] in names]


def ranges(addresses, page_size):
    """The pages' addresses as FIRST-LAST, inclusive; neighbours become one range."""
    merged = []
    for va in sorted(int(va, 16) for va in addresses):
        if merged and va <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], va + page_size - 1)
        else:
            merged.append([va, va + page_size - 1])
    return [word for first, last in merged for word in ("--range", f"0x{first:x}-0x{last:x}")]


# --- one image

def describe(guest, shapes, kernel):
    lines = [f"# Page tables of a Linux 6.1 guest ({guest['kind']}); see tests/guests/small.py for what the lines mean",
             f"format {guest['format']}", f"page {guest['page_size']}"]
    for shape, kept in shapes:
        lines.append(f"shape {shape['name']} {' '.join(shape['roots'])}" + (" no-execute" if shape.get("no_execute") else ""))
        for run in kept:
            va, state, pa, permissions, name, _ = run[0]
            lines.append(f"{va} {len(run)} {state} {pa or '-'} {permissions} {name}")
    lines.append(f"kernel {' '.join(guest['kernel_roots'])}")
    lines += [f"{va} {pa or '-'}" for va, pa in kernel]
    return "\n".join(lines) + "\n"


def make(directory, path, output):
    """Writes one guest's image and text; returns the compressed image's size."""
    guest = json.loads((directory / "guest.json").read_text())
    pagewalk = check.Pagewalk(path, guest)
    source = check.raw_source(guest, directory.resolve())
    shapes = [(shape, choose(shape["pages"], guest["page_size"])) for shape in guest["shapes"]]
    kernel = choose_kernel(guest)
    spaces = [(shape["name"], shape["roots"]) for shape, _ in shapes]
    if guest["kernel_roots"] not in [roots for _, roots in spaces]:
        spaces.append(("kernel", guest["kernel_roots"]))
    addresses = [page[0] for _, kept in shapes for run in kept for page in run] + [va for va, _ in kernel]
    with tempfile.TemporaryDirectory() as scratch:
        core = pathlib.Path(scratch) / "small.elf"
        pagewalk.cut_spaces(spaces, source, core, ranges(addresses, guest["page_size"]))
        image = core.read_bytes()
        # only checked images go into the tree
        images = [check.Image("small image", str(core))]
        differences = []
        for shape, kept in shapes:
            differences += check.check_shape(pagewalk, guest, {**shape, "pages": [page for run in kept for page in run]}, images)
        differences += check.check_kernel(pagewalk, {**guest, "kernel": kernel}, images)
        if differences:
            raise check.CheckError(f"{guest['kind']}: the small image differs from the guest:\n" + "\n".join(differences[:5]))
    packed = lzma.compress(image, preset=9 | lzma.PRESET_EXTREME)
    (output / f"{guest['kind']}.elf.xz").write_bytes(packed)
    (output / f"{guest['kind']}.txt").write_text(describe(guest, shapes, kernel))
    print(f"{guest['kind']}: {len(image)} bytes of tables, {len(packed)} compressed, "
          f"{sum(len(run) for _, kept in shapes for run in kept)} pages")
    return len(packed)


def main():
    parser = argparse.ArgumentParser(description="Makes the small images of page tables for the tree.")
    parser.add_argument("--pagewalk", default="build/pagewalk", help="the tool (default: %(default)s)")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent / "images",
                        help="where they go (default: %(default)s)")
    parser.add_argument("directory", nargs="+", type=pathlib.Path, help="finished guests")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    try:
        total = sum(make(directory, arguments.pagewalk, arguments.output) for directory in arguments.directory)
    except (check.CheckError, OSError, ValueError) as error:
        print(f"small.py: {error}", file=sys.stderr)
        return 1
    print(f"{total} bytes in all")
    if total > LIMIT:
        print(f"small.py: more than {LIMIT} bytes", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
