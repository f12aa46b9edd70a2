/* SPDX-License-Identifier: MIT */
/* Asks a machine in each way, and makes machines of every format. */
#include "machine.h"

enum pw_status machine_translate(struct machine *machine, enum way way, pw_va va,
				 struct pw_result *result, struct pw_trace *trace)
{
	const struct pw_memory *memory = way == IN_PLACE ? machine->direct : machine->fetched;
	const struct pw_instance *instance = machine->regime.format->instance;
	struct pw_called hooked = pw_called_hooked(&machine->hook);

	if (way == HOOKED) {
		if (!trace)
			return instance->called.translate(&hooked, &machine->regime, va, result);
		trace->steps = 0;
		return instance->trace(&hooked, &machine->regime, va, result, trace);
	}
	if (trace)
		return pw_translate_trace(memory, &machine->regime, va, result, trace);
	return pw_translate(memory, &machine->regime, va, result);
}

int machine_walk(struct machine *machine, enum way way, pw_va first, pw_va last,
		 const struct pw_walk_ops *ops, void *private_data)
{
	struct pw_walk walk = { .ops = ops,
				.regime = &machine->regime,
				.private_data = private_data };

	struct pw_called hooked = pw_called_hooked(&machine->hook);

	if (way == HOOKED)
		return machine->regime.format->instance->called.walk(&hooked, &walk, first, last);
	return pw_walk_range(way == IN_PLACE ? machine->direct : machine->fetched, &machine->regime,
			     first, last, ops, private_data);
}

void assert_result(const struct machine *machine, const char *what, const struct pw_result *result,
		   const struct pw_result *expected)
{
	if (result->va == expected->va && result->pa == expected->pa &&
	    result->entry == expected->entry && result->attr == expected->attr &&
	    result->status == expected->status && result->level == expected->level &&
	    result->size_lg2 == expected->size_lg2 && result->memtype == expected->memtype)
		return;
	fail_msg("%s, %s view, kernel 0x%x, top %u: %s of 0x%llx: pa 0x%llx entry 0x%llx attr 0x%x "
		 "%s level %u size 2^%u memory %u, expected pa 0x%llx entry 0x%llx attr 0x%x %s "
		 "level %u size 2^%u memory %u",
		 machine->format->name, machine->regime.view ? "Linux" : "hardware",
		 machine->regime.kernel, machine->regime.span[0].top, what,
		 (unsigned long long)expected->va, (unsigned long long)result->pa,
		 (unsigned long long)result->entry, result->attr,
		 pw_status_name((enum pw_status)result->status), result->level, result->size_lg2,
		 result->memtype, (unsigned long long)expected->pa,
		 (unsigned long long)expected->entry, expected->attr,
		 pw_status_name((enum pw_status)expected->status), expected->level,
		 expected->size_lg2, expected->memtype);
}

void for_all_machines(machine_test *test, unsigned rounds)
{
	static const struct pw_regime_options options[] = {
		{ .view = PW_VIEW_HARDWARE },
		{ .view = PW_VIEW_LINUX },
		{ .view = PW_VIEW_LINUX, .kernel = 0x0700 },
	};
	unsigned machines = 0;

	for (size_t i = 0; pw_format_at(i); i++) {
		const struct pw_format *format = pw_format_at(i);

		assert_non_null(format->make_leaf);
		for (unsigned top = 0; top < format->levels; top++) {
			if (!format->dynamic_top && top + 1u < format->levels)
				continue;
			for (unsigned n = 0; n < 3u * rounds; n++) {
				struct machine machine;
				unsigned roots = n % 2 && format->max_roots > 1 ? 2 : 1;

				if (!machine_init(&machine, format, &options[n % 3], top, roots,
						  random_seed(format->name, top * 100 + n)))
					continue;
				machines++;
				test(&machine);
				machine_deinit(&machine);
			}
		}
	}
	assert_true(machines >= 90 * rounds);
}
