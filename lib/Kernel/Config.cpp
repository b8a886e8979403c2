//===- Config.cpp - how a kernel is generated, as an attribute ------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Kernel/Config.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace fairway;

#include "fairway/Kernel/ConfigDialect.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "fairway/Kernel/ConfigAttributes.cpp.inc"

/// More rows or vectors than any processor has registers for only make code
/// that takes minutes to compile.
static constexpr int64_t kMaxRows = 32, kMaxVectors = 8;
/// What is fetched further ahead has left the cache again before it is used.
static constexpr int64_t kMaxPanelsAhead = 8;

void FairwayDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "fairway/Kernel/ConfigAttributes.cpp.inc"
      >();
}

LogicalResult FairwayDialect::verifyOperationAttribute(Operation *op,
                                                       NamedAttribute named) {
  if (named.getName() != kConfigAttr)
    return success();
  if (!isa<KernelConfigAttr>(named.getValue()))
    return op->emitError() << "'" << kConfigAttr
                           << "' is no #fairway.kernel_config";
  if (!isa<FunctionOpInterface>(op) || !op->hasAttr("fairway.kernel"))
    return op->emitError() << "'" << kConfigAttr << "' is only for kernels";
  return success();
}

LogicalResult KernelConfigAttr::verify(
    llvm::function_ref<InFlightDiagnostic()> emitError, DenseI64ArrayAttr tile,
    std::optional<int64_t> rows, std::optional<int64_t> vectors,
    std::optional<int64_t> piece, std::optional<int64_t> prefetch) {
  if (tile)
    for (int64_t size : tile.asArrayRef())
      if (size < 0)
        return emitError() << "a tile size of " << size
                           << " makes no sense; 0 leaves a loop whole";
  auto check = [&](StringRef name, std::optional<int64_t> value, int64_t low,
                   int64_t high) -> LogicalResult {
    if (!value || (*value >= low && *value <= high))
      return success();
    return emitError() << "'" << name << "' is " << *value << ", not from "
                       << low << " to " << high;
  };
  return success(succeeded(check("rows", rows, 1, kMaxRows)) &&
                 succeeded(check("vectors", vectors, 1, kMaxVectors)) &&
                 succeeded(check("piece", piece, 0, int64_t(1) << 40)) &&
                 succeeded(check("prefetch", prefetch, 0, kMaxPanelsAhead)));
}

KernelConfigAttr fairway::getConfig(func::FuncOp kernel) {
  if (auto config = kernel->getAttrOfType<KernelConfigAttr>(kConfigAttr))
    return config;
  return KernelConfigAttr::get(kernel.getContext(), {}, {}, {}, {}, {});
}

std::string fairway::printConfig(KernelConfigAttr config) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << config;
  // `#fairway.kernel_config<` and `>`.
  return StringRef(text).split('<').second.drop_back().str();
}

FailureOr<KernelConfigAttr> fairway::parseConfig(StringRef text, Location loc) {
  // The parser reports on places in `text`, which nobody has ever seen.
  std::string problem;
  Attribute attribute;
  {
    ScopedDiagnosticHandler handler(loc.getContext(), [&](Diagnostic &said) {
      problem = said.str();
      return success();
    });
    attribute = parseAttribute(("#fairway.kernel_config<" + text + ">").str(),
                               loc.getContext());
  }
  if (auto config = dyn_cast_if_present<KernelConfigAttr>(attribute))
    return config;
  emitError(loc) << "'" << text << "' is no configuration of a kernel"
                 << (problem.empty() ? "" : ": ") << problem;
  return failure();
}
