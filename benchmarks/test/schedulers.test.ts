import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readResults } from '../src/records/index.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SCRIPT = join(ROOT, 'benchmarks/schedulers/slurm-array.sh')
const TASKS = 2

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nnz-slurm-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Runs the job script as Slurm does for one task of an array; `srun` starts what it is given, as it does for one task. */
async function task(id: number | undefined, machine = 'test'): Promise<{ code: number; output: string }> {
  const bin = join(folder, 'bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'srun'), '#!/bin/bash\nwhile [[ $1 == -* ]]; do shift; done\nexec "$@"\n')
  await chmod(join(bin, 'srun'), 0o755)
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    MACHINE: machine,
    OUT: join(folder, 'shards'),
    SLURM_SUBMIT_DIR: ROOT,
    SLURM_ARRAY_TASK_COUNT: String(TASKS),
    ...(id === undefined ? {} : { SLURM_ARRAY_TASK_ID: String(id) }),
  }
  const chosen = ['--suite', 'quick', '--operations', 'spmm', '--workloads', 'n16/uniform,n1/', '--budget', '1']
  const args = [SCRIPT, ...chosen, '--backends', 'js', '--baselines', 'none']
  try {
    const { stdout, stderr } = await promisify(execFile)('bash', args, { env })
    return { code: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, output: stdout + stderr }
  }
}

describe.skipIf(process.platform === 'win32')('a Slurm job array', () => {
  it('measures one shard in each task, and the shards merge by copying', async () => {
    for (let id = 1; id <= TASKS; id++) expect(await task(id)).toMatchObject({ code: 0 })
    const merged = join(folder, 'results')
    for (let id = 1; id <= TASKS; id++)
      await cp(join(folder, 'shards', String(id), 'test'), join(merged, 'test'), { recursive: true })
    const { runs, leftOut } = await readResults(merged)
    expect(leftOut).toEqual([])
    expect(runs.map(({ environment }) => environment.shard).sort()).toEqual(['1of2', '2of2'])
    const points = runs.map(({ records }) => new Set(records.map(({ workload }) => workload.id)))
    expect([...points[0]].filter((id) => points[1].has(id))).toEqual([])
  }, 60_000)

  it('continues a task that is submitted again', async () => {
    await task(1)
    const { code, output } = await task(1)
    expect(code).toBe(0)
    expect(output).toMatch(/resumed: [1-9]\d* records/)
    const files = await readdir(join(folder, 'shards/1/test'))
    expect(files.filter((name) => name.endsWith('.json'))).toHaveLength(1)
  }, 60_000)

  it('says what is missing', async () => {
    expect((await task(1, '')).output).toContain('set MACHINE to the name')
    expect((await task(undefined)).output).toContain('sbatch --array=1-8')
  })
})

describe('the matrix on hosted machines', () => {
  it('divides by the number of its jobs, each with a shard of its own from 1 on', async () => {
    const { jobs } = parse(await readFile(join(ROOT, '.github/workflows/bench.yml'), 'utf8'))
    const { shard } = jobs.shard.strategy.matrix
    expect(Object.keys(jobs.shard.strategy.matrix)).toEqual(['shard'])
    expect(shard).toEqual(Array.from(shard, (_, i) => i + 1))
    const run = jobs.shard.steps.find(({ run }: { run?: string }) => run?.includes('nnz-bench run'))
    expect(run.run).toContain('--shard "$SHARD/$SHARDS"')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of the workflow's language
    expect(run.env.SHARDS).toBe('${{ strategy.job-total }}')
    expect(jobs.merge.needs).toBe('shard')
  })
})
