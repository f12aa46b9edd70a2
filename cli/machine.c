/* SPDX-License-Identifier: MIT */
/* Does the format belong to the source's machine? */
#include "machine.h"

#include <stdio.h>
#include <string.h>

/*
 * The beginnings of machine names (in ELF cores, in uname), and the family of each. A 32-bit guest may
 * run on a 64-bit machine.
 */
static const struct {
	const char *beginning, *family;
} families[] = {
	{ "x86_64", "x86" },  { "i386", "x86" },
	{ "i486", "x86" },    { "i586", "x86" },
	{ "i686", "x86" },    { "arm", "arm" },
	{ "aarch64", "arm" }, { "s390", "s390" },
	{ "ppc64", "ppc64" }, { "ppc", "ppc" },
	{ "riscv", "riscv" }, { "sparc", "sparc" },
	{ "mips", "mips" },   { "loongarch", "loongarch" },
};

static const char *family(const char *name)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strncmp(name, families[i].beginning, strlen(families[i].beginning)) == 0)
			return families[i].family;
	return NULL;
}

/* Writes the machine that a source's @title names into @text; NULL if it names none. */
static const char *of_title(const char *title, char *text, size_t room)
{
	/* "ELF core, x86_64, little-endian, ...". */
	const char *machine = strchr(title, ',');

	if (!machine || strncmp(machine, ", ", 2) != 0 || !family(machine + 2))
		return NULL;
	machine += 2;
	snprintf(text, room, "%.*s", (int)strcspn(machine, ","), machine);
	return text;
}

const char *machine_of(const struct pw_memory *memory, char *text, size_t room)
{
	const struct pw_cpu *cpus;
	const struct pw_format *format;
	struct pw_geometry geometry;

	if (of_title(pw_memory_title(memory), text, room))
		return text;
	if (pw_memory_cpus(memory, &cpus) == 0 || !cpus[0].format)
		return NULL;
	format = pw_format_find(cpus[0].format);
	if (!format)
		return NULL;
	pw_format_geometry(format, &geometry);
	if (!geometry.machines)
		return NULL;
	snprintf(text, room, "%.*s", (int)strcspn(geometry.machines, " "), geometry.machines);
	return text;
}

bool machine_is_unpaged(const struct pw_memory *memory)
{
	const struct pw_cpu *cpus;
	const size_t count = pw_memory_cpus(memory, &cpus);

	/* powerpc's registers do not tell. */
	if (strstr(pw_memory_title(memory), ", prelaunch,"))
		return true;
	/* "CR0: paging was off", "SCTLR_EL1: the MMU was off", "no space was set". */
	for (size_t i = 0; i < count; i++)
		if (cpus[i].format || (!strstr(cpus[i].origin, " was off") &&
				       !strstr(cpus[i].origin, "no space was set")))
			return false;
	return count > 0;
}

bool machine_fits(const char *machine, const char *other)
{
	const char *one = machine ? family(machine) : NULL;
	const char *two = other ? family(other) : NULL;

	return !one || !two || strcmp(one, two) == 0;
}
