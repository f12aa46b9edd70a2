/* SPDX-License-Identifier: MIT */
/* The swap types that a kernel uses for pages outside swap: include/linux/swap.h of 5.10 to 7.2. */
#include "format/linux.h"

enum {
	KERNEL_DEVICE_EXCLUSIVE = 0x050e, /* two more types of device memory */
	KERNEL_MARKERS = 0x0513, /* markers, migration read-exclusive, failed swap-in */
	KERNEL_MARKERS_ALWAYS = 0x0602, /* in every build; failed swap-in is a marker */
	KERNEL_DEVICE_EXCLUSIVE_ONE = 0x060f, /* device-exclusive is one type */
	DEBIAN_DEVICE_PRIVATE = 0x060d, /* Debian sets it wherever it can */
};

static unsigned markers(unsigned kernel, unsigned config)
{
	if (kernel < KERNEL_MARKERS)
		return 0;
	return kernel >= KERNEL_MARKERS_ALWAYS || !(config & PW_CONFIG_PTE_MARKER) ? 1 : 2;
}

static unsigned device_types(unsigned kernel, unsigned config)
{
	if (!(config & PW_CONFIG_DEVICE_PRIVATE))
		return 0;
	if (kernel >= KERNEL_DEVICE_EXCLUSIVE_ONE)
		return 3;
	return kernel >= KERNEL_DEVICE_EXCLUSIVE ? 4 : 2;
}

static unsigned migration_types(unsigned kernel, unsigned config)
{
	if (!(config & PW_CONFIG_MIGRATION))
		return 0;
	return kernel >= KERNEL_MARKERS ? 3 : 2;
}

static unsigned debian_config(const struct pw_regime *regime)
{
	unsigned config = regime->format->config | PW_CONFIG_MIGRATION;

	return regime->kernel >= DEBIAN_DEVICE_PRIVATE
		       ? config
		       : config & ~(unsigned)PW_CONFIG_DEVICE_PRIVATE;
}

void pw_linux_init(struct pw_regime *regime, const struct pw_regime_options *options)
{
	unsigned told = options->config_told, kernel = regime->kernel;
	unsigned config = (options->config & told) | (debian_config(regime) & ~told);
	unsigned first = PW_SWAP_TYPES - markers(kernel, config);

	regime->config = (uint8_t)config;
	regime->swap_first[PW_FIRST_MARKER] = (uint8_t)first;
	first -= device_types(kernel, config);
	regime->swap_first[PW_FIRST_DEVICE] = (uint8_t)first;
	first -= migration_types(kernel, config);
	regime->swap_first[PW_FIRST_MIGRATION] = (uint8_t)first;
	first -= config & PW_CONFIG_MEMORY_FAILURE ? 1 : 0;
	regime->swap_first[PW_FIRST_HWPOISON] = (uint8_t)first;
}
