# SPDX-License-Identifier: MIT
"""pagewalk sim: the scripts that come with it, the page, and what wrong scripts are answered."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

TOOL = sys.argv.pop(1)
SCRIPTS = pathlib.Path(sys.argv.pop(1))


def sim(*arguments, script=None):
    return subprocess.run([TOOL, 'sim', *arguments], input=script, capture_output=True, text=True)


class Scripts(unittest.TestCase):
    def test_all(self):
        names = sorted(path.stem for path in SCRIPTS.glob('*.sim'))
        self.assertGreaterEqual(len(names), 12)
        listed = sim('--list')
        self.assertEqual(listed.returncode, 0)
        self.assertEqual([line.split()[0] for line in listed.stdout.splitlines()], names)
        for name in names:
            with self.subTest(name):
                done = sim(name)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertEqual(done.stderr, '')
                # The first line says what it is about.
                self.assertTrue((SCRIPTS / (name + '.sim')).read_text().startswith('# '))

    def test_every_format(self):
        """What does not depend on a geometry runs on all formats."""
        formats = subprocess.run([TOOL, 'formats', '--json'], capture_output=True, text=True, check=True).stdout
        script = '\n'.join([
            'memory 128p', 'mm A', 'A: mmap 0x40000 2p rw', 'A: write 0x40000 "one"', 'A: pin P 0x40000 1p write',
            'expect done', 'A: fork B', 'P: put 0 "two"', 'B: read 0x40000 3', 'expect "one"', 'A: read 0x40000 3',
            'expect "two"', 'A: write 0x40000 "six"', 'P: get 0 3', 'expect "six"', 'A: munmap 0x40000 1p',
            'A: touch 0x40000 1p read', 'expect maperr', 'P: get 0 3', 'expect "six"', 'P: unpin', 'B: exit'])
        names = re.findall(r'"name":"([a-z0-9_]+)"', formats)
        self.assertGreater(len(names), 20)
        for name in names:
            with self.subTest(name):
                done = sim('-', script=f'format {name}\n{script}\n')
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_refusal_is_explained(self):
        done = sim('long-pin-of-a-file')
        self.assertIn("a long pin would write to a file's page", done.stdout)
        self.assertIn('EFAULT', done.stdout)

    def test_expectation(self):
        done = sim('-', script='mm A\nA: touch 0x1000 1p read\n  expect done\n')
        self.assertEqual(done.returncode, 1)
        self.assertIn('line 3, column 3: expected done, but the step before gave maperr', done.stderr)


class Wrong(unittest.TestCase):
    def refused(self, script, *texts):
        done = sim('-', script=script)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertEqual(done.stdout, '')
        for text in texts:
            self.assertIn(text, done.stderr)

    def test_places(self):
        self.refused('mm A\nA: mnap 0 1p r\n', 'line 2, column 4', "did you mean 'mmap'?")
        self.refused('mm A\nA: mmap 0 1p rq\n', 'line 2, column 14', "'rq' are not permissions")
        self.refused('mm A\nB: exit\n', 'line 2', 'B is nothing')
        self.refused('mm A\nmm A\n', 'line 2', 'A is an address space (mm NAME) already')
        self.refused('mm A\nA: mmap zero 1p r\n', 'line 2, column 9', "'zero' is not an address")
        self.refused('mm A\nA: write 0 "x\n', 'line 2, column 12', 'second "')
        self.refused('mm A\nformat mock\n', 'line 2', 'before all other statements')
        self.refused('format nothing\n', 'line 1, column 8', "there is no format 'nothing'")
        self.refused('# nothing\n', 'there is no statement in it')
        self.refused('mm A\nA: fork\n', 'line 2, column 8', 'is missing')
        self.refused('mm A\nA: exit now\n', 'one word too many')
        self.refused('mm ' + 'x' * 500 + '\n', 'line 1')
        self.refused('mm A\nA: read 0 99999\n', 'can be read at once')

    def test_no_script(self):
        done = sim('no-such-script')
        self.assertEqual(done.returncode, 2)
        self.assertIn('--list', done.stderr)

    def test_no_memory(self):
        done = sim('-', script='memory 1p\nmm A\n')
        self.assertEqual(done.returncode, 2)
        self.assertIn('at least 16', done.stderr)

    def test_garbage(self):
        """Anything at all is answered, and never crashes."""
        import random
        random.seed(7)
        words = ['mm', 'A', 'A:', 'mmap', '0x1000', '1p', 'rw', '"t"', ':', '"', 'file', 'F', 'F:', 'truncate', 'pin',
                 'P', 'P:', 'get', '-1', '0xffffffffffffffff', 'fork', 'B', 'write', 'touch', 'expect', '#', '\t']
        for _ in range(150):
            script = '\n'.join(' '.join(random.choices(words, k=random.randint(1, 6))) for _ in range(8))
            done = sim('-', script=script + '\n')
            self.assertIn(done.returncode, (0, 1, 2), script + done.stderr)


class Page(unittest.TestCase):
    def test_html(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'page.html')
            done = sim('--html', path, 'fork-while-pinned')
            self.assertEqual(done.returncode, 0, done.stderr)
            page = pathlib.Path(path).read_text()
        drawings = re.findall(r'<svg.*?</svg>', page, re.S)
        statements = [line for line in (SCRIPTS / 'fork-while-pinned.sim').read_text().splitlines()
                      if line and line[0] != '#' and not line.startswith(('format', 'memory', 'expect'))]
        self.assertEqual(len(drawings), len(statements))
        for drawing in drawings:
            xml.dom.minidom.parseString(drawing)
        self.assertIn('class="folio pinned"', page)
        self.assertNotIn('http://', page.replace('http://www.w3.org/2000/svg', ''))


if __name__ == '__main__':
    unittest.main()
