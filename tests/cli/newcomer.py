#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a newcomer types in the first hour: the commands of README and of pagewalk(1), and the usual mistakes. Each mistake gets a
sentence that says what to try; the words here are those that help.

usage: newcomer.py PAGEWALK
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOL = None     # set by main
SOURCE = pathlib.Path(__file__).resolve().parents[2]

# The command line, its exit status, and words of its output or messages.
SCRIPT = [
    # Where am I?
    ("", 2, "Usage: pagewalk SUBCOMMAND"),
    ("--help", 0, "what is mapped, as merged ranges"),
    ("-h", 0, "Usage: pagewalk SUBCOMMAND"),
    ("help", 0, "Usage: pagewalk SUBCOMMAND"),
    ("help map", 0, "Usage: pagewalk map"),
    ("help lab fold", 0, "Usage: pagewalk lab fold"),
    ("map --help", 0, "--writable"),
    ("map -h", 0, "--writable"),
    ("map guest.elf --help", 0, "--writable"),
    ("lab --help", 0, "compare folding strategies"),
    ("lab -h", 0, "compare folding strategies"),
    ("lab help", 0, "compare folding strategies"),
    ("lab", 2, "compare folding strategies"),
    ("--version", 0, "sources: ELF core"),
    # Subcommands
    ("mapp guest.elf", 2, "did you mean map?"),
    ("help mapp", 2, "did you mean map?"),
    ("lab foldd", 2, "did you mean fold?"),
    ("frobnicate guest.elf", 2, "`pagewalk --help' lists them"),
    ("guest.elf", 2, "the subcommand comes first, as in `pagewalk map guest.elf'"),
    ("guest.elf map", 2, "the subcommand comes first, as in `pagewalk map guest.elf'"),
    ("sample:s390x", 2, "the subcommand comes first, as in `pagewalk map sample:s390x'"),
    ("--json map guest.elf", 2, "the subcommand comes first"),
    ("vtop guest.elf 0x401000", 0, "-> 0x00000001b8701000"),
    ("ptov guest.elf 0x1b8701000", 0, "0x0000000000401000"),
    # Sources
    ("map", 2, "give a SOURCE"),
    ("map nosuch.elf", 2, "nosuch.elf: No such file"),
    ("map .", 2, "is a directory; name a file in it"),
    ("map empty", 2, "empty is empty"),
    ("map text", 2, "raw:text@BASE"),
    ("map short.elf", 2, "truncated"),
    ("map packed.elf.xz", 2, "Unpack it first: xz -dc"),
    ("map sample:", 2, "there are: arm, arm64"),
    ("map sample:x86", 2, "x86_64_la57"),
    ("map raw:text", 2, "write text@0"),
    ("map raw:text@0", 2, "give --format NAME and --root WORD"),
    ("map --format x86_64 raw:text@0", 2, "give --root WORD (CR3)"),
    ("info qemu:nosuch.sock", 2, "start QEMU with -qmp unix:nosuch.sock"),
    ("info qemu:", 2, "qemu:SOCKET or qemu:PID"),
    ("info gdb:localhost", 2, "as in localhost:1234"),
    ("info gdb:localhost:66770", 2, "there is no port 66770"),
    ("info gdb:localhost:1", 2, "Does a gdb stub listen there"),
    ("info raw:text@0,text@0", 2, "each physical address is in one of them only"),
    # Formats and roots
    ("map --format amd64 guest.elf", 0, "'amd64' is taken for x86_64"),
    ("map --format aarch64 --root 0x1000 guest.elf", 2, "is not in the memory that guest.elf has"),
    ("map --format s390x guest.elf", 1, "from a machine (x86_64) that does not use format s390x"),
    ("map --format frobnicate guest.elf", 2, "`pagewalk formats' lists"),
    ("map --root 0x1000 guest.elf", 2, "`pagewalk info' lists the memory, and the roots"),
    ("map --root guest.elf", 2, "give a SOURCE"),
    ("map guest.elf --root", 2, "option '--root' requires an argument"),
    ("map --cpu 99 guest.elf", 2, "`pagewalk info guest.elf' lists"),
    ("map --mair 0xff guest.elf", 2, "leave it out"),
    ("map --view kernel guest.elf", 2, "give hardware or linux"),
    ("map --kernel latest guest.elf", 2, "write it like 6.1"),
    # Options
    ("map guest.elf --writeable", 2, "did you mean --writable?"),
    ("map guest.elf --svg x.svg", 2, "unrecognized option '--svg'; `pagewalk explain' has it"),
    ("find guest.elf --holes", 2, "`pagewalk map' has it"),
    ("cut guest.elf nosuch/tables.img", 2, "there is no such folder; make it first"),
    ("map --tries 3 guest.elf", 2, "`pagewalk translate' has it"),
    ("formats --format x86_64", 2, "unrecognized option '--format'"),
    ("find --limit 3 guest.elf 0x1000", 2, "works only with --aliases"),
    # Numbers
    ("translate guest.elf", 2, "- for addresses from standard input"),
    ("translate guest.elf main", 2, "in hexadecimal with 0x"),
    ("translate guest.elf -1", 2, "no address, length or count is negative"),
    ("map guest.elf -1", 2, "no address, length or count is negative"),
    ("translate 0x401000 guest.elf", 2, "If that is the source, name it before the numbers"),
    ("translate guest.elf 4198400", 0, "0x0000000000401000 ->"),
    ("translate guest.elf 0000000000401000", 0, "0x0000000000401000 ->"),
    ("translate guest.elf ffffffff81000000", 1, "none"),
    ("translate guest.elf 0", 1, "is empty"),
    ("translate guest.elf 0x401000 --", 0, "0x0000000000401000 ->"),
    ("map guest.elf 0x401000", 2, "FIRST-LAST or FIRST+LENGTH"),
    ("map guest.elf 400000-500000", 1, "400000-500000 is taken for decimal: 0x61a80-0x7a120; put 0x before"),
    ("map guest.elf 0400000-04fffff", 2, "put 0x before it"),
    ("map guest.elf 0x2000-0x1000", 2, "ends before it begins"),
    ("map guest.elf 0-0xfff", 1, "nothing is mapped there; --holes says why"),
    ("read guest.elf 0x401000", 2, "an address and a length"),
    ("read guest.elf 0x401000 0", 2, "give at least 1"),
    ("read guest.elf 0x401000 16", 1, "is not in the memory that the source has"),
    ("explain guest.elf 0x401000 0x402000", 2, "one argument too many"),
    ("find guest.elf", 2, "give a physical address, or --aliases"),
    ("find guest.elf 0x1", 1, "nothing maps 0x1"),
    # Output
    ("cut guest.elf", 2, "the name of the file to write"),
    ("cut guest.elf guest.elf", 2, "name another file to write"),
    ("cut guest.elf .", 2, "is not replaced"),
    ("cut --json guest.elf -", 2, "name a file to write"),
    ("explain --svg . guest.elf 0x401000", 2, "is not replaced"),
    ("explain guest.elf 0x401000 --svg", 2, "requires an argument"),
    ("diff guest.elf", 2, "give two SOURCES"),
    ("diff guest.elf guest.elf", 1, "nothing differs"),
    ("diff sample:arm64 guest.elf", 0, "A is arm64_4k_48, and B is x86_64: pages are compared"),
    ("watch --count 1 --interval 0.01 guest.elf", 0, "is not a machine that runs"),
    ("sim", 2, "--list"),
    ("sim --svg x.svg --step 0 swap-and-back", 2, "--step counts from 1"),
    ("lab fold --format s390x --levels 0 0x1000-0x2fff", 2, "at least one level"),
    ("sim nosuch", 2, "`pagewalk sim --list' shows the scripts"),
    ("roots text", 2, "raw:text@BASE"),
]
# What the commands of the documents answer on the image here: one that has the tables alone, of a process.
DOCUMENTED = {"read": 1, "watch": 2, "map qemu": 2, "translate qemu": 2, "diff": 1, "check": 1, "map --format arm64": 2}


def documented():
    """The commands of README and of the manual's examples, with the file where each stands."""
    for line in re.findall(r"(?m)^    (pagewalk .*)$", (SOURCE / "README.md").read_text()):
        # What a command does stands beside it, from the 46th column on.
        yield "README.md", re.sub(r"^(.{43,}?) {2,}\S.*", r"\1", line)
    for path in sorted((SOURCE / "man").glob("*.[17]")):
        examples = re.split(r"(?m)^\.Sh ", path.read_text().split(".Sh EXAMPLES")[-1])[0].replace("\\e\n", "")
        for line in re.findall(r"(?m)^(?:\$ )?(pagewalk .*)$", examples):
            yield path.name, line.replace("\\-", "-")


class Makefile(unittest.TestCase):
    def test_targets(self):
        """What README and CONTRIBUTING.md ask make for is there, and so is all that the Makefile calls a target."""
        text = (SOURCE / "Makefile").read_text()
        phony = set(re.search(r"(?m)^\.PHONY: (.*)$", text)[1].split())
        rules = {name for names in re.findall(r"(?m)^([a-z][a-z0-9 -]*):(?!=)", text) for name in names.split()}
        wanted = {name for file in ("README.md", "CONTRIBUTING.md")
                  for name in re.findall(r"(?m)(?:`|^    )make ([a-z][a-z0-9-]*)", (SOURCE / file).read_text())}
        self.assertGreater(len(wanted), 10)
        self.assertEqual(phony - rules, set())
        self.assertEqual(wanted - rules, set())


class Newcomer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.run_tool("cut sample:x86_64 guest.elf")
        whole = (self.path / "guest.elf").read_bytes()
        for name in ["vmcore", "before.elf", "after.elf"]:
            (self.path / name).write_bytes(whole)
        (self.path / "short.elf").write_bytes(whole[:5000])
        (self.path / "packed.elf.xz").write_bytes((SOURCE / "tests" / "images" / "x86_64.elf.xz").read_bytes())
        (self.path / "empty").touch()
        (self.path / "text").write_text("hello\n")

    def run_tool(self, line):
        done = subprocess.run([TOOL, *shlex.split(line)], capture_output=True, cwd=self.path, stdin=subprocess.DEVNULL, timeout=120, check=False)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def test_script(self):
        self.assertGreaterEqual(len(SCRIPT), 50)
        for line, status, words in SCRIPT:
            with self.subTest(line):
                code, out, said = self.run_tool(line)
                self.assertEqual(code, status, out + said)
                self.assertIn(words, " ".join((out + said).split()))

    def test_mistakes(self):
        """What is wrong is said on standard error alone, by name, in few lines, and without the system's bare words."""
        for line, status, _ in SCRIPT:
            if status != 2 or line in ("", "lab"):
                continue
            with self.subTest(line):
                _, out, said = self.run_tool(line)
                self.assertEqual(out, "")
                self.assertRegex(said, r"\Apagewalk")
                self.assertLessEqual(len(said.splitlines()), 4)
                self.assertNotRegex(said, r"Invalid argument|Success|\(null\)|errno|-?\b22\b|[^\x20-\x7e\n]")

    def test_documents(self):
        found = list(documented())
        self.assertGreater(len(found), 20)
        for name, line in found:
            if line.startswith(("pagewalk lab list", "pagewalk lab run", "pagewalk lab linux")):
                continue    # tests/race has the laboratory's commands
            line = line.removeprefix("pagewalk ")
            with self.subTest(f"{name}: {line}"):
                code, out, said = self.run_tool(line)
                expected = next((status for start, status in DOCUMENTED.items() if line.startswith(start)), 0)
                self.assertEqual(code, expected, out[:2000] + said)

    def test_other_format(self):
        """Between two formats, no index into a register of one of them, and no bit of one alone, counts as a difference."""
        for options in [], ["--json"]:
            _, out, said = self.run_tool(" ".join(["diff", *options, "sample:arm64", "guest.elf"]))
            self.assertIn("moved", out)
            self.assertNotRegex(out, "index|contiguous")
            self.assertIn("without bits that only one format has", said)
            self.assertNotIn("compared", self.run_tool("diff sample:x86_64 guest.elf")[2])

    def test_cut_to_a_pipe(self):
        done = subprocess.run([TOOL, "cut", "guest.elf", "-"], capture_output=True, cwd=self.path, timeout=60, check=True)
        self.assertEqual(done.stdout[:4], b"\x7fELF")
        self.assertEqual(sorted(os.listdir(self.path)), sorted(["guest.elf", "vmcore", "before.elf", "after.elf", "short.elf", "packed.elf.xz", "empty", "text"]))


if __name__ == "__main__":
    TOOL = shutil.which(sys.argv[1]) or sys.argv[1]
    TOOL = str(pathlib.Path(TOOL).resolve())
    unittest.main(argv=sys.argv[:1])
