#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Running machines as sources, without an emulator: this process plays QEMU. It answers QMP on a socket, and the guest's
memory is its own, in a memfd or private. Then all that can be on the other end of a socket instead: another program,
nobody, silence, garbage, an end in the middle."""

import ctypes
import json
import mmap
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import images
import schemas

TOOL = None     # set by main
PATIENCE = 300  # seconds, after which something hangs, however busy the machine is
GREETING = {"QMP": {"version": {"qemu": {"micro": 1, "minor": 2, "major": 7}, "package": ""}, "capabilities": []}}
BASE, BYTES = images.BASE, images.PAGES * 4096
REGISTERS = f"""
CPU#0
EAX=00000000 EBX=00000000
RIP=ffffffff81000000 RFL=00000046 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1 CPU#0
CR0=80050033 CR2=0000000000000000 CR3={images.CR3:016x} CR4=000006f0
EFER=0000000000000d01

CPU#1
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
EFER=0000000000000000
"""


class Server(threading.Thread):
    """Accepts connections on a socket, and hands each to `talk`, which may fail as its client goes."""

    def __init__(self, listener, talk):
        super().__init__(daemon=True)
        self.listener, self.talk = listener, talk
        self.start()

    def run(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            with connection:
                try:
                    self.talk(connection)
                except OSError:
                    pass


class Guest:
    """Memory of this process that plays a guest's RAM, and the answers to QMP's commands about it."""

    def __init__(self, image, shared, arch="x86_64"):
        self.arch = arch
        if shared:
            self.file = os.memfd_create("memory-backend-memfd")
            os.ftruncate(self.file, BYTES + 4096)
            self.map = mmap.mmap(self.file, BYTES, mmap.MAP_SHARED, offset=4096)
        else:
            self.map = mmap.mmap(-1, BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.map[:] = image
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        self.tree = (f"FlatView #0\r\n AS \"I/O\", root: io\r\n Root memory region: io\r\n  "
                     f"0000000000000000-000000000000ffff (prio 0, ram): wrong\r\n\r\n"
                     f"FlatView #1\r\n AS \"memory\", root: system\r\n AS \"cpu-memory-0\", root: system\r\n"
                     f" Root memory region: system\r\n"
                     f"  0000000000000000-00000000000000ff (prio 0, i/o): device\r\n"
                     f"  {BASE:016x}-{BASE + BYTES - 1:016x} (prio 0, ram): pc.ram @0000000000001000\r\n\r\n")
        self.status, self.done, self.chardevs, self.event = "running", [], [], True
        self.lines, self.memdevs = [], []       # of the human monitor; and the machine's RAM
        self.registers = REGISTERS
        self.connections = []
        self.gate = threading.Event()           # not set: `cont` waits
        self.gate.set()

    def human(self, line):
        self.lines.append(line)
        if line == "info mtree -f":
            return self.tree
        if line == "info registers -a":
            return self.registers
        if line.startswith("gpa2hva "):
            pa = int(line.split()[1], 16)
            if BASE <= pa < BASE + BYTES:
                return f"Host virtual address for 0x{pa:x} (pc.ram) is 0x{self.address + pa - BASE:x}\r\n"
            return f"No memory is mapped at address 0x{pa:x}\r\n"
        return f"unknown command: '{line}'\r\n"

    def answer(self, name, arguments):
        self.done.append(name)
        if name == "human-monitor-command":
            return self.human(arguments["command-line"])
        if name in ("stop", "cont"):
            self.status = "paused" if name == "stop" else "running"
        return {"query-status": {"status": self.status, "running": self.status == "running"},
                "query-target": {"arch": self.arch}, "query-chardev": self.chardevs,
                "query-memdev": self.memdevs}.get(name, {})

    def push(self, event):
        """Says on every connection what nobody asked for."""
        for connection in self.connections:
            connection.sendall(json.dumps({"event": event, "data": {}}).encode() + b"\r\n")

    def talk(self, connection):
        stream = connection.makefile("rwb")
        self.connections.append(connection)

        def say(message):
            stream.write(json.dumps(message).encode() + b"\r\n")
            stream.flush()

        say(GREETING)
        for line in stream:
            command = json.loads(line.strip(b"\xff"))
            if self.event:
                say({"event": "RTC_CHANGE", "data": {}})
            if command["execute"] == "cont":
                # QEMU takes its time, and drops what a connection sent that is closed by then
                time.sleep(0.3)
                self.gate.wait(60)
                poller = select.poll()
                poller.register(connection, select.POLLRDHUP)
                if poller.poll(0):
                    return
            answer = {"return": self.answer(command["execute"], command.get("arguments"))}
            say({**answer, "id": command["id"]} if "id" in command else answer)
            if command["execute"] == "stop":
                say({"event": "STOP"})


def start(words, **more):
    """Starts a program, and waits until /proc has its words: exec has let go of us before that."""
    child = subprocess.Popen(words, stdin=subprocess.PIPE, **more)
    while not pathlib.Path(f"/proc/{child.pid}/cmdline").read_bytes():
        time.sleep(0.01)
    return child


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.raw = images.x86_64(self.path / "x86.img")
        self.image = (self.path / "x86.img").read_bytes()
        self.listeners = []

    def tearDown(self):
        for listener in self.listeners:
            listener.close()
        self.folder.cleanup()

    def serve(self, talk, name="qmp"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path / name))
        listener.listen()
        self.listeners.append(listener)
        Server(listener, talk)
        return f"qemu:{self.path / name}"

    def guest(self, shared=True, **more):
        guest = Guest(self.image, shared, **more)
        return guest, self.serve(guest.talk)

    def run_tool(self, *arguments, status=0, **more):
        result = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE, **more)
        self.assertEqual(result.returncode, status, f"{arguments}\n{result.stdout}\n{result.stderr}")
        return result

    def refused(self, source, *says):
        """Exit status 2 with a sentence."""
        result = self.run_tool("map", source, status=2)
        self.assertEqual(result.stdout, "")
        for word in says:
            self.assertIn(word, result.stderr)


class Attach(Case):
    def test_shared(self):
        guest, source = self.guest()
        told = self.run_tool("map", "--format", "x86_64", "--root", images.CR3, self.raw).stdout
        done = self.run_tool("map", source)
        self.assertEqual(done.stdout, told)
        self.assertIn("using x86_64, root 0x100000 (CPU 0: monitor, CR3", done.stderr)
        info = self.run_tool("info", source).stdout
        self.assertEqual(len(re.findall("monitor, CR", info)), 2)       # "CPU#" may stand in a CPU's lines, as powerpc's do
        for word in ["QEMU 7.2.1, x86_64, running", "mapped", "0x100000", "CR0: paging was off"]:
            self.assertIn(word, info)
        self.assertNotIn("stop", guest.done)

    def test_private(self):
        _, source = self.guest(shared=False)
        result = subprocess.run([TOOL, "map", source], capture_output=True, text=True, timeout=PATIENCE)
        if result.returncode == 2:              # this machine's ptrace_scope forbids it, and that is what must be said
            self.assertIn("ptrace_scope", result.stderr)
            return
        told = self.run_tool("map", "--format", "x86_64", "--root", images.CR3, self.raw).stdout
        self.assertEqual(result.stdout, told)
        self.assertIn("memory-backend-memfd,id=ram,size=SIZE,share=on", result.stderr)
        self.assertIn("copied", self.run_tool("info", source).stdout)

    def test_read(self):
        _, source = self.guest()
        bytes = subprocess.run([TOOL, "read", "--raw", source, "0x10000", str(len(images.TEXT))], capture_output=True,
                               timeout=PATIENCE).stdout
        self.assertEqual(bytes, images.TEXT)

    def test_layout_in_pieces(self):
        """Both ends of each region are asked for, and each run only if these disagree; ROMs only if RAM is copied."""
        half = BYTES // 2 // 4096 * 4096
        rom = "  0000000000000000-0000000000000fff (prio 0, rom): bios\r\n"

        def runs(*of):
            return " AS \"memory\"\r\n Root memory region: system\r\n" + rom + "".join(
                f"  {BASE + at:016x}-{BASE + at + length - 1:016x} (prio 0, {kind}): {name}\r\n" for at, length, kind, name in of) + "\r\n"

        layouts = [(2, runs((0, 4096, "ram", "pc.ram"), (4096, half - 4096, "rom", "pc.ram @0000000000001000"),
                            (half, BYTES - half, "ram", f"pc.ram @{half:016x} KVM"))),
                   # other regions of the same name
                   (4, runs((0, half, "ram", "mem"), (half, BYTES - half, "ram", "mem"))),
                   # what follows the name is not where the run is in its region
                   (6, runs((0, half, "ram", "mem"), (half, BYTES - half, "ram", f"mem @{half + 4096:016x}")))]
        told = self.run_tool("map", "--format", "x86_64", "--root", images.CR3, self.raw).stdout
        for shared in (True, False):
            guest, source = self.guest(shared)
            for questions, guest.tree in layouts:
                guest.lines.clear()
                result = subprocess.run([TOOL, "map", source], capture_output=True, text=True, timeout=PATIENCE)
                if not shared and result.returncode == 2:
                    self.assertIn("ptrace_scope", result.stderr)
                    continue
                self.assertEqual(result.stdout, told, result.stderr)
                asked = [line for line in guest.lines if line.startswith("gpa2hva")]
                self.assertEqual(len(asked), questions + (0 if shared else 2), asked)
            self.listeners.pop().close()
            (self.path / "qmp").unlink()

    def test_before_a_system_runs(self):
        """No CPU has page tables, and none are found: that is no fault of the source."""
        self.image = bytes(len(self.image))
        guest, source = self.guest()
        guest.registers = REGISTERS.replace("CR0=80050033", "CR0=60000010")
        self.refused(source, "has no page tables now")
        self.assertIn("run without page tables", self.run_tool("roots", source, status=1).stderr)
        guest.arch, guest.registers, guest.status = "ppc64", "CPU#0\r\nNIP 0\r\n", "prelaunch"
        self.refused(source, "has no page tables now")

    def test_private_node(self):
        """A node whose RAM is not shared is RAM; the memory of a device is not, whatever its size."""
        guest, source = self.guest()
        private = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        private[:4] = b"node"
        address, at = ctypes.addressof(ctypes.c_char.from_buffer(private)), BASE + BYTES
        guest.tree = guest.tree[:-2] + f"  {at:016x}-{at + 4095:016x} (prio 0, ram): node1\r\n\r\n"
        human = guest.human
        guest.human = lambda line: f"Host virtual address for {line[8:]} (node1) is {address + int(line[8:], 16) - at:#x}\r\n" \
            if line.startswith("gpa2hva ") and int(line[8:], 16) >= at else human(line)
        for memdevs, sizes in [([{"id": "pc.ram"}, {"id": "node1"}], 2), ([{"id": "pc.ram"}], 1), ([], 1)]:
            guest.memdevs = memdevs
            done = subprocess.run([TOOL, "info", "--json", source], capture_output=True, text=True, timeout=PATIENCE)
            if sizes == 2 and done.returncode == 2 and "ptrace_scope" in done.stderr:
                continue
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = [row for row in map(json.loads, done.stdout.splitlines()) if "segment" in row]
            self.assertEqual(len(rows), sizes, done.stdout)

    def test_layout_that_the_process_contradicts(self):
        guest, source = self.guest()
        guest.address = 0x1000
        self.refused(source, "has no such memory there")
        guest.tree = "nothing of the kind\r\n"
        self.refused(source, "does not say where its RAM is")
        guest.tree = " AS \"memory\"\r\n Root memory region: x\r\n" + "  ffffffffffffffff-0 (prio 0, ram): x\r\n" * 9
        self.refused(source, "does not say where its RAM is")

    def test_stub(self):
        """arm64, whose roots only a gdb stub shows."""
        guest, source = self.guest(arch="aarch64")
        guest.chardevs = [{"label": "gdb", "filename": f"disconnected:unix:{self.path / 'gdb'},server=on"}]
        registers = {"TTBR0_EL1": 0x41000000, "TTBR1_EL1": 0x42000001, "TCR_EL1": 0x15001f5b5503510, "MAIR_EL1": 0x40044ffff,
                     "SCTLR": 0x30d0198d}
        stub = Stub(registers)
        self.serve(stub.talk, "gdb")
        cpu = json.loads(self.run_tool("info", "--json", source).stdout.splitlines()[2])
        self.assertEqual((cpu["format"], cpu["roots"]), ("arm64_4k_48", ["0x41000000", "0x42000001"]))
        self.assertEqual(cpu["registers"]["TCR"], "0x15001f5b5503510")
        self.assertEqual(stub.packets[-1], "D")
        guest.chardevs[0]["filename"] = f"unix:{self.path / 'gdb'},server=on"
        self.assertIn("another debugger is connected", self.run_tool("info", source).stdout)

    def test_stub_that_fails(self):
        guest, source = self.guest(arch="aarch64")
        guest.chardevs = [{"label": "gdb", "filename": f"disconnected:unix:{self.path / 'gdb'},server=on"}]
        for i, (talk, says) in enumerate([
                (lambda connection: None, "closed the connection"),
                (lambda connection: connection.sendall(b"+$" + b"x" * 999), "closed the connection"),
                (Stub({}).talk, "describes no registers")]):
            guest.chardevs[0]["filename"] = f"disconnected:unix:{self.path / f'gdb{i}'},server=on"
            self.serve(talk, f"gdb{i}")
            info = self.run_tool("info", source).stdout
            self.assertIn("the CPUs' registers are not known", info)
            self.assertIn(says, info)


class Remote(Case):
    """gdb:SOCKET: registers and memory by packets."""

    def stub(self):
        """x86-64 with the image at 1 MiB."""
        stub = Stub({"cr0": 0x80050033, "cr3": images.CR3, "cr4": 0x6f0, "efer": 0xd01}, bytes(images.BASE) + self.image)
        stub.xml["target.xml"] = stub.xml["target.xml"].replace("aarch64", "i386:x86-64")
        return stub

    def test_map(self):
        stub = self.stub()
        self.serve(stub.talk, "gdb")
        told = self.run_tool("map", "--format", "x86_64", "--root", images.CR3, self.raw).stdout.splitlines()
        done = self.run_tool("map", f"gdb:{self.path}/gdb")
        # A table that is not there is one that the stub refuses.
        self.assertEqual(done.stdout.splitlines()[:3], told[:3])
        self.assertIn("stands still", done.stderr)
        self.assertEqual(stub.packets[-2:], ["Qqemu.PhyMemMode:0", "D"])
        read = subprocess.run([TOOL, "read", "--raw", f"gdb:{self.path}/gdb", "0x10000", "16"], capture_output=True, timeout=PATIENCE)
        self.assertEqual(read.stdout, images.TEXT[:16])
        self.assertIn("gdb stub, x86_64", self.run_tool("info", f"gdb:{self.path}/gdb").stdout)

    def test_by_tcp(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.listeners.append(listener)
        Server(listener, self.stub().talk)
        port = listener.getsockname()[1]
        # localhost is this machine even where no file or server knows the name.
        for host in ("127.0.0.1", "localhost", "LocalHost", ""):
            self.assertIn("-> 0x0000000000108123", self.run_tool("translate", f"gdb:{host}:{port}", "0x10123").stdout)

    def test_by_tcp6(self):
        try:
            listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
        except OSError:
            self.skipTest("this machine has no IPv6")
        self.listeners.append(listener)
        Server(listener, self.stub().talk)
        port = listener.getsockname()[1]
        for host in ("[::1]", "::1"):
            self.assertIn("-> 0x0000000000108123", self.run_tool("translate", f"gdb:{host}:{port}", "0x10123").stdout)

    def test_no_search(self):
        stub = self.stub()
        stub.registers["cr0"] = 0
        self.serve(stub.talk, "gdb")
        self.assertIn("paging was off", self.run_tool("info", f"gdb:{self.path}/gdb").stdout)
        self.run_tool("map", "--format", "x86_64", f"gdb:{self.path}/gdb", status=2)

    def test_search(self):
        """Roots, and processes: what the CPU's tables map is copied and searched. Registers of devices are not read."""
        image = bytearray(64 * 4096)
        device = 0xfee00000
        for at, entry in [(0x1000 + 511 * 8, 0x2063), (0x2000 + 510 * 8, 0x3063), (0x3000 + 8 * 8, 0x1e3), (0x3000, 0x4063),
                          (0x4000 + 511 * 8, device | 0x17b)]:
            struct.pack_into("<Q", image, at, entry)
        for i in range(64):
            struct.pack_into("<Q", image, 0x4000 + i * 8, i << 12 | 0x163)
        stub = Stub({"cr0": 0x80050033, "cr3": 0x1000, "cr4": 0x6f0, "efer": 0xd01}, bytes(image))
        stub.xml["target.xml"] = stub.xml["target.xml"].replace("aarch64", "i386:x86-64")
        self.serve(stub.talk, "gdb")
        source = f"gdb:{self.path}/gdb"
        (self.path / "flat").write_bytes(image)
        told = [json.loads(line) for line in self.run_tool("roots", "--json", f"raw:{self.path}/flat@0").stdout.splitlines()]
        done = [json.loads(line) for line in self.run_tool("roots", "--json", source).stdout.splitlines()]
        self.assertIn(["0x1000"], [root.get("roots") for root in done])
        self.assertEqual([root.get("roots") for root in told if root.get("format") == "x86_64"],
                         [root.get("roots") for root in done if root.get("format") == "x86_64"])
        self.assertIn("does not show which process has which root", self.run_tool("map", "--pid", "1", source, status=2).stderr)
        read = [int(packet[1:].split(",")[0], 16) for packet in stub.packets if packet.startswith("m")]
        self.assertLess(max(read), device)

    def test_virtual_only(self):
        stub = self.stub()
        answer = stub.answer
        stub.answer = lambda packet: "" if packet.startswith("Qqemu") else answer(packet)
        self.serve(stub.talk, "gdb")
        self.refused(f"gdb:{self.path}/gdb", "does not read physical memory")

    def test_wrong(self):
        self.refused("gdb:", "give the stub's address")
        self.refused("gdb:localhost", "is not HOST:PORT")
        self.refused("gdb:localhost:1", "no connection to localhost:1")
        self.refused("gdb:no such host:1", "no such host:1")
        for i, (talk, says) in enumerate([(lambda connection: connection.sendall(b"HTTP/1.1 400\r\n"), "closed the connection"),
                                          (lambda connection: connection.sendall(b"$#00" * 9), "closed the connection"),
                                          (lambda connection: time.sleep(30), "has not answered as a gdb stub in 5 seconds")]):
            self.serve(talk, f"gdb{i}")
            self.refused(f"gdb:{self.path}/gdb{i}", says)

    def test_without_end(self):
        """A stub that goes on for ever: threads without names, a description that includes itself or has no last piece."""
        for name, change, says in [
                ("threads", {"qfThreadInfo": "m", "qsThreadInfo": "m"}, None),
                ("names", {"qfThreadInfo": "m" + "7" * 30, "qsThreadInfo": "m" + "7" * 30}, None),
                ("include", {"qXfer:features:read:target": 'l<xi:include href="target.xml"/>' * 100,
                             "qXfer:features:read:core": "l"}, "without end"),
                ("piece", {"qXfer:features:read:target": "m "}, "without end"),
                ("long", {"qXfer:features:read:target": "m" + "x" * 100000}, "without end")]:
            stub = self.stub()
            answer = stub.answer

            def endless(packet, answer=answer, change=change):
                return next((text for start, text in change.items() if packet.startswith(start)), None) or answer(packet)

            stub.answer = endless
            self.serve(stub.talk, name)
            done = self.run_tool("info", f"gdb:{self.path}/{name}", status=2 if says else 0)
            self.assertIn(says or "gdb stub, x86_64", done.stderr + done.stdout)
            self.assertLess(len(stub.packets), 5000, name)

    def test_end_in_the_middle(self):
        for count in range(0, 40, 3):
            stub = self.stub()
            answer = stub.answer

            def until(packet, stub=stub, answer=answer, count=count):
                if len(stub.packets) > count:
                    raise OSError
                return answer(packet)

            stub.answer = until
            self.serve(stub.talk, f"gdb{count}")
            result = subprocess.run([TOOL, "map", f"gdb:{self.path}/gdb{count}"], capture_output=True, text=True, timeout=PATIENCE)
            self.assertIn(result.returncode, (0, 1, 2), result.stderr)
            if count < 20:
                self.assertIn("closed the connection", result.stderr, f"after {count} packets")


class Processes(Case):
    def test_process(self):
        self.refused("pid:1", "a process does not have page tables", "uml:PID", "/proc/1/pagemap")

    def test_uml(self):
        """This process's memfd, of which the part before the first mapped byte is the kernel's image."""
        file = os.memfd_create("vm_file")
        os.ftruncate(file, BYTES + images.BASE)
        room = mmap.mmap(-1, 64 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        ram = mmap.mmap(file, BYTES, mmap.MAP_SHARED, offset=images.BASE)
        ram[:] = self.image
        os.ftruncate(file, 256 << 20)
        large = mmap.mmap(file, (256 << 20) - images.BASE, mmap.MAP_SHARED, offset=images.BASE)
        source = f"uml:{os.getpid()}"
        told = self.run_tool("translate", "--format", "x86_64", "--root", images.CR3, self.raw, "0x10123").stdout
        result = subprocess.run([TOOL, "translate", "--format", "x86_64", "--root", str(images.CR3), source, "0x10123"],
                                capture_output=True, text=True, timeout=PATIENCE)
        if result.returncode == 2 and "ptrace_scope" in result.stderr:
            return
        self.assertEqual(result.stdout, told.rstrip("\n") + "  stable\n")
        self.assertIn("user-mode Linux", self.run_tool("info", source).stdout)
        large.close()
        ram.close()
        room.close()
        os.close(file)

    def test_uml_roots(self):
        """Only the formats of user-mode Linux are searched for; its empty entries are not zero."""
        tables = bytearray(2 << 20)

        def put(table, index, entry):
            struct.pack_into("<Q", tables, table + 8 * index, entry)

        for at in range(0x11000, 0x18000, 8):
            put(at, 0, 2)
        put(0x11000, 1, 0x12000 | 0x1e1)
        for number in range(4):
            put(0x12000, number, 0x14000 + 0x1000 * number | 0x1e1)
            for page in range(8):
                put(0x14000 + 0x1000 * number, page, 0x100000 + 0x1000 * (8 * number + page) | 0x1e1)
        file = os.memfd_create("vm_file")
        os.ftruncate(file, 64 << 20)
        ram = mmap.mmap(file, 64 << 20, mmap.MAP_SHARED)
        ram[:len(tables)] = bytes(tables)
        source = f"uml:{os.getpid()}"
        result = subprocess.run([TOOL, "roots", "--json", source], capture_output=True, text=True, timeout=PATIENCE)
        if result.returncode == 2 and "ptrace_scope" in result.stderr:
            return
        found = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual([(root["format"], root["table"]) for root in found], [("um_3", "0x11000")], result.stderr)
        self.assertIn("using um_3, root 0x11000", self.run_tool("map", source).stderr)
        ram.close()
        os.close(file)

    def test_no_uml(self):
        self.refused("uml:x", "is not the number of a process")
        self.refused("uml:999999999", "has ended")
        child = start(["/bin/sh", "-c", "read line"])
        self.refused(f"uml:{child.pid}", "maps no file that could be the memory")
        child.communicate()


class Changing(Case):
    """Tables that change while they are read."""

    PTE = 3 * 4096 + 16 * 8         # the entry of 0x10000

    def change(self, guest, stop):
        """Another page at each turn. Never the same two times, so that a change is noticed."""
        words = memoryview(guest.map).cast("Q")
        first = words[self.PTE // 8]
        number = 0
        while not stop.is_set():
            for _ in range(1000):
                words[self.PTE // 8] = first ^ (number & 1) << 12 ^ (number >> 1 & 0x3ff) << 52
                number += 1
        words[self.PTE // 8] = first
        words.release()

    def test_still(self):
        _, source = self.guest()
        for line in self.run_tool("translate", source, "0x10000", "0x13000", status=1).stdout.splitlines():
            self.assertTrue(line.endswith("  stable"), line)
        answers = [json.loads(line) for line in self.run_tool("translate", "--json", source, "0x10000", "0x500000", "0x8000000000000000",
                                                              status=1).stdout.splitlines()]
        schemas.check(["translate"], answers)
        self.assertEqual([(answer["stable"], answer["changes"]) for answer in answers], [(True, 0)] * 3)
        row = json.loads(self.run_tool("read", "--json", source, "0x10000", 16).stdout)
        schemas.check(["read"], [row])
        self.assertEqual((row["stable"], row["changes"], bytes.fromhex(row["bytes"])), (True, 0, images.TEXT[:16]))
        for arguments in (["translate", "--tries", "0", source, "0x10000"],
                          ["translate", "--format", "x86_64", "--root", images.CR3, self.raw, "0x10000"]):
            self.assertNotIn("stable", self.run_tool(*arguments).stdout)

    def test_changing(self):
        guest, source = self.guest()
        stop = threading.Event()
        changer = threading.Thread(target=self.change, args=(guest, stop))
        changer.start()
        try:
            words = ["0x10000"] * 20000
            seen = set()
            for tries in ("1", "50"):
                result = subprocess.run([TOOL, "translate", "--tries", tries, source, "-"], input="\n".join(words),
                                        capture_output=True, text=True, timeout=PATIENCE)
                seen |= {line.split("  ")[-1] for line in result.stdout.splitlines()}
                for line in result.stdout.splitlines():
                    self.assertTrue(line.endswith(("stable", "time", "times")), line)
        finally:
            stop.set()
            changer.join()
        self.assertIn("stable", seen)

    def test_options(self):
        for arguments, says in [(["--tries", "1000001"], "give 0 to 1000000"), (["--tries", "x"], "is not a number"),
                                (["--stop"], "not a running machine")]:
            result = self.run_tool("translate", *arguments, "--format", "x86_64", "--root", images.CR3, self.raw, 0, status=2)
            self.assertIn(says, result.stderr)


class Watch(Case):
    def entry(self, guest, value):
        """Stores an entry of 0x10000; returns the one that was there."""
        words = memoryview(guest.map).cast("Q")
        before = words[Changing.PTE // 8]
        words[Changing.PTE // 8] = value
        words.release()
        return before

    def test_kinds(self):
        guest, source = self.guest()
        with subprocess.Popen([TOOL, "watch", "--json", "--interval", "0.05", source, "0-0x1fffff"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as tool:
            time.sleep(1)
            first = self.entry(guest, 0)
            seen = [json.loads(tool.stdout.readline())]
            for value in (first, first ^ 0x3000, first ^ 0x3002):
                self.entry(guest, value)
                seen.append(json.loads(tool.stdout.readline()))
            tool.send_signal(signal.SIGINT)
            self.assertEqual(tool.stdout.read(), "")
            # On a busy machine its time may be up before it looks; then the signal ends it (cli/stop.c).
            self.assertIn(tool.wait(timeout=PATIENCE), (0, -signal.SIGINT), tool.stderr.read())
        for change in schemas.check(["watch"], seen):
            self.assertRegex(change.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertEqual((change.pop("va"), change.pop("length")), ("0x10000", 4096))
        page = {"pa": "0x108000", "status": "ok", "size": 4096, "prot": "rw-u", "flags": [], "memtype": "normal"}
        moved = {**page, "pa": "0x10b000"}
        self.assertEqual(seen, [
            {"change": "unmapped", **{"old_" + key: value for key, value in page.items()}, "status": "none"},
            {"change": "mapped", **page},
            {"change": "moved", **{"old_" + key: value for key, value in page.items()}, **moved},
            {"change": "protected", **{"old_" + key: value for key, value in moved.items()}, **moved, "prot": "r--u"}])

    def ends(self, source, entry, end, says):
        """Watches until the first change is seen; then `end` happens, and the tool must end and say why."""
        with subprocess.Popen([TOOL, "watch", "--json", "--wait", "0", "--interval", "0.02", source, "0-0x1fffff"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tool:
            stop = threading.Event()

            def flip():
                first = entry(0)
                while not stop.wait(0.1):
                    entry(first)
                    time.sleep(0.1)
                    entry(0)

            changer = threading.Thread(target=flip)
            changer.start()
            try:
                self.assertIn("change", json.loads(tool.stdout.readline()))
                stop.set()
                changer.join()
                end()
                error = tool.communicate(timeout=PATIENCE)[1]
                self.assertEqual(tool.returncode, 2, error)
                self.assertIn(says, error)
            finally:
                stop.set()
                tool.kill()

    def test_reset(self):
        """A guest that reboots, that shuts down; a QEMU that closes the connection, and one that is killed."""
        for name, end, says in [("RESET", lambda guest: guest.push("RESET"), "was reset, as by a reboot"),
                                ("SHUTDOWN", lambda guest: guest.push("SHUTDOWN"), "has shut down"),
                                ("closed", lambda guest: [one.shutdown(socket.SHUT_RDWR) for one in guest.connections],
                                 "QEMU closed the connection")]:
            guest = Guest(self.image, True)
            self.ends(self.serve(guest.talk, name), lambda value, guest=guest: self.entry(guest, value),
                      lambda guest=guest, end=end: (guest.push("RTC_CHANGE"), end(guest)), says)

    def test_killed(self):
        """A process of its own plays QEMU, and is killed."""
        program = ("import sys, pathlib, socket; sys.path.insert(0, sys.argv[1]); import live\n"
                   "guest = live.Guest(pathlib.Path(sys.argv[2]).read_bytes(), True)\n"
                   "listener = socket.socket(socket.AF_UNIX); listener.bind(sys.argv[3]); listener.listen()\n"
                   "live.Server(listener, guest.talk)\n"
                   "print('ready', flush=True)\n"
                   "for line in sys.stdin:\n"
                   "    print(live.Watch.entry(None, guest, int(line)), flush=True)\n")
        with subprocess.Popen([sys.executable, "-c", program, str(pathlib.Path(__file__).parent), str(self.path / "x86.img"),
                               str(self.path / "own")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as qemu:
            self.assertEqual(qemu.stdout.readline(), "ready\n")

            def entry(value):
                qemu.stdin.write(f"{value}\n")
                qemu.stdin.flush()
                return int(qemu.stdout.readline())

            self.ends(f"qemu:{self.path}/own", entry, qemu.kill, "QEMU ")

    def test_reset_of_other_answers(self):
        """What was read while the machine was reset is not passed off as an answer."""
        guest, source = self.guest()
        answer = guest.answer

        def reset(name, arguments):
            if name == "human-monitor-command" and arguments["command-line"] == "info registers -a":
                guest.push("RESET")
            return answer(name, arguments)

        guest.answer = reset
        self.refused(source, "was reset, as by a reboot")

    def watch(self, source, *options):
        """Starts the tool."""
        return subprocess.Popen([TOOL, "watch", "--json", "--interval", "0.02", *options, source, "0-0x1fffff"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def lines(self, tool, *wanted):
        """The next lines, which must be these events or changes; all of them fit the schema."""
        lines = [json.loads(tool.stdout.readline() or "{}") for _ in wanted]
        self.assertEqual([line.get("event") or line.get("change") for line in lines], list(wanted))
        schemas.check(["watch"], lines)
        return lines

    def changes(self, guest, tool):
        """Changes the map until the tool tells of it. Afterwards the map is as before, and no line of this is left."""
        first = self.entry(guest, 0)
        stop = threading.Event()

        def flip():
            value = first
            while not stop.wait(0.1):
                value = self.entry(guest, value)

        changer = threading.Thread(target=flip)
        changer.start()
        try:
            self.assertIn("change", json.loads(tool.stdout.readline() or "{}"))
        finally:
            stop.set()
            changer.join()
        for value, pa in [(first ^ 0x3000, "0x10b000"), (first, "0x108000")]:
            self.entry(guest, value)
            while json.loads(tool.stdout.readline() or '{"pa": "%s"}' % pa).get("pa") != pa:
                pass

    def end(self, tool):
        tool.send_signal(signal.SIGINT)
        tool.communicate(timeout=PATIENCE)
        self.assertIn(tool.returncode, (0, -signal.SIGINT))

    def test_goes_on_after_reset(self):
        """A machine without paging has no system yet. Then its root is found again, and another one if it has another."""
        guest, source = self.guest()
        with self.watch(source) as tool:
            self.changes(guest, tool)
            guest.registers = REGISTERS.replace("CR0=80050033", "CR0=00000011")
            self.image_without_roots(guest)
            guest.push("RESET")
            gone = self.lines(tool, "reset")[0]
            self.assertIn("was reset, as by a reboot", gone["says"])
            self.assertIn("for 120 seconds at most", gone["says"])
            time.sleep(0.5)
            guest.map[:] = self.image
            guest.registers = REGISTERS
            found = self.lines(tool, "found")[0]
            self.assertEqual(found["root"], "0x100000")
            self.assertIn("x86_64, root 0x100000 (CPU 0: monitor, CR3)", found["says"])
            self.changes(guest, tool)
            self.end(tool)

    def image_without_roots(self, guest):
        guest.map[:] = bytes(BYTES)

    def test_goes_on_with_another_qemu(self):
        """QEMU closes the connection, and nobody listens; then there is one again on the same path."""
        guest, source = self.guest()
        with self.watch(source) as tool:
            self.changes(guest, tool)
            self.listeners.pop().close()
            (self.path / "qmp").unlink()
            for connection in guest.connections:
                connection.shutdown(socket.SHUT_RDWR)
            self.assertIn("closed the connection", self.lines(tool, "lost")[0]["says"])
            time.sleep(0.5)
            other = Guest(self.image, True)
            self.serve(other.talk)
            self.lines(tool, "found")
            self.changes(other, tool)
            self.end(tool)

    def test_does_not_come_back(self):
        guest, source = self.guest()
        with self.watch(source, "--wait", "1") as tool:
            self.changes(guest, tool)
            self.image_without_roots(guest)
            guest.registers = ""
            guest.push("RESET")
            self.lines(tool, "reset")
            error = tool.communicate(timeout=PATIENCE)[1]
            self.assertEqual(tool.returncode, 2)
            self.assertIn("no system that has the root was found in 1 seconds (--wait). The last try said: ", error)

    def test_word_cannot_come_back(self):
        guest, source = self.guest()
        with self.watch(source, "--root", hex(images.CR3)) as tool:
            self.changes(guest, tool)
            guest.push("RESET")
            error = tool.communicate(timeout=PATIENCE)[1]
            self.assertEqual(tool.returncode, 2)
            self.assertIn("The root was given as a word", error)

    def kernels(self, guest):
        """Two kernels in one memory, each with a note that holds. That of the second comes first. Returns their roots."""
        def put(table, index, entry):
            struct.pack_into("<Q", guest.map, table * 4096 + index * 8, entry)

        def note(table, virtual, root, release):
            text = (f"OSRELEASE={release}\nSIZE(list_head)=16\nSYMBOL(init_top_pgt)={virtual:x}\nNUMBER(pgtable_l5_enabled)=0\n"
                    f"NUMBER(phys_base)={root - (virtual - 0xffffffff80000000)}\n").encode()
            guest.map[table * 4096:table * 4096 + 24 + len(text)] = struct.pack("<III12s", 11, len(text), 0, b"VMCOREINFO") + text

        link, huge = images.P | images.RW | images.A, images.P | images.RW | images.A | images.D | images.PS
        put(4, 510, images.page(12) | link)
        put(12, 8, huge)
        note(14, 0xffffffff81000000 + images.CR3, images.CR3, "6.1.0-first")
        put(7, 0, images.page(1) | link | images.US)
        put(7, 511, images.page(10) | link)
        put(10, 510, images.page(15) | link)
        put(15, 9, huge)
        note(11, 0xffffffff81200000 + images.page(7), images.page(7), "6.12.0-second")
        return images.CR3, images.page(7)

    def test_note_of_the_kernel_that_runs(self):
        guest, source = self.guest()
        for root in self.kernels(guest):
            guest.registers = REGISTERS.replace(f"{images.CR3:016x}", f"{root:016x}")
            self.assertIn(f"using x86_64, root {root:#x} (VMCOREINFO", self.run_tool("map", "--cpu", "kernel", source).stderr)
        # Without page-table isolation known: user mode has the page behind the kernel's table.
        guest.registers = REGISTERS.replace(f"{images.CR3:016x}", f"{images.CR3 + 0x1000:016x}")
        self.assertIn(f"using x86_64, root {images.CR3:#x} (VMCOREINFO", self.run_tool("map", "--cpu", "kernel", source).stderr)

    def test_another_kernel(self):
        """Nobody tells of it, but the CPU's tables do not map the first kernel any more; or its note is written over."""
        guest, source = self.guest()
        _, second = self.kernels(guest)
        with self.watch(source) as tool:
            self.changes(guest, tool)
            guest.registers = REGISTERS.replace(f"{images.CR3:016x}", f"{second:016x}")
            gone, found = self.lines(tool, "kernel", "found")
            self.assertIn("Linux 6.1.0-first, which ran when the machine was opened, no longer does (no CPU's tables map it)", gone["says"])
            self.assertEqual(found["root"], hex(second))
            self.changes(guest, tool)
            guest.map[11 * 4096 + 40] ^= 1
            self.assertIn("Linux 6.12.0-second, which ran when the machine was opened, no longer does (its VMCOREINFO at 0x10b000 has been "
                          "written over)", self.lines(tool, "kernel")[0]["says"])
            self.end(tool)

    def test_count_and_text(self):
        guest, source = self.guest()
        self.assertEqual(self.run_tool("watch", "--count", "2", "--interval", "0.01", source).stdout, "")
        stop = threading.Event()

        def flip():
            first = self.entry(guest, 0)
            while not stop.is_set():
                for value in (first, 0):
                    self.entry(guest, value)
                    time.sleep(0.13)

        changer = threading.Thread(target=flip)
        changer.start()
        try:
            text = self.run_tool("watch", "--count", "20", "--interval", "0.1", source).stdout
        finally:
            stop.set()
            changer.join()
        self.assertRegex(text, r"(?m)^\d\d:\d\d:\d\d\.\d{3}  unmapped   0x0000000000010000-0x0000000000010fff  0x0000000000108000     4 KiB    4 KiB  rw-u$")
        self.assertRegex(text, r"(?m)  mapped     0x0000000000010000-0x0000000000010fff")

    def test_wrong(self):
        _, source = self.guest()
        for arguments, says in [(["--stop"], "leave out --stop"), (["--interval", "0"], "from 0.001"), (["--interval", "x"], "give seconds"),
                                (["--count", "0"], "at least 1"), (["--wait", "x"], "give seconds"), (["--wait", "-1"], "from 0 to")]:
            self.assertIn(says, self.run_tool("watch", *arguments, source, status=2).stderr)


class Diff(Case):
    def test_images(self):
        other = bytearray(self.image)
        for index, entry in [(16, 0), (17, 0x10a000 | images.P | images.US), (22, 0x10b000 | images.P), (23, 0x10c000 | images.P)]:
            struct.pack_into("<Q", other, 3 * 4096 + index * 8, entry)
        (self.path / "other.img").write_bytes(other)
        words = ["--format", "x86_64", "--root", images.CR3]
        b = f"raw:{self.path / 'other.img'}@0x{BASE:x}"
        lines = self.run_tool("diff", *words, self.raw, b).stdout.splitlines()
        # The same pte table is reached by two addresses: [0] and [1] of pud lead to one pmd.
        self.assertEqual(lines[:3], [
            "unmapped   0x0000000000010000-0x0000000000010fff  0x0000000000108000     4 KiB    4 KiB  rw-u",
            "moved      0x0000000000011000-0x0000000000011fff  0x000000000010a000     4 KiB    4 KiB  r-xu  was at 0x109000",
            "mapped     0x0000000000016000-0x0000000000017fff  0x000000000010b000     8 KiB    4 KiB  r-xk"])
        self.assertEqual(len(lines), 6)
        changes = [json.loads(line) for line in self.run_tool("diff", "--json", *words, self.raw, b).stdout.splitlines()]
        schemas.check(["diff"], changes)
        self.assertEqual([change["change"] for change in changes], ["unmapped", "moved", "mapped"] * 2)
        self.assertEqual(self.run_tool("diff", *words, self.raw, self.raw, status=1).stdout, "")
        back = [json.loads(line)["change"] for line in self.run_tool("diff", "--json", *words, b, self.raw).stdout.splitlines()]
        self.assertEqual(back, ["mapped", "moved", "unmapped"] * 2)

    def test_roots(self):
        words = ["--format", "x86_64", "--root", images.CR3]
        done = self.run_tool("diff", *words, "--other-root", images.CR3 + 4096, self.raw)
        self.assertIn("mapped", done.stdout)
        self.assertEqual(self.run_tool("diff", *words, "--other-root", images.CR3, self.raw, status=1).stdout, "")

    def test_wrong(self):
        for arguments, says in [([], "give two SOURCES"), ([self.raw], "give two SOURCES"), ([self.raw] * 3, "one argument too many"),
                                ([self.raw, "/nothing"], "/nothing")]:
            self.assertIn(says, self.run_tool("diff", "--format", "x86_64", "--root", images.CR3, *arguments, status=2).stderr)


class Readme(Case):
    def test_lines(self):
        """README's lines about a running guest, as they are written; this process plays the guest."""
        text = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
        lines = re.findall(r"(?m)^    (pagewalk \w+ +qemu:guest\.sock.*)$", text[text.index("### A running guest"):])
        self.assertEqual(len(lines), 2)
        guest = Guest(self.image, True)
        self.serve(guest.talk, "guest.sock")
        for line in lines:
            result = subprocess.run([TOOL, *line.split()[1:]], cwd=self.path, capture_output=True, text=True, timeout=PATIENCE)
            self.assertIn(result.returncode, (0, 1), result.stderr)
            self.assertIn("using x86_64", result.stderr)
            self.assertTrue(result.stdout.startswith(("virtual addresses", "0xfffffe0000000000 -> ")), result.stdout)


class Stop(Case):
    def wait(self, guest, status):
        deadline = time.monotonic() + PATIENCE
        while guest.status != status:
            self.assertLess(time.monotonic(), deadline, f"the guest is {guest.status}, and should be {status}; {guest.done}")
            time.sleep(0.01)

    def test_done(self):
        guest, source = self.guest()
        self.assertIn("rw-u", self.run_tool("translate", "--stop", source, "0x10000").stdout)
        self.assertEqual([name for name in guest.done if name in ("stop", "cont")], ["stop", "cont"])
        self.assertEqual(guest.status, "running")

    def test_paused_before(self):
        guest, source = self.guest()
        guest.status = "paused"
        self.run_tool("translate", "--stop", source, "0x10000")
        self.assertNotIn("cont", guest.done)

    def test_error(self):
        guest, source = self.guest()
        self.run_tool("translate", "--stop", "--format", "none", source, "0x10000", status=2)
        self.assertEqual(guest.status, "running")

    def test_signals(self):
        """Whatever ends the tool while the guest stands still, the guest runs on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
            guest = Guest(self.image, True)
            source = self.serve(guest.talk, f"qmp{number}")
            with subprocess.Popen([TOOL, "translate", "--stop", source, "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as tool:
                self.wait(guest, "paused")
                time.sleep(0.2)
                self.assertEqual(guest.status, "paused")
                tool.send_signal(number)
                self.wait(guest, "running")

    def test_slow_guest(self):
        """A guest that is as slow as it likes to be: nobody closes the connection before it has run on."""
        guest, source = self.guest()
        guest.gate.clear()
        with subprocess.Popen([TOOL, "translate", "--stop", source, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as tool:
            self.wait(guest, "paused")
            tool.kill()
            # Whoever waits for the end of the output need not wait for the guest.
            tool.stdout.read()
            time.sleep(3)
            self.assertEqual(guest.status, "paused")
            guest.gate.set()
            self.wait(guest, "running")


class Stub:
    """A gdb stub with these registers, of one CPU."""

    def __init__(self, registers, memory=None):
        self.registers, self.memory, self.packets = registers, memory, []
        self.xml = {
            "target.xml": '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target>'
                          '<architecture>aarch64</architecture><xi:include href="core.xml"/></target>',
            "core.xml": "<feature><!-- <reg name=\"TCR_EL1\" bitsize=\"64\"/> --><reg bitsize='8' regnum='9' name='odd' />"
                        + "".join(f'<reg name="{name}" bitsize="64"\n/>' for name in registers) + "</feature>"}
        if not registers:
            self.xml["core.xml"] = "<feature/>"

    def answer(self, packet):
        if packet.startswith("qSupported"):
            return "PacketSize=1000;qXfer:features:read+"
        if match := re.fullmatch("qXfer:features:read:(.*):(.*),(.*)", packet):
            text, start = self.xml[match[1]], int(match[2], 16)
            piece = text[start:start + min(int(match[3], 16), 50)]
            return ("m" if start + len(piece) < len(text) else "l") + piece
        if packet == "qfThreadInfo":
            return "m1"
        if packet.startswith("p"):
            value = list(self.registers.values())[int(packet[1:], 16) - 10]
            return value.to_bytes(8, "little").hex()
        if packet.startswith("m") and self.memory:
            start, count = (int(word, 16) for word in packet[1:].split(","))
            return self.memory[start:start + count].hex() if start + count <= len(self.memory) else "E14"
        return "l" if packet == "qsThreadInfo" else "OK" if packet[0] in "HDQ" else ""

    def talk(self, connection):
        def say(text):
            text = text.replace("0000", "0* ", 1)         # the protocol's way to write a repeated character
            connection.sendall(f"${text}#{sum(text.encode()) & 255:02x}".encode())

        say("T02thread:01;")
        data = b""
        while more := connection.recv(4096):
            data += more
            while match := re.match(rb"[+]*\$([^#]*)#..", data):
                data = data[match.end():]
                self.packets.append(match[1].decode())
                connection.sendall(b"+")
                say(self.answer(self.packets[-1]))


class Wrong(Case):
    def test_no_socket(self):
        self.refused("qemu:", "give the socket")
        self.refused(f"qemu:{self.path}/nothing", "there is no socket", "-qmp unix:")
        self.refused(f"qemu:{self.path}/x86.img", "is not a socket")
        self.refused(f"qemu:{self.path}/{'x' * 120}", "may have 107 bytes")
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(str(self.path / "dead"))
        dead.close()
        self.refused(f"qemu:{self.path}/dead", "nobody listens", "has ended")

    def test_greetings(self):
        for i, (greeting, says) in enumerate([
                (b"QEMU 7.2.1 monitor - type 'help' for more information\r\n(qemu) ", "monitor for people"),
                (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak QMP"),
                (b'{"jsonrpc": "2.0"}\r\n', "does not speak QMP"),
                (b'{"QMP": 7}\n', "does not speak QMP"),
                (b"\x00\xff\x1b[2J\n", "does not speak QMP"),
                (b"[" * 100000 + b"\n", "does not speak QMP"),
                (b"", "closed the connection"),
                (b'{"QMP": {"version"', "does not speak QMP")]):
            self.refused(self.serve(lambda connection, greeting=greeting: connection.sendall(greeting), f"s{i}"), says)

    def test_silence(self):
        source = self.serve(lambda connection: time.sleep(30))
        self.refused(source, "has not said anything in 5 seconds", "one program at a time")

    def test_libvirt(self):
        """libvirt's monitor is busy, or closed to this user; its second one is not."""
        folder = self.path / "libvirt" / "qemu" / "domain-1-guest"
        folder.mkdir(parents=True)
        advice = ["serves libvirt alone", "(virsh edit, <qemu:commandline>)", "gdbserver unix:", "virsh dump --memory-only DOMAIN FILE"]
        silent = self.serve(lambda connection: time.sleep(30), "libvirt/qemu/domain-1-guest/monitor.sock")
        self.refused(silent, "has not said anything in 5 seconds", *advice)
        guest, source = self.guest()
        words = ["-chardev", f"socket,id=charmonitor,path={silent[5:]},server=on", "-mon", "chardev=charmonitor,id=monitor,mode=control"]
        given = [words[0], "socket,id=charmonitor,fd=26,server=on,wait=off", *words[2:]]
        for arguments, says in [(words + ["-qmp", f"unix:{source[5:]},server=on"], ["has no such memory there"]),
                                (given + ["-qmp", f"unix:{source[5:]},server=on"], ["has no such memory there"]),
                                (given, ["was started by libvirt", *advice])]:
            child = start(["/bin/sh", "-c", "read line", "sh", *arguments])
            try:
                self.refused(f"qemu:{child.pid}", *says)
            finally:
                child.communicate()
        self.assertIn("query-status", guest.done)

    def test_busy(self):
        """A socket whose queue is full."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path / "busy"))
        listener.listen(0)
        self.listeners.append(listener)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        self.listeners += waiting
        for one in waiting:
            one.setblocking(False)
            try:
                one.connect(str(self.path / "busy"))
            except BlockingIOError:
                break
        self.refused(f"qemu:{self.path}/busy", "accepted no connection in 5 seconds", "one program at a time")

    def test_denied(self):
        """A socket of another user's."""
        other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        if os.geteuid() != 0 or not shutil.which("setpriv") or subprocess.run([*other, TOOL, "--version"], capture_output=True).returncode:
            self.skipTest("this needs root, setpriv, and a build that others may run")
        os.chmod(self.path, 0o711)
        for name, says in [("qmp", "run pagewalk as the user who started QEMU"), ("libvirt/monitor.sock", "serves libvirt alone")]:
            (self.path / name).parent.mkdir(exist_ok=True)
            self.serve(Guest(self.image, True).talk, name)
            os.chmod(self.path / name, 0o600)
            done = subprocess.run([*other, TOOL, "map", f"qemu:{self.path / name}"], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2)
            self.assertIn("not open to this user", done.stderr)
            self.assertIn(says, done.stderr)
        # A socket that all may use does not open the process. Its user has to have its group, too.
        for reuid, regid in [(65534, 65534), (0, 65534)]:
            name = f"open{reuid}"
            self.serve(Guest(self.image, True).talk, name)
            os.chmod(self.path / name, 0o777)
            who = ["setpriv", f"--reuid={reuid}", f"--regid={regid}", "--clear-groups", *(["--bounding-set=-sys_ptrace"] if reuid == 0 else [])]
            done = subprocess.run([*who, TOOL, "map", f"qemu:{self.path / name}"], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"(process {os.getpid()}) runs as user 0 and group {os.getegid()}, and its memory", done.stderr)
            self.assertIn(f"pagewalk runs as user {reuid} and group {regid}", done.stderr)

    def test_flood(self):
        def talk(connection):
            while True:
                connection.sendall(b"x" * 65536)
        self.refused(self.serve(talk), "does not speak QMP")

    def test_many_events(self):
        """One long message, then very many short ones: their cost must not grow with the room that the long one took."""
        guest = Guest(self.image, True)
        answer, flooded = guest.answer, []

        def flood(connection):
            stream = connection.makefile("rwb")
            stream.write(json.dumps(GREETING).encode() + b"\n")
            stream.flush()
            for line in stream:
                if not flooded:
                    flooded.append(line)
                    stream.write(b'{"event": "' + b"x" * (4 << 20) + b'"}\n' + b'{"event":1}\n' * 600000)
                command = json.loads(line)
                stream.write(json.dumps({"return": answer(command["execute"], command.get("arguments"))}).encode() + b"\n")
                stream.flush()

        self.assertIn("rw-u", self.run_tool("map", self.serve(flood)).stdout)

    def test_end_in_the_middle(self):
        """The other side ends, hangs or talks nonsense after each number of messages."""
        for count in range(9):
            for kind, says in [("end", "closed the connection"), ("refuse", "refuses"), ("nonsense", "in QMP's way"),
                               ("number", "")]:
                guest = Guest(self.image, True)

                def talk(connection, guest=guest, left=count, kind=kind):
                    stream = connection.makefile("rwb")
                    stream.write(json.dumps(GREETING).encode() + b"\n")
                    stream.flush()
                    for line in stream:
                        command = json.loads(line)
                        answer = json.dumps({"return": guest.answer(command["execute"], command.get("arguments"))}).encode()
                        if left == 0:
                            if kind == "end":
                                connection.sendall(answer[:len(answer) // 2])
                                connection.shutdown(socket.SHUT_RDWR)
                                return
                            answer = {"refuse": b'{"error": {"class": "GenericError", "desc": "no \\u001b[2J"}}',
                                      "nonsense": b"[1, 2", "number": b'{"return": 5}'}[kind]
                        left -= 1
                        stream.write(answer + b"\n")
                        stream.flush()

                result = subprocess.run([TOOL, "map", self.serve(talk, f"{kind}{count}")], capture_output=True, text=True,
                                        timeout=PATIENCE)
                self.assertIn(result.returncode, (0, 2), f"{kind} {count}: {result.stderr}")
                if kind != "number" and count < 7:
                    self.assertEqual(result.returncode, 2, f"{kind} {count}")
                    self.assertIn(says, result.stderr)
                self.assertNotIn("\x1b", result.stderr)


class Process(Case):
    def test_number(self):
        self.refused("qemu:99999999", "there is no process")
        self.refused(f"qemu:{os.getpid()}", "has no option -qmp")

    def test_command_line(self):
        """A program whose command line names the socket on which this process answers."""
        guest, source = self.guest()
        socket_path = source[5:]
        for words in [["-qmp", f"unix:{socket_path},server=on,wait=off"],
                      ["--qmp", f"unix:{pathlib.Path(socket_path).name},server"],
                      ["-chardev", f"socket,id=m,path={socket_path},server=on", "-mon", "chardev=m,mode=control"]]:
            child = start(["/bin/sh", "-c", "read line", "sh", *words], cwd=self.path)
            try:
                # The layout is this process's, not the child's: the point is that the socket is found.
                self.refused(f"qemu:{child.pid}", "has no such memory there")
            finally:
                child.communicate()
        self.assertIn("query-status", guest.done)


if __name__ == "__main__":
    TOOL = os.path.abspath(sys.argv.pop(1))
    # Under nohup, the tool would go on after it.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    unittest.main()
