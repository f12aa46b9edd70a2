/* SPDX-License-Identifier: MIT */
/* The formats by name. */
#ifndef PW_INSTANCE_REGISTRY_H
#define PW_INSTANCE_REGISTRY_H

#include "walk/instance.h"

/* All instances, in the order of `pagewalk formats`; ended by NULL. */
extern const struct pw_instance *const pw_registry[];

#endif
