import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTensors } from '../src/safetensors.ts'
import { imageFolder } from './fixtures.ts'

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const STEPS = 60
let folder = ''

beforeAll(async () => {
  folder = await imageFolder()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Starts a training whose checkpoint and metrics have this name. */
function start(name: string, method: string, ...more: string[]) {
  const files = ['--checkpoint', join(folder, `${name}.safetensors`), '--metrics', join(folder, `${name}.jsonl`)]
  const size = ['--steps', String(STEPS), '--batch', '16', '--change-every', '7', '--evaluate-every', '20']
  const data = ['--dataset', 'fashion-mnist', '--data', folder, '--method', method, '--checkpoint-every', '5']
  const child = spawn(process.execPath, [cli, 'run', ...data, ...size, ...files, ...more])
  const out = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => (out.stdout += text))
  child.stderr.on('data', (text) => (out.stderr += text))
  return { child, out, ended: once(child, 'exit') }
}

const checkpoint = (name: string) => readFile(join(folder, `${name}.safetensors`))
const lines = async (name: string) => (await readFile(join(folder, `${name}.jsonl`), 'utf8')).trimEnd().split('\n')

describe.each(['rigl', 'gradual', 'sparse-dense'])('%s', (method) => {
  it('killed and resumed ends with the same bits as uninterrupted', async () => {
    const whole = start(`whole-${method}`, method)
    const killed = start(`killed-${method}`, method)
    const path = join(folder, `killed-${method}.safetensors`)
    // Where the last quarter is another phase, the kill has to hit it to be one.
    const late = method === 'sparse-dense' ? 50 : 0
    while (late > 0 && (await lines(`killed-${method}`).catch(() => [])).length < late) await pause(2)
    while (!existsSync(path) && killed.child.exitCode === null) await pause(2)
    killed.child.kill('SIGKILL')
    expect(await killed.ended).toEqual([null, 'SIGKILL'])
    const resumed = start(`killed-${method}`, method, '--resume')
    expect((await resumed.ended)[0], resumed.out.stderr).toBe(0)
    expect((await whole.ended)[0], whole.out.stderr).toBe(0)
    expect((await checkpoint(`killed-${method}`)).equals(await checkpoint(`whole-${method}`))).toBe(true)
    expect(await lines(`killed-${method}`)).toEqual(await lines(`whole-${method}`))
    const steps = (await lines(`whole-${method}`)).map((line) => JSON.parse(line).step)
    expect(steps).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1))
    // The data can be learnt: the network does better than guessing one of ten.
    expect(JSON.parse(whole.out.stdout).accuracy).toBeGreaterThan(0.5)
    expect(JSON.parse(resumed.out.stdout).accuracy).toBe(JSON.parse(whole.out.stdout).accuracy)
  })
})

it('two threads give the same bits as one', async () => {
  const runs = ['1', '2'].map((threads) => start(`threads-${threads}`, 'rigl', '--steps', '20', '--threads', threads))
  for (const { ended, out } of runs) expect((await ended)[0], out.stderr).toBe(0)
  // What is packed, and so the peak of the bytes, depends on the threads; what is computed does not.
  const [one, two] = [await checkpoint('threads-1'), await checkpoint('threads-2')].map((bytes) =>
    readTensors(bytes, ''),
  )
  expect([...two.tensors]).toEqual([...one.tensors])
})

it('a checkpoint of another run, or a broken one, is refused in one line', async () => {
  const first = start('other', 'static', '--steps', '5')
  expect((await first.ended)[0], first.out.stderr).toBe(0)
  const other = start('other', 'static', '--steps', '6', '--resume')
  expect((await other.ended)[0]).toBe(1)
  expect(other.out.stderr).toMatch(/^train: the checkpoint is of another run/)
  const path = join(folder, 'other.safetensors')
  await writeFile(path, (await readFile(path)).subarray(0, 1000))
  const broken = start('other', 'static', '--steps', '5', '--resume')
  expect((await broken.ended)[0]).toBe(1)
  expect(broken.out.stderr).toMatch(/^train: other\.safetensors/)
})

it('help and mistakes read as a user expects', async () => {
  const help = spawn(process.execPath, [cli, '--help'])
  let text = ''
  help.stdout.on('data', (part) => (text += part))
  await once(help, 'exit')
  for (const option of ['--dataset', '--data', '--model', '--method', '--sparsity', '--resume', '--metrics'])
    expect(text).toContain(option)
  const wrong = start('wrong', 'static', '--sparsity', '1.5')
  expect((await wrong.ended)[0]).toBe(1)
  expect(wrong.out.stderr).toMatch(/expected a share from 0 to below 1, got 1\.5/)
  const unfit = start('unfit', 'static', '--model', 'char-transformer')
  expect((await unfit.ended)[0]).toBe(1)
  expect(unfit.out.stderr).toMatch(/^train: --model: char-transformer is for text/)
})
