"""README's three lines about a running guest, run as they are written: the kernel is another one, and there is no window."""

import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import time

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def check(tool, kernel):
    """Returns (is everything right?, lines to print)."""
    text = README.read_text()
    part = text[text.index("### A running guest"):text.index("## The library")].replace("\\\n", " ")
    qemu, *lines = re.findall(r"(?m)^    (\S.*)$", part)
    with tempfile.TemporaryDirectory(prefix="pagewalk-readme-") as folder:
        command = ["timeout", "--kill-after=5", "300", *shlex.split(qemu.replace("/boot/vmlinuz", str(kernel))), "-display", "none",
                   "-no-reboot", "-append", "panic=0"]
        with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as emulator:
            try:
                deadline = time.monotonic() + 200
                while time.monotonic() < deadline:
                    time.sleep(1)
                    outputs = [subprocess.run([os.path.abspath(tool), *shlex.split(line)[1:]], cwd=folder, capture_output=True, text=True,
                                              timeout=100) for line in lines]
                    # at first, the firmware runs without paging, or the kernel without its final map
                    if [done.returncode for done in outputs] == [0, 0] and outputs[1].stdout.endswith("stable\n") \
                            and "0xffffffff" in outputs[0].stdout:
                        return True, [f"ok README: a running guest in three lines ({len(outputs[0].stdout.splitlines()) - 1} ranges)"]
            finally:
                emulator.terminate()
    return False, ["FAIL README: a running guest in three lines:", *(done.stdout[-500:] + done.stderr[-500:] for done in outputs)]
