/* SPDX-License-Identifier: MIT */
#include "format/x86.h"

#include "format/i386.h"
#include "walk/instance.h"

PW_INSTANCE(x86_64);
PW_INSTANCE(x86_64_la57);
/* GNU C predefines it as 1 on 32-bit x86, where it would be expanded on its way through the macro. */
#undef i386
PW_INSTANCE(i386);
PW_INSTANCE(i386_pae);
