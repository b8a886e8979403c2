# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Found before MLIR's own module of this name. While upstream's
# mlir/python/CMakeLists.txt is read, only its declarations are wanted, not the
# targets that it builds from them.
include("${MLIR_CMAKE_DIR}/AddMLIRPython.cmake")
if(FAIRWAY_DECLARE_ONLY)
  function(add_mlir_python_common_capi_library)
  endfunction()
  function(add_mlir_python_modules)
  endfunction()
  function(add_llvm_install_targets)
  endfunction()
endif()
