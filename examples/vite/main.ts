import { csr, type SpmmPlan, spmm, spmmProblem, tensor } from '@nnz/spmm'

const [rows, inner, columns] = [3072, 768, 128]
const form = document.querySelector('form')!
const results = document.querySelector('tbody')!
const x = tensor(
  Float32Array.from({ length: inner * columns }, () => Math.random() - 0.5),
  [inner, columns],
)
const out = tensor(new Float32Array(rows * columns), [rows, columns])

/** Weights of which about `sparsity` percent are zero. */
function pruned(sparsity: number): Float32Array {
  return Float32Array.from({ length: rows * inner }, () =>
    Math.random() * 100 < sparsity ? 0 : (Math.random() + 0.5) / inner,
  )
}

/** Median milliseconds of a run of each plan: taken in turn, after enough runs for the browser to have optimised them. */
function milliseconds(plans: readonly SpmmPlan[]): number[] {
  const times: number[][] = plans.map(() => [])
  for (let run = 0; run < 30; run++) {
    for (const [i, plan] of plans.entries()) {
      const start = performance.now()
      plan.run(x, { out })
      times[i].push(performance.now() - start)
    }
  }
  return times.map((of) => of.slice(10).sort((a, b) => a - b)[10])
}

function multiply(): void {
  const sparsity = form.elements.namedItem('sparsity') as HTMLInputElement
  const w = csr.fromDense(pruned(sparsity.valueAsNumber), [rows, inner])
  const plan = spmm.plan(w, { columns })
  const { kernel, variant } = plan.explain()
  const problem = spmmProblem('spmm', w, columns, 'none')
  const dense = spmm.kernels.find(
    (row) => row.dense && row.variant.startsWith(`${variant}_`) && row.supports(problem) === true,
  )
  const densePlan = spmm.plan(w, { columns, kernel: dense?.name })
  const times = milliseconds([plan, densePlan]).map((time) => `${time.toFixed(2)} ms`)
  const cells = [`${sparsity.value} %`, ...times, kernel]
  plan.dispose()
  densePlan.dispose()
  const row = results.insertRow(0)
  for (const text of cells) row.insertCell().textContent = text
}

form.addEventListener('input', () => {
  const sparsity = form.elements.namedItem('sparsity') as HTMLInputElement
  const chosen = form.elements.namedItem('chosen') as HTMLOutputElement
  chosen.value = `${sparsity.value} %`
})
form.addEventListener('submit', (event) => {
  event.preventDefault()
  multiply()
})
