//===- Config.td - how a kernel is generated, as an attribute -------------===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_KERNEL_CONFIG
#define FAIRWAY_KERNEL_CONFIG

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"

def FairwayDialect : Dialect {
  let name = "fairway";
  let cppNamespace = "::fairway";
  let summary = "What Fairway's stages tell each other of functions";
  let description = [{
    No operations and no types: attributes only. Those on functions and modules
    (`fairway.kernel`, `fairway.tiles`, ...) are explained by the passes that
    set them.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
}

def KernelConfigAttr : AttrDef<FairwayDialect, "KernelConfig"> {
  let mnemonic = "kernel_config";
  let summary = "How one kernel is generated";
  let description = [{
    The attribute `fairway.config` of a kernel. A field that is missing is
    chosen by the cost models; the passes that choose write down what they
    chose, so that behind the Kernel stage the configuration tells how the
    kernel was made, and given to the same kernel again it makes it so again.

    - `tile`: what `fairway-tile-kernels` divides the loops of the kernel's last
      op into; 0 leaves a loop whole, `[]` the whole kernel. Kernels that write
      several pieces of a result (a concatenation) have none.
    - `rows`, `vectors`: at most so many rows by so many vectors of results are
      in registers while a reduction runs. Rows are divided evenly: 14 by at
      most 6 is 5, 5 and 4.
    - `piece`: a contraction's reduction is cut into pieces of at most so many
      elements, each of which runs over the whole tile; 0: it is not cut.
    - `prefetch`: how many panels ahead weights are fetched; 0: they are not.

    `rows`, `vectors`, `piece` and `prefetch` are what `fairway-lower-generics`
    does to each reduction of the kernel that has such a thing; written down is
    what it did to the longest.

    ```mlir
    func.func private @matmul_0(...) attributes {
      fairway.config = #fairway.kernel_config<tile = [64, 3, 0], rows = 6,
          vectors = 2, piece = 256, prefetch = 1>}
    ```
  }];
  let parameters = (ins
    OptionalParameter<"::mlir::DenseI64ArrayAttr">:$tile,
    OptionalParameter<"::std::optional<int64_t>">:$rows,
    OptionalParameter<"::std::optional<int64_t>">:$vectors,
    OptionalParameter<"::std::optional<int64_t>">:$piece,
    OptionalParameter<"::std::optional<int64_t>">:$prefetch
  );
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // FAIRWAY_KERNEL_CONFIG
