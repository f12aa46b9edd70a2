#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Files that the tool writes are whole or absent, and never those that it reads; signals, full disks, terminals."""

import json
import os
import pathlib
import re
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
import schemas

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
        """A new file obeys the umask, a replaced file keeps its permissions, and a link stays."""
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
        """No file that is read is written: the source, its parts, the format, under any name."""
        source, format = (self.path / "x86.img").read_bytes(), self.format.read_bytes()
        (self.out / "source").symlink_to(self.path / "x86.img")
        os.link(self.format, self.out / "hard.pwf")
        for path in [self.path / "x86.img", self.out / "source"]:
            for name, arguments in self.writers(path).items():
                with self.subTest(f"{name} {path}"):
                    self.assertIn(b"is the source, or a part of it", self.tool(*arguments, status=2).stderr)
        for path in [self.format, self.out / "hard.pwf"]:
            for name, arguments in self.writers(path).items():
                if "fold" not in name:
                    with self.subTest(f"{name} {path}"):
                        self.assertIn(b"describes the format", self.tool(*arguments, status=2).stderr)
        parts = f"raw:{self.path / 'x86.img'}@0x100000+0x8000,{self.format}@0x900000"
        self.assertIn(b"is the source, or a part of it", self.tool("cut", *X86, parts, self.format, status=2).stderr)
        self.assertEqual(((self.path / "x86.img").read_bytes(), self.format.read_bytes()), (source, format))

    def test_nothing_to_write(self):
        """A file stays unchanged until the new one is complete."""
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
                self.assertIn(b"Permission denied; name a file that this user may write", self.tool(*arguments, status=2).stderr)
        self.assertEqual(list(self.out.iterdir()), [path])

    def test_no_room(self):
        """After a full disk, or at a limit, the old file is still there."""
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
        """A file that is not regular is written directly."""
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

    def test_closed_output(self):
        """Results go into no file that has the number of a standard output which is closed."""
        for name in "0", "1":
            target = self.path / name
            done = subprocess.run(["sh", "-c", f'exec "$0" "$@" {">&-" if name == "1" else "<&-"}', TOOL, "cut", "sample:x86_64", str(target)],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 2 if name == "1" else 0)
            self.assertEqual("the results cannot be written" in done.stderr, name == "1")
        self.assertEqual((self.path / "0").read_bytes(), (self.path / "1").read_bytes())

    def test_standard_output(self):
        for name in ["svg", "html", "fold svg", "fold html", "read"]:
            drawn = self.tool(*self.writers("-")[name]).stdout
            self.assertEqual(self.tool(*self.writers("/dev/stdout")[name]).stdout, drawn)
            with open(self.out / "file", "wb") as file:
                subprocess.run([TOOL, *map(str, self.writers("/dev/stdout")[name])], stdout=file, timeout=20, check=True)
            self.assertEqual((self.out / "file").read_bytes(), drawn, name)

    def test_open_already(self):
        """A file that the shell opened is written at its position."""
        for name in ["svg", "html", "fold svg", "read"]:
            drawn = self.tool(*self.writers("-")[name]).stdout
            with open(self.out / "file", "wb") as file:
                file.write(b"before ")
                file.flush()
                fd = file.fileno()
                self.tool(*self.writers(f"/dev/fd/{fd}")[name], pass_fds=[fd])
                file.write(b" after")
            self.assertEqual((self.out / "file").read_bytes(), b"before " + drawn + b" after", name)

    def test_same(self):
        for command in [["explain", *X86, self.image, "0x10000"], ["lab", "fold", "--format", "x86_64", "0x10000"]]:
            for other in [self.out / "a", self.out / "." / "a", f"{self.path}/./out/a", f"{self.path}/out/../out/a"]:
                result = self.tool(*command, "--svg", self.out / "a", "--html", other, status=2)
                self.assertIn(b"the same file", result.stderr)
            self.assertIn(b"the same file", self.tool(*command, "--svg", "-", "--html", "/dev/stdout", status=2).stderr)
        self.assertEqual(list(self.out.iterdir()), [])


class Signals(Case):
    def large(self):
        """Tables of 512 MiB, mostly a hole of the file: large enough to interrupt the tool while it writes them."""
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
        """After a signal while a file is written, nothing of it is left, and the old file stays."""
        path = self.out / "file"
        path.write_bytes(b"old")
        source = self.large()
        for number, twice in [(signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, False),
                              (signal.SIGKILL, False), (signal.SIGUSR1, False)]:
            with self.subTest(f"{number} {twice}"):
                with self.behind([TOOL, "cut", *map(str, source), path], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
                    self.stop_writing(process)
                    process.send_signal(number)
                    process.send_signal(signal.SIGCONT)
                    if twice:
                        process.send_signal(number)
                    status = process.wait(timeout=60)
                    self.assertIn(status, [2, -number])
                    if number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                        self.assertEqual(status, 2)
                        self.assertIn(b"interrupted", process.stderr.read())
                self.assertEqual(path.read_bytes(), b"old")
                self.assertEqual(list(self.out.iterdir()), [path])

    def test_read(self):
        """The same for a file of bytes, and with a signal that nobody catches."""
        path = self.out / "file"
        path.write_bytes(b"old")
        (self.path / "self.img").write_bytes(struct.pack("<512Q", *[images.P | images.RW] * 512))
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGPIPE]:
            with self.behind([TOOL, "read", "-o", path, "--format", self.three(), "--root", "0", f"raw:{self.path / 'self.img'}@0", "0",
                              "0x4000000000"], stderr=subprocess.DEVNULL, restore_signals=True) as process:
                self.stop_writing(process)
                process.send_signal(number)
                process.send_signal(signal.SIGCONT)
                self.assertIn(process.wait(timeout=60), [1, 2, -number])
            self.assertEqual(path.read_bytes(), b"old")
            self.assertEqual(list(self.out.iterdir()), [path])

    def behind(self, arguments, **more):
        """Makes a process of low priority that SIGHUP ends, also under nohup(1)."""
        def prepare():
            os.nice(19)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)

        return subprocess.Popen(arguments, preexec_fn=prepare, **more)

    def written(self, process):
        """The size of the file in the folder that the process has open for writing; None if there is none."""
        for link in list(pathlib.Path(f"/proc/{process.pid}/fd").iterdir()):
            try:
                if str(self.out) in os.readlink(link):
                    return os.stat(link).st_size
            except OSError:
                pass
        return None

    def stop_writing(self, process):
        """Stops the process (SIGSTOP) while it is writing its file."""
        for _ in range(4000):
            self.assertIsNone(process.poll(), "ended too early")
            if (self.written(process) or 0) > 1 << 20:
                break
            time.sleep(0.005)
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        self.assertGreater(self.written(process) or 0, 1 << 20, "ended too early")


NAUGHTY = ["\x1b[31mred\x07\x7f\r\u009b0;title\u009c", "line\nfeed", "\u202egnp.exe\u2066\u2028zero\u200bwidth\ufeff\U000e0041"]
RAW = [b"\x9b31m\xff\xfe", b"\xc0\x80\xed\xa0\x80cut\xe2\x80"]


def unsafe(text):
    """The part of @text, bytes, that must not reach a terminal."""
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
    """Names of every origin: none of them steers a terminal, adds a line, or breaks JSON."""

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

    def test_input(self):
        for name in self.naughty():
            result = subprocess.run([TOOL, "translate", *X86, self.image, "-"], input=b"0x10000\n" + name.replace(b"\n", b"") + b"\n",
                                    capture_output=True, timeout=20)
            self.assertEqual(result.returncode, 2)
            self.assertIsNone(unsafe(result.stderr))

    def test_files(self):
        """A source and an output with such names, in every subcommand's text and JSON."""
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
        """The words of a described format."""
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
        """Labels and formats in notes; only a hostile file has such ones."""
        self.tool("cut", "--label", "L" * 39, *X86, self.image, self.out / "cut.elf")
        content = (self.out / "cut.elf").read_bytes()
        for name in self.naughty():
            for field in [b"L" * 39, b"x86_64".ljust(39, b"\0")]:
                self.assertIn(field, content)
                path = self.out / "bad.elf"
                path.write_bytes(content.replace(field, name.ljust(39, b"\0")[:39]))
                for arguments in [["info", path], ["info", "--json", path], ["map", path], ["map", "--format", "x86_64", path]]:
                    self.run_raw(*arguments)


def flatten(value, key=None):
    """All (key, value) pairs of a JSON value, at any depth."""
    if isinstance(value, dict):
        for k, v in value.items():
            yield k, None
            yield from flatten(v, k)
    elif isinstance(value, list):
        for v in value:
            yield from flatten(v, key)
    else:
        yield key, value


def size_text(size):
    """The text of print_size and pw_size_text."""
    units = ["", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"]
    unit = max(u for u in range(7) if size >> (10 * u) or u == 0)
    return f"{size >> (10 * unit)}{units[unit]}" if size % (1 << (10 * unit)) == 0 else f"{size / (1 << (10 * unit)):.1f}{units[unit]}"


class Json(Case):
    """JSON says what the text says, in the words of pagewalk-json(5)."""

    # Words without information: heads of columns, and words beside a value.
    DECORATION = {
        "map": "virtual addresses physical length page prot same tables as at shared", "find": "virtual addresses physical length page prot",
        "find --aliases": "mapped times", "translate": "", "info": "memory FIRST LAST SIZE CPUs or address spaces LINE CPU FORMAT ROOTS FROM "
        "The source does not say where page tables begin give format and root to look them remark", "read": "",
        "check": "writable and executable range ranges malformed entries reserved bits or of the wrong type tables outside memory that we have "
                 "note are used more than once at two levels the same as which is table", "cut": "of tables in segments address space",
        "formats": "NAME ADDRESS BITS PAGES ENTRY ROOT WHAT LE BE",
        "explain": "virtual address hardware Linux view folded not visited entries of at page table physical yes no sign root offset zero read "
                   "write execute user refused empty is walk starts the mapped in a to va contiguous more alike PROT_NONE none entry boundary "
                   "iterates here in tables with last scattered pages by hole holes leaf entered below top leads part x",
        "lab fold": "tables deep so the top table holds entries and level is are folded pages page beside a stack copy stands the caller's of same "
                    "entry an empty level crop turns not visited there no such reached loop turn range what is read passed on address found oracle "
                    "loads from one times twice stack left its their result again lucky right more wrong end memory value none walk_page_range get_user_pages_fast NO TABLE",
    }

    def commands(self):
        x86 = [*X86, self.image]
        self.tool("cut", "--label", "a label", *x86, self.out / "cut.elf")
        yield "map", ["map", *x86]
        yield "map", ["map", "--holes", "--view", "linux", *x86]
        yield "translate", ["translate", *x86, "0x10123", "0x11000", "0x15000", 0, "0x13000", "0x14000", "0x400000", "0x600000", 1 << 47]
        yield "translate", ["translate", "--view", "linux", *x86, "0x13000", "0x14008"]
        yield "read", ["read", *x86, "0x10005", 40]
        yield "find", ["find", *x86, "0x108123", "0x7000000-0x7000fff"]
        yield "find --aliases", ["find", "--aliases", *x86]
        yield "check", ["check", *x86]
        yield "cut", ["cut", *x86, self.out / "again.elf"]
        yield "info", ["info", self.out / "cut.elf"]
        yield "info", ["info", self.image]
        yield "formats", ["formats"]
        for address in ["0x10123", "0x13000", "0x400000", "0x600000", "0x234567", "0x10000-0x15fff", "0x200000-0x7fffff"]:
            yield "explain", ["explain", "--ascii", *x86, address]
            yield "explain", ["explain", "--ascii", "--view", "linux", *x86, address]
        yield "explain", ["explain", "--ascii", "--root", "0x28341c7", "sample:s390x", "0x7fffe000-0x80002fff"]
        yield "lab fold", ["lab", "fold", "--format", "s390x", "--levels", 3, "0x1007ffff000-0x10080000fff"]
        yield "lab fold", ["lab", "fold", "--walk", "pagewalk", "--neighbour", "none", "--strategy", "a,d", "--format", "arm64_16k_47", "0x123456788000"]

    def run_both(self, arguments):
        split = 2 if arguments[0] == "lab" else 1
        text = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=60)
        both = subprocess.run([TOOL, *map(str, arguments[:split]), "--json", *map(str, arguments[split:])], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual((text.returncode, text.stderr), (both.returncode, both.stderr))
        return text.stdout, schemas.check(arguments, [json.loads(line) for line in both.stdout.splitlines()])

    def known(self, objects):
        """Numbers and words of the objects, and those that follow from them: the last address of a range, sizes for people."""
        numbers, words = set(), set()
        for obj in objects:
            for key, value in flatten(obj):
                if value is None:
                    words |= set(re.findall(r"[A-Za-z][\w-]*", key))
                    continue
                if isinstance(value, str):
                    numbers |= {int(n, 0) for n in re.findall(r"0x[0-9a-f]+|\b[0-9]+\b", value) if n == "0" or n[:2] == "0x" or n[0] != "0"}
                    words |= set(re.findall(r"[A-Za-z][\w'-]*", value))
                elif not isinstance(value, bool):
                    numbers.add(value)
        ranges = [o for o in [*objects, *(m for o in objects for m in o.get("mappings", []))] if "va" in o or "pa" in o]
        for o in ranges:
            for key in [k for k in ["va", "pa"] if k in o]:
                for length in [int(o[k]) for k in ["length", "size"] if k in o]:
                    numbers.add(int(o[key], 16) + length - 1)
        return numbers, words

    def test_information(self):
        for name, arguments in self.commands():
            with self.subTest(f"{arguments}"):
                text, objects = self.run_both(arguments)
                text = text.replace(str(self.path), " ")        # a random name, which may look like anything
                numbers, words = self.known(objects)
                if name == "read":
                    self.assertEqual(" ".join(re.findall(r"(?m)^0x\S+ {2,}((?:[0-9a-f]{2} +)+)", text)).split(),
                                     re.findall("..", "".join(o["bytes"] for o in objects)))
                    continue
                missing = {n for n in re.findall(r"0x[0-9a-f]+", text) if int(n, 16) not in numbers} if name not in ("explain",) else \
                          {n for n in re.findall(r"0x[0-9a-f]{4,}", text) if int(n, 16) not in numbers and not self.follows(int(n, 16), numbers)}
                self.assertEqual(missing, set(), f"{arguments}\n{text}\n{objects}")
                sizes = set(re.findall(r"\b\d[\d.]* [KMGTPE]iB", text))
                self.assertEqual(sizes - {size_text(n) for n in numbers} - self.sums(name, objects), set(), f"{arguments}\n{text}\n{objects}")
                spoken = set(re.findall(r"[A-Za-z][\w'-]{2,}", re.sub(r"0x\w+|\b\d[\d.]* ?[KMGTPE](iB|B)?\b", " ", text)))
                self.assertEqual(spoken - words - set(self.DECORATION[name].split()) - {"bytes", "byte"}, set(), f"{arguments}\n{text}")

    def follows(self, number, numbers):
        """Offsets and fields of an address in the objects, and the addresses before and after it."""
        return any(number in (n & 0xfff, n & ~0xfff, n + 1, n - 1, (n >> 12) & 0x1ff, (n >> 20) & 0x7ff, (n >> 48)) for n in numbers)

    def sums(self, name, objects):
        """Sums of sizes in a text."""
        if name == "check":
            return {size_text(sum(int(o["length"]) for o in objects if o.get("finding") == "writable-executable"))}
        if name == "explain" and "first" in objects[-1]:
            return {size_text(int(objects[-1]["last"], 16) - int(objects[-1]["first"], 16) + 1)}
        return set()

    def test_every_address_has_a_status(self):
        for name, arguments in self.commands():
            if name in ("map", "find", "translate"):
                for o in self.run_both(arguments)[1]:
                    self.assertIn("status", o)
                    self.assertEqual("memtype" in o and "flags" in o and "prot" in o, o["status"] == "ok")
            if name == "find --aliases":
                self.assertTrue(all("status" in m for o in self.run_both(arguments)[1] for m in o["mappings"]))

    def test_manual(self):
        """Each key is in pagewalk-json(5), in the section of its subcommand or in the one about addresses."""
        manual = (pathlib.Path(__file__).parents[2] / "man" / "pagewalk-json.5").read_text()
        sections = {part.splitlines()[0]: part for part in re.split(r"(?m)^\.Ss ", manual)[1:]}
        for name, arguments in self.commands():
            for section in ["map, and find"] if name in ("map", "find", "find --aliases") else [name]:
                named = set(re.findall(r"[a-z_\d]+", " ".join(re.findall(r"(?m)^\.(?:It Li|Li|Pq Li) (.*)$", sections[section] +
                                                                        sections["What stands behind an address"]))))
                keys = {key for o in self.run_both(arguments)[1] for key, _ in flatten(o)} - {None}
                self.assertEqual(keys - named, set(), arguments)

    def test_large_numbers(self):
        """There is no number that a double would round."""
        for name, arguments in [*self.commands(), ("map", ["map", "--holes", "--format", "x86_64_la57", "--root", 0, self.image.replace("@0x100000", "@0")])]:
            for o in self.run_both(arguments)[1]:
                for key, value in flatten(o):
                    if isinstance(value, int):
                        self.assertLessEqual(value, 1 << 53)
                    elif isinstance(value, str) and re.fullmatch(r"\d+", value):
                        self.assertGreater(int(value), 1 << 53)


class Help(Case):
    def test_full_disk(self):
        """If any output cannot be written to standard output, there is a message, and no success."""
        for arguments in [["--help"], ["--version"], ["--usage"], ["help"], ["formats"], ["formats", "--json"], ["lab", "--help"],
                          *[[*name.split(), option] for option in ["--help", "--usage", "-?"] for name in
                            ["info", "roots", "map", "translate", "explain", "read", "find", "check", "cut", "lab fold", "formats"]]]:
            with open("/dev/full", "wb") as full:
                result = subprocess.run([TOOL, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=20)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn(b"No space left", result.stderr)
            self.assertEqual(self.tool(*arguments).stderr, b"")

    def test_no_memory(self):
        """The advice names an option that the subcommand has."""
        limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (32 << 20, 32 << 20)), "capture_output": True, "timeout": 60}
        if subprocess.run([TOOL, "info", self.image], **limit).returncode:
            self.skipTest("a sanitizer needs more address space than that")
        maze = self.path / "maze.img"
        maze.write_bytes(b"".join(((i * 2654435761 % 512) << 12 | 0x67).to_bytes(8, "little") for i in range(512 * 512)))
        result = subprocess.run([TOOL, "find", "--aliases", "--format", "x86_64", "--root", "0", f"raw:{maze}@0"], **limit)
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"out of memory", result.stderr)
        self.assertNotIn(b"range", result.stderr)
        result = subprocess.run([TOOL, "info", "sample:x86_64"], **limit)
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"there is not enough memory", result.stderr)

    def test_options(self):
        for arguments, says in [(["--formt", "x"], "unrecognized option '--formt'; did you mean --format?"), (["--ro"], "requires an argument"),
                                (["--json=x"], "doesn't allow an argument"), (["--e"], "is ambiguous"), (["-x"], "invalid option -- 'x'"),
                                (["--format"], "requires an argument"), (["--expan"], "give a SOURCE")]:
            result = self.tool("map", *arguments, status=2)
            self.assertEqual(result.stdout, b"")
            self.assertIn(says, result.stderr.decode())
            self.assertIn("Try `pagewalk map --help'", result.stderr.decode())
        # An option of another subcommand: its name is what the message says, and that one does have it.
        homes = re.findall(r'\{ "([a-z-]+)", "([a-z ]+)" \}', (pathlib.Path(__file__).parents[2] / "cli" / "usage.c").read_text(encoding="utf-8"))
        self.assertGreater(len(homes), 20)
        for option, home in homes:
            done = self.tool("formats", f"--{option}", status=2)
            self.assertIn(f"unrecognized option '--{option}'; `pagewalk {home}' has it", done.stderr.decode())
            self.assertRegex(self.tool(*home.split(), "--help").stdout.decode(), rf"--{option}\b")
        self.assertIn(b"requires an argument -- 'o'", self.tool("read", "-o", status=2).stderr)
        # Arguments after -- are not options, and neither is the value of an option.
        self.assertIn(b"--help: No such file", self.tool("info", "--", "--help", status=2).stderr)
        self.assertIn(b"'--help'", self.tool("map", "--format", "--help", self.image, status=2).stderr)


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    unittest.main(argv=sys.argv)
