#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the laboratory finds, and what it proves; its numbers are those of golden.txt; a schedule fails again.

usage: scenarios.py PROGRAM GOLDEN [--update]
"""
import json
import re
import subprocess
import sys

# What the sentence about the finding begins with; None: nothing can go wrong. A name with ':TSO' is for that model.
EXPECTED = {
    'two-locks': 'deadlock: left, right wait',
    'same-order': None,
    'check-writes': None,
    'left-locked': 'deadlock: the check locks a mutex that thread left has left locked',
    'self-lock': 'deadlock: thread left locks a mutex that it has locked',
    'unlock-unlocked': 'thread left unlocks a mutex that it has not locked',
    'spinlock': None,
    'trylock': None,
    'condition': None,
    'lost-wakeup': 'deadlock: left waits',
    'no-progress': 'no progress: left, right wait in a loop',
    'progress': None,
    'daemon': None,
    'not-daemon': 'deadlock: left waits',
    'free-and-use': 'memory is freed beside an access: ',
    'use-after-free': 'thread right writes memory that is freed',
    'freed-once': None,
    'both-free': 'memory is freed beside an access: ',
    'double-free': 'an object of 8 bytes is freed twice',
    'leak': '24 bytes are allocated and not freed',
    'plain-plain': 'data race: ',
    'plain-atomic': 'data race: ',
    'release-acquire': None,
    'release-relaxed': 'data race: ',
    'relaxed-acquire': 'data race: ',
    'fences': None,
    'fence-missing': 'data race: ',
    'release-sequence': None,
    'lost-update': 'one of two increments was lost',
}
BROKEN = {'counter', 'counted-end', 'time'}
STATUS = {'proved': 0, 'found': 1, 'not finished': 2, 'broken': 3}


def ask(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=100, check=False)
    return done


def search(program, name, model, *arguments):
    done = ask(program, '--json', '--model', model, *arguments, name)
    result = json.loads(done.stdout)
    assert done.returncode == STATUS[result['verdict']], (done.returncode, result)
    return result


def check_replay(program, result):
    """The schedule fails in the same way; another one is refused, at the step that does not fit."""
    name, model, schedule = result['scenario'], result['model'].lower(), result['schedule']
    again = search(program, name, model, '--replay', schedule)
    assert again['verdict'] == 'found' and again['sentence'] == result['sentence'], (result, again)
    words, check = re.match(r'\d+', schedule).group(), schedule.split('.')[1]
    wrong = ask(program, '--model', model, '--replay', f'{words}a200', name)
    assert wrong.returncode == 3, wrong
    assert re.search(r'step \d+ of the schedule belongs to left, which cannot go on there', wrong.stderr), wrong
    wrong = ask(program, '--model', model, '--replay', f'{schedule.split(".")[0]}a1', name)
    assert wrong.returncode in (1, 3), wrong
    assert wrong.returncode == 1 or re.search('schedule has|schedule belongs to', wrong.stderr), wrong
    wrong = ask(program, '--model', model, '--replay', f'{words}h1', name)
    assert wrong.returncode == 3 and 'step 1 of the schedule' in wrong.stderr, wrong
    wrong = ask(program, '--model', model, '--replay', schedule.split('.')[0] + f'.{int(check, 16) ^ 1:04x}', name)
    assert wrong.returncode == 3 and 'other code' in wrong.stderr, wrong
    wrong = ask(program, '--model', model, '--replay', f'{words}a1?', name)
    assert wrong.returncode == 3 and "'?'" in wrong.stderr, wrong


def line(result):
    return (f'{result["scenario"]} {result["model"]} {result["verdict"]} classes {result["classes"]} runs {result["runs"]} '
            f'findings {result["findings"]}')


def main(program, golden_file, update=None):
    names = [text.split()[0] for text in ask(program, '--list').stdout.splitlines()]
    assert set(names) == set(EXPECTED) | BROKEN, set(names) ^ (set(EXPECTED) | BROKEN)
    golden = []
    for name in names:
        for model in 'sc', 'tso':
            result = search(program, name, model)
            if name in BROKEN:
                assert result['verdict'] == 'broken' and 'the schedule is the same' in result['sentence'], result
                continue
            golden.append(line(result))
            expected = EXPECTED[name]
            if expected is None:
                assert result['verdict'] == 'proved' and result['complete'], result
                continue
            assert result['verdict'] == 'found' and result['sentence'].startswith(expected), (name, result)
            if result['deepest']:
                check_replay(program, result)
    if update:
        with open(golden_file, 'w', encoding='utf-8') as file:
            file.write('\n'.join(golden) + '\n')
    with open(golden_file, encoding='utf-8') as file:
        known = file.read().splitlines()
    for old, new in zip(known, golden):
        if old != new:
            print(f'- {old}\n+ {new}')
    sys.exit(known != golden)


main(*sys.argv[1:])
