#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Breaks each rule of the laboratory on purpose: the litmus tests or the random programs have to notice.

usage: mutants.py MUTANT_H PROGRAMS LITMUS
"""
import os
import re
import subprocess
import sys

# How many programs run, unless a mutant is noticed before: with mutants that survive, and with the others.
SOME, MANY = 500, 3000
# These mutants survive: they only cost runs, which must show.
SLOWER = {
    'ALL_WAITS_RACE': 'such pairs cannot change places, and trying finds nothing',
    'SLEEP_NEVER': 'classes are visited again',
    'LOADS_DEPEND': 'orders count as different that are alike',
}
# This one changes nothing: if v is the reversed order, its first step came later and depends on nothing in between, so
# it can be done at once; the only exception are pairs that cannot change places.
ALIKE = {'NO_FALLBACK'}


def run(program, number, programs):
    """The first line of the complaint, or None; and how many runs the searches took."""
    environment = dict(os.environ, PW_RACE_PROGRAMS=str(programs), PW_RACE_ALL_RUNS='500')
    try:
        done = subprocess.run([program, str(number)], env=environment, capture_output=True, text=True, timeout=200, check=False)
    except subprocess.TimeoutExpired:
        return 'it does not end', 0
    if done.returncode:
        return done.stdout.split('\n')[0] or f'it ends with status {done.returncode}', 0
    return None, sum(map(int, re.findall(r'sets: (\d+) runs', done.stdout)))


def main(header, program, litmus):
    with open(header, encoding='utf-8') as file:
        names = re.findall(r'^\tRACE_MUTANT_(\w+),', file.read(), re.MULTILINE)
    complaint, runs_without = run(program, 0, SOME)
    if complaint:
        sys.exit(f'without a mutant: {complaint}')
    failed = False
    for number, name in enumerate(names):
        if number == 0:
            continue
        survives = name in SLOWER or name in ALIKE
        complaint, runs = run(litmus, number, 0)
        if not complaint:
            complaint, runs = run(program, number, SOME if survives else MANY)
        if survives:
            right = not complaint and (name in ALIKE or runs > runs_without)
            text = complaint or f'survives, with {runs} runs instead of {runs_without}'
        else:
            right = bool(complaint)
            text = complaint or 'NOBODY NOTICES'
        print(f'{"" if right else "WRONG: "}{name}: {text}', flush=True)
        failed |= not right
    sys.exit(failed)


main(*sys.argv[1:])
