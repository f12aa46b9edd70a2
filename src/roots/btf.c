/* SPDX-License-Identifier: MIT */
/*
 * Reads BTF: a header, types one behind the other, and strings.
 *
 *   header   magic 0xeb9f (16 bits), version, flags, header's length, then offset and length of both parts
 *   type     name, info (number of elements, kind, flag), size or type; then what the kind adds
 *   member   name, type, offset in bits; with the type's flag, bits 31 to 24 are the size of a bit field
 */
#include "roots/btf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAGIC = 0xeb9f,
	VERSION = 1,
	TYPE_BYTES = 12,
	MEMBER_BYTES = 12,
	CHAIN_MAX = 32, /* typedef, const, ... one behind the other */
	DEPTH_MAX = 8, /* unnamed structures inside each other */
	MEMBERS_MAX = 1 << 16, /* members to look at in one search */
};

enum kind {
	KIND_INT = 1,
	KIND_ARRAY = 3,
	KIND_STRUCT = 4,
	KIND_UNION = 5,
	KIND_ENUM = 6,
	KIND_TYPEDEF = 8,
	KIND_VOLATILE = 9,
	KIND_CONST = 10,
	KIND_RESTRICT = 11,
	KIND_TYPE_TAG = 18,
	KIND_ENUM64 = 19,
	KINDS = 20,
};

/* What a kind has behind its first words: some bytes, and some for each element. */
static const struct {
	uint8_t fixed, each;
} kind_bytes[KINDS] = {
	[KIND_INT] = { 4, 0 },     [KIND_ARRAY] = { 12, 0 }, [KIND_STRUCT] = { 0, 12 },
	[KIND_UNION] = { 0, 12 },  [KIND_ENUM] = { 0, 8 },   [13] = { 0, 8 }, /* function's type */
	[14] = { 4, 0 }, /* variable */
	[15] = { 0, 12 }, /* section */
	[17] = { 4, 0 }, /* tag of a declaration */
	[KIND_ENUM64] = { 0, 12 },
};

struct type {
	uint32_t name, elements, size; /* size, or another type */
	unsigned kind;
	bool flag;
	const unsigned char *more; /* behind these words */
};

static uint32_t load(const unsigned char *bytes, bool big_endian)
{
	if (big_endian)
		return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
		       (uint32_t)bytes[2] << 8 | bytes[3];
	return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 |
	       bytes[0];
}

static struct type decode(const unsigned char *bytes, bool big_endian)
{
	uint32_t info = load(bytes + 4, big_endian);

	return (struct type){
		.name = load(bytes, big_endian),
		.elements = info & 0xffff,
		.kind = info >> 24 & 0x1f,
		.flag = info >> 31,
		.size = load(bytes + 8, big_endian),
		.more = bytes + TYPE_BYTES,
	};
}

/* The type with this number. False: there is none. */
static bool get(const struct pw_btf *btf, uint32_t number, struct type *type)
{
	if (number == 0 || number >= btf->count)
		return false;
	*type = decode(btf->types + btf->at[number], btf->big_endian);
	return true;
}

static bool is_named(const struct pw_btf *btf, uint32_t at, const char *name)
{
	return at < btf->string_bytes && strcmp((const char *)btf->strings + at, name) == 0;
}

/* ---- the whole ---- */

/* The parts' places, behind the header. False: it is not a header. */
static bool read_header(const unsigned char bytes[PW_BTF_HEADER], struct pw_btf *btf,
			uint64_t part[4], uint32_t *header_ret)
{
	btf->big_endian = bytes[0] == MAGIC >> 8;
	if (bytes[btf->big_endian ? 0 : 1] != MAGIC >> 8 ||
	    bytes[btf->big_endian ? 1 : 0] != (MAGIC & 0xff) || bytes[2] != VERSION)
		return false;
	*header_ret = load(bytes + 4, btf->big_endian);
	for (unsigned i = 0; i < 4; i++)
		part[i] = load(bytes + 8 + (size_t)4 * i, btf->big_endian);
	return *header_ret >= PW_BTF_HEADER && *header_ret <= 4096 && part[1] > 0 && part[3] > 0;
}

uint32_t pw_btf_length(const unsigned char bytes[PW_BTF_HEADER])
{
	struct pw_btf btf;
	uint64_t part[4], end, strings;
	uint32_t header;

	if (!read_header(bytes, &btf, part, &header))
		return 0;
	end = part[0] + part[1];
	strings = part[2] + part[3];
	end = header + (end > strings ? end : strings);
	return end <= PW_BTF_MAX ? (uint32_t)end : 0;
}

/* Goes over all types; stores where they begin, unless btf->at is NULL. Returns how many, with void; 0: wrong. */
static uint32_t go_over(struct pw_btf *btf)
{
	uint32_t at = 0, count = 1;

	while (at < btf->type_bytes) {
		struct type type;
		uint64_t bytes = TYPE_BYTES;

		if (btf->type_bytes - at < TYPE_BYTES)
			return 0;
		type = decode(btf->types + at, btf->big_endian);
		if (type.kind == 0 || type.kind >= KINDS)
			return 0;
		bytes += kind_bytes[type.kind].fixed +
			 (uint64_t)kind_bytes[type.kind].each * type.elements;
		if (bytes > btf->type_bytes - at)
			return 0;
		if (btf->at)
			btf->at[count] = at;
		count++;
		at += (uint32_t)bytes;
	}
	return count;
}

int pw_btf_open(const unsigned char *bytes, size_t length, struct pw_btf *btf)
{
	uint64_t part[4];
	uint32_t header;

	*btf = (struct pw_btf){ 0 };
	if (length < PW_BTF_HEADER || !read_header(bytes, btf, part, &header) ||
	    pw_btf_length(bytes) == 0 || pw_btf_length(bytes) > length)
		return -EINVAL;
	btf->types = bytes + header + (size_t)part[0];
	btf->type_bytes = (uint32_t)part[1];
	btf->strings = bytes + header + (size_t)part[2];
	btf->string_bytes = (uint32_t)part[3];
	if (btf->strings[0] != '\0' || btf->strings[btf->string_bytes - 1] != '\0')
		return -EINVAL;
	btf->count = go_over(btf);
	if (btf->count == 0)
		return -EINVAL;
	btf->at = calloc(btf->count, sizeof(*btf->at));
	if (!btf->at)
		return -ENOMEM;
	(void)go_over(btf);
	return 0;
}

void pw_btf_close(struct pw_btf *btf)
{
	free(btf->at);
	btf->at = NULL;
	btf->count = 0;
}

/* ---- one type ---- */

/* Follows typedef, const and the like. False: too many of them, or it leads nowhere. */
static bool resolve(const struct pw_btf *btf, uint32_t number, struct type *type)
{
	for (unsigned i = 0; i < CHAIN_MAX && get(btf, number, type); i++) {
		if (type->kind != KIND_TYPEDEF && type->kind != KIND_VOLATILE &&
		    type->kind != KIND_CONST && type->kind != KIND_RESTRICT &&
		    type->kind != KIND_TYPE_TAG)
			return true;
		number = type->size;
	}
	return false;
}

uint32_t pw_btf_structure(const struct pw_btf *btf, const char *name)
{
	for (uint32_t i = 1; i < btf->count; i++) {
		struct type type;

		if (get(btf, i, &type) && type.kind == KIND_STRUCT && type.elements > 0 &&
		    is_named(btf, type.name, name))
			return i;
	}
	return 0;
}

/* Searches one structure, then the unnamed ones in it. @base: where it is in the outermost one. */
static bool search(const struct pw_btf *btf, uint32_t number, uint64_t base, unsigned depth,
		   unsigned *left, const char *name, struct pw_btf_member *member)
{
	struct type type;

	if (depth == DEPTH_MAX || !resolve(btf, number, &type) ||
	    (type.kind != KIND_STRUCT && type.kind != KIND_UNION))
		return false;
	for (uint32_t i = 0; i<type.elements && * left> 0; i++) {
		const unsigned char *at = type.more + (size_t)MEMBER_BYTES * i;
		uint32_t own = load(at, btf->big_endian), below = load(at + 4, btf->big_endian);
		uint32_t bits = load(at + 8, btf->big_endian);
		uint32_t width = type.flag ? bits >> 24 : 0;
		uint64_t offset;

		--*left;
		if (type.flag)
			bits &= 0xffffff;
		offset = base + bits / 8;
		if (width > 0 || bits % 8 || offset > INT32_MAX)
			continue;
		if (own == 0 && search(btf, below, offset, depth + 1, left, name, member))
			return true;
		if (own == 0 || !is_named(btf, own, name))
			continue;
		*member = (struct pw_btf_member){ (uint32_t)offset, below };
		return true;
	}
	return false;
}

bool pw_btf_member(const struct pw_btf *btf, uint32_t type, const char *name,
		   struct pw_btf_member *member)
{
	unsigned left = MEMBERS_MAX;

	return search(btf, type, 0, 0, &left, name, member);
}

uint32_t pw_btf_size(const struct pw_btf *btf, uint32_t type)
{
	uint64_t times = 1;
	struct type found;

	for (unsigned i = 0; i < DEPTH_MAX && resolve(btf, type, &found); i++) {
		if (found.kind == KIND_INT || found.kind == KIND_STRUCT ||
		    found.kind == KIND_UNION || found.kind == KIND_ENUM ||
		    found.kind == KIND_ENUM64)
			return times * found.size <= INT32_MAX ? (uint32_t)(times * found.size) : 0;
		if (found.kind != KIND_ARRAY)
			return 0;
		type = load(found.more, btf->big_endian);
		times *= load(found.more + 8, btf->big_endian);
		if (times > INT32_MAX)
			return 0;
	}
	return 0;
}
