// Attention without the matrix of scores (Dao, FlashAttention-2, arXiv 2307.08691), over kept tiles only. A block of four
// warps holds 64 queries, 16 each; scores, weights and sums stay in registers.
#include "kept.h"
#include "rows.h"

namespace nnz {
namespace {

constexpr int WARPS = 4;
constexpr float LOG2E = 1.44269504f;
/// Instead of -infinity: differences of it with itself are 0 and not NaN.
constexpr float NOTHING = -1e30f;

template <int D>
struct Sizes {
  // Two stages of k and v: the next tile is read while this one is multiplied. 64 KB for D = 64 leave room for three
  // blocks on an H100, 160 KB - q included - for D = 128 for one.
  static constexpr int STAGES = 2;
  static constexpr int TILE = RowTile<f16, D>::BYTES;
  static constexpr int SHARED = (1 + 2 * STAGES) * TILE;
};

/// The largest and the sum over the four lanes that share a row.
NNZ_DEVICE float row_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 1));
  return fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 2));
}
NNZ_DEVICE float row_sum(float x) {
  x += __shfl_xor_sync(ALL_LANES, x, 1);
  return x + __shfl_xor_sync(ALL_LANES, x, 2);
}

template <class T, int D>
__global__ void __launch_bounds__(WARPS* LANES) attention_forward(Attention p) {
  constexpr int KEY_TILES = ATTENTION_TILE / 8, DEPTH = D / 16, OUT_TILES = D / 8;
  const int lane = threadIdx.x % LANES, warp = threadIdx.x / LANES;
  const int64_t query_tile = blockIdx.x, head = blockIdx.y % p.heads, batch = blockIdx.y / p.heads;
  const int64_t key_head = head * p.key_heads / p.heads;
  const int64_t first_query = query_tile * ATTENTION_TILE;
  auto* shared = shared_memory<uint4>();
  const auto tile = [&](int i) { return RowTile<T, D>{shared + i * (Sizes<D>::TILE / 16)}; };
  const T* q = static_cast<const T*>(p.q) + (batch * p.heads + head) * p.tokens * D;
  const T* k = static_cast<const T*>(p.k) + (batch * p.key_heads + key_head) * p.keys * D;
  const T* v = static_cast<const T*>(p.v) + (batch * p.key_heads + key_head) * p.keys * D;
  const TileList list = key_tiles(p, batch, head, query_tile);
  const auto load = [&](int64_t i) {
    if (i < list.count) {
      const int stage = static_cast<int>(i % Sizes<D>::STAGES);
      tile(1 + 2 * stage).load(k, list.tile(i) * ATTENTION_TILE, p.keys);
      tile(2 + 2 * stage).load(v, list.tile(i) * ATTENTION_TILE, p.keys);
    }
    commit_copies();
  };
  tile(0).load(q, first_query, p.tokens);
  load(0);
  wait_copies<0>();
  __syncthreads();
  uint32_t queries[DEPTH][4];
  for (int d = 0; d < DEPTH; d++) tile(0).read_a(queries[d], warp * 16, d);
  // Of the two rows of this lane.
  const int64_t query[2] = {first_query + warp * 16 + lane / 4, first_query + warp * 16 + lane / 4 + 8};
  const KeyRange range[2] = {KeyRange::of(p, batch, query[0]), KeyRange::of(p, batch, query[1])};
  const float scale = static_cast<float>(p.scale) * LOG2E;
  float sums[OUT_TILES][4] = {}, largest[2] = {NOTHING, NOTHING}, total[2] = {0, 0};
  for (int64_t i = 0; i < list.count; i++) {
    const int64_t first_key = list.tile(i) * ATTENTION_TILE;
    if (i > 0) {
      wait_copies<0>();
      __syncthreads();
    }
    load(i + 1);
    // A tile that no query of the warp meets, by its ranges, costs only its copy.
    const bool meets = range[0].meets(first_key, first_key + ATTENTION_TILE) ||
                       range[1].meets(first_key, first_key + ATTENTION_TILE);
    if (!__any_sync(ALL_LANES, meets)) continue;
    const int stage = static_cast<int>(i % Sizes<D>::STAGES);
    const RowTile<T, D> keys = tile(1 + 2 * stage), values = tile(2 + 2 * stage);
    float scores[KEY_TILES][4] = {};
    NNZ_UNROLL
    for (int d = 0; d < DEPTH; d++)
      NNZ_UNROLL
      for (int j = 0; j < KEY_TILES / 2; j++) {
        uint32_t b[2][2];
        keys.read_b(b, 16 * j, d);
        mma<T>(scores[2 * j], queries[d], b[0]);
        mma<T>(scores[2 * j + 1], queries[d], b[1]);
      }
    const int32_t bits = list.bits(i);
    float best[2] = {largest[0], largest[1]};
    NNZ_UNROLL
    for (int j = 0; j < KEY_TILES; j++)
      NNZ_UNROLL
      for (int c = 0; c < 4; c++) {
        const int row = c / 2, in_tile = j * 8 + lane % 4 * 2 + c % 2;
        const bool kept = range[row].holds(first_key + in_tile) &&
                          is_kept(p.bits, bits, warp * 16 + lane / 4 + 8 * row, in_tile);
        scores[j][c] = kept ? scores[j][c] * scale : NOTHING;
        best[row] = fmaxf(best[row], scores[j][c]);
      }
    float factor[2];
    for (int row = 0; row < 2; row++) {
      best[row] = row_max(best[row]);
      factor[row] = exp2f(largest[row] - best[row]);
      largest[row] = best[row];
      total[row] *= factor[row];
    }
    NNZ_UNROLL
    for (int j = 0; j < KEY_TILES; j++)
      NNZ_UNROLL
      for (int c = 0; c < 4; c++) {
        // A query that has met nothing yet has NOTHING for its largest, too: no weight of 1 for what is not kept.
        scores[j][c] = scores[j][c] == NOTHING ? 0.0f : exp2f(scores[j][c] - largest[c / 2]);
        total[c / 2] += scores[j][c];
      }
    NNZ_UNROLL
    for (int o = 0; o < OUT_TILES; o++)
      for (int c = 0; c < 4; c++) sums[o][c] *= factor[c / 2];
    NNZ_UNROLL
    for (int j = 0; j < KEY_TILES / 2; j++) {
      uint32_t weights[4];
      as_a<T>(weights, scores[2 * j], scores[2 * j + 1]);
      NNZ_UNROLL
      for (int o = 0; o < OUT_TILES / 2; o++) {
        uint32_t b[2][2];
        values.read_b_transposed(b, j, 16 * o);
        mma<T>(sums[2 * o], weights, b[0]);
        mma<T>(sums[2 * o + 1], weights, b[1]);
      }
    }
  }
  for (int row = 0; row < 2; row++) {
    const float all = row_sum(total[row]);
    if (query[row] >= p.tokens) continue;
    const int64_t at = (batch * p.heads + head) * p.tokens + query[row];
    const float inverse = all > 0 ? 1 / all : 0.0f;
    if (lane % 4 == 0) p.log_sum_exp[at] = all > 0 ? (largest[row] + log2f(all)) / LOG2E : -INFINITY;
    T* output = static_cast<T*>(p.output) + at * D + lane % 4 * 2;
    NNZ_UNROLL
    for (int o = 0; o < OUT_TILES; o++)
      for (int c = 0; c < 2; c++) output[o * 8 + c] = from_f32<T>(sums[o][2 * row + c] * inverse);
  }
}

template <class T>
cudaError_t launch_type(const Attention& p, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(ceil_div<int64_t>(p.tokens, ATTENTION_TILE)),
                  static_cast<unsigned>(p.batch * p.heads));
  switch (p.head_dim) {
    case 64:
      return launch(attention_forward<T, 64>, grid, dim3(WARPS * LANES), Sizes<64>::SHARED, stream, p);
    case 128:
      return launch(attention_forward<T, 128>, grid, dim3(WARPS * LANES), Sizes<128>::SHARED, stream, p);
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace

cudaError_t launch_attention(const Attention& p, cudaStream_t stream) {
  if (p.type == 1) return launch_type<f16>(p, stream);
  if (p.type == 2) return launch_type<bf16>(p, stream);
  return cudaErrorInvalidValue;
}

}  // namespace nnz
