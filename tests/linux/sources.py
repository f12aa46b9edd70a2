#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Downloads Debian's kernel sources into a cache outside the tree, and keeps the few files that the laboratory reads.

This installs nothing and changes nothing in the machine's apt: apt-get runs on a list of sources of its own."""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / 'guests'), str(HERE.parents[1] / 'lab' / 'linux')]
import tree  # noqa: E402
from fetch import cache_directory, mirror  # noqa: E402

# The kernels, and the releases of Debian that have had them.
KERNELS = {'6.1': ('bookworm', 'bookworm-security'), '6.12': ('trixie', 'trixie-security'), '7.2': ('sid', 'forky')}
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
COMPLETE = 'complete'
TRIES = 3


class FetchError(Exception):
    """A sentence for people: what could not be fetched, and why."""


def mirror_of(suite, mirror):
    return mirror.rstrip('/') + '-security' if suite.endswith('-security') else mirror


class Apt:
    """apt-get on sources of our own."""

    def __init__(self, folder, suites):
        for sub in ('lists/partial', 'archives/partial'):
            (folder / sub).mkdir(parents=True)
        base = mirror()
        signed = f'[signed-by={KEYRING}] ' if os.path.exists(KEYRING) else ''
        (folder / 'sources.list').write_text(''.join(f'deb {signed}{mirror_of(suite, base)} {suite} main\n'
                                                     for suite in suites))
        self.options = ['-q', f'-oDir::Etc::SourceList={folder}/sources.list', '-oDir::Etc::SourceParts=/dev/null',
                        f'-oDir::State::Lists={folder}/lists', '-oDir::State::Status=/dev/null',
                        f'-oDir::Cache={folder}', f'-oDir::Cache::Archives={folder}/archives',
                        '-oDebug::NoLocking=true', '-oAcquire::Languages=none', '-oAcquire::Retries=3',
                        '-oAcquire::http::Timeout=60', '-oAcquire::Check-Valid-Until=false', '-oAPT::Sandbox::User=']

    def run(self, *arguments, where=None):
        return subprocess.run(['apt-get', *self.options, *arguments], cwd=where, capture_output=True, text=True,
                              timeout=900, env={**os.environ, 'LC_ALL': 'C'})


def unpack(deb, folder):
    """Keeps the files of the laboratory from the tarball in the package, in one pass without a copy of it."""
    with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', str(deb)], stdout=subprocess.PIPE) as package:
        with tarfile.open(fileobj=package.stdout, mode='r|') as outer:
            for member in outer:
                if not re.search(r'/linux-source-[^/]*\.tar\.xz$', member.name):
                    continue
                with tarfile.open(fileobj=outer.extractfile(member), mode='r|xz') as inner:
                    keep(inner, folder)
                break
        package.kill()
    if not (folder / 'mm/gup.c').exists():
        raise FetchError(f'{deb.name} holds no tarball with mm/gup.c')


def keep(archive, folder):
    left = set(tree.FILES)
    for member in archive:
        name = member.name.partition('/')[2]
        if name in left and member.isfile():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.extractfile(member).read())
            left.discard(name)
            if not left:
                return


def fetch_one(apt, version, final):
    with tempfile.TemporaryDirectory(prefix='.download-', dir=final.parent) as scratch:
        scratch = pathlib.Path(scratch)
        result = apt.run('download', f'linux-source-{version}', where=scratch)
        found = list(scratch.glob('*.deb'))
        if result.returncode or len(found) != 1:
            raise FetchError(f'could not download linux-source-{version}: '
                             f'{result.stderr.strip()[-400:] or "apt-get gave no reason"}')
        fresh = scratch / 'tree'
        fresh.mkdir()
        unpack(found[0], fresh)
        (fresh / COMPLETE).write_text(json.dumps({'package': found[0].name, 'files': tree.FILES}) + '\n')
        # A folder gets its final name only when everything is in it.
        shutil.rmtree(final, ignore_errors=True)
        fresh.rename(final)


def is_complete(folder):
    """Is the cache whole, and does it have the files that the laboratory reads today?"""
    try:
        noted = json.loads((folder / COMPLETE).read_text())
        return noted['files'] == list(tree.FILES) and (folder / 'mm/gup.c').stat().st_size > 0
    except (OSError, ValueError, KeyError):
        return False


def fetch(versions, say=print):
    """Brings every kernel into the cache: {version: folder}. Raises FetchError for those that cannot be fetched."""
    cache = cache_directory() / 'linux'
    cache.mkdir(parents=True, exist_ok=True)
    folders = {version: cache / version for version in versions}
    missing = [version for version in versions if not is_complete(folders[version])]
    if not missing:
        return folders
    for tool in ('apt-get', 'dpkg-deb'):
        if not shutil.which(tool):
            raise FetchError(f'{tool} is not installed: the kernels come from a Debian mirror and need it')
    failures = {}
    for attempt in range(TRIES):
        time.sleep(5 * attempt)
        with tempfile.TemporaryDirectory(prefix='.apt-', dir=cache) as folder:
            apt = Apt(pathlib.Path(folder), sorted({suite for version in missing for suite in KERNELS[version]}))
            say(f'reading the package lists for linux-source-{", ".join(missing)}')
            # This fails if the mirror lacks one of the suites, which is harmless if the packages are found.
            apt.run('update')
            for version in list(missing):
                say(f'downloading linux-source-{version}')
                try:
                    fetch_one(apt, version, folders[version])
                    missing.remove(version)
                except (FetchError, OSError, tarfile.TarError, subprocess.SubprocessError) as error:
                    failures[version] = str(error)
        if not missing:
            return folders
    raise FetchError('\n'.join(f'no source of Linux {version}: {failures[version]}' for version in missing))


def main():
    parser = argparse.ArgumentParser(description="Downloads Debian's kernel sources.")
    parser.add_argument('version', nargs='*', choices=[*KERNELS, []], help='which kernels (default: all)')
    try:
        folders = fetch(parser.parse_args().version or list(KERNELS))
    except (FetchError, OSError, subprocess.SubprocessError) as error:
        print(f'sources.py: {error}', file=sys.stderr)
        return 1
    for version, folder in folders.items():
        print(f'{version}: {folder}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
