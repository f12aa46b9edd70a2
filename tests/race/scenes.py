#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every scenario: what is proved, what is found, and in how many classes; and what the language refuses.

usage: scenes.py PAGEWALK_LAB SCENARIOS GOLDEN MUTANT_H [--update]

The golden table has one line for each search: scenario, format, mutant or -, model, verdict, classes, shared words.
A change of the code that alters what can happen alters the numbers. With --update the table is written anew: look at
the difference before it is committed.
"""
import concurrent.futures
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

import pairs

PROGRAM, SCENARIOS, GOLDEN, MUTANT_H = sys.argv[1:5]
UPDATE = "--update" in sys.argv[5:]
PROVED, FOUND, NOT_FINISHED, BROKEN = range(4)
FOLDER = pathlib.Path(SCENARIOS)
LONGEST_S = 560
PARTS = 2  # that run at once


def run(*arguments, folder=SCENARIOS):
    environment = {**os.environ, "PAGEWALK_SCENARIOS": str(folder)}
    return subprocess.run([PROGRAM, "run", *arguments], capture_output=True, check=False, timeout=LONGEST_S,
                          env=environment, encoding="utf-8", errors="replace")


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def run_part(part):
    """All searches of every second scenario, from the first or the second on."""
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(FOLDER.glob("*.scene"))[part::PARTS]:
            (pathlib.Path(folder) / path.name).symlink_to(path.resolve())
        return run("--all", "--mutants", "--json", folder=folder)


class Golden(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.searches, cls.totals = [], []
        with concurrent.futures.ThreadPoolExecutor(PARTS) as pool:
            cls.done = list(pool.map(run_part, range(PARTS)))
        for done in cls.done:
            *searches, total = objects(done.stdout)
            cls.searches += searches
            cls.totals.append(total)
        cls.searches.sort(key=lambda search: search["scenario"].split(",")[0] + ".scene")  # those of one as they came

    def lines(self):
        for search in self.searches:
            name, form, *mutant = search["scenario"].split(", ")
            mutant = mutant[0].removeprefix("without ") if mutant else "-"
            yield (f"{name} {form} {mutant} {search['model']} {search['verdict']} {search['classes']} "
                   f"{search['words']}")

    def test_as_expected(self):
        self.assertEqual([(done.stderr, done.returncode) for done in self.done], PARTS * [("", 0)])
        verdicts = [search["verdict"] for search in self.searches]
        self.assertEqual({word: sum(total[word] for total in self.totals) for word in self.totals[0]},
                         {"proved": verdicts.count("proved"), "found": verdicts.count("found"),
                          "unfinished": 0, "unexpected": 0})
        for search in self.searches:
            with self.subTest(search["scenario"], model=search["model"]):
                self.assertTrue(search["complete"] or search["verdict"] == "found")
                self.assertEqual("sentence" in search, search["verdict"] == "found")

    def test_table(self):
        path = pathlib.Path(GOLDEN)
        now = list(self.lines())
        if UPDATE:
            path.write_text("\n".join(now) + "\n", encoding="utf-8")
        golden = path.read_text(encoding="utf-8").splitlines()
        gone, new = sorted(set(golden) - set(now)), sorted(set(now) - set(golden))
        self.assertEqual((gone, new), ([], []),
                         "the searches are others than in the golden table; look at the difference, then --update")

    def test_every_scenario_is_searched(self):
        searched = {search["scenario"].split(",")[0] for search in self.searches}
        self.assertEqual(searched, {path.stem for path in FOLDER.glob("*.scene")})

    def test_schedules(self):
        """A schedule that was printed fails again, in the same words; with other steps it is refused."""
        seen = set()
        for search in self.searches:
            name, form, *mutant = search["scenario"].split(", ")
            if search["verdict"] != "found" or name in seen:
                continue
            seen.add(name)
            mutant = ["--mutant", mutant[0].removeprefix("without ")] if mutant else []
            arguments = [name, "--format", form, "--model", search["model"].lower(), "--json", *mutant]
            with self.subTest(" ".join(arguments)):
                again = run(*arguments, "--replay", search["schedule"])
                self.assertEqual(again.returncode, FOUND, again.stderr)
                self.assertEqual(objects(again.stdout)[0]["sentence"], search["sentence"])
                if "." in search["schedule"] and search["deepest"] > 0:
                    steps, check = search["schedule"].split(".")
                    other = f"{steps}.{int(check, 16) ^ 1:04x}"
                    self.refused(run(*arguments, "--replay", other), "made for other code")
        self.assertGreater(len(seen), 30)

    def refused(self, done, says):
        self.assertEqual(done.returncode, BROKEN, done.stdout)
        self.assertIn(says, done.stderr)

    def test_schedule_of_other_code(self):
        found = next(search for search in self.searches
                     if search["scenario"] == "unmap-reuse, x86_64, without no-leaf-recheck")
        schedule = ["--model", found["model"].lower(), "--replay", found["schedule"]]
        for other in [["unmap-reuse"], ["table-twice"], ["copy"], ["unmap-reuse", "--mutant", "no-undo"]]:
            with self.subTest(other):
                self.assertEqual(run(*other, *schedule).returncode, BROKEN)
        for wrong in ["x", "9a", "9z1", "9a0", "9a99999999999999999999", "9a1.", "9a1.zzzz", "9a1b1 "]:
            with self.subTest(wrong):
                self.assertEqual(run("unmap-reuse", "--model", "sc", "--replay", wrong).returncode, BROKEN)


class Mutants(unittest.TestCase):
    def test_each_is_shown_or_said_why_not(self):
        names = {name.lower().replace("_", "-")
                 for name in re.findall(r"^\tPW_MUTANT_(\w+),", pathlib.Path(MUTANT_H).read_text(encoding="utf-8"),
                                        re.MULTILINE)} - {"none"}
        shown = set()
        for path in FOLDER.glob("*.scene"):
            shown |= set(re.findall(r"^mutant (\S+)", path.read_text(encoding="utf-8"), re.MULTILINE))
        why = (FOLDER / "elsewhere.txt").read_text(encoding="utf-8")
        elsewhere = set(re.findall(r"^([a-z][\w-]*) +\w", why, re.MULTILINE))
        self.assertEqual(shown & elsewhere, set(), "shown by a scenario, and said not to be")
        self.assertEqual(shown | elsewhere, names,
                         "write a scenario for each mutant, or a line in lab/race/scenarios/elsewhere.txt")
        listed = subprocess.run([PROGRAM, "list"], capture_output=True, text=True, check=True,
                                env={**os.environ, "PAGEWALK_SCENARIOS": SCENARIOS}).stdout
        for name in elsewhere | {path.stem for path in FOLDER.glob("*.scene")}:
            self.assertRegex(listed, rf"(?m)^{name} +\w")


class Pairs(unittest.TestCase):
    """What the verdicts are, Golden says: proved as it is, under both models, and found with each mutant."""

    def test_each_pair(self):
        for event, beside, name in pairs.scenarios():
            with self.subTest(name):
                path = FOLDER / f"{name}.scene"
                self.assertTrue(path.exists(), f"nothing tries {event} beside {beside}")
                text = path.read_text(encoding="utf-8")
                self.assertNotRegex(text, r"(?m)^expect")
                self.assertRegex(text, r"(?m)^format +mock$")
                self.assertGreater(len(pairs.rules(text)), 0, "a rule must be there that it needs")
                threads = re.findall(r"(?m)^thread .*", text)
                self.assertEqual(len(threads), 2)
                self.assertTrue(any(re.search(rf"[:;] (?:{pairs.BESIDE[beside][1]}) ", thread) for thread in threads))

    def test_no_rule_has_a_reason(self):
        """A scenario that no mutant breaks proves little. The few say why there is none."""
        for path in FOLDER.glob("mm-*.scene"):
            text = path.read_text(encoding="utf-8")
            shows = bool(pairs.rules(text)) or re.search(r"(?m)^expect +found", text) is not None
            with self.subTest(path.stem):
                self.assertNotEqual(shows, re.search(r"(?m)^# No mutant: \w", text) is not None,
                                    "name a mutant, or say in a comment, '# No mutant: ...', why there is none")


THREAD = "thread a: pin 0x1000\n"
# A scenario, the line and column of the mistake, and what is said of it.
MISTAKES = [
    ("", 0, 1, "there is no thread"),
    ("# nothing\n", 1, 1, "there is no thread"),
    ("hello\n", 1, 1, "'hello' is not an operation"),
    ("about " + 200 * "x" + "\n", 1, 7, "too long: at most 199 characters"),
    ("source a\x1bb\n", 1, 9, "control character"),
    ("format x86_65\n", 1, 8, "'x86_65' is not a format"),
    ("format mock" + 40 * " mock" + "\n", 1, 208, "too many formats: at most 40"),
    ("levels\n", 1, 7, "the number of levels is missing"),
    ("levels 0\n", 1, 8, "the number of levels is 1 to"),
    ("levels two\n", 1, 8, "'two' is not a number"),
    ("levels -1\n", 1, 8, "'-1' is not a number"),
    ("levels 2 3\n", 1, 10, "'3' is too much here"),
    ("frames 1\n", 1, 8, "the number of frames is 2 to 16384"),
    ("frames 99999999999999999999999\n", 1, 8, "too large: 64 bits are all"),
    ("reclaim\n", 1, 8, "rcu, ipi or at-once is missing"),
    ("reclaim soon\n", 1, 9, "reclaim is rcu, ipi or at-once, not 'soon'"),
    ("mutant\n", 1, 7, "a mutant's name is missing"),
    ("mutant none\n", 1, 8, "there is no mutant 'none'"),
    ("mutant no-wait sc\n", 1, 16, "there may be 'tso', not 'sc'"),
    (17 * "mutant no-wait\n", 17, 8, "too many mutants: at most 16"),
    ("expect\n", 1, 7, "proved or found is missing"),
    ("expect nothing\n", 1, 8, "expect proved, or found, not 'nothing'"),
    ("expect found sc\n", 1, 14, "after found there may be 'tso', and nothing else; not 'sc'"),
    ("expect proved tso\n", 1, 15, "after found there may be 'tso'"),
    ("expect found tso 1\n", 1, 18, "'1' is too much here"),
    ("never A B\n", 1, 7, "no operation says 'as A'"),
    ("folio P\nthread a: get P as A\nnever A\n", 3, 8, "a name is missing"),
    ("folio P\nthread a: get P as A\n" + 9 * "never A A\n", 11, 1, "too many pairs: at most 8"),
    ("final\n", 1, 6, "an address, a folio's name, frames or faults is missing"),
    ("final P free\n", 1, 7, "there is no folio 'P'"),
    ("final 0x1000\n", 1, 13, "what is mapped there: a folio's name, zero, or none is missing"),
    ("final 0x1000 Q\n", 1, 14, "there is no folio 'Q'"),
    ("final 0x1000 zero page 1\n", 1, 19, "there may be 'page' and 'size', not 'page'"),
    ("final 0x1000 zero size 0\n", 1, 24, "the number of pages is 1 to"),
    ("final frames\n", 1, 13, "the number of free frames is missing"),
    ("final faults many\n", 1, 14, "'many' is not a number"),
    ("folio P\nfinal P\n", 2, 8, "free, dirty, or references and their number is missing"),
    ("folio P\nfinal P clean\n", 2, 9, "not 'clean'"),
    ("folio P\nfinal P page 1 free\n", 2, 14, "the page is 0 to 0"),
    ("folio P\nfinal P references 0\n", 2, 20, "the number of references is 1 to"),
    ("folio P\n" + 17 * "final P free\n", 18, 1, "too many of 'final': at most 16"),
    ("thread\n", 1, 7, "a name for the thread, and a colon is missing"),
    ("thread a\n", 1, 8, "with the colon at the name"),
    ("thread : wait\n", 1, 8, "with the colon at the name"),
    ("thread a:b wait\n", 1, 8, "with the colon at the name"),
    ("thread " + 40 * "a" + ":\n", 1, 8, "this name is too long: at most 31 characters"),
    (8 * "thread a: wait\n", 8, 8, "too many threads: at most 7"),
    (129 * "wait\n", 129, 1, "too many operations: at most 128"),
    ("  wait\n", 1, 3, "goes on with a thread, and there is none"),
    ("folio\n", 1, 6, "a name for the folio is missing"),
    ("folio 1\n", 1, 7, "a folio's name begins with a letter"),
    ("folio zero\n", 1, 7, "'zero' is a word of the language"),
    ("folio P\nfolio P\n", 2, 7, "there is a folio 'P' already"),
    ("folio P order 11\n", 1, 15, "the order is 0 to 10"),
    ("folio P none\n", 1, 9, "'none' means nothing to folio"),
    ("".join(f"folio P{i}\n" for i in range(25)), 25, 7, "too many folios: at most 24"),
    ("map\n", 1, 4, "an address is missing"),
    ("map here P\n", 1, 5, "'here' is not a number"),
    ("map 0x1000\n", 1, 11, "a folio's name, or zero, or at is missing"),
    ("map 0x1000 P\n", 1, 12, "there is no folio 'P' yet"),
    ("map 0x1000 at\n", 1, 14, "the address of a page is missing"),
    ("map 0x1000 zero page 1\n", 1, 17, "'page' means nothing to map"),
    ("map 0x1000 zero must\n", 1, 17, "'must' means nothing to map"),
    ("map 0x1000 zero pages 0\n", 1, 23, "the number of pages is 1 to"),
    ("folio P order 1\nmap 0x1000 P pages 3\n", 2, 21, "folio P has 2 pages from page 0 on"),
    ("folio P order 1\nmap 0x1000 P page 2\n", 2, 20, "folio P has pages 0 to 1"),
    ("unmap\n", 1, 6, "an address is missing"),
    ("unmap 0x1000 read\n", 1, 14, "'read' means nothing to unmap"),
    ("protect 0x1000\n", 1, 15, "say which permissions"),
    ("protect 0x1000 all\n", 1, 16, "'all' means nothing to protect"),
    ("split 0x1000 as A\n", 1, 14, "'as' means nothing to split"),
    ("collapse 1 2\n", 1, 12, "'2' means nothing to collapse"),
    ("pin 0x1000\n", 1, 11, "a pin needs a thread"),
    ("thread a: pin 0x1000 hold\n", 1, 26, "name what is held"),
    ("thread a: pin 0x1000 pages 65\n", 1, 30, "a pin has at most 64 pages"),
    ("thread a: pin 0x1000 most\n", 1, 26, "the number of pages is missing"),
    ("thread a: pin 0x1000 ranges touch\n", 1, 34, "'ranges' goes without"),
    ("read 0x1000\n", 1, 12, "a read needs a thread"),
    ("visit 0x1000\n", 1, 13, "a visit needs a thread"),
    ("enter\n", 1, 6, "a enter needs a thread"),
    ("leave 1\n", 1, 7, "'1' means nothing to leave"),
    ("peek 0x1000 low\n", 1, 13, "'low' means nothing to peek"),
    ("put\n", 1, 4, "a folio's name is missing"),
    ("put P\n", 1, 5, "there is no folio 'P' yet"),
    ("folio P\nput P references 0\n", 2, 18, "the number of references is 1 to"),
    ("folio P\nget P references 0x100000000\n", 2, 18, "the number of references is 1 to"),
    ("folio P\nget P as\n", 2, 9, "a name is missing"),
    ("folio P\nbreak P drop\n", 2, 9, "'drop' means nothing to break"),
    ("folio P\nshare P page\n", 2, 13, "the page is missing"),
    ("folio P\nown P must\n", 2, 7, "'must' means nothing to own"),
    ("truncate\n", 1, 9, "a folio's name is missing"),
    ("dirty 1\n", 1, 7, "there is no folio '1' yet"),
    ("write\n", 1, 6, "a folio's name is missing"),
    ("folio P\nlook P page 1\n", 2, 14, "folio P has pages 0 to 0"),
    ("copy 0x1000 P\n", 1, 13, "'P' means nothing to copy"),
    ("copy-begin 1\n", 1, 12, "'1' means nothing to copy-begin"),
    ("copy-end; copy-stop\n", 1, 11, "'copy-stop' is not an operation"),
    ("wait for it\n", 1, 6, "'for' means nothing to wait"),
    ("drain 0\n", 1, 7, "'0' means nothing to drain"),
    ("poke 0x1000 level 9\n", 1, 19, "the level is 0 to"),
    ("poke 0x1000 like\n", 1, 17, "an address is missing"),
    ("poke 0x1000 before low\n", 1, 23, "this is the whole entry"),
    ("retire 0x1000\n", 1, 14, "say at which level the entry is"),
    ("folio P\nthread a: put P if A\n", 2, 20, "no operation says 'as A'"),
    ("folio P\nthread a: get P as A\nthread b: put P if A\n", 3, 20, "no earlier operation of this thread says 'as A'"),
    ("thread a: folio P\nthread b: put P\n", 2, 15, "allocated by thread a, so no other can name it"),
    ("thread a: wait;\n  hello\n", 2, 3, "'hello' is not an operation"),
    ("machine fast\n", 1, 9, "a machine has 'swap', 'movable', 'huge', 'huge-files', 'groups', 'batch', 'tlb' and "
     "'locks', not 'fast'"),
    ("machine batch 0\n", 1, 15, "the number of pages is 1 to 64"),
    ("machine swap 33\n", 1, 14, "the number of pages is 1 to 32"),
    ("mm\n", 1, 3, "a name for the address space is missing"),
    ("mm A\nmm A\n", 2, 4, "there is an address space 'A' already"),
    ("".join(f"mm A{i}\n" for i in range(5)), 5, 4, "too many address spaces: at most 4"),
    ("shmem\n", 1, 6, "a name for the file is missing"),
    ("shmem F size 1\n", 1, 9, "there may be 'pages', not 'size'"),
    ("secret F pages 65\n", 1, 16, "the number of pages is 1 to 64"),
    (3 * "secret F\n", 3, 8, "too many files: at most 2"),
    ("anonymous A 0x1000\n", 1, 11, "there is no address space 'A' yet"),
    ("mm A\nanonymous A 0x1000 exec\n", 2, 20, "'exec' means nothing to anonymous"),
    ("mm A\nshared A 0x1000\n", 2, 16, "the name of a file is missing"),
    ("mm A\nprivate A 0x1000 F\n", 2, 18, "there is no file 'F' yet"),
    ("mm A\nfault A 0x1000 pages 1\n", 2, 16, "'pages' means nothing to fault"),
    ("mm A\nstore A 0x1000 0\n", 2, 16, "what is stored is 1 to"),
    ("mm A\nload A 0x1000\n", 2, 14, "a thread"),
    ("mm A\nthread a: load A 0x1000 sees 1|x\n", 2, 30, "'1|x' is not a list of at most 4 numbers"),
    ("mm A\nfork A A\n", 2, 8, "there is an address space 'A' already"),
    ("mm A\nthread a: fork A B\nthread b: fault B 0x1000\n", 3, 17, "is forked by another thread"),
    ("mm A\nthread a: fork A B; walk B 0x1000\n", 2, 34, "no thread is in it"),
    ("mm A\nmm B\nthread a: walk A 0x1000; walk B 0x1000\n", 3, 39, "two address spaces; take two threads"),
    ("mm A\nswap-out A\n", 2, 11, "an address is missing"),
    ("mm A\nmigrate A 0x1000 hold\n", 2, 18, "'hold' means nothing to migrate"),
    ("mm A\nsplit-folio B\n", 2, 13, "there is no address space 'B' yet"),
    ("mm A\ncollapse-huge A here\n", 2, 17, "'here' is not a number"),
    ("mm A\ndontneed A 0x1000 pages 0\n", 2, 25, "the number of pages is 1 to"),
    ("mm A\nmunmap A 0x1000 read\n", 2, 17, "'read' means nothing to munmap"),
    ("mm A\nmremap A 0x1000\n", 2, 16, "the new address is missing"),
    ("mm A\nmprotect A 0x1000 all\n", 2, 19, "'all' means nothing to mprotect"),
    ("mm A\nftruncate A 0\n", 2, 11, "there is no file 'A' yet"),
    ("mm A\nregister A 0x1000\n", 2, 18, "say which faults the handler is for"),
    ("mm A\nregister A 0x1000 missing\n", 2, 26, "what the handler puts in place is missing"),
    ("mm A\nuser-copy A 0x1000 0\n", 2, 20, "what is stored is 1 to"),
    ("mm A\nuser-copy A 0x1000 1 pages 2\n", 2, 22, "'pages' means nothing to user-copy"),
    ("mm A\nuser-continue A 0x1000 missing 1\n", 2, 24, "'missing' means nothing to user-continue"),
    ("mm A\nuser-protect A 0x1000 read\n", 2, 23, "'read' means nothing to user-protect"),
    ("mm A\nuser-unprotect B\n", 2, 16, "there is no address space 'B' yet"),
    ("device\n", 1, 7, "a name for the file is missing"),
    ("mm A\nshmem F\nrevoke F 0\n", 3, 8, "'F' is not a device"),
    ("device D\nftruncate D 0\n", 2, 11, "'D' is a device"),
    ("mm A\npin-fast A 0x1000\n", 2, 18, "this needs a thread"),
    ("mm A\nthread a: pin-fast A 0x1000 force\n", 2, 29, "'force' means nothing to pin-fast"),
    ("mm A\nthread a: pin-slow A 0x1000 hold\n", 2, 33, "name what is held"),
    ("mm A\nthread a: pin-any A 0x1000 pages 9\n", 2, 34, "the number of pages is 1 to 8"),
    ("mm A\nmap 0x1000 zero\n", 2, 16, "map works on one space"),
    ("mm A\nfinal in B 0x1000 none\n", 2, 10, "there is no address space 'B'"),
    ("mm A\nfinal in A 0x1000 free\n", 2, 19, "say what it holds"),
    ("mm A\nfinal pinned P at A 0x1000\n", 2, 14, "no operation says 'as P'"),
    (THREAD + "thread b: get" + 300 * "x" + "\n", 2, 11, "this word is too long"),
    (THREAD + "wait \x01\n", 2, 6, "a control character cannot be here"),
    ("".join(f"thread a{i}: get P as A{i}{j}\n" if j == 0 else f" get P as A{i}{j}\n" for i in range(2) for j in range(9))
     .join(["folio P\n", ""]), 18, 11, "too many names: at most 16"),
]


class Language(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.temporary.name) / "case.scene"
        self.addCleanup(self.temporary.cleanup)

    def ask(self, text, *arguments):
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return run(str(self.path), *arguments)

    def test_mistakes(self):
        for text, line, column, says in MISTAKES:
            with self.subTest(text=text[:60]):
                done = self.ask(text, "--runs", "1")
                self.assertEqual(done.returncode, BROKEN, done.stdout + done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertTrue(done.stderr.startswith(f"{self.path}:{line}:{column}: "), done.stderr)
                self.assertIn(says, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)

    def test_every_statement_has_a_mistake(self):
        source = pathlib.Path(SCENARIOS).parent / "scene"
        words = set(re.findall(r'\[SCENE_\w+\] = "([a-z-]+)"', (source / "operation.c").read_text(encoding="utf-8")))
        words |= set(re.findall(r'parse_is\(p, "(\w+)"\)\)\n\t\t\w+\(', (source / "parse.c").read_text(encoding="utf-8")))
        self.assertGreater(len(words), 35)
        wrong = " ".join(text for text, _, _, _ in MISTAKES)
        self.assertEqual({word for word in words if not re.search(rf"\b{word}\b", wrong)}, set())

    def test_setup_that_cannot_be(self):
        for text, says in [("frames 2\nfolio P\n" + THREAD, "no memory"),
                           ("map 0x1001 zero\n" + THREAD, "is not a range of whole pages"),
                           ("map 0xfffffffffffff000 zero pages 2\n" + THREAD, "is not a range of whole pages"),
                           ("map 0x1000 zero\nmap 0x1000 zero\n" + THREAD, "is mapped already"),
                           ("map 0x800000000000 zero\n" + THREAD, "does not translate"),
                           ("folio P order 10\n" + THREAD, "give the scenario more frames"),
                           ("folio P\nget P references 1073741824 must\n" + THREAD, "this must succeed")]:
            with self.subTest(text):
                done = self.ask(text)
                self.assertEqual(done.returncode, BROKEN, done.stdout)
                self.assertIn(says, done.stderr)

    def test_not_text(self):
        for data in [b"\0", b"thread a: wait\n\0", 65536 * b"#", 70000 * b"\n", bytes(range(256))]:
            with self.subTest(data[:20]):
                done = self.ask(data)
                self.assertEqual(done.returncode, BROKEN)
                self.assertNotIn("\x1b", done.stderr)
        done = self.ask(65000 * b"#" + b"\n" + THREAD.encode())
        self.assertEqual(done.returncode, PROVED, done.stderr)

    def test_anything_ends(self):
        """Words, lines and bytes of scenarios, shuffled: nothing crashes or hangs."""
        chance = random.Random(1)
        texts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.scene"))]
        words = sorted({word for text in texts for word in text.split()}) + ["0", "-1", "0xffffffffffffffff", ";", ":"]
        for turn in range(150):
            lines = chance.choice(texts).splitlines(keepends=True)
            for _ in range(chance.randrange(1, 4)):
                at = chance.randrange(len(lines))
                how = chance.randrange(4)
                parts = lines[at].rstrip("\n").split(" ")
                if how == 0:
                    lines[at] = chance.choice(chance.choice(texts).splitlines(keepends=True))
                elif how == 1:
                    parts[chance.randrange(len(parts))] = chance.choice(words)
                    lines[at] = " ".join(parts) + "\n"
                elif how == 2:
                    lines.insert(at, " " + " ".join(chance.choice(words) for _ in range(3)) + "\n")
                else:
                    lines[at] = lines[at][:chance.randrange(len(lines[at]) + 1)] + "\n"
            with self.subTest(turn):
                text = "".join(lines)
                done = self.ask(text, "--runs", "20", "--model", chance.choice(["sc", "tso"]))
                self.assertIn(done.returncode, range(4), text)
                self.assertNotIn("fault of the laboratory", done.stderr, text)

    def test_all_says_so(self):
        folder = pathlib.Path(self.temporary.name)
        (folder / "b.scene").write_text("folio P\nthread one: get P\n", encoding="utf-8")
        (folder / "a.scene").write_text((FOLDER / "overflow.scene").read_text(encoding="utf-8"), encoding="utf-8")
        done = run("--all", "--mutants", folder=folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.splitlines()[-1], "4 proved, 2 found, 0 not finished")
        (folder / "b.scene").write_text("folio P\nthread one: get P\nexpect found\n", encoding="utf-8")
        done = run("--all", "--mutants", folder=folder)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.splitlines()[-1], "2 proved, 2 found, 0 not finished, 2 not as expected")
        (folder / "b.scene").write_text("folio P\nthread one: get Q\n", encoding="utf-8")
        done = run("--all", folder=folder)
        self.assertEqual(done.returncode, BROKEN)
        self.assertEqual(done.stdout.splitlines()[-1], "2 proved, 0 found, 0 not finished, 1 not as expected")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
