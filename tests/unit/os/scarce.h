/* SPDX-License-Identifier: MIT */
/* Memory that runs out when a test says so, for programs that are linked with --wrap=realloc. */
#pragma once

#include <stdbool.h>

/* From now on realloc fails, or does not. */
void scarce_set(bool scarce);
