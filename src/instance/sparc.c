/* SPDX-License-Identifier: MIT */
#include "format/sparc.h"

#include "instance/instance.h"

PW_INSTANCE(sparc64_sun4u);
PW_INSTANCE(sparc64_sun4v);
