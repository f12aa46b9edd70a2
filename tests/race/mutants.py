#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Breaks each rule of the laboratory on purpose: litmus tests, scenarios or random programs have to notice.

usage: mutants.py MUTANT_H GOLDEN SCENARIOS LITMUS PROGRAMS
"""
import json
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
}
# This one changes nothing: if v is the reversed order, its first step came later and depends on nothing in between, so
# it can be done at once; the only exception are pairs that cannot change places.
ALIKE = {'NO_FALLBACK'}


def start(number, *command, programs=0):
    environment = dict(os.environ, PW_RACE_MUTANT=str(number), PW_RACE_PROGRAMS=str(programs), PW_RACE_ALL_RUNS='500')
    try:
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 99, 'it does not end', '')


def told(result):
    """A result as a line of the golden file, without the number of runs."""
    return (f'{result["scenario"]} {result["model"]} {result["verdict"]} classes {result["classes"]} '
            f'findings {result["findings"]}')


def ask_scenarios(number, program, golden):
    """
    The first scenario whose numbers are not those of the golden file, or that is not broken as it should be. The
    program is ended there: what a mutant does after that may take long. More runs than any scenario takes are wrong.
    """
    environment = dict(os.environ, PW_RACE_MUTANT=str(number))
    most = max(int(runs) for runs in re.findall(r' runs (\d+)', '\n'.join(golden)))
    # Without the numbers of runs: here the search under SC has found the shared words for the one under TSO.
    expected = iter([re.sub(r' runs \d+', '', line) for line in golden])
    with subprocess.Popen([program, '--json', '--runs', str(most + 1)], env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as process:
        try:
            for line in process.stdout:
                result = json.loads(line)
                if result['scenario'] in ('counter', 'counted-end', 'time'):
                    if result['verdict'] != 'broken':
                        return f'{result["scenario"]} is {result["verdict"]}'
                elif told(result) != next(expected, None):
                    return told(result)
        except json.JSONDecodeError:
            return 'the scenarios crash'
        finally:
            process.kill()
    return 'the scenarios crash' if next(expected, None) else None


def ask_programs(number, program, programs):
    """The first line of the complaint, or None; and how many runs the searches took."""
    done = start(number, program, programs=programs)
    if done.returncode:
        return done.stdout.split('\n')[0] or f'it ends with status {done.returncode}', 0
    return None, sum(map(int, re.findall(r'sets: (\d+) runs', done.stdout)))


def ask(number, survives, golden, scenarios, litmus, programs):
    complaint, runs = ask_programs(number, litmus, 0)
    if not complaint and not survives:
        complaint = ask_scenarios(number, scenarios, golden)
    if not complaint:
        complaint, runs = ask_programs(number, programs, SOME if survives else MANY)
    return complaint, runs


def main(mutants, golden_file, *programs):
    with open(mutants, encoding='utf-8') as file:
        names = re.findall(r'^\tRACE_MUTANT_(\w+),', file.read(), re.MULTILINE)
    with open(golden_file, encoding='utf-8') as file:
        golden = file.read().splitlines()
    complaint, runs_without = ask(0, True, golden, *programs)
    complaint = complaint or ask_scenarios(0, programs[0], golden)
    if complaint:
        sys.exit(f'without a mutant: {complaint}')
    failed = False
    for number, name in enumerate(names):
        if number == 0:
            continue
        survives = name in SLOWER or name in ALIKE
        complaint, runs = ask(number, survives, golden, *programs)
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
