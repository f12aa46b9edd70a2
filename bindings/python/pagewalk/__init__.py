# SPDX-License-Identifier: MIT
"""Walks page tables of every architecture: in dumps, in machines that run, in memory that a program has itself.

    import pagewalk

    memory = pagewalk.open("vmcore")
    for root in memory.roots():
        print(root)
    space = memory.space()
    print(space.translate(0x401000))
    for part in space.ranges():
        print(part)

Errors are pagewalk.Error, with the sentence that the tool prints. The library works without the interpreter's lock.
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence

from . import _c
from ._c import lib

__all__ = ["Cpu", "Error", "Finding", "Format", "Memory", "Page", "Picture", "Range", "RESULT_DTYPE", "Root", "Segment", "Space", "fetched",
           "formats", "open", "version"]

LAST = 2**64 - 1
#: The fields of what Space.translate_many() fills in, for numpy.frombuffer(results, dtype=RESULT_DTYPE).
RESULT_DTYPE = [(name, f"u{ctypes.sizeof(kind)}") for name, kind in _c.Result._fields_]
_AT_ONCE = 1024     # ranges per call of the library


class Error(Exception):
    """What went wrong, as a sentence for people. `errno` is the error's number, as in the module errno."""

    def __init__(self, code: int, text: str):
        super().__init__(text)
        self.errno = abs(code)


def _check(code: int, error: _c.Error | None = None) -> None:
    if code < 0:
        text = error.text.decode(errors="replace") if error is not None else ""
        raise Error(code, text or os.strerror(-code))


def _text(data: bytes | None) -> str:
    return data.decode(errors="replace") if data else ""


def version() -> str:
    """The version of the library."""
    return _text(lib.pw_version())


@dataclasses.dataclass(frozen=True)
class Format:
    """How an architecture encodes its entries. Levels count from the leaf."""

    name: str
    title: str
    root_name: str
    level_names: tuple[str, ...]
    shifts: tuple[int, ...]
    _handle: int = dataclasses.field(repr=False, compare=False)

    @classmethod
    def _of(cls, handle: int) -> Format:
        geometry = _c.Geometry()
        lib.pw_format_geometry(handle, geometry)
        levels = geometry.levels
        return cls(_text(geometry.name), _text(geometry.title), _text(geometry.root_name),
                   tuple(_text(name) for name in geometry.level_name[:levels]), tuple(geometry.shift[:levels]), handle)

    @classmethod
    def find(cls, name: str) -> Format:
        """The format with this name, which can also be a machine's (`amd64`), or a file that describes one (`mine.pwf`)."""
        handle = lib.pw_format_find(os.fsencode(name))
        if not handle and ("/" in name or name.endswith(".pwf")):
            loaded, error = ctypes.c_void_p(), _c.Error()
            _check(lib.pw_format_load(os.fsencode(name), loaded, error), error)
            handle = loaded.value       # stays loaded: regimes refer to it
        if not handle:
            raise Error(-22, f"there is no format '{name}'; pagewalk.formats() lists them all")
        return cls._of(handle)


def formats() -> list[Format]:
    """All formats, in the order of `pagewalk formats`."""
    found: list[Format] = []
    while handle := lib.pw_format_at(len(found)):
        found.append(Format._of(handle))
    return found


@dataclasses.dataclass(frozen=True)
class Segment:
    """Physical memory from `first` to `last`, inclusive."""

    first: int
    last: int


@dataclasses.dataclass(frozen=True)
class Cpu:
    """A CPU that the source describes, or (`kernel`) the kernel's own space. `format` is None if it is not known."""

    id: int
    kernel: bool
    format: str | None
    roots: tuple[int, ...]
    origin: str


@dataclasses.dataclass(frozen=True)
class Root:
    """An address space that Memory.roots() found."""

    format: str
    roots: tuple[int, ...]
    owner: str      # "kernel", "user", "user-half", "other"
    proof: str      # "named", "proved", "thin"
    user_bytes: int
    kernel_bytes: int
    pid: int | None
    command: str
    program: str
    vectors: bool | None = None     # does it map a CPU's exception vectors? None: it was not asked, or they are not known


class _Attributes:
    """What pages and ranges have in common."""

    attr: int

    @property
    def prot(self) -> str:
        """Permissions, as "rw-u"."""
        text = (ctypes.c_char * 5)()
        lib.pw_prot_string(self.attr, text)
        return _text(text.value)

    @property
    def readable(self) -> bool:
        return bool(self.attr & _c.READ)

    @property
    def writable(self) -> bool:
        return bool(self.attr & _c.WRITE)

    @property
    def executable(self) -> bool:
        return bool(self.attr & _c.EXEC)

    @property
    def user(self) -> bool:
        return bool(self.attr & _c.USER)

    @property
    def flags(self) -> tuple[str, ...]:
        """What else the entry says: "accessed", "dirty", ..."""
        return tuple(name for bit, name in _c.FLAGS.items() if self.attr & bit)


@dataclasses.dataclass(frozen=True)
class Page(_Attributes):
    """The answer for one address. True if a page is mapped; otherwise `why` says why not."""

    va: int
    pa: int | None
    size: int           # of the page, or of the hole's entry
    status: str         # "ok", "none", "swap", ... as in pagewalk-json(5)
    level: str
    entry: int
    attr: int
    why: str

    def __bool__(self) -> bool:
        return self.status == "ok"

    def __str__(self) -> str:
        if self.pa is None:
            return f"{self.va:#018x} -> {self.status}: {self.why}"
        return f"{self.va:#018x} -> {self.pa:#018x} {self.size >> 10} KiB {self.level} {self.prot} {' '.join(self.flags)}".rstrip()


@dataclasses.dataclass(frozen=True)
class Range(_Attributes):
    """Addresses `first` to `last` (inclusive) that are alike."""

    first: int
    last: int
    pa: int | None
    page_size: int
    status: str
    level: str
    attr: int
    twin: int | None    # status "shared": the same tables were met there before

    @property
    def bytes(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        where = f"{self.pa:#018x} {self.page_size >> 10:>7} KiB {self.prot}" if self.pa is not None else self.status
        return f"{self.first:#018x}-{self.last:#018x} {where}"


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a check found. A note is not wrong in itself."""

    kind: str
    note: bool
    range: Range


class Picture:
    """A drawing of a walk. Jupyter shows it by itself."""

    def __init__(self, space: Space, first: int, last: int, rows: int):
        self._space = space
        self._handle = ctypes.c_void_p()
        error = _c.Error()
        options = _c.PictureOptions(label=space.memory.source.encode(), rows=rows)
        _check(lib.pw_picture_create(space.memory._open(), space._regime, first, last, options, self._handle, error), error)
        self._close = weakref.finalize(self, lib.pw_picture_destroy, self._handle)

    def _draw(self, draw: Callable[[ctypes.c_void_p, int], int]) -> str:
        buffer, size = ctypes.c_void_p(), ctypes.c_size_t()
        stream = _c.libc.open_memstream(buffer, size)
        if not stream:
            raise MemoryError
        try:
            code = draw(self._handle, stream)
        finally:
            _c.libc.fclose(stream)
            text = ctypes.string_at(buffer, size.value)
            _c.libc.free(buffer)
        _check(code)
        return text.decode()

    def text(self, width: int = 100, colour: bool = False) -> str:
        style = _c.TextStyle(width, True, colour)
        return self._draw(lambda picture, stream: lib.pw_picture_text(picture, style, stream))

    def svg(self) -> str:
        return self._draw(lib.pw_picture_svg)

    def html(self) -> str:
        return self._draw(lib.pw_picture_html)

    def __str__(self) -> str:
        return self.text()

    def _repr_svg_(self) -> str:
        return self.svg()


class Space:
    """The address space of one root. Memory.space() makes it. Any number of threads may use it."""

    def __init__(self, memory: Memory, format: Format, regime: _c.Regime):
        self.memory = memory
        self.format = format
        self._regime = regime

    def __repr__(self) -> str:
        return f"<pagewalk.Space {self.format.name} root {self._regime.root[0]:#x} of {self.memory.source}>"

    def _level(self, level: int) -> str:
        return _text(lib.pw_level_name(self.format._handle, level))

    def translate(self, va: int) -> Page:
        """The page behind an address."""
        result, memory = _c.Result(), self.memory._open()
        lib.pw_translate(memory, self._regime, va, result)
        has_page = result.status in (_c.OK, _c.PROT_NONE)
        why = ""
        if result.status != _c.OK:
            text = ctypes.create_string_buffer(480)
            lib.pw_result_reason(memory, self._regime, result, text, len(text))
            why = _text(text.value)
        return Page(va, result.pa if has_page else None, 1 << result.size_lg2, _text(lib.pw_status_name(result.status)),
                    self._level(result.level), result.entry, result.attr, why)

    def translate_many(self, addresses, results=None):
        """Translates many addresses at once.

        @addresses is a sequence of numbers, or a buffer of native 64-bit numbers, such as a numpy array of uint64, which is not
        copied. @results is a writable buffer of 32 bytes for each, or None to get a new one. Returns the results: with numpy,
        numpy.frombuffer(results, dtype=pagewalk.RESULT_DTYPE).
        """
        try:
            view = memoryview(addresses)
        except TypeError:
            wanted = list(addresses)
            given = (ctypes.c_uint64 * len(wanted))(*wanted)
        else:
            if view.itemsize != 8 or view.format not in ("Q", "L", "=Q", "@Q", "@L", "<Q") or not view.contiguous:
                raise TypeError("addresses must be numbers, or a contiguous buffer of unsigned 64-bit numbers")
            if view.readonly:
                given = (ctypes.c_uint64 * (view.nbytes // 8)).from_buffer_copy(view)
            else:
                given = (ctypes.c_uint64 * (view.nbytes // 8)).from_buffer(view)
        if results is None:
            results = bytearray(ctypes.sizeof(_c.Result) * len(given))
        room = (_c.Result * len(given)).from_buffer(results)
        lib.pw_translate_many(self.memory._open(), self._regime, given, len(given), room)
        return results

    def _range(self, entry: _c.Range) -> Range:
        has_page = entry.status in (_c.OK, _c.PROT_NONE)
        return Range(entry.first, entry.last, entry.pa if has_page else None, 1 << entry.size_lg2, _text(lib.pw_status_name(entry.status)),
                     self._level(entry.level), entry.attr, entry.twin if entry.status == _c.SHARED else None)

    def _scan(self, first: int, last: int) -> ctypes.c_void_p:
        scan, error = ctypes.c_void_p(), _c.Error()
        _check(lib.pw_scan_create(self.memory._open(), self._regime, first, last, None, scan, error), error)
        return scan

    def ranges(self, first: int = 0, last: int = LAST, holes: bool = False) -> Iterator[Range]:
        """What is mapped from @first to @last (inclusive), in order; with @holes also what is not."""
        scan = self._scan(first, last)
        try:
            lib.pw_scan_holes(scan, holes)
            room = (_c.Range * _AT_ONCE)()
            while count := lib.pw_scan_next(scan, room, _AT_ONCE):
                for i in range(count):
                    yield self._range(room[i])
                self.memory._open()     # it may have been closed meanwhile
            self._whole(scan)
        finally:
            lib.pw_scan_destroy(scan)

    def _whole(self, scan: ctypes.c_void_p) -> None:
        state = _c.ScanState()
        lib.pw_scan_state(scan, state)
        if state.stopped:
            raise Error(state.stopped, f"the scan stopped at {state.next:#x}: {os.strerror(-state.stopped)}; give a smaller range")

    def find(self, pa: int, last: int | None = None) -> list[Range]:
        """Every virtual range that maps a byte from @pa to @last (inclusive; unless given, @pa)."""
        wanted, error = (ctypes.c_uint64 * 2)(pa, pa if last is None else last), _c.Error()
        found: list[Range] = []

        def add(_context, _which, entry):
            found.append(self._range(entry.contents))
            return 0

        scan = self._scan(0, LAST)
        try:
            _check(lib.pw_find(scan, wanted, 1, _c.FOUND(add), None, error), error)
            self._whole(scan)
        finally:
            lib.pw_scan_destroy(scan)
        return found

    def read(self, va: int, size: int) -> bytes:
        """Memory through the walk. Raises Error, with the first address that is not mapped."""
        data, memory = bytearray(), self.memory._open()
        while len(data) < size:
            page = self.translate((va + len(data)) % 2**64)
            if not page or page.pa is None:
                raise Error(-14, f"{page.va:#x} is not mapped: {page.why}")
            left = page.size - page.va % page.size
            part = ctypes.create_string_buffer(min(left, size - len(data)))
            code = lib.pw_memory_read(memory, page.pa, part, len(part))
            if code:
                raise Error(code, f"{page.va:#x} leads to {page.pa:#x}, which {self.memory.source} does not have")
            data += part.raw
        return bytes(data)

    def check(self, first: int = 0, last: int = LAST) -> list[Finding]:
        """What looks wrong or dangerous: pages that are writable and executable, malformed entries, cycles, ..."""
        findings: list[Finding] = []
        error = _c.Error()

        def add(_context, finding):
            kind = finding.contents.kind
            findings.append(Finding(_text(lib.pw_finding_name(kind)), lib.pw_finding_is_note(kind), self._range(finding.contents.range)))
            return 0

        _check(lib.pw_check(self.memory._open(), self._regime, first, last, None, _c.FINDING(add), None, error), error)
        return findings

    def explain(self, va: int, last: int | None = None, rows: int = 200) -> Picture:
        """A picture of the walk for @va, or of @va to @last (inclusive)."""
        return Picture(self, va, va if last is None else last, rows)


class Memory:
    """Physical memory: a dump, a running machine, or memory of the program's own. A context manager closes it."""

    def __init__(self, source: str, handle: ctypes.c_void_p, keep: object = None):
        self.source = source
        self._handle: ctypes.c_void_p | None = handle
        self._keep = keep
        self._close = weakref.finalize(self, lib.pw_memory_close, handle)

    def _open(self) -> ctypes.c_void_p:
        if self._handle is None:
            raise ValueError(f"{self.source} is closed")
        return self._handle

    def close(self) -> None:
        """No thread may still be reading."""
        self._handle = None
        self._close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<pagewalk.Memory {self.source} ({self.title})>" if self._handle else f"<pagewalk.Memory {self.source}, closed>"

    @property
    def title(self) -> str:
        return _text(lib.pw_memory_title(self._open()))

    @property
    def remarks(self) -> list[str]:
        """What should be known of the source: where it is truncated, say."""
        found: list[str] = []
        while (text := lib.pw_memory_remark(self._open(), len(found))) is not None:
            found.append(_text(text))
        return found

    @property
    def segments(self) -> list[Segment]:
        array = ctypes.POINTER(_c.Segment)()
        count = lib.pw_memory_segments(self._open(), array)
        return [Segment(array[i].first, array[i].last) for i in range(count)]

    def _cpus(self) -> list[_c.Cpu]:
        array = ctypes.POINTER(_c.Cpu)()
        count = lib.pw_memory_cpus(self._open(), array)
        return [array[i] for i in range(count)]

    @property
    def cpus(self) -> list[Cpu]:
        return [Cpu(cpu.id, cpu.kernel, _text(cpu.format) or None, tuple(cpu.root[:cpu.roots]), _text(cpu.origin)) for cpu in self._cpus()]

    def read(self, pa: int, size: int) -> bytes:
        """Physical memory."""
        buffer = ctypes.create_string_buffer(size)
        code = lib.pw_memory_read(self._open(), pa, buffer, size)
        if code:
            raise Error(code, f"{self.source} has not all of the memory at {pa:#x}-{pa + size - 1:#x}")
        return buffer.raw

    def roots(self, format: str | None = None) -> list[Root]:
        """Every address space, found by the bytes of its tables alone. @format limits the search to one."""
        options, error = _c.RootsOptions(), _c.Error()
        array, count, copies = ctypes.POINTER(_c.Root)(), ctypes.c_size_t(), ctypes.c_size_t()
        if format:
            handles = (ctypes.c_void_p * 1)(Format.find(format)._handle)
            options.formats, options.format_count = ctypes.cast(handles, ctypes.c_void_p), 1
        _check(lib.pw_roots_find(self._open(), options, array, count, copies, error), error)
        try:
            return [Root(_text(root.format), tuple(root.root[:root.roots]), _text(lib.pw_root_owner_name(root.owner)),
                         _text(lib.pw_root_proof_name(root.proof)), root.user, root.kernel, root.pid if root.pid >= 0 else None,
                         _text(root.command), _text(root.program), root.vectors_mapped if root.vectors else None) for root in array[:count.value]]
        finally:
            _c.libc.free(array)

    def space(self, root: int | Sequence[int] | Root | Cpu | None = None, format: str | Format | None = None, view: str = "hardware",
              kernel: tuple[int, int] | None = None) -> Space:
        """The address space of a root.

        @root: the hardware's own word (or two), a Root, or a Cpu; None: the first that the source names, else the kernel's, which is
        searched for. @view: "hardware", or "linux" with the version in @kernel, as (6, 12).
        """
        registers = None
        if root is None:
            named = next((cpu for cpu in self.cpus if cpu.roots), None)
            root = named or next((found for found in self.roots() if found.owner == "kernel"), None)
            if root is None:
                raise Error(-61, f"{self.source} names no root, and none was found: give root and format")
        if isinstance(root, (Root, Cpu)):
            if isinstance(root, Cpu):
                registers = next((cpu.registers for cpu, told in zip(self._cpus(), self.cpus) if told == root), None)
            format, words = format or root.format, root.roots
        else:
            words = (root,) if isinstance(root, int) else tuple(root)
        if format is None:
            raise Error(-22, "give a format: the source does not say in which format its page tables are")
        if view not in _c.VIEWS:
            raise Error(-22, f"'{view}' is not a view; give hardware or linux")
        chosen = format if isinstance(format, Format) else Format.find(format)
        options, regime, error = _c.RegimeOptions(view=_c.VIEWS[view]), _c.Regime(), _c.Error()
        if registers is not None:
            options.registers = registers
        if kernel:
            options.kernel = kernel[0] << 8 | kernel[1]
        elif view == "linux":
            known = _c.Kernel()
            if lib.pw_memory_kernel(self._open(), 1 << 30, known) == 0:
                options.kernel, options.config, options.config_told = known.version, known.config, known.config_told
        array = (ctypes.c_uint64 * max(1, len(words)))(*words)
        _check(lib.pw_regime_init(regime, chosen._handle, array, len(words), options, error), error)
        return Space(self, chosen, regime)


def open(source: str | os.PathLike) -> Memory:
    """Opens a source by name, as the tool does: a dump's file, raw:FILE@BASE, sample:NAME, qemu:SOCKET, ... pagewalk-sources(7)."""
    handle, error, name = ctypes.c_void_p(), _c.Error(), os.fspath(source)
    _check(lib.pw_memory_open(os.fsencode(name), handle, error), error)
    return Memory(name, handle)


def fetched(fetch: Callable[[int, int], bytes], segments: Iterable[tuple[int, int]], name: str = "memory") -> Memory:
    """Memory that the program has itself: @fetch(pa, size) returns bytes, or raises. @segments: (first, last), inclusive."""

    def call(_context, pa, buffer, size):
        try:
            data = fetch(pa, size)
        except Exception:       # it cannot pass through C; the walk says that the memory is not there
            return -5
        if len(data) != size:
            return -61
        ctypes.memmove(buffer, data, size)
        return 0

    parts = [_c.Segment(first, last) for first, last in segments]
    array, handle, error, callback = (_c.Segment * max(1, len(parts)))(*parts), ctypes.c_void_p(), _c.Error(), _c.FETCH(call)
    _check(lib.pw_memory_create(callback, None, array, len(parts), handle, error), error)
    return Memory(name, handle, keep=callback)
