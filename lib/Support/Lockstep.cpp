//===- Lockstep.cpp - the samples of a model side by side -----------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "fairway/Support/Lockstep.h"

#include "mlir/IR/Block.h"
#include "mlir/IR/Region.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace fairway;

namespace {

class Walker {
public:
  explicit Walker(llvm::function_ref<void(Counterparts)> visit)
      : visit(visit) {}

  LogicalResult walk(Counterparts ops);

private:
  LogicalResult walkBlocks(ArrayRef<Block *> blocks, Operation *owner);

  /// Whether the operation in another sample is the first one's, on the same
  /// operands.
  bool matches(Operation *first, Operation *other) const;

  static LogicalResult differ(Operation *first) {
    return first->emitError("unsupported operation: what it does depends on "
                            "sizes that are to stay open");
  }

  void pair(ValueRange first, ValueRange other) {
    for (auto [a, b] : llvm::zip(first, other))
      firstOf[b] = a;
  }

  llvm::function_ref<void(Counterparts)> visit;
  /// Of values in the other samples, those in the first.
  llvm::DenseMap<Value, Value> firstOf;
};

} // namespace

bool Walker::matches(Operation *first, Operation *other) const {
  if (first->getName() != other->getName() ||
      first->getNumOperands() != other->getNumOperands() ||
      first->getNumResults() != other->getNumResults() ||
      first->getNumRegions() != other->getNumRegions())
    return false;
  for (auto [a, b] : llvm::zip(first->getOperands(), other->getOperands()))
    if (firstOf.lookup(b) != a)
      return false;
  return true;
}

LogicalResult Walker::walkBlocks(ArrayRef<Block *> blocks, Operation *owner) {
  Block *first = blocks.front();
  for (Block *other : blocks.drop_front()) {
    if (other->getNumArguments() != first->getNumArguments() ||
        other->getOperations().size() != first->getOperations().size())
      return differ(owner);
    pair(first->getArguments(), other->getArguments());
  }
  SmallVector<Block::iterator> at;
  for (Block *block : blocks)
    at.push_back(block->begin());
  for (; at.front() != first->end(); llvm::for_each(at, [](auto &it) { ++it; }))
    if (failed(walk(
            llvm::map_to_vector(at, [](Block::iterator it) { return &*it; }))))
      return failure();
  return success();
}

LogicalResult Walker::walk(Counterparts ops) {
  Operation *first = ops.front();
  for (Operation *other : ops.drop_front()) {
    if (!matches(first, other))
      return differ(first);
    pair(first->getResults(), other->getResults());
  }
  visit(ops);
  for (unsigned region = 0; region < first->getNumRegions(); ++region) {
    SmallVector<Region::iterator> at;
    size_t count = first->getRegion(region).getBlocks().size();
    for (Operation *op : ops) {
      if (op->getRegion(region).getBlocks().size() != count)
        return differ(first);
      at.push_back(op->getRegion(region).begin());
    }
    for (; count > 0; --count, llvm::for_each(at, [](auto &it) { ++it; }))
      if (failed(walkBlocks(
              llvm::map_to_vector(at, [](Region::iterator it) { return &*it; }),
              first)))
        return failure();
  }
  return success();
}

LogicalResult
fairway::walkInStep(Counterparts roots,
                    llvm::function_ref<void(Counterparts)> visit) {
  return Walker(visit).walk(roots);
}

bool fairway::areEqual(Counterparts ops) {
  bool equal = true;
  auto compare = [&](Counterparts found) {
    Operation *first = found.front();
    for (Operation *other : found.drop_front())
      equal &= first->getResultTypes() == other->getResultTypes() &&
               first->getAttrDictionary() == other->getAttrDictionary();
  };
  compare(ops);
  SmallVector<SmallVector<Operation *>> inside(ops.size());
  for (size_t i = 0; i < ops.size(); ++i)
    ops[i]->walk([&](Operation *inner) { inside[i].push_back(inner); });
  for (const auto &list : inside)
    if (list.size() != inside.front().size())
      return false;
  for (size_t i = 0; equal && i < inside.front().size(); ++i)
    compare(llvm::map_to_vector(inside, [&](auto &list) { return list[i]; }));
  return equal;
}
