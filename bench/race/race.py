#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
How fast the laboratory searches, and how the time grows with threads, steps and shared words.
usage: race.py PAGEWALK-LAB
"""
import json
import pathlib
import resource
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
INSTALLED = HERE.parents[1] / 'lab' / 'race' / 'scenarios'
# Scenario, and how many runs at most: three pinners have more classes than anybody waits for.
CASES = [(HERE / 'pinners-1.scene', None), (HERE / 'pinners-2.scene', None), (HERE / 'pinners-3.scene', 300000),
         (INSTALLED / 'top-grown.scene', None)]


def cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def search(lab, path, model, runs):
    limit = [] if runs is None else ['--runs', str(runs)]
    start = cpu()
    output = subprocess.run([lab, 'run', path, '--json', '--model', model, *limit], capture_output=True, text=True,
                            check=False).stdout
    return json.loads(output.splitlines()[0]), cpu() - start


def main():
    print(f'{"scenario":<20} {"model":<5} {"classes":>9} {"runs":>9} {"steps/run":>9} {"words":>5} {"cpu s":>7} '
          f'{"runs/s":>9}')
    for path, runs in CASES:
        for model in ('sc', 'tso'):
            result, seconds = search(sys.argv[1], path, model, runs)
            name = path.stem + ('' if result['complete'] else ' (part)')
            print(f'{name:<20} {model:<5} {result["classes"]:>9} {result["runs"]:>9} '
                  f'{result["events"] / result["runs"]:>9.1f} {result["words"]:>5} {seconds:>7.2f} '
                  f'{result["runs"] / seconds:>9.0f}')


if __name__ == '__main__':
    main()
