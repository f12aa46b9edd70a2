#!/usr/bin/python3
"""Compares the small images of real kernels' page tables with the kernels' own reports.

usage: images.py PAGEWALK IMAGE.txt...      The image is IMAGE.elf.xz; small.py describes the lines of the text.
"""

import lzma
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "guests"))
import check  # noqa: E402


def pages_of(line, page_size):
    """The pages of one line, in the form of guest.json."""
    va, count, state, pa, permissions, name = line.split(" ", 5)
    for i in range(int(count)):
        yield [hex(int(va, 16) + i * page_size), state, None if pa == "-" else hex(int(pa, 16) + i * page_size),
               permissions, name, None]


def read(path):
    """A small image's text, in the form of guest.json."""
    guest = {"kind": path.stem, "shapes": [], "kernel": [], "kernel_roots": []}
    for line in path.read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word == "#":
            continue
        if word == "format":
            guest["format"] = rest
        elif word == "page":
            guest["page_size"] = int(rest)
        elif word == "shape":
            name, *roots = rest.split()
            no_execute = "no-execute" in roots
            guest["shapes"].append({"name": name, "roots": [root for root in roots if root != "no-execute"],
                                    "no_execute": no_execute, "pages": []})
        elif word == "kernel":
            guest["kernel_roots"] = rest.split()
        elif guest["kernel_roots"]:
            guest["kernel"].append([word, None if rest == "-" else rest])
        else:
            guest["shapes"][-1]["pages"] += pages_of(line, guest["page_size"])
    return guest


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    failed = 0
    for name in sys.argv[2:]:
        path = pathlib.Path(name)
        guest = read(path)
        pagewalk = check.Pagewalk(sys.argv[1], guest)
        with tempfile.TemporaryDirectory() as scratch:
            core = pathlib.Path(scratch) / "image.elf"
            core.write_bytes(lzma.decompress(path.with_suffix(".elf.xz").read_bytes()))
            images = [check.Image("small image", str(core))]
            differences = [line for shape in guest["shapes"] for line in check.check_shape(pagewalk, guest, shape, images)]
            differences += check.check_kernel(pagewalk, guest, images)
        pages = sum(len(shape["pages"]) for shape in guest["shapes"])
        if pages == 0 or not guest["kernel"]:
            differences.append("the text lists no pages")
        print(f"{'FAILED' if differences else 'ok'} {path.stem}: {pages} pages, {len(guest['kernel'])} of the kernel")
        for line in differences[:check.SHOWN]:
            print(line)
        failed += bool(differences)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
