import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readResults } from '../src/records/index.ts'

const CLI = fileURLToPath(new URL('../bin/nnz-bench.js', import.meta.url))
const SMOKE = ['run', '--suite', 'smoke', '--baselines', 'none', '--backends', 'js', '--machine', 'test']

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nnz-cli-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [CLI, ...args], { cwd: folder })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout, stderr }
  }
}

describe('nnz-bench', () => {
  it('measures, prints a table and renders the report, outside a clone', async () => {
    const { code, stdout } = await cli(...SMOKE, '--out', 'results')
    expect(code).toBe(0)
    expect(stdout).toContain('spmm_csr_f32__js_panels')
    const { runs, leftOut } = await readResults(join(folder, 'results'))
    expect(leftOut).toEqual([])
    expect(runs).toHaveLength(1)
    const passed = runs[0].records.filter(({ status }) => status === 'passed')
    expect(passed.length).toBeGreaterThan(1)
    expect(await readdir(join(folder, 'results'))).toEqual(expect.arrayContaining(['README.md', 'index.html']))
  })

  it('resumes: what is there is not measured again', async () => {
    await cli(...SMOKE, '--out', 'results', '--kernels', 'js_panels_dense')
    const before = (await readResults(join(folder, 'results'))).runs[0].records
    const { stdout } = await cli(...SMOKE, '--out', 'results', '--resume')
    expect(stdout).toContain(`resumed: ${before.length} records`)
    const after = (await readResults(join(folder, 'results'))).runs
    expect(after).toHaveLength(1)
    expect(after[0].records).toEqual(expect.arrayContaining(before as never))
    expect(after[0].records.length).toBeGreaterThan(before.length)
  })

  it('leaves valid files when it is killed, and continues from them', async () => {
    const args = [
      'run',
      '--suite',
      'quick',
      '--baselines',
      'none',
      '--backends',
      'js',
      '--machine',
      'test',
      '--out',
      'results',
    ]
    const child = spawn(process.execPath, [CLI, ...args, '--workloads', 'n16,n1/', '--budget', '6'], { cwd: folder })
    await until(async () => (await records()) > 0)
    child.kill('SIGKILL')
    await new Promise((resolve) => child.on('close', resolve))
    const kept = await records()
    expect(kept).toBeGreaterThan(0)
    const { code, stdout } = await cli(...args, '--workloads', 'n16,n1/', '--budget', '1', '--resume')
    expect(code).toBe(0)
    expect(stdout).toContain(`resumed: ${kept} records`)
    expect(await records()).toBeGreaterThan(kept)
  }, 60_000)

  it('stops at Ctrl+C with a results file that --resume continues', async () => {
    const args = ['run', '--suite', 'quick', '--baselines', 'none', '--backends', 'js', '--machine', 'test']
    const where = ['--workloads', 'n16,n1/', '--out', 'results']
    const child = spawn(process.execPath, [CLI, ...args, ...where, '--budget', '20'], { cwd: folder })
    await until(async () => (await records()) > 0)
    child.kill('SIGINT')
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(130)
    const files = await readdir(join(folder, 'results/test'))
    expect(files.filter((file) => file.endsWith('.json'))).toHaveLength(1)
    expect(files.filter((file) => file.endsWith('.jsonl'))).toEqual([])
    const { stdout } = await cli(...args, ...where, '--budget', '1', '--resume')
    expect(stdout).toMatch(/resumed: [1-9]\d* records/)
    expect((await readResults(join(folder, 'results'))).runs).toHaveLength(1)
  }, 60_000)

  it('joins the shards of a run in one report', async () => {
    for (const shard of ['1/2', '2/2']) {
      const args = ['run', '--suite', 'quick', '--baselines', 'none', '--backends', 'js', '--machine', 'test']
      const { code } = await cli(
        ...args,
        '--workloads',
        'n16/uniform,n1/',
        '--budget',
        '1',
        '--out',
        'results',
        '--shard',
        shard,
      )
      expect(code).toBe(0)
    }
    const { runs } = await readResults(join(folder, 'results'))
    expect(runs.map(({ environment }) => environment.shard).sort()).toEqual(['1of2', '2of2'])
    const points = runs.map((run) => new Set(run.records.map(({ workload }) => workload.id)))
    expect([...points[0]].filter((id) => points[1].has(id))).toEqual([])
    expect(await readFile(join(folder, 'results/test/spmm.md'), 'utf8')).toContain('js_panels')
  }, 60_000)

  it('measures in fresh processes: a list of samples for each', async () => {
    const { code } = await cli(...SMOKE, '--out', 'results', '--processes', '2', '--kernels', 'js_panels_dense')
    expect(code).toBe(0)
    const { runs } = await readResults(join(folder, 'results'))
    expect(runs[0].records.map(({ samples }) => samples.length)).toEqual([2])
    const args = ['--processes', '2', '--kernels', 'js_panels_dense', '--resume']
    expect((await cli(...SMOKE, '--out', 'results', ...args)).stdout).toContain('resumed: 1 records')
    expect((await readResults(join(folder, 'results'))).runs).toEqual(runs)
  }, 30_000)

  it('shows with --dry-run what would be published, and writes nothing', async () => {
    const { code, stdout } = await cli(...SMOKE, '--out', 'results', '--dry-run')
    expect(code).toBe(0)
    expect(stdout).toContain('"machine": "test"')
    expect(stdout).toContain('would measure 1 points')
    expect(await readdir(folder)).toEqual([])
  })

  it('renders around a corrupt file and names it', async () => {
    await cli(...SMOKE, '--out', 'results')
    await writeFile(join(folder, 'results/test/2026-01-01-broken-quick.json'), '{"schema": 1')
    const { code, stderr } = await cli('report', 'results')
    expect(code).toBe(0)
    expect(stderr).toContain('left out: test/2026-01-01-broken-quick.json')
  })

  it('compares two runs', async () => {
    await cli(...SMOKE, '--out', 'a')
    await cli(...SMOKE, '--out', 'b')
    const file = async (name: string) =>
      join(folder, name, 'test', (await readdir(join(folder, name, 'test'))).find((entry) => entry.endsWith('.json'))!)
    const { code, stdout } = await cli('compare', await file('a'), await file('b'))
    expect(code).toBe(0)
    expect(stdout).toContain('Second run against the first')
  })

  it('lists kernels, workloads and baselines', async () => {
    const { code, stdout } = await cli('list')
    expect(code).toBe(0)
    for (const text of ['spmm_csr_f32__js_panels', 'bert-base/ffn-up/n128/uniform', 'Baselines', 'opus-dred'])
      expect(stdout).toContain(text)
  })

  it.each([
    [['run', '--suite', 'huge'], '--suite: expected one of'],
    [['run', '--machine', 'My Laptop'], '--machine: expected lower-case'],
    [['run', '--workloads', 'no-such'], 'no workload is left'],
    [['run', '--baselines', 'eigen'], '--baselines: expected names among'],
    [['run', '--shard', '4/3'], 'expected i/n'],
    [['run', '--sparsity', '1.5'], 'expected shares from 0 to 1'],
    [['evidence', 'attention', '--text', 'nothing.txt'], "no such file or directory, open 'nothing.txt'"],
    [['evidence', 'nm', '--text', 'a', '--pairs', 'b', '--machine', 'My Laptop'], '--machine: expected lower-case'],
    [['compare', 'nothing.json', 'nothing.json'], 'there is no results file'],
    [['report', 'nowhere'], 'there is no results folder nowhere'],
  ])('says in one line what is wrong with %j', async (args, message) => {
    const { code, stderr } = await cli(...args)
    expect(code).not.toBe(0)
    expect(stderr).toContain(message)
    expect(stderr.trim().split('\n').length).toBeLessThan(3)
  })
})

async function records(): Promise<number> {
  try {
    const { runs } = await readResults(join(folder, 'results'))
    return runs.reduce((sum, run) => sum + run.records.length, 0)
  } catch {
    return 0
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('waited for 20 s')
}
