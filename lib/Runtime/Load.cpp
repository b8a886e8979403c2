//===- Load.cpp - from a file to an artefact ------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Artefact.h"
#include "Elf.h"
#include "Failure.h"
#include "ThreadPool.h"

#include <cerrno>
#include <climits>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <map>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace fairway::runtime;

namespace {

constexpr char symbolName[] = "fairway_artefact";

/// What tells two files apart that had the same name at different times.
using FileId = std::pair<dev_t, ino_t>;

class OpenFile {
public:
  explicit OpenFile(const std::string &path)
      : descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
      std::string reason = strerror(errno);
      close(descriptor);
      fail(FAIRWAY_FILE_NOT_FOUND, "cannot open '" + path + "': " + reason);
    }
  }
  OpenFile(const OpenFile &) = delete;
  OpenFile &operator=(const OpenFile &) = delete;
  ~OpenFile() { close(descriptor); }

  FileId id() const { return {status.st_dev, status.st_ino}; }

  /// Throws a Failure unless the file is a whole artefact.
  void check(const std::string &path) const {
    if (!S_ISREG(status.st_mode))
      fail(FAIRWAY_NOT_AN_ARTEFACT,
           "'" + path + "' is not a compiled Fairway model: it is no file");
    size_t size = status.st_size;
    if (size == 0)
      return checkSharedLibrary(nullptr, 0, path, symbolName);
    void *data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED)
      fail(FAIRWAY_SYSTEM_ERROR,
           "cannot read '" + path + "': " + strerror(errno));
    auto unmap = [size](void *memory) { munmap(memory, size); };
    std::unique_ptr<void, decltype(unmap)> mapping(data, unmap);
    checkSharedLibrary(static_cast<unsigned char *>(data), size, path,
                       symbolName);
  }

private:
  int descriptor;
  struct stat status;
};

std::string absolutePath(const std::string &path) {
  // The dynamic linker searches elsewhere for a name without a slash.
  std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr),
                                              free);
  return real ? real.get() : path;
}

/// A spelling of `path` under which the dynamic linker does not know another
/// file. It answers a name that it has loaded before without looking at the
/// file, which may have been replaced since ("save" over an older model).
std::string freshSpelling(const std::string &path, FileId id) {
  static auto &loaded = *new std::map<std::string, FileId>;
  std::lock_guard<std::mutex> lock(ThreadPool::mutex());
  size_t slash = path.rfind('/');
  for (unsigned attempt = 0;; ++attempt) {
    std::string spelling = path.substr(0, slash + 1);
    for (unsigned bits = attempt; bits; bits >>= 1)
      spelling += bits & 1 ? "./" : "/";
    spelling += path.substr(slash + 1);
    auto [known, isNew] = loaded.try_emplace(spelling, id);
    if (isNew || known->second == id)
      return spelling;
  }
}

} // namespace

void CloseLibrary::operator()(void *handle) const { dlclose(handle); }

Library fairway::runtime::openArtefact(const std::string &path) {
  std::string absolute = absolutePath(path);
  OpenFile file(absolute);
  file.check(path);
  std::string spelling = freshSpelling(absolute, file.id());
  Library library(dlopen(spelling.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (!library) {
    const char *reason = dlerror();
    fail(FAIRWAY_SYSTEM_ERROR, "the dynamic linker cannot load '" + path +
                                   "': " + (reason ? reason : "no reason"));
  }
  return library;
}

const fairway_artefact_t &
fairway::runtime::findArtefact(const Library &library,
                               const std::string &path) {
  void *symbol = dlsym(library.get(), symbolName);
  if (!symbol)
    fail(FAIRWAY_NOT_AN_ARTEFACT,
         "'" + path +
             "' is not a compiled Fairway model: it exports no symbol "
             "'fairway_artefact'");
  return *static_cast<const fairway_artefact_t *>(symbol);
}
