#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Completion in bash, zsh and fish, as the build writes it: what each shell offers behind a few beginnings of command lines.

usage: completion.py PAGEWALK FOLDER    (of pagewalk, _pagewalk, pagewalk.fish)
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOL = FOLDER = None    # set by main

# The beginning of a line, some words that are offered for its last word, and some that are not.
LINES = [
    ("pagewalk ", {"map", "translate", "formats", "lab", "help"}, {"--writable", "fold"}),
    ("pagewalk help ", {"map", "roots"}, set()),
    ("pagewalk map --wr", {"--writable"}, {"--wx", "--svg"}),
    ("pagewalk explain --s", {"--svg"}, {"--holes"}),
    ("pagewalk map --format x86_64", {"x86_64", "x86_64_la57"}, {"s390x"}),
    ("pagewalk map --view ", {"hardware", "linux"}, set()),
    ("pagewalk map --root ", {"kernel"}, set()),
    ("pagewalk map guest.elf --cpu ", {"kernel", "0"}, {"9"}),
    ("pagewalk lab ", {"fold", "list", "run", "linux"}, {"map"}),
    ("pagewalk lab fold --strat", {"--strategy"}, {"--svg"}),
    ("pagewalk sim copy", {"copy-on-write"}, {"swap-and-back"}),
]


def last_words(text):
    return {line.split("\t")[0].strip() for line in text.splitlines() if line.strip()}


class Completion(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        (self.path / "bin").mkdir()
        (self.path / "bin" / "pagewalk").symlink_to(TOOL)
        self.environment = dict(os.environ, PATH=f"{self.path}/bin:{os.environ['PATH']}", HOME=str(self.path), TERM="dumb")
        self.run_program("pagewalk", "cut", "sample:s390x", "guest.elf")

    def run_program(self, *command, **more):
        return subprocess.run(command, capture_output=True, text=True, cwd=self.path, env=self.environment, timeout=60, check=False, **more).stdout

    def compare(self, offers, colon):
        for line, there, absent in LINES:
            with self.subTest(line):
                words = offers(line)
                self.assertEqual(there - words, set(), words)
                self.assertEqual(absent & words, set())
        with self.subTest("samples"):
            self.assertIn(colon, offers("pagewalk map sample:s39"))

    def bash(self, line):
        words = [word for word in re.findall(r"[:=]|[^\s:=]+", line)] + ([""] if line.endswith(" ") else [])
        quoted = " ".join(f"'{word}'" for word in words)
        return last_words(self.run_program("bash", "--norc", "-c", f"""
            . {FOLDER}/pagewalk; COMP_WORDS=({quoted}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _pagewalk
            printf '%s\\n' "${{COMPREPLY[@]}}" """))

    def test_bash(self):
        self.compare(self.bash, "s390x")
        self.assertIn("linux", self.bash("pagewalk map --view=l"))
        self.assertIn("guest.elf", self.bash("pagewalk map gue"))

    def test_every_option(self):
        """Each option of a subcommand's help is offered."""
        names = re.findall(r"(?m)^  ([a-z]+) ", self.run_program("pagewalk", "--help"))
        commands = [name for name in names if name != "lab"] + ["lab " + name for name in re.findall(r"(?m)^  ([a-z]+) ", self.run_program("pagewalk", "lab", "--help"))]
        self.assertGreater(len(commands), 15)
        for name in commands:
            text = re.sub(r"\n {20,}.*", "", self.run_program("pagewalk", *name.split(), "--help"))
            options = set(re.findall(r"(?m)^ {2,8}(?:-\w, )?(--[a-z][a-z0-9-]*)", text))
            self.assertEqual(options - self.bash(f"pagewalk {name} -") - {"--usage"}, set(), name)

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish(self):
        def offers(line):
            return last_words(self.run_program("fish", "--no-config", "-c", f"source {FOLDER}/pagewalk.fish; complete -C '{line}'"))

        self.compare(offers, "sample:s390x")
        self.assertIn("guest.elf", offers("pagewalk map gue"))

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh(self):
        (self.path / "functions").mkdir()
        shutil.copy(pathlib.Path(FOLDER) / "_pagewalk", self.path / "functions" / "_pagewalk")
        # The shell runs on a terminal of its own, and shows what it would offer.
        script = r"""
            zmodload zsh/zpty
            zpty z zsh -f -i
            zpty -w z 'PROMPT= RPROMPT=; fpath=(%s/functions $fpath); autoload -Uz compinit; compinit -u -D; stty rows 999 columns 200'
            zpty -w z 'zstyle ":completion:*" list-prompt ""; LISTMAX=9999; unsetopt beep zle_bracketed_paste; unset zle_bracketed_paste'
            zpty -w z 'comp() { compadd() { local a=(); builtin compadd -O a "$@"; print -rl -- $a; builtin compadd "$@" }; _main_complete; exit }'
            zpty -w z 'zle -C comp list-choices comp; bindkey "^X" comp; print READY'
            zpty -r z text '*READY*READY*'
            zpty -n -w z "$1"$'\x18'
            while zpty -r z text; do print -r -- "$text"; done
        """ % self.path

        def offers(line):
            text = self.run_program("zsh", "-f", "-c", script, "zsh", line)
            return {word for row in text.replace("\r", "\n").splitlines() for word in [row.strip(), row.strip().split(":")[0]]} | set(text.split())

        self.compare(offers, "sample:s390x")


if __name__ == "__main__":
    TOOL, FOLDER = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:])
    unittest.main(argv=sys.argv[:1])
