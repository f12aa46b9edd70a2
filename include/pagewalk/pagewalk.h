/* SPDX-License-Identifier: MIT */
/*
 * pagewalk: page tables of every architecture, walked in user space. See pagewalk(3).
 *
 * These rules hold for every function whose own comment does not say otherwise:
 *
 * - A pointer must not be NULL. A function that can return a negative errno returns -EINVAL for NULL; the
 *   others do not check. @error may always be NULL. Functions that release something (*_close, *_destroy,
 *   *_remove, *_unload, pw_file_put, pw_device_put) do nothing with NULL.
 * - A count of 0, or 0 bytes, asks for nothing: the function does nothing, and returns 0 (or true). The
 *   array beside the count is not looked at, and may be NULL. There must be at least one of some things:
 *   roots, segments of a memory, address spaces to cut out; 0 of them is -EINVAL. A request for 0 references
 *   or pins of a folio is refused, too.
 * - A range whose first is above its last is -EINVAL. So is a bound or a length within a page where whole
 *   pages are needed. The function does nothing then.
 * - Some calls that exist in Linux, and calls like them, answer as Linux does instead:
 *   pw_mmap, pw_mmap_device, pw_munmap, pw_mremap (0 new bytes), pw_file_punch and pw_user_* return -EINVAL
 *   for 0 bytes; pw_file_drop goes to the end of the file. pw_mmap returns -EBADF for a NULL file; pw_mm_read,
 *   pw_mm_write and pw_user_copy return -EFAULT for a NULL array.
 */
#ifndef PAGEWALK_H
#define PAGEWALK_H

#include <pagewalk/cpu.h>
#include <pagewalk/format.h>
#include <pagewalk/live.h>
#include <pagewalk/memory.h>
#include <pagewalk/mm.h>
#include <pagewalk/pin.h>
#include <pagewalk/space.h>
#include <pagewalk/survey.h>
#include <pagewalk/version.h>
#include <pagewalk/view.h>
#include <pagewalk/walk.h>

#endif
