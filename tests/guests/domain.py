"""A domain of libvirt, as doc/live.md tells: the domain's own monitor is refused with what to do instead, a second one is found by the
number of the process, `watch` goes on after `virsh reset`, and `virsh dump --memory-only` and `virsh save` leave files that are read, or
answered with what to do. Only where libvirt runs and this user may start domains in it; a container often cannot."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import again

NAME = f"pagewalk-test-{os.getpid()}"
MONITOR = pathlib.Path("/var/lib/libvirt/qemu") / f"{NAME}.qmp"     # QEMU's user may make sockets there
DOMAIN = """<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name><memory unit='MiB'>512</memory>{backing}<vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><kernel>{folder}/vmlinuz</kernel><initrd>{folder}/initramfs</initrd>
    <cmdline>console=ttyS0 quiet loglevel=1 panic=-1 random.trust_cpu=on</cmdline></os>
  <cpu mode='maximum'><feature policy='disable' name='la57'/></cpu>
  <devices><serial type='file'><source path='{folder}/console'/></serial><memballoon model='none'/></devices>
  {more}
</domain>
"""
SECOND = "<qemu:commandline><qemu:arg value='-qmp'/><qemu:arg value='unix:{monitor},server=on,wait=off'/></qemu:commandline>"
SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


def virsh(*words, check=True):
    done = subprocess.run(["virsh", "--connect", "qemu:///system", *map(str, words)], capture_output=True, text=True, timeout=again.BOOT)
    if check and done.returncode:
        raise again.AgainError(f"virsh {words[0]}: {done.stderr.strip()}")
    return done


def lacks():
    """A sentence about what this machine lacks; None if domains can be started."""
    if not shutil.which("virsh"):
        return "virsh is not installed (libvirt-clients, libvirt-daemon-system)"
    done = virsh("version", check=False)
    return f"libvirt does not answer: {done.stderr.strip()}" if done.returncode else None


def wait_for_report(console, reports):
    """Waits until so many reports of pages are on the console; returns the last."""
    deadline = time.monotonic() + again.BOOT
    while time.monotonic() < deadline:
        text = console.read_text(errors="replace") if console.exists() else ""
        if len(re.findall("^@D", text, re.M)) >= reports:
            return again.read_report(text)
        time.sleep(0.5)
    raise again.AgainError("the domain's system did not start")


def start(folder, backing, more):
    (folder / "console").unlink(missing_ok=True)
    (folder / "domain.xml").write_text(DOMAIN.format(name=NAME, backing=backing, folder=folder, more=more.format(monitor=MONITOR)))
    virsh("create", folder / "domain.xml")
    pid = pathlib.Path(f"/run/libvirt/qemu/{NAME}.pid").read_text().strip()
    return pid, wait_for_report(folder / "console", 1)


def refused(tool, source, *says):
    done = subprocess.run([tool, "map", "--pid", "1", str(source)], capture_output=True, text=True, timeout=again.BOOT)
    if done.returncode != 2 or any(words not in done.stderr for words in says):
        raise again.AgainError(f"{source} should be refused ({' '.join(says)}): {done.stderr}")


def run(tool, kind, kernel, folder):
    told = []
    pid, _ = start(folder, "", "")
    refused(tool, f"qemu:{pid}", "was started by libvirt", "qemu:commandline")
    refused(tool, f"qemu:{next(pathlib.Path('/var/lib/libvirt/qemu').glob(f'domain-*-{NAME}/monitor.sock'))}", "serves libvirt alone")
    virsh("destroy", NAME)
    pid, pages = start(folder, SHARED, SECOND)
    told.append(f"{again.compare(tool, f'qemu:{pid}', pages)} pages by the process's number")
    for words in ([], ["--format", "kdump-zlib"]):
        virsh("dump", "--memory-only", *words, NAME, folder / "dump")
        told.append(f"{again.compare(tool, folder / 'dump', pages)} of virsh dump {' '.join(words)}".strip())
        (folder / "dump").unlink()
    watch = again.Watch(tool, f"qemu:{MONITOR}")
    try:
        # The first look must be over before the reset.
        time.sleep(10)
        virsh("reset", NAME)
        watch.wait_for("event", "found")
        told.append(f"reset: {' '.join(watch.events)}")
    finally:
        watch.end()
    virsh("save", NAME, folder / "saved")
    refused(tool, folder / "saved", "virsh restore --paused")
    return f"ok libvirt {virsh('--version').stdout.strip()}: " + "; ".join(told)


def check(tool, kind, kernel):
    """Returns a line, or raises again.AgainError."""
    with tempfile.TemporaryDirectory(prefix="pagewalk-libvirt-", dir="/var/tmp") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o711)
        again.build(kind, kernel, folder)
        shutil.copy(kernel, folder / "vmlinuz")
        for file in ("vmlinuz", "initramfs"):
            (folder / file).chmod(0o644)
        try:
            return run(tool, kind, kernel, folder)
        finally:
            virsh("destroy", NAME, check=False)
            MONITOR.unlink(missing_ok=True)
