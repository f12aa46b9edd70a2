/* SPDX-License-Identifier: MIT */
/* Decodes roots into regimes, and names the results of walks. */
#include <stdio.h>

#include "format/linux.h"

/* An unknown register reads as the value that has no effect. */
static struct pw_registers known_registers(const struct pw_format *format,
					   const struct pw_registers *given)
{
	bool prefixed = format->prefixed && (given->known & PW_REGISTER_PREFIX);

	return (struct pw_registers){
		.known = given->known,
		.prefix = prefixed ? given->prefix : 0,
		.cr4 = given->known & PW_REGISTER_CR4 ? given->cr4 : ~UINT64_C(0),
		.pat = given->known & PW_REGISTER_PAT ? given->pat : 0,
		.mair = given->known & PW_REGISTER_MAIR ? given->mair : 0,
		.tcr = given->known & PW_REGISTER_TCR ? given->tcr : 0,
	};
}

int pw_regime_init(struct pw_regime *regime, const struct pw_format *format, const uint64_t *root,
		   size_t count, const struct pw_regime_options *options, struct pw_error *error)
{
	static const struct pw_regime_options defaults;

	if (!regime || !format || !root)
		return pw_fail_null(error, !regime ? "regime" : !format ? "format" : "root");
	if (!options)
		options = &defaults;
	if (count == 0 || count > format->max_roots)
		return pw_fail(error, EINVAL, "%s takes %s root word%s (%s), not %zu", format->name,
			       format->max_roots > 1 ? "one or two" : "one",
			       format->max_roots > 1 ? "s" : "", format->root_name, count);
	*regime = (struct pw_regime){
		.format = format,
		.view = options->view,
		.kernel = options->kernel ? options->kernel : PW_KERNEL_6_1,
		.roots = (uint8_t)count,
		.spans = 1,
		.address_mask = UINT64_C(0x000ffffffffff000) & ~options->encryption,
	};
	pw_linux_init(regime, options);
	for (size_t i = 0; i < count; i++)
		regime->root[i] = root[i];
	regime->registers = known_registers(format, &options->registers);
	if (regime->registers.prefix & ~UINT64_C(0x7fffe000))
		return pw_fail(error, EINVAL,
			       "0x%llx is no prefix: that is a multiple of 0x2000 below 2^31",
			       (unsigned long long)regime->registers.prefix);
	for (unsigned i = 0; i < 8; i++)
		regime->memtype[i] = (uint8_t)(PW_MEM_INDEX_0 + i);
	return format->root(regime, root, (unsigned)count, error);
}

const char *pw_status_name(enum pw_status status)
{
	static const char *const name[] = {
		[PW_OK] = "ok",
		[PW_NONE] = "none",
		[PW_SWAP] = "swap",
		[PW_MIGRATION] = "migration",
		[PW_HWPOISON] = "hwpoison",
		[PW_DEVICE] = "device",
		[PW_MARKER] = "marker",
		[PW_PROT_NONE] = "prot-none",
		[PW_NOT_CANONICAL] = "not-canonical",
		[PW_OUTSIDE] = "outside",
		[PW_MALFORMED] = "malformed",
		[PW_LENGTH] = "length",
		[PW_UNSTABLE] = "unstable",
		[PW_SHARED] = "shared",
	};

	return (unsigned)status < sizeof(name) / sizeof(name[0]) ? name[status] : "?";
}

char *pw_prot_string(unsigned attr, char text[5])
{
	text[0] = attr & PW_READ ? 'r' : '-';
	text[1] = attr & PW_WRITE ? 'w' : '-';
	text[2] = attr & PW_EXEC ? 'x' : '-';
	text[3] = attr & PW_USER ? 'u' : 'k';
	text[4] = '\0';
	return text;
}
