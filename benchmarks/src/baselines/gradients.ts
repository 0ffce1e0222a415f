import type { GradientTask } from '../backprop/task.ts'
import type { Baseline } from '../runner/contender.ts'
import { csrArrays, type Library, pythonBaseline } from './python-contender.ts'
import type { Python } from './python-process.ts'

const LIBRARIES: readonly Library[] = [
  // Its autograd, through a dense product.
  { name: 'torch-dense-gradients', method: 'dense', threaded: true },
  // A product with the transposed csr, and sampled_addmm.
  { name: 'torch-sampled-gradients', method: 'sparse', threaded: true },
]

/** What computes both gradients of a product elsewhere. */
export function gradientBaselines(python?: () => Python): Baseline<GradientTask>[] {
  return LIBRARIES.map((library) =>
    pythonBaseline<GradientTask>(
      library,
      ({ m, k, n, weights }) => ({
        sizes: { m, k, n },
        arrays: csrArrays(weights),
        inputs: [
          [k, n],
          [m, n],
        ],
      }),
      python,
    ),
  )
}
