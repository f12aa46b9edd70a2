# SPDX-License-Identifier: MIT
"""libpagewalk's C interface: the structures of include/pagewalk/*.h, and the functions that the module calls.

tests/python/layout.py compares every structure with what a C compiler makes of the headers.
"""

import ctypes
import ctypes.util
import os
from ctypes import (CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_int, c_long, c_size_t, c_uint, c_uint8, c_uint16, c_uint32,
                    c_uint64, c_void_p)

MAX_LEVELS, MAX_ROOTS = 6, 2
ROOT_ABSENT = 2**64 - 1
VIEWS = {"hardware": 0, "linux": 1}
READ, WRITE, EXEC, USER = 1, 2, 4, 8
FLAGS = {1 << 4: "accessed", 1 << 5: "dirty", 1 << 6: "global", 1 << 7: "special", 1 << 8: "contiguous", 1 << 10: "shadow-stack",
         1 << 11: "dbm"}
OK, PROT_NONE, SHARED = 0, 7, 13


class Error(Structure):
    _fields_ = [("text", c_char * 400)]


class Span(Structure):
    _fields_ = [("first", c_uint64), ("last", c_uint64), ("table", c_uint64), ("top_last", c_uint32), ("top", c_uint8), ("top_bits", c_uint8),
                ("root", c_uint8), ("alias", c_bool)]


class Registers(Structure):
    _fields_ = [("known", c_uint32), ("prefix", c_uint64), ("cr4", c_uint64), ("pat", c_uint64), ("mair", c_uint64), ("tcr", c_uint64)]


class Regime(Structure):
    _fields_ = [("format", c_void_p), ("view", c_int), ("kernel", c_uint16), ("config", c_uint8), ("swap_first", c_uint8 * 4),
                ("roots", c_uint8), ("spans", c_uint8), ("root", c_uint64 * MAX_ROOTS), ("span", Span * MAX_ROOTS), ("address_mask", c_uint64),
                ("registers", Registers), ("high_field", c_uint64), ("memtype", c_uint8 * 8)]


class RegimeOptions(Structure):
    _fields_ = [("view", c_int), ("kernel", c_uint16), ("config", c_uint8), ("config_told", c_uint8), ("encryption", c_uint64),
                ("registers", Registers)]


class Geometry(Structure):
    _fields_ = [("name", c_char_p), ("title", c_char_p), ("root_name", c_char_p), ("levels", c_uint), ("level_name", c_char_p * MAX_LEVELS),
                ("shift", c_uint * MAX_LEVELS), ("bits", c_uint * MAX_LEVELS), ("entry_bytes", c_uint), ("leaf_levels", c_uint),
                ("max_roots", c_uint), ("big_endian", c_bool), ("registers", c_uint32), ("machines", c_char_p)]


class Segment(Structure):
    _fields_ = [("first", c_uint64), ("last", c_uint64), ("host", c_void_p)]


class Cpu(Structure):
    _fields_ = [("id", c_uint), ("kernel", c_bool), ("format", c_char_p), ("roots", c_uint), ("root", c_uint64 * MAX_ROOTS),
                ("origin", c_char * 48), ("registers", Registers), ("vectors", c_uint64), ("vectors_bytes", c_uint32)]


class Kernel(Structure):
    _fields_ = [("release", c_char * 65), ("version", c_uint16), ("config", c_uint8), ("config_told", c_uint8), ("encryption", c_uint64),
                ("origin", c_char * 48)]


class Result(Structure):
    _fields_ = [("va", c_uint64), ("pa", c_uint64), ("entry", c_uint64), ("attr", c_uint32), ("status", c_uint8), ("level", c_uint8),
                ("size_lg2", c_uint8), ("memtype", c_uint8)]


class Range(Structure):
    _fields_ = [("first", c_uint64), ("last", c_uint64), ("pa", c_uint64), ("entry", c_uint64), ("twin", c_uint64), ("attr", c_uint32),
                ("status", c_uint8), ("level", c_uint8), ("size_lg2", c_uint8), ("memtype", c_uint8)]


class ScanState(Structure):
    _fields_ = [("entries", c_uint64), ("tables", c_uint64), ("repeated", c_uint64), ("next", c_uint64), ("stopped", c_int)]


class Finding(Structure):
    _fields_ = [("kind", c_int), ("range", Range), ("table", c_uint64), ("entry", c_uint64), ("level", c_uint8), ("other_level", c_uint8),
                ("other", c_uint64)]


class Root(Structure):
    _fields_ = [("format", c_char_p), ("root", c_uint64 * MAX_ROOTS), ("roots", c_uint), ("table", c_uint64), ("levels", c_uint),
                ("user", c_uint64), ("kernel", c_uint64), ("owner", c_int), ("proof", c_int), ("cpu", c_long), ("pid", c_long),
                ("command", c_char * 16), ("program", c_char * 64), ("vectors", c_char_p), ("vectors_at", c_uint64),
                ("vectors_mapped", c_bool)]


class RootsOptions(Structure):
    _fields_ = [("formats", c_void_p), ("format_count", c_size_t), ("every_format", c_bool), ("regime", RegimeOptions), ("threads", c_uint),
                ("cancel", c_void_p), ("progress", c_void_p), ("progress_context", c_void_p), ("proved", c_void_p)]


class PictureOptions(Structure):
    _fields_ = [("label", c_char_p), ("rows", c_uint), ("entries", c_uint64), ("cancel", c_void_p)]


class TextStyle(Structure):
    _fields_ = [("width", c_uint), ("utf8", c_bool), ("colour", c_bool)]


FETCH = CFUNCTYPE(c_int, c_void_p, c_uint64, c_void_p, c_size_t)
FOUND = CFUNCTYPE(c_int, c_void_p, c_size_t, POINTER(Range))
FINDING = CFUNCTYPE(c_int, c_void_p, POINTER(Finding))

# The name in C of each structure, for the comparison with the headers.
STRUCTURES = {
    "pw_error": Error, "pw_span": Span, "pw_registers": Registers, "pw_regime": Regime, "pw_regime_options": RegimeOptions,
    "pw_geometry": Geometry, "pw_segment": Segment, "pw_cpu": Cpu, "pw_kernel": Kernel, "pw_result": Result, "pw_range": Range,
    "pw_scan_state": ScanState, "pw_finding": Finding, "pw_root": Root, "pw_roots_options": RootsOptions,
    "pw_picture_options": PictureOptions, "pw_text_style": TextStyle,
}


def _load():
    """The library that PAGEWALK_LIBRARY names, or the installed one."""
    name = os.environ.get("PAGEWALK_LIBRARY") or "libpagewalk.so.0"
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise ImportError(f"pagewalk: the library {name} cannot be loaded ({error}); install it (`make install`), or give its file in "
                          "PAGEWALK_LIBRARY") from None


def _declare(library):
    memory, regime, error = c_void_p, POINTER(Regime), POINTER(Error)
    functions = {
        "pw_version": (c_char_p, []),
        "pw_format_find": (c_void_p, [c_char_p]),
        "pw_format_at": (c_void_p, [c_size_t]),
        "pw_format_load": (c_int, [c_char_p, POINTER(c_void_p), error]),
        "pw_format_unload": (None, [c_void_p]),
        "pw_format_geometry": (None, [c_void_p, POINTER(Geometry)]),
        "pw_level_name": (c_char_p, [c_void_p, c_uint]),
        "pw_status_name": (c_char_p, [c_int]),
        "pw_prot_string": (c_char_p, [c_uint, c_char * 5]),
        "pw_regime_init": (c_int, [regime, c_void_p, POINTER(c_uint64), c_size_t, POINTER(RegimeOptions), error]),
        "pw_memory_open": (c_int, [c_char_p, POINTER(memory), error]),
        "pw_memory_create": (c_int, [FETCH, c_void_p, POINTER(Segment), c_size_t, POINTER(memory), error]),
        "pw_memory_close": (None, [memory]),
        "pw_memory_read": (c_int, [memory, c_uint64, c_void_p, c_size_t]),
        "pw_memory_segments": (c_size_t, [memory, POINTER(POINTER(Segment))]),
        "pw_memory_cpus": (c_size_t, [memory, POINTER(POINTER(Cpu))]),
        "pw_memory_kernel": (c_int, [memory, c_uint64, POINTER(Kernel)]),
        "pw_memory_title": (c_char_p, [memory]),
        "pw_memory_remark": (c_char_p, [memory, c_size_t]),
        "pw_memory_check": (c_int, [memory, error]),
        "pw_translate": (c_int, [memory, regime, c_uint64, POINTER(Result)]),
        "pw_translate_many": (c_size_t, [memory, regime, c_void_p, c_size_t, c_void_p]),
        "pw_scan_create": (c_int, [memory, regime, c_uint64, c_uint64, c_void_p, POINTER(c_void_p), error]),
        "pw_scan_destroy": (None, [c_void_p]),
        "pw_scan_next": (c_size_t, [c_void_p, POINTER(Range), c_size_t]),
        "pw_scan_holes": (None, [c_void_p, c_bool]),
        "pw_scan_state": (None, [c_void_p, POINTER(ScanState)]),
        "pw_find": (c_int, [c_void_p, c_void_p, c_size_t, FOUND, c_void_p, error]),
        "pw_check": (c_int, [memory, regime, c_uint64, c_uint64, c_void_p, FINDING, c_void_p, error]),
        "pw_finding_name": (c_char_p, [c_int]),
        "pw_finding_is_note": (c_bool, [c_int]),
        "pw_roots_find": (c_int, [memory, POINTER(RootsOptions), POINTER(POINTER(Root)), POINTER(c_size_t), POINTER(c_size_t), error]),
        "pw_root_owner_name": (c_char_p, [c_int]),
        "pw_root_proof_name": (c_char_p, [c_int]),
        "pw_picture_create": (c_int, [memory, regime, c_uint64, c_uint64, POINTER(PictureOptions), POINTER(c_void_p), error]),
        "pw_picture_destroy": (None, [c_void_p]),
        "pw_picture_text": (c_int, [c_void_p, POINTER(TextStyle), c_void_p]),
        "pw_picture_svg": (c_int, [c_void_p, c_void_p]),
        "pw_picture_html": (c_int, [c_void_p, c_void_p]),
        "pw_result_reason": (c_char_p, [memory, regime, POINTER(Result), c_void_p, c_size_t]),
    }
    for name, (result, arguments) in functions.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


lib = _declare(_load())
libc = ctypes.CDLL(None)
libc.open_memstream.restype = c_void_p
libc.open_memstream.argtypes = [POINTER(c_void_p), POINTER(c_size_t)]
libc.fclose.argtypes = [c_void_p]
libc.free.argtypes = [c_void_p]
