#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is said about plain accesses. usage: plain.py PROGRAM"""
import json
import subprocess
import sys

run = subprocess.run([sys.argv[1], '--json', '--model', 'sc'], capture_output=True, text=True, check=False)
result = {line['scenario']: line for line in map(json.loads, run.stdout.splitlines())}
assert 'data race' in result['race']['sentence'], result
assert (result['racy']['verdict'], result['racy']['classes']) == ('proved', 2), result
assert result['null']['sentence'] == 'thread follow reads through a null pointer', result
