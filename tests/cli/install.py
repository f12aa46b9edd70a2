# SPDX-License-Identifier: MIT
"""The files of `make install`, used as a stranger would: only pkg-config says where they are.

usage: install.py SOURCE BUILD EXAMPLE.c COMPILER...
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import man


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.root = pathlib.Path(cls.folder.name) / "root"
        run(shutil.which("meson"), "install", "-C", BUILD, "--no-rebuild", "--destdir", cls.root)
        cls.config = cls.one("pagewalk.pc")
        cls.library = cls.config.parents[1]
        # The library may need other libraries, which are in their usual places.
        usual = run("pkg-config", "--variable", "pc_path", "pkg-config").strip()
        cls.environment = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=str(cls.root), PKG_CONFIG_LIBDIR=f"{cls.config.parent}:{usual}")

    @classmethod
    def one(cls, name):
        found = list(cls.root.rglob(name))
        if len(found) != 1:
            raise AssertionError(f"{name} is installed {len(found)} times: {found}")
        return found[0]

    def flags(self, *options):
        return run("pkg-config", *options, "pagewalk", env=self.environment).split()

    def program(self, name, *flags):
        """Compiles the example with every warning of C11, and runs it on an installed sample."""
        path = pathlib.Path(self.folder.name) / name
        run(*COMPILER, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-o", path, EXAMPLE, *flags)
        samples = self.one("s390x.elf.xz").parent
        answer = run(path, "sample:s390x", "0x1000000",
                     env=dict(os.environ, PAGEWALK_SAMPLES=str(samples), LD_LIBRARY_PATH=str(self.library)))
        self.assertRegex(answer, r"^0x1000000 -> 0x[0-9a-f]+, [r-][w-][x-][uk] page of 4096 bytes$")
        return path

    def test_files(self):
        for name in ["format.h", "memory.h", "pagewalk.h", "pin.h", "space.h", "survey.h", "view.h", "walk.h"]:
            self.assertTrue((self.one("pagewalk.h").parent / name).is_file())
        for name in ["pagewalk.1", "pagewalk.3", "pagewalk-format.5", "pagewalk-sources.7"]:
            self.assertEqual(self.one(name).parent.name, "man" + name[-1])
        self.assertEqual(self.one("bash-completion").parent.name, "share")

    def test_no_build_paths(self):
        """Nothing tells where it was built; pagewalk-lab does, because it quotes its sources."""
        names = ["pagewalk", "libpagewalk.so.0", "libpagewalk.a", "libpagewalk-lab.a"]
        found = [path for path in self.root.rglob("*") if path.name in names and path.is_file()]
        self.assertIn("bin", [path.parent.name for path in found])
        for path in found:
            content = path.read_bytes()
            for folder in [SOURCE, BUILD]:
                self.assertNotIn(os.fsencode(folder), content, path.name)

    def test_stripped(self):
        for path in [self.root.rglob("bin/pagewalk"), self.root.rglob("libpagewalk.so.0")]:
            for program in path:
                self.assertNotIn(".debug_info", run("readelf", "-SW", program))

    def test_prefix_is_in_few_sources(self):
        """Another prefix compiles again what includes a header that has it, and nothing else."""
        commands = json.loads((pathlib.Path(BUILD) / "compile_commands.json").read_text())
        few = [one["file"] for one in commands if "/share/pagewalk" in one["command"] and "/race/" not in one["file"]]
        self.assertEqual(few, [])

    def test_readme(self):
        """README's pieces of C, compiled and run."""
        answers = []
        for number, block in enumerate(man.snippets(pathlib.Path(SOURCE))):
            source, path = (pathlib.Path(self.folder.name) / f"readme{number}{end}" for end in [".c", ""])
            source.write_text(man.PRELUDE + block)
            run(*COMPILER, "-std=gnu11", "-D_GNU_SOURCE", "-Wno-unused-variable", "-o", path, source, *self.flags("--cflags", "--libs"))
            samples = self.one("s390x.elf.xz").parent
            answers.append(run(path, env=dict(os.environ, PAGEWALK_SAMPLES=str(samples), LD_LIBRARY_PATH=str(self.library))))
        self.assertEqual(answers, ["page of 4096 bytes at 0x11a5000\n", ""])

    def test_shared(self):
        if not (self.library / "libpagewalk.so").exists():
            self.skipTest("this build has no shared library")
        path = self.program("shared", *self.flags("--cflags", "--libs"))
        self.assertIn("[libpagewalk.so.0]", run("readelf", "-d", path))

    def test_static(self):
        if not (self.library / "libpagewalk.a").exists():
            self.skipTest("this build has no static library")
        # If there are both, the linker takes the shared library, so this folder has only the static one.
        alone = pathlib.Path(self.folder.name) / "alone"
        alone.mkdir()
        shutil.copy(self.library / "libpagewalk.a", alone)
        flags = self.flags("--cflags", "--static", "--libs")
        path = self.program("static", *[flag for flag in flags if flag != f"-L{self.library}"], f"-L{alone}")
        self.assertNotIn("libpagewalk", run("readelf", "-d", path))

    def declared(self):
        """The functions of the installed headers."""
        headers, declared = self.one("pagewalk.h"), set()
        for name in re.findall(r"#include <pagewalk/(\w+\.h)>", headers.read_text()):
            text = re.sub(r"/\*.*?\*/", "", (headers.parent / name).read_text(), flags=re.DOTALL)
            text = re.sub(r"static inline [^{]*\{.*?\n\}|typedef [^;]*;", "", text, flags=re.DOTALL)
            declared |= set(re.findall(r"\b(pw_\w+)\(", text))
        return declared

    def test_manual(self):
        """Each function has a page under its name; a file that leads to another page is named there."""
        folder = self.one("pagewalk.3").parent
        for path in folder.glob("pw_*.3"):
            text = path.read_text()
            if link := re.fullmatch(r"\.so man3/(\w+\.3)\n", text):
                text = (folder / link[1]).read_text()
            self.assertRegex(text, rf"(?m)^\.Nm {path.stem}( ,)?$")
        self.assertEqual(self.declared() - {path.stem for path in folder.glob("pw_*.3")}, set())

    def test_symbols(self):
        """The shared library has the functions that the headers declare, and nothing else."""
        library = self.library / "libpagewalk.so"
        if not library.exists():
            self.skipTest("this build has no shared library")
        exported = {line.split()[2].split("@")[0] for line in run("nm", "-D", "--defined-only", library).splitlines()
                    if line.split()[1] == "T"}
        self.assertEqual(exported, self.declared())
        self.assertIn("[libpagewalk.so.0]", run("readelf", "-d", library))
        self.assertIn("PAGEWALK_0", run("readelf", "--version-info", library))


if __name__ == "__main__":
    SOURCE, BUILD, EXAMPLE, *COMPILER = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
