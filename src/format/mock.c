/* SPDX-License-Identifier: MIT */
#include "format/mock.h"

#include "format/instance.h"

PW_INSTANCE(mock);
