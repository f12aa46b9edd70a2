"""A small client of QEMU's gdbstub: stop, continue, read registers by name. Sources: gdb's manual, "Remote Protocol";
QEMU's target descriptions for the names of the registers."""

import re
import socket
import time
import xml.etree.ElementTree as tree


class GdbError(Exception):
    pass


class Gdb:
    """A client on a connected socket. QEMU stops the machine when it sees the connection."""

    def __init__(self, connection, timeout=60):
        self.socket = connection
        self.timeout = timeout
        self.buffer = b""
        self.registers = None       # name -> (number, bytes)
        self.big_endian = False
        self.running = False

    # --- packets

    def _byte(self, deadline):
        while not self.buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise GdbError("the emulator's gdbstub does not answer")
            self.socket.settimeout(left)
            try:
                self.buffer = self.socket.recv(65536)
            except socket.timeout:
                continue
            if not self.buffer:
                raise GdbError("the emulator closed its gdbstub")
        byte, self.buffer = self.buffer[:1], self.buffer[1:]
        return byte

    def _send(self, text):
        data = text.encode()
        self.socket.settimeout(self.timeout)
        self.socket.sendall(b"$" + data + b"#" + b"%02x" % (sum(data) & 255))

    def _receive(self):
        deadline = time.monotonic() + self.timeout
        while self._byte(deadline) != b"$":
            pass
        data = b""
        while (byte := self._byte(deadline)) != b"#":
            data += byte
        self._byte(deadline)
        self._byte(deadline)
        self.socket.sendall(b"+")
        return data

    def ask(self, text):
        self._send(text)
        return self._receive()

    # --- running

    def go(self):
        """Lets the machine run; only stop() may follow."""
        self._send("c")
        self.running = True

    def stop(self):
        """Stops the machine wherever it is."""
        if not self.running:
            return
        self.socket.sendall(b"\x03")
        while self._receive()[:1] not in (b"T", b"S"):
            pass
        self.running = False

    # --- registers

    def _file(self, name):
        """One complete description of the target."""
        text = b""
        while True:
            answer = self.ask(f"qXfer:features:read:{name}:{len(text):x},fff")
            if answer[:1] not in (b"m", b"l"):
                raise GdbError(f"the gdbstub has no description {name}: {answer!r}")
            # "}" escapes the next byte (gdb's manual, "Binary Data")
            text += re.sub(rb"}(.)", lambda match: bytes([match.group(1)[0] ^ 0x20]), answer[1:], flags=re.S)
            if answer[:1] == b"l":
                return text.decode()

    def _tree(self, name):
        # QEMU uses the prefix "xi" without declaring it
        return tree.fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", self._file(name)).replace("<xi:include", "<include"))

    def describe(self):
        """Reads the list of registers. They are numbered in their order, unless the description gives a number."""
        self.ask("qSupported:xmlRegisters=i386,arm,s390,powerpc")
        parts = []
        for element in self._tree("target.xml"):
            if element.tag == "include":
                parts.append(self._tree(element.get("href")))
            elif element.tag == "feature":
                parts.append(element)
        self.registers = {}
        number = 0
        for part in parts:
            for register in part.iter("reg"):
                number = int(register.get("regnum", number))
                # the first register of a name; banked copies come later
                self.registers.setdefault(register.get("name"), (number, int(register.get("bitsize")) // 8))
                number += 1

    def read(self, *names):
        """The value of the first of these registers that the machine has."""
        if self.registers is None:
            self.describe()
        for name in names:
            if name in self.registers:
                number, size = self.registers[name]
                answer = self.ask(f"p{number:x}")
                if not re.fullmatch(rb"[0-9a-f]+", answer) or answer[:1] == b"E" and len(answer) == 3:
                    raise GdbError(f"the gdbstub does not tell register {name}: {answer!r}")
                return int.from_bytes(bytes.fromhex(answer.decode()), "big" if self.big_endian else "little")
        raise GdbError(f"the gdbstub knows no register {' or '.join(names)}")
