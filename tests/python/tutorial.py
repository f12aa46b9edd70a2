#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs a document's Python as written: usage: tutorial.py DOCUMENT, with PAGEWALK_LIBRARY set."""

import doctest
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bindings" / "python"))

if __name__ == "__main__":
    # The fence that ends an example is not a part of what was printed.
    text = pathlib.Path(sys.argv[1]).read_text().replace("```", "")
    test = doctest.DocTestParser().get_doctest(text, {}, sys.argv[1], sys.argv[1], 0)
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    print(f"{result.attempted} lines, {result.failed} failed")
    sys.exit(result.failed > 0 or result.attempted < 10)
