/* SPDX-License-Identifier: MIT */
/* Settings as a file of the native dialect: --print-config. */
#pragma once

#include <stdio.h>

#include "core/settings.h"

/* Writes every effective value of `s`, each program in full, its instances written out as
 * [program:NAME:N].  Reading it gives the same settings again.  0, or the negative errno of the
 * write, or -ENOMEM. */
int conf_print(const struct settings *s, FILE *out);
