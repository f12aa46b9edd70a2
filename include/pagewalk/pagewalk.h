/* SPDX-License-Identifier: MIT */
/*
 * pagewalk: page tables of every architecture, walked in user space. See pagewalk(3).
 *
 * What holds for every function whose own comment does not say otherwise:
 *
 * - A pointer must not be NULL. A function that can return a negative errno returns -EINVAL for one
 *   that is; the others do not look. @error may always be NULL, and what releases something (*_close,
 *   *_destroy, *_unload) does nothing with NULL.
 * - A count of 0, or 0 bytes, asks for nothing: nothing is done, and the function returns 0 (or true).
 *   The array beside it is not looked at and may be NULL. What something cannot do without, as roots,
 *   segments of a memory, or address spaces to cut out, is not less than one: -EINVAL. Nor are the
 *   references and pins of a folio: 0 of them are refused.
 * - A range whose first is above its last is -EINVAL; so is a bound or a length within a page, where
 *   whole pages are asked for. Nothing is done then.
 */
#ifndef PAGEWALK_H
#define PAGEWALK_H

#include <pagewalk/format.h>
#include <pagewalk/memory.h>
#include <pagewalk/pin.h>
#include <pagewalk/space.h>
#include <pagewalk/survey.h>
#include <pagewalk/version.h>
#include <pagewalk/view.h>
#include <pagewalk/walk.h>

#endif
