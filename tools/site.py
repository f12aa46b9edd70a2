#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the documentation as a site of plain files: README, doc/ and man/, each with a list of all pages beside it.

usage: site.py SOURCE FOLDER    (needs mandoc and Python's markdown)
"""
import html
import pathlib
import re
import shutil
import subprocess
import sys

import markdown

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; display: flex; }
nav { flex: 0 0 15rem; padding: 1rem; border-right: 1px solid #8884; font-size: 0.9em; }
nav ul { list-style: none; padding: 0; }
main { flex: 1 1 auto; max-width: 60rem; padding: 1rem 2rem; min-width: 0; overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: 0.5rem; background: #8881; }
code, pre { font-size: 0.9em; }
table { border-collapse: collapse; display: block; overflow-x: auto; max-width: 100%; }
td, th { border: 1px solid #8884; padding: 0.2rem 0.5rem; vertical-align: top; text-align: left; }
img { max-width: 100%; }
/* Narrow: the text first, the list of pages below it. */
@media (max-width: 50rem) { body { flex-direction: column; } nav { order: 2; flex: none; border: 0; } main { padding: 1rem; }
  /* Pictures keep a size at which their letters can be read, and scroll. */
  img { max-width: none; } p:has(> img) { overflow-x: auto; } }
"""
FRONT = {"README": "index", "CHANGELOG": "changelog", "CAVEATS": "caveats", "CONTRIBUTING": "contributing"}


class Site:
    def __init__(self, source, folder):
        self.source, self.folder = source, folder
        self.manual = {path.name: path for path in sorted((source / "man").glob("*.[1-9]"))}
        self.documents = {source / f"{name}.md": f"{page}.html" for name, page in FRONT.items()}
        self.documents |= {path: f"{path.stem}.html" for path in sorted((source / "doc").glob("*.md"))}
        # The other names of manual pages, pw_unpin_pages and the like, lead to the page that has them.
        self.names = {}
        for name, path in self.manual.items():
            for other in re.findall(r"(?m)^\.Nm (\S+)", path.read_text().split(".Sh SYNOPSIS")[0].split(".Sh DESCRIPTION")[0]):
                self.names.setdefault((other, path.suffix[1:]), name)

    def manual_link(self, name, section):
        page = self.names.get((name, section))
        return f"{page}.html" if page else None

    def list_of_pages(self):
        def entries(pairs):
            return "<ul>" + "".join(f'<li><a href="{page}">{html.escape(title)}</a></li>' for page, title in pairs) + "</ul>"

        documents = [(page, "pagewalk" if page == "index.html" else page.removesuffix(".html")) for page in self.documents.values()]
        manual = [(f"{name}.html", f"{path.stem}({path.suffix[1:]})") for name, path in self.manual.items()]
        return f"<nav>{entries(documents)}<p>Manual</p>{entries(sorted(manual, key=lambda m: (m[1][-2], m[1])))}</nav>"

    def write(self, name, title, body):
        text = (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
                f'<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="style.css"></head>'
                f"<body>{self.list_of_pages()}<main>{body}</main></body></html>\n")
        (self.folder / name).write_text(text)

    def linked(self, text):
        """The HTML with links where it names a document or a page of the manual, except within links and preformatted text."""
        def name(match):
            page = self.manual_link(match[1], match[2])
            return f'<a href="{page}">{match[0]}</a>' if page else match[0]

        def document(match):
            page = self.documents.get(self.source / match[0])
            return f'<a href="{page}">{match[0]}</a>' if page else match[0]

        parts = re.split(r"(<pre>.*?</pre>|<a .*?</a>|<[^>]*>)", text, flags=re.DOTALL)
        for i in range(0, len(parts), 2):
            parts[i] = re.sub(r"\b((?:pagewalk|pw_)[\w-]*)\((\d)\)", name, parts[i])
            parts[i] = re.sub(r"\b(?:doc/[\w-]+|README|CAVEATS|CONTRIBUTING|CHANGELOG)\.md\b", document, parts[i])
        return "".join(parts)

    def write_document(self, path, page):
        body = markdown.markdown(path.read_text(), extensions=["tables", "fenced_code", "toc"])
        # Documents lead to one another by their names in the tree.
        body = re.sub(r'href="(?:doc/)?([\w-]+)\.md(#[\w-]*)?"', lambda m: f'href="{FRONT.get(m[1], m[1])}.html{m[2] or ""}"', body)
        body = re.sub(r'(src|href)="doc/', r'\1="', body)
        self.write(page, "pagewalk" if page == "index.html" else f"pagewalk: {path.stem}", self.linked(body))

    def write_manual(self, name, path):
        done = subprocess.run(["mandoc", "-Thtml", "-Ofragment,man=%N.%S.html", str(path)], capture_output=True, text=True, check=True)

        def link(match):
            page = self.manual_link(match[1], match[2])
            return f'href="{page}"' if page else ""

        body = re.sub(r'href="([\w.-]+)\.(\d)\.html"', link, done.stdout)
        self.write(f"{name}.html", f"{path.stem}({path.suffix[1:]})", body)

    def build(self):
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        (self.folder / "style.css").write_text(STYLE)
        for path in (self.source / "doc").iterdir():
            if path.is_dir():
                shutil.copytree(path, self.folder / path.name)
        for path, page in self.documents.items():
            self.write_document(path, page)
        for name, path in self.manual.items():
            self.write_manual(name, path)


if __name__ == "__main__":
    Site(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()).build()
