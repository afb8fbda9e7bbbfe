/* SPDX-License-Identifier: MIT */
/* Bytes as names, values and output: what is written is JSON that jansson reads, what was UTF-8
 * comes back as it was, and what was not is marked (B3). */
#include <jansson.h>

#include "control/jsonout.h"
#include "base/utf8.h"
#include "fuzz.h"

/* what a decoder would have made of the bytes */
static struct text replace(const uint8_t *bytes, size_t size, bool *lossy)
{
	struct text text;
	const char *at = (const char *)bytes;

	text_init(&text, 4 * size + 4);
	while (size) {
		bool valid;
		size_t n = utf8_span(at, size, &valid);

		fuzz_expect(n > 0 && n <= size, "a span is of the bytes that are there");
		valid = valid && *at; /* there are readers whose strings end at a NUL */
		*lossy |= !valid;
		if (valid)
			text_add(&text, at, n);
		else
			text_add_string(&text, UTF8_REPLACEMENT);
		at += n;
		size -= n;
	}
	return text;
}

static void expect_string(const json_t *value, const uint8_t *bytes, size_t size)
{
	bool lossy = false;
	struct text expected = replace(bytes, size, &lossy);

	fuzz_expect(json_is_string(value), "a string is a string");
	fuzz_expect(json_string_length(value) == expected.size &&
	                    !memcmp(json_string_value(value), text_get(&expected), expected.size),
	            "what was written is what can be read");
	if (!lossy)
		fuzz_expect(json_string_length(value) == size &&
		                    (size == 0 || !memcmp(json_string_value(value), bytes, size)),
		            "UTF-8 comes back as it was");
	text_release(&expected);
}

/* The first byte says how long the first string is, the second how the object is built. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text text;
	struct jsonout j;
	json_t *root, *list;
	json_error_t error;
	size_t first;
	int64_t number = 0;
	bool lossy = false;
	struct text unused;

	if (size < 2)
		return 0;
	first = data[0] < size - 2 ? data[0] : size - 2;
	memcpy(&number, data, size < sizeof number ? size : sizeof number);
	text_init(&text, data[1] == 0xff ? 16 : 1 << 20);
	jsonout_init(&j, &text);
	jsonout_object(&j, NULL);
	jsonout_bytes(&j, "a", (const char *)data + 2, first);
	jsonout_array(&j, "list");
	for (int i = data[1] % 4; i > 0; i--) {
		jsonout_object(&j, NULL);
		jsonout_int(&j, "n", number);
		jsonout_object_end(&j);
	}
	jsonout_bytes(&j, NULL, (const char *)data + 2 + first, size - 2 - first);
	jsonout_array_end(&j);
	jsonout_time(&j, "t", number % INT64_C(200000000000000000));
	jsonout_lossy(&j);
	jsonout_object_end(&j);
	if (j.failed) {
		fuzz_expect(text.size <= text.max_size, "a text that is full stays as it is");
		text_release(&text);
		return 0;
	}
	root = json_loadb(text_get(&text), text.size, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fprintf(stderr, "%s: %s\n", error.text, text_get(&text));
	fuzz_expect(root != NULL, "it is JSON");
	list = json_object_get(root, "list");
	expect_string(json_object_get(root, "a"), data + 2, first);
	fuzz_expect(json_array_size(list) == data[1] % 4 + 1u, "no element is lost");
	if (data[1] % 4)
		fuzz_expect(json_integer_value(json_object_get(json_array_get(list, 0), "n")) ==
		                    number,
		            "numbers come back");
	expect_string(json_array_get(list, data[1] % 4), data + 2 + first, size - 2 - first);
	unused = replace(data + 2, first, &lossy);
	text_release(&unused);
	unused = replace(data + 2 + first, size - 2 - first, &lossy);
	text_release(&unused);
	fuzz_expect(lossy == json_is_true(json_object_get(root, "lossy")), "a loss is marked");
	json_decref(root);
	text_release(&text);
	return 0;
}
