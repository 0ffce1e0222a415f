// The reports that the test runners wrote. As a program it prints the summary; arguments name steps that failed besides.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('..', import.meta.url)

/** Where each workspace's test scripts say that they write their reports. */
export function expectedReports() {
  const inside = (parent) =>
    readdirSync(new URL(`${parent}/`, root))
      .map((name) => `${parent}/${name}`)
      .filter((folder) => existsSync(new URL(`${folder}/package.json`, root)))
  return [...inside('packages'), ...inside('examples'), 'benchmarks', 'test'].flatMap((folder) => {
    const { scripts = {} } = JSON.parse(readFileSync(new URL(`${folder}/package.json`, root), 'utf8'))
    return Object.entries(scripts)
      .filter(([name]) => /^test(:|$)/.test(name))
      .map(([name, script]) => {
        const path = /--outputFile\.json=(\S+)/.exec(script)?.[1]
        return { task: `${folder} ${name}`, file: new URL(`${folder}/${path}`, root) }
      })
  })
}

/** What was skipped, in few lines: a group that was skipped as a whole is one of them. */
function skippedGroups(report) {
  const groups = new Map()
  for (const { assertionResults } of report.testResults) {
    for (const { status, ancestorTitles, title, fullName } of assertionResults) {
      if (status !== 'pending' && status !== 'skipped') continue
      const group = ancestorTitles[0] ?? title
      groups.set(group, [...(groups.get(group) ?? []), fullName])
    }
  }
  return [...groups].flatMap(([group, names]) =>
    names.length > 2 || group.includes(':') ? [`${group} (${names.length} tests)`] : names,
  )
}

/** Prints what was not run and the counts. A missing report, and a step that failed, counts as one failure. */
export function summarise(failedSteps = []) {
  let passed = 0
  let failed = 0
  const notRun = new Set()
  for (const { task, file } of expectedReports()) {
    if (!existsSync(file)) {
      console.log(`failed: ${task} left no report`)
      failed++
      continue
    }
    const report = JSON.parse(readFileSync(file, 'utf8'))
    passed += report.numPassedTests
    // A file that cannot be loaded fails without a failed test.
    failed += Math.max(report.numFailedTests, report.success ? 0 : 1)
    for (const name of skippedGroups(report)) notRun.add(name)
  }
  for (const name of notRun) console.log(`not run: ${name}`)
  for (const step of failedSteps) {
    console.log(`failed: ${step}`)
    // Failed tests are counted already.
    if (step !== 'npm test' || failed === 0) failed++
  }
  console.log(`${passed} passed, ${failed} failed`)
  return { passed, failed }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = summarise(process.argv.slice(2)).failed > 0 ? 1 : 0
}
