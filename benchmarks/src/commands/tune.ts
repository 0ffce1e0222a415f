import { readFile } from 'node:fs/promises'
import { type CostModel, js, type KernelCost, runsOn, wasm, wasmSupport } from '@nnz/core'
import { SingleBar } from 'cli-progress'
import writeFileAtomic from 'write-file-atomic'
import { families } from '../tune/families.ts'
import { measureKernel } from '../tune/measure.ts'
import { modulesOf } from '../tune/typescript.ts'

/** Options of `nnz-bench tune`. */
export interface TuneOptions {
  readonly out: string
  readonly typescript: boolean
  /** Only kernels whose name contains one of these texts. */
  readonly kernels?: readonly string[] | undefined
  /** Measure only every so many-th problem: a rough fit in seconds. */
  readonly every: number
}

/** Measures every kernel of this host, fits its costs, and adds them to the file; or prints what the packages ship. */
export async function tune({ out, typescript, kernels: texts, every }: TuneOptions): Promise<void> {
  const known = await readCosts(out)
  if (typescript) {
    console.log(modulesOf(known, families))
    return
  }
  const backend = wasmSupport() === true ? wasm.open() : js
  const rows = families.flatMap((family) =>
    family.kernels
      .filter((kernel) => runsOn(kernel, backend) || kernel.backend === 'js')
      .filter(({ name }) => texts?.some((text) => name.includes(text)) ?? true)
      .map((kernel) => ({ family, kernel })),
  )
  if (rows.length === 0) throw new RangeError('tune: no kernel of this host is left by --kernels (see nnz-bench list)')
  const bar = process.stdout.isTTY
    ? new SingleBar({ format: '{bar} {value}/{total} {name} | {eta_formatted} left', hideCursor: true })
    : undefined
  bar?.start(rows.length, 0, { name: '' })
  const costs: Record<string, KernelCost> = { ...known }
  const lines: string[] = []
  for (const [done, { family, kernel }] of rows.entries()) {
    bar?.update(done, { name: kernel.name })
    const { cost, line } = measureKernel(kernel, everyNth(family.cases(kernel), every))
    costs[kernel.name] = cost
    if (bar) lines.push(line)
    else console.log(line)
  }
  bar?.stop()
  await writeFileAtomic(out, `${JSON.stringify({ costs }, null, 2)}\n`)
  for (const line of lines) console.log(line)
  console.log(`wrote ${out}: give its "costs" to setCostModel(), and dispatch follows this machine`)
}

async function readCosts(path: string): Promise<CostModel> {
  try {
    return (JSON.parse(await readFile(path, 'utf8')) as { costs: CostModel }).costs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

function* everyNth<T>(items: Iterable<T>, n: number): Generator<T> {
  let index = 0
  for (const item of items) if (index++ % n === 0) yield item
}
