/* SPDX-License-Identifier: MIT */
/* Finds the programs of each log file.  Files are compared by their paths as texts, which the arena
 * of the settings keeps once: what links lead to is not looked at. */
#include "config/logfiles.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

/* A stream that goes to a file. */
struct writer {
	const char *path;
	uint32_t program;
	int fd;
};

static struct stream *stream_of(struct build *b, const struct writer *w)
{
	struct program_settings *p = &b->settings->programs[w->program];

	return w->fd == STDERR_FILENO ? &p->stderr_stream : &p->stdout_stream;
}

static size_t collect(struct writer *writers, const struct settings *s)
{
	size_t count = 0;

	for (uint32_t i = 0; i < s->program_count; i++) {
		const struct program_settings *p = &s->programs[i];

		if (p->stdout_stream.kind == STREAM_FILE)
			writers[count++] =
				(struct writer){ p->stdout_stream.path, i, STDOUT_FILENO };
		if (p->stderr_stream.kind == STREAM_FILE)
			writers[count++] =
				(struct writer){ p->stderr_stream.path, i, STDERR_FILENO };
	}
	return count;
}

static int compare_writers(const void *a, const void *b)
{
	const struct writer *x = a, *y = b;

	if (x->path != y->path)
		return (uintptr_t)x->path < (uintptr_t)y->path ? -1 : 1;
	if (x->program != y->program)
		return x->program < y->program ? -1 : 1;
	return x->fd - y->fd;
}

/* The writers of one file, in the order of their programs. */
struct written_file {
	const struct writer *writers; /* borrowed */
	size_t count;
};

static struct section *section_of(const struct build *b, const struct writer *w)
{
	return b->built[w->program].section;
}

/* Whether the section of a writer had its turn with the one before: instances would only repeat
 * it. */
static bool is_told(const struct build *b, const struct written_file *file, size_t i)
{
	return i > 0 && section_of(b, &file->writers[i]) == section_of(b, &file->writers[i - 1]);
}

/* Tells of a fault at the line where the program says `key`, or at its section. */
static void refuse(struct build *b, const struct writer *w, const char *key,
                   const struct fault *fault)
{
	struct section *section = section_of(b, w);
	struct source_entry *entry = section->entries;

	while (entry && strcmp(entry->key->name, key) != 0)
		entry = entry->next;
	build_refuse(b, section, entry, key, fault);
}

static const char *stream_key(const struct writer *w)
{
	return w->fd == STDERR_FILENO ? "stderr" : "stdout";
}

/* A file that somebody needs for something else is nobody's log. */
static void judge_claims(struct build *b, const struct written_file *file)
{
	struct fault fault;

	if (claims_judge_log(&b->claims, file->writers[0].path, &fault) == 0)
		return;
	for (size_t i = 0; i < file->count; i++)
		if (!is_told(b, file, i))
			refuse(b, &file->writers[i], stream_key(&file->writers[i]), &fault);
}

static bool is_rotated(const struct log_policy *log)
{
	return log_policy_max_size(log) != LOG_SIZE_NONE || log->max_age_ms != MSEC_NEVER;
}

/* vergerd's own log may be appended to by programs, but a rotation would take it away from
 * vergerd. */
static void judge_own_log(struct build *b, const struct written_file *file)
{
	struct fault fault;

	if (b->settings->log_target != LOG_TARGET_FILE ||
	    b->settings->log_path != file->writers[0].path)
		return;
	fault_set(&fault,
	          "%.200s is vergerd's own log, and would be rotated as that of a program; name "
	          "another file, or set log_max_size = none and no log_max_age",
	          file->writers[0].path);
	for (size_t i = 0; i < file->count; i++) {
		const struct writer *w = &file->writers[i];
		const struct program_settings *p = &b->settings->programs[w->program];

		if (!is_told(b, file, i) && is_rotated(&p->log) && program_is_captured(p, w->fd))
			refuse(b, w, stream_key(w), &fault);
	}
}

/* what becomes of a file, which its programs must agree on */

static bool is_equal_size(const struct log_policy *a, const struct log_policy *b)
{
	return log_policy_max_size(a) == log_policy_max_size(b);
}

static bool is_equal_age(const struct log_policy *a, const struct log_policy *b)
{
	return a->max_age_ms == b->max_age_ms;
}

static bool is_equal_keep(const struct log_policy *a, const struct log_policy *b)
{
	return a->keep == b->keep;
}

static bool is_equal_packer(const struct log_policy *a, const struct log_policy *b)
{
	return a->compress == b->compress;
}

static const struct common_key {
	const char *name;
	bool (*is_equal)(const struct log_policy *a, const struct log_policy *b);
} common_keys[] = {
	{ "log_max_size", is_equal_size },
	{ "log_max_age", is_equal_age },
	{ "log_keep", is_equal_keep },
	{ "log_compress", is_equal_packer },
};

/* Writes the sentence that names both programs and their values.  0 or -ENOMEM. */
static int set_disagreement(const struct build *b, const struct writer *first,
                            const struct writer *second, const char *name, struct fault *fault)
{
	const struct settings *s = b->settings;
	const struct program_settings *p = &s->programs[first->program];
	const struct program_settings *q = &s->programs[second->program];
	const struct key *key = key_find(name, KEY_IN_PROGRAM);
	struct text held, own;
	int r;

	text_init(&held, SIZE_MAX / 2);
	text_init(&own, SIZE_MAX / 2);
	r = key->format(key, s, p, &held);
	if (r > 0)
		r = key->format(key, s, q, &own);
	fault_set(fault,
	          "'%.80s' and '%.80s' both write to %.100s and must agree on %s, which is %s "
	          "for the first and %s for the second",
	          p->name, q->name, first->path, name, text_get(&held), text_get(&own));
	text_release(&held);
	text_release(&own);
	return r < 0 ? r : 0;
}

static void judge_agreement(struct build *b, const struct written_file *file, size_t i)
{
	const struct writer *first = &file->writers[0], *second = &file->writers[i];
	const struct program_settings *programs = b->settings->programs;
	struct fault fault;

	for (size_t k = 0; k < ARRAY_SIZE(common_keys); k++) {
		const struct common_key *key = &common_keys[k];

		if (key->is_equal(&programs[first->program].log, &programs[second->program].log))
			continue;
		build_note_memory(b, set_disagreement(b, first, second, key->name, &fault));
		refuse(b, second, key->name, &fault);
	}
}

static void share(struct build *b, const struct written_file *file)
{
	const struct writer *last = &file->writers[file->count - 1];

	/* a program shares nothing with itself */
	if (file->writers[0].program == last->program)
		return;
	for (size_t i = 0; i < file->count; i++) {
		stream_of(b, &file->writers[i])->shared = true;
		if (!is_told(b, file, i))
			judge_agreement(b, file, i);
	}
}

/* vergerd's own log is claimed by nothing, but what is claimed is no log of vergerd either. */
static void judge_verger(struct build *b)
{
	struct source_entry *entry = source_find(b->source, SECTION_VERGER, "log");
	struct fault fault;

	if (entry && b->settings->log_target == LOG_TARGET_FILE &&
	    claims_judge_log(&b->claims, b->settings->log_path, &fault) != 0)
		source_refuse_entry(b->source, entry, &fault);
}

void logfiles_resolve(struct build *b)
{
	const struct settings *s = b->settings;
	_cleanup_free_ struct writer *writers = calloc(2 * s->program_count + 1, sizeof *writers);
	struct written_file file = { .writers = writers };
	size_t count;

	build_note_memory(b, writers ? 0 : -ENOMEM);
	if (!writers)
		return;
	judge_verger(b);
	count = collect(writers, s);
	qsort(writers, count, sizeof *writers, compare_writers);
	for (; (size_t)(file.writers - writers) < count; file.writers += file.count) {
		size_t left = count - (size_t)(file.writers - writers);

		file.count = 1;
		while (file.count < left && file.writers[file.count].path == file.writers->path)
			file.count++;
		judge_claims(b, &file);
		share(b, &file);
		judge_own_log(b, &file);
	}
}
