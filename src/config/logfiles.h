/* SPDX-License-Identifier: MIT */
/* The files that programs log to: which of them several programs share, and what that asks of them.
 */
#pragma once

#include "config/build.h"

/* Notes which output goes to a file that others write as well (struct stream), and refuses files
 * that are something else's, or that programs would keep in different ways; all programs are built.
 */
void logfiles_resolve(struct build *b);
