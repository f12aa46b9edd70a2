#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The structures of the Python module are those of the headers: usage: layout.py INCLUDE_FOLDER COMPILER..."""

import ctypes
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bindings" / "python"))
from pagewalk import _c  # noqa: E402



def program():
    lines = ["#include <stddef.h>", "#include <stdio.h>", "#include <pagewalk/pagewalk.h>", "int main(void)", "{"]
    for name, structure in _c.STRUCTURES.items():
        lines.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
        for field, *_ in structure._fields_:
            lines.append(f'printf("{name}.{field} %zu %zu\\n", offsetof(struct {name}, {field}), sizeof(((struct {name} *)0)->{field}));')
    return "\n".join([*lines, "return 0;", "}", ""])


def expected():
    for name, structure in _c.STRUCTURES.items():
        yield f"{name} {ctypes.sizeof(structure)}"
        for field, *_ in structure._fields_:
            place = getattr(structure, field)
            yield f"{name}.{field} {place.offset} {place.size}"


def main():
    include, compiler = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "layout.c")
        source.write_text(program())
        subprocess.run([*compiler, "-std=gnu11", f"-I{include}", "-o", folder + "/layout", str(source)], check=True)
        found = subprocess.run([folder + "/layout"], capture_output=True, text=True, check=True).stdout.splitlines()
    differences = [(ours, theirs) for ours, theirs in zip(expected(), found, strict=True) if ours != theirs]
    for ours, theirs in differences:
        print(f"pagewalk/_c.py: {ours}; the headers: {theirs}")
    print(f"{len(found)} places compared, {len(differences)} differ")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
