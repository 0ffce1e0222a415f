// One call of each kernel package, with whole numbers that come out exactly: what bundlers bundle and other runtimes run.
import { attention } from '@nnz/attention'
import { spmmBackward } from '@nnz/backprop'
import { gemm, js, tensor, wasm, wasmSupport } from '@nnz/core'
import { nm, nmGemm } from '@nnz/nm-gemm'
import { csr, spmm } from '@nnz/spmm'

const [m, k, n] = [24, 40, 17]
/** Two of each four are kept. */
const weights = Float32Array.from({ length: m * k }, (_, i) => (i % 4 < 2 ? ((i * 7) % 11) - 5 : 0))
const x = Float32Array.from({ length: k * n }, (_, i) => ((i * 5) % 13) - 6)

/** a [rows, inner] times b [inner, columns]. */
function product(a, b, rows, inner, columns) {
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    let sum = 0
    for (let j = 0; j < inner; j++) sum += a[Math.floor(i / columns) * inner + j] * b[j * columns + (i % columns)]
    return sum
  })
}

/** a [rows, columns] as [columns, rows]. */
function transposed(a, rows, columns) {
  return Float32Array.from({ length: rows * columns }, (_, i) => a[(i % rows) * columns + Math.floor(i / rows)])
}

function planned(plan, input) {
  const { backend, variant } = plan.explain()
  const { data } = plan.run(input)
  const result = { data: Float32Array.from(data), backend: `${backend} ${variant}` }
  plan.dispose()
  return result
}

function finding({ data, backend }, expected) {
  return { backend, right: data.length === expected.length && data.every((value, i) => value === expected[i]) }
}

/** Every query meets keys that are all alike: the mean of four values, which is exact. */
function attended(backend) {
  const [heads, tokens, keys, headDim] = [2, 5, 4, 8]
  const v = Float32Array.from({ length: heads * keys * headDim }, (_, i) => (i % 9) * 4)
  const { output } = attention(
    tensor(new Float32Array(heads * tokens * headDim), [heads, tokens, headDim]),
    tensor(new Float32Array(heads * keys * headDim), [heads, keys, headDim]),
    tensor(v, [heads, keys, headDim]),
    { backend },
  )
  const expected = Float32Array.from({ length: heads * tokens * headDim }, (_, i) => {
    const head = Math.floor(i / (tokens * headDim))
    let sum = 0
    for (let key = 0; key < keys; key++) sum += v[(head * keys + key) * headDim + (i % headDim)]
    return sum / keys
  })
  return finding({ data: output.data, backend: `${backend.name} ${backend.variant}` }, expected)
}

/**
 * What came of each package's call, and which backend ran it.
 *
 * @param {{ threads?: number }} [options] without threads, the backend that a call takes by itself
 */
export async function everyPackage({ threads } = {}) {
  const support = wasmSupport()
  const backend = support !== true ? js : threads === undefined ? wasm.open() : await wasm.threads(threads)
  const given = threads === undefined ? {} : { backend }
  const right = product(weights, x, m, k, n)
  const input = tensor(x, [k, n])
  const options = { columns: n, ...given }
  const sparse = csr.fromDense(weights, [m, k])
  const dy = product(weights, x, m, k, n)
  const { dx } = spmmBackward(sparse, input, tensor(dy, [m, n]), { ...given })
  return {
    support,
    threads: backend.threads,
    packages: {
      '@nnz/attention': attended(backend),
      '@nnz/backprop': finding(
        { data: dx.data, backend: `${backend.name} ${backend.variant}` },
        product(transposed(weights, m, k), dy, k, m, n),
      ),
      '@nnz/core': finding(planned(gemm.plan(tensor(weights, [m, k]), options), input), right),
      '@nnz/nm-gemm': finding(
        planned(nmGemm.plan(nm.fromDense(weights, [m, k], { n: 2, m: 4 }), options), input),
        right,
      ),
      '@nnz/spmm': finding(planned(spmm.plan(sparse, options), input), right),
    },
  }
}
