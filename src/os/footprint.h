/* SPDX-License-Identifier: MIT */
/* Memory that was needed to start, and is not needed to run. */
#pragma once

/* Lets go of the pages of code and constants that are mapped now: reading a configuration takes far
 * more of them than waiting for events, and the kernel maps them in large pieces.  They are clean
 * pages of files; what is needed comes back at a minor fault each.  Data is not touched. */
void footprint_trim(void);
