/* SPDX-License-Identifier: MIT */
/*
 * pagewalk's own ELF note: the root words of one address space, and their format. `pagewalk cut` writes it,
 * so that its cores can be looked at without options. There is one note for each space; its name is
 * "PAGEWALK", its type 1. All numbers are in the byte order of the ELF file.
 *
 *   0          4          8          12          24
 *   +----------+----------+----------+-----------+
 *   | namesz 9 | descsz   | type 1   | PAGEWALK\0|\0\0       ELF's note header and name
 *   +----------+----------+----------+-----------+
 *   24         28         32         40         48         56                96            136
 *   +----------+----------+----------+----------+----------+-----------------+-------------+
 *   | version 1| roots    | cpu | 0  | root 0   | root 1   | format          | label       |
 *   +----------+----------+----------+----------+----------+-----------------+-------------+
 *     u32        u32 0..2   u32 u32    u64        u64        text, 40 bytes    text, 40 bytes
 *   136        144        152        160        168        176       184
 *   +----------+----------+----------+----------+----------+----------+
 *   | known | 0| prefix   | CR4      | PAT      | MAIR     | TCR      |   struct pw_registers
 *   +----------+----------+----------+----------+----------+----------+
 *     u32 u32    u64        u64        u64        u64        u64
 *   184            188             192          200                               240
 *   +--------------+---------------+------------+---------------------------------+
 *   | config       | config_told   | encryption | release of Linux                |   struct pw_kernel
 *   +--------------+---------------+------------+---------------------------------+
 *     u32            u32             u64          text, 40 bytes; empty: not known
 *
 * Images of the first versions do not have the last row, or the last two.
 * Texts are printable ASCII, end with a NUL, and are padded with NULs. A reader accepts longer notes of
 * version 1, and ignores the part that it does not know.
 */
#ifndef PW_MEMORY_NOTE_H
#define PW_MEMORY_NOTE_H

#include <pagewalk/memory.h>

#define PW_NOTE_NAME "PAGEWALK"
enum {
	PW_NOTE_TYPE = 1,
	PW_NOTE_VERSION = 1,
	PW_NOTE_TEXT = 40, /* bytes of each text, with its NUL */
	PW_NOTE_DESC = 32 + 2 * PW_NOTE_TEXT, /* bytes of the description, without registers */
	PW_NOTE_DESC_REGISTERS = PW_NOTE_DESC + 48,
	PW_NOTE_DESC_KERNEL = PW_NOTE_DESC_REGISTERS + 16 + PW_NOTE_TEXT,
	PW_NOTE_BYTES = 24 + PW_NOTE_DESC_KERNEL,
};

/*
 * Writes the whole note (header, name, description) for @cpu to @buffer. @label says what the image shows,
 * and may be NULL; so may @kernel. Texts that are too long are cut. Returns PW_NOTE_BYTES, or 0 if @room is less.
 */
size_t pw_note_encode(const struct pw_cpu *cpu, const char *label, const struct pw_kernel *kernel,
		      bool big_endian, void *buffer, size_t room);

#endif
