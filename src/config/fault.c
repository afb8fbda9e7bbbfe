/* SPDX-License-Identifier: MIT */
/* Makes the sentence.  Knows nothing of places. */
#include "config/fault.h"

#include <stdarg.h>
#include <stdio.h>

int fault_set(struct fault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->text, sizeof fault->text, format, args);
	va_end(args);
	for (unsigned char *p = (unsigned char *)fault->text; *p; p++)
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
	return FAULTY;
}
