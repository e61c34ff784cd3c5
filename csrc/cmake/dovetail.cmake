# What the compiled packages share: the language, the warnings and how an extension module is put together.
# Each package's CMakeLists.txt sets DOVETAIL_CSRC (this file's parent folder) and includes this.

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON) # vector types and target_clones
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_LINK_DEPENDS_NO_SHARED ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

option(DOVETAIL_WERROR "Treat compiler warnings as errors" OFF)
add_compile_options(-Wall -Wextra $<$<BOOL:${DOVETAIL_WERROR}>:-Werror>)

# "address,undefined" or "thread": what GCC and Clang call these. Every report of undefined behaviour is an error.
set(DOVETAIL_SANITIZE "" CACHE STRING "Sanitizers to build with, separated by commas")
if(DOVETAIL_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1")
  add_compile_options(-fsanitize=${DOVETAIL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${DOVETAIL_SANITIZE})
  if(DOVETAIL_SANITIZE MATCHES address)
    add_compile_definitions(DOVETAIL_EXACT_MEMORY) # no caches, which would hide an access to freed or foreign memory
  endif()
endif()

# Python_EXECUTABLE and CMAKE_PREFIX_PATH come from the build hook (cmake_hook.py).
set(PYBIND11_FINDPYTHON ON)
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)
find_package(pybind11 3 CONFIG REQUIRED)

# A part of a module: an object library that sees csrc/ and csrc/abi/ and nothing else, so that what it may include is
# enforced by what it is linked with. dovetail_part(<name> <pattern>...), patterns relative to csrc/.
function(dovetail_part name)
  list(TRANSFORM ARGN PREPEND "${DOVETAIL_CSRC}/" OUTPUT_VARIABLE patterns)
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  add_library(${name} OBJECT ${sources})
  target_include_directories(${name} PRIVATE "${DOVETAIL_CSRC}" "${DOVETAIL_CSRC}/abi")
endfunction()

# Says of a part that its loops are over the few sizes and arguments of a call. As calls of memmove, in vectors that wait
# until what was written just before has reached the cache, or as string instructions, they take longer. What a thread
# has of its own is reached without a call, the flags that say whether it is there yet too. (So nothing here may use what
# libstdc++ keeps for a thread, as std::call_once does: that has no place if another module has loaded the library before.)
function(dovetail_calls part)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${part} PRIVATE -fno-tree-loop-distribute-patterns -fno-tree-vectorize -ftls-model=initial-exec)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
      target_compile_options(${part} PRIVATE -mmemset-strategy=unrolled_loop:256:noalign,libcall:-1:noalign)
    endif()
  endif()
endfunction()

# The extension module <name>, made of the parts given, at <folder> of the wheel. ${DOVETAIL_INPLACE} mirrors what an
# editable install has in src/: the module with the rpath of the build folder, and the headers.
set(DOVETAIL_INPLACE "${CMAKE_BINARY_DIR}/inplace")
function(dovetail_module name folder)
  pybind11_add_module(${name} MODULE NO_EXTRAS)
  foreach(part IN LISTS ARGN)
    target_sources(${name} PRIVATE $<TARGET_OBJECTS:${part}>)
  endforeach()
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${DOVETAIL_INPLACE}/${folder}")
  install(TARGETS ${name} LIBRARY DESTINATION ${folder})
endfunction()

# Headers of csrc/<from>, shipped in <folder> of the wheel. dovetail_headers(<from> <folder> <header>...)
function(dovetail_headers from folder)
  foreach(header IN LISTS ARGN)
    configure_file("${DOVETAIL_CSRC}/${from}/${header}" "${DOVETAIL_INPLACE}/${folder}/${header}" COPYONLY)
  endforeach()
  install(DIRECTORY "${DOVETAIL_INPLACE}/${folder}/" DESTINATION ${folder})
endfunction()
