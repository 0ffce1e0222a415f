import type { CostModel } from '@nnz/core'

/** Nanoseconds for each feature of a kernel, see `runFeatures` and `packFeatures`; fitted to measurements. */
export const COSTS: CostModel = {
  attention_blocks_f32__wasm_relaxed_tiles: { run: [8000, 0.074, 0.3, 0.5], pack: [5000] },
  attention_blocks_f32__wasm_simd_tiles: { run: [8000, 0.12, 0.4, 0.5], pack: [5000] },
  attention_blocks_f32__js_rows: { run: [1000, 1.8, 100], pack: [2000] },
  attentionBackward_blocks_f32__wasm_relaxed_tiles: { run: [8000, 0.19, 0.5, 1], pack: [5000] },
  attentionBackward_blocks_f32__wasm_simd_tiles: { run: [8000, 0.31, 0.6, 1], pack: [5000] },
  decodeAttention_pages_f32__wasm_relaxed_pages: { run: [5000, 0.15, 0.4], pack: [0] },
  decodeAttention_pages_f32__wasm_simd_pages: { run: [5000, 0.2, 0.4], pack: [0] },
  decodeAttention_pages_f32__js_rows: { run: [1000, 2], pack: [0] },
  attentionBackward_blocks_f32__js_rows: { run: [1000, 5, 200], pack: [2000] },
}
