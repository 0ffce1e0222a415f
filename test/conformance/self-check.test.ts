import { type Csr, csr, js, type Packing } from '@nnz/core'
import { kernels, type SpmmArguments, type SpmmKernel } from '@nnz/spmm'
import { describe, expect, it } from 'vitest'
import { optionCases, patternCases, specialCases, updateCases } from './support/spmm-cases.ts'
import { prepare, type SpmmCase, sweep } from './support/spmm-run.ts'
import { claimed } from './support/variant.ts'

const honest = kernels.find(({ name }) => name === 'spmm_csr_f32__js_panels')!
const sparse = (cases: SpmmCase[]) => cases.filter(({ w }) => w.layout === 'csr').map(prepare)

/** The honest row with a fault after each run. */
function faulty(spoil: (args: SpmmArguments) => void, options: Partial<SpmmKernel> = {}): SpmmKernel {
  return {
    ...honest,
    plan(problem, packing, backend) {
      const inner = honest.plan(problem, packing, backend)
      return {
        run(args) {
          inner.run(args)
          spoil(args)
        },
      }
    },
    ...options,
  }
}

const last = ({ y }: SpmmArguments) => (y.shape[0] - 1) * y.strides[0] + (y.shape[1] - 1) * y.strides[1]
const patterns = () => sparse(patternCases())

describe.runIf(claimed === 'js')('the suite catches a kernel that', () => {
  it.each<[string, SpmmKernel, () => ReturnType<typeof sparse>]>([
    ['is off by 8 units in the last place', faulty(({ y }) => void (y.data[0] *= 1 + 2 ** -20)), patterns],
    [
      'leaves its last element unwritten',
      faulty((args) => {
        const bits = new Int32Array(args.y.data.buffer, args.y.data.byteOffset, args.y.data.length)
        if (bits.length > 0) bits[last(args)] = 0x7fa5c3e1
      }),
      patterns,
    ],
    [
      'writes one element too many',
      faulty((args) => {
        const next = args.y.data.byteOffset + 4 * (last(args) + 1)
        if (args.y.data.length > 0) new Float32Array(args.y.data.buffer)[next / 4] = 0
      }),
      patterns,
    ],
    [
      'multiplies implicit zeros',
      {
        ...honest,
        pack: (w, problem, backend) => {
          const { shape } = w
          const dense = csr.toDense(w as never)
          const rowOffsets = Uint32Array.from({ length: shape[0] + 1 }, (_, i) => i * shape[1])
          const columnIndices = Uint32Array.from(dense, (_, i) => i % shape[1])
          return honest.pack(csr({ shape, rowOffsets, columnIndices, values: dense }), problem, backend)
        },
      },
      () => sparse(specialCases()),
    ],
    [
      'drops the last entry',
      {
        ...honest,
        pack: (w, problem, backend) => {
          const values = (w as Csr).values.slice()
          if (values.length > 0) values[values.length - 1] = 0
          return honest.pack(csr({ ...(w as never as Parameters<typeof csr>[0]), values }), problem, backend)
        },
      },
      patterns,
    ],
    [
      'keeps old values',
      {
        ...honest,
        pack: (w, problem, backend): Packing => {
          const packing = honest.pack(w, problem, backend)
          return { ...packing, bytes: packing.bytes, updateValues() {}, dispose() {} }
        },
      },
      () => sparse(updateCases()),
    ],
    [
      'forgets the residual',
      faulty(({ y, residual }) => {
        if (residual && residual !== y) y.data[0] -= residual.data[0]
      }),
      () => sparse(optionCases()),
    ],
  ])('%s', (_, row, cases) => {
    expect(() => sweep(row, cases(), js)).toThrow(/cases failed/)
  })

  it('and passes the honest one', () => {
    expect(sweep(honest, patterns(), js)).toBeGreaterThan(0)
  })
})
