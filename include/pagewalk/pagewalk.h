/* SPDX-License-Identifier: MIT */
/* pagewalk: page tables of every architecture, walked in user space. See pagewalk(3). */
#ifndef PAGEWALK_H
#define PAGEWALK_H

#include <pagewalk/format.h>
#include <pagewalk/memory.h>
#include <pagewalk/pin.h>
#include <pagewalk/space.h>
#include <pagewalk/survey.h>
#include <pagewalk/view.h>
#include <pagewalk/walk.h>

#endif
