/* SPDX-License-Identifier: MIT */
/* The version of pagewalk. */
#ifndef PAGEWALK_VERSION_H
#define PAGEWALK_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* The version of these headers; the number is for #if, 0x010203 for 1.2.3. */
#define PW_VERSION        "0.1.0"
#define PW_VERSION_NUMBER 0x000100

/*
 * The version of the library that runs, in the form of PW_VERSION: a static string. It differs from
 * PW_VERSION if the program was compiled with the headers of another release.
 */
const char *pw_version(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
