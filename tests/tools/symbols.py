#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The symbols that the libraries define: all have the prefix, and the public ones are those of the headers.

usage: symbols.py NM SOURCE VERSION STATIC [SHARED]
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


def declared():
    """The functions of the public headers that are not inline."""
    names = set()
    for path in (SOURCE / 'include' / 'pagewalk').glob('*.h'):
        text = re.sub(r'/\*.*?\*/', '', path.read_text(encoding='utf-8'), flags=re.DOTALL)
        text = re.sub(r'^#[^\n]*|^typedef [^;]*;|^(?:struct|enum) [^;(]*\{.*?^\};', '', text, flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r'^static inline .*?^\}', '', text, flags=re.MULTILINE | re.DOTALL)
        names |= set(re.findall(r'\b(pw_\w+)\([^;{]*\)\s*;', text))
    return names


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

    def test_map(self):
        self.assertEqual(mapped() ^ declared(), set())

    def test_shared(self):
        if not SHARED:
            self.skipTest('built without a shared library')
        names = {name for name, kind in defined('--dynamic', SHARED[0]).items() if kind != 'A'}
        self.assertEqual(names ^ mapped(), set())

    def test_version(self):
        text = (SOURCE / 'include' / 'pagewalk' / 'version.h').read_text(encoding='utf-8')
        self.assertEqual(re.search(r'#define PW_VERSION\s+"(.*)"', text)[1], VERSION)
        major, minor, patch = map(int, VERSION.split('.'))
        self.assertEqual(int(re.search(r'#define PW_VERSION_NUMBER\s+(0x\w+)', text)[1], 16), major << 16 | minor << 8 | patch)


if __name__ == '__main__':
    NM, SOURCE, VERSION, STATIC, SHARED = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:]
    unittest.main(argv=sys.argv[:1])
