// The public API as a user's program sees it. It is compiled, never run.
import {
  type Backend,
  BackendUnavailableError,
  type Bsr,
  bsr,
  type Csr,
  configure,
  csr,
  type ErrorCode,
  type Explanation,
  js,
  linear,
  type SpmmPlan,
  spmm,
  type Tensor,
  tensor,
  type WasmBackend,
  wasm,
  zeros,
} from '@nnz/spmm'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Fails to compile unless its argument is `true`. */
function is<_T extends true>(): void {}

const x = tensor([1, 2], [2, 1])
is<Same<typeof x, Tensor>>()
is<Same<Tensor['data'], Float32Array>>()
is<Same<Tensor['shape'], readonly number[]>>()

const w = csr.fromDense([1, 0, 0, 2], [2, 2])
is<Same<typeof w, Csr>>()
is<Same<Csr['layout'], 'csr'>>()
const blocks = bsr.fromDense(new Float32Array(4), [2, 2], [1, 2])
is<Same<typeof blocks, Bsr>>()

is<Same<ReturnType<typeof spmm>, Tensor>>()
const y: Tensor = spmm(w, x, { bias: [1, 2], activation: 'gelu', backend: js, out: zeros([2, 1]) })
const z: Tensor = linear(x, blocks, { residual: y, strictNonFinite: true, backend: wasm })
const plan = spmm.plan(w, { columns: 4 })
is<Same<typeof plan, SpmmPlan>>()
is<Same<ReturnType<typeof plan.run>, Tensor>>()
is<Same<ReturnType<typeof plan.explain>, Explanation>>()
plan.run(x, { out: y })
plan.updateValues(w.values)
plan.dispose()
linear.plan(blocks, { columns: 1, maxPackedBytes: 1e6, kernel: 'name' }).run(z)

const backend: Promise<WasmBackend> = wasm.threads(2)
const anyBackend: Backend = js
const memory = zeros([1, 2], { backend: wasm })
memory.dispose()
configure({ wasm: 'relaxed', threads: 2, workerUrl: new URL('https://example.org/worker.js') })
const code: ErrorCode = new BackendUnavailableError('why').code
is<Same<ReturnType<typeof spmm.supports>, Record<string, true | string>>>()
for (const kernel of spmm.kernels) {
  is<Same<typeof kernel.name, string>>()
  is<Same<typeof kernel.dense, boolean>>()
}

// @ts-expect-error swapped arguments
spmm(x, w)
// @ts-expect-error swapped arguments
linear(w, x)
// @ts-expect-error a tensor needs a shape
tensor([1])
// @ts-expect-error an array is not a layout
spmm([1, 0, 0, 2], x)
// @ts-expect-error no such activation
spmm(w, x, { activation: 'tanh' })
// @ts-expect-error a plan needs its number of columns
spmm.plan(w, {})
// @ts-expect-error backends are objects
spmm(w, x, { backend: 'wasm' })
// @ts-expect-error layouts are readonly
w.values = new Float32Array()
// @ts-expect-error no such variant
configure({ wasm: 'simd' })
// @ts-expect-error no such code
const wrong: ErrorCode = 'NNZ_OTHER'

export { anyBackend, backend, code, wrong }
