/* SPDX-License-Identifier: MIT */
#include "format/amdv1.h"

#include "instance/instance.h"

PW_INSTANCE(amdv1);
