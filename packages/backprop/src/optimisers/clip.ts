import { describe, rangeError } from '@nnz/core'
import { expectParameters } from '../kit/arguments.ts'
import type { Parameter } from '../kit/parameter.ts'

/**
 * Scales all gradients down so that their norm together is at most `largest`.
 *
 * @returns the norm before
 */
export function clipGradients(parameters: Iterable<Parameter>, largest: number): number {
  if (!(largest > 0)) throw rangeError('NNZ_VALUE', `clipGradients: expected a norm above 0, got ${describe(largest)}`)
  const gradients = expectParameters(parameters, 'clipGradients').flatMap(({ gradient }) =>
    gradient ? [gradient] : [],
  )
  let sum = 0
  for (const gradient of gradients) for (let i = 0; i < gradient.length; i++) sum += gradient[i] * gradient[i]
  const norm = Math.sqrt(sum)
  const scale = largest / norm
  if (norm > largest) for (const gradient of gradients) for (let i = 0; i < gradient.length; i++) gradient[i] *= scale
  return norm
}
