"""A small client of QEMU's machine protocol (QMP): commands, and the human monitor's through it."""

import json
import socket
import time


class QmpError(Exception):
    pass


class Qmp:
    def __init__(self, connection, timeout=60):
        self.socket = connection
        self.buffer = b""
        self._message(timeout)                  # the greeting
        self.command("qmp_capabilities", timeout=timeout)

    def _message(self, timeout):
        deadline = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise QmpError("the emulator does not answer")
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                continue
            if not data:
                raise QmpError("the emulator closed its monitor")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def command(self, name, timeout=60, **arguments):
        """Runs a command and returns its result; events that arrive before the result are dropped."""
        self.socket.settimeout(timeout)
        self.socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        while True:
            message = self._message(timeout)
            if "error" in message:
                raise QmpError(f"{name}: {message['error'].get('desc', message['error'])}")
            if "return" in message:
                return message["return"]

    def human(self, line):
        return self.command("human-monitor-command", **{"command-line": line}).replace("\r", "")
