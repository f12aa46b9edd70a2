/* SPDX-License-Identifier: MIT */
#include "format/arm64_16k.h"

#include "instance/instance.h"

PW_INSTANCE(arm64_16k_36);
PW_INSTANCE(arm64_16k_47);
PW_INSTANCE(arm64_16k_48);
PW_INSTANCE(arm64_16k_52);
