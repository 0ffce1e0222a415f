// One call of each kernel package, with whole numbers that come out exactly: what bundlers bundle and other runtimes run.
import { attention } from '@nnz/attention'
import { spmmBackward } from '@nnz/backprop'
import { gemm, js, tensor, wasm, wasmSupport } from '@nnz/core'
import { Encoder } from '@nnz/models'
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

/** An encoder without layers, whose words are ones with signs: they are normalised already, and four of them have length 2. */
async function encoded(backend) {
  const [width, words] = [4, [1, -1, 1, -1, -1, -1, 1, 1]]
  const tensors = {
    'word_embeddings.weight': { shape: [2, width], data: Float32Array.from(words) },
    'position_embeddings.weight': { shape: [4, width], data: new Float32Array(4 * width) },
    'token_type_embeddings.weight': { shape: [2, width], data: new Float32Array(2 * width) },
    'LayerNorm.weight': { shape: [width], data: new Float32Array(width).fill(1) },
    'LayerNorm.bias': { shape: [width], data: new Float32Array(width) },
  }
  const source = { read: async (name) => ({ name, ...tensors[name.replace('embeddings.', '')] }) }
  const config = { vocabulary: 2, positions: 4, layers: 0, heads: 1, width, innerWidth: width, epsilon: 0 }
  const encoder = await Encoder.read(source, config, 8, { backend })
  const { data } = encoder.encodeTokens([
    [0, 0],
    [1, 1, 1, 1],
  ])
  encoder.dispose()
  return finding(
    { data, backend: `${backend.name} ${backend.variant}` },
    words.map((word) => word / 2),
  )
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
      '@nnz/models': await encoded(backend),
      '@nnz/nm-gemm': finding(
        planned(nmGemm.plan(nm.fromDense(weights, [m, k], { n: 2, m: 4 }), options), input),
        right,
      ),
      '@nnz/spmm': finding(planned(spmm.plan(sparse, options), input), right),
    },
  }
}
