//===- LoadTest.cpp - from a file to a model ------------------------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Testing.h"

#include <cstdio>
#include <dlfcn.h>
#include <elf.h>
#include <fstream>
#include <unistd.h>

using namespace fairway::runtime::testing;

namespace {

std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// A file that lives as long as the test.
class TemporaryFile {
public:
  TemporaryFile() {
    char name[] = "/tmp/fairway-test-XXXXXX";
    close(mkstemp(name));
    path = name;
  }
  explicit TemporaryFile(const std::string &content) : TemporaryFile() {
    write(content);
  }
  ~TemporaryFile() { unlink(path.c_str()); }

  void write(const std::string &content) {
    std::ofstream(path, std::ios::binary) << content;
  }

  std::string path;
};

/// A shared library that is loaded in every program.
std::string libraryPath() {
  Dl_info info;
  EXPECT_NE(dladdr(reinterpret_cast<void *>(&fopen), &info), 0);
  return info.dli_fname;
}

/// A valid model's bytes with its ELF header changed.
template <typename Change> std::string withHeader(Change change) {
  std::string bytes = readFile(artefactPath("affine"));
  change(*reinterpret_cast<Elf64_Ehdr *>(&bytes[0]));
  return bytes;
}

} // namespace

TEST(Load, MissingFile) {
  expectLoadError("/nowhere/model.so", FAIRWAY_FILE_NOT_FOUND, "/nowhere");
}

TEST(Load, NullArguments) {
  fairway_model *model;
  EXPECT_EQ(fairway_model_load(nullptr, &model), FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(fairway_model_load("x", nullptr), FAIRWAY_INVALID_ARGUMENT);
  EXPECT_EQ(fairway_model_create(nullptr, &model), FAIRWAY_INVALID_ARGUMENT);
}

TEST(Load, EmptyFile) {
  expectLoadError(TemporaryFile("").path, FAIRWAY_NOT_AN_ARTEFACT, "empty");
}

TEST(Load, Directory) {
  expectLoadError("/tmp", FAIRWAY_NOT_AN_ARTEFACT, "no file");
}

TEST(Load, TextFile) {
  TemporaryFile file("not a model\n");
  expectLoadError(file.path, FAIRWAY_NOT_AN_ARTEFACT, "no ELF");
}

TEST(Load, SharedLibraryThatIsNoModel) {
  expectLoadError(libraryPath(), FAIRWAY_NOT_AN_ARTEFACT, "fairway_artefact");
}

TEST(Load, TruncatedAnywhere) {
  std::string bytes = readFile(artefactPath("weights"));
  ASSERT_GT(bytes.size(), 30000u);
  size_t step = bytes.size() / 97;
  for (size_t size = 4; size < bytes.size(); size += step) {
    TemporaryFile file(bytes.substr(0, size));
    expectLoadError(file.path, FAIRWAY_TRUNCATED, "truncated");
  }
  TemporaryFile lessOne(bytes.substr(0, bytes.size() - 1));
  expectLoadError(lessOne.path, FAIRWAY_TRUNCATED, "truncated");
}

TEST(Load, OtherArchitecture) {
  TemporaryFile file(withHeader([](Elf64_Ehdr &h) {
    h.e_machine = h.e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
  }));
  expectLoadError(file.path, FAIRWAY_WRONG_ARCHITECTURE, "was compiled for");
}

TEST(Load, OtherElfClass) {
  TemporaryFile file(
      withHeader([](Elf64_Ehdr &h) { h.e_ident[EI_CLASS] = ELFCLASS32; }));
  expectLoadError(file.path, FAIRWAY_NOT_AN_ARTEFACT, "32-bit");
}

TEST(Load, ObjectFile) {
  TemporaryFile file(withHeader([](Elf64_Ehdr &h) { h.e_type = ET_REL; }));
  expectLoadError(file.path, FAIRWAY_NOT_AN_ARTEFACT, "no shared library");
}

TEST(Load, HeadersFarBeyondTheEnd) {
  TemporaryFile sections(
      withHeader([](Elf64_Ehdr &h) { h.e_shoff = ~uint64_t(0) - 8; }));
  expectLoadError(sections.path, FAIRWAY_TRUNCATED, "section headers");
  TemporaryFile segments(
      withHeader([](Elf64_Ehdr &h) { h.e_phoff = ~uint64_t(0) - 8; }));
  expectLoadError(segments.path, FAIRWAY_TRUNCATED, "program headers");
}

TEST(Load, WrongMagic) {
  expectLoadError(artefactPath("wrong_magic"), FAIRWAY_NOT_AN_ARTEFACT,
                  "magic");
}

TEST(Load, WrongAbi) {
  expectLoadError(artefactPath("wrong_abi"), FAIRWAY_WRONG_ABI, "999");
}

TEST(Load, MissingCpuFeature) {
  if (fairway_cpu_has_feature("xop") == 1)
    GTEST_SKIP() << "this CPU has the feature";
  expectLoadError(artefactPath("needs_features"), FAIRWAY_MISSING_CPU_FEATURE,
                  "xop");
}

TEST(Load, NameWithoutSlashIsAFile) {
  TemporaryFile file(readFile(artefactPath("affine")));
  ASSERT_EQ(chdir("/tmp"), 0);
  EXPECT_TRUE(load(file.path.substr(file.path.rfind('/') + 1)));
}

TEST(Load, ReplacedFileIsLoadedAnew) {
  TemporaryFile file(readFile(artefactPath("affine"))), other;
  ModelPtr before = load(file.path);
  other.write(readFile(artefactPath("triple")));
  ASSERT_EQ(rename(other.path.c_str(), file.path.c_str()), 0);
  ModelPtr after = load(file.path);

  AffineParameters parameters(5, 1);
  AffineCall call(1);
  parameters.prepare(before.get());
  parameters.prepare(after.get());
  ASSERT_EQ(call.run(before.get(), 1), FAIRWAY_OK);
  call.expect(2 * 5 + 1);
  ASSERT_EQ(call.run(after.get(), 1), FAIRWAY_OK);
  call.expect(3 * 5 + 1);
}

TEST(Load, StatusNames) {
  EXPECT_STREQ(fairway_status_name(FAIRWAY_WRONG_ABI), "FAIRWAY_WRONG_ABI");
  EXPECT_STREQ(fairway_status_name(-1), "unknown status");
}
