/* SPDX-License-Identifier: MIT */
/* What the files that implement keytype.h have in common. */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/keytype.h"

#define UNUSED __attribute__((unused))

#define PARSE(name)                                                                                \
	int keytype_parse_##name(const struct key *key UNUSED, const char *text,                   \
	                         struct key_target *t UNUSED, struct fault *fault UNUSED)
#define FORMAT(name)                                                                               \
	int keytype_format_##name(const struct key *key UNUSED, const struct settings *s UNUSED,   \
	                          const struct program_settings *p UNUSED, struct text *out)

/* The field of the key, to write and to read. */
void *keytype_field_of(const struct key *key, const struct key_target *t);
const void *keytype_field_in(const struct key *key, const struct settings *s,
                             const struct program_settings *p);

/* 0 or -ENOMEM */
int keytype_intern(struct arena *arena, const char *text, const char **out);

/* value_path or value_file */
typedef int keytype_path_parser(const char *text, bool quoted, const char *here, struct text *out,
                                struct fault *fault);
int keytype_parse_path(keytype_path_parser *parse, const char *text, const struct key_target *t,
                       const char **out, struct fault *fault);

/* What a key_format returns for a value of which the last text_add_… gave `r`. */
int keytype_written(int r);

/* The whole of a key_format for a text, quoted where needed; NULL is no value. */
int keytype_write_text(const char *value, struct text *out);

/* 0 or what text_add_… gives. */
int keytype_add_duration(msec_t ms, struct text *out);
