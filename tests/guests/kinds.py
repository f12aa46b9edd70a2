"""The guests, as data: one entry per kind of page table. A new guest is one more entry here and nothing else.

The command lines were run with QEMU 7.2 (Debian bookworm). KINDS are booted by every `make check-guests`; MORE have kernels of
newer suites of Debian, and are booted if they are asked for.
"""

import shutil
from dataclasses import dataclass

MiB = 1 << 20
GiB = 1 << 30


@dataclass(frozen=True)
class Kind:
    name: str                   # the directory, and the name for --only
    format: str                 # pagewalk's name of the page-table format
    package: str                # Debian's meta package; it depends on the current kernel
    arch: str                   # Debian's name of the architecture
    qemu: str                   # the emulator
    machine: str                # -machine, memory backend aside
    cpu: str                    # -cpu
    compiler: str               # for /init
    cpu_family: str             # the registers that hold the roots: a class in roots.py
    memory: int                 # MiB; below 1 GiB Linux disables transparent huge pages by itself
    console: str                # the kernel's name of the first serial port
    ram_base: int = 0           # where RAM starts
    ram_split: int = 0          # if RAM is longer than this, the rest starts at 4 GiB
    image: str = "vmlinuz"      # the kernel's file in /boot, before its version
    page: int = 4096            # base page size
    append: str = ""            # more of the kernel's command line
    direct_map: int | None = None   # where the kernel maps all of RAM, if that is not random
    big_endian: bool = False    # byte order of page-table entries
    suite: str = ""             # Debian's suite that has the kernel; empty: that of this machine

    def segments(self):
        """The places of RAM: (base, length, offset in the file) for each piece."""
        size = self.memory * MiB
        if self.ram_split and size > self.ram_split:
            return [(self.ram_base, self.ram_split, 0),
                    (4 * GiB, size - self.ram_split, self.ram_split)]
        return [(self.ram_base, size, 0)]


UML = "setpriv"              # what starts it, in the place of an emulator
RISCV = "rv64,svnapot=on,svpbmt=on"

KINDS = [
    # More than 4 GiB, so that there is a hole below 4 GiB, and physical addresses beyond 32 bits. Page-table isolation is
    # off by default on this CPU model (its vendor is AMD). It is switched on here, so that CR3 comes in pairs.
    Kind("x86_64", "x86_64", "linux-image-amd64", "amd64", "qemu-system-x86_64", "q35", "max,la57=off", "gcc", "X86",
         5000, "ttyS0", ram_split=2 * GiB, append="pti=on hugepagesz=1G hugepages=1"),
    Kind("s390x", "s390x", "linux-image-s390x", "s390x", "qemu-system-s390x", "s390-ccw-virtio", "max",
         "s390x-linux-gnu-gcc", "S390", 1152, "ttysclp0", direct_map=0, big_endian=True),
    Kind("arm64", "arm64", "linux-image-arm64", "arm64", "qemu-system-aarch64", "virt", "max", "aarch64-linux-gnu-gcc",
         "Arm64", 2304, "ttyAMA0", ram_base=1 * GiB, direct_map=0xffff000000000000,
         append="hugepagesz=1G hugepages=1"),
    # pseries needs RAM in multiples of 256 MiB; with less than this, no aligned GiB is free in one piece
    Kind("ppc64le", "ppc64_radix_64k", "linux-image-powerpc64le", "ppc64el", "qemu-system-ppc64", "pseries", "power9",
         "powerpc64le-linux-gnu-gcc", "Ppc64", 3328, "hvc0", image="vmlinux", page=65536, direct_map=0xc000000000000000,
         big_endian=True, append="hugepagesz=1G hugepages=1"),
    # The split is moved down, so that a small guest has RAM beyond 4 GiB as well.
    Kind("x86_64_la57", "x86_64_la57", "linux-image-amd64", "amd64", "qemu-system-x86_64", "q35,max-ram-below-4g=1G",
         "max,la57=on", "gcc", "X86", 1536, "ttyS0", ram_split=1 * GiB),
    # With page tables beyond 4 GiB, the 32-bit emulators of QEMU 7.2 (-i386, -arm) fault forever. The 64-bit emulators
    # boot the same 32-bit kernels.
    Kind("i386_pae", "i386_pae", "linux-image-686-pae", "i386", "qemu-system-x86_64", "pc,max-ram-below-4g=1G", "max,lm=off",
         "i686-linux-gnu-gcc", "X86", 1536, "ttyS0", ram_split=1 * GiB, direct_map=0xc0000000),
    Kind("i386", "i386", "linux-image-686", "i386", "qemu-system-i386", "pc", "pentium3", "i686-linux-gnu-gcc", "X86",
         1152, "ttyS0", ram_split=3584 * MiB, direct_map=0xc0000000),
    Kind("arm", "arm", "linux-image-armmp", "armhf", "qemu-system-arm", "virt,highmem=off", "cortex-a15",
         "arm-linux-gnueabihf-gcc", "Arm", 1152, "ttyAMA0", ram_base=1 * GiB, direct_map=0xc0000000),
    # RAM starts at 1 GiB: the last 256 MiB lie beyond 4 GiB
    Kind("arm_lpae", "arm_lpae", "linux-image-armmp-lpae", "armhf", "qemu-system-aarch64", "virt", "cortex-a15",
         "arm-linux-gnueabihf-gcc", "Arm", 3328, "ttyAMA0", ram_base=1 * GiB, direct_map=0xc0000000),
]

MORE = [
    # The CPU has five levels; the kernel's command line leaves some of them out. Linux 7 also asks the device tree, in which
    # QEMU 7.2 never promises more than four.
    Kind("riscv_sv39", "riscv_sv39", "linux-image-riscv64", "riscv64", "qemu-system-riscv64", "virt", RISCV,
         "riscv64-linux-gnu-gcc", "Riscv", 1152, "ttyS0", ram_base=2 * GiB, append="no4lvl", suite="sid"),
    Kind("riscv_sv48", "riscv_sv48", "linux-image-riscv64", "riscv64", "qemu-system-riscv64", "virt", RISCV,
         "riscv64-linux-gnu-gcc", "Riscv", 1152, "ttyS0", ram_base=2 * GiB, append="no5lvl", suite="sid"),
    # RAM starts at 2 GiB: a part lies beyond 4 GiB
    Kind("riscv_sv57", "riscv_sv57", "linux-image-riscv64", "riscv64", "qemu-system-riscv64", "virt", RISCV,
         "riscv64-linux-gnu-gcc", "Riscv", 3328, "ttyS0", ram_base=2 * GiB, append="hugepagesz=1G hugepages=1", suite="trixie",
         image="vmlinux"),
    Kind("arm64_lpa2", "arm64_4k_52", "linux-image-arm64", "arm64", "qemu-system-aarch64", "virt", "max",
         "aarch64-linux-gnu-gcc", "Arm64", 2304, "ttyAMA0", ram_base=1 * GiB, append="hugepagesz=1G hugepages=1", suite="sid"),
    # Transparent huge pages have 32 MiB
    Kind("arm64_16k", "arm64_16k_52", "linux-image-arm64-16k", "arm64", "qemu-system-aarch64", "virt", "max",
         "aarch64-linux-gnu-gcc", "Arm64", 2304, "ttyAMA0", ram_base=1 * GiB, page=16384, suite="sid"),
    # The same kernel on a CPU that has 48 bits uses 47 of them: three levels are enough.
    Kind("arm64_16k_47", "arm64_16k_47", "linux-image-arm64-16k", "arm64", "qemu-system-aarch64", "virt", "max,lpa2=off",
         "aarch64-linux-gnu-gcc", "Arm64", 2304, "ttyAMA0", ram_base=1 * GiB, page=16384, suite="sid"),
    # pages of 64K are a flavour of its own since Linux 6.12
    Kind("ppc64le_4k", "ppc64_radix_4k", "linux-image-powerpc64le", "ppc64el", "qemu-system-ppc64", "pseries", "power9",
         "powerpc64le-linux-gnu-gcc", "Ppc64", 1280, "hvc0", direct_map=0xc000000000000000, big_endian=True, suite="sid"),
    # User-mode Linux, a process of this machine: uml.py. The number of levels is that of the kernel's version.
    Kind("um_4", "um_4", "user-mode-linux", "amd64", UML, "", "", "gcc", "", 512, "", image="linux.uml", suite="sid"),
    Kind("um_3", "um_3", "user-mode-linux", "amd64", UML, "", "", "gcc", "", 512, "", image="linux.uml", suite="trixie"),
    # Newer kernels of machines above.
    Kind("x86_64_newer", "x86_64", "linux-image-amd64", "amd64", "qemu-system-x86_64", "q35,max-ram-below-4g=1G", "max,la57=off",
         "gcc", "X86", 2304, "ttyS0", ram_split=1 * GiB, append="pti=on hugepagesz=1G hugepages=1", suite="sid"),
    Kind("s390x_newer", "s390x", "linux-image-s390x", "s390x", "qemu-system-s390x", "s390-ccw-virtio", "max",
         "s390x-linux-gnu-gcc", "S390", 1152, "ttysclp0", big_endian=True, suite="sid"),
    Kind("arm_lpae_newer", "arm_lpae", "linux-image-armmp-lpae", "armhf", "qemu-system-aarch64", "virt", "cortex-a15",
         "arm-linux-gnueabihf-gcc", "Arm", 3328, "ttyAMA0", ram_base=1 * GiB, direct_map=0xc0000000, suite="sid"),
    Kind("arm_newer", "arm", "linux-image-armmp", "armhf", "qemu-system-arm", "virt,highmem=off", "cortex-a15",
         "arm-linux-gnueabihf-gcc", "Arm", 1152, "ttyAMA0", ram_base=1 * GiB, direct_map=0xc0000000, suite="trixie"),
]


def select(names, more=False):
    """The kinds with these names. Without names: all of KINDS, and MORE if they are wanted."""
    known = {kind.name: kind for kind in KINDS + MORE}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"no guest is called {' or '.join(unknown)}; there are {' '.join(known)}")
    return [kind for kind in known.values() if kind.name in names] or KINDS + (MORE if more else [])


def lacks(kind):
    """A sentence about what this machine lacks to boot a kind, kernel aside; None if it has everything."""
    missing = [program for program in (kind.qemu, kind.compiler) if not shutil.which(program)]
    if not missing:
        return None
    return f"{' and '.join(missing)} not installed (packages.txt and packages-all.txt in tests/guests name the packages)"
