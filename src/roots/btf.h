/* SPDX-License-Identifier: MIT */
/*
 * BTF: the types of a Linux kernel, as it keeps them in its own memory (Documentation/bpf/btf.rst). This
 * reads what is needed to find a member of a structure. Every number comes from memory that may be hostile:
 * all are checked, no chain of types is followed without a bound.
 *
 * libbpf reads it as well, but would be a dependency of the whole library for these few functions.
 */
#ifndef PW_ROOTS_BTF_H
#define PW_ROOTS_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PW_BTF_HEADER = 24,
	PW_BTF_MAX = 64 << 20, /* bytes; kernels have some 5 MiB */
};

struct pw_btf {
	const unsigned char *types, *strings;
	uint32_t type_bytes, string_bytes;
	bool big_endian;
	uint32_t *at; /* where each type begins; type 1 is the first, 0 is void */
	uint32_t count; /* of types, with void */
};

/* A member of a structure, or of an unnamed one inside. */
struct pw_btf_member {
	uint32_t offset; /* bytes from the beginning of the outermost structure */
	uint32_t type;
};

/* The length of the BTF that begins with the header @bytes; 0: it is not a header. */
uint32_t pw_btf_length(const unsigned char bytes[PW_BTF_HEADER]);

/*
 * Opens bytes..bytes+length-1, which must stay there until pw_btf_close. Returns 0, -ENOMEM, or -EINVAL for
 * something that is not whole BTF.
 */
int pw_btf_open(const unsigned char *bytes, size_t length, struct pw_btf *btf);
void pw_btf_close(struct pw_btf *btf);

/* The first structure with members that is called @name; 0: there is none. */
uint32_t pw_btf_structure(const struct pw_btf *btf, const char *name);

/* Finds the member @name of the structure @type. False: it has none, or only a bit field. */
bool pw_btf_member(const struct pw_btf *btf, uint32_t type, const char *name,
		   struct pw_btf_member *member);

/* The size of a number, structure, union, enumeration or array of these; 0: another kind, or too large. */
uint32_t pw_btf_size(const struct pw_btf *btf, uint32_t type);

#endif
