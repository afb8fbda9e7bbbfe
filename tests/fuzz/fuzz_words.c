/* SPDX-License-Identifier: MIT */
/* Text as words: what was split and quoted again is the same when it is expanded and split again.
 */
#include "config/names.h"
#include "config/words.h"
#include "fuzz.h"

static void quote_and_split(const struct strv *words)
{
	struct names names = { .here = "/" };
	struct expand_names all = names_for_expand(&names);
	struct strv again = STRV_INIT;
	struct text quoted, expanded;
	struct fault fault;

	text_init(&quoted, SIZE_MAX / 2);
	text_init(&expanded, SIZE_MAX / 2);
	for (size_t i = 0; i < words->count; i++) {
		text_add_char(&quoted, ' ');
		words_quote(words->items[i], &quoted);
	}
	fuzz_expect(!strchr(text_get(&quoted), '\n'), "quoted words fit on a line");
	fuzz_expect(expand(text_get(&quoted), EXPAND_WORDS, &all, &expanded, &fault) == 0,
	            "quoted words expand");
	fuzz_expect(words_split(text_get(&expanded), &again, &fault) == 0, "quoted words split");
	fuzz_expect(again.count == words->count, "as many words");
	for (size_t i = 0; i < words->count; i++)
		fuzz_expect(!strcmp(again.items[i], words->items[i]), "the same words");
	strv_release(&again);
	text_release(&quoted);
	text_release(&expanded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct strv words = STRV_INIT;
	struct fault fault;

	if (words_split(text, &words, &fault) == 0)
		quote_and_split(&words);
	strv_release(&words);
	free(text);
	return 0;
}
