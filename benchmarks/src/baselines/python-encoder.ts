import type { EncodeTask } from '../end-to-end/encode-task.ts'
import type { Baseline } from '../runner/contender.ts'
import { pythonBaseline } from './python-contender.ts'
import type { Python } from './python-process.ts'

/** A BERT encoder in PyTorch's functions, its scaled_dot_product_attention among them. */
export function pythonEncoderBaseline(python?: () => Python): Baseline<EncodeTask> {
  return pythonBaseline<EncodeTask>(
    { name: 'torch-encoder', method: 'dense', threaded: true },
    ({ network: { config, tensors }, batch, tokens }) => ({
      sizes: { ...config },
      arrays: Object.fromEntries([...tensors].map(([name, { data }]) => [name, data])),
      shapes: Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape])),
      inputs: [[batch, tokens]],
    }),
    python,
  )
}
