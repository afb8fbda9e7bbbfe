# SPDX-License-Identifier: MIT
# Compiler flags and the functions that make targets.  Every target of the project goes through
# verger_flags(), so that a warning or a sanitizer is switched in one place.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# system calls decide how long anything takes here, and small code keeps fewer pages (I2, docs/adr/0008)
set(CMAKE_C_FLAGS_RELEASE "-Os -DNDEBUG")
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
	include(CheckIPOSupported)
	check_ipo_supported(RESULT VERGER_LTO LANGUAGES C)
	set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${VERGER_LTO})
endif()

function(verger_flags target)
	target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
	target_compile_options(${target} PRIVATE
		-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
		-Wformat=2 -Wwrite-strings -Wpointer-arith -fstack-protector-strong -fno-common)
	if(VERGER_DEVELOP)
		target_compile_options(${target} PRIVATE -Werror)
	endif()
	if(VERGER_SANITIZE)
		target_compile_options(${target} PRIVATE
			-fsanitize=${VERGER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
		string(REPLACE ",fuzzer-no-link" "" link_sanitizers ${VERGER_SANITIZE})
		target_link_options(${target} PRIVATE -fsanitize=${link_sanitizers})
	endif()
	if(CMAKE_BUILD_TYPE STREQUAL "Release")
		target_compile_options(${target} PRIVATE -D_FORTIFY_SOURCE=2
			-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables)
		target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now -Wl,--gc-sections)
	endif()
endfunction()

# verger_layer(NAME SOURCES a.c b.c USES lower-layers and libraries)
# One static library per folder of src/.  Headers are included as "layer/noun.h".
function(verger_layer name)
	cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
	add_library(verger-${name} STATIC ${ARG_SOURCES})
	target_include_directories(verger-${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
	target_link_libraries(verger-${name} PUBLIC ${ARG_USES})
	verger_flags(verger-${name})
endfunction()
