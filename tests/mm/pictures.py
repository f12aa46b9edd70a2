#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The pictures of doc/spaces.md are what `pagewalk sim` draws. usage: pictures.py PROGRAM DOC-FOLDER [--write]"""
import pathlib
import subprocess
import sys
import tempfile

# Script, step, name of the picture.
PICTURES = [
    ('copy-on-write', 2, 'mapped'),
    ('copy-on-write', 3, 'touched'),
    ('copy-on-write', 4, 'forked'),
    ('copy-on-write', 6, 'copied'),
    ('fork-while-pinned', 6, 'pinned'),
    ('swap-and-back', 6, 'swapped'),
    ('truncated-under-a-pin', 6, 'truncated'),
    ('huge-pages', 3, 'huge'),
    ('huge-pages', 4, 'split'),
]


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    write = sys.argv[3:] == ['--write']
    text = (folder.parent / 'spaces.md').read_text()
    wrong = []
    for script, step, name in PICTURES:
        with tempfile.TemporaryDirectory() as temporary:
            path = pathlib.Path(temporary) / 'picture.svg'
            subprocess.run([program, 'sim', '--svg', str(path), '--step', str(step), script], check=True,
                           stdout=subprocess.DEVNULL)
            drawn = path.read_text()
        kept = folder / (name + '.svg')
        if write:
            kept.write_text(drawn)
        elif not kept.exists() or kept.read_text() != drawn:
            wrong.append(f'{kept.name} is not what `pagewalk sim --step {step} {script}` draws: `make pictures` draws it anew')
        if f'spaces/{name}.svg' not in text:
            wrong.append(f'doc/spaces.md does not show {kept.name}')
    sys.exit('\n'.join(wrong) if wrong else 0)


main()
