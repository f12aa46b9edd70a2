/* SPDX-License-Identifier: MIT */
#include "format/amdv1.h"

#include "walk/instance.h"

PW_INSTANCE(amdv1);
