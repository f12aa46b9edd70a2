# SPDX-License-Identifier: MIT
"""Reads single files of a kernel's tree: an unpacked folder, or a tarball of it, which is never unpacked."""
import pathlib
import tarfile


class TreeError(Exception):
    """A sentence for people: what is wrong with the tree."""


# What the laboratory looks into. A kernel may lack some of them.
FILES = ('Makefile', 'mm/gup.c', 'mm/internal.h', 'include/linux/mm.h', 'include/linux/secretmem.h',
         'include/linux/pgtable.h', 'arch/s390/include/asm/pgtable.h', 'arch/arm64/include/asm/pgtable.h')


class Tree:
    """The text of files, by their paths below the top of the tree."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.texts = {}
        if self.path.is_dir():
            self.read_folder()
        elif self.path.is_file():
            self.read_tarball()
        else:
            raise TreeError(f'{path}: there is no such folder or file; give a tree of Linux, or a tarball of it')
        if 'mm/gup.c' not in self.texts:
            raise TreeError(f'{path}: there is no mm/gup.c in it, so it is not a tree of Linux')

    def read_folder(self):
        for name in FILES:
            try:
                self.texts[name] = (self.path / name).read_text(encoding='utf-8', errors='replace')
            except FileNotFoundError:
                pass
            except OSError as error:
                raise TreeError(f'{self.path / name}: {error.strerror}') from error

    def read_tarball(self):
        """One pass, up to the last file that is wanted."""
        try:
            with tarfile.open(self.path, 'r|*') as archive:
                for member in archive:
                    name = member.name.removeprefix('./').partition('/')[2]
                    if name not in FILES or not member.isfile():
                        continue
                    self.texts[name] = archive.extractfile(member).read().decode('utf-8', errors='replace')
                    if len(self.texts) == len(FILES):
                        break
        except (tarfile.TarError, OSError, EOFError) as error:
            raise TreeError(f'{self.path}: it is neither a folder nor a tarball that can be read: {error}') from error

    def version(self):
        """As the Makefile says: 6.12.117; or 'unknown'."""
        found = {}
        for line in self.texts.get('Makefile', '').splitlines()[:8]:
            name, equals, value = line.partition('=')
            if equals:
                found[name.strip()] = value.strip()
        parts = [found.get(name, '') for name in ('VERSION', 'PATCHLEVEL', 'SUBLEVEL')]
        return '.'.join(parts) + found.get('EXTRAVERSION', '') if all(parts) else 'unknown'
