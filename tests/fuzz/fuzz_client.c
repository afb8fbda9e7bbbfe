/* SPDX-License-Identifier: MIT */
/* What a vergerd that is none may send: bytes in pieces, replies that are no replies, and the table
 * of `status` made from them.  The first byte says how the rest is cut. */
#include <errno.h>

#include "client/frame.h"
#include "client/reply.h"
#include "ctl/report.h"
#include "fuzz.h"

enum { MESSAGE_MAX = 4096 };

static void show(const char *message, size_t size)
{
	const struct screen screen = { 0 };
	struct report report;
	struct text out;
	int r = report_read(&report, message, size, 0);

	text_init(&out, SIZE_MAX / 2);
	if (r == 0)
		report_print(&report, &screen, 40, SIZE_MAX, &out);
	fuzz_expect(r == 0 || r == -EBADMSG, "a report is read or refused");
	for (size_t i = 0; i < out.size; i++)
		fuzz_expect((unsigned char)out.data[i] >= ' ' || out.data[i] == '\n',
		            "nothing steers a terminal");
	text_release(&out);
	report_release(&report);
}

static void look_at(const char *message, size_t size)
{
	struct reply reply;
	json_t *parameters;

	fuzz_expect(strlen(message) == size, "a message ends at its NUL");
	show(message, size);
	if (reply_scan(message, size, &reply) < 0)
		return;
	parameters = reply_parameters(&reply);
	fuzz_expect(!parameters || json_is_object(parameters), "parameters are an object");
	json_decref(parameters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size ? (size_t)data[0] + 1 : 1;
	struct frame frame;
	int r = 0;

	frame_init(&frame, MESSAGE_MAX);
	for (size_t at = 1; at < size && r >= 0; at += piece) {
		size_t room, n = size - at < piece ? size - at : piece, message_size;
		const char *message;
		char *place;

		fuzz_expect(frame_room(&frame, &place, &room) == 0 && room >= n, "there is room");
		memcpy(place, data + at, n);
		frame_filled(&frame, n);
		while ((r = frame_next(&frame, &message, &message_size)) > 0)
			look_at(message, message_size);
	}
	fuzz_expect(r == 0 || r == -EMSGSIZE, "frames are cut or refused");
	frame_release(&frame);
	return 0;
}
