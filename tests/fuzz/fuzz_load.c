/* SPDX-License-Identifier: MIT */
/* Bytes as two whole configurations (B1), a line of "%%" between them: each is refused with a
 * sentence, or is settings that print as a file that reads as the same settings again; and what
 * differs between them is told alike both ways.  Nothing of the machine is asked. */
#include "config/diff.h"
#include "config/keys.h"
#include "config/load.h"
#include "config/print.h"
#include "fuzz.h"

/* thousands of instances are right, and slow */
enum { PROGRAMS_MAX = 20 };

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

/* NULL when it is refused */
static struct settings *load(const char *bytes, size_t size)
{
	struct diags diags = DIAGS_INIT;
	struct settings *settings = NULL;
	int r = conf_load_bytes("fuzz.ini", bytes, size, &context, &settings, &diags);

	fuzz_expect((r == CONF_OK) == (diags.error_count == 0),
	            "a refusal has a fault, a success none");
	diags_release(&diags);
	return settings;
}

/* what is told of one comparison */
struct tally {
	size_t keys, restarts;
	size_t moves; /* keys that take a restart if the way of the output differs */
	size_t held_size, fresh_size; /* bytes of all values */
	bool of_verger;
};

static void count_key(void *arg, const char *name, const char *held, const char *fresh)
{
	struct tally *t = arg;
	enum key_place place = t->of_verger ? KEY_IN_VERGER : KEY_IN_PROGRAM;
	const struct key *key = key_find(name, place);

	fuzz_expect(held || fresh, "a key that is told has a value");
	fuzz_expect(!held || !fresh || strcmp(held, fresh) != 0, "a key that is told differs");
	fuzz_expect(key || *name == '[', "a key that is told is in the table");
	t->keys++;
	t->restarts += key ? (key->flags & KEY_RESTARTS) != 0 : !strncmp(name, "[verger]", 8);
	t->moves += key && key->flags & KEY_MOVES;
	t->held_size += held ? strlen(held) + 1 : 0;
	t->fresh_size += fresh ? strlen(fresh) + 1 : 0;
}

static bool has_moved(const struct program_settings *held, const struct program_settings *fresh)
{
	return program_is_captured(held, 1) != program_is_captured(fresh, 1) ||
	       program_is_captured(held, 2) != program_is_captured(fresh, 2);
}

static struct tally compare_programs(struct conf_diff *d, const struct program_settings *held,
                                     const struct program_settings *fresh)
{
	enum reload_difference found = conf_diff_program(d, held, fresh);
	struct tally t = { .keys = 0 };

	conf_diff_program_keys(d, held, fresh, count_key, &t);
	fuzz_expect((found == RELOAD_EQUAL) == (t.keys == 0), "what differs has a key");
	fuzz_expect((found == RELOAD_NEEDS_RESTART) ==
	                    (t.restarts > 0 || (t.moves > 0 && has_moved(held, fresh))),
	            "a restart has a key that takes it");
	return t;
}

static struct tally compare_verger(struct conf_diff *d)
{
	struct tally t = { .of_verger = true };

	conf_diff_verger_keys(d, count_key, &t);
	fuzz_expect(t.keys > 0 || !conf_diff_fixed(d), "what cannot be changed is a change");
	return t;
}

static void expect_mirrored(struct tally there, struct tally back)
{
	fuzz_expect(there.keys == back.keys && there.restarts == back.restarts &&
	                    there.held_size == back.fresh_size &&
	                    there.fresh_size == back.held_size,
	            "a difference is the same both ways");
}

/* Compares every program of one with every program of the other; returns how many keys differ
 * between those in the same place. */
static size_t compare(const struct settings *a, const struct settings *b)
{
	struct conf_diff *there = conf_diff_new(a, b), *back = conf_diff_new(b, a);
	struct tally verger;
	size_t in_place;

	if (!there || !back)
		abort();
	verger = compare_verger(there);
	expect_mirrored(verger, compare_verger(back));
	in_place = verger.keys;
	for (size_t i = 0; i < a->program_count; i++) {
		for (size_t k = 0; k < b->program_count; k++) {
			const struct program_settings *p = &a->programs[i], *q = &b->programs[k];
			struct tally t = compare_programs(there, p, q);

			expect_mirrored(t, compare_programs(back, q, p));
			in_place += i == k ? t.keys : 0;
		}
	}
	fuzz_expect(!conf_diff_failed(there) && !conf_diff_failed(back), "there is memory");
	conf_diff_free(there);
	conf_diff_free(back);
	return in_place;
}

static void print_and_load(const struct settings *first)
{
	size_t first_size, second_size;
	char *first_text = print(first, &first_size), *second_text;
	struct settings *second = load(first_text, first_size);

	if (!second)
		fputs(first_text, stderr);
	fuzz_expect(second != NULL, "what is printed can be read");
	second_text = print(second, &second_size);
	if (strcmp(first_text, second_text) != 0)
		fprintf(stderr, "first:\n%s\nsecond:\n%s\n", first_text, second_text);
	fuzz_expect(!strcmp(first_text, second_text), "and means the same");
	fuzz_expect(compare(first, second) == 0, "and differs in nothing");
	free(first_text);
	free(second_text);
	settings_free(second);
}

/* The settings if they are worth a closer look. */
static struct settings *load_and_check(const char *bytes, size_t size)
{
	struct settings *settings = load(bytes, size);

	if (settings && settings->program_count < PROGRAMS_MAX) {
		print_and_load(settings);
		return settings;
	}
	settings_free(settings);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char between[] = "\n%%\n";
	const size_t width = sizeof between - 1;
	const char *bytes = (const char *)data;
	const char *at = size ? memmem(bytes, size, between, width) : NULL;
	struct settings *first = load_and_check(bytes, at ? (size_t)(at + 1 - bytes) : size);
	struct settings *second =
		at ? load_and_check(at + width, size - (size_t)(at + width - bytes)) : NULL;

	if (first && second)
		compare(first, second);
	settings_free(first);
	settings_free(second);
	return 0;
}
