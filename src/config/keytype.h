/* SPDX-License-Identifier: MIT */
/* How each type of key gets from the text into its field and back: the functions that the table in
 * keys.c names. */
#pragma once

#include "config/keys.h"

#define KEYTYPE(name)                                                                              \
	key_parse keytype_parse_##name;                                                            \
	key_format keytype_format_##name

KEYTYPE(duration);
KEYTYPE(deadline);
KEYTYPE(bool);
KEYTYPE(choice);
KEYTYPE(percent);
KEYTYPE(nice);
KEYTYPE(oom);
KEYTYPE(umask);
KEYTYPE(mode);
KEYTYPE(folder); /* path of a folder */
KEYTYPE(file);   /* path of anything else */
KEYTYPE(title);  /* argv0: text as it is, or one word in quotes */
KEYTYPE(words);
KEYTYPE(environment);
KEYTYPE(env_files);
KEYTYPE(env_inherit);
KEYTYPE(limit);
KEYTYPE(exit_set);
KEYTYPE(start_limit);
KEYTYPE(stop_signal);
KEYTYPE(reload_signal);
KEYTYPE(forward);
KEYTYPE(stream);
KEYTYPE(log_size);
KEYTYPE(log_age);
KEYTYPE(count); /* unsigned, from min to max */
KEYTYPE(size);  /* the same in bytes */
KEYTYPE(user);
KEYTYPE(group);
KEYTYPE(owner);
KEYTYPE(requires);
KEYTYPE(after);
KEYTYPE(log);
KEYTYPE(log_json);
KEYTYPE(program_pidfile);
KEYTYPE(verger_pidfile);
KEYTYPE(control_socket);
KEYTYPE(role_group); /* control_group and view_group */

#undef KEYTYPE

/* read with the others, but part of no line of --print-config */
key_parse keytype_parse_enabled;
key_parse keytype_parse_instances;
key_parse keytype_parse_stop_timeout;
key_parse keytype_parse_ready;
key_parse keytype_parse_run_dir;

/* the program is looked up when all are known */
key_format keytype_format_exit_code_from;
