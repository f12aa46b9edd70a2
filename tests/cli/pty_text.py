# SPDX-License-Identifier: MIT
"""What a program writes on a terminal."""
import os


def everything(terminal, wait):
    """
    All that a program writes on the terminal whose other side is @terminal. @wait() waits for the program's end, and is called
    once. A read fails once the program has closed the terminal, and on Linux possibly before its last words have arrived; when it
    has ended, all have.
    """
    parts, ended = [], False
    while True:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:
            part = b""
        if part:
            parts.append(part)
        elif ended:
            return b"".join(parts).decode().replace("\r", "")
        else:
            wait()
            ended = True
