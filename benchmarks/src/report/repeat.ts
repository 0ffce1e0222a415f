import type { QualityRecord } from '../records/quality.ts'
import type { Environment } from '../records/schema.ts'

/** A file that a record's data names: `sts-dev.csv (SHA-256 5d7e944d8b02)`. */
const NAMED_FILE = /([\w.-]+) \(SHA-256/g
const PATTERN_DECIDES_SPARSITY = /\d+:\d+/
/** Runtimes in which the command line runs; every other one is a browser. */
const COMMAND_LINE = new Set(['node', 'deno', 'bun'])

export type RunSource = Pick<Environment, 'suite'> & { readonly runtime: string }

/** The command that measures an operation, or one workload of it, again. */
export function repeatCommand({ suite, runtime }: RunSource, operation: string, workloadId?: string): string {
  if (!COMMAND_LINE.has(runtime)) return `npm run bench:browser   # then the ${suite} suite, in ${runtime}`
  const workload = workloadId === undefined ? '' : ` --workloads "${workloadId}"`
  return `npx @nnz/bench run --suite ${suite} --operations ${operation}${workload}`
}

type Judged = Pick<QualityRecord, 'model' | 'method' | 'sparsity' | 'data'>

/** The command that judges a network again, derived from the suite of its run; null where the suite is not one of ours. */
export function repeatJudgement({ suite }: Pick<RunSource, 'suite'>, record: Judged): string | null {
  const dataset = /^train-(.+)$/.exec(suite)?.[1]
  if (dataset !== undefined) return trainCommand(dataset, record)
  const [, kind, distilled] = /^evidence-([a-z]+)(-distilled)?$/.exec(suite) ?? []
  if (kind === undefined) return null
  const files = [...record.data.matchAll(NAMED_FILE)].map(([, name]) => name!)
  const text = files.find((name) => !name.endsWith('.csv')) ?? 'TEXT.txt'
  const pairs = files.find((name) => name.endsWith('.csv')) ?? 'PAIRS.csv'
  const words = ['npx @nnz/bench evidence', kind, '--text', text]
  if (kind === 'nm' || kind === 'encoder') words.push('--pairs', pairs)
  if (distilled !== undefined) words.push('--distilled')
  if (kind === 'encoder' || kind === 'decoder') words.push('--only', `"${pointName(record)}"`)
  const steps = /(\d+) steps$/.exec(record.method)?.[1]
  if (kind === 'decoder' && steps !== undefined) words.push('--steps', steps)
  return words.join(' ')
}

/** What `--only` finds: a point by its name and, where its pattern leaves it open, its sparsity; commas would divide it. */
function pointName({ method, sparsity }: Judged): string {
  const name = method.split(', ').at(-1)!
  const open = method.includes(' ') && !PATTERN_DECIDES_SPARSITY.test(method) && !method.startsWith('dense')
  return open ? `${name} ${Number(sparsity.toFixed(2))}` : name
}

function trainCommand(dataset: string, { model, method, sparsity, data }: Judged): string {
  const [, steps, batch, recipe] = /; (\d+) steps of (\d+), (\S+) recipe/.exec(data) ?? []
  const settings = steps === undefined ? '' : ` --steps ${steps} --batch ${batch} --recipe ${recipe}`
  return `npm run train -- --dataset ${dataset} --model ${model} --method ${method} --sparsity ${sparsity}${settings}`
}
