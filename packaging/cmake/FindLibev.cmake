# SPDX-License-Identifier: MIT
# libev has no pkg-config file on Debian and sits in include/libev on some RPM systems.
# Defines the imported target Libev::Libev.
pkg_check_modules(PC_LIBEV QUIET libev)
find_path(Libev_INCLUDE_DIR ev.h HINTS ${PC_LIBEV_INCLUDE_DIRS} PATH_SUFFIXES libev)
find_library(Libev_LIBRARY ev HINTS ${PC_LIBEV_LIBRARY_DIRS})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libev REQUIRED_VARS Libev_LIBRARY Libev_INCLUDE_DIR)
if(Libev_FOUND AND NOT TARGET Libev::Libev)
	add_library(Libev::Libev UNKNOWN IMPORTED)
	set_target_properties(Libev::Libev PROPERTIES
		IMPORTED_LOCATION ${Libev_LIBRARY}
		INTERFACE_INCLUDE_DIRECTORIES ${Libev_INCLUDE_DIR})
endif()
mark_as_advanced(Libev_INCLUDE_DIR Libev_LIBRARY)
