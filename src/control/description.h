/* SPDX-License-Identifier: MIT */
/* include/verger/io.verger.Supervisor.varlink, as it was when this was built (CMakeLists.txt). */
#pragma once

extern const char description_text[];
