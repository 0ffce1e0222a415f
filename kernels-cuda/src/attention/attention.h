// output = softmax(scale q kᵀ) v over the kept pairs, and its gradients: block-sparse attention as @nnz/attention defines it.
#pragma once
#include "../common/registry.h"

namespace nnz {

/// Queries and keys that a block of threads computes at once; a mask is laid out in tiles of so many of each.
constexpr int ATTENTION_TILE = 64;

struct Attention {
  const void* q;  // [batch, heads, tokens, head_dim] of `type`, row-major
  const void* k;  // [batch, key_heads, keys, head_dim]
  const void* v;
  void* output;             // as q
  float* log_sum_exp;       // [batch, heads, tokens]
  const uint32_t* low;      // [tokens], or [batch, tokens] where `ranges_per_batch`: the first key of every query,
  const uint32_t* high;     // and the key behind its last one
  const uint32_t* offsets;  // [mask_heads, query tiles + 1] into `tiles`, or null: all tiles
  const uint32_t* tiles;    // numbers of kept key tiles, rising in each row
  const int32_t* partial;   // for each of `tiles`: -1 if all its pairs are kept, else the number of its bits
  const uint64_t* bits;     // [partial tiles, 64]: bit j of word i is kept for query i and key j of the tile
  int64_t batch, heads, key_heads, tokens, keys, head_dim, mask_heads, ranges_per_batch;
  double scale;
  int64_t type;  // 1 f16, 2 bf16

  static constexpr const char* name = "attention";
  static constexpr const char* fields =
      "p:q p:k p:v p:output p:logSumExp p:low p:high p:offsets p:tiles p:partial p:bits "
      "i:batch i:heads i:keyHeads i:tokens i:keys i:headDim i:maskHeads i:rangesPerBatch f:scale i:type";
};
cudaError_t launch_attention(const Attention& arguments, cudaStream_t stream);

/// The gradients. Everything as in the forward pass, and the same pattern seen from its key tiles.
struct AttentionBackward {
  const void* q;
  const void* k;
  const void* v;
  const void* output;       // as the forward pass gave it
  const void* d_output;     // as q
  const float* log_sum_exp;
  float* delta;             // [batch, heads, tokens]: room for the sums of output times d_output
  void* d_q;                // as q
  void* d_k;                // as k
  void* d_v;
  const uint32_t* low;
  const uint32_t* high;
  const uint32_t* offsets;  // by query tiles, as in the forward pass, or null
  const uint32_t* tiles;
  const int32_t* partial;
  const uint32_t* key_offsets;  // [mask_heads, key tiles + 1] into `query_tiles`, or null
  const uint32_t* query_tiles;  // numbers of query tiles that keep something of a key tile
  const int32_t* key_partial;
  const uint64_t* bits;  // for both, by queries
  int64_t batch, heads, key_heads, tokens, keys, head_dim, mask_heads, ranges_per_batch;
  double scale;
  int64_t type;

  static constexpr const char* name = "attention_backward";
  static constexpr const char* fields =
      "p:q p:k p:v p:output p:dOutput p:logSumExp p:delta p:dQ p:dK p:dV p:low p:high p:offsets p:tiles p:partial "
      "p:keyOffsets p:queryTiles p:keyPartial p:bits "
      "i:batch i:heads i:keyHeads i:tokens i:keys i:headDim i:maskHeads i:rangesPerBatch f:scale i:type";
};
cudaError_t launch_attention_backward(const AttentionBackward& arguments, cudaStream_t stream);

}  // namespace nnz
