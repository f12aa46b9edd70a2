# SPDX-License-Identifier: MIT
"""pagewalk sim: the scripts that come with it, the page, and what wrong scripts are answered."""
import os
import pathlib
import re
import signal
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

    def test_gone(self):
        """What could not be made, or has gone, is said of each later use."""
        done = sim('-', script='memory 64p\nmm A\nfile F 0xffffffffffffffff\nF: truncate 0\nA: mmap 0x10000 1p r F\n'
                   'expect gone\nA: pin P 0x10000 1p\nP: unpin\nP: unpin\nA: exit\nA: exit\nexpect gone\n')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count('F could not be made'), 2)
        self.assertIn('P was given back', done.stdout)
        self.assertIn('A has exited', done.stdout)

    def test_verbs(self):
        done = sim('-', script='memory 64p\nmm A\nA: mmap 0x40000 4p rw\nA: mmap 0x41000 1p r noreplace\n'
                   'expect EEXIST\nA: touch 0x40000 2p write\nA: mincore 0x40000 4p\nA: madvise 0x40000 1p willneed\n'
                   'expect done\nA: msync 0x40000 4p\nexpect done\nA: msync 0x40000 5p\nexpect ENOMEM\n'
                   'A: pin P 0x42000 1p dump\nexpect EFAULT\nA: pin Q 0xffffffffffffe000 4p\nexpect EOVERFLOW\n')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('2 of 4 pages are in memory', done.stdout)
        self.assertNotIn('no VMA is there', done.stdout)

    def test_list_of_verbs(self):
        """All that pagewalk-sim(5) says of the machine is in the list, too."""
        manual = (pathlib.Path(__file__).parents[2] / 'man/pagewalk-sim.5').read_text(encoding='utf-8')
        part = manual[manual.index('.Sh THE MACHINE'):manual.index('.Sh THINGS')]
        words = re.findall(r'(?m)^\.It Cm ([a-z]+)', part)
        self.assertGreater(len(words), 5)
        listed = re.split(r'\W+', sim('--verbs').stdout)
        self.assertEqual([word for word in words if word not in listed], [])

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
        self.refused('memory 0\nmm A\n', 'line 1', 'a machine without memory')
        self.refused('format nothing\n', 'line 1, column 8', "there is no format 'nothing'")
        self.refused('# nothing\n', 'there is no statement in it')
        self.refused('mm A\nA: fork\n', 'line 2, column 8', 'is missing')
        self.refused('mm A\nA: exit now\n', 'one word too many')
        self.refused('mm ' + 'x' * 500 + '\n', 'line 1')
        self.refused('mm A\nA: read 0 99999\n', 'can be read at once')
        self.refused('mm A\nA: pin P 0 0x1000001\n', 'line 2, column 12', '1 to 4096 pages')
        self.refused('mm A\nA: exit\0 and more\n', 'line 2, column 8', 'a byte with the value 0')
        self.refused('#' + 'x' * 500 + '\n', 'line 1, column 400', 'a line of more than')
        self.refused('mm A\n' + 'A: mincore 0 1p\n' * 100001, 'line 100001', '100000 statements at most')

    def test_one_message(self):
        """A word that is wrong by itself is not reported as missing, too."""
        for line in ('A: write 0 "x', 'A: mmap 0 1p rw ' + 'x' * 40, 'A: put 0 "x', 'A: fork ' + 'x' * 40):
            done = sim('-', script=f'mm A\n{line}\n')
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertEqual(done.returncode, 2)

    def test_results_elsewhere(self):
        """A result is not written over the script, nor over another result."""
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(folder) / 'a.sim'
            script.write_text('mm A\n')
            (pathlib.Path(folder) / 'link').symlink_to('a.sim')
            for option in ('--html', '--svg'):
                for name in ('a.sim', 'link'):
                    done = sim(option, f'{folder}/{name}', str(script))
                    self.assertEqual(done.returncode, 2)
                    self.assertIn('is the script, and is not overwritten', done.stderr)
                with script.open() as stream:
                    done = subprocess.run([TOOL, 'sim', option, str(script), '-'], stdin=stream, capture_output=True,
                                          text=True)
                self.assertEqual(done.returncode, 2)
            self.assertEqual(script.read_text(), 'mm A\n')
            done = sim('--html', f'{folder}/b', '--svg', f'{folder}/b', str(script))
            self.assertEqual(done.returncode, 2)
            self.assertIn('would write to the same file', done.stderr)
            self.assertEqual(sim('--step', '1', str(script)).returncode, 2)

    def test_no_script(self):
        done = sim('no-such-script')
        self.assertEqual(done.returncode, 2)
        self.assertIn('--list', done.stderr)

    def test_no_memory(self):
        done = sim('-', script='memory 1p\nmm A\n')
        self.assertEqual(done.returncode, 2)
        self.assertIn('at least 16', done.stderr)

    def test_stopped(self):
        """A run that is stopped says so, and leaves no page that looks like a whole one."""
        script = 'mm A\nA: mmap 0x10000 16p rw\n' + 'A: write 0x10000 "x"\n' * 20000
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / 'page.html'
            with subprocess.Popen([TOOL, 'sim', '--html', page, '-'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as process:
                process.stdin.write(script)
                process.stdin.close()
                process.stdout.read(1)
                process.terminate()
                process.stdout.read()
                said = process.stderr.read()
                self.assertIn(process.wait(timeout=100), (1, -signal.SIGTERM))
            self.assertRegex(said, r'stopped before line \d+; what it says from there on was not done|the output is not complete')
            self.assertEqual(os.listdir(folder), [])

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
