/* SPDX-License-Identifier: MIT */
#include "format/x86.h"

#include "format/i386.h"
#include "format/i386_pae.h"
#include "instance/instance.h"

PW_INSTANCE(x86_64);
PW_INSTANCE(x86_64_la57);
PW_INSTANCE(i386);
PW_INSTANCE(i386_pae);
