/* SPDX-License-Identifier: MIT */
#include "format/arm_lpae.h"
#include "format/arm_short.h"

#include "instance/instance.h"

PW_INSTANCE(arm);
PW_INSTANCE(arm_lpae);
