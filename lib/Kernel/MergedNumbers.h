//===- MergedNumbers.h - a number for all samples -----------------*- C++
//-*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_LIB_KERNEL_MERGEDNUMBERS_H
#define FAIRWAY_LIB_KERNEL_MERGEDNUMBERS_H

#include "OpenKernel.h"
#include "fairway/Support/Lockstep.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace fairway {

/// Gives for a number of each sample the one number that stands for them: a
/// constant where they agree, else the value of an expression, loaded at the
/// kernel's begin. A number that has none is an error, told once.
class MergedNumbers {
public:
  MergedNumbers(mlir::func::FuncOp kernel, OpenSizes &sizes,
                ExpressionTable &table)
      : kernel(kernel), place(kernel.getLoc()), sizes(sizes), table(table) {}

  /// Where errors are from now on.
  void setPlace(mlir::Location location) { place = location; }
  bool failed() const { return hadError; }

  /// Behind what was loaded so far.
  mlir::OpBuilder atEntry();

  mlir::OpFoldResult merge(llvm::ArrayRef<int64_t> values);

  /// Lists of numbers, of which the dynamic ones are `given`.
  llvm::SmallVector<mlir::OpFoldResult>
  merge(llvm::ArrayRef<llvm::ArrayRef<int64_t>> lists, mlir::ValueRange given);

  /// The shape of the ops' first result, which `first` is in the first sample.
  static llvm::SmallVector<int64_t> shape(mlir::MemRefType first,
                                          Counterparts ops);

  /// Adds what new numbers stand for to `operands`, as symbols.
  mlir::AffineMap mergeMaps(llvm::ArrayRef<mlir::AffineMap> maps,
                            llvm::SmallVectorImpl<mlir::Value> &operands);

  /// Indices, integers, and floating-point numbers that are a size or the
  /// reciprocal of one. Null after an error.
  mlir::Value mergeConstants(llvm::ArrayRef<mlir::TypedAttr> constants);

  /// The number of the expression with these values.
  std::optional<unsigned> numberOf(llvm::ArrayRef<int64_t> values);

private:
  mlir::AffineExpr mergeExprs(llvm::ArrayRef<mlir::AffineExpr> exprs,
                              unsigned firstSymbol,
                              llvm::SmallVectorImpl<mlir::Value> &operands);
  mlir::Value mergeFloats(llvm::ArrayRef<mlir::TypedAttr> constants);
  mlir::Value valueOf(unsigned expression);
  void error();

  mlir::func::FuncOp kernel;
  mlir::Location place;
  OpenSizes &sizes;
  ExpressionTable &table;
  llvm::DenseMap<unsigned, mlir::Value> loaded;
  mlir::Operation *last = nullptr; ///< of what was loaded
  bool hadError = false;
};

} // namespace fairway

#endif // FAIRWAY_LIB_KERNEL_MERGEDNUMBERS_H
