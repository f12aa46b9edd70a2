/* SPDX-License-Identifier: MIT */
/* The formats by name, and the facts that every format has. */
#include "instance/registry.h"

#include <string.h>

#include "format/amdv1.h"
#include "format/arm64_16k.h"
#include "format/arm64_4k.h"
#include "format/arm64_64k.h"
#include "format/arm_lpae.h"
#include "format/arm_short.h"
#include "format/i386.h"
#include "format/i386_pae.h"
#include "format/loongarch.h"
#include "format/mock.h"
#include "format/powerpc.h"
#include "format/riscv.h"
#include "format/riscv32.h"
#include "format/s390.h"
#include "format/sparc.h"
#include "format/um.h"
#include "format/words.h"
#include "format/x86.h"

const struct pw_instance *const pw_registry[] = {
	&pw_instance_x86_64,
	&pw_instance_x86_64_la57,
	&pw_instance_i386,
	&pw_instance_i386_pae,
	&pw_instance_arm,
	&pw_instance_arm_lpae,
	&pw_instance_arm64_4k_48,
	&pw_instance_arm64_4k_39,
	&pw_instance_arm64_4k_52,
	&pw_instance_arm64_16k_36,
	&pw_instance_arm64_16k_47,
	&pw_instance_arm64_16k_48,
	&pw_instance_arm64_16k_52,
	&pw_instance_arm64_64k_42,
	&pw_instance_arm64_64k_48,
	&pw_instance_arm64_64k_52,
	&pw_instance_ppc64_radix_4k,
	&pw_instance_ppc64_radix_64k,
	&pw_instance_s390x,
	&pw_instance_riscv_sv32,
	&pw_instance_riscv_sv39,
	&pw_instance_riscv_sv48,
	&pw_instance_riscv_sv57,
	&pw_instance_loongarch64_4k,
	&pw_instance_loongarch64_16k,
	&pw_instance_sparc64_sun4u,
	&pw_instance_sparc64_sun4v,
	&pw_instance_um_2,
	&pw_instance_um_3,
	&pw_instance_um_4,
	&pw_instance_amdv1,
	&pw_instance_mock,
	NULL,
};

const struct pw_format *pw_format_at(size_t index)
{
	if (index >= sizeof(pw_registry) / sizeof(pw_registry[0]) - 1)
		return NULL;
	return pw_registry[index]->format;
}

/* What else people call a machine's tables: as compilers, distributions and Linux name it. */
static const struct {
	const char *alias, *name;
} aliases[] = {
	{ "aarch64", "arm64_4k_48" },
	{ "amd-iommu", "amdv1" },
	{ "amd64", "x86_64" },
	{ "arm64", "arm64_4k_48" },
	{ "armhf", "arm_lpae" },
	{ "i686", "i386" },
	{ "i686-pae", "i386_pae" },
	{ "ia32", "i386" },
	{ "la57", "x86_64_la57" },
	{ "loong64", "loongarch64_16k" },
	{ "loongarch", "loongarch64_16k" },
	{ "loongarch64", "loongarch64_16k" },
	{ "lpae", "arm_lpae" },
	{ "pae", "i386_pae" },
	{ "powerpc", "ppc64_radix_64k" },
	{ "ppc64", "ppc64_radix_64k" },
	{ "ppc64el", "ppc64_radix_64k" },
	{ "ppc64le", "ppc64_radix_64k" },
	{ "radix", "ppc64_radix_64k" },
	{ "riscv", "riscv_sv48" },
	{ "riscv32", "riscv_sv32" },
	{ "riscv64", "riscv_sv48" },
	{ "s390", "s390x" },
	{ "sparc64", "sparc64_sun4v" },
	{ "sv32", "riscv_sv32" },
	{ "sv39", "riscv_sv39" },
	{ "sv48", "riscv_sv48" },
	{ "sv57", "riscv_sv57" },
	{ "uml", "um_3" },
	{ "x64", "x86_64" },
	{ "x86", "i386" },
	{ "x86-32", "i386" },
	{ "x86-64", "x86_64" },
	{ "x86_64_5level", "x86_64_la57" },
	{ "x86_pae", "i386_pae" },
};

const struct pw_format *pw_format_find(const char *name)
{
	if (!name)
		return NULL;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(name, aliases[i].alias) == 0)
			name = aliases[i].name;
	for (size_t i = 0; pw_registry[i]; i++)
		if (strcmp(pw_registry[i]->format->name, name) == 0)
			return pw_registry[i]->format;
	return NULL;
}

void pw_format_geometry(const struct pw_format *format, struct pw_geometry *geometry)
{
	const struct pw_words *words = format->words;

	*geometry = (struct pw_geometry){
		.name = format->name,
		.title = format->title,
		.root_name = format->root_name,
		.levels = format->levels,
		.entry_bytes = 1u << format->entry_lg2,
		.leaf_levels = format->leaf_levels,
		.max_roots = format->max_roots,
		.big_endian = format->big_endian,
		.registers = words ? words->registers : 0,
		.machines = words ? words->machines : NULL,
	};
	for (unsigned i = 0; i < format->levels; i++) {
		geometry->level_name[i] = format->level_name[i];
		geometry->shift[i] = format->shift[i];
		geometry->bits[i] = format->bits[i];
	}
}

const char *pw_level_name(const struct pw_format *format, unsigned level)
{
	return level < format->levels ? format->level_name[level] : "?";
}
