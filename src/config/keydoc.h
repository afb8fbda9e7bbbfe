/* SPDX-License-Identifier: MIT */
/* The keys as a part of verger.ini(5), in mdoc. */
#pragma once

#include <stdio.h>

/* Writes one subsection (.Ss) with a tagged list for each kind of section.  0 or the negative errno
 * of the write. */
int conf_keydoc(FILE *out);
