import type { Contender } from '../records/index.ts'
import type { Baseline, Prepared } from '../runner/contender.ts'
import type { Task } from '../runner/task.ts'
import { loadPackage } from './load.ts'

interface Matrix {
  valueOf(): number[][]
}

interface Mathjs {
  sparse(rows: number[][]): Matrix
  matrix(rows: number[][], kind: 'dense'): Matrix
  multiply(a: Matrix, b: Matrix): Matrix
}

/** It multiplies about ten million entries by columns in a second: more would take the whole budget for one run. */
const MOST_PRODUCTS = 4e6

function contender(version: string | null): Contender {
  return {
    type: 'baseline',
    name: 'mathjs',
    class: 'js',
    method: 'sparse',
    version,
    settings: {},
    threads: 1,
    dtype: 'f64',
  }
}

/** mathjs: a sparse times a dense matrix, arrays of numbers, one thread. */
export const mathjs: Baseline = {
  name: 'mathjs',
  placeholder: contender(null),
  async open() {
    const { module, version } = await loadPackage<Mathjs>('mathjs')
    return [
      {
        contender: contender(version),
        supports: ({ weights, n }) =>
          weights.nnz * n <= MOST_PRODUCTS ||
          `a run would take most of the time: ${weights.nnz} entries x ${n} columns`,
        prepare: (task) => prepare(module, task),
      },
    ]
  },
}

function rowsOf(values: Float32Array, width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, i) =>
    Array.from(values.subarray(i * width, (i + 1) * width)),
  )
}

async function prepare(math: Mathjs, task: Task): Promise<Prepared> {
  const start = process.hrtime.bigint()
  const w = math.sparse(rowsOf(task.dense(), task.k))
  const planning = Number(process.hrtime.bigint() - start)
  let x: Matrix = math.matrix([[0]], 'dense')
  let y: Matrix = x
  return {
    planning,
    packedBytes: null,
    setInput(values) {
      x = math.matrix(rowsOf(values, task.n), 'dense')
    },
    run() {
      y = math.multiply(w, x)
    },
    output: () => y.valueOf().flat(),
    dispose() {},
  }
}
