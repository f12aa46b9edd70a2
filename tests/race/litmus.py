#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Outcomes of litmus tests under each memory model. usage: litmus.py PROGRAM"""
import json
import subprocess
import sys


def ask(model):
    run = subprocess.run([sys.argv[1], '--json', '--model', model], capture_output=True, text=True, check=False)
    return run.returncode, json.loads(run.stdout)


status, result = ask('sc')
assert (status, result['verdict'], result['classes']) == (0, 'proved', 3), result
status, result = ask('tso')
assert (status, result['verdict'], result['classes']) == (1, 'found', 4), result
