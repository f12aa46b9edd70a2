#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every mutant of src/base/mutants.h with the test that has to notice it. Where only an order of steps is wrong, the
laboratory's scenarios show it (`make check-lab`), and no test has to.

usage: run.py BUILD. BUILD is a folder of its own, which is made if there is none; so is BUILD-tsan, for the
mutants that ThreadSanitizer has to notice.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

from names import names

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
HEADER = os.path.join(ROOT, 'src', 'base', 'mutants.h')


def in_scenarios():
    """The mutants that scenarios name: something must be found without the rule (tests/race/scenes.py)."""
    folder = pathlib.Path(ROOT) / 'lab' / 'race' / 'scenarios'
    return {name for path in folder.glob('*.scene')
            for name in re.findall(r'(?m)^mutant +(\S+)', path.read_text(encoding='utf-8'))}


def prepare(build, sanitizer):
    # As in tests/stress/instrumented.sh: the suite is known to be clean with clang's ThreadSanitizer.
    compiler, options = {
        'none': ({}, []),
        'thread': ({'CC': 'clang-14'}, ['-Db_sanitize=thread', '-Db_lundef=false', '-Dkdump=disabled']),
    }[sanitizer]
    subprocess.run(['tools/configure.sh', build, '-Dmutants=true', '-Ddefault_library=static', '--optimization=1',
                    *options], cwd=ROOT, env={**os.environ, **compiler}, check=True)
    subprocess.run(['tools/build.sh', build], cwd=ROOT, check=True)


def results(build, sanitizer):
    """The result of each test, as meson writes it."""
    log = os.path.join(build, 'meson-logs', 'testlog.json')
    prepare(build, sanitizer)
    if os.path.exists(log):
        os.remove(log)  # if a run fails to start, the results of the last run must not count
    subprocess.run(['meson', 'test', '-C', build, '--no-rebuild', '--suite', 'mutants'],
                   stdout=subprocess.DEVNULL, check=False)
    with open(log, encoding='utf-8') as lines:
        return [json.loads(line) for line in lines]


def main(build):
    build = os.path.abspath(build)
    caught, survived, broken = set(), set(), []
    for test in results(build, 'none') + results(build + '-tsan', 'thread'):
        program, mutant = test['name'].split(' / ')[-1].split(' ')[-2:]
        if mutant == 'none':
            if test['result'] != 'OK':
                broken.append(program)
        elif test['result'] == 'EXPECTEDFAIL':
            caught.add(mutant)
            print(f'{mutant}: caught by {program}')
        else:
            survived.add(mutant)
            print(f'{mutant}: survived {program} ({test["result"].lower()})')
    wanted = names(HEADER)[1:]
    shown = in_scenarios()
    for mutant in wanted:
        if mutant in caught | survived:
            continue
        if mutant in shown:
            caught.add(mutant)
            print(f'{mutant}: shown by the laboratory')
        else:
            print(f'{mutant}: no test')
    for program in broken:
        print(f'{program}: fails without a mutant')
    caught = [mutant for mutant in wanted if mutant in caught - survived]
    print(f'{len(caught)} of {len(wanted)} mutants caught')
    return 0 if len(caught) == len(wanted) and not survived and not broken else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
