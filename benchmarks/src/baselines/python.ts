import type { ProductTask } from '../products/task.ts'
import type { Baseline } from '../runner/contender.ts'
import { csrArrays, type Library, pythonBaseline } from './python-contender.ts'
import type { Python } from './python-process.ts'

const LIBRARIES: readonly Library[] = [
  { name: 'scipy-csr', method: 'sparse', threaded: false },
  { name: 'torch-dense', method: 'dense', threaded: true },
  { name: 'torch-csr', method: 'sparse', threaded: true },
  // Through its inspector-executor interface, which may arrange the weights for many products.
  { name: 'onemkl-csr', method: 'sparse', threaded: true },
]

/** What multiplies weights by activations in Python. */
export function pythonBaselines(python?: () => Python): Baseline<ProductTask>[] {
  return LIBRARIES.map((library) =>
    pythonBaseline<ProductTask>(
      library,
      ({ m, k, n, csr }) => ({ sizes: { m, k, n }, arrays: csrArrays(csr()), inputs: [[k, n]] }),
      python,
    ),
  )
}
