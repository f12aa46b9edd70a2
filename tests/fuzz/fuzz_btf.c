/* SPDX-License-Identifier: MIT */
/* BTF: the bytes as they are. Members that are asked for must be inside the structure's limits. */
#include <stdlib.h>
#include <string.h>

#include "roots/btf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "task_struct", "mm_struct", "list_head", "self" };
	static const char *const members[] = { "tasks", "tgid", "mm", "comm", "pgd", "next" };
	unsigned char *copy = malloc(size ? size : 1);
	struct pw_btf btf;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (pw_btf_open(copy, size, &btf) == 0) {
		if (btf.count > size / 12 + 1)
			abort();
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			uint32_t type = pw_btf_structure(&btf, names[i]);

			if (type >= btf.count || pw_btf_size(&btf, type) > INT32_MAX)
				abort();
			for (size_t k = 0; k < sizeof(members) / sizeof(members[0]); k++) {
				struct pw_btf_member member;

				if (pw_btf_member(&btf, type, members[k], &member) &&
				    (member.offset > INT32_MAX ||
				     pw_btf_size(&btf, member.type) > INT32_MAX))
					abort();
			}
		}
		pw_btf_close(&btf);
	}
	free(copy);
	return 0;
}
