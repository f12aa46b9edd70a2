# SPDX-License-Identifier: MIT
"""Takes the functions of get_user_pages_fast out of a kernel's own files, and leaves one rule out if asked."""
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
# The entry of the fast path, by its names since 5.9; the first that is there is taken.
ROOTS = ('gup_fast', 'lockless_pages_from_mm')
# Where a function may be that the path calls.
SOURCES = ('mm/gup.c', 'mm/internal.h', 'include/linux/mm.h', 'include/linux/secretmem.h')
# What the path cannot be without. Each may have one of several names.
NEEDED = (('try_get_folio',), ('try_grab_folio_fast', 'try_grab_folio'), ('gup_must_unshare',),
          ('gup_fast_pte_range', 'gup_pte_range'), ('gup_fast_pmd_leaf', 'gup_huge_pmd'),
          ('gup_fast_pmd_range', 'gup_pmd_range'), ('gup_fast_pud_range', 'gup_pud_range'),
          ('gup_fast_p4d_range', 'gup_p4d_range'), ('gup_fast_pgd_range', 'gup_pgd_range'))
# Architectures whose own functions step from one level to the next: the file, the functions, and what stands for
# which lockless one.
FOLDS = {
    'value_s390': ('arch/s390/include/asm/pgtable.h',
                   {'p4d_offset_lockless': 'p4d_offset_lockless', 'pud_offset_lockless': 'pud_offset_lockless',
                    'pmd_offset_lockless': 'pmd_offset_lockless'}),
    'reindex_arm64': ('arch/arm64/include/asm/pgtable.h',
                      {'p4d_to_folded_pud': None, 'pud_offset_lockless': 'pud_offset_lockless',
                       'p4d_offset_lockless_folded': 'p4d_offset_lockless'}),
}
LEVELS = ('pte', 'pmd', 'pud', 'p4d', 'pgd')


class TakeError(Exception):
    """A sentence for people: what could not be found, where."""


def without_comments(text):
    """The same lines, with nothing where comments were."""
    return re.sub(r'/\*.*?\*/', lambda found: '\n' * found.group(0).count('\n'), text, flags=re.S)


def shim_names():
    """The names that the laboratory's own headers define: they are not taken from the tree."""
    names = set()
    for path in HERE.glob('*.h'):
        text = path.read_text(encoding='utf-8')
        names |= set(re.findall(r'#define (\w+)', text))
        names |= set(re.findall(r'^static inline [\w \*]*?\b(\w+)\(', text, re.M))
        names |= {level + rest for level in LEVELS for rest in re.findall(r'x##(_\w+)\(', text)}
    return names


def drop_lines(text):
    """As many empty lines, so that the lines after it keep their numbers."""
    return '\n' * text.count('\n')


class Rule:
    """One rule of the fast path: in which functions it is, what it looks like, and what stands there without it."""

    def __init__(self, functions, pattern, instead=''):
        self.functions, self.pattern, self.instead = functions, re.compile(pattern, re.S), instead

    def drop(self, text):
        """The function without the rule, or None if it does not have it."""
        new, count = self.pattern.subn(lambda found: self.instead + drop_lines(found.group(0)), text, count=1)
        return new if count else None


PTE = ('gup_fast_pte_range', 'gup_pte_range')
PMD_LEAF = ('gup_fast_pmd_leaf', 'gup_huge_pmd')
PUD_LEAF = ('gup_fast_pud_leaf', 'gup_huge_pud')
GRAB = ('try_grab_folio_fast', 'try_grab_folio')
UNDO = r'\{[^}]*?goto pte_unmap;\s*\}'
RULES = {
    'recheck': [Rule(PTE, r'if \(unlikely\(pmd_val\(pmd\) != .*?' + UNDO)],
    'upper': [Rule(PTE, r'unlikely\(pmd_val\(pmd\) != pmd_val\([^|]*\|\|')],
    'lower': [Rule(PTE, r'\|\|\s*unlikely\(pte_val\(pte\) != pte_val\((?:\*ptep|\w+\(ptep\))\)\)')],
    'leaf': [Rule(PMD_LEAF, r'if \(unlikely\(pmd_val\(orig\) != .*?return 0;\s*\}')],
    'leaf-pud': [Rule(PUD_LEAF, r'if \(unlikely\(pud_val\(orig\) != .*?return 0;\s*\}')],
    'head': [Rule(('try_get_folio',), r'if \(unlikely\(page_folio\(page\) != folio\)\) \{.*?goto retry;\s*\}')],
    'zero': [Rule(('try_get_folio',), r'if \(unlikely\(!folio_ref_try_add\w*\(folio, refs\)\)\)\s*return NULL;',
                  'folio_ref_add(folio, refs);')],
    'overflow': [Rule(('try_get_folio',), r'if \(WARN_ON_ONCE\(folio_ref_count\(folio\) < 0\)\)\s*return NULL;')],
    'sequence': [Rule(ROOTS, r'read_seqcount_retry\(&current->mm->write_protect_seq, seq\)', '0')],
    'odd': [Rule(ROOTS, r'if \(!raw_seqcount_try_begin\(&current->mm->write_protect_seq, seq\)\)\s*return 0;',
                 '(void)raw_seqcount_try_begin(0, seq);'),
            Rule(ROOTS, r'if \(seq & 1\)\s*return 0;')],
    'unshare': [Rule(PTE, r'if \(!pte_write\(pte\) && gup_must_unshare\(.*?' + UNDO)],
    'unshare-huge': [Rule(PMD_LEAF, r'if \(!pmd_write\(orig\) && gup_must_unshare\(.*?return 0;\s*\}')],
    'secretmem': [Rule(('gup_fast_folio_allowed',), r'if \(check_secretmem && secretmem_mapping\(mapping\)\)\s*return false;'),
                  Rule(PTE, r'if \(unlikely\(page_is_secretmem\(page\)\)\) ' + UNDO)],
    'late': [Rule(PTE, r'if \(!gup_fast_folio_allowed\(folio, flags\)\) ' + UNDO)],
    'longterm': [Rule(('gup_fast_folio_allowed',), r'!reject_file_backed \|\| shmem_mapping\(mapping\)', 'true')],
    'movable': [Rule(GRAB, r'if \(unlikely\(\(flags & FOLL_LONGTERM\) &&\s*!\w+\(\w+\)\)\)'
                           r' *(?:\{.*?return NULL;\s*\}|\s*return NULL;)')],
    'null': [Rule(('gup_fast_folio_allowed',), r'if \(!mapping\)\s*return false;'),
             Rule(('page_is_secretmem',), r'if \(!mapping \|\| mapping != page->mapping\)\s*return false;')],
    'special': [Rule(PTE, r'(?:else )?if \(pte_special\(pte\)\)\s*goto pte_unmap;')],
    'irqs': [Rule(ROOTS, r'local_irq_save\(flags\);', 'flags = 0;')],
    'again': [Rule(('ptep_get_lockless',), r'while \(unlikely\(pte\.pte_low != ptep->pte_low\)\)', 'while (0)')],
}

# What each rule says, and since when Linux has it if that is after 5.9.
RULE_WORDS = {
    'recheck': 'once the page is taken, the entry and the one above it are read again',
    'upper': 'once the page is taken, the entry above is read again (since 6.0)',
    'lower': 'once the page is taken, the entry is read again',
    'leaf': 'once a huge page is taken, its entry is read again',
    'leaf-pud': 'once a page of a whole pud is taken, the entry is read again',
    'head': 'once a folio is taken, the page must still be in it',
    'zero': 'a folio without references is not taken',
    'overflow': 'a folio whose count has overflowed is not taken',
    'sequence': 'if fork has run meanwhile, the pins are given back (since 5.11)',
    'odd': 'while fork runs, nothing is pinned (since 5.11)',
    'unshare': 'a page that may be shared is not pinned through a read-only entry (since 5.19)',
    'unshare-huge': 'a huge page that may be shared is not pinned through a read-only entry (since 5.19)',
    'secretmem': 'secret memory is not pinned (since 5.14)',
    'late': 'the mapping of the folio is looked at after the entry was read again (since 6.5)',
    'longterm': "a file's page is not pinned for long, for writing (since 6.5)",
    'movable': 'a page that has to stay movable is not pinned for long',
    'null': 'a page that has left its file may be anything',
    'special': 'a special entry does not lead to a page',
    'irqs': 'interrupts are off during the walk',
    'again': 'the low half is read again',
}


class Taken:
    """The functions of one tree, and how to write them down as gup.inc."""

    def __init__(self, tree):
        self.tree = tree
        self.texts = {name: without_comments(text) for name, text in tree.texts.items()}
        self.shim = shim_names()
        self.functions = {}  # name: (file, line, text), callees first
        for name in ROOTS:
            if self.find(name, ('mm/gup.c',)):
                self.root = name
                break
        else:
            raise TakeError(f'mm/gup.c has no function {ROOTS[0]}(), nor by its older name {ROOTS[1]}(): '
                            'this kernel is older than 5.9, or newer than the laboratory')
        self.take(self.root)
        for names in NEEDED:
            if not any(name in self.functions for name in names):
                raise TakeError(self.missing(names))
        self.halves = self.find('ptep_get_lockless', ('include/linux/pgtable.h',))

    def missing(self, names):
        other = f', nor by its other name {names[1]}()' if len(names) > 1 else ''
        return (f'{self.root}() of mm/gup.c does not lead to {names[0]}(){other}: looked for a definition in '
                f'{", ".join(SOURCES)}')

    def find(self, name, files):
        """The first definition: (file, line, text), or None."""
        pattern = re.compile(r'^[a-z_][\w \t\*]*\b' + name + r'\([^;{}]*\)\s*\n\{.*?^\}', re.M | re.S)
        for file in files:
            found = pattern.search(self.texts.get(file, ''))
            if found:
                return file, self.texts[file].count('\n', 0, found.start()) + 1, found.group(0)
        return None

    def take(self, name):
        """A function, after those that it calls, if the laboratory does not have them."""
        found = self.find(name, SOURCES)
        if not found:
            return
        self.functions[name] = None
        for callee in sorted(set(re.findall(r'\b([a-z_]\w*)\(', found[2]))):
            if callee not in self.functions and callee not in self.shim:
                self.take(callee)
        # A dictionary keeps the order of insertion.
        del self.functions[name]
        self.functions[name] = found

    def offsets(self):
        """The generic lockless functions, which take a stack copy; an architecture's own ones come first."""
        lines = []
        text = self.texts.get('include/linux/pgtable.h', '')
        for level in ('p4d', 'pud', 'pmd'):
            name = f'{level}_offset_lockless'
            found = re.search(r'^#define ' + name + r'\([^\n]*', text, re.M)
            if not found:
                raise TakeError(f'include/linux/pgtable.h has no generic {name}(): looked for "#define {name}("')
            line = text.count('\n', 0, found.start()) + 1
            lines += [f'#ifndef {name}', f'#line {line} "include/linux/pgtable.h"', found.group(0), '#endif']
        return lines

    def find_fold(self, fold):
        """The architecture's own functions, as {name: (file, line, text)}; None if the tree lacks one."""
        file, names = FOLDS[fold]
        found = {name: self.find(name, (file,)) for name in names}
        return found if all(found.values()) else None

    def why_no_fold(self, fold):
        file, names = FOLDS[fold]
        lacking = [f'{name}()' for name in names if not self.find(name, (file,))]
        return f'{file} has no {", ".join(lacking)}'

    def has_fold(self, fold):
        return fold not in FOLDS or self.find_fold(fold) is not None

    def has_rule(self, rule):
        functions = {**self.functions, 'ptep_get_lockless': self.halves}
        return any(functions.get(name) and each.drop(functions[name][2]) is not None
                   for each in RULES[rule] for name in each.functions)

    def write(self, fold='static', halves=False, drop=None):
        """The text of gup.inc, without the rule @drop."""
        functions = dict(self.functions)
        if halves:
            if not self.halves or 'pte_low' not in self.halves[2]:
                raise TakeError('include/linux/pgtable.h has no ptep_get_lockless() that reads halves: '
                                'looked for one that uses pte_low')
            functions = {'ptep_get_lockless': self.halves, **functions}
        if drop:
            self.drop(functions, drop)
        lines = []
        if fold in FOLDS:
            lines = [part for file, line, text in self.find_fold(fold).values() for part in (f'#line {line} "{file}"', text)]
            lines += [f'#define {lockless} {name}' for name, lockless in FOLDS[fold][1].items() if lockless]
        lines += self.offsets()
        for file, line, text in functions.values():
            lines += [f'#line {line} "{file}"', text]
        return '\n'.join(lines) + '\n'

    def drop(self, functions, drop):
        """Leaves the rule out of the first function that has it."""
        for rule in RULES[drop]:
            for name in rule.functions:
                if not functions.get(name):
                    continue
                file, line, text = functions[name]
                without = rule.drop(text)
                if without is not None:
                    functions[name] = (file, line, without)
                    return
        raise TakeError(f'the rule "{drop}" cannot be left out: {self.why_no_rule(drop)}')

    def why_no_rule(self, drop):
        """Where the rule would be, and what was looked for."""
        functions = {**self.functions, 'ptep_get_lockless': self.halves}
        there = sorted({f'{name}() of {functions[name][0]}' for rule in RULES[drop] for name in rule.functions
                        if functions.get(name)})
        names = sorted({f'{name}()' for rule in RULES[drop] for name in rule.functions})
        where = f'nothing in {", ".join(there)}' if there else f'there is no {" nor ".join(names)}, where something'
        return f'{where} looks like ' + ' or like '.join(rule.pattern.pattern for rule in RULES[drop])
