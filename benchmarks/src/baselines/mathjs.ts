import { type Csr, csc } from '@nnz/core'
import type { ProductTask } from '../products/task.ts'
import type { Contender } from '../records/index.ts'
import type { Baseline, Prepared } from '../runner/contender.ts'
import { type Importer, importPackage, loadPackage } from './packages.ts'

interface Matrix {
  toArray(): number[][]
}

/** The part of mathjs that is used here. */
interface Mathjs {
  readonly version?: string
  readonly SparseMatrix: new (columns: { values: number[]; index: number[]; ptr: number[]; size: number[] }) => Matrix
  readonly DenseMatrix: new (rows: number[][]) => Matrix
  multiply(a: Matrix, b: Matrix): Matrix
}

/** Multiplications beyond which one run takes seconds. */
const MOST_MULTIPLICATIONS = 2e6

/** Sparse times dense in mathjs: the plain JS library that has it. */
export function mathjsBaseline(importer: Importer = importPackage): Baseline<ProductTask> {
  return {
    name: 'mathjs',
    placeholder: contender(null),
    async open(threads) {
      const math = await loadPackage<Mathjs>('mathjs', importer)
      if (!threads.includes(1)) return []
      return [
        {
          contender: contender(math.version ?? null),
          supports: ({ nnz, n }) =>
            nnz * n <= MOST_MULTIPLICATIONS ||
            `mathjs takes seconds for more than ${MOST_MULTIPLICATIONS / 1e6} million multiplications`,
          prepare: (task) => prepare(task, math),
        },
      ]
    },
  }
}

function contender(version: string | null): Contender {
  return {
    type: 'baseline',
    name: 'mathjs',
    class: 'js',
    method: 'sparse',
    version,
    settings: { result: 'sparse' },
    threads: 1,
    dtype: 'f64',
  }
}

async function prepare(task: ProductTask, math: Mathjs): Promise<Prepared> {
  const { k, n } = task
  const start = performance.now()
  const w = compressedColumns(task.csr(), math)
  const planning = (performance.now() - start) * 1e6
  let x: Matrix | undefined
  let y: Matrix | undefined
  return {
    planning,
    packedBytes: null,
    setInput([values]) {
      x = new math.DenseMatrix(Array.from({ length: k }, (_, i) => Array.from(values.subarray(i * n, (i + 1) * n))))
    },
    poison() {
      y = undefined
    },
    run() {
      y = math.multiply(w, x!)
    },
    output: () => y?.toArray().flat() ?? [],
    dispose() {},
  }
}

function compressedColumns(weights: Csr, math: Mathjs): Matrix {
  const { columnOffsets, rowIndices, values, shape } = csc.fromCsr(weights)
  return new math.SparseMatrix({
    values: Array.from(values),
    index: Array.from(rowIndices),
    ptr: Array.from(columnOffsets),
    size: [...shape],
  })
}
