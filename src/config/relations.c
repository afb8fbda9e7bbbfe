/* SPDX-License-Identifier: MIT */
/* Resolves names of programs to programs: dependencies, exit_code_from, groups.  Knows nothing of
 * values that mean no program. */
#include "config/relations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/depends.h"
#include "config/names.h"
#include "config/reader.h"
#include "config/record.h"
#include "config/words.h"

/* Expands the words of an entry that names programs; false when there are none. */
static bool take_names(struct build *b, struct source_entry *entry, struct strv *words)
{
	struct fault fault;
	struct text value;
	bool quoted;
	int r;

	entry->judged = true;
	b->names.here = entry->section->file->here;
	text_init(&value, READER_VALUE_MAX);
	r = names_expand_value(&b->names, entry->text, true, &value, &quoted, &fault);
	if (r == 0)
		r = words_split(text_get(&value), words, &fault);
	text_release(&value);
	build_note_memory(b, r);
	if (r > 0)
		source_refuse_entry(b->source, entry, &fault);
	return r == 0 && words->count > 0;
}

static void resolve_text(struct build *b, struct depends *d, const char *text,
                         struct source_entry *entry, bool required)
{
	struct fault fault;
	int r = text ? depends_parse(d, &b->roster, text, required, &fault) : 0;

	build_note_memory(b, r);
	if (r > 0)
		source_refuse_entry(b->source, entry, &fault);
}

static void resolve_dependencies(struct build *b)
{
	const struct built *last = NULL;
	const struct dependencies *shared = NULL;

	for (size_t i = 0; i < b->count; i++) {
		const struct built *own = &b->built[i];
		struct depends depends = { .count = 0 };

		/* texts are interned: equal ones mean the same, for all instances of a section at
		 * least */
		if (!last || own->requires != last->requires || own->after != last->after) {
			resolve_text(b, &depends, own->requires, own->requires_entry, true);
			resolve_text(b, &depends, own->after, own->after_entry, false);
			build_note_memory(b, depends_intern(&depends, b->settings->arena, &shared));
			depends_release(&depends);
			last = own;
		}
		b->settings->programs[i].depends = shared;
	}
}

static void on_cycle(void *context, size_t program, const struct fault *fault)
{
	struct build *b = context;
	const struct built *built = &b->built[program];

	if (built->section->cycle_told)
		return;
	built->section->cycle_told = true;
	build_refuse(b, built->section,
	             built->requires_entry ? built->requires_entry : built->after_entry, "requires",
	             fault);
}

static void resolve_exit_code_from(struct build *b)
{
	struct source_entry *entry = source_find(b->source, SECTION_VERGER, "exit_code_from");
	struct strv words = STRV_INIT;
	struct roster_range range = { .count = 0 };
	struct fault fault;
	int r = 0;

	if (entry && take_names(b, entry, &words)) {
		if (words.count > 1)
			r = fault_set(&fault, "expected one program, got %zu", words.count);
		else
			r = roster_find(&b->roster, words.items[0], &range, &fault);
		if (r == 0 && range.count == 0)
			r = fault_set(&fault, "program '%.80s' is not enabled", words.items[0]);
		else if (r == 0 && range.count > 1)
			r = fault_set(&fault,
			              "'%.80s' means %zu instances; name one, such as '%.80s:0'",
			              words.items[0], range.count, words.items[0]);
		if (r == 0 && range.count == 1) {
			b->settings->exit_code_from = range.indices[0];
			record_add(b->input->record, NO_PROGRAM, entry);
		} else {
			source_refuse_entry(b->source, entry, &fault);
		}
	}
	strv_release(&words);
}

/* Makes the programs that `name` means members of the group; `members` has room for all there are.
 */
static void add_members(struct build *b, struct source_entry *entry, uint32_t group,
                        const char *name, uint32_t *members, size_t *count)
{
	struct settings *s = b->settings;
	struct roster_range range;
	struct fault fault;

	if (roster_find(&b->roster, name, &range, &fault) != 0) {
		source_refuse_entry(b->source, entry, &fault);
		return;
	}
	for (size_t i = 0; i < range.count; i++) {
		struct program_settings *p = &s->programs[range.indices[i]];

		if (p->group != NO_GROUP) {
			fault_set(&fault, "'%.80s' is in group '%.80s' already", p->name,
			          s->groups[p->group].name);
			source_refuse_entry(b->source, entry, &fault);
			return;
		}
		p->group = group;
		members[(*count)++] = range.indices[i];
	}
}

static void build_group(struct build *b, struct section *section, uint32_t index, uint32_t *members)
{
	struct settings *s = b->settings;
	struct group_settings *group = &s->groups[index];
	struct source_entry *entry = section->entries; /* [group:] has one key */
	struct strv words = STRV_INIT;
	size_t count = 0;
	struct fault fault;

	group->name = arena_intern(s->arena, section->name);
	if (!entry) {
		fault_set(&fault, "a group needs this key");
		source_refuse_section(b->source, section, "programs", &fault);
		return;
	}
	take_names(b, entry, &words);
	for (size_t i = 0; i < words.count; i++)
		add_members(b, entry, index, words.items[i], members, &count);
	group->count = count;
	if (count)
		group->programs = arena_intern_bytes(s->arena, members, count * sizeof *members);
	strv_release(&words);
}

static void build_groups(struct build *b)
{
	struct settings *s = b->settings;
	_cleanup_free_ uint32_t *members = calloc(b->count + 1, sizeof *members);
	size_t count = 0;

	for (struct section *section = b->source->sections; section; section = section->next)
		count += section->kind == SECTION_GROUP;
	if (count > 0)
		s->groups = arena_alloc(s->arena, count * sizeof *s->groups);
	build_note_memory(b, members ? 0 : -ENOMEM);
	if (!members || !s->groups)
		return;
	s->group_count = count;
	count = 0;
	for (struct section *section = b->source->sections; section; section = section->next)
		if (section->kind == SECTION_GROUP)
			build_group(b, section, (uint32_t)count++, members);
}

/* stop-group means something in a group only */
static void judge_groups(struct build *b)
{
	const struct section *told = NULL;
	struct fault fault;

	for (size_t i = 0; i < b->count; i++) {
		const struct program_settings *p = &b->settings->programs[i];
		bool on_exit = p->on_exit == END_STOP_GROUP;

		if (p->group != NO_GROUP || (!on_exit && p->on_failure != END_STOP_GROUP) ||
		    b->built[i].section == told)
			continue;
		told = b->built[i].section;
		fault_set(&fault, "stop-group: '%.80s' is in no group", p->name);
		source_refuse_section(b->source, told, on_exit ? "on_exit" : "on_failure", &fault);
	}
}

void relations_resolve(struct build *b)
{
	const struct program_settings *programs = b->settings->programs;
	int r = roster_init(&b->roster, b->source, programs, b->count);

	build_note_memory(b, r);
	if (r < 0)
		return;
	resolve_dependencies(b);
	build_note_memory(b, depends_find_cycles(programs, b->count, on_cycle, b));
	resolve_exit_code_from(b);
	build_groups(b);
	judge_groups(b);
}
