#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the meanings of Linux's swap types into descriptions of formats, between these two lines:

  # swap types BITS [CONDITION...]; BITS CONDITION...     the places of the type, one for each time it moved
  # end of swap types

The numbers are those of MAX_SWAPFILES, SWP_HWPOISON, SWP_MIGRATION_*, SWP_DEVICE_* and SWP_PTE_MARKER in
include/linux/swap.h. This computes them from the counts of each kernel and configuration; the library
computes them in another way. With --check it writes nothing, and says whether the files are up to date.

  swap_types.py [--check] FILE...
"""
import itertools
import sys

# Kernels between which the numbers differ: [first, after). A unit test covers older ones.
SPANS = [((5, 19), (6, 2)), ((6, 2), (6, 15)), ((6, 15), None)]
ALL_TYPES = 1 << 5


def numbers(kernel, device_private, pte_marker):
    """The types of each class, with memory failure; without it, hwpoison's type is a swap file."""
    swapin_error = 1 if kernel < (6, 2) else 0
    marker = 1 if kernel >= (6, 2) or pte_marker else 0
    device = 0 if not device_private else 4 if kernel < (6, 15) else 3
    migration, hwpoison = 3, 1
    max_swapfiles = ALL_TYPES - device - migration - hwpoison - marker - swapin_error
    at = {"hwpoison": (max_swapfiles, hwpoison)}
    at["migration"] = (max_swapfiles + hwpoison, migration)
    at["device"] = (max_swapfiles + hwpoison + migration, device)
    # The entry of a page that could not be read from swap became a marker.
    at["marker"] = (max_swapfiles + hwpoison + migration + device, marker + swapin_error)
    return at


def version_words(first, after, oldest):
    words = [] if first == oldest else ["kernel>=%d.%d" % first]
    return words + (["kernel<%d.%d" % after] if after else [])


def rules(bits, conditions):
    """The lines for one place of the type, for every kernel."""
    for kind in ("hwpoison", "migration", "device", "marker"):
        for first, after in SPANS:
            table = {(dp, pm): numbers(first, dp, pm)[kind]
                     for dp, pm in itertools.product((False, True), repeat=2)}
            by_dp = any(table[False, pm] != table[True, pm] for pm in (False, True))
            by_pm = any(table[dp, False] != table[dp, True] for dp in (False, True))
            for dp, pm in itertools.product((False, True) if by_dp else (True,),
                                            (False, True) if by_pm else (True,)):
                start, count = table[dp, pm]
                if count == 0:
                    continue
                value = "%d" % start if count == 1 else "%d..%d" % (start, start + count - 1)
                words = list(conditions) + ["%s=%s" % (bits, value)]
                words += version_words(first, after, SPANS[0][0])
                words += ["memory-failure"] if kind == "hwpoison" else []
                words += [("" if dp else "!") + "device-private"] if by_dp else []
                words += [("" if pm else "!") + "pte-marker"] if by_pm else []
                yield "  %-9s if %s" % (kind, " ".join(words))


def never(words):
    """Is no kernel both before and after these versions?"""
    least = [tuple(map(int, w[8:].split("."))) for w in words if w.startswith("kernel>=")]
    before = [tuple(map(int, w[7:].split("."))) for w in words if w.startswith("kernel<")]
    return bool(least and before and max(least) >= min(before))


def rewrite(text):
    lines, inside = [], False
    for line in text.splitlines():
        if line.strip() == "# end of swap types":
            inside = False
        if not inside:
            lines.append(line)
        if line.strip().startswith("# swap types "):
            inside = True
            for place in line.strip()[len("# swap types "):].split(";"):
                bits, *conditions = place.split()
                for rule in rules(bits, conditions):
                    if not never(rule.split()):
                        lines.append(rule)
    return "\n".join(lines) + "\n"


def main(arguments):
    check = arguments[:1] == ["--check"]
    stale = 0
    for path in arguments[check:]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        new = rewrite(text)
        if new == text:
            continue
        stale += 1
        if check:
            print("%s: swap types are not as swap_types.py computes them" % path)
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(new)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
