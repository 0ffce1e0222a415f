import { type Backend, type Explanation, gemm, type Tensor, tensor } from '@nnz/core'
import { nmGemm } from '@nnz/nm-gemm'
import { spmm } from '@nnz/spmm'
import { StackedLinear } from '../decoder/stacked-linear.ts'

interface Plan {
  run(x: Tensor, options: { out: Tensor }): Tensor
  explain(): Explanation
  dispose(): void
}

type Weights = StackedLinear['weights']

/**
 * Linear layers that read one input, as one product with features in rows and tokens in lanes: y = W·x. The layout is chosen
 * by where the zeros are, the kernel by the plan of its operation; bias and activation belong to what follows.
 */
export class LaneProduct {
  readonly stack: StackedLinear
  readonly #backend: Backend
  #planned: { readonly weights: Weights; readonly columns: number; readonly plan: Plan } | undefined

  constructor(
    parts: readonly { readonly name: string; readonly weights: Float32Array }[],
    columns: number,
    backend: Backend,
  ) {
    this.stack = new StackedLinear({ parts, columns, tokens: 1 })
    this.#backend = backend
  }

  /** x [K, N]; out [M, N]. Packs anew after weights were replaced, and for more columns than before. */
  run(x: Tensor, out: Tensor, most: number): void {
    this.#plan(most).run(x, { out })
  }

  #plan(columns: number): Plan {
    const { weights } = this.stack
    if (this.#planned?.weights === weights && this.#planned.columns >= columns) return this.#planned.plan
    this.dispose()
    this.#planned = { weights, columns, plan: planOf(weights, columns, this.#backend) }
    return this.#planned.plan
  }

  /** Bytes of the packed weights; 0 before the first run. */
  get packedBytes(): number {
    return this.#planned?.plan.explain().packedBytes ?? 0
  }

  /** The kernel that runs; undefined before the first run. */
  get kernel(): string | undefined {
    return this.#planned?.plan.explain().kernel
  }

  dispose(): void {
    this.#planned?.plan.dispose()
    this.#planned = undefined
  }
}

/** A run has four columns at least: what plans pack for fewer is let go. */
function planOf(w: Weights, columns: number, backend: Backend): Plan {
  const plan = planFor(w, { columns, backend })
  const { kernel, packings } = plan.explain()
  if (packings.length === 1) return plan
  try {
    return planFor(w, { columns, backend, kernel })
  } finally {
    plan.dispose()
  }
}

function planFor(w: Weights, options: { columns: number; backend: Backend; kernel?: string }): Plan {
  if (w.layout === 'csr') return spmm.plan(w, options)
  if (w.layout === 'dense') return gemm.plan(tensor(w.values, w.shape), options)
  return nmGemm.plan(w, { ...options, candidates: [spmm] })
}
