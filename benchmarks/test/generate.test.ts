import { js, wasm } from '@nnz/core'
import type { Pattern } from '@nnz/prune'
import { describe, expect, it } from 'vitest'
import { decoderConfig } from '../../packages/models/test/tiny.ts'
import { nodeLlamaCppBaseline } from '../src/baselines/node-llama-cpp.ts'
import { onnxDecoderBaseline } from '../src/baselines/onnx-decoder.ts'
import type { Checkpoint } from '../src/end-to-end/checkpoints.ts'
import { generateContenders } from '../src/end-to-end/generate-contenders.ts'
import { type GenerateTask, makeGenerateTask, STEPS } from '../src/end-to-end/generate-task.ts'
import { plainDecoder } from '../src/end-to-end/plain-networks.ts'
import { createNetworkWorkload, type NetworkPhase } from '../src/end-to-end/workload.ts'
import { generateOperation } from '../src/operations/generate.ts'
import type { ContenderSpec } from '../src/runner/contender.ts'
import { recordOf } from './baselines-problem.ts'
import { tinyDecoderCheckpoint } from './networks-checkpoints.ts'

type DecoderCheckpoint = Checkpoint<typeof decoderConfig>

async function tinyTask(phase: NetworkPhase, sparsity: number, checkpoint?: DecoderCheckpoint): Promise<GenerateTask> {
  const pattern: Pattern = { kind: 'unstructured' }
  const shared = { operation: 'generate', model: 'tiny', source: 'a test', batch: 1, tokens: 9 } as const
  const workload = createNetworkWorkload({ ...shared, phase, pattern, sparsities: [sparsity] })
  return makeGenerateTask(workload, sparsity, checkpoint ?? (await tinyDecoderCheckpoint()))
}

/** node-llama-cpp, but it computes a checkpoint plainly. */
function plainLlama(checkpoint: DecoderCheckpoint, distort = (_step: number, logarithm: number) => logarithm) {
  let text: number[] = []
  const evaluated: number[] = []
  const sequence = {
    async clearHistory() {
      text = []
    },
    async eraseContextTokenRanges([{ start, end }]: { start: number; end: number }[]) {
      text.splice(start, end - start)
    },
    async controlledEvaluate(items: (number | [number, { generateNext: { probabilities?: boolean } }])[]) {
      evaluated.push(items.length)
      for (const item of items) text.push(typeof item === 'number' ? item : item[0])
      const last = items.at(-1)
      if (typeof last !== 'object' || !last[1].generateNext.probabilities) return [undefined]
      const following = plainDecoder(checkpoint, text)
      const entries = Array.from(following, (value, token) => [token, Math.exp(distort(token, value))] as const)
      return [{ next: { probabilities: new Map(entries) } }]
    },
  }
  const dispose = async () => {}
  const context = { dispose, getSequence: () => sequence }
  const model = { dispose, size: 1234, createContext: async () => context }
  const library = {
    getModuleVersion: async () => '3.0.0',
    getLlama: async () => ({ dispose, loadModel: async () => model }),
  }
  return { evaluated, baseline: nodeLlamaCppBaseline(async () => library) }
}

describe('generate', () => {
  it.each([
    ['decode', 0],
    ['decode', 0.8],
    ['prefill', 0],
    ['prefill', 0.8],
  ] as const)('our decoder passes the check of a %s at %f', async (phase, sparsity) => {
    const [spec] = generateContenders([wasm.open()])
    const { status, reason, packedBytes, samples } = await recordOf(spec, tinyTask(phase, sparsity))
    expect({ status, reason }).toEqual({ status: 'passed', reason: null })
    expect(packedBytes).toBeGreaterThan(0)
    if (phase === 'decode') expect(samples[0].length % STEPS).toBe(0)
  })

  it('is listed for one thread alone, since it has no other', async () => {
    const backends = [wasm.open(), await wasm.threads(2), js]
    expect(generateContenders(backends).map(({ contender }) => contender.threads)).toEqual([1])
  })

  it('refuses a network that was not pruned, and one that appends another token', async () => {
    const [spec] = generateContenders([wasm.open()])
    const task = await tinyTask('decode', 0.8)
    const dense = await tinyTask('decode', 0)
    const unpruned: ContenderSpec<GenerateTask> = { ...spec, prepare: () => spec.prepare(dense) }
    expect(await recordOf(unpruned, task)).toMatchObject({ status: 'incorrect' })
    const shifted: ContenderSpec<GenerateTask> = {
      ...spec,
      async prepare(given) {
        const prepared = await spec.prepare(given)
        const setInput = prepared.setInput.bind(prepared)
        prepared.setInput = ([ids]) => setInput([ids.map((id, i) => (i === given.tokens ? (id + 1) % 70 : id))])
        return prepared
      },
    }
    expect(await recordOf(shifted, task)).toMatchObject({ status: 'incorrect' })
  })

  it.each(['onnxruntime-web', 'onnxruntime-node'] as const)(
    '%s passes the check, in 8 bits with its own bound',
    async (name) => {
      // Its attention wants heads of 16 numbers or a multiple.
      const { config, tensors } = await tinyDecoderCheckpoint()
      const head = tensors.get('token_embd.weight')!
      const checkpoint = {
        config: { ...config, heads: config.heads / 2, keyHeads: config.keyHeads / 2 },
        // Logits as large as those of trained networks.
        tensors: new Map([...tensors, ['token_embd.weight', { ...head, data: head.data.map((value) => value / 5) }]]),
      }
      for (const spec of await onnxDecoderBaseline(name).open([1]))
        for (const phase of ['decode', 'prefill'] as const) {
          const { status, reason, error } = await recordOf(spec, tinyTask(phase, 0.5, checkpoint))
          expect({ status, reason }).toEqual({ status: 'passed', reason: null })
          expect(error!.bound).toBe(spec.contender.dtype === 'q8' ? 3 : 2e-4)
        }
    },
  )

  it('counts what passes through the network once', async () => {
    const { width, layers, vocabulary } = decoderConfig
    const prefill = await tinyTask('prefill', 0)
    const decode = await tinyTask('decode', 0)
    const head = 2 * vocabulary * width
    expect(decode.flops).toBe(2 * decode.network.nnz + head + 4 * layers * width * 10)
    expect(prefill.flops).toBe(2 * 9 * prefill.network.nnz + head + 4 * layers * width * 45)
  })

  it('checks llama.cpp against the network as it was published, within what 4 bits cost', async () => {
    const checkpoint = { ...(await tinyDecoderCheckpoint()), path: 'tiny.gguf' }
    const { baseline, evaluated } = plainLlama(checkpoint)
    const [spec] = await baseline.open([1])
    const task = await tinyTask('decode', 0.8, checkpoint)
    expect(await recordOf(spec, task)).toMatchObject({ status: 'passed', reason: null, packedBytes: 1234 })
    // The text whole, then one token after another.
    expect(new Set(evaluated)).toEqual(new Set([9, 1]))
    const [wrong] = await plainLlama(checkpoint, (token, value) => (token % 2 ? value : value - 2)).baseline.open([1])
    expect(await recordOf(wrong, task)).toMatchObject({ status: 'incorrect' })
  })

  it('says what is missing', async () => {
    const absent = Object.assign(new Error('not found'), { code: 'ERR_MODULE_NOT_FOUND' })
    const baseline = nodeLlamaCppBaseline(() => Promise.reject(absent))
    await expect(baseline.open([1])).rejects.toThrow('node-llama-cpp is not installed: npm install node-llama-cpp')
    const [spec] = await plainLlama(await tinyDecoderCheckpoint()).baseline.open([1])
    expect(await recordOf(spec, tinyTask('decode', 0))).toMatchObject({ status: 'unsupported' })
  })

  it('lists a decode and a prompt in every pattern', () => {
    const ids = generateOperation.workloads('full').map(({ id }) => id)
    expect(ids).toContain('smollm2-135m-instruct/generate/prefill-t512/nm-2-4')
    expect(ids).toHaveLength(6)
    for (const { id } of generateOperation.workloads('quick')) expect(ids).toContain(id)
  })
})
