type PythonContender = typeof import('../../../src/baselines/python-contender.ts')

export type { Library } from '../../../src/baselines/python-contender.ts'

/** A page has no Python: these baselines are not asked for. */
export const pythonBaseline: PythonContender['pythonBaseline'] = ({ name }) => {
  return { name, placeholder: undefined as never, open: () => Promise.reject(new Error('a page has no Python')) }
}

export const csrArrays: PythonContender['csrArrays'] = () => {
  throw new Error('a page has no Python')
}
