/* SPDX-License-Identifier: MIT */
/* The version of the library, for programs that link it dynamically. */
#include <pagewalk/version.h>

const char *pw_version(void)
{
	return PW_VERSION;
}
