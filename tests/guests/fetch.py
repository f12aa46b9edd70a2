#!/usr/bin/python3
"""Downloads the guests' kernels from the machine's Debian mirror into a cache outside the tree.

This installs nothing and changes nothing in the machine's apt. apt-get runs without privileges on a package list of its
own, in the cache, which has the foreign architectures. It reads the list with the machine's own sources and keys; kernels of
another suite come from the same mirror.
"""

import argparse
import collections
import lzma
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time

import kinds

# In Debian's kernels, swap needs modules; zram and what it depends on are enough, and need no device. So do a file system and Xen's tools.
SWAP = "zram"
MODULES = ("mm/zsmalloc.ko", "drivers/block/zram/zram.ko", "lib/lz4/*.ko", "lib/zlib_deflate/*.ko", "lib/842/*.ko", "lib/lzo/*.ko",
           "lib/zstd/*.ko", "fs/ext4/ext4.ko", "fs/jbd2/jbd2.ko", "fs/mbcache.ko", "lib/*crc*.ko", "lib/crc/*.ko", "crypto/crc32c*.ko",
           "drivers/xen/*.ko", "drivers/xen/xenfs/*.ko")
# Where packages have kernels and modules: since Linux 7, the kernel is beside its modules.
PLACES = ("./lib/modules", "./usr/lib/modules", "./usr/lib/uml/modules")
# A user-mode Linux is a program, and needs its suite's C library.
PROGRAM = ["./usr/bin/linux.uml", "./usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "./usr/lib/x86_64-linux-gnu/libc.so.6"]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SEAL = "sizes"
TRIES = 3


class FetchError(Exception):
    """A sentence for people: what could not be fetched, and why; and the same for each kind, if it concerns kinds."""

    def __init__(self, text, kinds_of_it=None):
        super().__init__(text)
        self.kinds = kinds_of_it or {}


def cache_directory():
    """The folder for kernels. HOME may be unset, as under cron and in containers."""
    if os.environ.get("PAGEWALK_CACHE"):
        return pathlib.Path(os.environ["PAGEWALK_CACHE"])
    if os.environ.get("XDG_CACHE_HOME"):
        return pathlib.Path(os.environ["XDG_CACHE_HOME"]) / "pagewalk"
    home = os.environ.get("HOME")
    if not home:
        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            home = tempfile.gettempdir()
    return pathlib.Path(home) / ".cache" / "pagewalk"


def mirror():
    """The archive that the machine's own apt uses; LINUX_MIRROR in the environment names another."""
    if os.environ.get("LINUX_MIRROR"):
        return os.environ["LINUX_MIRROR"]
    shown = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)"], capture_output=True, text=True)
    for line in shown.stdout.splitlines():
        site, _, release = line.partition(" ")
        if re.fullmatch(r"(bookworm|trixie|forky|sid|testing|unstable|stable)", release) and "debian" in site:
            return site
    return "http://deb.debian.org/debian"


class Apt:
    """apt-get and apt-cache on a package list of our own."""

    def __init__(self, directory, architectures, suite=""):
        self.directory = directory
        for sub in ("lists/partial", "archives/partial"):
            (directory / sub).mkdir(parents=True, exist_ok=True)
        native = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
        self.options = ["-q", f"-oDir::State::Lists={directory}/lists", "-oDir::State::Status=/dev/null",
                        f"-oDir::Cache={directory}", f"-oDir::Cache::Archives={directory}/archives",
                        "-oDebug::NoLocking=true", "-oAcquire::Languages=none", "-oAcquire::Retries=3",
                        "-oAcquire::http::Timeout=60", "-oAPT::Sandbox::User="]
        for arch in [native] + sorted(set(architectures) - {native}):
            self.options.append(f"-oAPT::Architectures::={arch}")
        if suite:
            # Nothing of the machine's own architecture is wanted, so its list is not read.
            foreign = ",".join(sorted(set(architectures)))
            signed = f" signed-by={KEYRING}" if os.path.exists(KEYRING) else ""
            (directory / "sources.list").write_text(f"deb [arch={foreign}{signed}] {mirror()} {suite} main\n")
            self.options += [f"-oDir::Etc::SourceList={directory}/sources.list", "-oDir::Etc::SourceParts=/dev/null"]

    def run(self, tool, *arguments, where=None):
        return subprocess.run([tool, *self.options, *arguments], cwd=where, capture_output=True, text=True, timeout=900,
                              env={**os.environ, "LC_ALL": "C"})

    def update(self):
        # This fails if a mirror lacks an index for one architecture, which is harmless if the packages are found
        # afterwards.
        result = self.run("apt-get", "update")
        return result.stderr

    def depends(self, package, arch, pattern):
        """What a package depends on, if its name matches."""
        shown = self.run("apt-cache", "show", "--no-all-versions", f"{package}:{arch}").stdout
        line = re.search(r"^Depends:(.*)", shown, re.M)
        return re.findall(rf"(?:^|[\s,|])({pattern}[0-9][^\s,(]*)", line.group(1)) if line else []

    def kernel_of(self, kind):
        """The packages behind a meta package today: one that has all, or one with the kernel and one with the modules."""
        if kind.package == "user-mode-linux":
            return [kind.package, "libc6"]
        for image in self.depends(kind.package, kind.arch, "linux-image-"):
            return self.depends(image, kind.arch, "linux-(?:binary|modules)-") or [image]
        return []

    def download(self, package, directory):
        for old in directory.glob("*.deb"):
            old.unlink()
        result = self.run("apt-get", "download", package, where=directory)
        files = list(directory.glob("*.deb"))
        if result.returncode or len(files) != 1:
            raise FetchError(f"could not download {package}: {result.stderr.strip()[-600:] or 'apt-get gave no reason'}")
        return files[0]


def unpack(deb, directory):
    """Takes the kernel, its configuration and the modules out of a package."""
    patterns = ["./boot/vmlinu*", "./boot/config-*", *PROGRAM]
    for place in PLACES:
        patterns += [f"{place}/*/vmlinu*", f"{place}/*/config"] + [f"{place}/*/kernel/{name}*" for name in MODULES]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as archive:
        tar = subprocess.run(["tar", "-x", "-C", str(directory), "--no-same-owner", "--wildcards", *patterns],
                             stdin=archive.stdout, stderr=subprocess.PIPE)
        archive.stdout.close()
    if archive.returncode:
        raise FetchError(f"{deb.name} is damaged: dpkg-deb could not read it")
    # tar complains about a pattern without a match, but a kernel without modules for swap is still a guest
    return tar.stderr.decode(errors="replace").strip()


def seal(directory):
    """Records each file's size, so that a damaged cache is noticed."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    (directory / SEAL).write_text("".join(f"{path.stat().st_size} {path.relative_to(directory)}\n" for path in files))


def sealed(directory):
    """Are all files there, with the recorded sizes?"""
    try:
        noted = [line.split(" ", 1) for line in (directory / SEAL).read_text().splitlines()]
        return bool(noted) and all((directory / name).stat().st_size == int(size) for size, name in noted)
    except (OSError, ValueError):
        return False


def kernels_in(kind, directory):
    return sorted([*directory.glob(f"boot/{kind.image}-*"), *directory.glob(f"usr/lib/modules/*/{kind.image}"),
                   *directory.glob(f"usr/bin/{kind.image}")])


def kernel(kind, cache):
    """The kernel's file, if it has been downloaded."""
    directory = cache / "kernels" / kind.name
    found = kernels_in(kind, directory)
    return found[-1] if found and sealed(directory) else None


def module(path):
    """A module's bytes."""
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def modules(kind, cache, wanted=(SWAP,)):
    """These modules, in the order in which they are loaded; fewer if the kernel has fewer. Each names the modules that it
    depends on (the kernel's scripts/mod/modpost.c)."""
    top = cache / "kernels" / kind.name
    found = {path.name.partition(".")[0].replace("-", "_"): path
             for place in PLACES for path in sorted(top.glob(f"{place}/*/kernel/**/*.ko*"))}
    order = []

    def add(name):
        if name not in found:
            return
        data = module(found.pop(name))
        needed = re.search(rb"\0depends=([^\0]*)\0", data)
        for other in needed.group(1).decode().split(",") if needed else []:
            add(other.replace("-", "_"))
        order.append((name, data))

    for name in wanted:
        add(name)
    return order


def fetch_packages(apt, packages, wanted, cache):
    """Downloads the packages of one kernel and unpacks them for every kind that boots it."""
    kernels = cache / "kernels"
    with tempfile.TemporaryDirectory(prefix=".download-", dir=kernels) as scratch:
        scratch = pathlib.Path(scratch)
        for package in packages:
            deb = apt.download(f"{package}:{wanted[0].arch}", scratch)
            for kind in wanted:
                (scratch / kind.name).mkdir(exist_ok=True)
                complaint = unpack(deb, scratch / kind.name)
        for kind in wanted:
            fresh = scratch / kind.name
            if not kernels_in(kind, fresh):
                raise FetchError(f"{' and '.join(packages)}: there is no {kind.image} in it: {complaint}")
            seal(fresh)
            # A directory gets its final name only when everything is in it.
            final = kernels / kind.name
            shutil.rmtree(final, ignore_errors=True)
            fresh.rename(final)


def clean(kernels):
    """Removes the files of an interrupted run, unless another run may still be using them."""
    for left in kernels.glob(".download-*"):
        if time.time() - left.stat().st_mtime > 3600:
            shutil.rmtree(left, ignore_errors=True)


def fetch(wanted, cache, say=print):
    """Brings every wanted kernel into the cache. Raises FetchError with the names of those that cannot be fetched."""
    kernels = cache / "kernels"
    kernels.mkdir(parents=True, exist_ok=True)
    clean(kernels)
    missing = [kind for kind in wanted if not kernel(kind, cache)]
    if not missing:
        return
    for tool in ("apt-get", "apt-cache", "dpkg", "dpkg-deb"):
        if not shutil.which(tool):
            raise FetchError(f"{tool} is not installed: the kernels come from a Debian mirror and need it")
    failures = {}
    for suite in sorted({kind.suite for kind in missing}):
        with tempfile.TemporaryDirectory(prefix=".apt-", dir=cache) as directory:
            of_suite = [kind for kind in missing if kind.suite == suite]
            apt = Apt(pathlib.Path(directory), [kind.arch for kind in of_suite], suite)
            failures.update(fetch_suite(apt, of_suite, cache, say))
    if failures:
        raise FetchError("\n".join(f"no kernel for {name}: {failure}" for name, failure in failures.items()), failures)


def fetch_suite(apt, missing, cache, say):
    """Brings kernels of one suite into the cache; tries again. Returns a sentence for each that could not be fetched."""
    failures = {}
    for attempt in range(TRIES):
        if attempt:
            time.sleep(5 * attempt)
        say(f"reading the package lists for {' '.join(sorted({kind.arch for kind in missing}))}"
            + (f" of {missing[0].suite}" if missing[0].suite else ""))
        complaint = apt.update()
        packages = collections.defaultdict(list)
        for kind in missing:
            of_kind = tuple(apt.kernel_of(kind))
            if of_kind:
                packages[of_kind].append(kind)
            else:
                failures[kind.name] = (f"the mirror has no {kind.package}:{kind.arch}"
                                       + (f" (apt said: {complaint.strip()[-300:]})" if complaint.strip() else ""))
        for of_kind, kinds_of_it in packages.items():
            say(f"downloading {' and '.join(of_kind)} for {' '.join(kind.name for kind in kinds_of_it)}")
            try:
                fetch_packages(apt, of_kind, kinds_of_it, cache)
            except (FetchError, OSError, subprocess.SubprocessError) as error:
                for kind in kinds_of_it:
                    failures[kind.name] = str(error)
        missing = [kind for kind in missing if not kernel(kind, cache)]
        if not missing:
            break
    return {kind.name: failures[kind.name] for kind in missing}


def main():
    parser = argparse.ArgumentParser(description="Downloads the guests' kernels.")
    parser.add_argument("kind", nargs="*", help="which guests (default: those of make check-guests)")
    arguments = parser.parse_args()
    cache = cache_directory()
    wanted = kinds.select(arguments.kind)
    try:
        fetch(wanted, cache)
    except (FetchError, OSError, subprocess.SubprocessError) as error:
        print(f"fetch.py: {error}", file=sys.stderr)
        return 1
    for kind in wanted:
        print(f"{kind.name}: {kernel(kind, cache)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
