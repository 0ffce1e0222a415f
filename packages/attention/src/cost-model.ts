import type { CostModel } from '@nnz/core'

/**
 * Nanoseconds for each of a kernel's features; fitted on one core of an AMD EPYC of the Zen 4 generation under Node 24, to the
 * problems of `nnz-bench tune`, which fits them to another machine.
 */
export const COSTS: CostModel = {
  attention_blocks_f32__wasm_relaxed_tiles: { run: [20430, 0.07083, 1.222, 1.112], pack: [11340, 101.6] },
  attention_blocks_f32__wasm_simd_tiles: { run: [26290, 0.1006, 1.471, 0.5704], pack: [13060, 80.23] },
  attention_blocks_f32__js_rows: { run: [1032, 2.066, 643], pack: [6204, 90.81] },
  attentionBackward_blocks_f32__wasm_relaxed_tiles: { run: [57950, 0.1983, 1.846, 1.721], pack: [8925, 69.9] },
  attentionBackward_blocks_f32__wasm_simd_tiles: { run: [55370, 0.3159, 1.492, 2.816], pack: [9580, 103.1] },
  attentionBackward_blocks_f32__js_rows: { run: [74440, 4.576, 2314], pack: [13430, 1327] },
  decodeAttention_pages_f32__wasm_relaxed_pages: { run: [16050, 0.1116, 0.1513], pack: [0] },
  decodeAttention_pages_f32__wasm_simd_pages: { run: [16870, 0.1327, 0.1415], pack: [0] },
  decodeAttention_pages_f32__js_rows: { run: [4070, 2.336], pack: [0] },
}
