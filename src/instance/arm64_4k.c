/* SPDX-License-Identifier: MIT */
#include "format/arm64_4k.h"

#include "instance/instance.h"

PW_INSTANCE(arm64_4k_39);
PW_INSTANCE(arm64_4k_48);
PW_INSTANCE(arm64_4k_52);
