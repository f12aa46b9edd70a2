#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs `pagewalk lab linux` on Debian's kernels, and compares each row with expected/VERSION.txt.

usage: run.py BUILD [VERSION...]; with --one, the commit's name chooses a kernel; --write writes the expected results"""
import argparse
import collections
import json
import pathlib
import shlex
import subprocess
import sys

import sources

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
# The kernels that the commit's name chooses from are all those of sources.py.
WORDS = {'proved': 'proved', 'found': 'found', 'not finished': 'not finished', 'broken': 'not finished'}


def flags(build):
    """How code under test is compiled and linked with the library in the build folder."""
    libs = subprocess.run(['pkg-config', '--libs', 'pagewalk-lab'], check=True, capture_output=True, text=True,
                          env={'PATH': '/usr/bin:/bin', 'PKG_CONFIG_PATH': str(build / 'meson-private')}).stdout
    libs = [flag for flag in shlex.split(libs) if not flag.startswith('-L')]
    return ['--cflags', f'-fsanitize=thread -fno-builtin -I{TOP}/include',
            '--libs', shlex.join([f'-L{build}/lab/race', *libs])]


def search(build, folder, seconds):
    """The rows of one kernel."""
    run = subprocess.run([str(TOP / 'lab/linux/lab-linux'), '--json', '--seconds', str(seconds), *flags(build), str(folder)],
                         stdout=subprocess.PIPE, text=True)
    if run.returncode > 1:
        sys.exit(f'run.py: the search of {folder} did not begin')
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    return [row for row in rows if row['verdict'] != 'left out']


def lines_of(rows):
    return [f'{row["row"]}: ' + ', '.join(f'{model} {WORDS[result["verdict"]]}' for model, result in row['models'].items())
            for row in rows]


def show(version, rows):
    print(f'Linux {rows[0]["kernel"]} (linux-source-{version})')
    for row in rows:
        classes = ' / '.join(str(result['classes']) for result in row['models'].values())
        print(f'  {WORDS[row["verdict"]]:<12} {row["row"]:<26} {classes:>13} classes')
        if row['verdict'] == 'broken':
            print('               ' + next(result.get('sentence', '') for result in row['models'].values()))


def compare(version, rows, write):
    """Prints what differs from the expected results. Returns how much does."""
    path = HERE / 'expected' / f'{version}.txt'
    if write:
        path.write_text('\n'.join(lines_of(rows)) + '\n')
        return 0
    expected, got = path.read_text().splitlines(), lines_of(rows)
    for line in sorted(set(expected) - set(got)):
        print(f'  expected: {line}')
    for line in sorted(set(got) - set(expected)):
        print(f'  FAILED:   {line}')
    return len(set(expected) ^ set(got))


def choose(arguments):
    if not arguments.one:
        return arguments.version or list(sources.KERNELS)
    commit = subprocess.run(['git', 'rev-parse', 'HEAD'], cwd=TOP, check=True, capture_output=True, text=True).stdout
    versions = list(sources.KERNELS)
    chosen = versions[int(commit[:7], 16) % len(versions)]
    print(f'commit {commit[:12]} chooses Linux {chosen}; `make check-linux-gup` does {", ".join(versions)}')
    return [chosen]


def main():
    parser = argparse.ArgumentParser(description='Linux\'s own fast path under the search.')
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('version', nargs='*')
    parser.add_argument('--one', action='store_true')
    parser.add_argument('--write', action='store_true')
    parser.add_argument('--seconds', type=int, default=60)
    arguments = parser.parse_args()
    try:
        folders = sources.fetch(choose(arguments))
    except sources.FetchError as error:
        sys.exit(f'run.py: {error}')
    count, differences = collections.Counter(), 0
    for version, folder in folders.items():
        rows = search(arguments.build.resolve(), folder, arguments.seconds)
        if not rows:
            sys.exit(f'run.py: no rows came of {folder}')
        show(version, rows)
        differences += compare(version, rows, arguments.write)
        count.update(WORDS[row['verdict']] for row in rows)
    print(f'{count["proved"]} proved, {count["found"]} found, {count["not finished"]} not finished')
    return 1 if differences or count['not finished'] else 0


if __name__ == '__main__':
    sys.exit(main())
