# SPDX-License-Identifier: MIT
"""Compares the manual pages with the headers: every declaration has a page, no page describes anything
that is not declared, and all agree.

usage: man.py SOURCE COMPILER...
"""
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

PRELUDE = """
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <pagewalk/pagewalk.h>
"""


def snippets(source):
    """The pieces of C in README, each in a program of its own."""
    blocks = re.findall(r"(?m)(?:^    .*\n|^\n(?=    ))+", (source / "README.md").read_text())
    found = []
    for block in blocks:
        block = re.sub(r"(?m)^    ", "", block)
        if re.search(r"(?m)^(const )?struct pw_\w+ ", block):
            found.append(re.sub(r"(?m)^#include .*", "", block))
    return ["int main(void)\n{\n\tint fd = open(\"/dev/zero\", O_RDONLY);\n" + block + "\treturn fd < 0;\n}\n" for block in found]


def spaced(text):
    """The C code @text with one way of spacing, to be compared."""
    return " ".join(re.findall(r"\w+|[^\s\w]", text))


def headers():
    """Functions and types of the public headers as {name: declaration}, and the set of their constants."""
    functions, types, constants = {}, {}, set()
    for path in (SOURCE / "include" / "pagewalk").glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        constants |= set(re.findall(r"^#define (PW_\w+)", text, re.MULTILINE))
        text = re.sub(r"^#.*|extern \"C\" \{|__attribute__\(\(.*\)\) ?", "", text, flags=re.MULTILINE)
        for match in re.finditer(r"^((?:struct|enum) (?:pw_\w+ )?\{.*?\});", text, re.MULTILINE | re.DOTALL):
            name = match[1].split("{")[0].strip()
            if name != "enum":
                types[name] = spaced(match[1] + ";")
            if name.startswith("enum"):
                constants |= set(re.findall(r"\b(PW_\w+)(?= =|,| \}|\n)", match[1].split("{", 1)[1]))
        for match in re.finditer(r"^typedef [^;]*?\b(pw_\w+_fn)\([^;]*;", text, re.MULTILINE):
            types["typedef " + match[1]] = spaced(match[0])
        text = re.sub(r"^typedef [^;]*;|^(struct|enum) [^;(]*\{.*?^\};", "", text, flags=re.MULTILINE | re.DOTALL)
        for match in re.finditer(r"^(?:static inline )?([a-z][\w *]*?[ *])(pw_\w+)(\([^;{]*\))\s*[;{]", text, re.MULTILINE):
            functions[match[2]] = spaced(match[1] + match[2] + match[3])
    return functions, types, constants


class Page:
    def __init__(self, path):
        self.name = path.stem
        text = path.read_text()
        section = {part.split("\n")[0]: part for part in re.split(r"^\.Sh ", text, flags=re.MULTILINE)}
        self.names = re.findall(r"^\.Nm (\S+)", section["NAME"], re.MULTILINE)
        self.synopsis = section["SYNOPSIS"]
        self.text = text
        self.blocks = [spaced(block) for block in re.findall(r"^\.Bd.*?\n(.*?)^\.Ed", self.synopsis, re.MULTILINE | re.DOTALL)]
        examples = re.findall(r"^\.Bd.*?\n(.*?)^\.Ed", section.get("EXAMPLES", ""), re.MULTILINE | re.DOTALL)
        self.examples = [example.replace("\\en", "\\n") for example in examples]

    def functions(self):
        """The functions of the synopsis, as a compiler would see them."""
        result, found = None, {}
        lines = iter(self.synopsis.split("\n"))
        for line in lines:
            words = [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', line)]
            if line.startswith(".Ft "):
                result = words[1]
            elif line.startswith(".Fn "):
                found[words[1]] = spaced(f"{result} {words[1]}({', '.join(words[2:])})")
            elif line.startswith(".Fo "):
                arguments = []
                while (line := next(lines)) != ".Fc":
                    arguments.append(re.fullmatch(r'\.Fa "(.*)"', line)[1])
                found[words[1]] = spaced(f"{result} {words[1]}({', '.join(arguments)})")
        return found


class Manual(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.functions, cls.types, cls.constants = headers()
        cls.pages = [Page(path) for path in sorted((SOURCE / "man").glob("*.3"))]

    def test_headers_were_read(self):
        self.assertIn("pw_translate", self.functions)
        self.assertIn("pw_result_size", self.functions)
        self.assertIn("enum pw_stop", self.types)
        self.assertIn("PW_STOP_ROOM", self.constants)

    def test_each_function_has_one_page(self):
        named = [name for page in self.pages for name in page.names if name != "pagewalk"]
        self.assertEqual(sorted(named), sorted(self.functions))

    def test_declarations(self):
        for page in self.pages:
            declared = {name: self.functions[name] for name in page.names if name in self.functions}
            self.assertEqual(page.functions(), declared, page.name)

    def test_types(self):
        shown = [block for page in self.pages for block in page.blocks]
        self.assertEqual(set(shown) - set(self.types.values()), set(), "no header declares these")
        for name, declaration in self.types.items():
            if name != "struct pw_error":  # pagewalk(3) describes it in words
                self.assertEqual(shown.count(declaration), 1, name)

    def test_constants(self):
        told = set()
        for page in self.pages:
            prose = re.sub(r"^\.Dt .*", "", page.text.replace(page.synopsis, ""), flags=re.MULTILINE)
            told |= set(re.findall(r"\bPW_\w+", prose))
        self.assertEqual(told - self.constants, set(), "no header declares these")
        self.assertEqual(self.constants - told - {"PW_MAX_ROOTS"}, set(), "no page describes these")

    def test_reasons(self):
        """doc/pinning.md explains each reason why pinning stops."""
        text = (SOURCE / "doc" / "pinning.md").read_text()
        reasons = {name for name in self.constants if name.startswith("PW_STOP_")} - {"PW_STOP_REASONS", "PW_STOP_DONE"}
        self.assertEqual({name[8:].lower().replace("_", "-") for name in reasons},
                         set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)))
        for name in reasons:
            self.assertRegex(text, rf"(?m)^.*\*\*{name[8:].lower().replace('_', '-')}\b")

    def test_words(self):
        """Arguments and fields that a page names are in its synopsis, or in a struct from the synopsis."""
        for page in self.pages:
            synopsis = " ".join([page.synopsis, "struct pw_error _ret"])
            synopsis += " " + " ".join(self.types.get(name, "") for name in re.findall(r"struct pw_\w+", synopsis))
            known = set(re.findall(r"\w+", synopsis))
            for line in re.findall(r"^\.(?:It )?Fa .*", page.text.replace(page.synopsis, ""), re.MULTILINE):
                words = re.sub(r"Bq \S+", "", line).split()[1:]
                for word in words:
                    if re.fullmatch(r"[a-z_][a-z_0-9]*", word):
                        self.assertIn(word, known, f"{page.name}: {line}")

    def test_references(self):
        known = set(self.functions) | {"pagewalk"}
        for page in self.pages:
            for name in re.findall(r"^\.Xr (pw_\w+|pagewalk) 3", page.text, re.MULTILINE):
                self.assertIn(name, known, page.name)
            for name in re.findall(r"^\.Fn (\w+)", page.text, re.MULTILINE):
                self.assertIn(name, page.names, f"{page.name} has .Fn of another page's function: use .Xr")

    def test_examples_compile(self):
        for page in self.pages:
            self.assertTrue(page.examples, f"{page.name} has no example")
            for example in page.examples:
                done = subprocess.run([*COMPILER, "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra",
                                       f"-I{SOURCE}/include", "-fsyntax-only", "-xc", "-"],
                                      input=PRELUDE + example, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, f"{page.name}:\n{done.stderr}")

    def test_readme_compiles(self):
        """tests/cli/install.py runs these."""
        blocks = snippets(SOURCE)
        self.assertEqual(len(blocks), 2)
        for block in blocks:
            done = subprocess.run([*COMPILER, "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-variable",
                                   f"-I{SOURCE}/include", "-fsyntax-only", "-xc", "-"],
                                  input=PRELUDE + block, capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), block)

    def test_errors_are_checked(self):
        """An example that ignores what a function returns teaches that. The first two return what their callback does."""
        may_be_ignored = {"pw_mm_vmas", "pw_walk_range", "pw_space_unmap", "pw_picture_text", "pw_mm_fault", "pw_look_fast"}
        examples = [(page.name, example) for page in self.pages for example in page.examples]
        for name, example in [*examples, *(("README.md", block) for block in snippets(SOURCE))]:
            for called in re.findall(r"(?:(?<=[;{}])|\A)\s*(pw_\w+)\s*\(", re.sub(r"/\*.*?\*/", "", example, flags=re.DOTALL)):
                if called in self.functions and called not in may_be_ignored:
                    self.assertRegex(self.functions[called], r"^(void|bool) ", f"{name} does not look at what {called}() returns")

    def test_quotes(self):
        """Two quotes on one line would be one in the other."""
        for path in sorted((SOURCE / "man").glob("*.[0-9]")):
            for line in path.read_text().splitlines():
                self.assertIsNone(re.match(r"\..*\b([DSQ]q|Ql)\b.*\b([DSQ]q|Ql)\b", line), f"{path.name}: {line}")

    def test_formatters_are_silent(self):
        paths = sorted((SOURCE / "man").glob("*.[1-9]"))
        for command in (["man", "--warnings", "-E", "UTF-8", "-l"], ["groff", "-ww", "-man", "-z"],
                        ["mandoc", "-Tlint", "-Wwarning"]):
            if not shutil.which(command[0]):
                continue
            for path in paths:
                done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
                complaint = done.stderr + (done.stdout if command[0] == "mandoc" else "")
                # The page is not to blame if mandoc has no index of the other installed pages.
                complaint = re.sub(r"^mandoc: outdated mandoc\.db .*\n", "", complaint, flags=re.MULTILINE)
                self.assertEqual(complaint, "", " ".join([*command, path.name]))


if __name__ == "__main__":
    SOURCE = pathlib.Path(sys.argv[1])
    COMPILER = sys.argv[2:]
    unittest.main(argv=sys.argv[:1])
