import type { AttentionTask } from '../attention/task.ts'
import type { Baseline } from '../runner/contender.ts'
import { pythonBaseline } from './python-contender.ts'
import type { Python } from './python-process.ts'

/** PyTorch's scaled_dot_product_attention, with the pattern as a mask of elements. */
export function pythonAttentionBaseline(python?: () => Python): Baseline<AttentionTask> {
  return pythonBaseline<AttentionTask>(
    { name: 'torch-attention', method: 'dense', threaded: true },
    ({ heads, keyHeads, tokens, keys, headDim, mask, causal, keeps }) => ({
      sizes: { heads, keyHeads, tokens, keys, causal },
      arrays: mask && { mask: bytesOf(tokens, keys, keeps) },
      inputs: [
        [heads, tokens, headDim],
        [keyHeads, keys, headDim],
        [keyHeads, keys, headDim],
      ],
    }),
    python,
  )
}

function bytesOf(tokens: number, keys: number, keeps: AttentionTask['keeps']): Uint8Array {
  return Uint8Array.from({ length: tokens * keys }, (_, i) => Number(keeps(Math.floor(i / keys), i % keys, 0)))
}
