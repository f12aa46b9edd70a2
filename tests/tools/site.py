#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`make site`: every link and picture of the site is there, each document and page of the manual has its page, nothing comes from a network.

usage: site.py SOURCE
"""
import html.parser
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

SOURCE = None   # set by main


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.anchors, self.loads = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for key, value in attrs:
            if key == "id" or (tag == "a" and key == "name"):
                self.anchors.add(value)
            if key == "href" and tag == "a":
                self.links.append(value)
            if key in ("src", "href") and tag != "a":
                self.loads.append(value)


class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name) / "site"
        subprocess.run([sys.executable, SOURCE / "tools" / "site.py", SOURCE, cls.folder], check=True, timeout=200)
        cls.pages = {path.name: Page(path.read_text()) for path in cls.folder.glob("*.html")}

    def test_each_has_a_page(self):
        for path in [*SOURCE.glob("doc/*.md"), *SOURCE.glob("man/*.[1-9]")]:
            name = path.stem + ".html" if path.suffix == ".md" else path.name + ".html"
            self.assertIn(name, self.pages)
            # Everything can be reached from the first page.
            self.assertIn(name, self.pages["index.html"].links)

    def test_links(self):
        count = 0
        for name, page in self.pages.items():
            for link in page.links:
                parts = urllib.parse.urlsplit(link)
                if parts.scheme in ("http", "https"):
                    continue
                count += 1
                self.assertEqual(parts.scheme, "", f"{name}: {link}")
                target = parts.path or name
                self.assertTrue((self.folder / target).is_file(), f"{name}: {link}")
                if parts.fragment and target in self.pages:
                    self.assertIn(urllib.parse.unquote(parts.fragment), self.pages[target].anchors, f"{name}: {link}")
        self.assertGreater(count, 1000)

    def test_loads(self):
        """Pictures and styles are files of the site."""
        for name, page in self.pages.items():
            for load in page.loads:
                self.assertTrue((self.folder / load).is_file(), f"{name}: {load}")


if __name__ == "__main__":
    SOURCE = pathlib.Path(sys.argv[1]).resolve()
    if not shutil.which("mandoc") or not importlib.util.find_spec("markdown"):
        print("mandoc or python3-markdown is not installed (tools/deps.sh site)")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
