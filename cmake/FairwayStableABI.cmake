# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# LLVM 22's AddMLIRPython.cmake knows nothing of Python's stable ABI:
#  * nanobind's library must be named nanobind-abi3-<domain>: the function that
#    builds it reads ${_ft} from the scope that calls it;
#  * nanobind_add_module() must get STABLE_ABI.
if(NOT TARGET Python::SABIModule)
  message(FATAL_ERROR "The stable ABI needs CMake 3.26 and CPython 3.12 or newer")
endif()
set(_ft "-abi3")
function(nanobind_add_module name)
  _nanobind_add_module(${name} STABLE_ABI ${ARGN})
endfunction()
