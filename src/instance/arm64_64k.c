/* SPDX-License-Identifier: MIT */
#include "format/arm64_64k.h"

#include "instance/instance.h"

PW_INSTANCE(arm64_64k_42);
PW_INSTANCE(arm64_64k_48);
PW_INSTANCE(arm64_64k_52);
