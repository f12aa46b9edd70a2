#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is said about plain accesses, and what the heap is at the beginning of a run. usage: plain.py PROGRAM"""
import json
import subprocess
import sys

run = subprocess.run([sys.argv[1], '--json', '--model', 'sc'], capture_output=True, text=True, check=False)
result = {line['scenario']: line for line in map(json.loads, run.stdout.splitlines())}
assert 'data race' in result['race']['sentence'], result
assert (result['racy']['verdict'], result['racy']['classes']) == ('proved', 2), result
assert (result['heap']['verdict'], result['heap']['classes']) == ('proved', 2), result
assert result['null']['sentence'] == 'thread follow reads through a null pointer', result
