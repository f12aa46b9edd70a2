"""The command `pagewalk` in a gdb that is attached to QEMU's stub, beside the tool attached to the same QEMU."""

import os
import pathlib
import subprocess
import tempfile
import time

import stamps

TREE = pathlib.Path(__file__).resolve().parents[2]


def ask_gdb(library, stub, *commands):
    environment = dict(os.environ, PYTHONPATH=str(TREE / "bindings" / "python"), PAGEWALK_LIBRARY=str(library))
    arguments = [word for command in ("set architecture i386:x86-64", f"target remote {stub}", "source bindings/gdb/pagewalk_gdb.py", *commands)
                 for word in ("-ex", command)]
    done = subprocess.run(["gdb", "-nx", "-batch", *arguments], cwd=TREE, env=environment, capture_output=True, text=True, timeout=200)
    return done.stdout.splitlines(), done.stderr


def check(tool):
    """Returns (is everything right?, lines to print)."""
    tool = pathlib.Path(tool).resolve()
    library = stamps.build_folder(tool) / "src" / "libpagewalk.so.0"
    with tempfile.TemporaryDirectory(prefix="pagewalk-gdb-") as name:
        folder = pathlib.Path(name)
        qmp, stub = folder / "qmp", folder / "stub"
        command = ["timeout", "--kill-after=5", "300", "qemu-system-x86_64", *stamps.MEMORY["mapped"], "-accel", "tcg", "-cpu", "max", "-m", "256M",
                   "-nodefaults", "-display", "none", "-no-reboot", "-kernel", str(stamps.build(folder)),
                   "-qmp", f"unix:{qmp},server=on,wait=off", "-chardev", f"socket,path={stub},server=on,wait=off,id=stub", "-gdb", "chardev:stub"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as emulator:
            try:
                stamps.wait_for(stub, emulator)
                told = []
                # at first, the firmware runs without paging
                for _ in range(100):
                    done = subprocess.run([str(tool), "translate", f"qemu:{qmp}", "0x100080"], capture_output=True, text=True, timeout=100)
                    told = done.stdout.split()
                    if done.returncode == 0 and int(told[2], 16) == 0x100080:
                        break
                    time.sleep(0.2)
                lines, errors = ask_gdb(library, stub, "pagewalk translate $pc 0x100080", "pagewalk map 0 0xfffffff", "pagewalk find 0x100080")
            finally:
                emulator.terminate()
    wanted = ["0x0000000000100080 -> 0x0000000000100080 4096 KiB pgd rwxk accessed dirty",
              "0x0000000000000000-0x000000000fffffff 0x0000000000000000    4096 KiB rwxk",
              "0x0000000000100080-0x0000000000100080 0x0000000000100080    4096 KiB rwxk"]
    missing = [line for line in wanted if line not in lines]
    if missing or not told:
        return False, ["FAIL gdb: the command in a gdb at QEMU's stub did not print", *missing, *lines[-8:], errors[-500:]]
    return True, ["ok gdb: the command in a gdb at QEMU's stub agrees with the tool"]
