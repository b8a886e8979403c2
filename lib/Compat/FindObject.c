//===- FindObject.c - _dl_find_object for glibc before 2.35 ---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// GCC 12's unwinder, linked statically, asks glibc 2.35's _dl_find_object where
// the tables for a return address are. This one answers from dl_iterate_phdr,
// as older unwinders did.
//
//===----------------------------------------------------------------------===//
#define _GNU_SOURCE
#include <link.h>
#include <stddef.h>
#include <stdint.h>

// As <dlfcn.h> of glibc 2.35 and later has it.
struct FoundObject {
  unsigned long long flags;
  void *mapStart;
  void *mapEnd;
  struct link_map *linkMap;
  void *ehFrame;
#if defined(__i386__) || defined(__arm__)
#error "the structure differs here"
#endif
  unsigned long long reserved[7];
};

struct Search {
  uintptr_t address;
  struct FoundObject *found;
};

static int visitObject(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  struct Search *search = data;
  const ElfW(Phdr) *tables = NULL;
  const ElfW(Phdr) *match = NULL;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_LOAD && search->address >= start &&
        search->address - start < header->p_memsz)
      match = header;
    else if (header->p_type == PT_GNU_EH_FRAME)
      tables = header;
  }
  if (!match || !tables)
    return 0;
  uintptr_t start = info->dlpi_addr + match->p_vaddr;
  *search->found = (struct FoundObject){
      .mapStart = (void *)start,
      .mapEnd = (void *)(start + match->p_memsz),
      .ehFrame = (void *)(info->dlpi_addr + tables->p_vaddr)};
  return 1;
}

// By its own name it would clash with the declaration that newer systems have.
int findObject(void *address,
               struct FoundObject *result) __asm__("_dl_find_object");

int findObject(void *address, struct FoundObject *result) {
  struct Search search = {(uintptr_t)address, result};
  return dl_iterate_phdr(visitObject, &search) ? 0 : -1;
}
