/* SPDX-License-Identifier: MIT */
#include "format/um.h"

#include "instance/instance.h"

PW_INSTANCE(um_2);
PW_INSTANCE(um_3);
PW_INSTANCE(um_4);
