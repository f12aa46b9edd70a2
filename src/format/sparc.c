/* SPDX-License-Identifier: MIT */
#include "format/sparc.h"

#include "walk/instance.h"

PW_INSTANCE(sparc64_sun4u);
PW_INSTANCE(sparc64_sun4v);
