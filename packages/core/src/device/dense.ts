import type { Kernel } from '../plan/kernel.ts'
import type { DenseView } from '../product/dense.ts'
import type { ProductArguments, ProductProblem } from '../product/problem.ts'
import { expectDevice } from './device.ts'
import { type HalfType, paddedDense, supportsOnDevice, TensorCorePacking, tensorCoreRunner } from './matrix-product.ts'
import { deviceRow } from './product-plan.ts'

/** A product whose weights may have 16-bit values. */
export interface HalfProductProblem extends ProductProblem {
  readonly valueType?: string | undefined
}

/** Why values are not the 16-bit ones that tensor cores multiply; `true` if they are. */
export function supportsHalf({ valueType }: HalfProductProblem): true | string {
  return valueType === 'f16' || valueType === 'bf16' || `is for f16 or bf16 values, these are ${valueType ?? 'f32'}`
}

/** The dense product on tensor cores, as a candidate for 16-bit weights of another layout. */
export function deviceDenseCandidate<P extends HalfProductProblem, W>(
  view: DenseView<P, W>,
): Kernel<P, W, ProductArguments> {
  const { operation, contract, formatPrefix = '', supports, toDense } = view
  return deviceRow<P, W>({
    name: `${contract.replace('_f32', '_half')}__cuda_sm80_dense`,
    operation,
    backend: 'cuda',
    variant: 'sm80_dense',
    types: { weights: 'half', activations: 'f32', accumulator: 'f32', output: 'f32' },
    format: `${formatPrefix}tensor-core dense`,
    dense: true,
    supports(problem) {
      const values = supportsHalf(problem)
      const layout = values === true ? supports(problem) : values
      return layout === true ? supportsOnDevice(problem.activation) : layout
    },
    runFeatures: ({ m, k, n }) => [1, 2 * m * k * n, 2 * (m * k + k * n + m * n)],
    packFeatures: ({ m, k }) => [m * k],
    pack(weights, { m, k, valueType }, backend) {
      const layOut = (values?: Float32Array) => paddedDense(toDense(weights, values), [m, k])
      const device = expectDevice(backend, operation)
      return new TensorCorePacking(device, valueType as HalfType, { values: layOut() }, layOut)
    },
    plan: (problem, packing, backend) =>
      tensorCoreRunner(problem, packing as TensorCorePacking, expectDevice(backend, operation)),
  })
}
