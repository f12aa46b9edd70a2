"""Programs of Debian's packages for any architecture, each with the libraries that it needs, as files of an initramfs. They are
downloaded once, into the cache."""

import pathlib
import re
import shutil
import subprocess
import tempfile

import fetch

# Of the packages that others depend on, those with libraries; the rest is for a whole system.
LIBRARIES = r"lib|zlib"


def needed(program):
    """The names of the libraries that a program or a library names, and the path of its loader, or None."""
    read = subprocess.run(["readelf", "-W", "-d", "-l", program], capture_output=True, text=True, timeout=60)
    loader = re.search(r"program interpreter: (\S+)\]", read.stdout)
    return re.findall(r"\(NEEDED\).*\[(.+)\]", read.stdout), loader.group(1).lstrip("/") if loader else None


def closure(top, programs):
    """The programs and all that they need: {path in the initramfs: file}. @top has the packages' files."""
    libraries = {}
    for path in sorted(top.rglob("*.so*")):
        libraries.setdefault(path.name, path)
    found, rest = {}, [(str(program.relative_to(top)), program) for program in programs]
    while rest:
        name, path = rest.pop()
        if name in found:
            continue
        found[name] = path
        names, loader = needed(path)
        if loader:
            rest.append((loader, libraries[pathlib.PurePath(loader).name]))
        for library in names:
            if library not in libraries:
                raise fetch.FetchError(f"{name} needs {library}, which is in no package that was downloaded")
            rest.append((str(libraries[library].relative_to(top)), libraries[library]))
    return found


def download(apt, arch, packages, top):
    """Unpacks the packages, and the libraries that they depend on, into @top."""
    done = apt.run("apt-get", "-y", "--no-install-recommends", "--download-only", "install", *(f"{name}:{arch}" for name in packages))
    if done.returncode:
        raise fetch.FetchError(f"could not download {' '.join(packages)} for {arch}: {done.stderr.strip()[-600:]}")
    wanted = re.compile("|".join([LIBRARIES, *map(re.escape, packages)]))
    for package in sorted((apt.directory / "archives").glob("*.deb")):
        if wanted.match(package.name):
            subprocess.run(["dpkg-deb", "-x", package, top], check=True, timeout=300)


def get(cache, name, arch, packages, choose):
    """
    The folder cache/programs/@name with the programs. @packages(apt) names packages; @choose(top, final) puts what is not a
    program into @final, and returns the programs and other files of @top.
    """
    final = cache / "programs" / name
    if fetch.sealed(final):
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".apt-", dir=cache) as directory:
        directory = pathlib.Path(directory)
        apt = fetch.Apt(directory, [arch])
        apt.update()
        top, fresh = directory / "top", directory / "fresh"
        download(apt, arch, packages(apt), top)
        fresh.mkdir()
        for path, file in closure(top, choose(top, fresh)).items():
            (fresh / "files" / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, fresh / "files" / path)
        fetch.seal(fresh)
        shutil.rmtree(final, ignore_errors=True)
        fresh.rename(final)
    return final


def members(folder):
    """The files as (path, mode, bytes) of an initramfs."""
    files = folder / "files"
    return [(str(path.relative_to(files)), 0o755, path.read_bytes()) for path in sorted(files.rglob("*")) if path.is_file()]
