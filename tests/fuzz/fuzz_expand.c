/* SPDX-License-Identifier: MIT */
/* Text with variables: bounded, and no content of a variable is ever taken for a quote.  The input
 * up to the first line break is the content of X, the rest is the text. */
#include "config/expand.h"
#include "config/words.h"
#include "fuzz.h"

enum { RESULT_MAX = 4096 };

static const char *find(const void *context, const char *name)
{
	if (!strcmp(name, "X"))
		return context;
	return strcmp(name, "E") ? NULL : "";
}

static void expand_text(const char *text, enum expand_mode mode, const struct expand_names *names)
{
	struct fault fault;
	struct text out;

	text_init(&out, RESULT_MAX);
	fuzz_expect(expand(text, mode, names, &out, &fault) >= 0, "there is memory");
	fuzz_expect(out.size <= RESULT_MAX, "the maximum holds");
	text_release(&out);
}

/* `"${X}"` is one word, whatever X holds */
static void expand_in_quotes(const char *frame, const char *content,
                             const struct expand_names *names)
{
	struct strv words = STRV_INIT;
	struct fault fault;
	struct text out;

	text_init(&out, SIZE_MAX / 2);
	fuzz_expect(expand(frame, EXPAND_WORDS, names, &out, &fault) == 0,
	            "a set variable expands");
	fuzz_expect(words_split(text_get(&out), &words, &fault) == 0, "no variable opens a quote");
	fuzz_expect(words.count == 1 && !strcmp(words.items[0], content),
	            "in quotes it is one word");
	strv_release(&words);
	text_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *content = fuzz_text(data, size), *text = strchr(content, '\n');
	struct expand_names names = { .find = find, .context = content };

	if (text)
		*text++ = '\0';
	expand_text(text ? text : "", EXPAND_PLAIN, &names);
	expand_text(text ? text : "", EXPAND_WORDS, &names);
	expand_in_quotes("\"${X}\"", content, &names);
	expand_in_quotes("'${X}'", content, &names);
	free(content);
	return 0;
}
