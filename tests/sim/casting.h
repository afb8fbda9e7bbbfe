/* SPDX-License-Identifier: MIT */
/* Settings made by hand for a test, in place of a file: defaults, and what the test says about
 * them.  Everything lives in the arena of the settings; settings_free() frees it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/reload.h"
#include "core/settings.h"

/* Settings with room for so many programs and groups, and none yet. */
struct settings *casting_new(size_t max_programs);

/* One more program with every default.  Borrowed; its index is casting_index(). */
struct program_settings *casting_add(struct settings *s, const char *name);
uint32_t casting_index(const struct settings *s, const struct program_settings *p);

/* `p` requires `on`; `p` is to come after `on` if that is to run as well. */
void casting_requires(struct settings *s, struct program_settings *p,
                      const struct program_settings *on, enum condition condition);
void casting_after(struct settings *s, struct program_settings *p,
                   const struct program_settings *on, enum condition condition);

/* Puts the programs (NULL ends the list) into a group. */
void casting_group(struct settings *s, const char *name, ...) __attribute__((sentinel));

void casting_stop(struct settings *s, struct program_settings *p, size_t count,
                  const struct stop_step *steps);
void casting_forward(struct settings *s, struct program_settings *p, int from, int to);
void casting_success(struct settings *s, struct program_settings *p, unsigned code);

/* Another command: what a change of takes a restart, as that of the type does.  `word` is static.
 */
void casting_command(struct settings *s, struct program_settings *p, const char *word);

/* A reload_compare for such settings; the context is a struct casting_pair. */
struct casting_pair {
	const struct settings *held, *fresh;
};
enum reload_difference casting_compare(void *context, const struct program_settings *held,
                                       const struct program_settings *fresh);
