//===- SliceBuffers.cpp - slices of an entry's tensors without copies -----===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SliceBuffers.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fairway;

static MemRefType getBufferType(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return MemRefType::get(type.getShape(), type.getElementType());
}

static Value toTensor(OpBuilder &b, Location loc, Type type, Value buffer,
                      bool writable) {
  return bufferization::ToTensorOp::create(b, loc, type, buffer,
                                           /*restrict=*/true, writable);
}

/// The type of the part of a buffer that a slice stands for; null if the part
/// is not dense.
static MemRefType getPartType(OffsetSizeAndStrideOpInterface slice,
                              MemRefType buffer, MemRefType part) {
  auto strided = memref::SubViewOp::inferRankReducedResultType(
      part.getShape(), buffer, slice.getMixedOffsets(), slice.getMixedSizes(),
      slice.getMixedStrides());
  bool dense = strided.getNumContiguousTrailingDims() == strided.getRank();
  return dense ? strided : MemRefType();
}

/// That part as a buffer of `type`; null if it is not dense.
static Value getPart(OpBuilder &b, OffsetSizeAndStrideOpInterface slice,
                     Value buffer, MemRefType type) {
  MemRefType strided =
      getPartType(slice, cast<MemRefType>(buffer.getType()), type);
  if (!strided)
    return {};
  Location loc = slice.getLoc();
  Value part = memref::SubViewOp::create(
      b, loc, strided, buffer, slice.getMixedOffsets(), slice.getMixedSizes(),
      slice.getMixedStrides());
  return UnrealizedConversionCastOp::create(b, loc, type, part).getResult(0);
}

/// Slices of an argument are read where the caller has it.
static void readSlices(BlockArgument arg) {
  SmallVector<tensor::ExtractSliceOp> slices;
  for (Operation *user : arg.getUsers())
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(user))
      slices.push_back(slice);
  if (slices.empty())
    return;
  Type type = arg.getType();
  arg.setType(getBufferType(arg));
  OpBuilder b = OpBuilder::atBlockBegin(arg.getOwner());
  Value whole = toTensor(b, arg.getLoc(), type, arg, /*writable=*/false);
  arg.replaceUsesWithIf(whole, [&](OpOperand &use) {
    return use.getOwner() != whole.getDefiningOp();
  });
  for (tensor::ExtractSliceOp slice : slices) {
    OpBuilder at(slice);
    Value part = getPart(at, slice, arg, getBufferType(slice.getResult()));
    if (!part)
      continue;
    slice.replaceAllUsesWith(toTensor(at, slice.getLoc(), slice.getType(), part,
                                      /*writable=*/false));
    slice.erase();
  }
}

/// The insertion that makes the next value of a tensor out of `value`.
static tensor::InsertSliceOp getNext(Value value) {
  for (Operation *user : value.getUsers())
    if (auto insert = dyn_cast<tensor::InsertSliceOp>(user))
      if (insert.getDest() == value)
        return insert;
  return {};
}

static bool samePlace(OffsetSizeAndStrideOpInterface a,
                      OffsetSizeAndStrideOpInterface b) {
  return a.getMixedOffsets() == b.getMixedOffsets() &&
         a.getMixedSizes() == b.getMixedSizes();
}

/// The slice that the kernel which computes `value` has as its destination.
static tensor::ExtractSliceOp getDestination(Value value) {
  auto call = value.getDefiningOp<func::CallOp>();
  if (!call)
    return {};
  unsigned firstOut = call.getNumOperands() - call.getNumResults();
  unsigned number = cast<OpResult>(value).getResultNumber();
  return call.getOperand(firstOut + number)
      .getDefiningOp<tensor::ExtractSliceOp>();
}

/// A tensor that slices are inserted into is one buffer from the beginning, and
/// the kernels write to parts of it.
static void writeSlices(bufferization::AllocTensorOp alloc) {
  for (Value value = alloc.getResult(); auto insert = getNext(value);
       value = insert.getResult())
    if (!getPartType(insert, getBufferType(value),
                     getBufferType(insert.getSource())))
      return;
  OpBuilder b(alloc);
  Value whole = memref::AllocOp::create(b, alloc.getLoc(),
                                        getBufferType(alloc.getResult()));
  SmallVector<tensor::ExtractSliceOp> destinations;
  Value value = alloc.getResult();
  while (tensor::InsertSliceOp insert = getNext(value)) {
    Value source = insert.getSource();
    tensor::ExtractSliceOp destination = getDestination(source);
    bool inPlace = destination && destination.getSource() == value &&
                   destination->hasOneUse() && samePlace(destination, insert);
    OpBuilder at(inPlace ? destination.getOperation() : insert.getOperation());
    Value part = getPart(at, insert, whole, getBufferType(source));
    if (inPlace)
      destination.replaceAllUsesWith(toTensor(at, insert.getLoc(),
                                              source.getType(), part,
                                              /*writable=*/true));
    else
      bufferization::MaterializeInDestinationOp::create(
          at, insert.getLoc(), /*result=*/Type(), source, part,
          /*restrict=*/true, /*writable=*/true);
    value = insert.getResult();
  }
  // A slice that is computed for its kernel's neighbours alone.
  for (Operation *user : llvm::make_early_inc_range(value.getUsers())) {
    auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
    if (!slice)
      continue;
    OpBuilder at(slice);
    if (Value part =
            getPart(at, slice, whole, getBufferType(slice.getResult()))) {
      slice.replaceAllUsesWith(toTensor(at, slice.getLoc(), slice.getType(),
                                        part, /*writable=*/true));
      slice.erase();
    }
  }
  b.setInsertionPointAfterValue(value);
  Value done = toTensor(b, alloc.getLoc(), alloc.getType(), whole,
                        /*writable=*/true);
  value.replaceUsesWithIf(done, [&](OpOperand &use) {
    return use.getOwner() != done.getDefiningOp();
  });
  // The insertions, which nobody reads any more.
  while (Operation *op = value.getDefiningOp()) {
    for (Operation *user : llvm::make_early_inc_range(value.getUsers()))
      if (isa<tensor::ExtractSliceOp>(user) && user->use_empty())
        user->erase();
    auto insert = dyn_cast<tensor::InsertSliceOp>(op);
    if (insert)
      value = insert.getDest();
    op->erase();
    if (!insert)
      break;
  }
}

void fairway::passSlicesByAddress(func::FuncOp entry) {
  for (BlockArgument arg : entry.getArguments())
    if (isa<RankedTensorType>(arg.getType()))
      readSlices(arg);
  entry.setType(FunctionType::get(entry.getContext(),
                                  entry.getBody().front().getArgumentTypes(),
                                  entry.getResultTypes()));
  for (auto alloc :
       llvm::to_vector(entry.getOps<bufferization::AllocTensorOp>()))
    if (getNext(alloc.getResult()))
      writeSlices(alloc);
}
