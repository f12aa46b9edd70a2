/* SPDX-License-Identifier: MIT */
/* Roots decoded into regimes, and the names of what walks find. */
#include <stdio.h>

#include "format/linux.h"

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
