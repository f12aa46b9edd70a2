#!/usr/bin/python3
"""Compares every page that a guest reported with pagewalk's answer, on three images of the same memory: flat RAM, QEMU's
core dump, and a core of the page tables alone made by "pagewalk cut".

No difference is tolerated. expectation() has the right answers about a page in the two views.
"""

import argparse
import bisect
import json
import mmap
import pathlib
import shlex
import subprocess
import sys

import found

SHOWN = 12                  # differences that are printed for each guest

# The hardware of these formats has no accessed bit: the kernel makes an "old" page invalid for the hardware, to catch the next
# access (arch/arm/mm/proc-macros.S, arch/s390/include/asm/pgtable.h). Pages are old after clear_refs and MADV_FREE, and in a child after fork.
EMULATES_ACCESSED = {"s390x", "arm"}
OLD = {"old", "old-ro", "old-shared", "lazily-freed"}
INHERITED = {"cow", "shared-by-all"}
# Pages that belong to their process alone, and that it has written to: they must be writable.
WRITABLE = {"anon-rw", "anon-rwx", "shared", "thp", "own", "old-written-again"}
# Formats whose user pages can all be executed: i386 has no such bit, and Linux 6.1 with PAE loses it
# (vm_get_page_prot() in arch/x86/mm/pgprot.c keeps 64 bits of protection in an unsigned long).
NO_EXECUTE_BIT = {"i386", "i386_pae", "um_3", "um_4"}
NO_USER_BIT = {"s390x"}     # the address space decides about user access, not the entry
# Two of Linux 6.1's own peculiarities with PROT_NONE. arm64: pte_mkcont() sets the valid bit, so that a contiguous huge page
# stays valid; only the kernel may use it, and pagemap calls it present (arch/arm64/include/asm/pgtable.h). arm LPAE: pmd_present()
# looks only at the valid bit, so that pagemap calls a huge page absent (arch/arm/include/asm/pgtable-3level.h).
VALID_ALTHOUGH_NONE = {("arm64", "hugetlb-64k")}
ABSENT_ALTHOUGH_NONE = {("arm_lpae", "thp-none"), ("arm_lpae", "hugetlb-2048k")}
UNMAPPED = {"none", "length", "not-canonical"}


class CheckError(Exception):
    """A sentence about why a guest could not be checked at all."""


class Image:
    def __init__(self, name, source):
        self.name = name
        self.source = source


def raw_source(guest, directory):
    return "raw:" + ",".join(f"{directory}/ram@0x{base:x}+0x{length:x}:0x{offset:x}"
                             for base, length, offset in guest["segments"])


def root_options(roots):
    return [word for root in roots for word in ("--root", root)]


class Pagewalk:
    def __init__(self, path, guest, registers=()):
        self.path = str(path)
        self.guest = guest
        self.registers = list(registers)

    def run(self, arguments, **more):
        try:
            return subprocess.run([self.path, *arguments], capture_output=True, text=True, timeout=600, **more)
        except FileNotFoundError:
            raise CheckError(f"there is no {self.path}: run make first")
        except subprocess.TimeoutExpired:
            raise CheckError(f"no answer in 600 seconds from: {self.path} {shlex.join(arguments)}")

    def command(self, view, roots, source, address):
        return ["translate", "--json", "--view", view, "--format", self.guest["format"], *self.options(source), *root_options(roots),
                source, address]

    def options(self, source):
        """The registers; and which Linux it is, for an image that does not tell."""
        version = ["--kernel", self.guest["version"]] if "version" in self.guest and source.startswith("raw:") else []
        return self.registers + version

    def translate(self, view, roots, source, addresses):
        """One answer, as a dictionary, for each address."""
        arguments = self.command(view, roots, source, "-")
        result = self.run(arguments, input="".join(f"{va}\n" for va in addresses))
        where = f"{self.path} {shlex.join(arguments)}"
        if result.returncode not in (0, 1):
            raise CheckError(f"exit status {result.returncode} from: {where}\n{result.stderr.strip()}")
        try:
            answers = [json.loads(line) for line in result.stdout.splitlines()]
        except ValueError as error:
            raise CheckError(f"not JSON ({error}) from: {where}")
        if len(answers) != len(addresses):
            raise CheckError(f"{len(answers)} answers for {len(addresses)} addresses from: {where}\n{result.stderr.strip()}")
        whole = all(answer.get("status") == "ok" for answer in answers)
        if whole != (result.returncode == 0):
            raise CheckError(f"exit status {result.returncode} although {'all' if whole else 'not all'} is mapped: {where}")
        return answers

    def cut(self, roots, source, output):
        """The whole map of one address space."""
        self.cut_spaces([("", roots)], source, output)

    def cut_spaces(self, spaces, source, output, ranges=()):
        """Cuts several address spaces, (name, roots) each, into one image; completely, or only for some ranges."""
        words = [word for name, roots in spaces for word in ("--space", f"{name}={','.join(roots)}")]
        arguments = ["cut", "--format", self.guest["format"], *self.options(source), *words, *ranges, source, str(output)]
        result = self.run(arguments)
        if result.returncode or not pathlib.Path(output).exists():
            raise CheckError(f"exit status {result.returncode} from: {self.path} {shlex.join(arguments)}\n{result.stderr.strip()}")


# --- the right answers about one page

def expectation(guest, shape, page, view):
    """The statuses that are right for a page, and its physical address if it must have one."""
    _, state, pa, _, name, tag = page
    if state == "protnone" and (guest["format"], name) in VALID_ALTHOUGH_NONE:
        return {"ok", "prot-none"}, pa
    if state == "none" and (guest["format"], name) in ABSENT_ALTHOUGH_NONE and view == "linux":
        return UNMAPPED | {"prot-none"}, None
    if view == "linux":
        return {"present": ({"ok"}, pa), "protnone": ({"prot-none"}, pa),
                "swap": ({"swap"}, None), "none": (UNMAPPED, None)}[state]
    if state == "swap":
        return UNMAPPED | {"swap"}, None
    if state != "present":
        return UNMAPPED | {"prot-none"}, None
    if guest["format"] in EMULATES_ACCESSED:
        if name in OLD:
            return {"none"}, None
        # Newer kernels make a few pages of other processes old by themselves, when the last one takes its memory.
        if not tag or name in INHERITED or guest.get("suite"):
            return {"ok", "none"}, pa
    return {"ok"}, pa


def wrong_permissions(guest, shape, page, answer):
    """A sentence about a mapped page's wrong permissions; None if they are right."""
    _, state, _, vma, name, tag = page
    if answer["status"] != "ok" or vma == "----":
        return None
    prot = answer.get("prot", "")
    if len(prot) != 4:
        return f"prot is {prot!r}, not four letters"
    if state == "protnone":
        return "accessible to the user although PROT_NONE" if prot[3] == "u" else None
    execute_only = vma[:3] == "--x"
    if vma[0] == "r" and prot[0] != "r":
        return f"not readable in a mapping that is {vma}"
    if prot[1] == "w" and vma[1] != "w":
        return f"writable in a mapping that is {vma}"
    if prot[1] != "w" and vma[1] == "w" and tag and name in WRITABLE:
        return "not writable, although the process alone has it and wrote to it"
    executable = vma[2] == "x" and not shape.get("no_execute")
    if prot[2] != "x" and executable:
        return f"not executable in a mapping that is {vma}"
    if prot[2] == "x" and not executable and guest["format"] not in NO_EXECUTE_BIT:
        return f"executable in a mapping that is {vma}"
    if prot[3] != "u" and guest["format"] not in NO_USER_BIT and not execute_only:
        return "not accessible to the user"
    return None


def judge(guest, shape, page, view, answer):
    """A sentence about a wrong answer; None if it is right."""
    statuses, pa = expectation(guest, shape, page, view)
    if answer.get("va") is None or int(answer["va"], 16) != int(page[0], 16):
        return f"the answer is for {answer.get('va')}"
    status = answer.get("status")
    if status not in statuses:
        return f"status is {status}, should be {' or '.join(sorted(statuses))}"
    if pa is not None and status in ("ok", "prot-none"):
        if "pa" not in answer or int(answer["pa"], 16) != int(pa, 16):
            return f"physical address is {answer.get('pa')}, should be {pa}"
    return wrong_permissions(guest, shape, page, answer)


# --- the checks

def bytes_at(guest, ram, pa, length):
    """Bytes of the guest's physical memory; fewer if some are missing."""
    for base, size, offset in guest["segments"]:
        if base <= pa < base + size:
            return ram[pa - base + offset:pa - base + offset + length]
    return b""


def check_bytes(guest, directory):
    """Compares the guest's report with the bytes in its RAM, without pagewalk. Yields differences."""
    with open(directory / "ram", "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as ram:
        for shape in guest["shapes"]:
            for va, _, pa, _, name, tag in shape["pages"]:
                if not tag or not pa:
                    continue
                found = bytes_at(guest, ram, int(pa, 16), 10)
                if found != int(tag, 16).to_bytes(8, "big") + b"pw":
                    yield f"{shape['name']} {name} {va}: the bytes at {pa} should be the tag {tag}, are {found.hex()}"
        va = guest["kernel_names"].get("linux_banner")
        if not guest["kernel"]:
            return
        pa = dict(map(tuple, guest["kernel"])).get(va)
        found = bytes_at(guest, ram, int(pa, 16), 13) if pa else b"unknown"
        if found != b"Linux version":
            yield f"the kernel's name does not stand at linux_banner ({va}, {pa}): {found!r}"


def views(guest):
    """No hardware walks the tables of user-mode Linux. What its host is asked for depends on what it has noticed so far."""
    return ("linux",) if guest["format"].startswith("um_") else ("linux", "hardware")


def check_shape(pagewalk, guest, shape, images):
    addresses = [page[0] for page in shape["pages"]]
    for image in images:
        for view in views(guest):
            answers = pagewalk.translate(view, shape["roots"], image.source, addresses)
            for page, answer in zip(shape["pages"], answers):
                wrong = judge(guest, shape, page, view, answer)
                if wrong:
                    command = pagewalk.command(view, shape["roots"], image.source, page[0])
                    yield (f"{image.name}, {view} view, {shape['name']}: {wrong}\n    guest:    {json.dumps(page)}\n"
                           f"    pagewalk: {json.dumps(answer)}\n    {pagewalk.path} {shlex.join(command)}")
    if shape["name"] == "huge" and any(page[4] == "thp" for page in shape["pages"]):
        sizes = {answer.get("size") for answer in answers}
        if max(size or 0 for size in sizes) <= guest["page_size"]:
            yield f"no huge page in shape huge: the page sizes are {sizes}"


def kernel_registers(guest):
    """arm with CONFIG_CPU_TTBR0_PAN takes the user's half away in the kernel; the other root then translates more."""
    return ["--tcr", guest["registers"]["TTBCR"]] if guest["format"] == "arm_lpae" else []


def check_kernel(pagewalk, guest, images):
    """Compares addresses of the kernel's half with the emulator's own walk (gva2gpa)."""
    addresses = [va for va, _ in guest["kernel"]]
    for image in images:
        answers = pagewalk.translate("hardware", guest["kernel_roots"], image.source, addresses)
        for (va, pa), answer in zip(guest["kernel"], answers):
            found = answer.get("pa") if answer.get("status") == "ok" else None
            if (pa and int(pa, 16)) != (found and int(found, 16)):
                command = pagewalk.command("hardware", guest["kernel_roots"], image.source, va)
                yield (f"{image.name}, kernel address {va}: the emulator says {pa}\n    pagewalk: {json.dumps(answer)}\n"
                       f"    {pagewalk.path} {shlex.join(command)}")


def check_map(pagewalk, guest, source):
    """Compares the map of each process, which is asked for by its number alone, with its own report. Yields differences."""
    roots = found.Roots(pagewalk.path, guest, source)
    numbers = {int(root["table"], 16): root["pid"] for root in roots.find()}
    for shape in guest["shapes"]:
        number = numbers.get(found.address(roots.format, shape["roots"][0]))
        if number is None:
            yield f"map: the number of {shape['name']}'s process is not known"
            continue
        pages = [(int(page[0], 16), page) for page in shape["pages"]]
        whole = f"{min(pages)[0]:#x}-{max(pages)[0] + guest['page_size'] - 1:#x}"
        arguments = ["map", "--json", "--view", "linux", "--holes", "--pid", str(number), source, whole]
        result = pagewalk.run(arguments)
        rows = [row for row in map(json.loads, result.stdout.splitlines()) if "va" in row]
        starts = [int(row["va"], 16) for row in rows]
        for va, page in pages:
            at = bisect.bisect_right(starts, va) - 1
            row = rows[at] if at >= 0 and va - starts[at] < int(str(rows[at]["length"]), 0) else {"status": "missing"}
            statuses, pa = expectation(guest, shape, page, "linux")
            shown = int(row["pa"], 16) + va - starts[at] if "pa" in row else None
            if row["status"] not in statuses or pa is not None and shown != int(pa, 16):
                yield f"map, {shape['name']}: {json.dumps(row)}\n    guest:    {json.dumps(page)}\n    {pagewalk.path} {shlex.join(arguments)}"


def check_live(directory, path):
    """Compares a guest that runs with its own report. Returns (pages, differences)."""
    guest = json.loads((directory / "guest.json").read_text())
    pagewalk = Pagewalk(path, guest)
    live = Image("live", guest.get("live", f"qemu:{directory / 'live'}"))
    differences, pages = [], 0
    try:
        for shape in guest["shapes"]:
            differences += check_shape(pagewalk, guest, shape, [live])
            pages += len(shape["pages"])
        answer = pagewalk.translate("hardware", guest["shapes"][0]["roots"], live.source, [guest["shapes"][0]["pages"][0][0]])[0]
        if answer.get("stable") is not True:
            differences.append(f"live: an answer about a guest whose processes sleep is not stable: {json.dumps(answer)}")
        if not guest["kernel"]:
            return pages, differences
        stamped, _, wrong = found.Roots(path, guest, live.source).processes()
        differences += [f"live: {line}" for line in wrong]
        differences += [f"live: {line}" for line in check_map(pagewalk, guest, live.source)]
        if stamped == 0:
            differences.append("live: no root of a process was found")
        kernel = found.Roots(path, guest, live.source)
        if not any(root["owner"] == "kernel" and kernel.has_vectors(root, live=True) for root in kernel.find()):
            differences.append("live: the kernel's root does not show the CPU's exception vectors")
    except CheckError as error:
        differences.append(f"live: {error}")
    return pages, differences


def check(directory, path, live=(0, ())):
    """Checks one finished guest. Returns (is everything right?, lines to print)."""
    directory = pathlib.Path(directory).resolve()
    try:
        guest = json.loads((directory / "guest.json").read_text())
    except (OSError, ValueError) as error:
        return False, [f"FAIL {directory.name}: no guest.json to compare with: {error}"]
    pagewalk = Pagewalk(path, guest)
    raw = Image("raw RAM", raw_source(guest, directory))
    dump = Image("core dump", str(directory / "dump.elf"))
    differences, pages = list(live[1]), 0
    try:
        differences += check_bytes(guest, directory)
        everything = [(shape, lambda images, shape=shape: check_shape(pagewalk, guest, shape, images))
                      for shape in guest["shapes"]]
        if guest["kernel"]:
            kernel = Pagewalk(path, guest, kernel_registers(guest))
            everything.append(({"roots": guest["kernel_roots"], "pages": guest["kernel"], "by": kernel},
                               lambda images: check_kernel(kernel, guest, images)))
        for part, run in everything:
            tables = Image("tables only", str(directory / "tables.elf"))
            part.get("by", pagewalk).cut(part["roots"], raw.source, tables.source)
            differences += run((raw, dump, tables) if "live" not in guest else (raw, tables))
            pages += len(part["pages"])
            pathlib.Path(tables.source).unlink()
    except (CheckError, OSError) as error:
        differences.append(str(error))
    if not differences:
        return True, [f"ok {guest['kind']}: {pages} pages x {2 if 'live' in guest else 3} images, {live[0]} of the running guest"]
    shown = [f"  {difference}" for difference in differences[:SHOWN]]
    if len(differences) > SHOWN:
        shown.append(f"  ... and {len(differences) - SHOWN} more")
    return False, [f"FAIL {guest['kind']}: {len(differences)} differences", *shown]


def main():
    parser = argparse.ArgumentParser(description="Compares finished guests with pagewalk.")
    parser.add_argument("--pagewalk", default="build/pagewalk", help="the tool (default: %(default)s)")
    parser.add_argument("directory", nargs="+", help="finished guests, as guest.py leaves them")
    arguments = parser.parse_args()
    results = []
    for directory in arguments.directory:
        good, lines = check(directory, arguments.pagewalk)
        print("\n".join(lines), flush=True)
        results.append(good)
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
