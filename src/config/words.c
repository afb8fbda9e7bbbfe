/* SPDX-License-Identifier: MIT */
/* Splits and quotes words.  Knows nothing of what they mean. */
#include "config/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

int words_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct splitter {
	const char *text, *at;
	struct text word;
	struct fault *fault;
};

static int refuse_open_quote(struct splitter *s, const char *quote)
{
	return fault_set(s->fault,
	                 "the quote %c at character %zu of the value is never closed (%.40s)",
	                 *quote, (size_t)(quote - s->text) + 1, quote);
}

/* Takes what is quoted, from the opening quote past the closing one. */
static int take_quoted(struct splitter *s)
{
	const char *open = s->at++;
	int r = 0;

	for (; *s->at && *s->at != *open && r == 0; s->at++) {
		if (*open == '"' && *s->at == '\\' && (s->at[1] == '"' || s->at[1] == '\\'))
			s->at++;
		r = text_add_char(&s->word, *s->at);
	}
	if (r == 0 && !*s->at)
		return refuse_open_quote(s, open);
	s->at++;
	return r;
}

/* Takes one word; it starts at a character that is not blank. */
static int take_word(struct splitter *s)
{
	int r = 0;

	text_reset(&s->word);
	while (r == 0 && *s->at && !words_is_blank(*s->at)) {
		if (*s->at == '"' || *s->at == '\'') {
			r = take_quoted(s);
			continue;
		}
		if (*s->at == '\\' && !*++s->at)
			return fault_set(
				s->fault,
				"the backslash at the end of the value has nothing to quote");
		r = text_add_char(&s->word, *s->at++);
	}
	return r;
}

int words_split(const char *text, struct strv *out, struct fault *fault)
{
	struct splitter s = { .text = text, .at = text, .fault = fault };
	int r = 0;

	text_init(&s.word, SIZE_MAX / 2); /* never longer than the text */
	for (;;) {
		while (words_is_blank(*s.at))
			s.at++;
		if (!*s.at)
			break;
		r = take_word(&s);
		if (r == 0)
			r = strv_add(out, text_get(&s.word));
		if (r != 0)
			break;
	}
	text_release(&s.word);
	return r;
}

static bool is_plain(const char *word)
{
	for (const char *p = word; *p; p++) {
		bool alphanumeric = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		                    (*p >= '0' && *p <= '9');

		if (!alphanumeric && !((unsigned char)*p & 0x80) && !strchr("_@%+=:,./-", *p))
			return false;
	}
	return *word != '\0';
}

static int quote_char(char c, struct text *out)
{
	switch (c) {
	case '"': return text_add_string(out, "\\\"");
	case '\\': return text_add_string(out, "\\\\");
	case '$': return text_add_string(out, "$$");
	case '\n': return text_add_string(out, "${newline}");
	default: return text_add_char(out, c);
	}
}

int words_quote(const char *word, struct text *out)
{
	int r;

	if (is_plain(word))
		return text_add_string(out, word);
	r = text_add_char(out, '"');
	for (const char *p = word; *p && r == 0; p++)
		r = quote_char(*p, out);
	return r == 0 ? text_add_char(out, '"') : r;
}
