// Sums what the test runners reported in <workspace>/.turbo/tests.json, and names what was skipped.
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const workspaces = [...readdirSync('packages').map((name) => `packages/${name}`), 'benchmarks', 'test']
let passed = 0
let failed = 0
const skipped = []
for (const workspace of workspaces) {
  const file = `${workspace}/.turbo/tests.json`
  if (!existsSync(file)) {
    console.error(`no report of the tests of ${workspace}`)
    failed++
    continue
  }
  const report = JSON.parse(readFileSync(file, 'utf8'))
  passed += report.numPassedTests
  failed += report.numFailedTests + (report.numFailedTests === 0 && !report.success ? 1 : 0)
  for (const { assertionResults } of report.testResults) {
    for (const { status, fullName } of assertionResults)
      if (status === 'pending' || status === 'skipped') skipped.push(fullName)
  }
}
for (const name of new Set(skipped)) console.log(`not run: ${name}`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
