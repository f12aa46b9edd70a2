/* SPDX-License-Identifier: MIT */
/*
 * Balanced trees: the macros of libbsd's <sys/tree.h>. They are intrusive (a node costs no allocation, so an
 * insert cannot fail), a header without a library behind it, with twenty years of use in BSD kernels. glib's
 * trees and tsearch(3) allocate a node for each element, and cannot find "the first element above".
 */
#ifndef PW_MM_TREE_H
#define PW_MM_TREE_H

#include <stddef.h>

#include <bsd/sys/tree.h>

#endif
