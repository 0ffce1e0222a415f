import { describe, expect, it } from 'vitest'
import * as operations from '../src/index.ts'
import { blockMask, type KeyValueCache, keyValueCache, patterns, selection, tensor } from '../src/index.ts'
import * as methods from '../src/methods/index.ts'

type Call = (...args: unknown[]) => unknown

const isClass = (value: unknown) => typeof value === 'function' && String(value).startsWith('class')

function functionsOf(object: object, prefix: string): [string, Call][] {
  return Object.entries(object)
    .filter(([key, value]) => typeof value === 'function' && !isClass(value) && !NOT_OURS.has(key))
    .map(([key, value]) => [prefix + key, value as Call])
}

/** Of the core package, whose tests have them; and arithmetic on plain data. */
const NOT_OURS = new Set(['configure', 'setCostModel', 'tensor', 'zeros', 'attentionProblem', 'bytes', 'flops'])

const { attention, attentionBackward, decodeAttention } = operations
const cacheOf = (): KeyValueCache => keyValueCache({ keyHeads: 2, headDim: 4, pages: 1 })
const FUNCTIONS = [
  ...functionsOf(operations, ''),
  ...functionsOf(methods, 'methods.'),
  ...Object.entries({ attention, attentionBackward, decodeAttention, blockMask, patterns, selection }).flatMap(
    ([name, object]) => functionsOf(object, `${name}.`),
  ),
  ...methods.trainingFree.prefill.map((method): [string, Call] => [method.name, method.select as Call]),
  ...methods.trainingFree.decode.flatMap((method): [string, Call][] => [
    [`${method.name}.open`, method.open as Call],
    [`${method.name}.open(cache).select`, method.open(cacheOf()).select as Call],
  ]),
  ...['append', 'writeBlock', 'readBlock', 'evict', 'restore', 'pageOf'].map((name): [string, Call] => [
    `cache.${name}`,
    (...args) => (cacheOf() as unknown as Record<string, Call>)[name](...args),
  ]),
]

const x = tensor(new Float32Array(24), [2, 3, 4])
const saved = { q: x, k: x, v: x, output: x, logSumExp: tensor(new Float32Array(6), [2, 3]) }
const size = { rows: 3, columns: 3, blockShape: [2, 2] }
const WRONG: unknown[][] = [
  [],
  ...[null, 1, 'x', {}, x, [], size, saved].map((value) => [value]),
  ...[null, 1, {}, x, [1]].map((value) => [x, value]),
  ...[null, {}, x].map((value) => [x, x, value]),
  ...[null, {}, x].map((value) => [x, x, x, value]),
  [x, x, x, x, null],
  [x, { ...saved, out: null }],
  [x, saved, null],
  [x, saved, { out: null }],
]

it('each operation says which of its kernels support a problem', () => {
  for (const { supports, kernels } of [attention, attentionBackward, decodeAttention]) {
    const [{ operation }] = kernels
    const answers = (supports as (problem: unknown) => Record<string, true | string>)({ operation })
    expect(answers).toEqual(Object.fromEntries(kernels.map(({ name }) => [name, true])))
    expect(Object.values((supports as (problem: unknown) => object)({ operation: 'spmm' }))).not.toContain(true)
  }
})

describe('missing arguments and those of the wrong kind', () => {
  it.each(FUNCTIONS)('%s says so', (_, call) => {
    for (const args of WRONG) {
      try {
        call(...args)
      } catch (error) {
        expect(error, String((error as Error).stack)).toHaveProperty('code')
      }
    }
  })
})
