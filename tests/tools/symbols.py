#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The symbols that the static library defines: all have the prefix, and every public function is there.

usage: symbols.py NM SOURCE VERSION STATIC
"""
import pathlib
import re
import subprocess
import sys
import unittest

# State of src/memory/guard.c (SIGBUS for files that shrink), and of src/sync/rcu.c (one for each thread).
STATE = {'guarded', 'guards', 'installed', 'lock', 'page_bytes', 'previous', 'registered'}


def defined(*arguments):
    """The symbols that a library defines for programs that link it."""
    text = subprocess.run([NM, '--defined-only', '--format=posix', *arguments], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and len(words[1]) == 1:
            found[words[0].split('@')[0]] = words[1]
    return found


def mapped():
    text = (SOURCE / 'src' / 'pagewalk.map').read_text(encoding='utf-8')
    return set(re.findall(r'^\s+(\w+);', text, re.MULTILINE))


class Symbols(unittest.TestCase):
    def test_prefix(self):
        names = defined('--extern-only', STATIC)
        self.assertGreater(len(names), 100)
        self.assertEqual([name for name in names if not name.startswith('pw_')], [])

    def test_static_has_all(self):
        self.assertEqual(mapped() - set(defined('--extern-only', STATIC)), set())

    def test_no_state(self):
        """No writable data outlives a call, except that of a signal handler and of a registered thread."""
        text = subprocess.run([NM, '--defined-only', '--format=sysv', STATIC], capture_output=True, text=True, check=True).stdout
        written = {line.split('|')[0].strip() for line in text.splitlines()
                   if re.fullmatch(r'\.t?(bss|data)(\.(?!rel\.ro).*)?', line.split('|')[-1].strip())}
        self.assertEqual(written - STATE, set())

    def test_version(self):
        text = (SOURCE / 'include' / 'pagewalk' / 'version.h').read_text(encoding='utf-8')
        self.assertEqual(re.search(r'#define PW_VERSION\s+"(.*)"', text)[1], VERSION)
        major, minor, patch = map(int, VERSION.split('.'))
        self.assertEqual(int(re.search(r'#define PW_VERSION_NUMBER\s+(0x\w+)', text)[1], 16), major << 16 | minor << 8 | patch)


if __name__ == '__main__':
    NM, SOURCE, VERSION, STATIC = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    unittest.main(argv=sys.argv[:1])
