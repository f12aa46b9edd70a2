/* SPDX-License-Identifier: MIT */
/* Chooses the Linux version for software bits: the user's, else the source's, else 6.1. */
#include "options.h"

bool tool_find_kernel(const struct pw_memory *memory, bool search, struct pw_kernel *kernel_ret)
{
	return pw_memory_kernel(memory, search ? TOOL_KERNEL_SEARCH : 0, kernel_ret) == 0;
}

static void say_encryption(uint64_t bit)
{
	tool_message("bit %d of an entry marks encrypted memory and is not part of the address "
		     "(VMCOREINFO's sme_mask)",
		     __builtin_ctzll(bit));
}

void tool_decide_kernel(const struct tool_options *options, struct tool_input *input)
{
	struct pw_regime_options *decided = &input->regime_options;
	bool asked = options->regime.kernel == 0 && options->regime.view == PW_VIEW_LINUX;
	struct pw_kernel kernel;

	*decided = options->regime;
	if (!tool_find_kernel(input->memory, asked, &kernel)) {
		if (asked)
			tool_message(
				"nothing says which Linux this was (there is no VMCOREINFO, and no "
				"banner in the first %llu MiB of memory), so its bits are read as "
				"those of 6.1; if it was another version, give --kernel VERSION",
				TOOL_KERNEL_SEARCH >> 20);
		return;
	}
	if (decided->kernel == 0)
		decided->kernel = kernel.version;
	decided->config |= (uint8_t)(kernel.config & ~decided->config_told);
	decided->config_told |= kernel.config_told;
	if (decided->encryption == 0 && kernel.encryption) {
		decided->encryption = kernel.encryption;
		say_encryption(kernel.encryption);
	}
	if (asked)
		tool_message("reading entries as Linux %u.%u has them (%s, by %s); if it was "
			     "another version, give --kernel VERSION",
			     kernel.version >> 8, kernel.version & 255u, kernel.release,
			     kernel.origin);
}
