#!/usr/bin/python3
"""The experiment with stamps: a guest remaps pages as fast as it can, each stamped with the slot that it is mapped at, while
stamps.c reads them. With a second look at the entries, no answer that is called stable may have another slot's stamp. Without
it, some have: else the guest is too slow to prove anything, and the test fails, too."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
COMPILER = ["i686-linux-gnu-gcc", "-O2", "-ffreestanding", "-fno-pic", "-no-pie", "-nostdlib", "-fno-stack-protector", "-mno-sse",
            "-fno-asynchronous-unwind-tables", "-Wl,-Ttext=0x100000,-e,start,--build-id=none,-z,noseparate-code"]
MEMORY = {"mapped": ["-machine", "pc,memory-backend=ram", "-object", "memory-backend-memfd,id=ram,size=256M,share=on"],
          "copied": ["-machine", "pc"]}


class StampsError(Exception):
    """A sentence for people."""


def build_folder(tool):
    """The build folder that the tool is in: BUILD/pagewalk is a link to BUILD/cli/pagewalk."""
    tool = pathlib.Path(tool).resolve()
    return next((folder for folder in tool.parents if (folder / "build.ninja").exists()), tool.parent)


def build(directory):
    kernel = directory / "stamps.elf"
    subprocess.run([*COMPILER, "-o", str(kernel), str(HERE / "stamps_guest.c")], check=True, timeout=120)
    return kernel


def wait_for(path, process):
    deadline = time.monotonic() + 60
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise StampsError("QEMU did not start")
        time.sleep(0.05)


def run(reader, memory, seconds):
    """Runs the experiment once. Returns the reader's counts."""
    with tempfile.TemporaryDirectory(prefix="pagewalk-stamps-") as name:
        directory = pathlib.Path(name)
        socket = directory / "qmp"
        # timeout(1) ends the emulator even if this process is killed
        command = ["timeout", "--kill-after=5", str(int(seconds) + 300), "qemu-system-x86_64", *MEMORY[memory], "-accel", "tcg", "-cpu", "max",
                   "-m", "256M", "-nodefaults", "-display", "none", "-no-reboot", "-kernel", str(build(directory)),
                   "-qmp", f"unix:{socket},server=on,wait=off"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as emulator:
            try:
                wait_for(socket, emulator)
                time.sleep(1)
                done = subprocess.run([str(reader), f"qemu:{socket}", str(seconds)], capture_output=True, text=True,
                                      timeout=seconds + 200)
            finally:
                emulator.terminate()
        if done.returncode:
            raise StampsError(f"the reader failed: {done.stderr.strip()}")
        return json.loads(done.stdout)


def check(reader, seconds):
    """Returns (is everything right?, lines to print)."""
    good, lines = True, []
    for memory in MEMORY:
        try:
            counts = run(reader, memory, seconds)
        except (StampsError, OSError, ValueError, subprocess.SubprocessError) as error:
            return False, [*lines, f"FAIL stamps, {memory}: {error}"]
        once, twice = counts["once"], counts["twice"]
        right = twice["wrong"] == 0 and once["wrong"] > 0 and twice["stable"] > 1000
        good &= right
        lines.append(f"{'ok' if right else 'FAIL'} stamps, {memory}: with a second look {twice['reads']} reads, {twice['wrong']} wrong "
                     f"({twice['stable']} stable, {twice['changed']} after changes, {twice['unstable']} unstable); "
                     f"without {once['reads']} reads, {once['wrong']} wrong")
    return good, lines


def main():
    parser = argparse.ArgumentParser(description="Reads pages of a guest that remaps them as fast as it can.")
    parser.add_argument("--reader", default="build/tests/guests/stamps", help="the program that reads (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="for each kind of memory (default: %(default)s)")
    arguments = parser.parse_args()
    good, lines = check(arguments.reader, arguments.seconds)
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
