# SPDX-License-Identifier: MIT
"""Text on terminals: widths, colours, the pager. Each test runs the tool on a terminal of its own (pty).

usage: terminal.py PAGEWALK
"""
import fcntl
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

import pty_text

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MAPS = [["map", "sample:x86_64"], ["map", "--holes", "sample:arm64"], ["map", "--holes", "--summary", "sample:s390x"],
        ["map", "--view", "linux", "--summary", "sample:i386"], ["map", "--holes", "sample:ppc64le"], ["map", "sample:x86_64_la57"]]


def on_terminal(columns, *words, **environment):
    """Runs the tool on a terminal of so many columns. Returns the lines of all that it writes there, and its status."""
    settings = {"TERM": "xterm", "LC_ALL": "C.UTF-8", "PAGER": "", "NO_COLOR": "", **environment}
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execve(TOOL, [TOOL, *words], {**os.environ, **settings})
    status = []
    text = pty_text.everything(terminal, lambda: status.append(os.waitpid(pid, 0)[1]))
    os.close(terminal)
    return text.splitlines(), os.waitstatus_to_exitcode(status[0])


def in_pipe(*words, **environment):
    return subprocess.run([TOOL, *words], capture_output=True, text=True, check=False, env={**os.environ, **environment}).stdout


def results(lines):
    """Without messages, which go on two columns in."""
    left, inside = [], False
    for line in lines:
        inside = line.startswith("pagewalk: ") or inside and line.startswith("  ")
        if not inside:
            left.append(line)
    return left


class Width(unittest.TestCase):
    def fits(self, columns, *words):
        lines, status = on_terminal(columns, *words)
        self.assertEqual(status, 0, words)
        lines = results(lines)
        self.assertGreater(len(lines), 2)
        for line in lines:
            self.assertLessEqual(len(COLOUR.sub("", line)), columns, f"{words}: {line}")
        return [COLOUR.sub("", line) for line in lines]

    def test_map(self):
        for words in MAPS:
            wanted = [f"0x{int(one['va'], 16):016x}"[-8:] for one in map(json.loads, in_pipe(*words, "--json").splitlines())
                      if "va" in one]
            for columns in [40, 68, 69, 80, 90, 120]:
                lines = self.fits(columns, *words)
                found = [match[1][-8:] for match in (re.match(r"0x([0-9a-f]+)-0x", line) for line in lines) if match]
                self.assertEqual(found, wanted, f"{words} {columns}")

    def test_rows(self):
        lines = self.fits(80, "map", "sample:x86_64", "0x401000-0x44ffff")
        self.assertEqual(lines[0], "virtual addresses                           physical length/page prot")
        self.assertEqual(lines[2], "0x0000000000401000-0x0000000000401fff    0x1b8701000       4K/4K r-xu")
        lines = self.fits(40, "map", "sample:x86_64", "0x401000-0x44ffff")
        self.assertEqual(lines[-4:-2], ["0x0000000000401000-0x0000000000401fff", "  0x1b8701000 4K/4K r-xu"])

    def test_messages(self):
        words = ["translate", "--format", "s390x", "sample:x86_64", "0x401000"]
        whole = subprocess.run([TOOL, *words], capture_output=True, text=True, check=False).stderr
        self.assertEqual(len(whole.splitlines()), 2, whole)
        for columns in [40, 80, 120]:
            lines, status = on_terminal(columns, *words)
            self.assertEqual(status, 1)
            for line in lines:
                self.assertLessEqual(len(line), columns)
            messages = " ".join(lines).replace("   ", " ")
            for message in whole.splitlines():
                self.assertIn(message, messages)

    def test_scripts(self):
        names = re.findall(r"(?m)^(\S+)  +[A-Z]", in_pipe("sim", "--list"))
        self.assertGreater(len(names), 10)
        for columns in [40, 60, 80]:
            lines = self.fits(columns, "sim", "--list")
            self.assertEqual([line.split()[0] for line in lines if not line.startswith(" ")], names)

    def test_formats(self):
        for columns in [40, 80, 149]:
            text = "\n".join(self.fits(columns, "formats"))
            for line in in_pipe("formats").splitlines()[1:]:
                self.assertRegex(text, rf"(?m)^{line.split()[0]}  ")

    def test_explain(self):
        for words in [["sample:s390x", "--cpu", "2", "0x7ffff000"], ["sample:s390x", "--cpu", "2", "0x7ffff000-0x80000fff"],
                      ["sample:x86_64", "0x401000"], ["sample:x86_64_la57", "0x401000"]]:
            for columns in [40, 71, 72, 80]:
                self.fits(columns, "explain", *words)
        text = "\n".join(self.fits(40, "explain", "sample:x86_64", "0x401000"))
        self.assertIn("page of 4 KiB, physical 0x1b8701000", text)

    def test_other_subcommands(self):
        """Lines of words, tables and rows within lines: what the narrow text says is what the wide one does."""
        a = ["--cpu", "0"]
        for words in [["find", "sample:x86_64", *a, "0x1b8600000-0x1b86fffff"], ["find", "sample:x86_64", *a, "0x1b8701000"],
                      ["find", "sample:x86_64", *a, "--aliases"], ["check", "sample:s390x", *a], ["info", "sample:x86_64"],
                      ["roots", "sample:ppc64le"], ["roots", "sample:x86_64"], ["translate", "sample:x86_64", *a, "0x401000", "0x403000"],
                      ["diff", "sample:x86_64", *a, "--other-root", "0x101e2d000"]]:
            wide = in_pipe(*words).split()
            self.assertTrue(wide, words)
            for columns in [80, 130] if words[0] == "info" else [40, 60, 80, 130]:
                lines, status = on_terminal(columns, *words)
                lines = results(lines)
                self.assertNotEqual(status, 2, words)
                for line in lines:
                    self.assertLessEqual(len(line), columns, f"{words}: {line}")
                first = [word for word in wide if re.fullmatch(r"0x[0-9a-f]{16}(-0x[0-9a-f]{16})?", word)]
                text = " ".join(lines)
                for number in {one for word in first for one in word.split("-")}:
                    self.assertIn(f"{int(number, 16):x}", text, f"{words} {columns}")

    def test_help(self):
        """Help, drawings and scripts keep all their words in a narrow terminal, and pass its last column in none."""
        for words in [["--help"], ["--version"], ["help", "map"], ["help", "explain"], ["map", "--usage"], ["sim", "fork-while-pinned"],
                      ["sim", "swap-and-back"], ["lab", "fold", "--format", "s390x", "0x1007ffff000-0x10080000fff"]]:
            wide = [word for word in in_pipe(*words).split() if not re.search(r"[|!?]{2}|-{6}|\.{4}|-$", word)]
            for columns in [40, 60, 80]:
                narrow = self.fits(columns, *words) if words != ["--version"] else on_terminal(columns, *words)[0]
                self.assertLessEqual(max(map(len, narrow)), columns)
                self.assertEqual(set(wide) - set(" ".join(narrow).split()), set(), f"{words} {columns}")
        text = on_terminal(60, "map", "--help", ARGP_HELP_FMT="rmargin=70")[0]
        self.assertGreater(max(map(len, text)), 60)

    def test_pipe_is_wide(self):
        text = in_pipe("map", "sample:x86_64", "0x401000-0x401fff")
        self.assertEqual(text.splitlines()[1:],
                         ["0x0000000000401000-0x0000000000401fff  0x00000001b8701000     4 KiB    4 KiB  r-xu"])


class Colours(unittest.TestCase):
    WORDS = ["map", "sample:x86_64"]

    def test_meaning(self):
        lines, _ = on_terminal(80, *self.WORDS)
        kinds = {"\x1b[1;31m": set(), "\x1b[32m": set(), "\x1b[36m": set()}
        for line in lines:
            if match := re.search(r"(\x1b\[[0-9;]+m)([r-][w-][x-][uk])", line):
                kinds[match[1]].add(match[2])
        self.assertEqual(kinds["\x1b[1;31m"], {"rwxu"})
        self.assertTrue(kinds["\x1b[32m"] and all(prot.endswith("u") for prot in kinds["\x1b[32m"]))
        self.assertTrue(kinds["\x1b[36m"] and all(prot.endswith("k") for prot in kinds["\x1b[36m"]))

    def test_when(self):
        def has(lines):
            return any("\x1b" in line for line in lines)
        self.assertTrue(has(on_terminal(80, *self.WORDS)[0]))
        self.assertTrue(has(on_terminal(80, *self.WORDS, "--color", "always", NO_COLOR="1")[0]))
        self.assertFalse(has(on_terminal(80, *self.WORDS, "--color=never")[0]))
        self.assertFalse(has(on_terminal(80, *self.WORDS, NO_COLOR="1")[0]))
        self.assertFalse(has(on_terminal(80, *self.WORDS, TERM="dumb")[0]))
        self.assertFalse(has(on_terminal(80, *self.WORDS, "--json", "--color=always")[0]))
        self.assertFalse(has([in_pipe(*self.WORDS)]))
        self.assertTrue(has([in_pipe(*self.WORDS, "--color=always")]))
        for words in [self.WORDS, ["formats"], ["explain", "sample:x86_64", "0x401000"]]:
            self.assertFalse(has([in_pipe(*words, "--json", "--color=always")]))

    def test_wrong_word(self):
        done = subprocess.run([TOOL, *self.WORDS, "--color=red"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("auto, always or never, not 'red'", done.stderr)


class Pager(unittest.TestCase):
    MARK = "sed s/^/paged:/"
    RUNS = [["map", "sample:x86_64"], ["formats"], ["explain", "sample:x86_64", "0x401000"]]

    def test_terminal(self):
        for words in self.RUNS:
            lines, status = on_terminal(80, *words, PAGER=self.MARK)
            self.assertEqual(status, 0)
            self.assertTrue(all(line.startswith("paged:") for line in results(lines)), words)

    def test_status(self):
        lines, status = on_terminal(80, "map", "sample:x86_64", "0-0xfff", PAGER=self.MARK)
        self.assertEqual(status, 1)
        self.assertIn("paged:pagewalk: nothing is mapped there; --holes says why", lines)

    def test_none(self):
        for words in self.RUNS:
            self.assertNotIn("paged:", in_pipe(*words, PAGER=self.MARK))
            for more, settings in [(["--no-pager"], {}), (["--json"], {}), ([], {"TERM": "dumb"}), ([], {"PAGER": ""}),
                                   ([], {"PAGER": "cat"})]:
                lines, status = on_terminal(80, *words, *more, **{"PAGER": self.MARK, **settings})
                self.assertEqual(status, 0)
                self.assertFalse(any("paged:" in line for line in lines), f"{words} {more} {settings}")

    def test_less(self):
        """Without PAGER it is less, if that is installed, with the options that git gives it."""
        with tempfile.TemporaryDirectory() as folder:
            less = pathlib.Path(folder) / "less"
            less.write_text('#!/bin/sh\necho "less has $LESS"\nexec cat\n')
            less.chmod(0o755)
            path = f"{folder}:{os.environ['PATH']}"
            script = ["env", "-u", "PAGER", "-u", "LESS", TOOL]
            for folders, found in [(path, True), ("/nowhere", False)]:
                lines = self.with_path(folders, script)
                self.assertEqual("less has FRX" in lines, found)
                self.assertTrue(any(line.startswith("0x0000000000401000") for line in lines))

    def with_path(self, path, script):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "run"
            program.write_text(f"#!/bin/sh\nPATH={path} exec /usr/bin/{' '.join(script)} map sample:x86_64\n")
            program.chmod(0o755)
            return on_terminal_program(str(program))


def on_terminal_program(program):
    global TOOL
    tool, TOOL = TOOL, program
    try:
        return on_terminal(80)[0]
    finally:
        TOOL = tool


class Totals(unittest.TestCase):
    def test_sums(self):
        for name in ["x86_64", "arm64", "s390x"]:
            *ranges, total = [json.loads(line) for line in in_pipe("map", f"sample:{name}", "--summary", "--json").splitlines()]
            self.assertIs(total["summary"], True)
            mapped = [one for one in ranges if one["status"] == "ok"]
            self.assertEqual(total["ranges"], len(mapped))
            self.assertEqual(total["mapped"], sum(one["length"] for one in mapped))
            self.assertEqual(total["mapped"], total["user"] + total["kernel"])
            self.assertEqual(total["writable_executable"],
                             sum(one["length"] for one in mapped if one["prot"][1:3] == "wx"))
            for key, lists in [("prot", total["by_prot"]), ("size", total["by_size"])]:
                found = {}
                for one in mapped:
                    found[one[key]] = found.get(one[key], 0) + one["length"]
                self.assertEqual({one[key]: one["length"] for one in lists}, found)

    def test_text(self):
        lines = in_pipe("map", "sample:x86_64", "--summary", "0x401000-0x44ffff").splitlines()
        at = lines.index("total, in 2 ranges")
        self.assertEqual(lines[at + 1].split(), ["mapped", "316", "KiB"])
        self.assertIn("  r-xu                       316 KiB", lines[at:])


class Regions(unittest.TestCase):
    def names(self, name):
        return {one["region"]: one for one in map(json.loads, in_pipe("map", f"sample:{name}", "--json").splitlines())
                if "region" in one}

    def test_samples(self):
        self.assertIn("user", self.names("x86_64"))
        self.assertIn("kernel text or modules", self.names("x86_64"))
        found = self.names("arm64")
        self.assertEqual(found["linear map"]["va"][:6], "0xffff")
        self.assertIn("modules, vmalloc", found)
        self.assertEqual(self.names("ppc64le"), {})

    def test_headings(self):
        lines = in_pipe("map", "--regions", "sample:x86_64").splitlines()
        self.assertEqual(lines[1], "---[ user ]---")
        self.assertIn("---[ kernel text or modules ]---", lines)
        self.assertNotIn("---[", in_pipe("map", "sample:x86_64"))
        self.assertIn("---[ user ]---", [COLOUR.sub("", line) for line in on_terminal(80, "map", "sample:x86_64")[0]])


if __name__ == "__main__":
    TOOL = os.path.abspath(sys.argv.pop(1))
    unittest.main(argv=sys.argv)
