/* SPDX-License-Identifier: MIT */
/* Names to programs.  The words are sorted and every program is held against them once, so that
 * thousands of names for thousands of programs are no way to keep vergerd busy. */
#include "control/selection.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "control/similar.h"
#include "base/utf8.h"

struct word {
	const char *text;
	bool found;
};

struct search {
	const struct supervisor *sv;
	const struct settings *settings;
	struct word *words; /* sorted; plain names */
	size_t word_count;
	struct word patterns[SELECTION_PATTERNS_MAX];
	size_t pattern_count;
	bool *chosen; /* by id */
};

bool selection_is_there(const struct supervisor *sv, const struct settings *s, uint32_t id)
{
	return id < s->program_count && supervisor_has(sv, id);
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(((const struct word *)a)->text, ((const struct word *)b)->text);
}

static struct word *find_word(const struct search *search, const char *text)
{
	const struct word key = { .text = text };

	return search->word_count ? bsearch(&key, search->words, search->word_count,
	                                    sizeof *search->words, compare_words)
	                          : NULL;
}

/* words that are equal stand side by side: one of them speaks for all */
static size_t drop_doubles(struct word *words, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (kept == 0 || strcmp(words[kept - 1].text, words[i].text) != 0)
			words[kept++] = words[i];
	return kept;
}

/* false: too many patterns */
static bool sort_words(struct search *search, const json_t *names)
{
	size_t count = json_array_size(names);

	for (size_t i = 0; i < count; i++) {
		struct word word = { .text = json_string_value(json_array_get(names, i)) };

		if (!strpbrk(word.text, "*?[")) {
			search->words[search->word_count++] = word;
			continue;
		}
		if (search->pattern_count == SELECTION_PATTERNS_MAX)
			return false;
		search->patterns[search->pattern_count++] = word;
	}
	if (search->word_count) {
		qsort(search->words, search->word_count, sizeof *search->words, compare_words);
		search->word_count = drop_doubles(search->words, search->word_count);
	}
	return true;
}

/* --- passes: a program's own name wins over a section's, that over a group's --- */

static void match_names(struct search *search)
{
	if (search->word_count == 0)
		return;
	for (uint32_t i = 0; i < search->settings->program_count; i++) {
		struct word *word;

		if (!selection_is_there(search->sv, search->settings, i))
			continue;
		word = find_word(search, search->settings->programs[i].name);
		if (!word)
			continue;
		word->found = search->chosen[i] = true;
	}
}

/* `found` tells what was found in passes before; those of this one must not hide each other */
static void match_sections(struct search *search, bool *named)
{
	for (size_t i = 0; i < search->word_count; i++)
		named[i] = search->words[i].found;
	for (uint32_t i = 0; i < search->settings->program_count; i++) {
		struct word *word;

		if (!selection_is_there(search->sv, search->settings, i))
			continue;
		word = find_word(search, search->settings->programs[i].section);
		if (!word || named[word - search->words])
			continue;
		word->found = search->chosen[i] = true;
	}
}

static void choose_group(struct search *search, const struct group_settings *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (selection_is_there(search->sv, search->settings, group->programs[i]))
			search->chosen[group->programs[i]] = true;
}

static void match_groups(struct search *search)
{
	for (size_t i = 0; i < search->settings->group_count; i++) {
		const struct group_settings *group = &search->settings->groups[i];
		struct word *word = find_word(search, group->name);

		if (!word || word->found)
			continue;
		choose_group(search, group);
		word->found = true;
	}
}

/* "GROUP:*", as supervisorctl writes it */
static bool is_group_star(const char *pattern, const char *group)
{
	size_t size = strlen(group);

	return !strncmp(pattern, group, size) && !strcmp(pattern + size, ":*");
}

static void match_pattern(struct search *search, struct word *pattern)
{
	const struct settings *s = search->settings;

	for (uint32_t i = 0; i < s->program_count; i++)
		if (selection_is_there(search->sv, s, i) &&
		    fnmatch(pattern->text, s->programs[i].name, 0) == 0)
			pattern->found = search->chosen[i] = true;
	for (size_t i = 0; !pattern->found && i < s->group_count; i++) {
		if (!is_group_star(pattern->text, s->groups[i].name))
			continue;
		choose_group(search, &s->groups[i]);
		pattern->found = true;
	}
}

/* Whether `word` is `name` as we had to write it: U+FFFD for what is not UTF-8. */
static bool is_written_as(const char *name, const char *word)
{
	size_t left = strlen(name);

	while (left) {
		bool valid;
		size_t n = utf8_span(name, left, &valid), told = valid ? n : 3;

		if (strncmp(word, valid ? name : UTF8_REPLACEMENT, told) != 0)
			return false;
		name += n;
		left -= n;
		word += told;
	}
	return !*word;
}

/* a name that is not UTF-8 can only be given as it was told; at most a few words are worth the look
 */
static void match_lossy(struct search *search)
{
	size_t looks = SELECTION_PATTERNS_MAX;

	for (size_t i = 0; i < search->word_count; i++) {
		struct word *word = &search->words[i];

		if (word->found || !strstr(word->text, UTF8_REPLACEMENT) || looks-- == 0)
			continue;
		for (uint32_t k = 0; k < search->settings->program_count; k++)
			if (selection_is_there(search->sv, search->settings, k) &&
			    is_written_as(search->settings->programs[k].name, word->text))
				word->found = search->chosen[k] = true;
	}
}

/* --- the whole of it --- */

static bool has_found_all(const struct search *search)
{
	for (size_t i = 0; i < search->word_count; i++)
		if (!search->words[i].found)
			return false;
	return true;
}

static void collect(const struct search *search, struct selection *out)
{
	for (uint32_t i = 0; i < search->settings->program_count; i++)
		if (search->chosen[i])
			out->ids[out->count++] = i;
}

static const char *first_unknown(const struct search *search, const json_t *names)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *text = json_string_value(json_array_get(names, i));
		const struct word *word = NULL;

		for (size_t k = 0; !word && k < search->pattern_count; k++)
			if (!strcmp(search->patterns[k].text, text))
				word = &search->patterns[k];
		if (!word)
			word = find_word(search, text);
		if (!word->found)
			return text;
	}
	return NULL;
}

static enum selection_result match(struct search *search, const json_t *names, bool *named,
                                   struct selection *out)
{
	if (!sort_words(search, names))
		return SELECTION_TOO_MANY;
	match_names(search);
	if (!has_found_all(search)) {
		match_sections(search, named);
		match_groups(search);
		match_lossy(search);
	}
	for (size_t i = 0; i < search->pattern_count; i++)
		match_pattern(search, &search->patterns[i]);
	collect(search, out);
	out->unknown = first_unknown(search, names);
	if (!out->unknown)
		return SELECTION_OK;
	if (!strpbrk(out->unknown, "*?["))
		out->similar = similar_name(search->settings, out->unknown);
	return SELECTION_UNKNOWN;
}

static enum selection_result choose_all(struct selection *out, const struct supervisor *sv,
                                        const struct settings *s)
{
	for (uint32_t i = 0; i < s->program_count; i++)
		if (selection_is_there(sv, s, i))
			out->ids[out->count++] = i;
	return SELECTION_OK;
}

enum selection_result selection_make(struct selection *out, const struct supervisor *sv,
                                     const struct settings *s, const json_t *names)
{
	struct search search = { .sv = sv, .settings = s };
	size_t programs = s->program_count ? s->program_count : 1, count = json_array_size(names);
	enum selection_result result = SELECTION_NO_MEMORY;
	bool *named = NULL;

	*out = (struct selection){ .ids = malloc(programs * sizeof *out->ids) };
	if (!out->ids)
		return result;
	if (count == 0)
		return choose_all(out, sv, s);
	search.words = calloc(count, sizeof *search.words);
	search.chosen = calloc(programs, sizeof *search.chosen);
	named = calloc(count, sizeof *named);
	if (search.words && search.chosen && named)
		result = match(&search, names, named, out);
	free(search.words);
	free(search.chosen);
	free(named);
	return result;
}

void selection_release(struct selection *sel)
{
	free(sel->ids);
	*sel = (struct selection){ 0 };
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

bool selection_has(const struct selection *sel, uint32_t id)
{
	return sel->count && bsearch(&id, sel->ids, sel->count, sizeof *sel->ids, compare_ids);
}
