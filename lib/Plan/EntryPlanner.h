//===- EntryPlanner.h - one entry becomes a list of steps ---------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_PLAN_ENTRYPLANNER_H
#define FAIRWAY_LIB_PLAN_ENTRYPLANNER_H

#include "fairway/Support/ArenaLayout.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"

namespace fairway {

/// A place in memory: an allocation until it is laid out, then as in the ABI.
struct Place {
  enum Kind { Allocation, Input, Output, Constant } kind;
  int64_t index;
  int64_t offset = 0;
};

struct Access {
  Place place;
  int64_t bytes;
  bool writes;
  /// Tile t touches only bytes [t * slab, (t + 1) * slab); 0 if not known.
  int64_t slab = 0;
  int64_t firstStep = 0, lastStep = 0; ///< of the allocation, once laid out
};

struct Step {
  mlir::func::FuncOp kernel;
  llvm::SmallVector<Access> accesses;
  int64_t tiles = 1;
  bool barrier = false;
};

/// Translates one entry, @main or @prepare, into steps. `open`: its sizes are a
/// sample's, and each call lays the arena out.
class EntryPlanner {
public:
  EntryPlanner(mlir::func::FuncOp entry, mlir::SymbolTable &symbols,
               llvm::SmallVector<Place> arguments, bool open)
      : entry(entry), symbols(symbols), arguments(std::move(arguments)),
        open(open) {}

  llvm::LogicalResult run();
  mlir::DictionaryAttr getAttr() const;

private:
  mlir::FailureOr<Place> findPlace(mlir::Value value);
  llvm::LogicalResult addCall(mlir::func::CallOp call);
  llvm::LogicalResult addCopy(mlir::Location loc, mlir::Value source,
                              Place target);
  llvm::LogicalResult placeResults(mlir::func::ReturnOp ret);
  llvm::SmallVector<int64_t> insertBarriers();
  void layOut(llvm::ArrayRef<int64_t> meetings);
  mlir::func::FuncOp getCopyKernel(mlir::Location loc, mlir::MemRefType type);

  mlir::func::FuncOp entry;
  mlir::SymbolTable &symbols;
  llvm::SmallVector<Place> arguments;
  llvm::SmallVector<Step> steps;
  llvm::SmallVector<int64_t> allocationBytes;
  llvm::DenseMap<mlir::Value, int64_t> allocationOf;
  llvm::DenseMap<int64_t, int64_t> outputOf; ///< allocation -> output
  bool open;
  /// Of the copies in an open entry, whose names must not tell their size.
  llvm::MapVector<mlir::Type, mlir::func::FuncOp> copies;
  std::vector<Lifetime> allocations; ///< in the arena
  ArenaLayout arena;
};

} // namespace fairway

#endif // FAIRWAY_LIB_PLAN_ENTRYPLANNER_H
