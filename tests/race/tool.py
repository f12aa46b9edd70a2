#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`pagewalk lab list` and `pagewalk lab run`: where the laboratory is, exit statuses, and what is said of mistakes.

usage: tool.py PAGEWALK PAGEWALK_LAB PROGRAM
"""
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "cli"))
import pty_text

TOOL, LABORATORY, PROGRAM = sys.argv[1:4]
del sys.argv[1:4]
HERE = {name: value for name, value in os.environ.items() if not name.startswith("PAGEWALK_")}
SCENARIOS = pathlib.Path(__file__).parents[2] / "lab/race/scenarios"
PROVED, FOUND, NOT_FINISHED, BROKEN = range(4)


def lab(*arguments, **environment):
    return subprocess.run([TOOL, "lab", *arguments], capture_output=True, text=True, check=False, timeout=100,
                          env={**HERE, **environment})


class Tool(unittest.TestCase):
    def ends(self, status, *arguments, says="", **environment):
        done = lab(*arguments, **environment)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        if status == BROKEN:
            self.assertIn(says, done.stderr)
            self.assertEqual(done.stdout, "")
        return done

    def test_help(self):
        for command in ["fold", "list", "run", "linux"]:
            self.assertRegex(lab("--help").stdout, rf"(?m)^  {command}  ")
        self.assertIn("Usage: pagewalk lab run ", lab("run", "--help").stdout)
        self.assertIn("Usage: pagewalk lab list", lab("list", "--help").stdout)

    def test_list(self):
        listed = self.ends(0, "list").stdout
        self.assertRegex(listed, r"(?m)^unmap-reuse +\w")
        self.assertEqual(listed, subprocess.run([LABORATORY, "list"], capture_output=True, text=True, check=True,
                                                env=HERE).stdout)
        self.ends(BROKEN, "list", "more", says="Too many arguments")

    def test_statuses(self):
        self.ends(PROVED, "run", "last-look")
        self.ends(FOUND, "run", "unmap-reuse", "--model", "sc", "--mutant", "no-leaf-recheck")
        self.ends(NOT_FINISHED, "run", "unmap-reuse", "--model", "sc", "--runs", "3")
        self.ends(BROKEN, "run", says="'pagewalk lab list' lists them")
        self.ends(BROKEN, "run", "--colour", says="--colour")
        self.ends(BROKEN, "run", "no-such", says="there is no scenario 'no-such'; 'pagewalk lab list' lists")
        self.ends(BROKEN, "run", "./no-such", says="No such file")

    def test_results_that_are_lost(self):
        for words in (["list"], ["run", "last-look", "--model", "sc"],
                      ["run", "unmap-reuse", "--model", "sc", "--mutant", "no-leaf-recheck", "--html", "-"]):
            with open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run([TOOL, "lab", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=HERE)
            self.assertEqual(done.returncode, BROKEN, words)
            self.assertIn("written", done.stderr)

    def test_reader_that_goes(self):
        """As `| head` does: the end of the reader is no fault of the scenario."""
        ends = os.pipe()
        os.close(ends[0])
        done = subprocess.run([TOOL, "lab", "run", "last-look", "unmap-reuse", "--model", "sc"], stdout=ends[1], stderr=subprocess.PIPE,
                              text=True, check=False, env=HERE)
        os.close(ends[1])
        self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, ""))

    def test_words_are_not_for_a_shell(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a $(touch b); 'c.scene"
            path.write_text("thread one: folio P\n", encoding="utf-8")
            self.assertIn("proved a $(touch b); 'c,", self.ends(PROVED, "run", str(path)).stdout)

    def test_json(self):
        """The keys are those of pagewalk-json(5)."""
        page = (pathlib.Path(__file__).parents[2] / "man/pagewalk-json.5").read_text(encoding="utf-8")
        section = re.split(r"(?m)^\.S[sh] ", page[page.index(".Ss lab run\n") + 4:])[0]
        told = {word for line in re.findall(r"(?m)^\.(?:Pq )?Li (.*)", section) for word in re.findall(r"[a-z]+", line)}
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "one.scene").write_text((SCENARIOS / "last-look.scene").read_text(encoding="utf-8"),
                                                            encoding="utf-8")
            found = self.ends(0, "run", "--json", "--all", "--mutants", PAGEWALK_SCENARIOS=folder).stdout
        objects = [json.loads(line) for line in found.splitlines()]
        keys = {key for each in objects for key in each}
        self.assertIn("schedule", keys)
        self.assertEqual(keys - told, set())
        self.assertEqual(set(objects[-1]), {"proved", "found", "unfinished", "unexpected"})

    def test_replay(self):
        """The command below a picture is one for a shell, from any folder."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "it's a; scene.scene"
            path.write_text((SCENARIOS / "unmap-reuse.scene").read_text(encoding="utf-8"), encoding="utf-8")
            for scenario in ["unmap-reuse", str(path)]:
                found = self.ends(FOUND, "run", scenario, "--model", "sc", "--mutant", "no-leaf-recheck").stdout
                command = re.search(r"(?m)^ *replay: (pagewalk lab run .*)", found)[1]
                again = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, cwd="/",
                                       env={**HERE, "PATH": f"{pathlib.Path(TOOL).parent.resolve()}:{os.environ['PATH']}"})
                self.assertEqual(again.returncode, FOUND, again.stderr)
                self.assertEqual(again.stdout.splitlines()[:-1], found.splitlines()[:-1])

    def on_terminal(self, columns, status, *words):
        """What `lab ...` prints on a terminal that is so wide; 0: it does not say how wide."""
        terminal, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen([TOOL, "lab", *words], stdout=end, env=HERE) as process:
            os.close(end)
            shown = pty_text.everything(terminal, process.wait)
            self.assertEqual(process.returncode, status)
        os.close(terminal)
        return shown

    def test_list_fits(self):
        """On a terminal, the same words in lines that fit; a word that is wider than the room stays whole."""
        whole = self.ends(0, "list").stdout
        self.assertGreater(max(map(len, whole.splitlines())), 120)
        for columns in [1, 40, 59, 60, 80, 120, 0]:
            with self.subTest(columns):
                listed = self.on_terminal(columns, 0, "list")
                self.assertEqual(listed.split(), whole.split())
                for line in listed.splitlines():
                    words = line.split()
                    self.assertTrue(len(line) <= (columns or 80) or len(words) == 1 or
                                    (columns >= 60 and not line.startswith(" ") and len(words) == 2), line)
                self.assertRegex(listed, r"(?m)^unmap-reuse\n  \w" if 0 < columns < 60 else r"(?m)^unmap-reuse {10}a pin")
        self.assertEqual([line.split() for line in self.on_terminal(1000, 0, "list").splitlines()],
                         [line.split() for line in whole.splitlines()])

    def test_wrong_numbers(self):
        for words, sentence in [(["--jobs", "4294967296"], "--jobs 4294967296 is too large; give at most 1000000"),
                                (["--bound", "4294967296"], "--bound 4294967296 is too large"),
                                (["--seconds", "1" * 21], "more than 64 bits can hold"),
                                (["--seconds", "-1"], "wants a number, not '-1'")]:
            self.assertIn(sentence, self.ends(BROKEN, "run", "unmap-reuse", *words).stderr)

    def test_control_characters(self):
        """No argument steers the terminal that messages go to."""
        for words in [["\x1b[31m"], ["--mutant", "\x1b[31m"], ["--\x1b[31m"], ["--seconds=\x9b"], ["a\nb.scene"]]:
            done = self.ends(BROKEN, "run", "unmap-reuse", *words, says="control character in argument")
            self.assertRegex(done.stderr, r"\A[ -~\n]+\Z")

    def test_closed_output(self):
        """Results go into no file that has the number of a standard output which is closed."""
        for words in ["run", "unmap-reuse"], ["list"]:
            done = subprocess.run(["sh", "-c", 'exec "$0" lab "$@" >&-', TOOL, *words], stderr=subprocess.PIPE, text=True, check=False, env=HERE)
            self.assertIn("the results cannot be written", done.stderr)
            self.assertEqual(done.returncode, BROKEN)

    def test_runs_fit(self):
        """So do counts and the picture of a finding; only the command that runs it again stays in one piece."""
        for columns in [40, 60, 80]:
            with self.subTest(columns):
                shown = self.on_terminal(columns, FOUND, "run", "unmap-reuse", "--model", "sc", "--mutant", "no-leaf-recheck")
                self.assertRegex(" ".join(shown.split()), r"found unmap-reuse, x86_64, without .* shared words, complete$")
                self.assertIn("publish.h:28", "".join(shown.split()))
                for line in shown.splitlines():
                    self.assertTrue(len(line) <= columns or line.startswith("      replay: pagewalk lab run "), line)

    def interrupt(self, *arguments):
        """A search on a terminal, until its line is there; then Ctrl-C. Returns exit status, output, and the terminal."""
        terminal, end = pty.openpty()
        with subprocess.Popen([TOOL, "lab", "run", *arguments], stdout=subprocess.PIPE, stderr=end, text=True,
                              start_new_session=True, env=HERE) as process:
            os.close(end)
            shown = b""
            while b" runs, " not in shown:
                shown += os.read(terminal, 1000)
            os.killpg(process.pid, signal.SIGINT)
            output = process.communicate(timeout=100)[0]
        try:
            while more := os.read(terminal, 1000):
                shown += more
        except OSError:
            pass
        os.close(terminal)
        return process.returncode, output, shown.decode()

    def test_interrupt(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "long.scene"
            threads = [f"thread t{i}: get P; get P; dirty P; put P; put P; get P; put P\n" for i in range(5)]
            path.write_text("folio P\n" + "".join(threads), encoding="utf-8")
            status, output, shown = self.interrupt(str(path))
            self.assertEqual(status, NOT_FINISHED)
            self.assertRegex(output, r"^not finished long, x86_64 SC: [1-9]\d* classes in \d+ runs .*not complete\n")
            self.assertEqual(output.count("not finished"), 1)
            self.assertRegex(shown, r"\r\x1b\[Klong, x86_64 SC: \d+ runs, \d+ classes")
            self.assertIn("interrupted: searches that had not begun", shown)
            done = self.ends(NOT_FINISHED, "run", str(path), "--model", "sc", "--seconds", "2")
            self.assertEqual(done.stderr, "")  # not a terminal

    def test_places(self):
        folder = str(pathlib.Path(LABORATORY).parent)
        self.ends(PROVED, "run", "last-look", "--model", "sc", PAGEWALK_LIBEXEC=folder)
        for command in ["run", "list"]:
            self.ends(BROKEN, command, says="pagewalk-lab is not there: ", PAGEWALK_LIBEXEC="/nowhere")
        self.ends(BROKEN, "list", says="set PAGEWALK_SCENARIOS", PAGEWALK_SCENARIOS="/nowhere")

    def test_options(self):
        """Help and manual name the same options."""
        root = pathlib.Path(__file__).parents[2]
        pages = [(lab("run", "--help").stdout, (root / "man/pagewalk.1").read_text(), ".Ss lab run\n"),
                 (subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout,
                  (root / "man/pw_lab_main.3").read_text(), ".Sh OPTIONS\n")]
        for text, page, heading in pages:
            options = set(re.findall(r"(?<![\w-])--([a-z][a-z-]*)", re.sub(r"\n {20,}.*", "", text))) - {"help", "usage"}
            self.assertGreater(len(options), 10)
            section = page[page.index(heading) + len(heading):]
            section = re.split(r"(?m)^\.S[sh] ", section)[0]
            self.assertEqual(options, set(re.findall(r"Fl -([a-z][a-z-]*)", section)), heading)


if __name__ == "__main__":
    unittest.main()
