import { describe, expect, it } from 'vitest'
import { pythonBaselines } from '../src/baselines/python.ts'
import { startPython } from '../src/baselines/python-process.ts'
import { openBaselines } from '../src/runner/run-matrix.ts'
import { contendersOf, problem, recordOf } from './baselines-problem.ts'

const opened = await Promise.all(
  pythonBaselines().map(async (baseline) => ({ name: baseline.name, ...(await openBaselines([baseline], [1, 2])) })),
)

describe.each(opened)('$name', ({ name, specs, missing }) => {
  it('multiplies uniform and block weights, or says what is missing', async () => {
    for (const { baseline, reason } of missing) {
      expect(baseline.placeholder.name).toBe(name)
      expect(reason).toMatch(
        /^the Python package \w+ is missing: python3 -m pip install \w+$|^Python: torch-\w+ cannot be loaded|^Python cannot be started/,
      )
    }
    if (missing.length === 0)
      expect(contendersOf(specs)).toEqual(name === 'scipy-csr' ? ['f32 t1'] : ['f32 t1', 'f32 t2'])
    for (const spec of specs) {
      expect(spec.contender).toMatchObject({ name, class: 'native', version: expect.stringMatching(/^\d+\.\d+/) })
      for (const task of [problem('uniform', 17), problem('block', 16), problem('uniform', 1)]) {
        expect(await recordOf(spec, task)).toMatchObject({ reason: null, status: 'passed' })
      }
    }
  })
})

describe('Python', () => {
  it('that cannot be started is named, for every library', async () => {
    for (const baseline of pythonBaselines(once(() => startPython('no-such-python')))) {
      await expect(baseline.open([1])).rejects.toThrow(/no-such-python.*NNZ_PYTHON names another Python/)
    }
  })

  it('that ends at once is told, not waited for', async () => {
    // Node takes the script for JavaScript.
    const [baseline] = pythonBaselines(once(() => startPython(process.execPath)))
    await expect(baseline.open([1])).rejects.toThrow(/Python ended with code \d+/)
  })
})

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
