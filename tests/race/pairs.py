# SPDX-License-Identifier: MIT
"""What happens to an address space, beside what: each pair has a scenario, mm-EVENT-BESIDE, and rules that it needs."""
import re

EVENTS = {
    "fault": "a page comes",
    "cow": "a write copies",
    "fork": "fork",
    "unshare": "unshare",
    "swap": "swap out",
    "migrate": "migration",
    "split": "split",
    "collapse": "collapse",
    "truncate": "truncation",
    "munmap": "munmap",
    "mremap": "mremap",
    "mprotect": "mprotect",
    "file-collapse": "collapse, of a file",
    "file-huge": "a huge leaf of a file comes",
    "file-huge-folio": "split, of a file's folio",
    "file-huge-split": "split, of a file's leaf",
    "file-huge-truncate": "truncation of a huge leaf",
}
# The words of the language of which one thread must have one.
BESIDE = {
    "fast": ("a fast pin", "pin-fast"),
    "slow": ("a slow pin", "pin-slow"),
    "walk": ("a walk", "walk"),
    "fault": ("another fault", "store|load|fault"),
}


def scenarios():
    """(event, beside, name of the scenario) of each pair."""
    return [(event, beside, f"mm-{event}-{beside}") for event in EVENTS for beside in BESIDE]


def rules(text):
    """The mutants that a scenario names."""
    return re.findall(r"(?m)^mutant +(\S+)", text)


def table(folder):
    """The lines of a table in Markdown: for each pair, the rules without which something is found."""
    rows = ["| | " + " | ".join(words for words, _ in BESIDE.values()) + " |", "|---|" + len(BESIDE) * "---|"]
    for event, words in EVENTS.items():
        cells = [", ".join(rules((folder / f"mm-{event}-{beside}.scene").read_text(encoding="utf-8"))) for beside in BESIDE]
        rows.append(f"| {words}: `mm-{event}-*` | " + " | ".join(cells) + " |")
    return rows
