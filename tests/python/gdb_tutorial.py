#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the commands of doc/gdb.md in gdb, and compares what it prints: usage: gdb_tutorial.py GDB TOOL, with PAGEWALK_LIBRARY set."""

import os
import pathlib
import subprocess
import sys
import tempfile

TREE = pathlib.Path(__file__).parents[2]
NEEDED = 77     # meson: skipped


def commands_of_document():
    """The commands of the document, and what follows each."""
    text = (TREE / "doc" / "gdb.md").read_text()
    body = text.split("```\n")[1]
    for part in body.split("(gdb) ")[1:]:
        command, _, answer = part.partition("\n")
        yield command, answer


def main():
    gdb, tool = sys.argv[1:]
    environment = dict(os.environ, PYTHONPATH=str(TREE / "bindings" / "python"))
    has_python = subprocess.run([gdb, "-nx", "-batch", "-ex", "python print(1)"], capture_output=True, text=True)
    if has_python.stdout.strip() != "1":
        print("this gdb has no Python")
        return NEEDED
    with tempfile.TemporaryDirectory() as folder:
        core = f"{folder}/tables.elf"
        subprocess.run([tool, "cut", "sample:x86_64", core], check=True, capture_output=True)
        commands = list(commands_of_document())
        arguments = []
        for command, _ in commands:
            arguments += ["-ex", command, "-ex", r"echo --\n"]
        done = subprocess.run([gdb, "-nx", "-batch", "-core", core, "-ex", r"echo --\n", *arguments], capture_output=True, text=True,
                              cwd=TREE, env=environment, timeout=100)
    answers = done.stdout.split("--\n")[1:-1]
    # A refusal goes to the other stream, and ends with no line of its own between the others.
    wrong = 0
    for (command, wanted), answer in zip(commands, answers, strict=True):
        if answer != wanted and wanted not in done.stderr:
            print(f"(gdb) {command}\n{answer}\nis not as in doc/gdb.md:\n{wanted}")
            wrong += 1
    print(f"{len(commands)} commands, {wrong} differ")
    print(done.stderr if wrong else "", end="")
    return wrong > 0 or len(commands) < 5


if __name__ == "__main__":
    sys.exit(main())
