/* SPDX-License-Identifier: MIT */
/* The list of what is to be done.  Knows nothing of how. */
#include "core/effects.h"

#include <errno.h>
#include <stdlib.h>

int effects_init(struct effects *fx, size_t capacity)
{
	*fx = (struct effects){ .items = malloc(capacity * sizeof *fx->items),
		                .capacity = capacity };
	return fx->items ? 0 : -ENOMEM;
}

void effects_release(struct effects *fx)
{
	free(fx->items);
	*fx = (struct effects){ 0 };
}

int effects_reserve(struct effects *fx, size_t capacity)
{
	struct effect *items;

	if (capacity <= fx->capacity)
		return 0;
	items = reallocarray(fx->items, capacity, sizeof *items);
	if (!items)
		return -ENOMEM;
	fx->items = items;
	fx->capacity = capacity;
	return 0;
}

void effects_add(struct effects *fx, struct effect effect)
{
	if (fx->count == fx->capacity) {
		size_t capacity = fx->capacity ? fx->capacity * 2 : 16;
		struct effect *items = realloc(fx->items, capacity * sizeof *items);

		if (!items)
			abort(); /* supervisor_effects_max() was not asked for, and memory is out */
		fx->items = items;
		fx->capacity = capacity;
	}
	fx->items[fx->count++] = effect;
}
