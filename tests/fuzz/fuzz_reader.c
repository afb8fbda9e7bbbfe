/* SPDX-License-Identifier: MIT */
/* Bytes as an INI file (B2): what comes out is well-formed and stands in the order of the lines. */
#include "config/reader.h"
#include "fuzz.h"

struct seen {
	unsigned line;
	int in_section;
};

static void on_section(void *context, const char *title, unsigned line)
{
	struct seen *seen = context;

	fuzz_expect(*title && strlen(title) <= READER_SECTION_MAX, "a section has a name");
	fuzz_expect(line > seen->line, "sections come in order");
	seen->line = line;
	seen->in_section = 1;
}

static void on_entry(void *context, const char *key, const char *value, unsigned line)
{
	struct seen *seen = context;

	fuzz_expect(seen->in_section, "an entry has a section");
	fuzz_expect(line > seen->line, "entries come in order");
	fuzz_expect(*key && strlen(key) <= READER_KEY_MAX, "an entry has a key");
	fuzz_expect(!strchr(value, '\n') && strlen(value) <= READER_VALUE_MAX,
	            "a value is one line");
	seen->line = line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = { .line = 0 };
	const struct reader_handler handler = { .on_section = on_section,
		                                .on_entry = on_entry,
		                                .context = &seen };
	struct diags diags = DIAGS_INIT;

	fuzz_expect(reader_parse((const char *)data, size, "fuzz.ini", &handler, &diags) == 0,
	            "there is memory");
	diags_release(&diags);
	return 0;
}
