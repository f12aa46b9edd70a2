/* SPDX-License-Identifier: MIT */
#include "format/s390.h"

#include "instance/instance.h"

PW_INSTANCE(s390x);
