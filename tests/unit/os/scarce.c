/* SPDX-License-Identifier: MIT */
#include "scarce.h"

#include <stdlib.h>

static bool is_scarce;

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

void scarce_set(bool scarce)
{
	is_scarce = scarce;
}

void *__wrap_realloc(void *p, size_t size)
{
	return is_scarce ? NULL : __real_realloc(p, size);
}
