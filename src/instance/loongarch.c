/* SPDX-License-Identifier: MIT */
#include "format/loongarch.h"

#include "instance/instance.h"

PW_INSTANCE(loongarch64_4k);
PW_INSTANCE(loongarch64_16k);
