// Which pairs of a tile are kept: mask, ranges of keys, and the ends of the tensors.
#pragma once
#include "attention.h"

namespace nnz {

/// The kept tiles of one row of tiles: key tiles of a query tile, or query tiles of a key tile.
struct TileList {
  const uint32_t* tiles;
  const int32_t* partial;
  int64_t count;

  /// Row `row` of `rows` of the lists of one head; `all` tiles where there is no mask.
  NNZ_DEVICE static TileList of(const uint32_t* offsets, const uint32_t* tiles, const int32_t* partial,
                                int64_t mask_head, int64_t row, int64_t rows, int64_t all) {
    if (offsets == nullptr) return {nullptr, nullptr, all};
    const uint32_t* place = offsets + mask_head * (rows + 1) + row;
    return {tiles + place[0], partial + place[0], static_cast<int64_t>(place[1]) - place[0]};
  }
  NNZ_DEVICE int64_t tile(int64_t i) const { return tiles == nullptr ? i : tiles[i]; }
  /// -1 where all pairs of the tile are kept.
  NNZ_DEVICE int32_t bits(int64_t i) const { return partial == nullptr ? -1 : partial[i]; }
};

/// The key tiles of a query tile, for anything that has the pattern's members.
template <class Problem>
NNZ_DEVICE TileList key_tiles(const Problem& p, int64_t batch, int64_t head, int64_t query_tile) {
  return TileList::of(p.offsets, p.tiles, p.partial, (batch * p.heads + head) % p.mask_heads, query_tile,
                      ceil_div<int64_t>(p.tokens, ATTENTION_TILE), ceil_div<int64_t>(p.keys, ATTENTION_TILE));
}

/// Whether a pair of a tile with bits is kept.
NNZ_DEVICE bool is_kept(const uint64_t* bits, int32_t tile, int query, int key) {
  return tile < 0 || (bits[static_cast<int64_t>(tile) * ATTENTION_TILE + query] >> key & 1);
}

/// The keys that one query meets, as far as ranges say it.
struct KeyRange {
  int64_t low, high;

  template <class Problem>
  NNZ_DEVICE static KeyRange of(const Problem& p, int64_t batch, int64_t query) {
    if (query >= p.tokens) return {0, 0};
    const int64_t at = (p.ranges_per_batch ? batch * p.tokens : 0) + query;
    const int64_t high = p.high[at];
    return {p.low[at], high < p.keys ? high : p.keys};
  }
  NNZ_DEVICE bool holds(int64_t key) const { return key >= low && key < high; }
  NNZ_DEVICE bool meets(int64_t first, int64_t end) const { return low < end && first < high; }
};

}  // namespace nnz
