#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The schemas of --json in doc/schema/: they are schemas, allow what the tool prints, and nothing else.

usage: schema.py PAGEWALK
"""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import images
import schemas

TOOL = None     # set by main
MANUAL = pathlib.Path(__file__).resolve().parents[2] / "man" / "pagewalk-json.5"
X86 = ["--format", "x86_64", "--root", hex(images.CR3)]
# No command of this test prints these: live.py has watch; the laboratory's searches take long.
ELSEWHERE = {"watch", "lab-run", "lab-linux"}


def branches(schema):
    return schema.get("oneOf", [schema])


def keys(value):
    """The names of properties anywhere in a schema."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name == "properties":
                yield from part
            yield from keys(part)
    elif isinstance(value, list):
        for part in value:
            yield from keys(part)


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.path = pathlib.Path(folder.name)
        cls.image = images.x86_64(cls.path / "x86.img")
        cls.found = {}
        for arguments in cls.commands():
            split = 2 if arguments[0] == "lab" else 1
            command = [TOOL, *arguments[:split], "--json", *arguments[split:]]
            done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, check=False)
            if done.returncode == 2:
                raise AssertionError(f"{command}: {done.stderr}")
            objects = [json.loads(line) for line in done.stdout.splitlines()]
            cls.found.setdefault(schemas.name_of(arguments), []).extend(objects)

    @classmethod
    def commands(cls):
        x86 = [*X86, cls.image]
        cut = cls.path / "cut.elf"
        garbage = cls.path / "garbage.img"
        garbage.write_bytes(bytes(range(1, 256)) * 4096)
        garbage = ["--format", "x86_64", "--root", 0, f"raw:{garbage}@0"]
        yield ["cut", "--label", "a label", *x86, cut]
        for sample in [cut, cls.image, "sample:s390x", "sample:arm64"]:
            yield ["info", sample]
        for view in ["hardware", "linux"]:
            yield ["map", "--holes", "--view", view, *x86]
            yield ["map", "--holes", "--view", view, "sample:s390x"]
            yield ["translate", "--view", view, *x86, "0x10123", 0, "0x13000", "0x14000", "0x400000", "0x600000", 1 << 47]
            for address in ["0x10123", "0x13000", "0x14000", "0x400000", "0x600000", 1 << 47, "0x10000-0x15fff", "0x700000-0x7fffff"]:
                yield ["explain", "--view", view, *x86, address]
            yield ["find", "--aliases", "--view", view, *x86]
        yield ["map", "--all", "sample:x86_64"]
        yield ["map", "--summary", *x86]
        yield ["map", *garbage]
        yield ["check", *x86]
        yield ["check", "--limit", 1, *garbage]
        yield ["check", *garbage]
        yield ["check", "--all", "sample:x86_64"]
        yield ["find", *x86, "0x108123", "0x7000000-0x7000fff"]
        yield ["find", "--all", "sample:s390x", "0x1000000"]
        yield ["read", *x86, "0x10005", 40]
        yield ["roots", "sample:s390x"]
        yield ["roots", "sample:x86_64"]
        yield ["formats"]
        yield ["diff", *X86, "--other-root", hex(images.CR3), cls.image, cut]
        yield ["diff", "--view", "linux", "sample:x86_64", "sample:x86_64_la57"]
        yield ["lab", "fold", "--format", "s390x", "--levels", 3, "0x1007ffff000-0x10080000fff"]
        yield ["lab", "fold", "--walk", "pagewalk", "--format", "arm64_16k_47", "0x123456788000-0x123456789fff"]

    def test_are_schemas(self):
        for path in schemas.FOLDER.glob("*.json"):
            schemas.jsonschema.Draft7Validator.check_schema(json.loads(path.read_text()))

    def test_allow_what_is_printed(self):
        for name, objects in self.found.items():
            self.assertGreater(len(objects), 0, name)
            schemas.check([name] if "-" not in name else name.split("-", 1), objects)

    def test_each_kind_of_object_is_printed(self):
        """A kind of which no object was seen may be wrong, or gone."""
        for path in sorted(schemas.FOLDER.glob("*.json")):
            if path.stem == "common" or path.stem in ELSEWHERE:
                continue
            for branch in branches(schemas.schema(path.stem)):
                judge = schemas.validator(path.stem, branch)
                if branch.get("description", "").startswith(("Entries of one group", "A table that is used at two levels", "The version of Linux", "A remark")):
                    continue    # hardware.py, output.py and linux.py have them
                self.assertTrue(any(judge.is_valid(found) for found in self.found[path.stem]), f"{path.stem}: {branch}"[:600])

    def test_refuse_other_objects(self):
        for name, objects in self.found.items():
            judge = schemas.validator(name)
            for found in objects[:50]:
                self.assertFalse(judge.is_valid({**found, "surprise": 1}), name)
                if not name.startswith("lab"):
                    self.assertFalse(judge.is_valid({k: v for k, v in found.items() if k != "status"}), f"{name}: {found}")
                    self.assertFalse(judge.is_valid({**found, "status": "fine"}), f"{name}: {found}")
                for key, value in found.items():
                    if isinstance(value, int) and not isinstance(value, bool) and key not in ("pid",):
                        wrong = copy.deepcopy(found)
                        wrong[key] = hex(value)
                        self.assertFalse(judge.is_valid(wrong), f"{name}: {wrong}")
                    if isinstance(value, str) and value.startswith("0x"):
                        self.assertFalse(judge.is_valid({**found, key: int(value, 16)}), f"{name}: {key}")

    def test_large_numbers(self):
        judge = schemas.validator("common", schemas.schema("common")["definitions"]["count"])
        for value, good in [(0, True), (1 << 53, True), ((1 << 53) + 1, False), (str((1 << 53) + 2), True), ("18446744073709551616", True),
                            ("12", False), ("0x10", False), (-1, False), (1.5, False)]:
            self.assertEqual(judge.is_valid(value), good, value)

    def test_each_subcommand_has_a_schema(self):
        help_text = subprocess.run([TOOL, "help"], capture_output=True, text=True, check=True, timeout=20).stdout
        with_json = {name for name in re.findall(r"(?m)^  ([a-z]+) ", help_text) if name not in ("sim", "lab", "help")}
        self.assertGreaterEqual(with_json, {"map", "translate", "formats"}, help_text)
        self.assertEqual(with_json - {path.stem for path in schemas.FOLDER.glob("*.json")}, set())

    def test_manual_names_each_key(self):
        text = MANUAL.read_text()
        named = set(re.findall(r"[a-z_\d]+", " ".join(re.findall(r"(?m)^\.(?:It Li|Li|Pq Li) (.*)$", text))))
        for path in schemas.FOLDER.glob("*.json"):
            told = {key for key in keys(json.loads(path.read_text())) if not key.startswith("old_")}
            self.assertEqual(told - named, set(), path.name)


if __name__ == "__main__":
    TOOL = sys.argv[1]
    if not schemas.jsonschema:
        print("no python3-jsonschema")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
