/* SPDX-License-Identifier: MIT */
/*
 * Surveys: questions about a whole address space, answered from one scan: who maps a physical page,
 * what looks wrong, and the table pages alone as an image to share.
 */
#ifndef PAGEWALK_SURVEY_H
#define PAGEWALK_SURVEY_H

#include <pagewalk/walk.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An index from physical to virtual: built by one scan, then asked as often as one likes by any
 * number of threads.
 */
struct pw_index;

/* Reads @scan to its end. Returns 0, or -ENOMEM, or why the scan stopped early. */
int pw_index_create(struct pw_scan *scan, struct pw_index **index_ret, struct pw_error *error);
void pw_index_destroy(struct pw_index *index);

/*
 * The ranges that map any byte of first..last, by physical and then virtual address. Each is cropped
 * to that part. Fills up to @count, returns how many there are in all.
 */
size_t pw_index_find(const struct pw_index *index, pw_pa first, pw_pa last, struct pw_range *range,
		     size_t count);

/*
 * Physical memory that two or more virtual ranges map: calls @alias for every pair of neighbours in
 * physical order that overlap, with both cropped to the overlap, until it returns other than 0, and
 * returns that.
 */
int pw_index_aliases(const struct pw_index *index,
		     int (*alias)(void *context, const struct pw_range *one,
				  const struct pw_range *other),
		     void *context);

/*
 * Writes an ELF core that holds the table pages alone of what @regimes map in first..last of @ranges
 * (pairs, inclusive; NULL: everywhere): no byte of what the guest's pages hold, but every walk of
 * these regimes gives the same result as on @memory. The roots go into a note.
 * @label says what the image shows; may be NULL. Returns 0 or a negative errno.
 */
struct pw_cut {
	const struct pw_memory *memory;
	const struct pw_regime *regimes;
	size_t regime_count;
	const pw_va (*ranges)[2];
	size_t range_count;
	const char *label;
	const bool *cancel;
};
int pw_cut_write(const struct pw_cut *cut, const char *path, struct pw_error *error);

#ifdef __cplusplus
}
#endif
#endif
