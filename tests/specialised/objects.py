#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Looks at the objects: is the walker really compiled for each format?

For the direct instance of every format:
 - There are no calls, neither to a format's functions nor to functions that a compiler likes to emit (memset).
   Exceptions are the two callbacks of a scan's owner, once per table, entries that the memory lacks, and runs of many entries.
 - Each level's index comes from the address by a shift by a constant, also where the root or an entry chooses
   the level at which a walk continues. Exceptions are tables whose shift an entry gives.
 - Formats with a constant geometry have no shift by a register at all.
The fast pin of every format and its parts call only each other and functions for
rare cases: a count that is zero, full or contended, a page that was taken in vain, and sections of other back ends.
The parts for single entries (space/slot_walk.h) call only the format's own decoder, and the code that asks a visitor.

With --notices FORMAT, ARCHIVE has that format compiled without optimisation: the test must notice the missing shifts.

usage: objects.py [--notices FORMAT] GEOMETRY ARCHIVE [OBJDUMP]
"""
import re
import subprocess
import sys

# The variable parts of a format, which may be shift counts. A new format belongs here only for a reason.
VARIABLE = {
    'amdv1': 'an entry names the level below it and the size of its page',
    'arm_lpae': 'contiguous entries; the top table is as large as TTBCR says',
    'arm64': 'contiguous entries',
    'mock': 'has every feature',
    'ppc64_radix': 'an entry names the size of the table below it',
    'riscv': 'NAPOT',
    's390x': 'the ASCE says at which level the walk starts',
    'sparc64': 'an entry names the size of its page',
}
ALGORITHMS = ('translate', 'translate_any', 'lean', 'lean_any', 'many', 'scan')
OWNER_CALLS = 2  # enter and leave
# Functions that are out of line on purpose: see src/walk/scan.h, src/folio/folio.h, src/pin/rules.h. Formats with the same code share a loop.
SCAN_CALLS = ('pw_scan_missing', 'pw_run_length', 'pw_scatter')
PIN_CALLS = ('pw_counts_add_any', 'pw_folio_give_back', 'pw_folio_untake', 'pw_pin_allowed', 'pw_pin_undo',
             'pw_section_enter_other', 'pw_section_leave_other', 'pw_section_wake')
PIN_PARTS = r'.*_pin_(run|large|walk)'  # formats with the same code share them
LEAN_CALLS = ('pw_lean_of_all',)
ONE_PARTS = r'.*_direct_(translate|lean)_any'  # where the straight way ends: src/walk/straight.h
SLOT_CALLS = ('pw_slot_visit_entry',)
SLOT_PARTS = r'.*_slot_(decode|find|next|base)'  # formats with the same code share them


def family(name, table):
    return next((key for key in table if name == key or name.startswith(key + '_')), None)


def functions(archive, objdump):
    """name -> list of (mnemonic, operands, symbol of the relocation or None)"""
    text = subprocess.run([objdump, '-dr', '--no-show-raw-insn', archive], check=True,
                          capture_output=True, text=True).stdout
    found, body = {}, None
    for line in text.splitlines():
        start = re.match(r'^[0-9a-f]+ <([^>]+)>:$', line)
        if start:
            body = found.setdefault(start[1], [])
            continue
        reloc = re.match(r'^\s+[0-9a-f]+: (R_\S+)\s+(\S+)', line)
        if reloc:
            if body:
                body[-1][2] = reloc[2]
            continue
        code = re.match(r'^\s+[0-9a-f]+:\s+(?:(?:notrack|bnd|rep\w*|lock|cs|data16)\s+)*(\S+)\s*(.*)$',
                        line)
        if code and body is not None:
            body.append([code[1], code[2].split('#')[0].strip(), None])
    return found


def is_rare(algorithm, operands, symbol):
    target = (symbol or (re.findall(r'<([^>+]+)>', operands) or ['?'])[0]).split('-')[0]
    if algorithm == 'pin':
        return target in PIN_CALLS or re.fullmatch(PIN_PARTS, target) is not None
    if algorithm == 'slot':
        return target in SLOT_CALLS or re.fullmatch(SLOT_PARTS, target) is not None
    if algorithm in ('translate', 'lean') and re.fullmatch(ONE_PARTS, target):
        return True
    if algorithm.startswith('lean'):
        return target in LEAN_CALLS
    return algorithm == 'scan' and target in SCAN_CALLS


def calls(name, algorithm, body):
    """Complaints about calls and jumps out of the function; @body is that of name or of name.cold."""
    owner = 0
    for mnemonic, operands, symbol in body:
        if mnemonic.startswith('call'):
            if algorithm == 'scan' and re.fullmatch(r'\*.*\(.*\)|\*%\w+', operands):
                owner += 1
            elif is_rare(algorithm, operands, symbol):
                continue
            else:
                yield f'{name} calls {symbol or operands}'
        elif mnemonic.startswith('j'):
            target = re.search(r'<([^>+]+)', operands)
            if is_rare(algorithm, operands, symbol):
                continue
            if symbol and not symbol.startswith('.'):
                yield f'{name} jumps to {symbol}'
            elif target and not symbol and target[1].removesuffix('.cold') != name:
                yield f'{name} jumps to {target[1]}'
    if owner > OWNER_CALLS:
        yield f'{name} makes {owner} indirect calls; enter and leave are {OWNER_CALLS}'


def is_variable_shift(mnemonic, operands):
    return re.fullmatch(r'(sh[lr]|sa[lr])x[lq]?', mnemonic) or \
        (re.fullmatch(r'(sh[lr]d?|sa[lr]|ro[lr])[bwlq]?', mnemonic) and operands.startswith('%cl'))


def shifts(name, format_name, algorithm, body, entry_lg2, levels):
    variable = sum(1 for m, o, _ in body if is_variable_shift(m, o))
    if variable and algorithm != 'scan' and not family(format_name, VARIABLE):
        yield f'{name} shifts by a register {variable} times, but its geometry is constant'
    if algorithm != 'translate_any':
        return
    constants = {int(o[1:].split(',')[0], 0) for m, o, _ in body
                 if re.fullmatch(r'(shrd?|sar)[lq]?', m) and o.startswith('$')}
    for shift in levels:
        if shift.startswith('?'):
            continue
        shift = int(shift)
        if not constants & {shift, shift - entry_lg2}:
            yield f'{name} has no shift by the constant {shift} (or {shift - entry_lg2})'


def notices(wanted, geometry, archive, objdump):
    name, entry_lg2, *levels = next(
        line for line in subprocess.run([geometry], check=True, capture_output=True, text=True).stdout.splitlines()
        if line.split()[0] == wanted).split()
    function = f'{name}_direct_translate_any'
    wrong = list(shifts(function, name, 'translate_any', functions(archive, objdump)[function], int(entry_lg2), levels))
    print('\n'.join(wrong))
    return 0 if len(wrong) == sum(1 for shift in levels if not shift.startswith('?')) else 1


def main():
    if sys.argv[1] == '--skip':
        print(sys.argv[2])
        return 77
    if sys.argv[1] == '--notices':
        return notices(*sys.argv[2:6])
    geometry, archive = sys.argv[1:3]
    found = functions(archive, sys.argv[3] if len(sys.argv) > 3 else 'objdump')
    wrong, seen = [], 0
    formats = subprocess.run([geometry], check=True, capture_output=True, text=True).stdout
    for line in formats.splitlines():
        name, entry_lg2, *levels = line.split()
        for algorithm in ALGORITHMS:
            function = f'{name}_direct_{algorithm}'
            body = found.get(function)
            if not body:
                wrong.append(f'{function} is not in {archive}')
                continue
            seen += 1
            body = body + found.get(function + '.cold', [])
            wrong += calls(function, algorithm, body)
            wrong += shifts(function, name, algorithm, body, int(entry_lg2), levels)
        for pin in (f'{name}_pin', f'{name}_pin_one', f'{name}_pin_pages'):
            if pin not in found:
                wrong.append(f'{pin} is not in {archive}')
                continue
            seen += 1
            wrong += calls(pin, 'pin', found[pin] + found.get(pin + '.cold', []))
    for run in [name for name in found if re.fullmatch(PIN_PARTS, name)]:
        seen += 1
        wrong += calls(run, 'pin', found[run] + found.get(run + '.cold', []))
    slots = [name for name in found if re.fullmatch(SLOT_PARTS, name)]
    for name in slots:
        seen += 1
        wrong += calls(name, 'slot', found[name] + found.get(name + '.cold', []))
    if len({re.fullmatch(SLOT_PARTS, name)[1] for name in slots}) != 4:
        wrong.append('not all parts for single entries')
    if seen == 0:
        wrong.append('no format at all')
    print('\n'.join(wrong) if wrong else f'{seen} instances: no calls, index shifts are immediates')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
