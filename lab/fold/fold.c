/* SPDX-License-Identifier: MIT */
/* Runs a strategy under observation and compares the pages that it found with the oracle. */
#include "lab/fold/fold.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "lab/fold/observe.h"
#include "lab/fold/strategy.h"

static const struct {
	const char *name, *title;
	fold_observed_fn *walk;
} strategies[FOLD_STRATEGIES] = {
	[FOLD_A] = { "a", "static ends, pointers made from stack copies (5.2 to 5.8)",
		     fold_observed_a },
	[FOLD_B] = { "b", "as a, with separate folded-end helpers in the fast walk",
		     fold_observed_b },
	[FOLD_C] = { "c", "every end is given the entry; iteration moves to the top",
		     fold_observed_c },
	[FOLD_D] = { "d", "pointer and value passed together (5.9; arm64: 2024)", fold_observed_d },
	[FOLD_E] = { "e", "pagewalk's own walker, which visits no folded level", fold_observed_e },
	[FOLD_D2020] = { "d2020", "d as of 2020, a copy at every statically folded level",
			 fold_observed_d2020 },
};

const char *fold_strategy_name(enum fold_strategy strategy)
{
	return strategies[strategy].name;
}

const char *fold_strategy_title(enum fold_strategy strategy)
{
	return strategies[strategy].title;
}

const char *fold_level_name(unsigned level)
{
	static const char *const name[FOLD_LEVELS] = { "pte", "pmd", "pud", "p4d", "pgd" };

	return name[level];
}

char *fold_place_text(const struct fold_input *input, const struct fold_place *place, char text[96])
{
	const char *level = pw_level_name(input->format, place->level);

	if (place->where == FOLD_IN_TABLE)
		snprintf(text, 96, "%s table 0x%llx[%u]", level, (unsigned long long)place->table,
			 place->index);
	else if (place->where == FOLD_STRAY)
		snprintf(text, 96, "stack page of the copy of %s [%u]",
			 fold_level_name(place->copy), place->index);
	else if (place->index == 0)
		snprintf(text, 96, "stack copy of %s (entry %u)", fold_level_name(place->copy),
			 place->source);
	else
		snprintf(text, 96, "stack, %u word%s beside the copy of %s", place->index,
			 place->index > 1 ? "s" : "", fold_level_name(place->copy));
	return text;
}

unsigned fold_turn_crop(const struct fold_input *input, const struct fold_result *result,
			const struct fold_turn *turn)
{
	const struct fold_config c = { input->format, input->style, true };
	bool by_value = result->strategy == FOLD_C ||
			(result->strategy == FOLD_B && result->walk == FOLD_FAST);

	if (result->strategy == FOLD_E)
		return input->format->shift[turn->level];
	if (by_value && input->style->how == FOLD_VALUE)
		return input->style->crop[fold_real(&c, turn->level, turn->value)];
	return input->style->crop[turn->level];
}

/* Asks the oracle about every page, then counts the pages that the walk missed. */
static void judge(const struct fold_input *input, struct fold_result *result)
{
	const struct fold_oracle *oracle = input->oracle;
	uint64_t base = UINT64_C(1) << input->format->shift[0];
	pw_va expected = result->first;
	pw_pa ignored;

	result->right = true;
	for (size_t i = 0; i < result->pages; i++) {
		struct fold_page *page = &result->page[i];

		page->expected = oracle->page(oracle, page->va, &page->expected_pa);
		page->mapped = page->expected && page->pa == page->expected_pa;
		page->mapped_at = page->va;
		if (page->mapped)
			continue;
		result->right = false;
		page->mapped = oracle->address(oracle, page->pa, &page->mapped_at);
	}
	/* Checks between the pages found, and behind them up to a point where the walk may stop. */
	for (size_t i = 0; i <= result->pages; i++) {
		const struct fold_page *page = i < result->pages ? &result->page[i] : NULL;
		pw_va end = page ? page->va : result->last + 1;

		if (!page && result->stopped)
			break;
		for (; expected != end; expected += base)
			result->missing += oracle->page(oracle, expected, &ignored);
		if (page)
			expected = page->va + page->length;
	}
	if (result->stopped)
		result->missing += oracle->page(oracle, result->stopped_at, &ignored);
	if (input->walk == FOLD_PAGEWALK && result->missing)
		result->right = false;
}

/* The level whose loop took more than one turn, if any: the highest. */
static int iterating_level(const struct fold_result *result)
{
	int level = -1;

	for (size_t i = 0; i < result->turns; i++)
		if (result->turn[i].iteration > 0 && result->turn[i].level > 0 &&
		    result->turn[i].level > level)
			level = result->turn[i].level;
	return level;
}

static const struct fold_turn *first_departure(const struct fold_result *result)
{
	for (size_t i = 0; i < result->turns; i++)
		if (result->turn[i].departed)
			return &result->turn[i];
	return NULL;
}

static const struct fold_page *first_wrong_page(const struct fold_result *result)
{
	for (size_t i = 0; i < result->pages; i++)
		if (!result->page[i].mapped || result->page[i].mapped_at != result->page[i].va)
			return &result->page[i];
	return NULL;
}

static void verdict(const struct fold_input *input, struct fold_result *result)
{
	const struct fold_turn *departure = first_departure(result);
	const struct fold_page *wrong = first_wrong_page(result);
	int level = iterating_level(result);
	char place[96], where[40] = "no table maps";

	if (wrong) {
		if (wrong->mapped)
			snprintf(where, sizeof(where), "is mapped at 0x%llx",
				 (unsigned long long)wrong->mapped_at);
		snprintf(result->verdict, sizeof(result->verdict),
			 "WRONG: for 0x%llx it takes the page that %s, and reports nothing%s%s.",
			 (unsigned long long)wrong->va, where, departure ? ". It read the " : "",
			 departure ? fold_place_text(input, &departure->place, place) : "");
		return;
	}
	if (departure) {
		snprintf(result->verdict, sizeof(result->verdict),
			 "Right by luck: at 0x%llx it read the %s, %s.",
			 (unsigned long long)departure->first,
			 fold_place_text(input, &departure->place, place),
			 result->stopped ? "saw a hole there and gave up"
					 : "and found the right entry by chance");
		return;
	}
	if (result->missing) {
		snprintf(result->verdict, sizeof(result->verdict),
			 "Incomplete: it missed %llu page%s of the range.",
			 (unsigned long long)result->missing, result->missing > 1 ? "s" : "");
		return;
	}
	if (result->stopped) {
		snprintf(result->verdict, sizeof(result->verdict),
			 "Right: up to the hole at 0x%llx the oracle has the same pages.",
			 (unsigned long long)result->stopped_at);
		return;
	}
	if (level < 0)
		snprintf(result->verdict, sizeof(result->verdict),
			 "Right: the oracle has the same pages. No loop above the pte takes a "
			 "second turn.");
	else
		snprintf(result->verdict, sizeof(result->verdict),
			 "Right: the oracle has the same pages. Of the loops above the pte, %s is "
			 "the topmost that iterates.",
			 fold_level_name((unsigned)level));
}

/* Checks the range and finds the span that covers it. */
static int locate(const struct fold_input *input, struct fold_observer *observer,
		  struct pw_error *error)
{
	uint64_t offset = pw_mask(input->format->shift[0]);
	const uint64_t longest = UINT64_C(1) << 20;
	uint64_t root[PW_MAX_ROOTS];
	int status;

	if (!input->style)
		return pw_fail(
			error, EINVAL,
			"%s has no levels that Linux folds, so there is nothing to compare; choose "
			"another format",
			input->format->name);
	for (unsigned i = 0; i < input->roots && i < PW_MAX_ROOTS; i++)
		root[i] = __atomic_load_n(&input->root[i], __ATOMIC_RELAXED);
	status = pw_regime_init(&observer->regime, input->format, root, input->roots,
				&input->options, error);
	if (status)
		return status;
	if (input->first > input->last || (input->first & offset) ||
	    (input->last & offset) != offset)
		return pw_fail(error, EINVAL,
			       "0x%llx-0x%llx does not consist of whole pages of 0x%llx bytes",
			       (unsigned long long)input->first, (unsigned long long)input->last,
			       (unsigned long long)offset + 1);
	if ((input->last - input->first) >> input->format->shift[0] >= longest)
		return pw_fail(error, EINVAL,
			       "0x%llx-0x%llx has more than %llu pages, too many to write down "
			       "every turn; give a shorter range",
			       (unsigned long long)input->first, (unsigned long long)input->last,
			       (unsigned long long)longest);
	observer->span = pw_span_find(&observer->regime, input->first);
	if (!observer->span || input->last > observer->span->last)
		return pw_fail(error, EINVAL,
			       "no single root covers 0x%llx-0x%llx: with these tables, "
			       "addresses go from 0x%llx to 0x%llx",
			       (unsigned long long)input->first, (unsigned long long)input->last,
			       (unsigned long long)observer->regime.span[0].first,
			       (unsigned long long)observer->regime.span[0].last);
	if (input->style->how != FOLD_VALUE && observer->span->top != input->style->top)
		return pw_fail(error, EINVAL,
			       "this root leads to a %s table, but a %s kernel %s begins with a %s "
			       "table; choose another --style or format",
			       pw_level_name(input->format, observer->span->top),
			       input->format->name, input->style->built,
			       pw_level_name(input->format, input->style->top));
	return 0;
}

int fold_run(const struct fold_input *input, enum fold_strategy strategy,
	     struct fold_result **result_ret, struct pw_error *error)
{
	const struct fold_config config = { input->format, input->style, true };
	struct fold_observer observer;
	struct fold_result *result = calloc(1, sizeof(*result));
	struct fold_walk walk;
	int status;

	if (!result)
		return pw_fail(error, ENOMEM, "no memory for the result of a walk");
	fold_observer_init(&observer, input, &config, result);
	status = locate(input, &observer, error);
	if (status) {
		fold_result_destroy(result);
		return status;
	}
	result->strategy = strategy;
	result->walk = input->walk;
	result->style = input->style;
	result->top = observer.span->top;
	result->first = input->first;
	result->last = input->last;
	walk = (struct fold_walk){
		.regime = &observer.regime,
		.root = observer.span->table,
		.observer = &observer,
	};
	result->stopped = !strategies[strategy].walk(&config, &walk, input->walk, input->first,
						     input->last + 1);
	fold_observer_end(&observer);
	if (observer.no_memory) {
		fold_result_destroy(result);
		return pw_fail(error, ENOMEM, "no memory to write down so many turns");
	}
	if (result->stopped)
		result->stopped_at = result->turn[result->turns - 1].first;
	judge(input, result);
	verdict(input, result);
	*result_ret = result;
	return 0;
}

void fold_result_destroy(struct fold_result *result)
{
	if (!result)
		return;
	free(result->turn);
	free(result->page);
	free(result);
}
