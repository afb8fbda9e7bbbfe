/* SPDX-License-Identifier: MIT */
/* What --help prints, from the tables of verbs and options. */
#pragma once

#include <stdio.h>

#include "control/verbs.h"

/* verb NULL = of vergerctl as a whole. */
void help_print(const struct verb *verb, FILE *out);
