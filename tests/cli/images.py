# SPDX-License-Identifier: MIT
"""Two small images that the tests of the tool write: x86-64 and s390x tables, and a few pages.

x86-64, at 1 MiB (page n is at 0x100000 + n * 4096; CR3 is 0x100000):

    pgd 0 --[0]--> pud 1 --[0]--> pmd 2 --[0]--> pte 3 --[16]--> page 8      0x010000  rw- user, accessed, dirty
                       |              |              [17]--> page 9          0x011000  r-x user
                       |              |              [18]--> page 8 again    0x012000  r-- kernel, not executable
                       |              |              [19]    swap entry      0x013000
                       |              |              [20]    PROT_NONE       0x014000
                       |              |              [21]--> 0x7000000       0x015000  a page that is not in the image
                       |              '-[1]--> 0x40000000, 2 MiB             0x200000  rwx user
                       |              '-[2]--> table at 0x9000000: outside   0x400000
                       |              '-[3]    2 MiB, reserved bit set       0x600000
                       '-[1]--> pmd 2 again: shared                          0x40000000
                 [511]--> pud 4 --[511]--> pmd 5 --[511]--> pte 6 --[511]--> page 8   0xfffffffffffff000
"""
import struct

BASE = 0x100000
PAGES = 16
P, RW, US, PCD, A, D, PS, G = 1, 2, 4, 16, 32, 64, 128, 256
NX = 1 << 63
MASK = ((1 << 52) - 1) & ~0xfff

CR3 = BASE
TEXT = b"What is behind this address? A page, and in it this sentence, which goes on for a while."


def page(number):
    return BASE + number * 4096


def x86_64(path):
    words = {}

    def put(table, index, entry):
        words[table * 512 + index] = entry

    table = P | RW | US | A
    put(0, 0, page(1) | table)
    put(1, 0, page(2) | table)
    put(2, 0, page(3) | table)
    put(3, 16, page(8) | P | RW | US | A | D | NX)
    put(3, 17, page(9) | P | US | A)
    put(3, 18, page(8) | P | NX)
    put(3, 19, (3 << 59) | (0x1234 << 14))
    put(3, 20, (~page(10) & MASK) | G | A)
    put(3, 21, 0x7000000 | P | US | PCD | NX)
    put(2, 1, 0x40000000 | P | RW | US | PS | A)
    put(2, 2, 0x9000000 | table)
    put(2, 3, 0x60000000 | P | PS | 1 << 14)
    put(1, 1, page(2) | table)
    put(0, 511, page(4) | table)
    put(4, 511, page(5) | table)
    put(5, 511, page(6) | table)
    put(6, 511, page(8) | P | RW | NX)
    image = bytearray(PAGES * 4096)
    for index, word in words.items():
        struct.pack_into("<Q", image, index * 8, word)
    image[8 * 4096:8 * 4096 + len(TEXT)] = TEXT
    image[9 * 4096 - 4:9 * 4096 + 4] = b"one two "
    path.write_bytes(image)
    return f"raw:{path}@0x{BASE:x}"


ASCE = 0x0 | 0x4 | 0x100        # region-third table at 0, one quarter of it, private

ESPFIX = 1 << 39


def espfix(path):
    """x86-64, at 0, with the layout of Linux's ESPFIX: pud [0..3] lead to one pmd table, and all of its entries to one pte table,
    in which every 16th entry maps the same page. There is also one page at ESPFIX."""
    image = bytearray(6 * 4096)

    def put(table, index, entry):
        struct.pack_into("<Q", image, table * 4096 + index * 8, entry)

    put(0, 0, 0x1000 | P | RW | A)
    for index in range(4):
        put(1, index, 0x2000 | P | RW | A)
    for index in range(512):
        put(2, index, 0x3000 | P | RW | A)
    for index in range(0, 512, 16):
        put(3, index, 0x7000000 | P | NX)
    put(0, 1, 0x4000 | P | RW | A)
    put(4, 0, 0x5000 | P | RW | A)
    put(5, 0, 0x7200000 | P | PS | RW | NX)
    path.write_bytes(image)


def s390x(path):
    """Region-third table at 0 (16 KiB), segment table at 0x4000, page table at 0x8000 (2 KiB), pages from 0x9000."""
    image = bytearray(0xc000)

    def put(at, entry):
        struct.pack_into(">Q", image, at, entry)

    for i in range(2048):
        put(i * 8, 0x24)
        put(0x4000 + i * 8, 0x20)
    for i in range(256):
        put(0x8000 + i * 8, 0x400)
    put(0, 0x4000 | 0x4 | 0x0)                      # TL 0: a quarter of the segment table
    put(0x4000, 0x8000)
    put(0x4000 + 600 * 8, 0x8000)                   # beyond that quarter
    put(0x8000 + 8 * 5, 0x9000 | 0x3d)              # read, write, dirty, young, present
    put(0x8000 + 8 * 6, 0xa000 | 0x600 | 0x31)      # the same, old: invalid for the hardware
    put(0x8000 + 8 * 7, 0xb000 | 0x200 | 0x100 | 0x15)
    path.write_bytes(image)
    return f"raw:{path}@0"


# ---- whole machines: a kernel and two processes, each with eight pages of its own; and data that is no table ----

KERNEL_ROOT, USER_ROOTS = 0x40000, (0x50000, 0x60000)


def machine(path, entry_bytes, levels, bits, big_endian, leaf, table, user_index, kernel_index, empty=None, sizes=None):
    """Writes 1 MiB of memory at 0. @leaf(pa, user) and @table(pa, level) make entries; @empty(level) those of nothing."""
    image = bytearray(1 << 20)
    free = iter(range(0x70000, 0xf0000, 0x4000))
    order = "big" if big_endian else "little"

    def put(address, entry):
        image[address:address + entry_bytes] = entry.to_bytes(entry_bytes, order)

    def clear(address, level):
        if empty:
            for i in range(1 << bits[level]):
                put(address + i * entry_bytes, empty(level))

    def fill(top, index, pages, user):
        """Makes tables down from @top and maps the pages."""
        at = top
        for level in range(levels - 1, 0, -1):
            below = next(free)
            clear(below, level - 1)
            put(at + index[level] * entry_bytes, table(below, level))
            at = below
        for i, page in enumerate(pages):
            put(at + i * entry_bytes, leaf(page, user))

    top = levels - 1
    for root in (KERNEL_ROOT, *USER_ROOTS):
        clear(root, top)
    fill(KERNEL_ROOT, kernel_index, range(0x1000, 0x11000, 0x1000), False)
    shared = bytes(image[KERNEL_ROOT + kernel_index[top] * entry_bytes:][:entry_bytes])
    for number, root in enumerate(USER_ROOTS):
        at = root + kernel_index[top] * entry_bytes
        image[at:at + entry_bytes] = shared
        fill(root, user_index, range(0x20000 + number * 0x8000, 0x28000 + number * 0x8000, 0x1000), True)
    for i in range(0x1000, 0x40000, 8):     # data: text, and numbers
        image[i:i + 8] = b"no table" if i & 8 else (i * 0x9e3779b97f4a7c15 & (1 << 64) - 1).to_bytes(8, order)
    path.write_bytes(image)
    return f"raw:{path}@0"


MACHINES = {
    "x86_64": lambda path: machine(
        path, 8, 4, [9] * 4, False, lambda pa, user: pa | P | RW | A | D | (US if user else G), lambda pa, level: pa | P | RW | US | A,
        [0, 1, 2, 3], [0, 5, 6, 400]),
    "x86_64_la57": lambda path: machine(
        path, 8, 5, [9] * 5, False, lambda pa, user: pa | P | RW | A | D | (US if user else G), lambda pa, level: pa | P | RW | US | A,
        [0, 1, 2, 3, 4], [0, 5, 6, 7, 400]),
    "i386": lambda path: machine(
        path, 4, 2, [10] * 2, False, lambda pa, user: pa | P | RW | A | D | (US if user else G), lambda pa, level: pa | P | RW | US | A,
        [0, 1], [0, 800]),
    "i386_pae": lambda path: machine(
        path, 8, 3, [9, 9, 2], False, lambda pa, user: pa | P | RW | A | D | (US if user else G),
        lambda pa, level: pa | P | (0 if level == 2 else RW | US | A), [0, 1, 1], [0, 5, 3]),
    "riscv_sv39": lambda path: machine(
        path, 8, 3, [9] * 3, False, lambda pa, user: pa >> 2 | (0xd7 if user else 0xc7), lambda pa, level: pa >> 2 | 1,
        [0, 1, 2], [0, 5, 400]),
    "riscv_sv48": lambda path: machine(
        path, 8, 4, [9] * 4, False, lambda pa, user: pa >> 2 | (0xd7 if user else 0xc7), lambda pa, level: pa >> 2 | 1,
        [0, 1, 2, 3], [0, 5, 6, 400]),
}
