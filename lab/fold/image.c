/* SPDX-License-Identifier: MIT */
/* The oracle for the tables of an image: it translates every page on its own, from the root. */
#include "lab/fold/fold.h"

#include "base/words.h"

static bool page_at(const struct fold_oracle *oracle, pw_va va, pw_pa *pa_ret)
{
	const struct fold_image *image = oracle->context;
	struct pw_result result;

	if (pw_translate(image->memory, image->regime, va, &result) != PW_OK)
		return false;
	*pa_ret = result.pa;
	return true;
}

/* This may be slow: it runs only for pages that a strategy found wrongly. */
static bool address_of(const struct fold_oracle *oracle, pw_pa pa, pw_va *va_ret)
{
	const struct fold_image *image = oracle->context;
	struct pw_scan *scan;
	struct pw_range range[64];
	bool found = false;

	if (pw_scan_create(image->memory, image->regime, 0, UINT64_MAX, NULL, &scan, NULL))
		return false;
	for (size_t n; !found && (n = pw_scan_next(scan, range, 64)) > 0;)
		for (size_t i = 0; i < n && !found; i++) {
			if (range[i].status != PW_OK || pa < range[i].pa ||
			    pa - range[i].pa > range[i].last - range[i].first)
				continue;
			*va_ret = range[i].first + (pa - range[i].pa);
			found = true;
		}
	pw_scan_destroy(scan);
	return found;
}

void fold_image_init(struct fold_image *image, const struct pw_memory *memory,
		     const struct pw_regime *regime)
{
	*image = (struct fold_image){
		.oracle = { .page = page_at, .address = address_of, .context = image },
		.memory = memory,
		.regime = regime,
	};
}
