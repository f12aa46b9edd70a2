#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Files that the tool writes: whole or not at all, never what is read; signals, full disks, and what a terminal gets."""

import json
import os
import pathlib
import resource
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import images

TOOL = None     # set by main
X86 = ["--format", "x86_64", "--root", hex(images.CR3)]
PWF = """format mine
title my own tables # a comment may hold anything: \x1b[31m
entry 8 little
root my root
level page 12 9
span 0 0x1fffff at 51:12
entries page
 none if !0
 leaf at 51:12
entries all
 read
"""


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.image = images.x86_64(self.path / "x86.img")
        self.format = self.path / "mine.pwf"
        self.format.write_text(PWF)
        self.out = self.path / "out"
        self.out.mkdir()

    def tool(self, *arguments, status=0, **more):
        result = subprocess.run([TOOL, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, **more)
        self.assertEqual(result.returncode, status, f"{arguments}\n{result.stdout}\n{result.stderr}")
        return result

    def writers(self, path):
        """Every subcommand that writes a file, with that file's name."""
        own = ["--format", self.format, "--root", hex(images.page(3))]
        return {
            "cut": ["cut", *own, self.image, path],
            "read": ["read", "-o", path, *own, self.image, "0x10000", 16],
            "svg": ["explain", "--svg", path, *own, self.image, "0x10000"],
            "html": ["explain", "--html", path, *own, self.image, "0x10000"],
            "fold svg": ["lab", "fold", "--svg", path, "--source", self.image, *X86, "0x10000"],
            "fold html": ["lab", "fold", "--html", path, "--source", self.image, *X86, "0x10000"],
        }


class Whole(Case):
    def test_new_and_old(self):
        """A new file obeys the umask, one that is replaced keeps its permissions, a link stays."""
        for name, arguments in self.writers(self.out / "file").items():
            with self.subTest(name):
                path = self.out / "file"
                self.tool(*arguments, preexec_fn=lambda: os.umask(0o027))
                whole = path.read_bytes()
                self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640)
                path.write_bytes(b"old")
                path.chmod(0o604)
                (self.out / "link").symlink_to("file")
                (self.out / "other").symlink_to(self.out / "link")
                self.tool(*self.writers(self.out / "other")[name])
                self.assertTrue((self.out / "link").is_symlink())
                self.assertTrue((self.out / "other").is_symlink())
                self.assertEqual(path.read_bytes(), whole)
                self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o604)
                path.unlink()
                self.tool(*self.writers(self.out / "link")[name])
                self.assertEqual(path.read_bytes(), whole)
                self.assertEqual(sorted(p.name for p in self.out.iterdir()), ["file", "link", "other"])
                for p in self.out.iterdir():
                    p.unlink()

    def test_inputs(self):
        """No file that is read is written: the source, parts of it, the format, under any name."""
        source, format = (self.path / "x86.img").read_bytes(), self.format.read_bytes()
        (self.out / "source").symlink_to(self.path / "x86.img")
        os.link(self.format, self.out / "hard.pwf")
        for path in [self.path / "x86.img", self.out / "source"]:
            for name, arguments in self.writers(path).items():
                with self.subTest(f"{name} {path}"):
                    self.assertIn(b"this is the source", self.tool(*arguments, status=2).stderr)
        for path in [self.format, self.out / "hard.pwf"]:
            for name, arguments in self.writers(path).items():
                if "fold" not in name:
                    with self.subTest(f"{name} {path}"):
                        self.assertIn(b"describes the format", self.tool(*arguments, status=2).stderr)
        parts = f"raw:{self.path / 'x86.img'}@0x100000+0x8000,{self.format}@0x900000"
        self.assertIn(b"this is the source", self.tool("cut", *X86, parts, self.format, status=2).stderr)
        self.assertEqual(((self.path / "x86.img").read_bytes(), self.format.read_bytes()), (source, format))

    def test_nothing_to_write(self):
        """A file stays as it was until there is another one."""
        path = self.out / "file"
        path.write_bytes(b"old")
        for arguments, status in [(["read", "-o", path, *X86, self.image, "0x800000", 16], 1),
                                  (["read", "-o", path, *X86, self.image, "0x12ff0", 0x1000], 1),
                                  (["read", "-o", path, *X86, self.path / "none", "0x10000", 16], 2),
                                  (["cut", "--format", "x86_64", "--root", "0x7000000", self.image, path], 2),
                                  (["explain", "--svg", path, *X86, self.path / "none", 0], 2),
                                  (["lab", "fold", "--svg", path, "--format", "x86_64", "--levels", 9, 0], 2)]:
            self.assertNotEqual(self.tool(*arguments, status=status).stderr, b"")
            self.assertEqual(path.read_bytes(), b"old")
        path.chmod(0o444)
        if os.geteuid() != 0:
            for arguments in self.writers(path).values():
                self.assertIn(b"Permission denied", self.tool(*arguments, status=2).stderr)
        self.assertEqual(list(self.out.iterdir()), [path])

    def test_no_room(self):
        """A full disk, or a limit, leaves what was there."""
        path = self.out / "file"
        limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4, 4))}
        for name, arguments in self.writers(path).items():
            with self.subTest(name):
                self.assertIn(b"File too large", self.tool(*arguments, status=2, **limit).stderr)
                self.assertEqual(list(self.out.iterdir()), [])
                path.write_bytes(b"old")
                self.assertIn(b"is left as it was", self.tool(*arguments, status=2, **limit).stderr)
                self.assertEqual(path.read_bytes(), b"old")
                path.unlink()

    def test_special(self):
        """What is no regular file is written as it is."""
        for name, arguments in self.writers("/dev/null").items():
            self.tool(*arguments, status=2 if name == "cut" else 0)
        for name, arguments in self.writers("/dev/full").items():
            if name != "cut":
                self.assertIn(b"No space left", self.tool(*arguments, status=2).stderr, name)
        os.mkfifo(self.out / "fifo")
        for name, arguments in self.writers(self.out / "fifo").items():
            if name == "cut":
                continue
            with subprocess.Popen([TOOL, *map(str, arguments)], stdout=subprocess.DEVNULL) as process:
                self.assertGreater(len((self.out / "fifo").read_bytes()), 15, name)
                self.assertEqual(process.wait(timeout=20), 0)
        for name, arguments in self.writers(self.out).items():
            self.assertIn(b"pagewalk: ", self.tool(*arguments, status=2).stderr, name)

    def test_standard_output(self):
        for name in ["svg", "html", "fold svg", "fold html", "read"]:
            drawn = self.tool(*self.writers("-")[name]).stdout
            self.assertEqual(self.tool(*self.writers("/dev/stdout")[name]).stdout, drawn)
            with open(self.out / "file", "wb") as file:
                subprocess.run([TOOL, *map(str, self.writers("/dev/stdout")[name])], stdout=file, timeout=20, check=True)
            self.assertEqual((self.out / "file").read_bytes(), drawn, name)

    def test_same(self):
        for command in [["explain", *X86, self.image, "0x10000"], ["lab", "fold", "--format", "x86_64", "0x10000"]]:
            for other in [self.out / "a", self.out / "." / "a", f"{self.path}/./out/a", f"{self.path}/out/../out/a"]:
                result = self.tool(*command, "--svg", self.out / "a", "--html", other, status=2)
                self.assertIn(b"the same file", result.stderr)
        self.assertEqual(list(self.out.iterdir()), [])


class Signals(Case):
    def large(self):
        """Tables of 512 MiB, most of them a hole of the file: enough to be in the middle of writing them."""
        path = self.path / "large.img"
        tables = 512 * 256
        entry = images.P | images.RW
        with open(path, "wb") as file:
            file.write(struct.pack("<512Q", *[(i + 1 << 12) | entry for i in range(256)] + [0] * 256))
            for top in range(256):
                first = 257 + top * 512
                file.write(struct.pack("<512Q", *[(first + i << 12) | entry for i in range(512)]))
            file.truncate((257 + tables) << 12)
        return ["--format", self.three(), "--root", "0", f"raw:{path}@0"]

    def three(self):
        path = self.path / "three.pwf"
        path.write_text("format three\nentry 8 little\nroot r\nlevel top 30 9\nlevel middle 21 9\nlevel page 12 9\n"
                        "span 0 0x7fffffffff at 51:12\nentries top middle\n none if !0\n table at 51:12\n"
                        "entries page\n none if !0\n leaf at 51:12\nentries all\n read\n")
        return path

    def test_cut(self):
        """A signal while a file is written: nothing is left of it, and what was there stays."""
        path = self.out / "file"
        path.write_bytes(b"old")
        source = self.large()
        for number, twice in [(signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, False),
                              (signal.SIGKILL, False), (signal.SIGUSR1, False)]:
            with self.subTest(f"{number} {twice}"):
                with subprocess.Popen([TOOL, "cut", *map(str, source), path], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
                    self.wait_for_writing(process)
                    began = time.monotonic()
                    process.send_signal(number)
                    if twice:
                        process.send_signal(number)
                    status = process.wait(timeout=20)
                    self.assertLess(time.monotonic() - began, 2)
                    self.assertIn(status, [2, -number])
                    if number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                        self.assertEqual(status, 2)
                        self.assertIn(b"interrupted", process.stderr.read())
                self.assertEqual(path.read_bytes(), b"old")
                self.assertEqual(list(self.out.iterdir()), [path])

    def wait_for_writing(self, process):
        """Until the process has a file open for writing in the folder, and something in it."""
        folder = pathlib.Path(f"/proc/{process.pid}/fd")
        for _ in range(2000):
            self.assertIsNone(process.poll(), "ended too early")
            for link in list(folder.iterdir()):
                try:
                    if str(self.out) in os.readlink(link) and os.stat(link).st_size > 1 << 20:
                        return
                except OSError:
                    pass
            time.sleep(0.005)
        self.fail("nothing was written")


NAUGHTY = ["\x1b[31mred\x07\x7f\r\u009b0;title\u009c", "line\nfeed", "\u202egnp.exe\u2066\u2028zero\u200bwidth\ufeff\U000e0041"]
RAW = [b"\x9b31m\xff\xfe", b"\xc0\x80\xed\xa0\x80cut\xe2\x80"]


def unsafe(text):
    """What of @text, bytes, must not reach a terminal."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        return f"no UTF-8: {text[max(0, error.start - 20):error.end + 20]}"
    for i, c in enumerate(decoded):
        n = ord(c)
        if (n < 32 and c != "\n") or 0x7f <= n < 0xa0 or n in (0x61c, 0xfeff) or 0x200b <= n <= 0x200f or \
                0x2028 <= n <= 0x202e or 0x2060 <= n <= 0x206f or 0xe0000 <= n <= 0xe0fff:
            return f"U+{n:04x} in {decoded[max(0, i - 20):i + 20]!r}"
    return None


class Terminal(Case):
    """Names of every origin; none of them steers a terminal, adds a line, or spoils JSON."""

    def naughty(self):
        return [name.encode() for name in NAUGHTY] + RAW

    def run_raw(self, *arguments):
        arguments = [a if isinstance(a, bytes) else str(a).encode() for a in arguments]
        result = subprocess.run([TOOL.encode(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        for stream, text in [("stdout", result.stdout), ("stderr", result.stderr)]:
            self.assertIsNone(unsafe(text), f"{arguments}: {stream}")
        self.assertIn(result.returncode, [0, 1, 2], arguments)
        return result

    def test_arguments(self):
        image = self.image
        for name in self.naughty():
            for arguments in [
                    [name], [b"--" + name], ["map", name], ["map", b"raw:" + name + b"@0"], ["map", b"raw:x@" + name], ["map", b"sample:" + name],
                    ["map", name + b":x"], ["info", name], ["map", "--format", name, "--root", 0, image], ["map", "--root", name, image],
                    ["map", "--format", b"./" + name, "--root", 0, image], ["map", b"--format=" + name, image], ["map", "--cpu", name, image],
                    ["map", "--view", name, image], ["map", "--kernel", name, image], ["map", "--encryption-bit", name, image],
                    ["map", b"--" + name, image], ["map", b"--formot=" + name, image], ["map", b"--json=" + name, image],
                    ["map", b"--r=" + name, image], ["map", b"-" + name, image], ["map", *X86, image, name], ["map", *X86, image, 0, name],
                    ["translate", *X86, image, name], ["explain", *X86, image, name], ["explain", "--width", name, *X86, image, 0],
                    ["read", *X86, image, name, 1], ["read", *X86, image, 0x10000, name],
                    ["read", "-o", b"/no/" + name, *X86, image, 0x10000, 1], ["read", b"-o/no/" + name, *X86, image, 0x10000, 1],
                    ["find", *X86, image, name], ["check", "--limit", name, image], ["check", *X86, image, name],
                    ["cut", "--label", name, *X86, image, "/no/x"], ["cut", "--space", name, *X86, image, "/no/x"],
                    ["cut", "--range", name, *X86, image, "/no/x"], ["cut", *X86, image, b"/no/" + name], ["cut", *X86, image, "x", name],
                    ["explain", "--svg", b"/no/" + name, *X86, image, 0x10000], ["formats", name], ["info", image, name], ["lab", name],
                    ["lab", "fold", "--strategy", name, "--format", "s390x", 0], ["lab", "fold", "--style", name, "--format", "s390x", 0],
                    ["lab", "fold", "--walk", name, 0], ["lab", "fold", "--format", name, 0], ["lab", "fold", "--html", b"/no/" + name,
                                                                                             "--format", "s390x", 0]]:
                result = self.run_raw(*arguments)
                self.assertLessEqual(result.stderr.count(b"\n"), 3, arguments)

    def test_files(self):
        """A source and an output of such names: in every subcommand's text and JSON."""
        content = (self.path / "x86.img").read_bytes()
        for name in self.naughty():
            folder = os.fsencode(self.path)
            path = folder + b"/" + name + b".img"
            with open(path, "wb") as file:
                file.write(content)
            source = b"raw:" + path + b"@0x100000"
            output = folder + b"/out/" + name
            for mode in [[], ["--json"]]:
                for arguments in [["info", source], ["map", *X86, source], ["map", *X86, "--root", 1, source], ["map", source],
                                  ["translate", *X86, source, 0x10000, 0x500000], ["explain", *X86, source, 0x10000],
                                  ["explain", *X86, source, "0x10000-0x20000"], ["explain", *X86, path, 0],
                                  ["read", *X86, source, 0x15000, 1], ["find", *X86, source, 0x108000], ["check", *X86, source],
                                  ["cut", *X86, source, output], ["info", output], ["map", "--cpu", 7, output], ["map", output]]:
                    result = self.run_raw(arguments[0], *mode, *arguments[1:])
                    if mode:
                        for line in result.stdout.splitlines():
                            json.loads(line)
            for drawing in ["--svg", "--html"]:
                self.assertIsNone(unsafe(self.run_raw("explain", drawing, "-", *X86, path, 0x10000).stdout))
            self.assertEqual(self.run_raw("explain", "--html", output, *X86, source, 0x10000).returncode, 0)
            self.assertIsNone(unsafe(pathlib.Path(os.fsdecode(output)).read_bytes().replace(b"\t", b"")))

    def test_json_keeps_names(self):
        for name in NAUGHTY:
            path = self.path / f"{name}.img"
            path.write_bytes((self.path / "x86.img").read_bytes())
            self.assertEqual(json.loads(self.run_raw("info", "--json", f"raw:{path}@0").stdout.splitlines()[0])["source"], f"raw:{path}@0")

    def test_descriptions(self):
        """A format's own words."""
        for name in self.naughty():
            for word in [b"mine", b"my own tables", b"my root", b"page"]:
                if b"\n" in name:
                    continue
                path = self.path / "bad.pwf"
                path.write_bytes(PWF.encode().replace(word, name.replace(b" ", b"")))
                for arguments in [["map"], ["explain", "--json"], ["check"]]:
                    more = ["0x10000"] if arguments[0] == "explain" else []
                    result = self.run_raw(*arguments, "--format", path, "--root", hex(images.page(3)), self.image, *more)
                    self.assertEqual(result.returncode, 2)

    def test_labels(self):
        """Labels and formats in notes, which only a hostile file can hold so."""
        self.tool("cut", "--label", "L" * 39, *X86, self.image, self.out / "cut.elf")
        content = (self.out / "cut.elf").read_bytes()
        for name in self.naughty():
            for field in [b"L" * 39, b"x86_64".ljust(39, b"\0")]:
                self.assertIn(field, content)
                path = self.out / "bad.elf"
                path.write_bytes(content.replace(field, name.ljust(39, b"\0")[:39]))
                for arguments in [["info", path], ["info", "--json", path], ["map", path], ["map", "--format", "x86_64", path]]:
                    self.run_raw(*arguments)


class Help(Case):
    def test_full_disk(self):
        """Whatever goes to standard output: that it could not is told, and no success."""
        for arguments in [["--help"], ["--version"], ["--usage"], ["help"], ["formats"], ["formats", "--json"], ["lab", "--help"],
                          *[[*name.split(), option] for option in ["--help", "--usage", "-?"] for name in
                            ["info", "map", "translate", "explain", "read", "find", "check", "cut", "lab fold", "formats"]]]:
            with open("/dev/full", "wb") as full:
                result = subprocess.run([TOOL, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=20)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn(b"No space left", result.stderr)
            self.assertEqual(self.tool(*arguments).stderr, b"")

    def test_options(self):
        for arguments, says in [(["--formt", "x"], "unrecognized option '--formt'; did you mean --format?"), (["--ro"], "requires an argument"),
                                (["--json=x"], "doesn't allow an argument"), (["--e"], "is ambiguous"), (["-x"], "invalid option -- 'x'"),
                                (["--format"], "requires an argument"), (["--expan"], "give a SOURCE")]:
            result = self.tool("map", *arguments, status=2)
            self.assertEqual(result.stdout, b"")
            self.assertIn(says, result.stderr.decode())
            self.assertIn("Try `pagewalk map --help'", result.stderr.decode())
        self.assertIn(b"requires an argument -- 'o'", self.tool("read", "-o", status=2).stderr)
        # What follows -- is no option, and the value of an option is none.
        self.assertIn(b"--help: No such file", self.tool("info", "--", "--help", status=2).stderr)
        self.assertIn(b"'--help'", self.tool("map", "--format", "--help", self.image, status=2).stderr)


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    unittest.main(argv=sys.argv)
