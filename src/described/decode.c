/* SPDX-License-Identifier: MIT */
/* Decodes entries and root words of a format described by data: tries its rules in order. */
#include "described/described.h"

static uint64_t bits_of(uint64_t word, unsigned high, unsigned low)
{
	unsigned width = high - low + 1;

	word >>= low;
	return width < 64 ? word & ((UINT64_C(1) << width) - 1) : word;
}

static uint64_t ones(unsigned count)
{
	return count < 64 ? (UINT64_C(1) << count) - 1 : ~UINT64_C(0);
}

static bool holds(const struct pw_conditions *when, const struct pw_regime *regime, uint64_t entry)
{
	for (unsigned i = 0; i < when->count; i++) {
		const struct pw_condition *condition = &when->condition[i];
		uint64_t word = entry;
		bool inside;

		switch ((enum pw_subject)condition->subject) {
		case PW_SUBJECT_ENTRY:
			break;
		case PW_SUBJECT_ROOT0:
			word = regime->root[0];
			break;
		case PW_SUBJECT_ROOT1:
			word = regime->root[1];
			break;
		case PW_SUBJECT_ROOTS:
			word = regime->roots;
			break;
		case PW_SUBJECT_VIEW:
			word = regime->view;
			break;
		case PW_SUBJECT_KERNEL:
			word = regime->kernel;
			break;
		case PW_SUBJECT_CONFIG:
			word = regime->config;
			break;
		case PW_SUBJECT_CR4:
			word = regime->registers.cr4;
			break;
		case PW_SUBJECT_TCR:
			word = regime->registers.tcr;
			break;
		case PW_SUBJECT_KNOWN:
			word = regime->registers.known;
			break;
		}
		word = bits_of(word, condition->high, condition->low);
		inside = word >= condition->first && word <= condition->last;
		if (inside == condition->negated)
			return false;
	}
	return true;
}

/* Puts an address together from the fields of a word. @mask has the bits that may belong to an address. */
static pw_pa address_of(const struct pw_address *address, uint64_t word, uint64_t mask)
{
	pw_pa pa = 0;
	unsigned end = 0;

	for (unsigned i = 0; i < address->count; i++) {
		const struct pw_field *field = &address->field[i];
		uint64_t bits = (field->inverted ? ~word : word) & mask;
		unsigned after = field->at + (field->high - field->low + 1u);

		pa |= bits_of(bits, field->high, field->low) << field->at;
		end = after > end ? after : end;
	}
	return (pa - address->minus) & ones(end);
}

/* log2 of a size that is written as ones below a zero: low + 1, and one more for each of these ones. */
static unsigned size_of_ones(const struct pw_field *field, uint64_t word)
{
	unsigned lg2 = field->low + 1u;

	for (unsigned bit = field->low; bit <= field->high && (word >> bit & 1); bit++)
		lg2++;
	return lg2;
}

/* The bits of a word that may belong to an address. The regime's mask is about bits 51:12 alone. */
static uint64_t address_mask(const struct pw_description *d, const struct pw_regime *regime)
{
	return d->encryption ? regime->address_mask | ~UINT64_C(0x000ffffffffff000) : ~UINT64_C(0);
}

/* The type of one attribute of MAIR: DDI0487, MAIR_EL1. */
static enum pw_memtype mair_type(uint64_t attribute)
{
	uint64_t outer = bits_of(attribute, 7, 4), inner = bits_of(attribute, 3, 0);

	if (attribute == 0xf0)
		return PW_MEM_NORMAL;
	if (attribute < 16)
		return PW_MEM_DEVICE;
	if (outer == 4 || inner == 4)
		return PW_MEM_WRITE_COMBINING;
	if (bits_of(attribute, 6, 6) && bits_of(attribute, 2, 2))
		return PW_MEM_NORMAL;
	return PW_MEM_WRITE_THROUGH;
}

/* The type of one entry of the PAT: SDM volume 3, table 12-10. */
static enum pw_memtype pat_type(uint64_t entry)
{
	switch (bits_of(entry, 2, 0)) {
	case 0:
	case 7:
		return PW_MEM_UNCACHED;
	case 1:
		return PW_MEM_WRITE_COMBINING;
	case 4:
		return PW_MEM_WRITE_THROUGH;
	case 5:
		return PW_MEM_WRITE_PROTECTED;
	case 6:
		return PW_MEM_NORMAL;
	default:
		return PW_MEM_INDEXED;
	}
}

/* Adds the memory type that a register has at the entry's index. False if the register is not known. */
static bool type_of_index(const struct pw_trait *trait, const struct pw_registers *registers,
			  uint64_t entry, uint32_t *attr)
{
	bool mair = trait->use == PW_TRAIT_MAIR;
	unsigned index = (unsigned)(address_of(&trait->index, entry, ~UINT64_C(0)) & 7);
	unsigned bit = 8 * index;
	uint64_t word = mair ? registers->mair : registers->pat;

	if (trait->use == PW_TRAIT_INDEX) {
		*attr |= (PW_MEM_INDEX_0 + index) << PW_MEMTYPE_SHIFT;
		return true;
	}
	if (!(registers->known & (mair ? PW_REGISTER_MAIR : PW_REGISTER_PAT)))
		return false;
	word = bits_of(word, bit + 7, bit);
	*attr |= (uint32_t)(mair ? mair_type(word) : pat_type(word)) << PW_MEMTYPE_SHIFT;
	return true;
}

/* Applies the traits of a level to an entry that maps a page. False: the page has an impossible size. */
static bool decode_page(const struct pw_description *d, const struct pw_regime *regime,
			unsigned level, unsigned shift, uint64_t entry, uint64_t mask,
			struct pw_meaning *meaning)
{
	const struct pw_described_level *described = &d->level[level];
	bool sized = false, typed = false;

	meaning->size_lg2 = shift;
	for (unsigned i = 0; i < described->traits; i++) {
		const struct pw_trait *trait = &described->trait[i];
		unsigned lg2;

		if (!holds(&trait->when, regime, entry))
			continue;
		switch ((enum pw_trait_use)trait->use) {
		case PW_TRAIT_HAS:
			meaning->attr |= trait->value;
			break;
		case PW_TRAIT_DENY:
			break;
		case PW_TRAIT_MEMORY:
			if (!typed)
				meaning->attr |= trait->value << PW_MEMTYPE_SHIFT;
			typed = true;
			break;
		case PW_TRAIT_MAIR:
		case PW_TRAIT_PAT:
		case PW_TRAIT_INDEX:
			if (!typed)
				typed = type_of_index(trait, &regime->registers, entry,
						      &meaning->attr);
			break;
		case PW_TRAIT_SIZE:
			if (!sized && trait->value > shift)
				meaning->size_lg2 = trait->value;
			sized = true;
			break;
		case PW_TRAIT_ONES:
			if (sized)
				break;
			sized = true;
			lg2 = size_of_ones(&trait->ones, entry & mask);
			if (lg2 < shift || lg2 >= shift + d->format.bits[level] ||
			    lg2 > trait->ones.high + 1u)
				return false;
			meaning->size_lg2 = lg2;
			break;
		}
	}
	return true;
}

static void malformed(struct pw_meaning *meaning)
{
	*meaning = (struct pw_meaning){ .kind = PW_HOLE, .status = PW_MALFORMED };
}

static void decode_table(const struct pw_description *d, const struct pw_regime *regime,
			 unsigned level, uint64_t entry, const struct pw_rule *rule,
			 struct pw_meaning *meaning)
{
	unsigned above;
	const struct pw_described_level *described = &d->level[level];

	/* Entries are loaded whole, so a table is aligned at least like an entry. */
	meaning->address &= ~ones(d->format.entry_lg2);
	meaning->next = rule->next;
	meaning->next_bits = rule->next_bits ? rule->next_bits : d->format.bits[rule->next];
	if (rule->bits_from_entry)
		meaning->next_bits = (unsigned)bits_of(entry, rule->bits.high, rule->bits.low);
	/* Whatever its number of entries is, a table must split the range that its level covers. */
	above = d->format.shift[rule->next] + d->format.bits[rule->next];
	if (meaning->next_bits == 0 || meaning->next_bits > above - 3 || meaning->next_bits > 24) {
		malformed(meaning);
		return;
	}
	if (rule->has_length) {
		meaning->limited = true;
		meaning->parts_lg2 = rule->from.high - rule->from.low + 1u;
		meaning->from = (unsigned)bits_of(entry, rule->from.high, rule->from.low);
		meaning->upto = (unsigned)bits_of(entry, rule->upto.high, rule->upto.low);
	}
	for (unsigned i = 0; i < described->traits; i++)
		if (described->trait[i].use == PW_TRAIT_DENY &&
		    holds(&described->trait[i].when, regime, entry))
			meaning->denied |= described->trait[i].value;
}

void pw_described_decode(const struct pw_description *d, const struct pw_regime *regime,
			 unsigned level, unsigned shift, uint64_t entry, struct pw_meaning *meaning)
{
	const struct pw_described_level *described = &d->level[level];
	const struct pw_rule *rule = described->rule;
	const uint64_t mask = address_mask(d, regime);

	/* This ends: the loader checks that the last rule has no conditions. */
	while (!holds(&rule->when, regime, entry))
		rule++;
	*meaning = (struct pw_meaning){
		.kind = rule->kind,
		.status = rule->status,
		.address = address_of(&rule->address, entry, mask),
	};
	if (rule->kind == PW_TABLE) {
		decode_table(d, regime, level, entry, rule, meaning);
		return;
	}
	if (rule->kind == PW_HOLE && rule->status != PW_PROT_NONE)
		return;
	if (!decode_page(d, regime, level, shift, entry, mask, meaning)) {
		malformed(meaning);
		return;
	}
	meaning->address &= ~ones(meaning->size_lg2);
	if (rule->kind == PW_HOLE)
		meaning->attr = 0;
}

int pw_described_root(struct pw_regime *regime, const uint64_t *word, unsigned count,
		      struct pw_error *error)
{
	const struct pw_description *d = pw_described(regime->format);

	for (unsigned i = 0; i < d->refusals; i++)
		if (holds(&d->refusal[i].when, regime, word[0]))
			return pw_fail(error, EINVAL, "0x%llx cannot be a root of %s: %s",
				       (unsigned long long)word[0], d->name, d->refusal[i].reason);
	regime->spans = 0;
	for (unsigned i = 0; i < d->spans; i++) {
		const struct pw_described_span *described = &d->span[i];
		struct pw_span *span = &regime->span[regime->spans];
		uint64_t root;

		if (described->word >= count)
			continue;
		root = word[described->word];
		if (!holds(&described->when, regime, root))
			continue;
		if (regime->spans == PW_MAX_ROOTS)
			return pw_fail(error, EINVAL,
				       "the description of %s gives root 0x%llx more than two "
				       "spans; put conditions on its span lines",
				       d->name, (unsigned long long)root);
		*span = (struct pw_span){
			.first = described->first,
			.last = described->last,
			.table = address_of(&described->address, root, address_mask(d, regime)) &
				 ~ones(d->format.entry_lg2),
			.top_last = (uint32_t)ones(described->bits),
			.top = described->top,
			.top_bits = described->bits,
			.root = described->word,
			/* The first span cannot be an alias: there is none before it. */
			.alias = described->alias && regime->spans > 0,
		};
		if (described->has_length) {
			const struct pw_field *field = &described->length;
			unsigned parts_lg2 = field->high - field->low + 1u;
			uint64_t parts = bits_of(root, field->high, field->low) + 1;

			span->top_last = (uint32_t)(parts << (described->bits - parts_lg2)) - 1;
		}
		regime->spans++;
	}
	if (regime->spans == 0)
		return pw_fail(error, EINVAL,
			       "no span line in the description of %s fits root 0x%llx", d->name,
			       (unsigned long long)word[0]);
	if (regime->spans == 2 && regime->span[0].last >= regime->span[1].first)
		return pw_fail(error, EINVAL,
			       "the description of %s gives root 0x%llx spans that overlap or are "
			       "not in the order of their addresses",
			       d->name, (unsigned long long)word[0]);
	return 0;
}
