import { js, wasm } from '@nnz/core'
import type { Pattern } from '@nnz/prune'
import { describe, expect, it } from 'vitest'
import { encoderConfig } from '../../packages/models/test/tiny.ts'
import { onnxEncoderBaseline } from '../src/baselines/onnx-encoder.ts'
import { pythonEncoderBaseline } from '../src/baselines/python-encoder.ts'
import { transformersJsBaseline } from '../src/baselines/transformers-js.ts'
import { encodeContenders } from '../src/end-to-end/encode-contenders.ts'
import { type EncodeTask, makeEncodeTask } from '../src/end-to-end/encode-task.ts'
import { createNetworkWorkload } from '../src/end-to-end/workload.ts'
import { encodeOperation } from '../src/operations/encode.ts'
import type { ContenderSpec } from '../src/runner/contender.ts'
import { openBaselines } from '../src/runner/run-matrix.ts'
import { contendersOf, recordOf } from './baselines-problem.ts'
import { tinyEncoderCheckpoint } from './networks-checkpoints.ts'

const UNSTRUCTURED: Pattern = { kind: 'unstructured' }

async function tinyTask(pattern: Pattern, sparsity: number): Promise<EncodeTask> {
  const workload = createNetworkWorkload({
    operation: 'encode',
    model: 'tiny',
    source: 'a test',
    phase: 'prefill',
    batch: 3,
    tokens: 7,
    pattern,
    sparsities: [sparsity],
  })
  return makeEncodeTask(workload, sparsity, await tinyEncoderCheckpoint())
}

const own = () => encodeContenders([wasm.open(), js])

describe('encode', () => {
  it('prunes every linear layer and nothing else', async () => {
    const { network, problem } = await tinyTask(UNSTRUCTURED, 0.75)
    const { width, innerWidth, layers } = encoderConfig
    expect(network.weights).toBe(layers * (4 * width * width + 2 * width * innerWidth))
    expect(network.nnz).toBe(network.weights / 4)
    expect(problem.sparsity).toBe(0.75)
    const zeros = (name: string) => network.tensors.get(name)!.data.filter((value) => value === 0).length
    expect(zeros('embeddings.word_embeddings.weight')).toBe(0)
    expect(zeros('encoder.layer.1.output.dense.bias')).toBe(0)
    expect(zeros('encoder.layer.1.output.dense.weight')).toBe((3 * width * innerWidth) / 4)
    for (const pattern of [{ kind: 'nm', n: 2, m: 4 } as const, { kind: 'grouped-nm', n: 2, m: 4, group: 2 } as const])
      expect((await tinyTask(pattern, 0.5)).network.nnz).toBe(network.weights / 2)
  })

  it.each([0, 0.5, 0.9])('our encoder passes the check at %f', async (sparsity) => {
    for (const spec of own())
      expect(await recordOf(spec, tinyTask(UNSTRUCTURED, sparsity))).toMatchObject({ status: 'passed', reason: null })
  })

  it.each([onnxEncoderBaseline('onnxruntime-web'), onnxEncoderBaseline('onnxruntime-node'), transformersJsBaseline()])(
    '$name passes the check, in 8 bits with its own bound',
    async (baseline) => {
      const specs = await baseline.open([1, 2])
      expect(contendersOf(specs)).toEqual(['f32 t1', 'q8 t1', 'f32 t2', 'q8 t2'])
      for (const spec of specs) {
        const { status, reason, error } = await recordOf(spec, tinyTask(UNSTRUCTURED, 0.5))
        expect({ status, reason }).toEqual({ status: 'passed', reason: null })
        const q8 = spec.contender.dtype === 'q8'
        expect(error!.bound).toBeGreaterThan(q8 ? 0.05 : 0)
        expect(error!.bound).toBeLessThan(q8 ? 0.2 : 1e-5)
      }
    },
  )

  it('PyTorch passes the check, or says what is missing', async () => {
    const { specs, missing } = await openBaselines([pythonEncoderBaseline()], [1])
    for (const { reason } of missing) expect(reason).toMatch(/Python/)
    for (const spec of specs)
      expect(await recordOf(spec, tinyTask(UNSTRUCTURED, 0.5))).toMatchObject({ status: 'passed', reason: null })
  })

  it('refuses vectors of other texts, and of a network that was not pruned', async () => {
    const [spec] = own()
    const task = await tinyTask(UNSTRUCTURED, 0.5)
    const reordered = changed(spec, (output) => [
      ...output.slice(encoderConfig.width),
      ...output.slice(0, encoderConfig.width),
    ])
    expect(await recordOf(reordered, task)).toMatchObject({ status: 'incorrect' })
    const dense = await tinyTask(UNSTRUCTURED, 0)
    const unpruned: ContenderSpec<EncodeTask> = { ...spec, prepare: () => spec.prepare(dense) }
    expect(await recordOf(unpruned, task)).toMatchObject({ status: 'incorrect' })
  })

  it('lists short and long texts, one and many, in every pattern', () => {
    const full = encodeOperation.workloads('full')
    expect(full.map(({ id }) => id)).toContain('all-minilm-l6-v2/encode/b32-t64/nm-2-4-g2')
    expect(full).toHaveLength(24)
    for (const { id } of encodeOperation.workloads('quick')) expect(full.map((workload) => workload.id)).toContain(id)
  })
})

function changed(spec: ContenderSpec<EncodeTask>, change: (output: number[]) => number[]): ContenderSpec<EncodeTask> {
  return {
    ...spec,
    async prepare(task) {
      const prepared = await spec.prepare(task)
      return { ...prepared, output: () => change(Array.from(prepared.output())) }
    },
  }
}
