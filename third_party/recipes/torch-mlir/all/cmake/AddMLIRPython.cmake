# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Found before MLIR's own module of this name. While MLIR's python/CMakeLists.txt
# is read, only its declarations are wanted; afterwards the library behind the C
# API is made from archives, because an installed MLIR has no object libraries.
include("${MLIR_CMAKE_DIR}/AddMLIRPython.cmake")
if(DECLARE_ONLY)
  function(add_mlir_python_common_capi_library)
  endfunction()
  function(add_mlir_python_modules)
  endfunction()
  function(add_llvm_install_targets)
  endfunction()
else()
  function(add_mlir_python_common_capi_library name)
    cmake_parse_arguments(ARG ""
      "INSTALL_COMPONENT;INSTALL_DESTINATION;OUTPUT_DIRECTORY;RELATIVE_INSTALL_ROOT"
      "DECLARED_HEADERS;DECLARED_SOURCES;EMBED_LIBS" ${ARGN})
    set(_libraries ${ARG_EMBED_LIBS})
    _flatten_mlir_python_targets(_sources ${ARG_DECLARED_SOURCES})
    foreach(_source IN LISTS _sources)
      get_target_property(_embedded ${_source} mlir_python_EMBED_CAPI_LINK_LIBS)
      if(_embedded)
        list(APPEND _libraries ${_embedded})
      endif()
    endforeach()
    list(REMOVE_DUPLICATES _libraries)
    file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp" "")
    file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/${name}.map"
      "{ global: mlir*; torchMlir*; local: *; };\n")
    add_library(${name} SHARED "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp")
    target_link_libraries(${name} PRIVATE ${_libraries})
    target_link_options(${name} PRIVATE -fuse-ld=lld "-B${LLVM_TOOLS_BINARY_DIR}"
      # Takes every archive member that defines an entry point of the C API.
      LINKER:--undefined-glob=mlir* LINKER:--undefined-glob=torchMlir*
      "LINKER:--version-script=${CMAKE_CURRENT_BINARY_DIR}/${name}.map"
      LINKER:--gc-sections LINKER:--as-needed -static-libstdc++ -static-libgcc)
    set_target_properties(${name} PROPERTIES
      LIBRARY_OUTPUT_DIRECTORY "${ARG_OUTPUT_DIRECTORY}"
      BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN")
  endfunction()
endif()
