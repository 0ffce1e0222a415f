import type { DecoderConfig } from '@nnz/models'
import { random } from '../random.ts'
import type { Expectation, Inputs, Task } from '../runner/task.ts'
import { type Checkpoint, DECODER_LAYERS, type PrunedNetwork, prunedNetwork, readSmolLm2 } from './checkpoints.ts'
import { networkFields } from './network-fields.ts'
import { plainDecoder } from './plain-networks.ts'
import type { NetworkWorkload } from './workload.ts'

/**
 * What follows a text. The input is one list of tokens: the text, and for a decode those that are appended to it one by one. The
 * output is log p of every token that may follow the text, of a decode the text with the first of the appended.
 */
export interface GenerateTask extends Task {
  readonly network: PrunedNetwork<DecoderConfig>
  /** The network before it was pruned. */
  readonly published: Checkpoint<DecoderConfig>
  readonly phase: NetworkWorkload['phase']
  /** Tokens of the text. */
  readonly tokens: number
  /** Of the quick suite: contenders that take minutes leave it out. */
  readonly brief: boolean
  /** Tokens as a text; undefined where the network has no words. */
  textOf(tokens: Iterable<number>): string | undefined
  /** What must come out of the network as it was published, for runtimes that have a file of their own. */
  publishedExpectationOf(inputs: Inputs): Expectation
}

/** Tokens that a decode appends, one at a time, before it begins anew. */
export const STEPS = 16
/** The most probable tokens are compared. */
const COMPARED = 64
/** How far log p may be off in f32, after thirty layers. */
const BOUND = 2e-4

/** Makes the task of a workload at a sparsity. */
export async function makeGenerateTask(
  workload: NetworkWorkload,
  wanted: number,
  checkpoint?: Checkpoint<DecoderConfig>,
): Promise<GenerateTask> {
  const published = checkpoint ?? (await readSmolLm2())
  const network = prunedNetwork(published, DECODER_LAYERS, workload.pattern, wanted)
  const { phase, tokens, seed, brief = false } = workload
  const { words } = published
  const vocabulary = words ? [...words.keys()] : Array.from({ length: network.config.vocabulary }, (_, token) => token)
  const { layers, width } = network.config
  const decoding = phase === 'decode'
  // Every pair of a query and a key takes 2 width operations in q kᵀ and as many with v.
  const pairs = decoding ? tokens + 1 : (tokens * (tokens + 1)) / 2
  const work = {
    tokens: decoding ? 1 : tokens,
    attention: 4 * layers * width * pairs,
    head: network.config.vocabulary * width,
  }
  const expect = remembered((of: Checkpoint<DecoderConfig>, [ids]: Inputs) =>
    expectation(plainDecoder(of, ids.subarray(0, decoding ? tokens + 1 : tokens))),
  )
  return {
    ...networkFields(workload, network, work),
    network,
    published,
    phase,
    tokens,
    brief,
    textOf: (given) => words && Array.from(given, (token) => words.get(token)).join(''),
    inputs(drawn) {
      const next = random(seed + drawn, 'activations')
      const length = tokens + (decoding ? STEPS : 0)
      return [Float32Array.from({ length }, () => vocabulary[(next() >>> 0) % vocabulary.length])]
    },
    expectationOf: (inputs) => expect(network, inputs),
    publishedExpectationOf: (inputs) => expect(published, inputs),
  }
}

function expectation(all: Float64Array): Expectation {
  const indices = Uint32Array.from(all, (_, i) => i)
    .sort((a, b) => all[b] - all[a])
    .slice(0, COMPARED)
  const values = Float64Array.from(indices, (index) => all[index])
  return { indices, values, bounds: new Float64Array(indices.length).fill(BOUND), rows: 1 }
}

type Expect = (of: Checkpoint<DecoderConfig>, inputs: Inputs) => Expectation

/** It takes a second, and every contender asks for the same. */
function remembered(compute: Expect): Expect {
  const known = new Map<unknown, WeakMap<Inputs, Expectation>>()
  return (of, inputs) => {
    const among = known.get(of) ?? new WeakMap<Inputs, Expectation>()
    known.set(of, among)
    const found = among.get(inputs) ?? compute(of, inputs)
    among.set(inputs, found)
    return found
  }
}
