import {
  type Allocation,
  allocate,
  cosineFraction,
  countOf,
  fullPattern,
  highest,
  magnitudes,
  type Pattern,
  patternAt,
  positionsOf,
  Random,
  randomMask,
  rigl,
  type Schedule,
  set,
  windowed,
} from '@nnz/backprop/kit'
import type { Network } from './networks.ts'

/** The ways to train that can be named. */
export const METHODS = ['dense', 'small-dense', 'static', 'sparse-dense', 'set', 'rigl', 'gradual'] as const
export type MethodName = (typeof METHODS)[number]

/** What a method is told. */
export interface MethodOptions {
  readonly name: MethodName
  /** Share of zeros over all layers that may be sparse. */
  readonly sparsity: number
  readonly steps: number
  readonly seed: number
  /** Steps between changes of the pattern. */
  readonly every: number
}

/** How the patterns of a network's layers come about. */
export interface Method {
  /** Called once, before the first step. */
  begin(): void
  /** Whether a step needs the gradients of every place. */
  everywhere(step: number): boolean
  /** Called before each step. */
  before(step: number): void
  /** Called after the backward pass of each step. Returns true where it replaces the optimiser's step, as in RigL. */
  instead(step: number): boolean
}

/** Share of the kept entries that is exchanged at first, and when exchanging ends, as in RigL. */
const EXCHANGED = 0.3
const LAST_CHANGE = 0.75

/** ERK for the few unlike layers of networks for images, uniform for the many alike ones of a transformer. */
export function allocationOf(shapes: Network['shapes']): Allocation {
  return shapes.length > 4 ? 'uniform' : 'erk'
}

/** Share of training before a sparse network becomes dense, as in SPDF (arXiv 2303.10464). */
const SPARSE_PHASE = 0.75

/** A method for a network. */
export function createMethod(network: Network, options: MethodOptions): Method {
  const { name, sparsity, steps, seed, every } = options
  const weights = network.layers.map(({ weight }) => weight)
  const nothing: Method = { begin() {}, before() {}, everywhere: () => false, instead: () => false }
  if (name === 'dense' || name === 'small-dense') return nothing
  const begin = () => {
    const counts = allocate(network.shapes, 1 - sparsity, allocationOf(network.shapes))
    weights.forEach((weight, layer) => {
      weight.repattern(randomMask(weight.shape, counts[layer], seed, 3, layer))
      // The initial weights were drawn for all inputs; those that are left make up for the others.
      const scale = Math.sqrt((weight.shape[0] * weight.shape[1]) / Math.max(1, counts[layer]))
      for (let i = 0; i < weight.value.data.length; i++) weight.value.data[i] *= scale
      weight.version++
    })
  }
  if (name === 'static') return { ...nothing, begin }
  if (name === 'sparse-dense') {
    const release = Math.floor(SPARSE_PHASE * steps)
    const before = (step: number) => {
      if (step === release) for (const weight of weights) weight.repattern(undefined)
    }
    return { ...nothing, begin, before }
  }
  if (name === 'gradual') {
    const schedule = windowed({ to: sparsity, steps, every, start: 0.1, stop: LAST_CHANGE })
    return { ...nothing, before: (step) => prune(network, step, schedule) }
  }
  const last = Math.floor(LAST_CHANGE * steps)
  const fraction = cosineFraction(EXCHANGED, last)
  const due = (step: number) => step > 0 && step % every === 0 && step < last
  return {
    ...nothing,
    begin,
    everywhere: (step) => name === 'rigl' && due(step),
    instead(step) {
      if (!due(step)) return false
      weights.forEach((weight, layer) => {
        const kept = { pattern: weight.csr!, values: weight.value.data }
        const exchange = { fraction: fraction(step) }
        const next =
          name === 'rigl'
            ? rigl(kept, weight.gradientEverywhere!, exchange)
            : set(kept, new Random(seed, 4, layer, step), exchange)
        weight.repattern(next)
      })
      return true
    },
  }
}

/** Drops the smallest magnitudes over all layers where the schedule asks for more zeros than before. */
function prune({ layers }: Network, step: number, schedule: Schedule): void {
  const sparsity = schedule(step)
  if (sparsity === 0 || sparsity === schedule(step - 1)) return
  const weights = layers.map(({ weight }) => weight)
  const places = weights.reduce((sum, { shape }) => sum + shape[0] * shape[1], 0)
  const all = new Float32Array(weights.reduce((sum, { value }) => sum + value.data.length, 0))
  let offset = 0
  for (const { value } of weights) {
    all.set(magnitudes(value.data), offset)
    offset += value.data.length
  }
  const kept = highest(all, Math.min(all.length, Math.round(places * (1 - sparsity))))
  let begin = 0
  let at = 0
  for (const weight of weights) {
    const pattern: Pattern = weight.csr ?? fullPattern(weight.shape)
    const from = at
    while (at < kept.length && kept[at] < begin + countOf(pattern)) at++
    const positions = positionsOf(pattern)
    const chosen = kept.subarray(from, at).map((entry) => positions[entry - begin])
    begin += positions.length
    weight.repattern(patternAt(weight.shape, chosen))
  }
}
