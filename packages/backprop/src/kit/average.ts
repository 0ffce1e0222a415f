import { rangeError, typeError } from '@nnz/core'
import { samePattern } from '../masks/pattern.ts'
import { expectParameters, listOf } from './arguments.ts'
import type { Parameter } from './parameter.ts'

/**
 * Sets parameters to the mean of those of several members, in f64: a soup of networks that were trained from one pruned
 * parent (Zimmer et al., "Sparse model soups", arXiv 2306.16788). The members keep the same entries, and so does the mean.
 *
 * @param target may be one of the members
 * @throws RangeError if names, shapes or patterns differ: the mean of different patterns would be denser than each
 */
export function averageParameters(target: readonly Parameter[], members: readonly (readonly Parameter[])[]): void {
  expectParameters(target, 'averageParameters')
  for (const member of listOf('array', members, 'members', 'averageParameters'))
    expectParameters(member, 'averageParameters')
  if (members.length === 0) throw typeError('NNZ_TYPE', 'averageParameters: expected members')
  for (const member of members) {
    if (member.length !== target.length)
      throw rangeError('NNZ_SHAPE', `averageParameters: expected ${target.length} parameters, got ${member.length}`)
    target.forEach((parameter, i) => {
      expectAlike(parameter, member[i])
    })
  }
  target.forEach((parameter, i) => {
    const values = parameter.value.data
    for (let at = 0; at < values.length; at++) {
      let sum = 0
      for (const member of members) sum += member[i].value.data[at]
      values[at] = sum / members.length
    }
    parameter.version++
  })
}

function expectAlike(a: Parameter, b: Parameter): void {
  if (a.name !== b.name || a.shape.join() !== b.shape.join()) {
    throw rangeError(
      'NNZ_SHAPE',
      `averageParameters: expected ${a.name} [${a.shape.join(', ')}], got ${b.name} [${b.shape.join(', ')}]`,
    )
  }
  const [mine, other] = [a.csr, b.csr]
  if ((mine === undefined) !== (other === undefined) || (mine && other && !samePattern(mine, other)))
    throw rangeError('NNZ_LAYOUT', `averageParameters: the entries of ${a.name} differ, their mean would be denser`)
}
