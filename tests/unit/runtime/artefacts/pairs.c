/*===- pairs.c - a hand-written compiled model with open sizes --------------===
 *
 * Part of the Fairway project, under the Apache License v2.0 with LLVM
 * Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * For x[batch, length] and w[2 length + 1], all float32:
 *
 *   z[i, j] = 2 x[i, j] + w[2 j] + 2 x[i, j] + w[2 j + 1] + w[2 length]
 *   y[i] = sum over j of z[i, j], and y[batch] = the sum of those
 *
 * through three allocations, the first and the last of which may share memory.
 * Kernels read batch and length from the values of the expressions.
 *===------------------------------------------------------------------------*/
#include "fairway/Runtime/artefact.h"

#include <stddef.h>

enum { TILES = 32, W = FAIRWAY_BUFFER_WRITTEN };

/* The expressions, in order; the sizes come first. */
enum {
  BATCH,
  LENGTH,
  PAIRS,   /* 2 length + 1 */
  ROWS,    /* batch + 1 */
  ROW,     /* 4 length: bytes of a row of x */
  TWO_ROW, /* 8 length: also the place of w's last element */
  X,       /* 4 batch length */
  B,       /* 8 batch length */
  W_BYTES, /* 8 length + 4 */
  Y_BYTES, /* 4 batch + 4 */
  NUM_EXPRESSIONS
};

/* Worker's share of the rows: [*begin, *end). */
static void share(int64_t batch, int64_t worker, int64_t workers,
                  int64_t *begin, int64_t *end) {
  *begin = batch * worker / workers;
  *end = batch * (worker + 1) / workers;
}

/* x -> 2 x, through the scratch memory */
static void twice(void *const *buffers, void *scratch, int64_t worker,
                  int64_t workers) {
  const float *x = buffers[0];
  float *out = buffers[1], *row = scratch;
  const int64_t *sizes = buffers[2];
  int64_t begin, end, length = sizes[LENGTH];
  share(sizes[BATCH], worker, workers, &begin, &end);
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t j = 0; j < length; ++j)
      row[j] = 2 * x[i * length + j];
    for (int64_t j = 0; j < length; ++j)
      out[i * length + j] = row[j];
  }
}

/* a, w -> b[i, j, k] = a[i, j] + w[2 j + k] */
static void spread(void *const *buffers, void *scratch, int64_t worker,
                   int64_t workers) {
  const float *a = buffers[0], *w = buffers[1];
  float *out = buffers[2];
  const int64_t *sizes = buffers[3];
  int64_t begin, end, length = sizes[LENGTH];
  (void)scratch;
  share(sizes[BATCH], worker, workers, &begin, &end);
  for (int64_t i = begin; i < end; ++i)
    for (int64_t j = 0; j < 2 * length; ++j)
      out[2 * i * length + j] = a[i * length + j / 2] + w[j];
}

/* Reads what other workers wrote: b -> c, rows in reverse order. */
static void fold(void *const *buffers, void *scratch, int64_t worker,
                 int64_t workers) {
  const float *b = buffers[0];
  float *out = buffers[1];
  const int64_t *sizes = buffers[2];
  int64_t begin, end, batch = sizes[BATCH], length = sizes[LENGTH];
  (void)scratch;
  share(batch, worker, workers, &begin, &end);
  for (int64_t i = begin; i < end; ++i)
    for (int64_t j = 0; j < length; ++j) {
      const float *pair = b + 2 * ((batch - 1 - i) * length + j);
      out[i * length + j] = pair[0] + pair[1];
    }
}

/* c, the last of w -> z, rows in order again */
static void add(void *const *buffers, void *scratch, int64_t worker,
                int64_t workers) {
  const float *c = buffers[0], *last = buffers[1];
  float *out = buffers[2];
  const int64_t *sizes = buffers[3];
  int64_t begin, end, batch = sizes[BATCH], length = sizes[LENGTH];
  (void)scratch;
  share(batch, worker, workers, &begin, &end);
  for (int64_t i = begin; i < end; ++i)
    for (int64_t j = 0; j < length; ++j)
      out[i * length + j] = c[(batch - 1 - i) * length + j] + *last;
}

/* z -> y, worker 0 alone */
static void sum(void *const *buffers, void *scratch, int64_t worker,
                int64_t workers) {
  const float *z = buffers[0];
  float *y = buffers[1];
  const int64_t *sizes = buffers[2];
  int64_t batch = sizes[BATCH], length = sizes[LENGTH];
  (void)scratch;
  if (worker != 0 || workers != 1)
    return;
  y[batch] = 0;
  for (int64_t i = 0; i < batch; ++i) {
    y[i] = 0;
    for (int64_t j = 0; j < length; ++j)
      y[i] += z[i * length + j];
    y[batch] += y[i];
  }
}

/* Fields that vary hold their values for batch = 2 and length = 3. */
static const int64_t x_shape[] = {2, 3}, w_shape[] = {7}, y_shape[] = {3};
static const fairway_tensor_desc inputs[] = {
    {"x", FAIRWAY_FLOAT32, 2, x_shape, 24},
    {"w", FAIRWAY_FLOAT32, 1, w_shape, 28}};
static const fairway_tensor_desc outputs[] = {
    {"y", FAIRWAY_FLOAT32, 1, y_shape, 12},
    {"z", FAIRWAY_FLOAT32, 2, x_shape, 24}};

#define SIZES                                                                  \
  {FAIRWAY_SPACE_SIZES, 0, 0, NUM_EXPRESSIONS * sizeof(int64_t), 0, 0, 0, 0}

static const fairway_buffer_ref twice_buffers[] = {
    {FAIRWAY_SPACE_INPUT, 0, 0, 24, 0, 0, 0, 0},
    {FAIRWAY_SPACE_ARENA, 0, 0, 24, W, 0, 1, 0},
    SIZES};
static const fairway_buffer_ref spread_buffers[] = {
    {FAIRWAY_SPACE_ARENA, 0, 0, 24, 0, 0, 1, 0},
    {FAIRWAY_SPACE_INPUT, 1, 0, 28, 0, 0, 0, 0},
    {FAIRWAY_SPACE_ARENA, 1, 0, 48, W, 1, 2, 0},
    SIZES};
static const fairway_buffer_ref fold_buffers[] = {
    {FAIRWAY_SPACE_ARENA, 1, 0, 48, 0, 1, 2, 0},
    {FAIRWAY_SPACE_ARENA, 2, 0, 24, W, 2, 3, 0},
    SIZES};
static const fairway_buffer_ref add_buffers[] = {
    {FAIRWAY_SPACE_ARENA, 2, 0, 24, 0, 2, 3, 0},
    {FAIRWAY_SPACE_INPUT, 1, 24, 4, 0, 0, 0, 0},
    {FAIRWAY_SPACE_OUTPUT, 1, 0, 24, W, 0, 0, 0},
    SIZES};
static const fairway_buffer_ref sum_buffers[] = {
    {FAIRWAY_SPACE_OUTPUT, 1, 0, 24, 0, 0, 0, 0},
    {FAIRWAY_SPACE_OUTPUT, 0, 0, 12, W, 0, 0, 0},
    SIZES};

static const fairway_dimension rows[] = {{2, 1}, {3, INT64_MAX}};
static const fairway_step steps[] = {
    {"twice", twice, twice_buffers, 3, 0, TILES, 6, 48, rows, 2, 0, NULL},
    {"spread", spread, spread_buffers, 4, FAIRWAY_STEP_BARRIER, TILES, 12, 100,
     NULL, 0, 0, NULL},
    {"fold", fold, fold_buffers, 3, FAIRWAY_STEP_BARRIER, TILES, 6, 72, NULL, 0,
     0, NULL},
    {"add", add, add_buffers, 4, FAIRWAY_STEP_BARRIER, TILES, 6, 52, NULL, 0, 0,
     NULL},
    {"sum", sum, sum_buffers, 3, FAIRWAY_STEP_BARRIER, 1, 6, 36, NULL, 0, 0,
     NULL}};
static const fairway_allocation allocations[] = {
    {24, 0, 1}, {48, 1, 2}, {24, 2, 3}};

static const fairway_size sizes[] = {{"batch", 0, 32},
                                     {"length", 0, INT64_MAX}};

#define TERMS(name, ...) static const fairway_term name[] = {__VA_ARGS__}
TERMS(batch, {1, {1}});
TERMS(length, {1, {0, 1}});
TERMS(pairs, {2, {0, 1}}, {1, {0}});
TERMS(rows_of_y, {1, {1}}, {1, {0}});
TERMS(row, {4, {0, 1}});
TERMS(two_row, {8, {0, 1}});
TERMS(x_bytes, {4, {1, 1}});
TERMS(b_bytes, {8, {1, 1}});
TERMS(w_bytes, {8, {0, 1}}, {4, {0}});
TERMS(y_bytes, {4, {1}}, {4, {0}});
static const fairway_expression expressions[] = {
    {batch, 1},   {length, 1},  {pairs, 2},   {rows_of_y, 2}, {row, 1},
    {two_row, 1}, {x_bytes, 1}, {b_bytes, 1}, {w_bytes, 2},   {y_bytes, 2}};

static const fairway_varying varying[] = {
    {FAIRWAY_INPUT_EXTENT, BATCH, 0, 0},
    {FAIRWAY_INPUT_EXTENT, LENGTH, 0, 1},
    {FAIRWAY_INPUT_EXTENT, PAIRS, 1, 0},
    {FAIRWAY_OUTPUT_EXTENT, ROWS, 0, 0},
    {FAIRWAY_OUTPUT_EXTENT, BATCH, 1, 0},
    {FAIRWAY_OUTPUT_EXTENT, LENGTH, 1, 1},
    {FAIRWAY_ALLOCATION_BYTES, X, 0, 0},
    {FAIRWAY_ALLOCATION_BYTES, B, 1, 0},
    {FAIRWAY_ALLOCATION_BYTES, X, 2, 0},
    {FAIRWAY_BUFFER_BYTES, X, 0, 0},
    {FAIRWAY_BUFFER_BYTES, X, 0, 1},
    {FAIRWAY_BUFFER_BYTES, X, 1, 0},
    {FAIRWAY_BUFFER_BYTES, W_BYTES, 1, 1},
    {FAIRWAY_BUFFER_BYTES, B, 1, 2},
    {FAIRWAY_BUFFER_BYTES, B, 2, 0},
    {FAIRWAY_BUFFER_BYTES, X, 2, 1},
    {FAIRWAY_BUFFER_BYTES, X, 3, 0},
    {FAIRWAY_BUFFER_OFFSET, TWO_ROW, 3, 1},
    {FAIRWAY_BUFFER_BYTES, X, 3, 2},
    {FAIRWAY_BUFFER_BYTES, X, 4, 0},
    {FAIRWAY_BUFFER_BYTES, Y_BYTES, 4, 1},
    {FAIRWAY_STEP_FLOPS, X, 1, 0},
    {FAIRWAY_STEP_BYTES, B, 0, 0},
    {FAIRWAY_STEP_EXTENT, BATCH, 0, 0},
    {FAIRWAY_STEP_EXTENT, LENGTH, 0, 1},
    {FAIRWAY_SCRATCH_BYTES, ROW, 0, 0},
    {FAIRWAY_SCRATCH_BYTES, BATCH, 0, 0}};

__attribute__((visibility("default")))
const fairway_artefact_t fairway_artefact = {
    .magic = FAIRWAY_ARTEFACT_MAGIC,
    .abi = FAIRWAY_ARTEFACT_ABI,
    .fairway_version = "0.1.0",
    .triple = "x86_64-unknown-linux-gnu",
    .cpu = "test",
    .features = "",
    .inputs = inputs,
    .outputs = outputs,
    .num_inputs = 2,
    .num_outputs = 2,
    .run = {steps, 5, 0, 12, allocations, 3},
    .sizes = sizes,
    .expressions = expressions,
    .varying = varying,
    .num_sizes = 2,
    .num_expressions = NUM_EXPRESSIONS,
    .num_varying = sizeof varying / sizeof *varying};
