#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The laboratory as `make install` leaves it: a stranger's program finds it by pkg-config alone, with each compiler.

usage: install.py BUILD LAB_H COMPILER...
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, LAB_H = sys.argv[1:3]
COMPILERS = [[sys.argv[3:]], [["gcc"]], [["clang"], ["clang-14"]]]
del sys.argv[1:]


def run(*command, status=0, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=100, **more)
    if done.returncode != status:
        raise AssertionError(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def compilers():
    """Every compiler that is there, once."""
    found = {}
    for choices in COMPILERS:
        for command in choices:
            if path := shutil.which(command[0]):
                found.setdefault((os.path.realpath(path), *command[1:]), command)
                break
    return list(found.values())


def header_example():
    """The program of the comment at the top of the header, and the commands that build it."""
    comment = pathlib.Path(LAB_H).read_text(encoding="utf-8").split("*/")[1]
    lines = [line[3:] if line.startswith(" * ") else "" for line in comment.split("\n")]
    code = [line[4:] for line in lines if line.startswith("    ")]
    return "\n".join(line for line in code if not line.startswith("cc ")), [line for line in code if line.startswith("cc ")]


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.path = pathlib.Path(cls.folder.name)
        cls.root = cls.path / "root"
        run(shutil.which("meson"), "install", "-C", BUILD, "--no-rebuild", "--destdir", cls.root)
        cls.config = cls.one("pagewalk-lab.pc").parent
        usual = run("pkg-config", "--variable", "pc_path", "pkg-config").stdout.strip()
        cls.environment = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=str(cls.root),
                               PKG_CONFIG_LIBDIR=f"{cls.config}:{usual}")

    @classmethod
    def one(cls, name):
        found = list(cls.root.rglob(name))
        if len(found) != 1:
            raise AssertionError(f"{name} is installed {len(found)} times: {found}")
        return found[0]

    def flags(self, *options):
        return run("pkg-config", *options, "pagewalk-lab", env=self.environment).stdout.split()

    def test_flags(self):
        flags = self.flags("--cflags")
        for flag in ["-fsanitize=thread", "-fno-builtin", "-g"]:
            self.assertIn(flag, flags)
        flags = self.flags("--libs")
        self.assertNotIn("-fsanitize=thread", flags)
        for flag in ["-lpagewalk-lab", "-ldw"]:
            self.assertIn(flag, flags)
        library = self.one("libpagewalk-lab.a")
        defined = set(re.findall(r" T __wrap_(\w+)$", run("nm", library).stdout, re.MULTILINE))
        self.assertGreater(len(defined), 10)
        self.assertEqual({flag[len("-Wl,--wrap="):] for flag in flags if "--wrap" in flag}, defined)

    def build(self, compiler, name, *flags):
        """The header's example, by the header's commands."""
        code, commands = header_example()
        (self.path / "sb.c").write_text(code, encoding="utf-8")
        self.assertEqual(len(commands), 2)
        for command in commands:
            command = re.sub(r"\$\(pkg-config (.*?) pagewalk-lab\)", lambda found: " ".join(self.flags(*found[1].split())), command)
            command = [word.replace("sb.o", f"{name}.o") for word in command.split()[1:]]
            command = [name if word == "sb" else word for word in command]
            extra = ["-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror", *flags, "-o", f"{name}.o"] if "-c" in command else []
            run(*compiler, *command, *extra, cwd=self.path)
        return self.path / name

    def test_example(self):
        """Sequential consistency lets nothing fail; a late store does. At every optimisation."""
        self.assertTrue(compilers())
        for compiler in compilers():
            for level in ["-O0", "-O2"]:
                with self.subTest(compiler=compiler, level=level):
                    program = self.build(compiler, f"sb{level}", level)
                    proved = run(program, "--model", "sc")
                    self.assertRegex(proved.stdout, r"^proved store-buffer SC: 3 classes .*, complete\n$")
                    found = run(program, "--model", "tso", status=1)
                    self.assertIn("both missed the other's store", found.stdout)
                    self.assertIn("flush", found.stdout)
                    replay = re.search(r"(?m)^ *replay: (.*)", found.stdout)[1].split()
                    again = run(program, *replay[1:], status=1)
                    self.assertIn("both missed the other's store", again.stdout)

    def test_forgotten_flags(self):
        """A program that was compiled without the flags is not "proved"."""
        code, _ = header_example()
        (self.path / "plain.c").write_text(code, encoding="utf-8")
        include = f"-I{self.one('lab.h').parents[1]}"
        run(*compilers()[0], include, "plain.c", "-o", "plain", *self.flags("--libs"), cwd=self.path)
        done = run(self.path / "plain", status=3)
        self.assertEqual(done.stdout, "")
        self.assertIn("pkg-config --cflags pagewalk-lab", done.stderr)

    def test_scenarios(self):
        """The installed tool finds its laboratory, and the laboratory its scenarios, wherever the whole was moved to."""
        tools = list(self.root.rglob("bin/pagewalk"))
        if not tools:
            self.skipTest("this build has no tool")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PAGEWALK_")}
        listed = run(tools[0], "lab", "list", env=environment).stdout
        names = {line.split()[0] for line in listed.split("\n\n")[0].splitlines()}
        self.assertEqual(names, {path.stem for path in self.one("scenarios").glob("*.scene")})
        run(tools[0], "lab", "run", "--model", "sc", "last-look", env=environment)
        for page in ["pw_lab_main.3", "pw_lab_wait.3", "pagewalk-lab.5", "pagewalk-lab.7"]:
            self.one(page)


if __name__ == "__main__":
    unittest.main()
