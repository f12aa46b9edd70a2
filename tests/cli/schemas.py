# SPDX-License-Identifier: MIT
"""Compares what --json prints with doc/schema/. The tests of the tool hand their objects to check()."""
import functools
import json
import pathlib

try:
    import jsonschema
except ImportError:     # Debian: python3-jsonschema
    jsonschema = None

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "doc" / "schema"


def name_of(arguments):
    """The schema of a command line: "map", "lab-fold", ..."""
    words = [str(word) for word in arguments if not str(word).startswith("-")]
    return f"lab-{words[1]}" if words[0] == "lab" else words[0]


@functools.lru_cache(maxsize=None)
def schema(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def resolved(value, file="common"):
    """A schema with what its references lead to in their places; none leads back to itself."""
    if isinstance(value, list):
        return [resolved(part, file) for part in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        there, pointer = value["$ref"].split("#/definitions/")
        there = there.removesuffix(".json") or file
        return resolved(schema(there)["definitions"][pointer], there)
    return {key: resolved(part, file) for key, part in value.items()}


def validator(name, part=None):
    """What validates objects of the schema, or of @part of it."""
    return jsonschema.Draft7Validator(resolved(part or schema(name), name))


def check(arguments, objects, most=200):
    """Fails with a sentence if one of the first objects is not as the schema of the subcommand says."""
    if not jsonschema:
        return objects
    judge = validator(name_of(arguments))
    for found in objects[:most]:
        for error in judge.iter_errors(found):
            raise AssertionError(f"{name_of(arguments)}: {json.dumps(found)}\n{error.message[:2000]}")
    return objects
