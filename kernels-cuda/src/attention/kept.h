// Which pairs of a tile are kept: mask, ranges of keys, and the ends of the tensors.
#pragma once
#include "attention.h"

namespace nnz {

/// The kept key tiles of one query tile.
struct TileList {
  const uint32_t* tiles;
  const int32_t* partial;
  int64_t count;

  NNZ_DEVICE static TileList of(const Attention& p, int64_t batch, int64_t head, int64_t query_tile) {
    if (p.offsets == nullptr) return {nullptr, nullptr, ceil_div<int64_t>(p.keys, ATTENTION_TILE)};
    const int64_t rows = ceil_div<int64_t>(p.tokens, ATTENTION_TILE) + 1;
    const uint32_t* row = p.offsets + (batch * p.heads + head) % p.mask_heads * rows + query_tile;
    return {p.tiles + row[0], p.partial + row[0], static_cast<int64_t>(row[1]) - row[0]};
  }
  NNZ_DEVICE int64_t key_tile(int64_t i) const { return tiles == nullptr ? i : tiles[i]; }
  NNZ_DEVICE int32_t bits(int64_t i) const { return partial == nullptr ? -1 : partial[i]; }
};

/// The keys that one query meets, as far as ranges say it.
struct KeyRange {
  int64_t low, high;

  NNZ_DEVICE static KeyRange of(const Attention& p, int64_t batch, int64_t query) {
    if (query >= p.tokens) return {0, 0};
    const int64_t at = (p.ranges_per_batch ? batch * p.tokens : 0) + query;
    const int64_t high = p.high[at];
    return {p.low[at], high < p.keys ? high : p.keys};
  }
  NNZ_DEVICE bool holds(int64_t key) const { return key >= low && key < high; }
  NNZ_DEVICE bool meets(int64_t first, int64_t end) const { return low < end && first < high; }
};

}  // namespace nnz
