/* SPDX-License-Identifier: MIT */
/* Totals of a map. */
#include "summary.h"

#include "base/escape.h"

/* All of 2^64 bytes do not fit: their number stays one too low. */
static void add(uint64_t *sum, uint64_t bytes)
{
	if (__builtin_add_overflow(*sum, bytes, sum))
		*sum = UINT64_MAX;
}

void summary_add(struct summary *summary, const struct pw_range *range)
{
	uint64_t bytes = range->last - range->first;
	bool writable = range->attr & (PW_WRITE | PW_DBM);

	bytes += bytes != UINT64_MAX;
	if (range->status == PW_SHARED)
		add(&summary->shared, bytes);
	if (range->status == PW_PROT_NONE)
		add(&summary->no_access, bytes);
	if (range->status != PW_OK)
		return;
	summary->ranges++;
	add(&summary->mapped, bytes);
	add(range->attr & PW_USER ? &summary->user : &summary->kernel, bytes);
	if (writable && (range->attr & PW_EXEC))
		add(&summary->both, bytes);
	add(&summary->prot[range->attr & PW_PROT_MASK], bytes);
	add(&summary->size[range->size_lg2 & 63u], bytes);
}

static void print_bytes(const char *name, uint64_t bytes)
{
	char text[PRINT_TEXT];

	printf("  %-24s %9s\n", name, bytes ? pw_size_text(bytes - 1, text) : "0");
}

void summary_print(const struct summary *summary)
{
	char text[PRINT_TEXT], prot[5];

	printf("total, in %llu range%s\n", (unsigned long long)summary->ranges,
	       summary->ranges == 1 ? "" : "s");
	print_bytes("mapped", summary->mapped);
	print_bytes("user", summary->user);
	print_bytes("kernel only", summary->kernel);
	print_bytes("writable and executable", summary->both);
	if (summary->no_access)
		print_bytes("prot-none", summary->no_access);
	if (summary->shared)
		print_bytes("shared, not counted", summary->shared);
	printf("by permission\n");
	for (unsigned i = 0; i <= PW_PROT_MASK; i++)
		if (summary->prot[i])
			print_bytes(pw_prot_string(i, prot), summary->prot[i]);
	printf("by page size\n");
	for (unsigned i = 0; i < 64; i++)
		if (summary->size[i])
			print_bytes(pw_size_lg2_text(i, text), summary->size[i]);
}

/* "name":bytes */
static void json_bytes(const char *name, uint64_t bytes)
{
	if (bytes)
		pw_json_count(stdout, name, bytes - 1);
	else
		printf(",\"%s\":0", name);
}

void summary_print_json(const struct summary *summary)
{
	char prot[5];
	const char *comma = "";

	printf("{\"summary\":true,\"status\":\"ok\",\"ranges\":%llu",
	       (unsigned long long)summary->ranges);
	json_bytes("mapped", summary->mapped);
	json_bytes("user", summary->user);
	json_bytes("kernel", summary->kernel);
	json_bytes("writable_executable", summary->both);
	json_bytes("prot_none", summary->no_access);
	json_bytes("shared", summary->shared);
	printf(",\"by_prot\":[");
	for (unsigned i = 0; i <= PW_PROT_MASK; i++)
		if (summary->prot[i]) {
			printf("%s{\"length\":", comma);
			pw_escape_json_count(stdout, summary->prot[i] - 1);
			printf(",\"prot\":\"%s\"}", pw_prot_string(i, prot));
			comma = ",";
		}
	printf("],\"by_size\":[");
	comma = "";
	for (unsigned i = 0; i < 64; i++)
		if (summary->size[i]) {
			printf("%s{\"length\":", comma);
			pw_escape_json_count(stdout, summary->size[i] - 1);
			print_json_page_size(i);
			printf("}");
			comma = ",";
		}
	printf("]}\n");
}
