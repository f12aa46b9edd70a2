# SPDX-License-Identifier: MIT
"""The messages of `make` while it installs and builds, and when it cannot: tools/deps.sh, configure.sh, build.sh.

usage: scripts.py SOURCE_ROOT
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = ["cc", "meson", "ninja", "python3", "pkg-config", "objdump"]
PACKAGES = "gcc meson libsmartcols-dev libcmocka-dev"


class Scripts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        for name in ["sh", "bash", "cat", "cut", "dirname", "grep", "mktemp", "rm", "sed", "sleep", "tail", "tr"]:
            (self.path / name).symlink_to(shutil.which(name))

    def stand_in(self, name, text="exit 0"):
        (self.path / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.path / name).chmod(0o755)

    def debian(self, user, apt="exit 0"):
        self.stand_in("dpkg-query", "echo not-installed")
        self.stand_in("apt-get", apt)
        self.stand_in("id", f"echo {user}")

    def run_script(self, name, *words, **environment):
        return subprocess.run([ROOT / "tools" / name, *words], capture_output=True, text=True, check=False, cwd=ROOT,
                              env={"PATH": str(self.path), "TMPDIR": str(self.path), **environment})

    def test_user_is_told_packages(self):
        self.debian(1000)
        done = self.run_script("deps.sh", "build", "test")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        line = done.stderr.splitlines()[1]
        self.assertRegex(line, r"^  apt-get install --no-install-recommends( [a-z0-9-]+)+$")
        for package in PACKAGES.split():
            self.assertIn(f" {package}", line)

    def test_root_has_packages_installed(self):
        self.debian(0, f'echo "$@" >>{self.path}/said; echo a lot')
        done = self.run_script("deps.sh", "build")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertRegex(done.stderr, r"^pagewalk: installing gcc .*\n$")
        self.assertRegex((self.path / "said").read_text(), r"^[^\n]* install --no-install-recommends gcc [^\n]*\n$")

    def test_uninstall(self):
        """What the list names is removed, and folders that are empty then; everything else stays."""
        own, shared = self.path / "own", self.path / "shared"
        own.mkdir()
        shared.mkdir()
        for path in [own / "page 1", shared / "tool", shared / "others"]:
            path.write_text("")
        (own / "link").symlink_to("page 1")
        for name in ["sort", "rmdir"]:
            (self.path / name).symlink_to(shutil.which(name))
        listed = [own, own / "page 1", own / "link", shared, shared / "tool", own / "page 1", shared / "gone"]
        (self.path / "installed.txt").write_text("# A list\n" + "".join(f"{path}\n" for path in listed))
        done = self.run_script("uninstall.sh", str(self.path))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertFalse(own.exists())
        self.assertEqual([path.name for path in shared.iterdir()], ["others"])
        done = self.run_script("uninstall.sh", str(self.path))
        self.assertEqual(done.returncode, 1)
        self.assertIn("has installed nothing", done.stderr)

    def test_apt_fails(self):
        self.debian(0, 'echo "E: Unable to locate package" >&2; exit 100')
        done = self.run_script("deps.sh", "build")
        self.assertEqual(done.returncode, 1)
        self.assertIn("fetching new lists of packages", done.stderr)
        self.assertIn("E: Unable to locate package", done.stderr)
        self.assertIn("apt could not install gcc", done.stderr.splitlines()[-1])

    def test_no_apt(self):
        done = self.run_script("deps.sh", "build", "test")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("this machine has no apt", done.stderr)
        for part in ["a C compiler", "meson (1.0 or newer)", "libsmartcols (util-linux)", "cmocka"]:
            self.assertIn(part, done.stderr)

    def test_no_apt_and_one_library_is_missing(self):
        for name in PROGRAMS:
            self.stand_in(name)
        self.stand_in("pkg-config", '[ "$2" != liburcu-memb ]')
        done = self.run_script("deps.sh", "build", "test")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.splitlines()[1], "  liburcu (userspace-rcu)")

    def test_no_apt_is_needed(self):
        for name in PROGRAMS:
            self.stand_in(name)
        done = self.run_script("deps.sh", "build", "test")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_unknown_group(self):
        self.debian(0)
        self.assertEqual(self.run_script("deps.sh", "bild").returncode, 2)

    def configured(self, **environment):
        self.stand_in("meson", f'echo "$@" >{self.path}/said; echo "meson.build:1: ERROR: no"; exit 1')
        done = self.run_script("configure.sh", str(self.path / "build"), "-Da=b", **environment)
        self.assertEqual(done.returncode, 1)
        self.assertIn("configuring", done.stderr)
        self.assertIn("ERROR: no", done.stderr)
        return (self.path / "said").read_text().split()

    def test_warnings_are_errors_by_choice(self):
        self.assertEqual(self.configured(), ["setup", str(self.path / "build"), "-Da=b"])
        self.assertEqual(self.configured(WERROR="0"), ["setup", str(self.path / "build"), "-Da=b"])
        self.assertEqual(self.configured(WERROR="1"), ["setup", str(self.path / "build"), "--werror", "-Da=b"])

    def ninja(self, status):
        self.stand_in("ninja", f"""case "$*" in *-n*) exit 0;; esac
for i in 1 2 3 4 5 6 7 8 9 10; do for j in 0 1 2 3 4 5 6 7 8 9; do echo "[$((10 * i - 10 + j + 1))/100] Compiling"; done; done
echo 'file.c:1: warning: odd'
exit {status}""")
        return self.run_script("build.sh", "build")

    def test_build_says_how_far_it_is(self):
        done = self.ninja(0)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        lines = done.stderr.splitlines()
        self.assertEqual(lines[0], "pagewalk: build: 1 of 100 built")
        self.assertIn("pagewalk: build: 50 of 100 built", lines)
        self.assertEqual(lines[-2:], ["pagewalk: build: 100 of 100 built", "file.c:1: warning: odd"])
        self.assertEqual(len(lines), 22)

    def test_build_fails(self):
        self.assertEqual(self.ninja(3).returncode, 3)

    def test_nothing_to_build(self):
        self.stand_in("ninja", "echo 'ninja: no work to do.'")
        done = self.run_script("build.sh", "build")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


if __name__ == "__main__":
    ROOT = pathlib.Path(sys.argv[1])
    unittest.main(argv=sys.argv[:1])
