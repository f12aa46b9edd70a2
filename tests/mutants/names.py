#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The names of the mutants in src/base/mutants.h: usage: names.py mutants.h names.h"""
import re
import sys


def names(path):
    """The names in the order of the enum: PW_MUTANT_NO_WAIT is no-wait. The first is none."""
    with open(path, encoding='utf-8') as file:
        members = re.search(r'enum pw_mutant \{(.*?)\n\};', file.read(), re.S).group(1)
    return [name.lower().replace('_', '-') for name in re.findall(r'\bPW_MUTANT_(\w+),', members)]


if __name__ == '__main__':
    with open(sys.argv[2], 'w', encoding='utf-8') as output:
        output.writelines(f'"{name}",\n' for name in names(sys.argv[1]))
