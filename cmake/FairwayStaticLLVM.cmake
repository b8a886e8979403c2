# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Debian configures LLVM with LLVM_LINK_LLVM_DYLIB=ON, so every imported MLIR*
# and lld* static target carries "LLVM" (libLLVM.so) in its link interface.
# Fairway is one self-contained library, so swap it for the static components.
# A no-op for an LLVM that was built without the dylib.
get_property(_all DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(_target IN LISTS _all)
  get_target_property(_type ${_target} TYPE)
  get_target_property(_libs ${_target} INTERFACE_LINK_LIBRARIES)
  if(_type STREQUAL "STATIC_LIBRARY" AND _libs)
    set(_new ${_libs})
    # Polly: Debian's LLVMExtensions links it.
    list(REMOVE_ITEM _new LLVM "$<LINK_ONLY:LLVM>" MLIR Polly)
    if(NOT _new STREQUAL _libs)
      if(NOT _target STREQUAL "LLVMExtensions")
        list(APPEND _new LLVMSupport)
      endif()
      set_target_properties(${_target} PROPERTIES INTERFACE_LINK_LIBRARIES "${_new}")
    endif()
  endif()
endforeach()

if(TARGET zstd::libzstd_shared AND zstd_STATIC_LIBRARY)
  set_target_properties(zstd::libzstd_shared PROPERTIES
    IMPORTED_LOCATION "${zstd_STATIC_LIBRARY}")
endif()
