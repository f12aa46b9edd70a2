#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns files into C strings: embed.py OUTPUT FILE... defines `static const char page_css[]` for page.css."""
import pathlib
import sys


def literal(line):
    escaped = line.replace('\\', '\\\\').replace('"', '\\"').replace('\t', '\\t').replace('?', '\\?')
    return f'\t"{escaped}\\n"'


output, *files = sys.argv[1:]
parts = []
for name in files:
    path = pathlib.Path(name)
    text = path.read_text(encoding='utf-8')
    assert text.isascii(), f'{name}: a byte that is not ASCII'
    assert '</script' not in text and '</style' not in text, f'{name}: would end its own element'
    lines = '\n'.join(literal(line) for line in text.splitlines())
    parts.append(f'static const char {path.name.replace(".", "_")}[] =\n{lines};\n')
pathlib.Path(output).write_text('\n'.join(parts), encoding='utf-8')
