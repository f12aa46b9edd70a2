#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All files that name the release name the same one: meson.build, both changelogs, the Python module, documents, the soname's package.

usage: release.py SOURCE VERSION
"""
import email.utils
import pathlib
import re
import sys
import unittest


def read(*names):
    return SOURCE.joinpath(*names).read_text(encoding='utf-8')


def newest(text):
    """Version and date of the newest entry of CHANGELOG.md; the date is None as long as it is not released."""
    entry = re.search(r'^## (\S+) \((\d{4}-\d\d-\d\d|unreleased)\)$', text, re.MULTILINE)
    return entry[1], None if entry[2] == 'unreleased' else entry[2]


class Release(unittest.TestCase):
    def test_changelog(self):
        text = read('CHANGELOG.md')
        self.assertEqual(newest(text)[0], VERSION)
        self.assertEqual(len(re.findall(r'^## ', text, re.MULTILINE)), len(re.findall(r'^## \S+ \((?:\d{4}-\d\d-\d\d|unreleased)\)$', text, re.MULTILINE)),
                         'an entry begins with "## VERSION (YYYY-MM-DD)" or "## VERSION (unreleased)"')
        self.assertNotIn('unreleased', text.split('\n## ', 2)[2] if text.count('\n## ') > 1 else '')

    def test_debian(self):
        """The newest entry is that of CHANGELOG.md: for unstable with the same date, or UNRELEASED as long as that has no date."""
        text = read('debian', 'changelog')
        first = re.match(r'pagewalk \((\S+)\) (\S+); urgency=\w+\n', text)
        signed = re.search(r'^ -- .* <.*>  (.*)$', text, re.MULTILINE)[1]
        date = newest(read('CHANGELOG.md'))[1]
        self.assertEqual(first[1], VERSION)
        self.assertEqual(first[2], 'unstable' if date else 'UNRELEASED')
        if date:
            self.assertEqual(email.utils.parsedate_to_datetime(signed).date().isoformat(), date)

    def test_python(self):
        self.assertEqual(re.search(r'^version = "(.*)"$', read('bindings', 'python', 'pyproject.toml'), re.MULTILINE)[1], VERSION)

    def test_documents(self):
        self.assertEqual(set(re.findall(r'pagewalk-(\d+\.\d+\.\d+)-py3', read('doc', 'python.md'))), {VERSION})
        self.assertEqual(set(re.findall(r'^\.Dq (\d+\.\d+\.\d+)', read('man', 'pw_version.3'), re.MULTILINE)), {VERSION})

    def test_soname(self):
        """The number of the soname stands in the package's name, in its files, and in the version of the symbols."""
        number = re.search(r"soversion: '(\d+)'", read('src', 'meson.build'))[1]
        self.assertEqual(re.match(r'PAGEWALK_(\d+) \{', read('src', 'pagewalk.map'))[1], number)
        self.assertEqual(re.findall(r'^Package: libpagewalk(\d+)$', read('debian', 'control'), re.MULTILINE), [number])
        self.assertTrue(read('debian', f'libpagewalk{number}.symbols').startswith(f'libpagewalk.so.{number} libpagewalk{number} #MINVER#\n'))
        self.assertIn('libpagewalk.so.', read('debian', f'libpagewalk{number}.install'))


if __name__ == '__main__':
    SOURCE, VERSION = pathlib.Path(sys.argv[1]), sys.argv[2]
    unittest.main(argv=sys.argv[:1])
