/* SPDX-License-Identifier: MIT */
/*
 * One page that steps through the walk: the picture, and for each step the facts that a debugging reader
 * needs. The markup holds everything; page.js only highlights it. The page does not fetch anything, and
 * its own policy forbids that.
 */
#include <inttypes.h>
#include <string.h>

#include "view/page.h"
#include "view/svg.h"
#include "walk_page.inc"

/* ---- pieces ---- */

static void definition(FILE *stream, const char *term, const char *class, const char *text)
{
	fprintf(stream, "<dt>%s</dt><dd class=\"%s\">", term, class);
	pw_escape_xml(stream, text);
	fputs("</dd>\n", stream);
}

static void definition_hex(FILE *stream, const char *term, const char *class, uint64_t value)
{
	fprintf(stream, "<dt>%s</dt><dd class=\"m %s\">0x%" PRIx64 "</dd>\n", term, class, value);
}

/* ---- the bits of an entry ---- */

static void bits_row(FILE *stream, const struct pw_bits *bits, uint64_t entry)
{
	unsigned low = (unsigned)__builtin_ctzll(bits->mask);
	unsigned high = 63u - (unsigned)__builtin_clzll(bits->mask);
	uint64_t value = pw_bits_value(bits, entry);
	const char *name = NULL;

	for (unsigned i = 0; bits->values && bits->values[i]; i++)
		if (i == value)
			name = bits->values[i];
	fprintf(stream, "<tr class=\"%s\"><td class=\"num\">", value ? "set" : "zero");
	if (high == low)
		fprintf(stream, "%u", low);
	else
		fprintf(stream, "%u:%u", high, low);
	fputs("</td><td class=\"name\">", stream);
	pw_escape_xml(stream, bits->name);
	fputs("</td><td class=\"num m\">", stream);
	if (bits->show == PW_SHOW_ADDRESS)
		fprintf(stream, "0x%" PRIx64, value << low);
	else if (value < 10)
		fprintf(stream, "%" PRIu64, value);
	else
		fprintf(stream, "0x%" PRIx64, value);
	if (name) {
		fputs(" = ", stream);
		pw_escape_xml(stream, name);
	}
	fputs("</td><td>", stream);
	pw_escape_xml(stream, bits->meaning);
	fputs("</td></tr>\n", stream);
}

/* All fields of an entry, highest first. */
static void bits_table(FILE *stream, const struct pw_picture *picture,
		       const struct picture_step *step)
{
	const struct pw_bits *all, *list[64];
	unsigned count = 0;

	if (!step->read)
		return;
	all = pw_bits_find(&picture->regime, step->level, (enum pw_kind)step->kind,
			   (enum pw_status)step->status, step->entry);
	for (; all && count < 64; all = pw_bits_next(all))
		if (pw_bits_apply(all, &picture->regime))
			list[count++] = all;
	if (count == 0)
		return;
	for (unsigned i = 1; i < count; i++)
		for (unsigned j = i; j > 0 && list[j - 1]->mask < list[j]->mask; j--) {
			const struct pw_bits *other = list[j];

			list[j] = list[j - 1];
			list[j - 1] = other;
		}
	fputs("<div class=\"scroll\"><table><caption>The entry's bits</caption>"
	      "<thead><tr><th>bits</th><th>name</th><th>value</th><th>meaning</th></tr></thead>"
	      "<tbody>\n",
	      stream);
	for (unsigned i = 0; i < count; i++)
		bits_row(stream, list[i], step->entry);
	fputs("</tbody></table></div>\n", stream);
}

/* ---- steps ---- */

static void item_begin(FILE *stream, unsigned number, const char *what, const char *middle,
		       const char *leads_to)
{
	fprintf(stream,
		"<button type=\"button\" class=\"head\" aria-controls=\"detail-%u\">"
		"<span class=\"n\">%u</span><span class=\"what\">",
		number, number);
	pw_escape_xml(stream, what);
	fputs("</span><span class=\"m\">", stream);
	pw_escape_xml(stream, middle);
	fputs("</span><span class=\"lead-to\">", stream);
	pw_escape_xml(stream, leads_to);
	fprintf(stream, "</span></button>\n<div class=\"detail\" id=\"detail-%u\">\n", number);
}

static void root_item(FILE *stream, const struct pw_picture *picture)
{
	fputs("<li id=\"step-0\" data-kind=\"root\"", stream);
	pw_page_data(stream, "say", picture->root_text);
	fputs(">\n", stream);
	item_begin(stream, 0, "root", "", "");
	fputs("<dl>\n", stream);
	definition(stream, "root", "why", picture->root_text);
	definition(stream, "view", "view", pw_view_text(picture->regime.view));
	definition(stream, "format", "format", picture->regime.format->title);
	fputs("</dl>\n</div></li>\n", stream);
}

static void leads_to(const struct pw_picture *picture, const struct picture_step *step, char *text,
		     size_t bytes)
{
	char name[64], size[32], prot[5];

	if (step->kind == PW_TABLE)
		snprintf(
			text, bytes, "leads to the %s at 0x%" PRIx64,
			pw_table_name(picture->regime.format, step->level - 1u, name, sizeof(name)),
			step->next);
	else if (step->kind == PW_LEAF)
		snprintf(text, bytes, "maps the page of %s at 0x%" PRIx64 ", %s",
			 pw_size_lg2_text(step->size_lg2, size), step->next,
			 pw_prot_string(step->attr, prot));
	else
		snprintf(text, bytes, "maps nothing: %s, %s",
			 pw_status_name((enum pw_status)step->status),
			 pw_size_lg2_text(step->shift, size));
}

static void step_attributes(FILE *stream, const struct pw_picture *picture,
			    const struct picture_step *step, const char *words)
{
	char prot[5];

	pw_page_data(stream, "level", pw_level_name(picture->regime.format, step->level));
	pw_page_data(stream, "kind", pw_kind_text((enum pw_kind)step->kind));
	fprintf(stream, " data-index=\"%" PRIu32 "\" data-count=\"%" PRIu32 "\"", step->index,
		step->count);
	pw_page_data_hex(stream, "table", step->table);
	pw_page_data_hex(stream, "at", step->at);
	pw_page_data_hex(stream, "first", step->first);
	pw_page_data_hex(stream, "last", step->last);
	if (step->read) {
		pw_page_data_hex(stream, "entry", step->entry);
		pw_page_data(stream, "flags", words);
	}
	if (step->kind == PW_HOLE)
		pw_page_data(stream, "status", pw_status_name((enum pw_status)step->status));
	else
		pw_page_data(stream, "prot", pw_prot_string(step->attr, prot));
	if (step->kind != PW_HOLE || step->status == PW_PROT_NONE)
		pw_page_data_hex(stream, "next", step->next);
}

static void step_item(FILE *stream, const struct pw_picture *picture, unsigned i)
{
	const struct picture_step *step = &picture->step[i];
	const char *level = pw_level_name(picture->regime.format, step->level);
	char words[512], what[120], middle[80], to[200], say[512], range[80], table[64], prot[5];
	char reason[PW_PICTURE_TEXT];

	pw_step_words(picture, step, words, sizeof(words));
	leads_to(picture, step, to, sizeof(to));
	snprintf(what, sizeof(what), step->count > 1 ? "%s %" PRIu32 "-%" PRIu32 : "%s %" PRIu32,
		 level, step->index, step->index + step->count - 1);
	if (step->read)
		snprintf(middle, sizeof(middle), "0x%0*" PRIx64,
			 2 << picture->regime.format->entry_lg2, step->entry);
	else
		snprintf(middle, sizeof(middle), "not read");
	snprintf(say, sizeof(say), "%s, entry %s, %s", what, middle, to);
	snprintf(range, sizeof(range), "0x%" PRIx64 "-0x%" PRIx64, step->first, step->last);
	fprintf(stream, "<li id=\"step-%u\"", i + 1);
	step_attributes(stream, picture, step, words);
	pw_page_data(stream, "say", say);
	fputs(">\n", stream);
	item_begin(stream, i + 1, what, middle, to);
	fputs("<dl>\n", stream);
	pw_table_name(picture->regime.format, step->level, table, sizeof(table));
	fprintf(stream, "<dt>%s</dt><dd class=\"m\">at 0x%" PRIx64 "</dd>\n", table, step->table);
	definition_hex(stream, "entry stands at", "at", step->at);
	definition(stream, "covers", "m covers", range);
	if (step->count > 1) {
		snprintf(say, sizeof(say), "%" PRIu32 " entries that are alike%s", step->count,
			 step->kind != PW_LEAF ? ""
			 : step->scattered     ? ", their pages scattered"
					       : ", their pages contiguous");
		definition(stream, "entries", "count", say);
	}
	if (words[0])
		definition(stream, "flags", "m flags", words);
	definition(stream, "so it", "to", to);
	if (step->kind != PW_HOLE)
		definition(stream, step->kind == PW_TABLE ? "leaves below" : "permissions",
			   "m prot", pw_prot_string(step->attr, prot));
	pw_step_reason(picture, step, reason, sizeof(reason));
	if (step->kind == PW_HOLE)
		definition(stream, "why", "bad why", reason);
	fputs("</dl>\n", stream);
	bits_table(stream, picture, step);
	fputs("</div></li>\n", stream);
}

static void folded_list(FILE *stream, const struct pw_picture *picture)
{
	unsigned count = 0;

	for (unsigned i = 0; i < picture->fields; i++)
		if (picture->field[i].role == PICTURE_FOLDED) {
			fputs(count++ ? "" : "<ul class=\"folded\">\n", stream);
			fputs("<li><b>", stream);
			pw_escape_xml(stream, picture->field[i].name);
			fputs("</b>: folded, not visited: ", stream);
			pw_escape_xml(stream, picture->field[i].why);
			fputs("</li>\n", stream);
		}
	fputs(count ? "</ul>\n" : "", stream);
}

static void result_item(FILE *stream, const struct pw_picture *picture)
{
	const struct pw_result *result = &picture->result;
	bool found = pw_picture_found(picture);
	const char *status = pw_status_name((enum pw_status)result->status);
	unsigned number = picture->steps + 1;
	char prot[5];

	fprintf(stream, "<li id=\"step-%u\" data-kind=\"result\"", number);
	if (!picture->is_range) {
		pw_page_data_hex(stream, "va", result->va);
		pw_page_data(stream, "status", status);
		if (result->status == PW_OK || result->status == PW_PROT_NONE) {
			pw_page_data_hex(stream, "pa", result->pa);
			fprintf(stream, " data-size=\"%" PRIu64 "\"", pw_result_size(result));
		}
		if (found)
			pw_page_data(stream, "prot", pw_prot_string(result->attr, prot));
	} else {
		fprintf(stream, " data-leaves=\"%" PRIu64 "\" data-holes=\"%" PRIu64 "\"",
			picture->leaves, picture->holes);
	}
	pw_page_data(stream, "say", picture->reason);
	fputs(">\n", stream);
	item_begin(stream, number, "result", "", found ? "mapped" : "not mapped");
	fprintf(stream, "<p class=\"%s why\">", found ? "good" : "bad");
	pw_escape_xml(stream, picture->reason);
	fputs("</p>\n", stream);
	if (picture->permissions) {
		fputs("<div class=\"scroll\"><table><caption>Permissions, and who decided</caption>"
		      "<tbody>\n",
		      stream);
		for (unsigned i = 0; i < picture->permissions; i++) {
			const struct picture_permission *permission = &picture->permission[i];

			fprintf(stream, "<tr><th scope=\"row\">%s</th><td class=\"%s\">%s</td><td>",
				permission->name, permission->allowed ? "good" : "bad",
				permission->allowed ? "yes" : "no");
			pw_escape_xml(stream, permission->why);
			fputs("</td></tr>\n", stream);
		}
		fputs("</tbody></table></div>\n", stream);
	}
	folded_list(stream, picture);
	fputs("</div></li>\n", stream);
}

/* ---- the page ---- */

int pw_picture_html(const struct pw_picture *picture, FILE *stream)
{
	char title[200];

	if (!picture || !stream)
		return -EINVAL;
	pw_svg_title_text(picture, title, sizeof(title));
	pw_page_head(stream, title);
	pw_page_body(stream, title, "");
	pw_escape_xml_printf(stream, "%s, %s%s%s", picture->regime.format->title,
			     pw_view_text(picture->regime.view), picture->label ? ", from " : "",
			     picture->label ? picture->label : "");
	fprintf(stream,
		"</p>\n<div class=\"picture%s\" tabindex=\"0\" role=\"group\" "
		"aria-label=\"The walk, drawn\">\n",
		picture->is_range ? " range" : "");
	if (picture->is_range)
		pw_svg_range(stream, picture, true);
	else
		pw_svg_address(stream, picture, true);
	fputs("</div>\n", stream);
	pw_page_controls(stream, "Step through the walk");
	pw_page_controls_end(stream);
	fputs("<ol class=\"steps\">\n", stream);
	root_item(stream, picture);
	for (unsigned i = 0; i < picture->steps; i++)
		step_item(stream, picture, i);
	result_item(stream, picture);
	fputs("</ol>\n", stream);
	pw_page_end(
		stream,
		"Words in capitals are the architecture's; words in small letters are Linux's use of bits that the hardware ignores.",
		page_js);
	return ferror(stream) ? -EIO : 0;
}
