/* SPDX-License-Identifier: MIT */
#include "format/riscv.h"

#include "format/riscv32.h"
#include "instance/instance.h"

PW_INSTANCE(riscv_sv32);
PW_INSTANCE(riscv_sv39);
PW_INSTANCE(riscv_sv48);
PW_INSTANCE(riscv_sv57);
