import { type Options, stringify } from 'csv-stringify/sync'
import type { Row } from './rows.ts'

/** A cell that a spreadsheet would take for a formula is written as text. */
export const CSV_OPTIONS: Options = {
  header: true,
  escape_formulas: true,
  cast: { number: (value) => ({ value: String(value), escape_formulas: false }) },
}

/** All rows, failures too; times in nanoseconds, shares and ratios as plain numbers. */
export function renderCsv(rows: readonly Row[]): string {
  const rivals = [...new Set(rows.flatMap(({ speedUps }) => [...speedUps.keys()]))].sort()
  return stringify(
    rows.map((row) => fields(row, rivals)),
    CSV_OPTIONS,
  )
}

function fields(
  { run, record, label, timing, gflops, denseGflops, limitShare, speedUps, best }: Row,
  rivals: readonly string[],
) {
  const { workload, problem, contender, error, limit } = record
  return {
    machine: run.environment.machine,
    runtime: run.environment.runtime.name,
    file: run.path,
    commit: run.environment.source.commit,
    official: run.unofficial === null,
    operation: record.operation,
    workload: workload.id,
    model: workload.model,
    layer: workload.layer,
    phase: workload.phase,
    pattern: workload.pattern,
    m: problem.m,
    k: problem.k,
    n: problem.n,
    nnz: problem.nnz,
    sparsity: problem.sparsity,
    layout: problem.layout,
    block_shape: problem.blockShape?.join('x'),
    contender: label,
    chosen: record.chosen,
    type: contender.type,
    class: contender.class,
    method: contender.method,
    version: contender.version,
    threads: contender.threads,
    dtype: contender.dtype,
    cache: record.cache,
    status: record.status,
    reason: record.reason,
    median_ns: timing?.median,
    low_ns: timing?.interval.low,
    high_ns: timing?.interval.high,
    spread: timing?.spread,
    processes: record.samples.length,
    samples: record.samples.reduce((sum, process) => sum + process.length, 0),
    gflops,
    dense_equivalent_gflops: denseGflops,
    limit_ns: limit?.ns,
    limit_share: limitShare,
    ...Object.fromEntries(
      rivals.map((rival) => [`over_${rival.replace(/[^a-z0-9]+/gi, '_')}_dense`, speedUps.get(rival)?.ratio]),
    ),
    over_best_dense: best?.ratio,
    verdict: best?.verdict,
    max_abs_error: error?.maxAbs,
    rms_error: error?.rms,
    error_bound: error?.bound,
    planning_ns: record.planning,
    packing_ns: record.packing,
    kernel_ns: record.kernel,
    transfer_ns: record.transfer,
    packed_bytes: record.packedBytes,
    bytes_per_weight: record.bytesPerWeight,
  }
}
