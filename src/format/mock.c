/* SPDX-License-Identifier: MIT */
#include "format/mock.h"

#include "walk/instance.h"

PW_INSTANCE(mock);
