// Builds, runs every test of every workspace, and ends with what was not run and the test runners' own count.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { expectedReports, summarise } from './test-reports.mjs'

for (const { file } of expectedReports()) rmSync(file, { force: true })
const tasks = ['test', 'test:suites']
const { status } = spawnSync('turbo', ['run', ...tasks, '--continue', '--concurrency=1', '--output-logs=new-only'], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
})
const { failed } = summarise()
process.exitCode = status === 0 && failed === 0 ? 0 : 1
