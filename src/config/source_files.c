/* SPDX-License-Identifier: MIT */
/* Which files make a configuration: the main one and what they include.  Knows of their content
 * only `include`. */
#include <errno.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/names.h"
#include "config/path.h"
#include "config/reader.h"
#include "config/slurp.h"
#include "config/source.h"
#include "config/words.h"

/* The folder of a file, absolute; relative to the root when there is no working directory.  NULL
 * when memory is out. */
static const char *folder_of(struct source *s, const char *path)
{
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	struct text folder, absolute;
	struct fault fault;
	const char *here = NULL;
	int r = !cwd && errno == ENOMEM ? -ENOMEM : 0;

	text_init(&folder, SIZE_MAX / 2);
	text_init(&absolute, SIZE_MAX / 2);
	if (r == 0)
		r = path_folder(path, &folder);
	if (r == 0)
		r = path_resolve(cwd && *cwd == '/' ? cwd : "/", text_get(&folder), &absolute,
		                 &fault);
	if (r >= 0)
		here = arena_intern(s->arena, absolute.size ? text_get(&absolute) : "/");
	s->incomplete |= !here;
	text_release(&folder);
	text_release(&absolute);
	return here;
}

struct source_file *source_add_file(struct source *s, const char *path,
                                    const struct source_file *parent, unsigned parent_line)
{
	struct source_file *file = arena_alloc(s->arena, sizeof *file);
	const char *own_path = arena_intern(s->arena, path), *here = folder_of(s, path);

	if (!file || !own_path || !here)
		return NULL;
	*file = (struct source_file){
		.path = own_path,
		.here = here,
		.index = s->file_count++,
		.parent = parent,
		.parent_line = parent_line,
		.depth = parent ? parent->depth + 1 : 0,
	};
	*s->file_tail = file;
	s->file_tail = &file->next;
	return file;
}

/* "a.ini includes b.ini includes a.ini" */
static int refuse_loop(const struct source_file *from, const struct source_file *again,
                       struct fault *fault)
{
	const struct source_file *chain[16] = { NULL };
	size_t count = 0;
	char text[FAULT_SIZE];
	int used;

	for (const struct source_file *f = from; f && f != again && count < ARRAY_SIZE(chain);
	     f = f->parent)
		chain[count++] = f;
	used = snprintf(text, sizeof text, "%.60s", again->path);
	while (count-- > 0 && used < FAULT_SIZE - 100)
		used += snprintf(text + used, sizeof text - (size_t)used, " includes %.60s",
		                 chain[count]->path);
	return fault_set(fault, "a loop of files: %s includes %.60s", text, again->path);
}

/* Judges a file that is about to be read by those that are read already. */
static int judge_again(const struct source *s, const struct source_file *parent,
                       const struct stat *status, struct fault *fault)
{
	for (const struct source_file *f = s->files; f; f = f->next) {
		if (f->dev != status->st_dev || f->ino != status->st_ino || !f->ino)
			continue;
		for (const struct source_file *above = parent; above; above = above->parent)
			if (above == f)
				return refuse_loop(parent, f, fault);
		if (f->parent)
			return fault_set(fault, "%.200s is included already by %.100s, line %u",
			                 f->path, f->parent->path, f->parent_line);
	}
	return 0;
}

static void include_all(struct source *s, const struct source_file *file);

/* Tells that a file cannot be read: of the main file by its name, of others where they are
 * included. */
static void refuse_file(struct source *s, const char *path, const struct source_entry *from,
                        const struct fault *fault)
{
	if (from)
		diags_add(s->diags, DIAG_ERROR, from->section->file->path, from->line,
		          from->section->title, "include", "%s: %s", path, fault->text);
	else
		diags_add(s->diags, DIAG_ERROR, path, 0, NULL, NULL, "%s", fault->text);
}

/* Judges a file by what the system says of it. */
static int judge_file(const struct source *s, int error, const struct source_file *parent,
                      const struct stat *status, struct fault *fault)
{
	if (error == -EISDIR)
		return fault_set(fault, "is a directory, not a file");
	if (error < 0)
		return fault_set(fault, "%s", strerror(-error));
	if (s->file_count == SOURCE_FILES_MAX)
		return fault_set(fault, "more than %d files", SOURCE_FILES_MAX);
	if (parent && parent->depth == SOURCE_DEPTH_MAX)
		return fault_set(fault, "files are nested more than %d deep", SOURCE_DEPTH_MAX);
	return judge_again(s, parent, status, fault);
}

static void read_file(struct source *s, const char *path, const struct source_entry *from)
{
	const struct source_file *parent = from ? from->section->file : NULL;
	_cleanup_free_ char *bytes = NULL;
	struct source_file *file;
	struct stat status = { .st_ino = 0 };
	struct fault fault;
	size_t size = 0;
	int r = slurp(path, SLURP_ANY, SOURCE_FILE_MAX, &bytes, &size, &status);

	if (r == -ENOMEM) {
		s->incomplete = true;
		return;
	}
	if (judge_file(s, r, parent, &status, &fault) != 0) {
		refuse_file(s, path, from, &fault);
		return;
	}
	file = source_add_file(s, path, parent, from ? from->line : 0);
	if (!file)
		return;
	file->dev = status.st_dev;
	file->ino = status.st_ino;
	source_parse(s, file, bytes, size);
	include_all(s, file);
}

/* includes */

/* The pattern as people will see its matches: relative to the folder of the file as it was named.
 */
static int locate_pattern(const struct source_file *file, const char *pattern, struct text *out)
{
	int r = 0;

	if (*pattern != '/' && strchr(file->path, '/')) {
		r = path_folder(file->path, out);
		if (r == 0 && strcmp(text_get(out), "/") != 0)
			r = text_add_char(out, '/');
	}
	return r == 0 ? text_add_string(out, pattern) : r;
}

static void include_pattern(struct source *s, struct source_entry *from, const char *pattern)
{
	glob_t found = { .gl_pathc = 0 };
	struct fault fault;
	struct text path;
	int r;

	text_init(&path, SIZE_MAX / 2);
	r = locate_pattern(from->section->file, pattern, &path);
	if (r == 0 && !strpbrk(pattern, "*?[")) {
		read_file(s, text_get(&path), from);
	} else if (r == 0) {
		r = glob(text_get(&path), GLOB_NOESCAPE, NULL, &found);
		for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
			read_file(s, found.gl_pathv[i], from);
		if (r == GLOB_NOSPACE || r == GLOB_ABORTED) {
			fault_set(&fault, "the pattern '%.80s' cannot be followed", pattern);
			source_refuse_entry(s, from, &fault);
		}
		globfree(&found);
	}
	s->incomplete |= r < 0;
	text_release(&path);
}

static void include_entry(struct source *s, struct source_entry *entry)
{
	struct names names = { .environ = s->environ, .here = entry->section->file->here };
	struct strv patterns = STRV_INIT;
	struct fault fault;
	struct text value;
	bool quoted;
	int r;

	text_init(&value, READER_VALUE_MAX);
	r = names_expand_value(&names, entry->text, true, &value, &quoted, &fault);
	if (r == 0)
		r = words_split(text_get(&value), &patterns, &fault);
	if (r > 0)
		source_refuse_entry(s, entry, &fault);
	s->incomplete |= r < 0;
	for (size_t i = 0; r == 0 && i < patterns.count; i++)
		include_pattern(s, entry, patterns.items[i]);
	strv_release(&patterns);
	text_release(&value);
}

static void include_all(struct source *s, const struct source_file *file)
{
	for (struct section *section = s->sections; section && !s->alone; section = section->next) {
		if (section->kind != SECTION_VERGER || section->file != file)
			continue;
		for (struct source_entry *e = section->entries; e; e = e->next)
			if (!strcmp(e->key->name, "include"))
				include_entry(s, e);
	}
}

void source_read(struct source *s, const char *path)
{
	read_file(s, path, NULL);
}

void source_read_bytes(struct source *s, const char *name, const char *bytes, size_t size)
{
	struct source_file *file = source_add_file(s, name, NULL, 0);

	if (file)
		source_parse(s, file, bytes, size);
}
