//===- Passes.td - passes of the Graph stage -------------------*- tablegen -*-===//
//
// Part of the Fairway project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FAIRWAY_GRAPH_PASSES
#define FAIRWAY_GRAPH_PASSES

include "mlir/Pass/PassBase.td"

def UnrollLoops : Pass<"fairway-unroll-loops"> {
  let summary = "Write the steps of a loop around tensors one after another";
  let description = [{
    Importers make a loop of what repeats along an axis, such as the steps of a
    recurrent network. A loop whose number of steps is known becomes that many
    copies of its body, in which slices have constant places; kernels of the
    copies that are equal are one kernel later. A loop that would become more
    than `most-operations` is left, for the next pass to refuse.

    ```mlir
    %r = scf.for %t = %c0 to %c2 step %c1 iter_args(%h = %h0) -> tensor<4xf32> {
      %x_t = tensor.extract_slice %x[%t, 0] [1, 4] [1, 1]
      %next = linalg.generic ins(%x_t, %h) ...
      scf.yield %next
    }
    // becomes
    %x_0 = tensor.extract_slice %x[0, 0] [1, 4] [1, 1]
    %h_1 = linalg.generic ins(%x_0, %h0) ...
    %x_1 = tensor.extract_slice %x[1, 0] [1, 4] [1, 1]
    %r = linalg.generic ins(%x_1, %h_1) ...
    ```
  }];
  let options = [
    Option<"mostOperations", "most-operations", "uint64_t", "100000",
           "Operations up to which a loop is written out">
  ];
  let statistics = [
    Statistic<"numUnrolled", "unrolled", "Number of loops written out">
  ];
}

def FoldEmpty : Pass<"fairway-fold-empty"> {
  let summary = "Compute nothing where there is no element";
  let description = [{
    A structured op with a loop of no step gives what it was to write into: a
    sum over nothing is zero. Any other op whose results have no element becomes
    a `tensor.empty`, and to insert nothing changes nothing.

    ```mlir
    %zero = linalg.fill ins(%c0) outs(%e) -> tensor<3xf32>
    %sum = linalg.generic ... ins(%x : tensor<3x0xf32>) outs(%zero)
    // becomes
    %sum = linalg.fill ins(%c0) outs(%e) -> tensor<3xf32>
    ```
  }];
  let dependentDialects = ["mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numFolded", "folded", "Number of operations that did nothing">
  ];
}

def VerifyContract : Pass<"fairway-verify-contract", "mlir::ModuleOp"> {
  let summary = "Reject a module that breaks the contract of the waist";
  let description = [{
    What enters the compiler is one function `@main` with one block, whose
    arguments and results are ranked tensors of static shape, made of ops of the
    dialects builtin, func, arith, math, tensor, linalg, scf and cf. State
    (ml_program) comes with a message of its own. Anything else is reported at the location of the user's model that it came
    from.
  }];
}

def VerifySizes : Pass<"fairway-verify-sizes"> {
  let summary = "Reject sizes that depend on the values of tensors";
  let description = [{
    Once all that can be folded is, every tensor that is computed or inserted is
    of a known size. A slice of an unknown size may remain, if what is cut out
    of it is of a known one. The passes after this one lay tensors out.
  }];
}

def RemoveAsserts : Pass<"fairway-remove-asserts"> {
  let summary = "Drop run-time assertions";
  let description = [{
    Importers guard divisions and look-ups with `cf.assert`, also inside the
    bodies of `linalg.generic`, where it prevents fusion and vectorization.

    ```mlir
    %ok = arith.cmpf one, %in, %zero : f32
    cf.assert %ok, "tensor with zero element"
    %r = arith.divf %one, %in : f32
    ```
    becomes
    ```mlir
    %r = arith.divf %one, %in : f32
    ```
  }];
  let statistics = [
    Statistic<"numRemoved", "removed", "Number of assertions removed">
  ];
}

def DecomposeDataMovement : Pass<"fairway-decompose-data-movement"> {
  let summary = "Express pads, concatenations and aggregates by simpler ops";
  let description = [{
    `tensor.pad` becomes a fill and an insertion, `tensor.concat` a chain of
    insertions, and ops that know how to decompose themselves
    (`linalg.softmax`) do so.
  }];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect",
    "mlir::arith::ArithDialect", "mlir::math::MathDialect"
  ];
}

def Generalize : Pass<"fairway-generalize"> {
  let summary = "Express every structured op as linalg.generic";
  let description = [{
    Named ops become `linalg.generic`, the one form that the passes after this
    one know; the exception is `linalg.fill`, which generics that write one
    value everywhere become as well.
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect"];
}

def TrimWindows : Pass<"fairway-trim-windows"> {
  let summary = "Cut off what windows with a single place do not read";
  let description = [{
    A window that fits one time only leaves a rest of its image unread if it has
    a stride. Its loop of one step will go, and what is left of the sum must
    cover the whole image.

    ```mlir
    %y = linalg.generic (reads %x[h * 2 + kh], one h, three kh)
        ins(%x : tensor<4xf32>)
    // becomes
    %r = tensor.extract_slice %x[0] [3] [1]
    %y = linalg.generic ... ins(%r : tensor<3xf32>)
    ```
  }];
  let statistics = [
    Statistic<"numTrimmed", "trimmed", "Number of operands that became smaller">
  ];
  let dependentDialects = ["mlir::tensor::TensorDialect"];
}

def LegalizeBools : Pass<"fairway-legalize-bools"> {
  let summary = "Store booleans as bytes";
  let description = [{
    Tensors of `i1` become tensors of `i8` that hold 0 or 1, as every framework
    stores them; bodies narrow what they read and widen what they yield. A
    vector of `i1` in memory would be a bit mask instead.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect"];
}

def DemoteStatistics : Pass<"fairway-demote-statistics"> {
  let summary = "Compute variances of single precision in single precision";
  let description = [{
    Importers extend to double precision around a variance, which then takes
    longer than all else in a normalization. Where `x` is extended from single
    precision, the result is truncated to it, and nobody sees the doubles
    between,

    ```mlir
    %d = extf %x : f32 to f64
    %mean = sum(%d) / n : f64
    %var = truncf(sum((%d - %mean)^2) / n) : f64 to f32
    ```
    becomes the same in f32. Both passes over the elements remain, so nothing
    cancels: an error of the mean enters the variance squared. Any other
    computation in double precision stays what it is.
  }];
  let statistics = [
    Statistic<"numDemoted", "demoted", "Number of variances demoted">
  ];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect"];
}

def FuseElementwise : Pass<"fairway-fuse-elementwise"> {
  let summary = "Merge chains of element-wise ops into one linalg.generic";
  let description = [{
    A producer with one use is computed inside its consumer; copies and
    constants are repeated in each. Contractions and sliding windows keep their
    operands, so that later stages recognise them, and a small producer is not
    repeated for every element of a large consumer. With `move-reshapes`,
    reshapes move through generics (by expanding their loops) until they meet
    and cancel.
  }];
  let options = [
    Option<"moveReshapes", "move-reshapes", "bool", "false",
           "Expand generics to move reshapes out of the way">
  ];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect",
    "mlir::arith::ArithDialect", "mlir::math::MathDialect"
  ];
}

def RaiseGathers : Pass<"fairway-raise-gathers"> {
  let summary = "Read what lies at the loops' own place as an operand";
  let description = [{
    Masks index tensors by counters. Once the counters are known to be the
    loops of the op that reads, the element read is that of an operand with an
    indexing map, which later stages fuse, tile and vectorize like any other.
    Comparisons that wrap negative indices around fold away: loops are never
    negative.

    ```mlir
    linalg.generic {maps = [#out]} outs(%0) {
      %i = arith.index_cast (linalg.index 1)
      %at = arith.select (%i < 0), %i + 64, %i
      %m = tensor.extract %mask[0, arith.index_cast %at]
    // becomes
    linalg.generic {maps = [(d0, d1) -> (0, d1), #out]} ins(%mask) outs(%0) {
    ^bb0(%m, %out):
    ```
    A tensor that is longer than the loop stays as it is.
  }];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::arith::ArithDialect"
  ];
}

def FoldAffineEpilogue : Pass<"fairway-fold-affine-epilogue"> {
  let summary = "Fold per-channel scales of a contraction into its weights";
  let description = [{
    An inference-mode batch norm after a convolution is `scale * x + shift` for
    each channel, with both computed from parameters:

    ```mlir
    %y = conv(%x, %w)
    %z = relu((%y - %mean) * %inverse * %gamma + %beta)
    ```
    becomes
    ```mlir
    %scale = ... : tensor<C>         // parameters only: runs when loading
    %shift = ... : tensor<C>
    %w2 = %w * %scale
    %y = conv(%x, %w2)
    %z = relu(%y + %shift)
    ```
    Any epilogue that starts with an affine map per channel is folded, not
    batch norm alone.
  }];
  let statistics = [
    Statistic<"numFolded", "folded", "Number of epilogues folded">
  ];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect",
    "mlir::arith::ArithDialect"
  ];
}

def SplitWindows : Pass<"fairway-split-windows"> {
  let summary = "Compute transposed convolutions without the inserted zeros";
  let description = [{
    Importers write a transposed convolution of stride s as a convolution of an
    image with s - 1 zeros between its elements, so that all but one of s * s
    products (of an image) are with zero. Results that are s apart read the same
    taps of the window, in places of the source that lie side by side: each such
    part is a convolution of the source with its taps alone. What follows
    element by element is computed part by part, too.

    ```mlir
    %z = tensor.insert_slice %x into %zeros[1] [8] [2] : tensor<8xf32> into tensor<17xf32>
    %y = relu(conv(%z, %w))   // three taps, 15 places
    // becomes
    %y0 = relu(conv(%x, %w[1]))               // 8 places with one tap
    %y1 = relu(conv(%x, %w[0, 2]))            // 7 places with two taps
    %e = tensor.insert_slice %y0 into %empty[0] [8] [2]
    %y = tensor.insert_slice %y1 into %e[1] [7] [2]
    ```
    A convolution that would become more than 16 is left as it is.
  }];
  let statistics = [
    Statistic<"numSplit", "split", "Number of convolutions split">
  ];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"
  ];
}

def AssignLayout : Pass<"fairway-assign-layout", "mlir::ModuleOp"> {
  let summary = "Lay images out with their channels last";
  let description = [{
    Convolutions decide: their images' channels move to the innermost dimension,
    where they are vectorized whatever the size of the image. Channels in groups
    are two dimensions, which move together. The choice spreads through
    element-wise ops, pooling, slices, insertions, and reshapes that only divide
    channels into groups; for these a layout is only the order of the results of
    an indexing map, or of dimensions. Transpositions are left where a layout
    begins or ends: normally at the model's input.
  }];
  let statistics = [
    Statistic<"numLaidOut", "laid-out", "Number of values with a new layout">
  ];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"
  ];
}

def MergeReductions : Pass<"fairway-merge-reductions"> {
  let summary = "Make reductions that run through memory together one loop";
  let description = [{
    Panels of weights divide a result's columns into blocks, and what reads the
    result sums over blocks and columns: two loops, the inner one short. Where
    every operand of a contraction walks adjacent reductions in the same order,
    they become one; registers then hold sums over hundreds of elements instead
    of sixteen. So do the parallel loops of a transposition that reads its operand
    in rows of a few elements (the channels of a group): it becomes one of longer
    rows.

    ```mlir
    %y = linalg.generic (contraction over 48 x 16)
        ins(%x, %w : tensor<128x48x16xf32>, tensor<48x48x16x16xf32>)
    // becomes
    %r = tensor.collapse_shape %x [[0], [1, 2]]
    %v = tensor.collapse_shape %w [[0], [1, 2], [3]]
    %y = linalg.generic (contraction over 768)
        ins(%r, %v : tensor<128x768xf32>, tensor<48x768x16xf32>)
    ```
  }];
  let statistics = [
    Statistic<"numMerged", "merged", "Number of ops with merged loops">
  ];
  let dependentDialects = ["mlir::tensor::TensorDialect"];
}

def Winograd : Pass<"fairway-winograd"> {
  let summary = "Convolve windows of 3x3 with fewer multiplications";
  let description = [{
    Winograd's F(2x2, 3x3): a block of 2x2 results comes from 4x4 of the image,
    by 16 multiplications for each channel instead of 36. Image and window are
    transformed, multiplied place by place, and the sums over all channels are
    transformed back. The factors of the transforms are small constant tables
    (see `TableSum.h`); what they do to the weights moves to `@prepare`.

    ```mlir
    %y[h, w, o] = sum(%x[h + kh, w + kw, c] * %w[o, c, kh, kw])
    // becomes
    %v[k, i, j, c] = sum(%x[2 * i + r, 2 * j + s, c] * %image[k, r, s])
    %u[p, k, c, l] = sum(%w[p, l, c, kh, kw] * %weight[k, kh, kw])
    %m[k, i, j, p, l] = sum(%v[k, i, j, c] * %u[p, k, c, l])
    %y[h, w, p, l] = sum(%m[k, h / 2, w / 2, p, l] * %result[k, h % 2, w % 2])
    ```
    An image of odd size gets one more row or column of padding. Only where the
    machine's description says that it is faster; single and double precision.
  }];
  let options = [
    Option<"machine", "machine", "::fairway::MachineDescription",
           /*default=*/"",
           "What the cost models know of the machine">,
    Option<"threads", "threads", "unsigned", "8",
           "How many workers a kernel will usually be divided among">
  ];
  let statistics = [
    Statistic<"numTransformed", "transformed", "Number of convolutions">
  ];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect",
    "mlir::arith::ArithDialect"
  ];
}

def MergeWindows : Pass<"fairway-merge-windows"> {
  let summary = "Read each row of a convolution's window as one run of memory";
  let description = [{
    In a channels-last image the pixels of a window's row lie side by side with
    all their channels: the loops over the window's width and over the channels
    become one. Few channels (the first layer has three) then make no short
    inner loops.

    ```mlir
    image[h + kh][2 * w + kw][c] * weight[o][c][kh][kw]
    // becomes
    image[h + kh][2 * C * w + j] * weight[o][kh][j]
    ```
  }];
  let statistics = [
    Statistic<"numMerged", "merged", "Number of convolutions with merged loops">
  ];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"
  ];
}

def BlockWeights : Pass<"fairway-block-weights"> {
  let summary = "Pack weights into panels as wide as the register tile";
  let description = [{
    `C[m,n] += A[m,k] * B[k,n]` with a parameter `B` becomes
    `C[m,no,ni] += A[m,k] * B2[no,k,ni]`, with `ni` one or two vectors wide, so
    that the inner loop reads `B2` in order. Packing depends on parameters alone
    and is hoisted into `@prepare`. The same for convolutions.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "unsigned", "256",
           "Width of the target's vector registers in bits">
  ];
  let statistics = [
    Statistic<"numBlocked", "blocked", "Number of weights packed">
  ];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"
  ];
}

def CompareMaxima : Pass<"fairway-compare-maxima"> {
  let summary = "Ask a row's maximum whether all of the row is minus infinity";
  let description = [{
    PyTorch's attention gives zeros for rows whose scores are all masked, and
    looks at every score again, in double precision, to find them. The maximum
    that softmax computes anyway knows.

    ```mlir
    %max[q] = max over k of %s[q, k]
    %all[q] = and over k of (%s[q, k] == -inf)
    // becomes
    %all[q] = (%max[q] == -inf)
    ```
    Rows that hold no number answer no, before and after.
  }];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect",
    "mlir::arith::ArithDialect"
  ];
}

def DeferDivisions : Pass<"fairway-defer-divisions"> {
  let summary = "Divide what softmax weights sum up instead of the weights";
  let description = [{
    Attention multiplies `softmax(scores) = exp(s - max) / sum` by the values.
    The sum is the same for a whole row, so the division can follow, where it
    is one for each element of the result and part of the contraction's
    epilogue.

    ```mlir
    %p = %e[h, q, k] / %sum[h, q]
    %y[h, q, d] = %p[h, q, k] * %v[h, k, d]
    ```
    becomes
    ```mlir
    %o[h, q, d] = %e[h, q, k] * %v[h, k, d]
    %y = %o[h, q, d] / %sum[h, q]
    ```
    An op that gives zero instead for some rows follows the contraction, too.
    Weights that somebody else reads are left alone.
  }];
  let statistics = [
    Statistic<"numDeferred", "deferred", "Number of divisions moved">
  ];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect",
    "mlir::arith::ArithDialect"
  ];
}

def FoldTranspositions : Pass<"fairway-fold-transpositions"> {
  let summary = "Let contractions read and write in their neighbours' order";
  let description = [{
    A transposition in front of or behind a contraction is only another order
    of the results of an indexing map, as long as what vectors are made of
    keeps its innermost dimension: the operand whose elements are broadcast,
    and a result that is read with other dimensions outside.

    ```mlir
    %q2[h, s, d] = %q[s, h, d]
    %scores[h, s, k] = %q2[h, s, d] * %k[h, d, k]
    ```
    becomes
    ```mlir
    %scores[h, s, k] = %q[s, h, d] * %k[h, d, k]
    ```
  }];
  let statistics = [
    Statistic<"numFolded", "folded", "Number of transpositions folded">
  ];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"
  ];
}

def PadStrides : Pass<"fairway-pad-strides"> {
  let summary = "Keep a contraction's rows out of each other's cache sets";
  let description = [{
    A register tile walks several rows of its left operand in step. Where rows
    are a multiple of 4096 bytes long, all these places belong to one set of
    the nearest cache, whose few ways they share with everything else. Such
    values become the leading part of rows that are a cache line longer; their
    producers write them there (see `fairway-place-inserts`).

    ```mlir
    %x = linalg.generic ... -> tensor<196x1024xf32>
    %y = linalg.generic (contraction) ins(%x, %w)
    // becomes
    %p = tensor.insert_slice %x into %empty[0, 0] [196, 1024] [1, 1]
        : tensor<196x1024xf32> into tensor<196x1040xf32>
    %r = tensor.extract_slice %p[0, 0] [196, 1024] [1, 1]
    %y = linalg.generic (contraction) ins(%r, %w)
    ```
    A model's inputs stay as they are.
  }];
  let statistics = [
    Statistic<"numPadded", "padded", "Number of values with longer rows">
  ];
  let dependentDialects = ["mlir::tensor::TensorDialect"];
}

def PlaceInserts : Pass<"fairway-place-inserts"> {
  let summary = "Let producers write into slices of larger tensors";
  let description = [{
    A padded image is its producer's result inserted into a constant border, a
    concatenation its parts inserted side by side. Brings each insertion next to
    its producer, so that both are one kernel and nothing is copied:

    - a reshape between producer and insertion moves behind the insertion;
    - the parts of a concatenation are inserted into its padded form;
    - if a padded value has other users, these read the interior of the padded
      one. Several paddings are windows of the widest.

    ```mlir
    %pad = tensor.insert_slice %x into %zeros[1, 1, 0] [56, 56, 64] [1, 1, 1]
    %sum = linalg.generic (add) ins(%x, %y)
    // becomes
    %pad = tensor.insert_slice %x into %zeros[1, 1, 0] [56, 56, 64] [1, 1, 1]
    %in = tensor.extract_slice %pad[1, 1, 0] [56, 56, 64] [1, 1, 1]
    %sum = linalg.generic (add) ins(%in, %y)
    ```
  }];
  let statistics = [
    Statistic<"numShared", "shared", "Number of values that live in a halo">
  ];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"
  ];
}

def MarkVarying : Pass<"fairway-mark-varying", "mlir::ModuleOp"> {
  let summary = "Mark what depends on sizes that stay open";
  let description = [{
    For a module that holds the samples of a model (modules with
    `fairway.sizes`): an operation of `@main` that is not the same in all of
    them gets the attribute `fairway.varying`. A sample that is not in step with
    the others is an error at the user's operation.
  }];
  let statistics = [
    Statistic<"numVarying", "varying", "Number of operations marked">
  ];
}

def HoistParameters : Pass<"fairway-hoist-parameters", "mlir::ModuleOp"> {
  let summary = "Move what depends on parameters alone into @prepare";
  let description = [{
    `@prepare` takes the parameters it needs and returns the prepared values; it
    runs once, when a model is loaded. `@main` takes these as further arguments
    (kind "prepared"). Constants that are cheap to make stay, and so do values
    much larger than what they are made from, such as broadcasts. What is marked
    `fairway.varying` stays, too; the marks go.
  }];
  let statistics = [
    Statistic<"numPrepared", "prepared", "Number of prepared values">
  ];
}

def FormKernels : Pass<"fairway-form-kernels", "mlir::ModuleOp"> {
  let summary = "Cut the graph into kernels and outline them";
  let description = [{
    A kernel is one contraction, reduction or pooling with the element-wise ops
    that can work on its tiles, or one element-wise group; an insertion into a
    larger tensor belongs to the kernel that computes its source. It becomes a
    private function in destination-passing style, `ins..., outs... -> results`; equal
    kernels share one function. `@main` and `@prepare` are left with calls,
    views and `tensor.empty`.
  }];
  let statistics = [
    Statistic<"numKernels", "kernels", "Number of distinct kernels">
  ];
  let dependentDialects = [
    "mlir::func::FuncDialect", "mlir::linalg::LinalgDialect",
    "mlir::tensor::TensorDialect"
  ];
}

def SliceBatch : Pass<"fairway-slice-batch", "mlir::ModuleOp"> {
  let summary = "Let a batch pass through the kernels a few samples at a time";
  let description = [{
    Activations of a whole batch do not fit into the cache: each kernel would
    fetch from memory what the one before has just written. From the inputs on,
    kernels that compute each sample from the same sample alone are called once
    for each slice of the batch, all of them for one slice before the next. The
    slices share the kernels and, since they are never alive together, the
    arena. Where weights are so large for what is computed with them that
    reading them again would cost more (a last layer), the slices end.

    A sample of a model whose batch stays open is left as it is: a call cuts the
    batch (`fairway.slice = [size, samples]`), if that gains and every kernel
    computes each sample from the same sample.

    ```mlir
    %a = call @conv(%x, %w, %e0) : (tensor<8x56x56x64xf32>, ...)
    %b = call @pool(%a, %e1) : (tensor<8x56x56x64xf32>, ...)
    // becomes, eight times
    %x0 = tensor.extract_slice %x[0, 0, 0, 0] [1, 56, 56, 64] [1, 1, 1, 1]
    %a0 = call @conv(%x0, %w, %e2) : (tensor<56x56x64xf32>, ...)
    %d0 = tensor.extract_slice %all[0, 0, 0, 0] [1, 28, 28, 64] [1, 1, 1, 1]
    %b0 = call @pool(%a0, %d0) : (tensor<56x56x64xf32>, ...)
    %i0 = tensor.insert_slice %b0 into %all[0, 0, 0, 0] [1, 28, 28, 64] ...
    ```
  }];
  let options = [
    Option<"machine", "machine", "::fairway::MachineDescription",
           /*default=*/"",
           "What the cost models know of the machine">,
    Option<"threads", "threads", "unsigned", "8",
           "How many workers a kernel will usually be divided among">
  ];
  let statistics = [
    Statistic<"numSlices", "slices", "Number of slices">
  ];
  let dependentDialects = [
    "mlir::bufferization::BufferizationDialect", "mlir::func::FuncDialect",
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"
  ];
}

#endif // FAIRWAY_GRAPH_PASSES
