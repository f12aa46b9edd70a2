/* SPDX-License-Identifier: MIT */
#include "format/amdv1.h"

#include "format/instance.h"

PW_INSTANCE(amdv1);
