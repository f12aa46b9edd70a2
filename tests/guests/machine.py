"""A running QEMU with a guest in it: console, gdbstub and monitor. Every wait is bounded."""

import collections
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import threading
import time

import gdbstub
import qmp


LIFE = 1500         # seconds
# On a busy machine, the timer that x86 kernels try at first can come too late for them, and they stop.
TIMER = "no_timer_check"
START = 60          # seconds for QEMU to make its sockets


class GuestError(Exception):
    """A sentence for people about a guest's failure."""


class Console(threading.Thread):
    """Reads the serial port, keeps a log, and returns the lines that start with '@'."""

    def __init__(self, connection, log):
        super().__init__(daemon=True)
        self.socket = connection
        self.log = log
        self.lines = queue.Queue()
        self.tail = collections.deque(maxlen=25)
        self.start()

    def run(self):
        rest = b""
        with open(self.log, "wb") as log:
            while True:
                try:
                    data = self.socket.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    break
                log.write(data)
                log.flush()
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    # a console may end lines with \r\n, or \r\r\n; kernel messages may come before a line's start
                    text = line.strip(b"\r\0").decode(errors="replace")
                    self.tail.append(text)
                    if text.startswith("@"):
                        self.lines.put(text)
        self.lines.put(None)

    def line(self, timeout):
        """The next line, without complaints; None if the emulator is gone."""
        deadline = time.monotonic() + timeout
        while True:
            line = self.lines.get(timeout=max(0.001, deadline - time.monotonic()))
            if line is None:
                return None
            if line.startswith("@E"):
                raise GuestError(f"the guest's /init says: {line[3:]}")
            if not line.startswith("@W"):
                return line


def next_line(console, timeout, doing, log):
    """The console's next line. @log is what the emulator said, for the sentence if it has ended."""
    try:
        line = console.line(timeout)
    except queue.Empty:
        raise GuestError(f"the guest said nothing for {timeout} seconds while {doing}; its last words: {' / '.join(list(console.tail)[-3:])}")
    if line is None:
        raise GuestError(f"the emulator ended while {doing}; it said: {complaint(log)}")
    return line


def complaint(log):
    return log.read_text(errors="replace").strip()[-800:] or "nothing"


class Emulator:
    """self.words, a QEMU whose chardev "console" is a socket of ours; what QEMU itself says is in self.folder/qemu.log."""

    def __enter__(self):
        ours, theirs = socket.socketpair()
        with theirs, open(self.folder / "qemu.log", "wb") as log:
            self.process = subprocess.Popen([*self.words, "-chardev", f"socket,id=console,fd={theirs.fileno()}"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, pass_fds=[theirs.fileno()])
        self.console = Console(ours, self.folder / "console.log")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.console.socket.close()

    def next_words(self, seconds, doing):
        """The words of the console's next line."""
        return next_line(self.console, seconds, doing, self.folder / "qemu.log").split()


class Machine:
    running = set()

    def __init__(self, kind, kernel, initramfs, directory):
        self.kind = kind
        self.directory = pathlib.Path(directory)
        self.ram = self.directory / "ram"
        self.process = None
        self.sockets = []
        self.kernel = kernel
        self.initramfs = initramfs

    def __enter__(self):
        if not shutil.which(self.kind.qemu):
            raise GuestError(f"{self.kind.qemu} is not installed (tests/guests/packages.txt says in which package it is)")
        # QEMU gets connected sockets as descriptors: there is no wait for a socket. The gdb stub has a name, by which the
        # tool finds it in its turn.
        ours, theirs = {}, {}
        stub = self.directory / "stub"
        stub.unlink(missing_ok=True)
        for name in ("console", "monitor"):
            ours[name], theirs[name] = socket.socketpair()
        self.sockets = list(ours.values())
        # timeout(1) ends the emulator even if this process is killed
        command = ["timeout", "--kill-after=5", str(LIFE), self.kind.qemu,
                   "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-S",
                   "-machine", f"{self.kind.machine},memory-backend=ram0", "-cpu", self.kind.cpu, "-smp", "1",
                   "-accel", "tcg", "-m", f"{self.kind.memory}M",
                   "-object", f"memory-backend-file,id=ram0,size={self.kind.memory}M,mem-path={self.ram},share=on",
                   "-kernel", str(self.kernel), "-initrd", str(self.initramfs),
                   "-append", f"console={self.kind.console} quiet loglevel=1 panic=-1 random.trust_cpu=on "
                              f"transparent_hugepage=always {TIMER if self.kind.cpu_family == 'X86' else ''} {self.kind.append}",
                   "-serial", "chardev:console", "-mon", "chardev=monitor,mode=control", "-gdb", "chardev:gdb",
                   "-chardev", f"socket,id=gdb,path={stub},server=on,wait=off",
                   "-qmp", f"unix:{self.directory / 'live'},server=on,wait=off"]
        for name, end in theirs.items():
            command += ["-chardev", f"socket,id={name},fd={end.fileno()}"]
        self.ram.unlink(missing_ok=True)
        try:
            with open(self.directory / "qemu.log", "wb") as log:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                pass_fds=[end.fileno() for end in theirs.values()])
        finally:
            for end in theirs.values():
                end.close()
        Machine.running.add(self)
        try:
            self.console = Console(ours["console"], self.directory / "console.log")
            self.monitor = qmp.Qmp(ours["monitor"])
            self.gdb = gdbstub.Gdb(self.connect(stub))
            self.gdb.describe()
        except BaseException as error:          # on any error, no emulator is left behind
            self.__exit__()
            if isinstance(error, (OSError, gdbstub.GdbError, qmp.QmpError)):
                raise GuestError(f"{self.kind.qemu} did not start: {error}; it said: {self.complaint()}")
            raise
        return self

    def connect(self, path):
        """A connection to a socket that QEMU makes when it starts."""
        connection = socket.socket(socket.AF_UNIX)
        self.sockets.append(connection)
        deadline = time.monotonic() + START
        while True:
            try:
                connection.connect(str(path))
                return connection
            except (FileNotFoundError, ConnectionRefusedError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def leave_stub(self):
        """Lets the machine run, and its gdb stub serve another program."""
        self.gdb.go()
        self.gdb.socket.close()

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for end in self.sockets:
            end.close()
        Machine.running.discard(self)

    @classmethod
    def end_all(cls):
        """Ends every emulator; threads that wait for one get an error."""
        for machine in list(cls.running):
            machine.process.terminate()

    def complaint(self):
        return complaint(self.directory / "qemu.log")

    def next_line(self, timeout, doing):
        return next_line(self.console, timeout, doing, self.directory / "qemu.log")

    def expect(self, letter, timeout, doing):
        """The next line must be of this kind; returns its words."""
        line = self.next_line(timeout, doing)
        if not line.startswith(f"@{letter} "):
            raise GuestError(f"unexpected line while {doing}: {line!r}")
        return line.split()[1:]

    def tell(self):
        """Lets /init go on."""
        self.console.socket.sendall(b"\n")

    def stop_when(self, condition, timeout, doing):
        """Stops the machine at a moment when a condition holds: it is stopped again and again until the condition holds."""
        deadline = time.monotonic() + timeout
        pause = 0.005
        while True:
            self.gdb.stop()
            if condition():
                return
            if time.monotonic() > deadline:
                raise GuestError(f"in {timeout} seconds the CPU was never {doing}")
            self.gdb.go()
            time.sleep(pause)
            pause = min(pause * 1.5, 0.2)

    def physical(self, va):
        """The physical address that the CPU, in its present mode, finds for a virtual address; None if there is none."""
        answer = self.monitor.human(f"gva2gpa 0x{va:x}").strip()
        if answer.startswith("gpa:"):
            return int(answer.split()[1], 16)
        if answer == "Unmapped":
            return None
        raise GuestError(f"the monitor's answer to gva2gpa is not understood: {answer!r}")

    def dump(self, path):
        """Writes an ELF core of all memory. The machine stays stopped."""
        pathlib.Path(path).unlink(missing_ok=True)
        self.monitor.command("dump-guest-memory", timeout=600, paging=False, protocol=f"file:{os.path.abspath(path)}")
        os.chmod(path, 0o644)           # QEMU makes it read-only for its owner
