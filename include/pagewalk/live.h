/* SPDX-License-Identifier: MIT */
/*
 * Memory that changes while it is read: a running machine, or memory that other threads write. A translation
 * here looks again at every entry on its path; doc/live.md says what this promises, and what it cannot.
 */
#ifndef PAGEWALK_LIVE_H
#define PAGEWALK_LIVE_H

#include <pagewalk/walk.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* Does the source say of itself that its memory may change at any time (qemu:)? False for dumps and files. */
bool pw_memory_is_live(const struct pw_memory *memory);

/*
 * Stops the machine behind @memory, until pw_memory_resume or pw_memory_close. If this process ends before
 * that, in whatever way, the machine runs on nevertheless. A machine that was paused before stays so. Returns
 * 0; -ENOTSUP for a source that cannot be stopped; or another negative errno.
 */
int pw_memory_stop(struct pw_memory *memory, struct pw_error *error);

/* Lets the machine run that pw_memory_stop stopped. Returns 0 or a negative errno. */
int pw_memory_resume(struct pw_memory *memory, struct pw_error *error);

/*
 * Translates @va as pw_translate does, then loads every entry on the path once more. If one has changed, all
 * of this starts again: there are up to @tries walks (0 stands for 16). The answer is in @result. If the
 * last walk still met a changed entry, the status is PW_UNSTABLE, and level and entry are those of the first
 * that changed. *changes_ret, which may be NULL, gets the number of walks that were given up. Returns
 * @result->status.
 */
enum pw_status pw_translate_stable(const struct pw_memory *memory, const struct pw_regime *regime,
				   pw_va va, unsigned tries, struct pw_result *result,
				   unsigned *changes_ret);

/*
 * Translates @va and copies @bytes bytes from there, all in the page of @va; then looks at the entries on the
 * path again, as pw_translate_stable. So each entry had the value that was used both before and after the
 * bytes were copied. Returns 0 also if @result->status says that nothing could be copied; -EINVAL if the bytes
 * go beyond the page; or what pw_memory_read returns.
 */
int pw_read_stable(const struct pw_memory *memory, const struct pw_regime *regime, pw_va va,
		   void *buffer, size_t bytes, unsigned tries, struct pw_result *result,
		   unsigned *changes_ret);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
