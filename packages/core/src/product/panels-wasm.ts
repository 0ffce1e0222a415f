import type { KernelSet } from '../backends/kernel-set.ts'
import { stageInput } from '../backends/staging.ts'
import type { WasmBackend } from '../backends/wasm.ts'
import { balancedRanges, Workspace } from '../backends/workspace.ts'
import * as coreSet from '../generated/wasm.ts'
import type { Runner } from '../plan/kernel.ts'
import { createFinish } from './epilogue-wasm.ts'
import type { ProductArguments, ProductProblem } from './problem.ts'

const F32 = 4
const VECTOR = 16
/** Rows of X in a unit of the packing kernel. */
const PACK_ROWS = 64
/** What the microkernels write: whole vectors straight to rows, rows with a narrower last vector, or tokens. */
const OUTPUT = { direct: 0, rows: 1, tokens: 2 }

/** A microkernel that multiplies packed weights by panels of X. */
export interface PanelKernel {
  /** Its set, and its export there. */
  readonly set: KernelSet
  readonly name: string
  /** Its arguments in front of x: the weights and their geometry. */
  readonly weights: readonly number[]
  /** Bytes of each group of rows; a unit of work is one of them times a panel. */
  readonly rowBytes: readonly number[]
  /** What runs fastest through the units: all groups of rows meet a panel, or all panels a group of rows. Default: rows. */
  readonly inner?: 'rows' | 'panels'
  /** Most bytes of scratch that a part needs. */
  readonly scratchBytes: number
  /**
   * Panels for so many vectors: the width of all but the last, each packed as narrow as it is; or, with `even`, how many
   * panels of about one width, packed in rows of `even` vectors.
   */
  readonly panels: (vectors: number) => number
  readonly even?: number
}

/** Fills `bounds` with the first unit of each part, and the end. */
function partition({ rowBytes, inner }: PanelKernel, panels: number, parts: number, bounds: Int32Array): void {
  const units = rowBytes.length * panels
  const rows = (unit: number) => (inner === 'panels' ? Math.floor(unit / panels) : unit % rowBytes.length)
  const ranges = balancedRanges(units, parts, (unit) => rowBytes[rows(unit)] + 1)
  bounds.fill(units)
  for (let part = 0; part < ranges.length / 2; part++) bounds[part] = ranges[2 * part]
}

/**
 * Packs X, runs the microkernel on all threads, and finishes the output. The microkernel gets, after its weights: the
 * panels, n, how they were cut, y, its stride (of rows, or of tokens), what to write (0 whole vectors of rows, 1 rows
 * of any length, 2 tokens), scratch, and the first units of all parts; then a range of parts.
 */
export function panelRunner(
  problem: ProductProblem,
  backend: WasmBackend,
  kernel: PanelKernel,
): Runner<ProductArguments> {
  const { k, n: most, orientation } = problem
  const { memory } = backend
  const packers = backend.kernels(coreSet)
  const kernels = backend.kernels(kernel.set)
  const workspace = new Workspace(backend)
  // A few parts for each thread: whoever is late takes fewer.
  const parts = backend.threads === 1 ? 1 : 4 * backend.threads
  const xRoom = workspace.region(k * most * F32)
  const vectorsOf = (n: number) => (kernel.even ? kernel.even * kernel.panels(Math.ceil(n / 4)) : Math.ceil(n / 4))
  const xPanels = workspace.region(k * vectorsOf(most) * VECTOR)
  const scratch = workspace.region(parts * kernel.scratchBytes)
  const boundsRoom = workspace.region((parts + 1) * 4)
  const finish = createFinish(problem, backend, workspace)
  const bounds = new Int32Array(parts + 1)
  const packRanges = balancedRanges(Math.ceil(k / PACK_ROWS), parts, () => 1)
  const partRanges = balancedRanges(parts, parts, () => 1)
  let partitioned = -1
  return {
    run(args) {
      const { x } = args
      const n = x.shape[1]
      const vectors = Math.ceil(n / 4)
      const cut = kernel.panels(vectors)
      const panels = kernel.even ? cut : Math.ceil(vectors / cut)
      if (partitioned !== panels) {
        partition(kernel, panels, parts, bounds)
        partitioned = panels
      }
      memory.i32.set(bounds, boundsRoom() / 4)
      const from = stageInput(x, memory, xRoom())
      const source = [from.address, from.rowStride, from.columnStride, k, n, cut]
      if (kernel.even) packers.parallel('packEvenPanels', [...source, kernel.even * VECTOR, xPanels()], packRanges)
      else packers.parallel('packPanels', [...source, xPanels()], packRanges)
      finish(args, orientation === 'tokens' ? 'columns' : 'rows', (to) => {
        const byRows = to.columnStride === F32
        const output = !byRows ? OUTPUT.tokens : n % 4 === 0 ? OUTPUT.direct : OUTPUT.rows
        const target = [to.address, byRows ? to.rowStride : to.columnStride, output]
        const args = [...kernel.weights, xPanels(), n, cut, ...target, scratch(), boundsRoom()]
        kernels.parallel(kernel.name, args, partRanges)
      })
    },
  }
}
