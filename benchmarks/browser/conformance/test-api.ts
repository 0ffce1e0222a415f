// Stands in for `vitest` where a page runs the packages' own tests: its runner and its assertions, without its server.
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from '@vitest/expect'
import * as chai from 'chai'

export { afterAll, afterEach, beforeAll, beforeEach, describe, it, test } from '@vitest/runner'

chai.use(JestExtend)
chai.use(JestChaiExpect)
chai.use(JestAsymmetricMatchers)

/** `expect` as the tests know it. */
export const expect = Object.assign((value: unknown, message?: string) => chai.expect(value, message), chai.expect)
setState({ assertionCalls: 0 }, expect as never)
