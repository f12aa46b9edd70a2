/* SPDX-License-Identifier: MIT */
#include "format/mock.h"

#include "instance/instance.h"

PW_INSTANCE(mock);
