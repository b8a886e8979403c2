# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# A CMake dependency provider, active through CMAKE_PROJECT_TOP_LEVEL_INCLUDES
# (pyproject.toml and CMakePresets.json set it). It answers find_package() for
# the packages below: whatever is already there is taken (MLIR_DIR,
# CMAKE_PREFIX_PATH and so on); for the rest it runs `conan install` once with
# the recipes of third_party/.
#
# An own LLVM: set MLIR_DIR to its lib/cmake/mlir, and FAIRWAY_MLIR_SOURCE_DIR
# to the `mlir` folder of the same sources (for the Python bindings).
set(FAIRWAY_PROVIDED_PACKAGES MLIR MLIRPythonSources TorchMLIR OnnxMLIR)
set(FAIRWAY_TORCH_MLIR "wheel" CACHE STRING
  "Which torch-mlir: wheel (the published one) or source (built on this LLVM)")
set_property(CACHE FAIRWAY_TORCH_MLIR PROPERTY STRINGS wheel source)
option(FAIRWAY_ONNX_MLIR "Build onnx-mlir and put its programs into the package" OFF)
set(FAIRWAY_GIT_MIRROR "" CACHE STRING
  "Stands in for https://github.com where torch-mlir or onnx-mlir are built from source")
set(FAIRWAY_APT_MODE "check" CACHE STRING
  "What to do where a distribution's package is missing: check (tell) or install")
set_property(CACHE FAIRWAY_APT_MODE PROPERTY STRINGS check install)
set(FAIRWAY_LLVM_PROVIDER "auto" CACHE STRING
  "Where LLVM comes from: the system's packages, its source, or auto (the system's if it can)")
set_property(CACHE FAIRWAY_LLVM_PROVIDER PROPERTY STRINGS auto system source)
set(FAIRWAY_MLIR_SOURCE_DIR "" CACHE PATH "The mlir folder of the sources of your own LLVM")

# Runs Conan and sets FAIRWAY_DEPENDENCY_PREFIXES in the caller.
function(fairway_conan_install)
  find_program(_conan conan NO_CACHE)
  if(NOT _conan)
    fairway_dependency_error("Conan is not on PATH (pip install 'conan>=2')")
  endif()
  # One home for every clone: the downloads and packages are shared.
  if(DEFINED ENV{CONAN_HOME})
    set(_home "$ENV{CONAN_HOME}")
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(_home "$ENV{XDG_CACHE_HOME}/fairway/conan")
  else()
    set(_home "$ENV{HOME}/.cache/fairway/conan")
  endif()
  set(_out "${CMAKE_BINARY_DIR}/conan")
  set(_run ${CMAKE_COMMAND} -E env CONAN_HOME=${_home} ${_conan})
  file(MAKE_DIRECTORY "${_home}")
  file(LOCK "${_home}/fairway.lock" GUARD FUNCTION TIMEOUT 1800)

  set(_arguments "${CMAKE_SOURCE_DIR}" --output-folder=${_out} --build=missing
    --lockfile=${CMAKE_SOURCE_DIR}/conan.lock
    -s build_type=Release
    -o "llvm/*:provider=${FAIRWAY_LLVM_PROVIDER}"
    -c tools.system.package_manager:mode=${FAIRWAY_APT_MODE}
    -c user.llvm:work_folder=${_home}/llvm # an interrupted build goes on there
    -cc core.sources:download_cache=${_home}/sources)
  if(Python_EXECUTABLE) # torch-mlir is a Python package: one for each version
    execute_process(COMMAND "${Python_EXECUTABLE}" -c
      "import sys; print('%d.%d' % sys.version_info[:2])"
      OUTPUT_VARIABLE _python OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    list(APPEND _arguments -o "torch-mlir/*:python=${_python}")
  endif()
  list(APPEND _arguments -o "&:torch_mlir=${FAIRWAY_TORCH_MLIR}")
  if(FAIRWAY_ONNX_MLIR)
    list(APPEND _arguments -o "&:with_onnx_mlir=True")
  endif()
  if(FAIRWAY_GIT_MIRROR)
    list(APPEND _arguments -c "user.fairway:git_mirror=${FAIRWAY_GIT_MIRROR}")
  endif()
  if(MLIR_FOUND AND FAIRWAY_MLIR_SOURCE_DIR)
    list(APPEND _arguments -o "&:with_llvm=False")
  endif()
  set(_duration "minutes the first time")
  set(_echo "")
  if(FAIRWAY_LLVM_PROVIDER STREQUAL "source")
    set(_duration "hours the first time; progress is below")
    set(_echo ECHO_OUTPUT_VARIABLE ECHO_ERROR_VARIABLE)
  endif()
  message(STATUS "Conan: preparing LLVM and torch-mlir (${_duration})")
  foreach(_step
      "profile;detect;--exist-ok"
      "remote;disable;*"
      "remote;add;fairway;${CMAKE_SOURCE_DIR}/third_party;--force"
      "install;${_arguments}")
    execute_process(COMMAND ${_run} ${_step}
      RESULT_VARIABLE _status OUTPUT_VARIABLE _log ERROR_VARIABLE _log ${_echo})
    if(_status AND NOT _step MATCHES "^remote;disable")
      fairway_dependency_error("${_log}")
    endif()
  endforeach()
  include("${_out}/fairway-dependencies.cmake")
  set(FAIRWAY_DEPENDENCY_PREFIXES ${FAIRWAY_DEPENDENCY_PREFIXES} PARENT_SCOPE)
  message(STATUS "Conan: ${FAIRWAY_DEPENDENCY_PREFIXES}")
endfunction()

# Says what is missing and the two ways out, and stops.
function(fairway_dependency_error reason)
  string(REGEX REPLACE ".*ERROR: " "" reason "${reason}")
  string(STRIP "${reason}" reason)
  if(reason MATCHES "user.fairway:git_mirror")
    message(FATAL_ERROR
      "Fairway could not get the sources of torch-mlir or onnx-mlir that were asked for.\n"
      "  why: ${reason}\n"
      "There are two ways out:\n"
      "  1. An address in the place of https://github.com:\n"
      "       pip install . -C cmake.define.FAIRWAY_GIT_MIRROR=file:///mirrors\n"
      "  2. Do without them, which are the defaults:\n"
      "       FAIRWAY_TORCH_MLIR=wheel, FAIRWAY_ONNX_MLIR=OFF\n")
  endif()
  file(STRINGS "${CMAKE_SOURCE_DIR}/third_party/recipes/llvm/all/apt-packages.txt" _packages)
  list(JOIN _packages " " _packages)
  message(FATAL_ERROR
    "Fairway could not get what it is built from (LLVM/MLIR 22.1.8, torch-mlir).\n"
    "  why: ${reason}\n"
    "There are three ways out:\n"
    "  1. Debian's packages. As root:\n"
    "       apt-get update\n"
    "       apt-get install ${_packages}\n"
    "     or let the build do it: pip install . -C cmake.define.FAIRWAY_APT_MODE=install\n"
    "  2. LLVM built from its source, an hour on 4 cores:\n"
    "       pip install -v . -C cmake.define.FAIRWAY_LLVM_PROVIDER=source\n"
    "  3. A build of LLVM 22.1.8 of your own, with MLIR and lld:\n"
    "       pip install . -C cmake.define.MLIR_DIR=PREFIX/lib/cmake/mlir \\\n"
    "                     -C cmake.define.FAIRWAY_MLIR_SOURCE_DIR=SOURCES/mlir\n")
endfunction()

macro(fairway_provide_dependency _fairway_method _fairway_package)
  if("${_fairway_package}" IN_LIST FAIRWAY_PROVIDED_PACKAGES AND NOT FAIRWAY_CONAN_DONE)
    # What Conan once gave is asked for again at each configuration, so that a
    # changed recipe is noticed; what the builder gave is left alone.
    if(NOT FAIRWAY_CONAN_USED)
      find_package(${_fairway_package} QUIET CONFIG BYPASS_PROVIDER)
    endif()
    if(FAIRWAY_CONAN_USED OR NOT ${_fairway_package}_FOUND)
      fairway_conan_install()
      list(PREPEND CMAKE_PREFIX_PATH ${FAIRWAY_DEPENDENCY_PREFIXES})
      set(FAIRWAY_CONAN_DONE TRUE)
      set(FAIRWAY_CONAN_USED TRUE CACHE INTERNAL "Conan provides dependencies to this build")
      foreach(_fairway_name IN LISTS FAIRWAY_PROVIDED_PACKAGES)
        if(NOT _fairway_name STREQUAL "MLIR")
          unset(${_fairway_name}_DIR CACHE) # its folder changes with its recipe
        endif()
      endforeach()
    endif()
  endif()
endmacro()

cmake_language(SET_DEPENDENCY_PROVIDER fairway_provide_dependency
  SUPPORTED_METHODS FIND_PACKAGE)
