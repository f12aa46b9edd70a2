#!/usr/bin/python3
"""Downloads the guests' kernels from the machine's Debian mirror into a cache outside the tree.

This installs nothing and changes nothing in the machine's apt. apt-get runs without privileges on a package list of its
own, in the cache, which has the foreign architectures. It reads the list with the machine's own sources and keys.
"""

import argparse
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

# In Debian's kernels, swap needs modules; these two are enough, and need no device.
MODULES = ("mm/zsmalloc.ko", "drivers/block/zram/zram.ko")
SEAL = "sizes"
TRIES = 3


class FetchError(Exception):
    """A sentence for people: what could not be fetched, and why."""


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


class Apt:
    """apt-get and apt-cache on a package list of our own."""

    def __init__(self, directory, architectures):
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

    def run(self, tool, *arguments, where=None):
        return subprocess.run([tool, *self.options, *arguments], cwd=where, capture_output=True, text=True, timeout=900,
                              env={**os.environ, "LC_ALL": "C"})

    def update(self):
        # This fails if a mirror lacks an index for one architecture, which is harmless if the packages are found
        # afterwards.
        result = self.run("apt-get", "update")
        return result.stderr

    def kernel_of(self, kind):
        """The versioned package behind a meta package today, or None."""
        shown = self.run("apt-cache", "show", "--no-all-versions", f"{kind.package}:{kind.arch}").stdout
        found = re.search(r"^Depends:.*?\b(linux-image-[0-9][^\s,(]*)", shown, re.M)
        return found.group(1) if found else None

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
    patterns = ["./boot/vmlinu*", "./boot/config-*"] + [f"./lib/modules/*/kernel/{name}" for name in MODULES]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as archive:
        tar = subprocess.run(["tar", "-x", "-C", str(directory), "--no-same-owner", "--wildcards", *patterns],
                             stdin=archive.stdout, stderr=subprocess.PIPE)
        archive.stdout.close()
    if archive.returncode:
        raise FetchError(f"{deb.name} is damaged: dpkg-deb could not read it")
    # tar complains about a pattern without a match, but a kernel without modules for swap is still a guest
    if not list(directory.glob("boot/vmlinu*")):
        raise FetchError(f"{deb.name} holds no kernel: {tar.stderr.decode(errors='replace').strip()}")


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


def kernel(kind, cache):
    """The kernel's file, if it has been downloaded."""
    directory = cache / "kernels" / kind.name
    found = sorted((directory / "boot").glob(f"{kind.image}-*"))
    return found[-1] if found and sealed(directory) else None


def modules(kind, cache):
    """The modules for swap, in the order in which they are loaded; fewer if the kernel has fewer."""
    top = cache / "kernels" / kind.name / "lib" / "modules"
    return [path for name in MODULES for path in sorted(top.glob(f"*/kernel/{name}"))[-1:]]


def fetch_package(apt, package, wanted, cache):
    """Downloads one package and unpacks it for every kind that boots it."""
    kernels = cache / "kernels"
    with tempfile.TemporaryDirectory(prefix=".download-", dir=kernels) as scratch:
        scratch = pathlib.Path(scratch)
        deb = apt.download(f"{package}:{wanted[0].arch}", scratch)
        for kind in wanted:
            fresh = scratch / kind.name
            fresh.mkdir()
            unpack(deb, fresh)
            if not list((fresh / "boot").glob(f"{kind.image}-*")):
                raise FetchError(f"{package} holds no {kind.image}")
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
    with tempfile.TemporaryDirectory(prefix=".apt-", dir=cache) as directory:
        apt = Apt(pathlib.Path(directory), [kind.arch for kind in missing])
        failures = {kind.name: "" for kind in missing}
        for attempt in range(TRIES):
            if attempt:
                time.sleep(5 * attempt)
            say(f"reading the package lists for {' '.join(sorted({kind.arch for kind in missing}))}")
            complaint = apt.update()
            packages = {}
            for kind in missing:
                package = apt.kernel_of(kind)
                if package:
                    packages.setdefault(package, []).append(kind)
                else:
                    failures[kind.name] = (f"the mirror has no {kind.package}:{kind.arch}"
                                           + (f" (apt said: {complaint.strip()[-300:]})" if complaint.strip() else ""))
            for package, kinds_of_it in packages.items():
                say(f"downloading {package} for {' '.join(kind.name for kind in kinds_of_it)}")
                try:
                    fetch_package(apt, package, kinds_of_it, cache)
                except (FetchError, OSError, subprocess.SubprocessError) as error:
                    for kind in kinds_of_it:
                        failures[kind.name] = str(error)
            missing = [kind for kind in missing if not kernel(kind, cache)]
            if not missing:
                return
    raise FetchError("\n".join(f"no kernel for {kind.name}: {failures[kind.name]}" for kind in missing))


def main():
    parser = argparse.ArgumentParser(description="Downloads the guests' kernels.")
    parser.add_argument("kind", nargs="*", help="which guests (default: all)")
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
