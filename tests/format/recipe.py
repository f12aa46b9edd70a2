#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every format has all parts that the recipe above struct pw_format (src/format/format.h) names.

Each check below is for one file of the recipe, and returns a sentence that names the missing part. The test also
compares the two lists: every file of the recipe has a check, and every check has a file in the recipe.

usage: recipe.py PAGEWALK SOURCE_ROOT
"""
import functools
import json
import pathlib
import re
import subprocess
import sys
import unittest

# The mock architecture does not exist, so texts for users do not name it.
UNWRITTEN = {'mock'}
NUMBERS = ('no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen '
           'seventeen eighteen nineteen twenty').split()


@functools.cache
def read(path):
    return (SOURCE / path).read_text(encoding='utf-8') if (SOURCE / path).is_file() else ''


@functools.cache
def sources(pattern):
    return {str(path.relative_to(SOURCE)): path.read_text(encoding='utf-8') for path in sorted(SOURCE.glob(pattern))}


def has_word(text, word):
    return re.search(rf'(?<!\w){re.escape(word)}(?!\w)', text) is not None


def section(text, start, end):
    """The text between the line that begins with @start and the next line that begins with @end."""
    found = re.search(rf'^{re.escape(start)}.*?\n(.*?)(?=^{re.escape(end)}|\Z)', text, re.MULTILINE | re.DOTALL)
    return found[0] if found else ''


def cites(path):
    """Does the first comment of the header, or of a header of its family, name the sources of its facts?"""
    text = read(path)
    if re.search(r'[Mm]anual|Specification|\bARM\b|SDM|\bISA\b|Architecture|Linux arch/', text.split('*/')[1]):
        return True
    own = set(re.findall(r'#include "(format/\w+\.h)"', text)) - {'format/format.h', 'format/linux.h'}
    return any(cites('src/' + include) for include in own)


class Format:
    """A format of the library, and the places of its parts."""

    def __init__(self, name, title):
        self.name, self.title = name, title
        self.family = re.match(r'\w+', title)[0]
        self.header = self.path('src/format/*.h', rf'^static const struct pw_format pw_format_{name} =')
        self.instance = self.path('src/instance/*.c', rf'^PW_INSTANCE\({name}\);')
        self.words = self.path('src/format/*_words.c', rf'^const struct pw_words pw_words_{name} =')
        self.vectors = self.path('tests/format/vectors_*.c', rf'"{name}"')

    @staticmethod
    def path(pattern, wanted):
        return next((path for path, text in sources(pattern).items() if re.search(wanted, text, re.MULTILINE)), None)

    def styles(self):
        """The fold styles of this format, by name."""
        text = '\n'.join(sources('src/format/*_folds.h').values())
        return re.findall(rf'^static const struct fold_style fold_(\w+) = \{{\n\s*\.format = "{self.name}",', text, re.MULTILINE)

    # ---- one method for each file of the recipe: a sentence about a missing part, or None ----

    def header_file(self):
        if not self.header:
            return f'no header of src/format/ defines pw_format_{self.name}'
        if not cites(self.header):
            return f'the first comment of {self.header} cites neither a manual nor Linux'

    def instance_file(self):
        if not self.instance:
            return f'no source of src/instance/ has PW_INSTANCE({self.name})'

    def registry(self):
        if not has_word(read('src/instance/registry.c'), f'pw_instance_{self.name}'):
            return f'src/instance/registry.c does not list pw_instance_{self.name}'

    def build(self):
        listed = read('src/meson.build')
        for path in (self.instance, self.words):
            if path and f"'{path.removeprefix('src/')}'" not in listed:
                return f'src/meson.build does not list {path}'

    def builders(self):
        prefixes = re.findall(r'\.prefix = "(\w+)"', read('tests/format/builders.c'))
        if not any(self.name.startswith(prefix) for prefix in prefixes):
            return 'all_limits[] of tests/format/builders.c has no line for it'

    def words_file(self):
        if not self.words:
            return f'no src/format/*_words.c defines pw_words_{self.name}'
        if self.header and f'.words = &pw_words_{self.name},' not in read(self.header):
            return f'{self.header} does not give pw_words_{self.name} to the format'

    def known_words(self):
        same = re.findall(r'^const struct pw_words pw_words_(\w+) =', read(self.words), re.MULTILINE) if self.words else []
        if not any(f'"{name}"' in read('tests/unit/view_flags.c') for name in same):
            return f'tests/unit/view_flags.c has no known words of {self.words or "its family"}'

    def folds_file(self):
        if not self.styles() and '*const folds[] = { NULL };' not in (read(self.words) if self.words else ''):
            return f'no src/format/*_folds.h has a style for it, and no empty list of them in {self.words or "its words"}'

    def lean(self):
        for style in self.styles():
            if not re.search(rf'X\({style}, {self.name}\)', read('lab/fold/lean.h')):
                return f'lab/fold/lean.h has no X({style}, {self.name})'

    def vectors_file(self):
        if not self.vectors:
            return 'no tests/format/vectors_*.c has a vector of it'

    def vectors_build(self):
        if self.vectors and f"'{pathlib.Path(self.vectors).stem}'" not in read('tests/format/meson.build'):
            return f'tests/format/meson.build does not list {self.vectors}'

    def table(self, suffix=''):
        path = f'tests/format/tables/{self.name}{suffix}.pwt'
        if not re.search(rf'^format {self.name}$', read(path), re.MULTILINE):
            return f'there is no table of this format in {path}'

    def invalid_table(self):
        return self.table('-invalid')

    def oracle(self):
        path = f'tests/oracle/formats/{self.name}.pwf'
        if not re.search(rf'^format {self.name}$', read(path), re.MULTILINE):
            return f'{path} does not describe it to the oracle'

    def oracle_build(self):
        if f"'{self.name}'" not in read('tests/oracle/meson.build'):
            return 'tests/oracle/meson.build does not list it'

    def readme(self):
        if not has_word(section(read('README.md'), '## Formats', '## '), self.family):
            return f'the formats of README.md do not name {self.family}, as the title of {self.name} begins'

    def changelog(self):
        if not has_word(section(read('CHANGELOG.md'), '- Formats:', '- '), self.family):
            return f'the formats of CHANGELOG.md do not name {self.family}, as the title of {self.name} begins'

    def folding(self):
        table = section(read('doc/folding.md'), '| folding |', '\n')
        if self.styles() and not any(has_word(table, word) for word in (self.family, self.name.split('_')[0])):
            return f'the table of ways to fold in doc/folding.md does not name {self.family}, as the title of {self.name} begins'

    def caveats(self):
        text = section(read('CAVEATS.md'), '## Formats that no real kernel checked', '## ')
        if len(re.findall(rf'(?<!\w){self.name}(?!\w)', text)) != 1:
            return 'CAVEATS.md ("Formats that no real kernel checked") does not name it exactly once'


CHECKS = {
    'src/format/FOO.h': Format.header_file,
    'src/instance/FOO.c': Format.instance_file,
    'src/instance/registry.c': Format.registry,
    'src/meson.build': Format.build,
    'tests/format/builders.c': Format.builders,
    'src/format/FOO_words.c': Format.words_file,
    'tests/unit/view_flags.c': Format.known_words,
    'src/format/FOO_folds.h': Format.folds_file,
    'lab/fold/lean.h': Format.lean,
    'tests/format/vectors_FOO.c': Format.vectors_file,
    'tests/format/meson.build': Format.vectors_build,
    'tests/format/tables/NAME.pwt': Format.table,
    'tests/format/tables/NAME-invalid.pwt': Format.invalid_table,
    'tests/oracle/formats/NAME.pwf': Format.oracle,
    'tests/oracle/meson.build': Format.oracle_build,
    'README.md': Format.readme,
    'CHANGELOG.md': Format.changelog,
    'doc/folding.md': Format.folding,
    'CAVEATS.md': Format.caveats,
}
WRITTEN = ('README.md', 'CHANGELOG.md', 'doc/folding.md', 'CAVEATS.md')


def formats():
    text = subprocess.run([TOOL, 'formats', '--json'], capture_output=True, text=True, check=True).stdout
    return [Format(line['name'], line['title']) for line in map(json.loads, text.splitlines())]


def missing(form):
    for path, check in CHECKS.items():
        if form.name in UNWRITTEN and path in WRITTEN:
            continue
        sentence = check(form)
        if sentence:
            yield f'{form.name}: {sentence} (the recipe in src/format/format.h: {path})'


class Recipe(unittest.TestCase):
    def test_every_format_has_all(self):
        found = [sentence for form in formats() for sentence in missing(form)]
        if found:
            self.fail('\n' + '\n'.join(found))

    def test_recipe_and_checks_agree(self):
        recipe = section(read('src/format/format.h'), ' * To add formats of a family FOO', ' * Only if')
        named = set(re.findall(r'(?:[\w-]+/)+[\w-]+\.\w+|[A-Z]+\.md', recipe))
        self.assertEqual(named, set(CHECKS))

    def test_missing_parts_are_named(self):
        """A format without any parts lacks each of them; the sentences name them."""
        found = '\n'.join(missing(Format('zyx_9', 'zyx, of nobody')))
        for path in set(CHECKS) - {'src/meson.build', 'lab/fold/lean.h', 'tests/format/meson.build', 'doc/folding.md'}:
            self.assertIn(f'format.h: {path})', found)
        self.assertEqual(len(found.splitlines()), len(CHECKS) - 4)

    def test_counts_of_the_readme(self):
        """The number in README.md is the number of formats that CAVEATS.md lists as compared with real kernels."""
        text = section(read('CAVEATS.md'), '## Formats that no real kernel checked', '## ')
        again, once = (section(text, start, end) for start, end in (('- With Linux 6.1,', '- With Linux 6.12'), ('- With Linux 6.12', '## ')))
        count = [sum(has_word(part, form.name) for form in formats()) for part in (again, once)]
        readme = section(read('README.md'), '## Formats', '## ')
        self.assertTrue(has_word(readme.lower(), f'{NUMBERS[sum(count)]} formats'))
        self.assertTrue(has_word(readme, f'compares {NUMBERS[count[0]]} of them again'))


if __name__ == '__main__':
    TOOL, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
    unittest.main(argv=sys.argv[:1])
