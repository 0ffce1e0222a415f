import { describe, expect, it } from 'vitest'
import { mathjsBaseline } from '../src/baselines/mathjs.ts'
import { onnxProductBaseline } from '../src/baselines/onnx-products.ts'
import { importPackage, requireOwnOnnxRuntime } from '../src/baselines/packages.ts'
import { tfjsWasmBaseline } from '../src/baselines/tfjs-wasm.ts'
import { contendersOf, problem, recordOf } from './baselines-problem.ts'

describe.each([
  ['onnxruntime-web', onnxProductBaseline('onnxruntime-web'), ['f32 t1', 'q8 t1', 'f32 t2', 'q8 t2']],
  ['onnxruntime-node', onnxProductBaseline('onnxruntime-node'), ['f32 t1', 'q8 t1', 'f32 t2', 'q8 t2']],
  ['tfjs-wasm', tfjsWasmBaseline(), ['f32 t1']],
  ['mathjs', mathjsBaseline(), ['f64 t1']],
])('%s', (name, baseline, expected) => {
  it('multiplies uniform and block weights, for many columns and for one', async () => {
    const specs = await baseline.open([1, 2])
    expect(contendersOf(specs)).toEqual(expected)
    for (const spec of specs) {
      expect(spec.contender).toMatchObject({ type: 'baseline', name, version: expect.stringMatching(/^\d+\.\d+/) })
      for (const [pattern, n] of [
        ['uniform', 17],
        ['block', 16],
        ['uniform', 1],
      ] as const) {
        expect(await recordOf(spec, problem(pattern, n))).toMatchObject({ reason: null, status: 'passed' })
      }
    }
  })
})

describe('copies of ONNX Runtime', () => {
  it('have a registry of backends each, so that the native one never runs as WASM', async () => {
    const registries = []
    for (const name of ['onnxruntime-web', 'onnxruntime-web', 'onnxruntime-node']) {
      registries.push(((await requireOwnOnnxRuntime(name)) as { InferenceSession: object }).InferenceSession)
    }
    expect(new Set(registries).size).toBe(3)
  })
})

describe('8-bit weights', () => {
  it('may be off by the quantisation step, not by more', async () => {
    const [, spec] = await onnxProductBaseline('onnxruntime-node').open([1])
    const { status, error } = await recordOf(spec, problem('uniform', 17))
    expect(status).toBe('passed')
    // Elements of the product are about 1.
    expect(error!.maxAbs).toBeGreaterThan(1e-3)
    expect(error!.bound).toBeLessThan(0.2)
    const wrong = {
      ...spec,
      prepare: async (task: Parameters<typeof spec.prepare>[0]) => {
        const prepared = await spec.prepare(task)
        // One row is missing.
        return Object.assign(Object.create(prepared), {
          output: () => Float32Array.from(prepared.output(), (v, i) => (i < task.n ? 0 : v)),
        })
      },
    }
    expect(await recordOf(wrong, problem('uniform', 17))).toMatchObject({ status: 'incorrect' })
  })
})

describe('what is missing', () => {
  const absent = async (name: string) => {
    throw Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' })
  }
  it('is named, with the way to install it', async () => {
    await expect(onnxProductBaseline('onnxruntime-web', absent).open([1])).rejects.toThrow(
      'onnxruntime-web is not installed: npm install onnxruntime-web',
    )
    await expect(onnxProductBaseline('onnxruntime-web', importPackage, absent).open([1])).rejects.toThrow(
      'npm install onnx-proto',
    )
    await expect(onnxProductBaseline('onnxruntime-node', absent).open([1])).rejects.toThrow(
      'npm install onnxruntime-node',
    )
    await expect(tfjsWasmBaseline(absent).open([1])).rejects.toThrow('npm install @tensorflow/tfjs-core')
    await expect(mathjsBaseline(absent).open([1])).rejects.toThrow('npm install mathjs')
  })

  it('is told from what does not start', async () => {
    const broken = async () => {
      throw new Error('wrong architecture')
    }
    await expect(mathjsBaseline(broken).open([1])).rejects.toThrow('mathjs cannot be loaded: wrong architecture')
  })
})

describe('limits', () => {
  it('mathjs refuses what takes too long, with the reason', async () => {
    const [spec] = await mathjsBaseline().open([1])
    const task = await problem('uniform', 17)
    expect(spec.supports({ ...task, n: 1e6 })).toContain('more than 2 million')
  })
})
