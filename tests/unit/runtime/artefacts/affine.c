/*===- affine.c - a hand-written compiled model -----------------------------===
 *
 * Part of the Fairway project, under the Apache License v2.0 with LLVM
 * Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * y = sum(2 w x + b) and z = 2 w x + b for x, w, b of N float32. The prepare
 * plan doubles w; b is used as the caller gave it. Tests compile this file with
 * the system's C compiler; the macros make the variants that they need.
 *===------------------------------------------------------------------------*/
#include "fairway/Runtime/artefact.h"

#include <stddef.h>

#ifndef MAGIC
#define MAGIC FAIRWAY_ARTEFACT_MAGIC
#endif
#ifndef ABI
#define ABI FAIRWAY_ARTEFACT_ABI
#endif
#ifndef FEATURES
#define FEATURES "" /* required CPU features */
#endif
#ifndef SCALE
#define SCALE 2.0f /* what the prepare plan multiplies w with */
#endif

enum { N = 4096, TILES = 64, TILE = N / TILES };

/* Worker's share of the tiles: [*begin, *end) elements. */
static void share(int64_t worker, int64_t workers, int64_t *begin,
                  int64_t *end) {
  *begin = TILES * worker / workers * TILE;
  *end = TILES * (worker + 1) / workers * TILE;
}

/* w -> SCALE w */
static void scale(void *const *buffers, void *scratch, int64_t worker,
                  int64_t workers) {
  const float *w = buffers[0];
  float *out = buffers[1];
  int64_t begin, end;
  (void)scratch;
  share(worker, workers, &begin, &end);
  for (int64_t i = begin; i < end; ++i)
    out[i] = SCALE * w[i];
}

/* x, v -> x v, through the scratch memory */
static void multiply(void *const *buffers, void *scratch, int64_t worker,
                     int64_t workers) {
  const float *x = buffers[0], *v = buffers[1];
  float *out = buffers[2], *tile = scratch;
  int64_t begin, end;
  share(worker, workers, &begin, &end);
  for (int64_t t = begin; t < end; t += TILE) {
    for (int64_t i = 0; i < TILE; ++i)
      tile[i] = x[t + i] * v[t + i];
    for (int64_t i = 0; i < TILE; ++i)
      out[t + i] = tile[i];
  }
}

/* Reads what other workers wrote: t, b -> reversed(t) + reversed(b). */
static void add_reversed(void *const *buffers, void *scratch, int64_t worker,
                         int64_t workers) {
  const float *t = buffers[0], *b = buffers[1];
  float *out = buffers[2];
  int64_t begin, end;
  (void)scratch;
  share(worker, workers, &begin, &end);
  for (int64_t i = begin; i < end; ++i)
    out[i] = t[N - 1 - i] + b[N - 1 - i];
}

/* t -> reversed(t) */
static void reverse(void *const *buffers, void *scratch, int64_t worker,
                    int64_t workers) {
  const float *t = buffers[0];
  float *out = buffers[1];
  int64_t begin, end;
  (void)scratch;
  share(worker, workers, &begin, &end);
  for (int64_t i = begin; i < end; ++i)
    out[i] = t[N - 1 - i];
}

/* t -> sum(t), worker 0 alone */
static void sum(void *const *buffers, void *scratch, int64_t worker,
                int64_t workers) {
  const float *t = buffers[0];
  float total = 0;
  (void)scratch;
  if (worker != 0 || workers != 1)
    return;
  for (int64_t i = 0; i < N; ++i)
    total += t[i];
  *(float *)buffers[1] = total;
}

static const int64_t shape[] = {TILES, TILE};

#define TENSOR(name, dtype) {name, dtype, 2, shape, N * sizeof(float)}

static const fairway_tensor_desc inputs[] = {TENSOR("x", FAIRWAY_FLOAT32)};
static const fairway_tensor_desc outputs[] = {
    {"y", FAIRWAY_FLOAT32, 0, NULL, sizeof(float)},
    TENSOR("z", FAIRWAY_FLOAT32)};
static const fairway_tensor_desc parameters[] = {
    TENSOR("layer.w", FAIRWAY_FLOAT32), TENSOR("layer.b", FAIRWAY_FLOAT32)};
static const fairway_constant_desc constants[] = {
    {TENSOR("layer.w.scaled", FAIRWAY_FLOAT32), -1, 0, 0},
    {TENSOR("layer.b", FAIRWAY_FLOAT32), 1, -1, N * sizeof(float)}};

enum { BYTES = N * sizeof(float), W = FAIRWAY_BUFFER_WRITTEN };

static const fairway_buffer_ref scale_buffers[] = {
    {FAIRWAY_SPACE_INPUT, 0, 0, BYTES, 0, 0, 0, 0},
    {FAIRWAY_SPACE_OUTPUT, 0, 0, BYTES, W, 0, 0, 0}};
static const fairway_dimension rows[] = {{TILES, 1}, {TILE, TILE}};
static const fairway_step prepare_steps[] = {
    {"scale", scale, scale_buffers, 2, 0, TILES, N, 8 * N, rows, 2, 0, NULL}};

static const fairway_buffer_ref multiply_buffers[] = {
    {FAIRWAY_SPACE_INPUT, 0, 0, BYTES, 0, 0, 0, 0},
    {FAIRWAY_SPACE_CONSTANT, 0, 0, BYTES, 0, 0, 0, 0},
    {FAIRWAY_SPACE_ARENA, 0, 0, BYTES, W, 0, 1, 0}};
static const fairway_buffer_ref add_buffers[] = {
    {FAIRWAY_SPACE_ARENA, 0, 0, BYTES, 0, 0, 1, 0},
    {FAIRWAY_SPACE_CONSTANT, 1, 0, BYTES, 0, 0, 0, 0},
    {FAIRWAY_SPACE_ARENA, 0, BYTES, BYTES, W, 1, 2, 0}};
static const fairway_buffer_ref reverse_buffers[] = {
    {FAIRWAY_SPACE_ARENA, 0, BYTES, BYTES, 0, 1, 2, 0},
    {FAIRWAY_SPACE_OUTPUT, 1, 0, BYTES, W, 0, 0, 0}};
static const fairway_buffer_ref sum_buffers[] = {
    {FAIRWAY_SPACE_OUTPUT, 1, 0, BYTES, 0, 0, 0, 0},
    {FAIRWAY_SPACE_OUTPUT, 0, 0, sizeof(float), W, 0, 0, 0}};
static const fairway_step run_steps[] = {
    {"multiply", multiply, multiply_buffers, 3, 0, TILES, N, 12 * N, rows, 2, 0,
     "tile = [1, 0], rows = 2"},
    {"add_reversed", add_reversed, add_buffers, 3, FAIRWAY_STEP_BARRIER, TILES,
     N, 12 * N, rows, 2, 0, NULL},
    {"reverse", reverse, reverse_buffers, 2, FAIRWAY_STEP_BARRIER, TILES, 0,
     8 * N, rows, 2, 0, NULL},
    {"sum", sum, sum_buffers, 2, FAIRWAY_STEP_BARRIER, 1, N, 4 * N, NULL, 0, 0,
     NULL}};

#ifdef WEIGHTS /* prepared w is all 6, b all 1 */
static struct {
  float w[N], b[N];
} weights
    __attribute__((aligned(4096))) = {{[0 ... N - 1] = 6}, {[0 ... N - 1] = 1}};
#define WEIGHTS_ADDRESS ((const unsigned char *)&weights)
#define WEIGHTS_BYTES sizeof weights
#else
#define WEIGHTS_ADDRESS NULL
#define WEIGHTS_BYTES 0
#endif

__attribute__((visibility("default")))
const fairway_artefact_t fairway_artefact = {
    MAGIC,
    ABI,
    "0.1.0",
    "x86_64-unknown-linux-gnu",
    "test",
    FEATURES,
    inputs,
    outputs,
    parameters,
    constants,
    /*num_inputs=*/1,
    /*num_outputs=*/2,
    /*num_parameters=*/2,
    /*num_constants=*/2,
    /*num_prepared=*/1,
    /*reserved=*/0,
    {run_steps, 4, 2 * N * sizeof(float), TILE * sizeof(float), NULL, 0},
    {prepare_steps, 1, 0, 0, NULL, 0},
    "{\"test\": true}",
    14,
    WEIGHTS_ADDRESS,
    WEIGHTS_BYTES,
    /*sizes=*/NULL,
    /*expressions=*/NULL,
    /*varying=*/NULL,
    0,
    0,
    0};
