#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The compile-time guard: a walker for a format in a variable does not compile, and the message says
what to do. The same file with the format's own name compiles.

usage: constant.py SOURCE_ROOT COMPILER...
"""
import os
import subprocess
import sys
import tempfile

SOURCE = '''
#include "format/i386_pae.h"
#include "walk/instance.h"

const struct pw_format *const chosen[] = { &pw_format_x86_64, &pw_format_i386_pae };
static volatile int which;

static inline __attribute__((always_inline)) const struct pw_format *choice(void)
{
	return %s;
}

enum pw_status walk(const struct pw_direct *direct, const struct pw_regime *regime, pw_va va,
		    struct pw_result *result);
enum pw_status walk(const struct pw_direct *direct, const struct pw_regime *regime, pw_va va,
		    struct pw_result *result)
{
	struct pw_direct own = *direct;

	return pw_walk_one(choice(), &pw_direct_access, &own, regime, va, result, NULL);
}
'''
SENTENCE = 'the format must be the address of a static const struct pw_format'


def compile_with(root, compiler, format_name, directory):
    path = os.path.join(directory, 'walk.c')
    with open(path, 'w') as file:
        file.write(SOURCE % format_name)
    return subprocess.run(compiler + ['-O2', '-std=gnu11', '-D_GNU_SOURCE', '-DNDEBUG',
                                      '-I' + os.path.join(root, 'src'),
                                      '-I' + os.path.join(root, 'include'),
                                      '-c', path, '-o', os.path.join(directory, 'walk.o')],
                          capture_output=True, text=True)


def main():
    root, compiler = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as directory:
        good = compile_with(root, compiler, '&pw_format_x86_64', directory)
        bad = compile_with(root, compiler, 'chosen[which]', directory)
    if good.returncode != 0:
        print('a constant format does not compile:\n' + good.stderr)
        return 1
    if bad.returncode == 0 or SENTENCE not in bad.stderr:
        print(f'a variable format: exit status {bad.returncode}, and the compiler said:\n' + bad.stderr)
        return 1
    print('refused: ' + SENTENCE)
    return 0


if __name__ == '__main__':
    sys.exit(main())
