/* SPDX-License-Identifier: MIT */
#include "format/powerpc.h"

#include "instance/instance.h"

PW_INSTANCE(ppc64_radix_4k);
PW_INSTANCE(ppc64_radix_64k);
