#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws what the benchmark measured as one page: for each case the bars of pagewalk, its floor and its rivals, and the goal.

usage: page.py JSON HTML

The page needs nothing beside it. Each case has a scale of its own: nanoseconds of different cases do not compare. A bar that
is much longer than the others is cut, and says so; its number is whole.
"""
import html
import json
import os
import sys

WIDTH, LABEL, NUMBER = 900, 190, 150   # of a drawing, in its own units
BAR, GAP = 16, 6
LONGEST = 6.0   # a scale goes to so many times of what matters: pagewalk, its floor and its goal
STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --dim: #6b6b6b; --paper: #fff; --met: #2c7a4b; --missed: #b23a2e; --floor: #8a8a8a;
  --rival: #4a6fa5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --dim: #9a9a9a; --paper: #161616; --met: #58b07b; --missed: #e07a6e;
  --floor: #757575; --rival: #7ea3d8; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 1.5rem auto;
  padding: 0 1rem; }
h2 { margin: 2rem 0 .5rem; } h3 { font-size: 1rem; margin: 1.2rem 0 .2rem; } p { margin: .3rem 0; }
svg { width: 100%; height: auto; display: block; } text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.dim, .dim text { color: var(--dim); fill: var(--dim); } .met { fill: var(--met); } .missed { fill: var(--missed); }
.plain { fill: var(--ink); } .floor { fill: var(--floor); } .rival { fill: var(--rival); }
.goal { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 3; }
.number { paint-order: stroke; stroke: var(--paper); stroke-width: 5px; stroke-linejoin: round; }
span.met { color: var(--met); } span.missed { color: var(--missed); }
.key { display: inline-block; width: .8em; height: .8em; margin-right: .3em; }
.word { white-space: nowrap; margin-right: .8em; }
.key.met { background: var(--met); } .key.missed { background: var(--missed); } .key.plain { background: var(--ink); }
.key.floor { background: var(--floor); } .key.rival { background: var(--rival); }
@media screen and (max-width: 45rem) { figure { overflow-x: auto; } svg { min-width: 45rem; } }
figure { margin: 0; break-inside: avoid; } table { border-collapse: collapse; }
td { padding: .15rem 1.5rem .15rem 0; vertical-align: top; } td:first-child { font-weight: 600; }
"""


def number(value):
    """Three digits, or the whole number if it has more."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def goal_ns(case):
    """The goal as a time; None: the case has none."""
    if "goal_ns" in case:
        return case["goal_ns"]
    return case["goal"] * case["floor_ns"] if "goal" in case else None


def verdict(case):
    goal = goal_ns(case)
    if goal is None:
        return "plain"
    return "met" if case["ns"] <= goal else "missed"


def bars(case):
    """(name, class, ns or the reason why there is none) from the top down."""
    yield "pagewalk", verdict(case), case["ns"]
    yield case["floor"], "floor", case["floor_ns"]
    for name, value in case["rivals"].items():
        yield name.replace("_", " "), "rival", value


def drawing(case):
    rows = list(bars(case))
    goal = goal_ns(case)
    longest = max(value for _, _, value in rows if not isinstance(value, str))
    scale = min(longest, LONGEST * max(case["ns"], case["floor_ns"], goal or 0))
    room = WIDTH - LABEL - NUMBER
    height = len(rows) * (BAR + GAP)
    out = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(case["name"])}">']
    numbers = []   # last, so that nothing crosses them
    for i, (name, kind, value) in enumerate(rows):
        y = i * (BAR + GAP)
        out.append(f'<text x="{LABEL - 8}" y="{y + BAR - 3}" text-anchor="end">{html.escape(name)}</text>')
        if isinstance(value, str):
            out.append(f'<text class="dim" x="{LABEL}" y="{y + BAR - 3}">{html.escape(value)}</text>')
            continue
        width = max(1.0, min(value / scale, 1.0) * room)
        out.append(f'<rect class="{kind}" x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR}"><title>{html.escape(name)}: '
                   f'{number(value)} ns</title></rect>')
        words = f"{number(value)} ns" + (" (bar is cut)" if value > scale else "")
        numbers.append(f'<text class="number" x="{LABEL + width + 6:.1f}" y="{y + BAR - 3}">{words}</text>')
    if goal is not None:
        x = LABEL + goal / scale * room
        out.append(f'<line class="goal" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - GAP}"><title>goal: {number(goal)} ns</title></line>')
    return "\n".join([*out, *numbers, "</svg>"])


def legend():
    words = {"met": "pagewalk, at its goal or better", "missed": "pagewalk, goal missed", "plain": "pagewalk, no goal set",
             "floor": "the floor, plain code that trusts its tables", "rival": "others"}
    return '<p class="dim">' + " ".join(f'<span class="word"><span class="key {kind}"></span>{text}</span>' for kind, text in words.items()) + "</p>"


def row(record):
    """A record that is not a case: its name, and the numbers in it."""
    rest = ", ".join(f'{key.replace("_", " ")} {number(value) if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value}'
                     for key, value in record.items() if key != "name")
    return f'<tr><td>{html.escape(str(record.get("name", "")))}</td><td>{html.escape(rest)}</td></tr>'


def sentence(case):
    text = f'{case["ratio"]:.2f} times the {html.escape(case["floor"])}, per {html.escape(case["unit"])}'
    goal = goal_ns(case)
    if goal is None:
        return text
    wanted = f'{number(goal)} ns' if "goal_ns" in case else f'{case["goal"]:g} times'
    return f'{text}; goal {wanted}: <span class="{verdict(case)}">{"met" if verdict(case) == "met" else "missed"}</span>'


def figure(case):
    return (f'<figure id="{html.escape(case["name"])}"><h3>{html.escape(case["name"])}</h3><p class="dim">{sentence(case)}</p>'
            f"{drawing(case)}</figure>")


def page(records):
    cases = [record for record in records if "floor_ns" in record]
    parts = list(dict.fromkeys(case["part"] for case in cases))
    goals = [case for case in cases if goal_ns(case) is not None]
    met = sum(verdict(case) == "met" for case in goals)
    rest = [record for record in records if "floor_ns" not in record]
    body = [f"<h1>pagewalk: how fast</h1><p>{len(cases)} cases; {met} of {len(goals)} goals are met. The ratios count: the times are "
            "those of one machine in one minute. The dashed line is the goal. doc/performance.md says how this was measured.</p>"
            + legend()]
    for part in parts:
        body.append(f"<h2>{html.escape(part)}</h2>")
        body += [figure(case) for case in cases if case["part"] == part]
    if rest:
        body.append("<h2>other numbers</h2><table>")
        body += [row(record) for record in rest]
        body.append("</table>")
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>pagewalk: how fast</title><style>{STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n")


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        text = page(json.load(file))
    with open(target + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(target + ".new", target)
    print(f"pagewalk: {target} shows these tables as bars")


if __name__ == "__main__":
    main()
