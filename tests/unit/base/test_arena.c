/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "unit/suite.h"

START_TEST(memory_is_zeroed_aligned_and_apart)
{
	struct arena *a = arena_new();
	unsigned char *before = NULL;

	for (size_t size = 1; size < 3000; size = size * 3 + 1) {
		unsigned char *p = arena_alloc(a, size);

		ck_assert_uint_eq((uintptr_t)p % _Alignof(uint64_t), 0);
		for (size_t i = 0; i < size; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xff, size);
		ck_assert_ptr_ne(p, before);
		before = p;
	}
	arena_free(a);
}
END_TEST

START_TEST(a_piece_larger_than_any_chunk_is_served)
{
	struct arena *a = arena_new();
	size_t size = 3u << 20;
	char *small = arena_alloc(a, 8), *big = arena_alloc(a, size), *after = arena_alloc(a, 8);

	memset(big, 1, size);
	ck_assert_int_eq(small[0], 0);
	ck_assert_int_eq(after[0], 0);
	ck_assert_uint_eq(arena_used(a), size + 16);
	arena_free(a);
}
END_TEST

/* C3: no memory is an answer, not an end */
START_TEST(c3_what_cannot_be_had_is_told_once_and_for_all)
{
	struct arena *a = arena_new();
	const char *text = arena_intern(a, "kept");
	size_t used = arena_used(a);

	ck_assert(!arena_failed(a));
	ck_assert_ptr_null(arena_alloc(a, SIZE_MAX));
	ck_assert_ptr_null(arena_alloc(a, SIZE_MAX - 8));
	ck_assert_ptr_null(arena_alloc(a, SIZE_MAX / 2));
	ck_assert(arena_failed(a));
	/* what is there stays, and small pieces may still be had */
	ck_assert_uint_eq(arena_used(a), used);
	ck_assert_ptr_eq(arena_intern(a, "kept"), text);
	ck_assert_str_eq(arena_intern(a, "new"), "new");
	ck_assert(arena_failed(a));
	arena_free(a);
}
END_TEST

START_TEST(nothing_is_also_a_size)
{
	struct arena *a = arena_new();

	ck_assert_ptr_nonnull(arena_alloc(a, 0));
	arena_free(a);
	arena_free(NULL);
}
END_TEST

START_TEST(equal_texts_are_stored_once)
{
	struct arena *a = arena_new();
	char text[32];
	const char *first[1000];
	size_t used;

	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "value %d", i);
		first[i] = arena_intern(a, text);
		ck_assert_str_eq(first[i], text);
	}
	used = arena_used(a);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "value %d", i);
		ck_assert_ptr_eq(arena_intern(a, text), first[i]);
	}
	ck_assert_uint_eq(arena_used(a), used);
	arena_free(a);
}
END_TEST

START_TEST(the_empty_text_is_a_text)
{
	struct arena *a = arena_new();

	ck_assert_str_eq(arena_intern(a, ""), "");
	ck_assert_ptr_eq(arena_intern(a, ""), arena_intern(a, ""));
	arena_free(a);
}
END_TEST

START_TEST(a_text_and_its_beginning_are_two)
{
	struct arena *a = arena_new();
	const char *longer = arena_intern(a, "program"), *shorter = arena_intern(a, "prog");

	ck_assert_str_eq(longer, "program");
	ck_assert_str_eq(shorter, "prog");
	arena_free(a);
}
END_TEST

START_TEST(records_are_shared_and_aligned)
{
	struct arena *a = arena_new();
	const uint64_t record[2] = { 1, 2 };
	const void *first;

	arena_intern(a, "x"); /* leaves the next free byte unaligned */
	first = arena_intern_bytes(a, record, sizeof record);
	ck_assert_uint_eq((uintptr_t)first % _Alignof(uint64_t), 0);
	ck_assert_mem_eq(first, record, sizeof record);
	ck_assert_ptr_eq(arena_intern_bytes(a, record, sizeof record), first);
	arena_free(a);
}
END_TEST

START_TEST(a_text_keeps_its_place_when_a_record_looks_the_same)
{
	struct arena *a = arena_new();
	const char *text;
	const void *record;

	arena_intern(a, "x");
	text = arena_intern(a, "seven..");
	record = arena_intern_bytes(a, "seven..", 8);
	ck_assert_uint_eq((uintptr_t)record % _Alignof(uint64_t), 0);
	ck_assert_ptr_eq(arena_intern(a, "seven.."), text);
	arena_free(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("arena");
	TCase *alloc = tcase_create("alloc");
	TCase *intern = tcase_create("intern");

	tcase_add_test(alloc, memory_is_zeroed_aligned_and_apart);
	tcase_add_test(alloc, a_piece_larger_than_any_chunk_is_served);
	tcase_add_test(alloc, c3_what_cannot_be_had_is_told_once_and_for_all);
	tcase_add_test(alloc, nothing_is_also_a_size);
	suite_add_tcase(s, alloc);
	tcase_add_test(intern, equal_texts_are_stored_once);
	tcase_add_test(intern, the_empty_text_is_a_text);
	tcase_add_test(intern, a_text_and_its_beginning_are_two);
	tcase_add_test(intern, records_are_shared_and_aligned);
	tcase_add_test(intern, a_text_keeps_its_place_when_a_record_looks_the_same);
	suite_add_tcase(s, intern);
	return suite_run(s);
}
