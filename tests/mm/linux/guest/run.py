#!/usr/bin/python3
"""Runs check-linux in a QEMU guest, on the newest kernel of Debian: "make check-linux-guest".

The guest has what the machine at hand may lack: swap, soft-dirty bits, hugetlb pages, and an ext4 file system that nobody else uses.
/init (init.c) prepares them, runs the program with the arguments that are given here, and its output comes to standard output as it
is made. The exit code is the program's. QEMU translates instructions, so this is about forty times slower than the machine itself.
"""

import argparse
import collections
import dataclasses
import gzip
import os
import pathlib
import platform
import re
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
sys.path.insert(0, str(ROOT / "tests" / "guests"))

import fetch            # noqa: E402
import initramfs        # noqa: E402
import kinds            # noqa: E402

# A cache of its own, because it has more modules.
KIND = dataclasses.replace(kinds.select(["x86_64_newer"])[0], name="check_linux")
MODULES = ("zram", "ext4")
FOLDERS = ("dev", "proc", "sys", "tmp", "scripts")
IMAGE_BYTES = 64 << 20
MEMORY = 2048           # MiB
CPUS_MOST = 4
# Instructions that QEMU makes byte by byte: Linux then clears and copies pages by others, which takes half of the time.
SLOW = "erms,fsrm,fzrm,rep_good"
# On a busy machine, the kernel's test of the timer fails, and it stops.
APPEND = f"no_timer_check console=ttyS0 quiet loglevel=1 panic=-1 random.trust_cpu=on mitigations=off init_on_alloc=0 hugepages=64 clearcpuid={SLOW}"
ENDS = re.compile(rb"@END (\d+)\Z")


class RunError(Exception):
    """A sentence for people."""


def tool(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise RunError(f"{name} is not installed: `tools/deps.sh linux-guest` names the packages")
    return found


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise RunError(f"{pathlib.Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout


def libraries(program):
    """The shared libraries of a program, and what loads them."""
    return re.findall(r"(?:^|\s)(/\S+) \(0x", run("ldd", program))


def initrd(program, arguments, scripts, directory):
    """The archive that the guest boots from."""
    run("gcc", *initramfs.FLAGS, "-o", directory / "init", HERE / "init.c")
    run("strip", "-o", directory / "check-linux", program)
    with open(directory / "ext4", "wb") as image:
        image.truncate(IMAGE_BYTES)
    run(tool("mke2fs"), "-q", "-F", "-b", "4096", "-t", "ext4", directory / "ext4")
    files = {"init": directory / "init", "check-linux": directory / "check-linux", "ext4": directory / "ext4"}
    files.update({f"scripts/{script.name}": script for script in scripts})
    files.update({path.lstrip("/"): pathlib.Path(path) for path in libraries(program)})
    folders = set(FOLDERS) | {str(parent) for name in files for parent in pathlib.PurePath(name).parents} - {"."}
    members = [(name, stat.S_IFDIR | 0o755, b"") for name in sorted(folders)]
    members += [(name, stat.S_IFREG | 0o755, path.read_bytes()) for name, path in files.items()]
    members += [(f"module{i}", stat.S_IFREG | 0o644, data)
                for i, (_, data) in enumerate(fetch.modules(KIND, fetch.cache_directory(), MODULES))]
    members.append(("arguments", stat.S_IFREG | 0o644, "\n".join(arguments).encode()))
    archive = directory / "initrd"
    with gzip.open(archive, "wb", compresslevel=1) as out:
        for number, (name, mode, data) in enumerate(members, 1):
            out.write(initramfs.member(number, name, mode, data))
        out.write(initramfs.member(0, "TRAILER!!!", 0))
    return archive


def boot(kernel, archive, cpus):
    """Boots the guest, and passes its output on. Returns the program's exit code."""
    # The emulator ends with this process, however that ends.
    command = [tool("setpriv"), "--pdeathsig", "KILL", tool(KIND.qemu), "-nodefaults", "-no-user-config", "-display", "none",
               "-no-reboot", "-machine", "q35", "-cpu", KIND.cpu, "-smp", str(cpus), "-accel", "tcg,thread=multi",
               "-m", f"{MEMORY}M", "-kernel", str(kernel), "-initrd", str(archive), "-append", APPEND, "-serial", "stdio"]
    code, begun, empty, last = None, False, 0, collections.deque(maxlen=20)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as emulator:
        for line in emulator.stdout:
            line = line.strip(b"\r\n\0")
            end = ENDS.search(line)
            if end:
                code = int(end[1])
            elif line.startswith(b"@E "):
                raise RunError(f"the guest could not begin: {line[3:].decode(errors='replace')}")
            elif line == b"@BEGIN":
                begun = True
            elif begun and code is None and not line:
                empty += 1
            elif not begun:
                last.append(line.decode(errors="replace"))
            elif code is None:
                # The last ones are /init's.
                print("\n" * empty + line.decode(errors="replace"), flush=True)
                empty = 0
    if code is None and not begun:
        raise RunError("the guest did not boot; it said: " + "\n".join(last))
    if code is None:
        raise RunError("the guest ended before check-linux did")
    return code


def split(words):
    """What is before and after the first "--"."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1:]


def main():
    parser = argparse.ArgumentParser(description="Runs check-linux in a QEMU guest.",
                                     usage="%(prog)s [options] BUILD [-- OPTION-OF-CHECK-LINUX...]",
                                     epilog="check-linux's own options are --scripts, --seed, --only, --no-shrink, --self-test, --sound")
    parser.add_argument("build", type=pathlib.Path, help="the build folder")
    parser.add_argument("--cpus", type=int, default=min(os.cpu_count() or 1, CPUS_MOST), metavar="N",
                        help="processors of the guest (default: %(default)s)")
    parser.add_argument("--script", type=pathlib.Path, metavar="FILE", help="copy this script into the guest, and run no other")
    mine, arguments = split(sys.argv[1:])
    options = parser.parse_args(mine)
    if platform.machine() != "x86_64":
        print(f"run.py: the guest is x86_64, and runs the program of this machine, which is {platform.machine()}", file=sys.stderr)
        return 2
    if options.script:
        arguments += ["--script", f"/scripts/{options.script.name}"]
    cache = fetch.cache_directory()
    try:
        fetch.fetch([KIND], cache, say=lambda text: print(text, file=sys.stderr))
        kernel = fetch.kernel(KIND, cache)
        print(f"Linux {kernel.parent.name}, in QEMU with {options.cpus} processors", flush=True)
        with tempfile.TemporaryDirectory(prefix="pagewalk-linux-") as name:
            archive = initrd(options.build / "tests" / "mm" / "linux" / "check-linux", arguments,
                             [options.script] if options.script else [], pathlib.Path(name))
            return boot(kernel, archive, options.cpus)
    except (RunError, fetch.FetchError, OSError, subprocess.SubprocessError) as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
