#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `pagewalk lab linux` says, and what it takes out of a tree. The trees are made here; no kernel is needed.

usage: command.py TOOL TOP"""
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import unittest

# Text in the shape of a kernel's, with nothing of one.
ROOT = """/* A comment { of two
   lines. */
static unsigned long gup_fast(unsigned long first, unsigned long end,
		unsigned int flags, struct page **pages)
{
	return leads_on(first);
}
"""
OFFSETS = "".join(f"#define {level}_offset_lockless(a, b, c) {level}_offset(&(b), c)\n" for level in ("p4d", "pud", "pmd"))


class Command(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def tool(self, *arguments, status=0):
        run = subprocess.run([TOOL, "lab", "linux", *map(str, arguments)], capture_output=True, text=True, timeout=60,
                             env={**os.environ, "PAGEWALK_LIBEXEC": str(TOP / "lab/linux"), "TMPDIR": str(self.path)})
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        return run

    def refused(self, *arguments, says):
        run = self.tool(*arguments, status=2)
        self.assertIn(says, run.stderr)
        self.assertNotIn("Traceback", run.stderr)
        self.assertEqual(list(self.path.glob("pagewalk-linux-*")), [])

    def tree(self, gup, **others):
        top = self.path / "linux-0.0"
        for name, text in {"mm/gup.c": gup, "include/linux/pgtable.h": OFFSETS, **others}.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(text)
        return top

    def test_not_a_tree(self):
        self.refused(self.path / "none", says="there is no such folder or file")
        self.refused(self.path, says="there is no mm/gup.c in it")
        (self.path / "text").write_text("text")
        self.refused(self.path / "text", says="neither a folder nor a tarball")
        self.refused(says="give a kernel's tree")

    def test_other_kernel(self):
        self.refused(self.tree("int nothing;\n"), says="mm/gup.c has no function gup_fast()")
        self.refused(self.tree(ROOT), says="gup_fast() of mm/gup.c does not lead to try_get_folio(): looked for a definition "
                                           "in mm/gup.c, mm/internal.h")

    def test_tarball(self):
        with tarfile.open(self.path / "linux.tar.xz", "w:xz") as archive:
            archive.add(self.tree(ROOT), "linux-0.0")
        self.refused(self.path / "linux.tar.xz", says="does not lead to try_get_folio()")

    def test_unknown_function(self):
        names = [each[0] for each in take.NEEDED]
        text = "".join(f"static int {name}(void)\n{{\n\treturn 0;\n}}\n" for name in names)
        root = ROOT.replace("leads_on(first)", "leads_on(first) + " + " + ".join(f"{name}()" for name in names))
        # Its functions do not call each other: only the names matter here.
        self.refused(self.tree(text + root), "zap", "--cflags", f"-fsanitize=thread -I{TOP}/include", "--libs", "",
                     says="calls leads_on(), which is neither in mm/gup.c")

    def test_no_rule(self):
        names = [each[0] for each in take.NEEDED]
        text = "".join(f"static int {name}(void)\n{{\n\treturn 0;\n}}\n" for name in names)
        root = ROOT.replace("leads_on(first)", " + ".join(f"{name}()" for name in names))
        taken = take.Taken(tree.Tree(self.tree(text + root)))
        self.assertTrue(taken.why_no_rule("recheck").startswith("nothing in gup_fast_pte_range() of mm/gup.c looks like if"))
        self.assertTrue(taken.why_no_rule("again").startswith("there is no ptep_get_lockless()"))
        self.assertEqual(taken.why_no_fold("value_s390").split(",")[0],
                         "arch/s390/include/asm/pgtable.h has no p4d_offset_lockless()")
        with self.assertRaisesRegex(take.TakeError, "cannot be left out: nothing in try_get_folio"):
            taken.write(drop="head")

    def test_rows(self):
        listed = [line.split()[0] for line in self.tool("--list").stdout.splitlines()]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertIn("fork:sequence", listed)
        for row in rows.ROWS:
            self.assertIn(row.drop, [None, *take.RULES])
            self.assertIn(row.rule, [None, *take.RULES])
        # Every rule is dropped in some row, and has words.
        self.assertEqual({row.drop for row in rows.ROWS} - {None}, set(take.RULES))
        self.assertEqual(set(take.RULES), set(take.RULE_WORDS))

    def test_lines_stay(self):
        text = take.without_comments(ROOT)
        self.assertEqual(text.count("\n"), ROOT.count("\n"))
        self.assertNotIn("comment", text)
        rule = take.Rule(("f",), r"if \(a\)\s*return;", "b;")
        self.assertEqual(rule.drop("x;\nif (a)\n\treturn;\ny;"), "x;\nb;\n\ny;")
        self.assertIsNone(rule.drop("x;"))

    def test_words(self):
        text = self.tool("--help").stdout
        self.assertTrue(text.lower().startswith("usage: pagewalk lab linux"))
        self.assertIn("Exit status:", " ".join(text.split()))
        options = set(re.findall(r"--[a-z]+", text)) - {"--help"}
        manual = (TOP / "man/pagewalk.1").read_text()
        section = re.search(r"^\.Ss lab linux$.*?^\.S[sh] ", manual, re.M | re.S).group(0)
        self.assertEqual(options, {"--" + name for name in re.findall(r"Fl -([a-z]+)", section)})


if __name__ == "__main__":
    TOP = pathlib.Path(sys.argv.pop(2))
    TOOL = sys.argv.pop(1)
    sys.path.insert(0, str(TOP / "lab/linux"))
    sys.dont_write_bytecode = True
    import rows
    import take
    import tree
    unittest.main()
