#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the includes of the sources with the list of allowed includes. usage: layers.py LIST"""
import os
import re
import subprocess
import sys


def read(path):
    allowed = {}
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            folder, colon, others = line.split('#')[0].partition(':')
            if colon:
                allowed[folder.strip()] = {*others.split(), folder.strip().removeprefix('src/')}
    return allowed


def folder_of(path):
    parts = path.split('/')
    if parts[0] in ('lab', 'cli'):
        return os.path.dirname(path)
    return '/'.join(parts[:2]) if parts[0] == 'src' else parts[0]


def check(path, allowed):
    """The lines of a source whose include is not allowed."""
    with open(path, encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            found = re.match(r'\s*#\s*include\s+"(lab/[^"]*(?=/)|[^"/]+)/', line)
            if found and found[1] not in allowed:
                yield f'{path}:{number}: may not include {found[1]}/'


def main(list_path):
    allowed = read(list_path)
    files = subprocess.run(['git', 'ls-files', '--', 'src', 'lab', 'cli', 'examples'], capture_output=True, text=True,
                           check=True).stdout.split()
    wrong = []
    for path in files:
        if not path.endswith(('.c', '.h')):
            continue
        folder = folder_of(path)
        if folder not in allowed:
            wrong.append(f'{path}: {list_path} does not know {folder}')
        else:
            wrong += check(path, allowed[folder])
    for folder in allowed:
        if not os.path.isdir(folder):
            wrong.append(f'{list_path}: there is no {folder}')
    print('\n'.join(wrong))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
