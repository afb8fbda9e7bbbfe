/* SPDX-License-Identifier: MIT */
/* How two configurations differ, key by key from the table: what a reload goes by and what it
 * tells. Knows no key by name.
 *
 * Values are equal if they would stand in a file as the same text.  Where they stand, and whether
 * they are given or a default, does not count.  Programs are named, not numbered: the places of the
 * held settings are in no order, and some may be free. */
#pragma once

#include <stdbool.h>

#include "core/reload.h"
#include "core/settings.h"

/* Compares programs of `held` and `fresh` for reload_plan_make.  Made once for a reload; remembers
 * what came of the last comparison of each key, for the many programs that share it. */
struct conf_diff;

/* Both are borrowed.  NULL when memory is out. */
struct conf_diff *conf_diff_new(const struct settings *held, const struct settings *fresh);
void conf_diff_free(struct conf_diff *d);

/* A reload_compare; `context` is a struct conf_diff.  A difference in what [verger] gives to all
 * programs (environment, env_file) is one of each of them. */
enum reload_difference conf_diff_program(void *context, const struct program_settings *held,
                                         const struct program_settings *fresh);

/* Calls `key` for each key whose value differs; the texts are as they would stand in a file, NULL
 * when there is none, and borrowed during the call. */
typedef void conf_diff_key(void *arg, const char *key, const char *old_value,
                           const char *new_value);

/* What stands outside of the program's section is told under a name that says so: "[verger]
 * environment", and "[group] programs" with the names of its groups. */
void conf_diff_program_keys(struct conf_diff *d, const struct program_settings *held,
                            const struct program_settings *fresh, conf_diff_key *key, void *arg);
void conf_diff_verger_keys(struct conf_diff *d, conf_diff_key *key, void *arg);

/* A key of [verger] that differs and that a running vergerd cannot change (run_dir, pidfile,
 * control_socket), or NULL. */
const char *conf_diff_fixed(struct conf_diff *d);

/* Whether memory was out in any of the above: what they found is not to be gone by. */
bool conf_diff_failed(const struct conf_diff *d);
