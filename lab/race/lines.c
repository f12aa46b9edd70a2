/* SPDX-License-Identifier: MIT */
/* Source lines, from the debug information of the program itself (libdw of elfutils). */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab/race/real.h"
#include "lab/race/trace.h"

/* Where the program was loaded: it is the first object of all. */
static int first_object(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(GElf_Addr *)base = info->dlpi_addr;
	return 1;
}

static Dwfl *open_self(void)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
	};
	static Dwfl *self;
	static bool tried;
	GElf_Addr base = 0;

	if (tried)
		return self;
	tried = true;
	self = dwfl_begin(&callbacks);
	if (!self)
		return NULL;
	dl_iterate_phdr(first_object, &base);
	if (dwfl_report_elf(self, "program", "/proc/self/exe", -1, base, true) &&
	    dwfl_report_end(self, NULL, NULL) == 0)
		return self;
	dwfl_end(self);
	self = NULL;
	return NULL;
}

static Dwfl_Module *module_of(Dwarf_Addr at)
{
	Dwfl *self = at ? open_self() : NULL;

	return self ? dwfl_addrmodule(self, at) : NULL;
}

/* The compilation unit of an address. clang does not list them by address, so all are searched then. */
static Dwarf_Die *unit_of(Dwarf_Addr at, Dwarf_Addr *bias)
{
	Dwfl_Module *module = module_of(at);
	Dwarf_Die *unit = module ? dwfl_module_addrdie(module, at, bias) : NULL;

	if (unit || !module)
		return unit;
	while ((unit = dwfl_module_nextcu(module, unit, bias)))
		if (dwarf_haspc(unit, at - *bias) == 1)
			return unit;
	return NULL;
}

/* A return address: the call is before it. */
static Dwarf_Addr call_of(const void *pc)
{
	return pc ? (Dwarf_Addr)(uintptr_t)pc - 1 : 0;
}

static void set_file(struct race_frame *frame, const char *path)
{
	const char *last = path ? strrchr(path, '/') : NULL;

	snprintf(frame->file, sizeof(frame->file), "%s", last ? last + 1 : path ? path : "");
}

/* Where the compiler has put the code of a function into its caller: the place of the call. */
static void set_call(struct race_frame *frame, Dwarf_Die *unit, Dwarf_Die *inlined)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file = 0, line = 0;
	Dwarf_Files *files;
	size_t count;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) == 0)
		frame->line = (int)line;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) == 0 &&
	    dwarf_getsrcfiles(unit, &files, &count) == 0)
		set_file(frame, dwarf_filesrc(files, file, NULL, NULL));
}

/* Fills in the names of functions, and the lines of all frames but the first. Returns how many frames there are. */
static unsigned walk_scopes(Dwarf_Die *unit, Dwarf_Die *scopes, int count, struct race_frame *frame,
			    unsigned room)
{
	unsigned frames = 0;

	for (int i = 0; i < count && frames < room; i++) {
		int tag = dwarf_tag(&scopes[i]);
		const char *name = dwarf_diename(&scopes[i]);

		if (tag != DW_TAG_subprogram && tag != DW_TAG_inlined_subroutine)
			continue;
		snprintf(frame[frames++].function, sizeof(frame->function), "%s", name ? name : "");
		if (tag == DW_TAG_subprogram)
			break;
		if (frames < room) {
			__real_memset(&frame[frames], 0, sizeof(*frame));
			set_call(&frame[frames], unit, &scopes[i]);
		}
	}
	return frames;
}

unsigned race_frames(const void *pc, struct race_frame *frame, unsigned room)
{
	Dwarf_Addr at = call_of(pc), bias;
	Dwarf_Die *unit = unit_of(at, &bias);
	Dwarf_Line *line = unit ? dwarf_getsrc_die(unit, at - bias) : NULL;
	Dwarf_Die *scopes = NULL, *outer = NULL;
	unsigned frames = 0;
	int count;

	if (!line || room == 0)
		return 0;
	__real_memset(frame, 0, sizeof(*frame));
	dwarf_lineno(line, &frame->line);
	set_file(frame, dwarf_linesrc(line, NULL, NULL));
	/* The scopes of the innermost one are its callers; those of the address are where it is declared. */
	if (dwarf_getscopes(unit, at - bias, &scopes) > 0) {
		count = dwarf_getscopes_die(&scopes[0], &outer);
		frames = walk_scopes(unit, outer, count, frame, room);
	}
	__real_free(scopes);
	__real_free(outer);
	return frames ? frames : 1;
}

bool race_line(const void *pc, char *file, size_t size, int *line_ret, char *function,
	       size_t function_size)
{
	struct race_frame frame;

	*function = '\0';
	if (race_frames(pc, &frame, 1) == 0 || !*frame.file)
		return false;
	snprintf(file, size, "%s", frame.file);
	snprintf(function, function_size, "%s", frame.function);
	*line_ret = frame.line;
	return true;
}

static bool read_line(const char *path, int number, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t length;
	char *begin;

	if (!file)
		return false;
	*text = '\0';
	while (number > 0 && fgets(text, (int)size, file)) {
		/* A longer line takes several reads. */
		if (strchr(text, '\n'))
			number--;
		else if (strlen(text) + 1 < size || number == 1)
			break;
	}
	fclose(file);
	if (number > 1 || (number == 1 && strlen(text) + 1 < size))
		return false;
	begin = text + strspn(text, " \t");
	length = strcspn(begin, "\r\n");
	memmove(text, begin, length);
	text[length] = '\0';
	return length > 0;
}

bool race_source(const void *pc, char *text, size_t size)
{
	Dwarf_Addr at = call_of(pc), bias;
	Dwarf_Die *unit = unit_of(at, &bias);
	Dwarf_Line *line = unit ? dwarf_getsrc_die(unit, at - bias) : NULL;
	const char *path = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	Dwarf_Attribute attribute;
	const char *folder = unit ? dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute))
				  : NULL;
	int number = 0;
	char whole[4096];

	if (!path || dwarf_lineno(line, &number) != 0 || number <= 0 || size < 2)
		return false;
	if (*path == '/' || !folder)
		snprintf(whole, sizeof(whole), "%s", path);
	else
		snprintf(whole, sizeof(whole), "%s/%s", folder, path);
	return read_line(whole, number, text, size);
}

bool race_symbol(const void *at, char *text, size_t size)
{
	Dwarf_Addr address = (Dwarf_Addr)(uintptr_t)at;
	Dwfl *self = open_self();
	Dwfl_Module *module = self ? dwfl_addrmodule(self, address) : NULL;
	GElf_Off offset = 0;
	GElf_Sym symbol;
	const char *name = module ? dwfl_module_addrinfo(module, address, &offset, &symbol, NULL,
							 NULL, NULL)
				  : NULL;

	if (!name || offset >= symbol.st_size)
		return false;
	if (offset)
		snprintf(text, size, "%s+%llu", name, (unsigned long long)offset);
	else
		snprintf(text, size, "%s", name);
	return true;
}
