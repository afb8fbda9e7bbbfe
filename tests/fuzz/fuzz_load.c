/* SPDX-License-Identifier: MIT */
/* Bytes as a whole configuration (B1): refused with a sentence, or settings that print as a file
 * that reads as the same settings again.  Nothing of the machine is asked. */
#include "config/load.h"
#include "config/print.h"
#include "fuzz.h"

static const char *const environment[] = { "HOME=/home/x", "QUOTED=a 'b", "EMPTY=", NULL };
static const struct conf_context context = { .environ = (char *const *)environment,
	                                     .default_run_dir = "/run/x" };

static char *print(const struct settings *s, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		abort();
	fuzz_expect(conf_print(s, out) == 0, "settings can be printed");
	fclose(out);
	return text;
}

static void print_and_load(const struct settings *first)
{
	struct diags diags = DIAGS_INIT;
	struct settings *second = NULL;
	size_t first_size, second_size;
	char *first_text = print(first, &first_size), *second_text;
	int r = conf_load_bytes("printed.ini", first_text, first_size, &context, &second, &diags);

	if (r != CONF_OK) {
		fputs(first_text, stderr);
		diags_print(&diags, stderr);
	}
	fuzz_expect(r == CONF_OK, "what is printed can be read");
	second_text = print(second, &second_size);
	if (strcmp(first_text, second_text) != 0)
		fprintf(stderr, "first:\n%s\nsecond:\n%s\n", first_text, second_text);
	fuzz_expect(!strcmp(first_text, second_text), "and means the same");
	free(first_text);
	free(second_text);
	settings_free(second);
	diags_release(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diags diags = DIAGS_INIT;
	struct settings *settings = NULL;
	int r = conf_load_bytes("fuzz.ini", (const char *)data, size, &context, &settings, &diags);

	fuzz_expect((r == CONF_OK) == (diags.error_count == 0),
	            "a refusal has a fault, a success none");
	/* thousands of instances are right, and slow */
	if (r == CONF_OK && settings->program_count < 20)
		print_and_load(settings);
	settings_free(settings);
	diags_release(&diags);
	return 0;
}
