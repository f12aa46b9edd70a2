/* SPDX-License-Identifier: MIT */
/*
 * From a memory image to a physical address: translate SOURCE VA
 *
 *   translate sample:s390x 0x1000000
 */
#include <stdio.h>
#include <stdlib.h>

#include <pagewalk/pagewalk.h>

int main(int argc, char **argv)
{
	struct pw_memory *memory;
	const struct pw_cpu *cpu;
	struct pw_regime regime;
	struct pw_result result;
	struct pw_error error;
	char prot[5];

	if (argc != 3) {
		fprintf(stderr, "usage: translate SOURCE VA\n");
		return 2;
	}
	if (pw_memory_open(argv[1], &memory, &error)) {
		fprintf(stderr, "translate: %s\n", error.text);
		return 2;
	}
	/* Finds the first CPU whose root words are known. */
	for (size_t n = pw_memory_cpus(memory, &cpu);; cpu++, n--) {
		if (n == 0) {
			fprintf(stderr, "translate: %s does not say where its tables are\n",
				argv[1]);
			return 2;
		}
		if (cpu->roots > 0)
			break;
	}
	if (pw_regime_init(&regime, pw_format_find(cpu->format), cpu->root, cpu->roots, NULL,
			   &error)) {
		fprintf(stderr, "translate: %s\n", error.text);
		return 2;
	}
	if (pw_translate(memory, &regime, strtoull(argv[2], NULL, 0), &result) == PW_OK)
		printf("0x%llx -> 0x%llx, %s page of %llu bytes\n", (unsigned long long)result.va,
		       (unsigned long long)result.pa, pw_prot_string(result.attr, prot),
		       (unsigned long long)pw_result_size(&result));
	else
		printf("0x%llx: %s, at level %s, entry 0x%llx\n", (unsigned long long)result.va,
		       pw_status_name(result.status), pw_level_name(regime.format, result.level),
		       (unsigned long long)result.entry);
	pw_memory_close(memory);
	return result.status == PW_OK ? 0 : 1;
}
