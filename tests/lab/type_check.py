#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Code that takes one level for another does not compile: each level of the kernel-style layer has its own type.

usage: type_check.py SOURCE_ROOT COMPILER...
"""
import pathlib
import subprocess
import sys
import unittest

ROOT, COMPILER = pathlib.Path(sys.argv[1]), sys.argv[2:]
del sys.argv[1:]

FUNCTION = """
#include "lab/fold/fast.h"
void f(const struct fold_config *c, struct fold_walk *w, pw_va addr, pw_va end);
void f(const struct fold_config *c, struct fold_walk *w, pw_va addr, pw_va end)
{
	pgdp_t pgdp = pgd_offset(c, w, addr);
	pgd_t pgd = pgdp_get(c, w, pgdp, addr);
	p4dp_t p4dp = p4d_offset(c, w, pgdp, addr);
	p4d_t p4d = p4dp_get(c, w, p4dp, addr);
	pudp_t pudp = pud_offset(c, w, p4dp, addr);
	pud_t pud = pudp_get(c, w, pudp, addr);
	pmdp_t pmdp = pmd_offset(c, w, pudp, addr);
	pmd_t pmd = pmdp_get(c, w, pmdp, addr);
	ptep_t ptep = pte_offset(c, w, pmdp, addr);
	pte_t pte = ptep_get(c, w, ptep, addr);

	(void)(p4d_none(c, w, p4d) || pud_leaf(c, w, pud) || pmd_none(c, w, pmd) || pte_none(c, w, pte));
	(void)(pgd_addr_end_value(c, pgd, addr, end));
	%s
}
"""

WRONG = [
    "pud_offset(c, w, pgdp, addr);",  # skips a level
    "pmd_offset(c, w, pmdp, addr);",
    "p4d_addr_end_value(c, pgd, addr, end);",  # another level's value
    "pgd_addr_end_value(c, p4d, addr, end);",
    "pud_addr_end_value(c, pudp, addr, end);",  # the pointer for the value
    "p4d_none(c, w, pgd);",
    "pmd_leaf(c, w, pte);",
    "pudp_get(c, w, p4dp, addr);",
    "pudp = p4dp_next(c, p4dp);",
    "p4d_offset_lockless(c, w, pgdp, p4d, addr);",
    "pud_offset_lockless(c, w, pgdp, p4d, addr);",
    "pmd_offset_lockless(c, w, &pud, pud, addr);",  # the address of a copy
    "pgd = p4d;",
]


def compile_with(statement):
    return subprocess.run([*COMPILER, "-std=gnu11", "-D_GNU_SOURCE", "-Ui386", "-fsyntax-only", "-x", "c",
                           f"-I{ROOT}", f"-I{ROOT}/src", f"-I{ROOT}/include", "-"],
                          input=FUNCTION % statement, capture_output=True, text=True, timeout=60)


class Types(unittest.TestCase):
    def test_right(self):
        done = compile_with("")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_wrong(self):
        for statement in WRONG:
            with self.subTest(statement):
                done = compile_with(statement)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("incompatible type", done.stderr)


if __name__ == "__main__":
    unittest.main()
