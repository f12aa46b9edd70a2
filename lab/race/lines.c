/* SPDX-License-Identifier: MIT */
/* Source lines, from the debug information of the program itself (libdw of elfutils). */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <link.h>
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

/* The innermost function, inlined or not, whose code has this address. */
static void find_function(Dwfl_Module *module, Dwarf_Addr pc, char *text, size_t size)
{
	Dwarf_Addr bias;
	Dwarf_Die *unit = dwfl_module_addrdie(module, pc, &bias), *scopes = NULL;
	int count = unit ? dwarf_getscopes(unit, pc - bias, &scopes) : 0;

	for (int i = 0; i < count; i++) {
		int tag = dwarf_tag(&scopes[i]);
		const char *name = dwarf_diename(&scopes[i]);

		if ((tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine) && name) {
			snprintf(text, size, "%s", name);
			break;
		}
	}
	__real_free(scopes);
}

bool race_line(const void *pc, char *file, size_t size, int *line_ret, char *function,
	       size_t function_size)
{
	/* A return address: the call is before it. */
	Dwarf_Addr at = (Dwarf_Addr)(uintptr_t)pc - 1;
	Dwfl *self = pc ? open_self() : NULL;
	Dwfl_Module *module = self ? dwfl_addrmodule(self, at) : NULL;
	Dwfl_Line *line = module ? dwfl_module_getsrc(module, at) : NULL;
	const char *path = line ? dwfl_lineinfo(line, NULL, line_ret, NULL, NULL, NULL) : NULL;
	const char *last;

	*function = '\0';
	if (!path)
		return false;
	find_function(module, at, function, function_size);
	last = strrchr(path, '/');
	snprintf(file, size, "%s", last ? last + 1 : path);
	return true;
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
