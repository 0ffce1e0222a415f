// Gradients of attention in two passes, so that every sum has one order: one block for each key tile sums dK and dV over
// query tiles, one for each query tile sums dQ over key tiles. Both compute weights anew from the log of their sum (Dao,
// arXiv 2307.08691): seven products of a tile instead of the five of one pass with atomic sums, whose bits vary.
#include "kept.h"
#include "rows.h"

namespace nnz {
namespace {

constexpr int WARPS = 4;
constexpr float LOG2E = 1.44269504f;
constexpr int HALF_TILES = ATTENTION_TILE / 16;

/// Two resident tiles and two stages of two others: 48 KB for D = 64, 96 KB for D = 128.
template <int D>
constexpr int SHARED = 6 * RowTile<f16, D>::BYTES;

/// delta = the sum of output times d_output of every query: one warp each.
template <class T, int D>
__global__ void __launch_bounds__(WARPS* LANES) attention_delta(AttentionBackward p) {
  const int lane = threadIdx.x % LANES;
  const int64_t row = static_cast<int64_t>(blockIdx.x) * WARPS + threadIdx.x / LANES;
  if (row >= p.batch * p.heads * p.tokens) return;
  float sum = 0;
  for (int d = lane; d < D; d += LANES)
    sum += to_f32(static_cast<const T*>(p.output)[row * D + d]) * to_f32(static_cast<const T*>(p.d_output)[row * D + d]);
  for (int step = LANES / 2; step > 0; step /= 2) sum += __shfl_xor_sync(ALL_LANES, sum, step);
  if (lane == 0) p.delta[row] = sum;
}

/// Adds a · tile to accumulators [16, D], `a` being accumulators of a [16, 64] product.
template <class T, int D>
NNZ_DEVICE void add_product(float (&sums)[D / 8][4], const float (&a)[ATTENTION_TILE / 8][4], const RowTile<T, D>& tile) {
  NNZ_UNROLL
  for (int j = 0; j < HALF_TILES; j++) {
    uint32_t left[4];
    as_a<T>(left, a[2 * j], a[2 * j + 1]);
    NNZ_UNROLL
    for (int o = 0; o < D / 16; o++) {
      uint32_t b[2][2];
      tile.read_b_transposed(b, j, 16 * o);
      mma<T>(sums[2 * o], left, b[0]);
      mma<T>(sums[2 * o + 1], left, b[1]);
    }
  }
}

/// rows · columnsᵀ for the warp's 16 rows of one tile and the 64 of another.
template <class T, int D>
NNZ_DEVICE void multiply(float (&product)[ATTENTION_TILE / 8][4], const RowTile<T, D>& rows, int row,
                         const RowTile<T, D>& columns) {
  NNZ_UNROLL
  for (int d = 0; d < D / 16; d++) {
    uint32_t a[4];
    rows.read_a(a, row, d);
    NNZ_UNROLL
    for (int j = 0; j < HALF_TILES; j++) {
      uint32_t b[2][2];
      columns.read_b(b, 16 * j, d);
      mma<T>(product[2 * j], a, b[0]);
      mma<T>(product[2 * j + 1], a, b[1]);
    }
  }
}

template <class T, int D>
NNZ_DEVICE void store_rows(T* target, const float (&sums)[D / 8][4], int64_t first, int64_t rows, float factor) {
  const int lane = threadIdx.x % LANES;
  for (int half = 0; half < 2; half++) {
    const int64_t row = first + lane / 4 + 8 * half;
    if (row >= rows) continue;
    NNZ_UNROLL
    for (int o = 0; o < D / 8; o++)
      for (int c = 0; c < 2; c++)
        target[row * D + o * 8 + lane % 4 * 2 + c] = from_f32<T>(sums[o][2 * half + c] * factor);
  }
}

/// The weight of a pair, and the gradient of its score.
struct Pair {
  float weight, d_score;
  NNZ_DEVICE static Pair of(bool kept, float score, float log_sum_exp, float d_weight, float delta) {
    if (!kept) return {0, 0};
    const float weight = exp2f(score - log_sum_exp);
    return {weight, weight * (d_weight - delta)};
  }
};

/// dQ of one query tile.
template <class T, int D>
__global__ void __launch_bounds__(WARPS* LANES) attention_d_queries(AttentionBackward p) {
  const int lane = threadIdx.x % LANES, warp = threadIdx.x / LANES;
  const int64_t query_tile = blockIdx.x, head = blockIdx.y % p.heads, batch = blockIdx.y / p.heads;
  const int64_t key_head = head * p.key_heads / p.heads, first_query = query_tile * ATTENTION_TILE;
  const int64_t query_rows = (batch * p.heads + head) * p.tokens, key_rows = (batch * p.key_heads + key_head) * p.keys;
  auto* shared = shared_memory<uint4>();
  const auto tile = [&](int i) { return RowTile<T, D>{shared + i * (RowTile<T, D>::BYTES / 16)}; };
  const TileList list = key_tiles(p, batch, head, query_tile);
  const auto load = [&](int64_t i) {
    if (i < list.count) {
      const int stage = 2 + 2 * static_cast<int>(i % 2);
      tile(stage).load(static_cast<const T*>(p.k) + key_rows * D, list.tile(i) * ATTENTION_TILE, p.keys);
      tile(stage + 1).load(static_cast<const T*>(p.v) + key_rows * D, list.tile(i) * ATTENTION_TILE, p.keys);
    }
    commit_copies();
  };
  tile(0).load(static_cast<const T*>(p.q) + query_rows * D, first_query, p.tokens);
  tile(1).load(static_cast<const T*>(p.d_output) + query_rows * D, first_query, p.tokens);
  load(0);
  KeyRange range[2];
  float log_sum_exp[2], delta[2];
  for (int row = 0; row < 2; row++) {
    const int64_t query = first_query + warp * 16 + lane / 4 + 8 * row;
    range[row] = KeyRange::of(p, batch, query);
    log_sum_exp[row] = query < p.tokens ? p.log_sum_exp[query_rows + query] * LOG2E : 0.0f;
    delta[row] = query < p.tokens ? p.delta[query_rows + query] : 0.0f;
  }
  const float scale = static_cast<float>(p.scale) * LOG2E;
  float sums[D / 8][4] = {};
  for (int64_t i = 0; i < list.count; i++) {
    wait_copies<0>();
    __syncthreads();
    load(i + 1);
    const int stage = 2 + 2 * static_cast<int>(i % 2);
    float scores[ATTENTION_TILE / 8][4] = {}, d_weights[ATTENTION_TILE / 8][4] = {};
    multiply<T, D>(scores, tile(0), warp * 16, tile(stage));
    multiply<T, D>(d_weights, tile(1), warp * 16, tile(stage + 1));
    const int32_t bits = list.bits(i);
    NNZ_UNROLL
    for (int j = 0; j < ATTENTION_TILE / 8; j++)
      NNZ_UNROLL
      for (int c = 0; c < 4; c++) {
        const int row = c / 2, key = j * 8 + lane % 4 * 2 + c % 2;
        const bool kept = range[row].holds(list.tile(i) * ATTENTION_TILE + key) &&
                          is_kept(p.bits, bits, warp * 16 + lane / 4 + 8 * row, key);
        scores[j][c] = Pair::of(kept, scores[j][c] * scale, log_sum_exp[row], d_weights[j][c], delta[row]).d_score;
      }
    add_product<T, D>(sums, scores, tile(stage));
  }
  store_rows<T, D>(static_cast<T*>(p.d_q) + query_rows * D, sums, first_query + warp * 16, p.tokens,
                   static_cast<float>(p.scale));
}

/// dK and dV of one key tile, over all query heads that read it.
template <class T, int D>
__global__ void __launch_bounds__(WARPS* LANES) attention_d_keys(AttentionBackward p) {
  const int lane = threadIdx.x % LANES, warp = threadIdx.x / LANES;
  const int64_t key_tile = blockIdx.x, key_head = blockIdx.y % p.key_heads, batch = blockIdx.y / p.key_heads;
  const int64_t first_key = key_tile * ATTENTION_TILE, key_rows = (batch * p.key_heads + key_head) * p.keys;
  auto* shared = shared_memory<uint4>();
  const auto tile = [&](int i) { return RowTile<T, D>{shared + i * (RowTile<T, D>::BYTES / 16)}; };
  tile(0).load(static_cast<const T*>(p.k) + key_rows * D, first_key, p.keys);
  tile(1).load(static_cast<const T*>(p.v) + key_rows * D, first_key, p.keys);
  const float scale = static_cast<float>(p.scale) * LOG2E;
  float d_keys[D / 8][4] = {}, d_values[D / 8][4] = {};
  const int64_t group = p.heads / p.key_heads;
  for (int64_t head = key_head * group; head < (key_head + 1) * group; head++) {
    const int64_t query_rows = (batch * p.heads + head) * p.tokens;
    const TileList list =
        TileList::of(p.key_offsets, p.query_tiles, p.key_partial, (batch * p.heads + head) % p.mask_heads, key_tile,
                     ceil_div<int64_t>(p.keys, ATTENTION_TILE), ceil_div<int64_t>(p.tokens, ATTENTION_TILE));
    const auto load = [&](int64_t i) {
      if (i < list.count) {
        const int stage = 2 + 2 * static_cast<int>(i % 2);
        tile(stage).load(static_cast<const T*>(p.q) + query_rows * D, list.tile(i) * ATTENTION_TILE, p.tokens);
        tile(stage + 1).load(static_cast<const T*>(p.d_output) + query_rows * D, list.tile(i) * ATTENTION_TILE,
                             p.tokens);
      }
      commit_copies();
    };
    load(0);
    for (int64_t i = 0; i < list.count; i++) {
      wait_copies<0>();
      __syncthreads();
      load(i + 1);
      const int stage = 2 + 2 * static_cast<int>(i % 2);
      const int64_t first_query = list.tile(i) * ATTENTION_TILE;
      const int32_t bits = list.bits(i);
      float scores[ATTENTION_TILE / 8][4] = {}, d_weights[ATTENTION_TILE / 8][4] = {};
      multiply<T, D>(scores, tile(0), warp * 16, tile(stage));
      multiply<T, D>(d_weights, tile(1), warp * 16, tile(stage + 1));
      NNZ_UNROLL
      for (int j = 0; j < ATTENTION_TILE / 8; j++)
        NNZ_UNROLL
        for (int c = 0; c < 4; c++) {
          const int query = j * 8 + lane % 4 * 2 + c % 2, key = warp * 16 + lane / 4 + 8 * (c / 2);
          const int64_t at = first_query + query;
          const bool kept = KeyRange::of(p, batch, at).holds(first_key + key) && is_kept(p.bits, bits, query, key);
          const float log_sum_exp = kept ? p.log_sum_exp[query_rows + at] * LOG2E : 0.0f;
          const float delta = kept ? p.delta[query_rows + at] : 0.0f;
          const Pair pair = Pair::of(kept, scores[j][c] * scale, log_sum_exp, d_weights[j][c], delta);
          scores[j][c] = pair.weight;
          d_weights[j][c] = pair.d_score;
        }
      add_product<T, D>(d_values, scores, tile(stage + 1));
      add_product<T, D>(d_keys, d_weights, tile(stage));
    }
    // The next head's tiles go where these lie.
    wait_copies<0>();
    __syncthreads();
  }
  store_rows<T, D>(static_cast<T*>(p.d_k) + key_rows * D, d_keys, first_key + warp * 16, p.keys,
                   static_cast<float>(p.scale));
  store_rows<T, D>(static_cast<T*>(p.d_v) + key_rows * D, d_values, first_key + warp * 16, p.keys, 1.0f);
}

template <class T, int D>
cudaError_t launch_sizes(const AttentionBackward& p, cudaStream_t stream) {
  const dim3 block(WARPS * LANES);
  const auto tiles = [](int64_t rows) { return static_cast<unsigned>(ceil_div<int64_t>(rows, ATTENTION_TILE)); };
  const int64_t rows = p.batch * p.heads * p.tokens;
  cudaError_t error = launch(attention_delta<T, D>, dim3(static_cast<unsigned>(ceil_div<int64_t>(rows, WARPS))), block,
                             0, stream, p);
  if (error != cudaSuccess) return error;
  error = launch(attention_d_queries<T, D>, dim3(tiles(p.tokens), static_cast<unsigned>(p.batch * p.heads)), block,
                 SHARED<D>, stream, p);
  if (error != cudaSuccess) return error;
  return launch(attention_d_keys<T, D>, dim3(tiles(p.keys), static_cast<unsigned>(p.batch * p.key_heads)), block,
                SHARED<D>, stream, p);
}

template <class T>
cudaError_t launch_type(const AttentionBackward& p, cudaStream_t stream) {
  if (p.head_dim == 64) return launch_sizes<T, 64>(p, stream);
  if (p.head_dim == 128) return launch_sizes<T, 128>(p, stream);
  return cudaErrorInvalidValue;
}

}  // namespace

cudaError_t launch_attention_backward(const AttentionBackward& p, cudaStream_t stream) {
  if (p.type == 1) return launch_type<f16>(p, stream);
  if (p.type == 2) return launch_type<bf16>(p, stream);
  return cudaErrorInvalidValue;
}

}  // namespace nnz
