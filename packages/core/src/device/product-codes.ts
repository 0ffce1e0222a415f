import type { Activation } from '../product/activation.ts'
import type { DeviceDtype } from './device.ts'

/** Activations by the numbers that kernels on devices know them by; those that they lack are missing. */
export const DEVICE_ACTIVATIONS: Readonly<Partial<Record<Activation, number>>> = Object.freeze({
  none: 0,
  relu: 1,
  gelu: 2,
  'gelu-tanh': 3,
  silu: 4,
})

/** Element types by the numbers that kernels on devices know them by. */
export const DEVICE_TYPES: Readonly<Record<DeviceDtype, number>> = Object.freeze({ f32: 0, f16: 1, bf16: 2 })
