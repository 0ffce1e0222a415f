import { bytesLabel, milliseconds, percent, significant, sparsityLabel, times } from '../format.ts'
import { repeatCommand } from '../repeat.ts'
import type { PageRow } from './data.ts'
import { el } from './dom.ts'
import { command, environmentParts, type Facts, facts, type Sheet } from './sheet.ts'

/** Everything about one record, and about the machine it was measured on. */
export function recordSheet(row: PageRow): Sheet {
  return {
    title: row.contender.label,
    parts: [
      facts(measured(row)),
      el('h3', {}, 'Workload'),
      facts(workloadOf(row)),
      ...command(repeatCommand(row.run, row.workload.operation, row.workload.id)),
      ...environmentParts(row.run),
    ],
  }
}

function measured(row: PageRow): Facts {
  const { contender, status, reason } = row
  const about: Facts = [
    ['kind', [contender.type, contender.class, contender.method, contender.dtype].join(', ')],
    ['version', contender.version],
    ['threads', String(contender.threads)],
    ['raw samples', el('a', { href: row.run.path }, row.run.path)],
  ]
  if (row.median === null) return [['status', `${status}: ${reason ?? ''}`], ...about]
  const parts: [string, number | null][] = [
    ['planning', row.planning],
    ['packing of X', row.packing],
    ['inside the kernel', row.kernel],
    ['transfer', row.transfer],
  ]
  return [
    [
      'time',
      `${milliseconds(row.median)} ms (${milliseconds(row.low)} to ${milliseconds(row.high)}), spread ${percent(row.spread)}`,
    ],
    ['from', `${row.samples} samples in ${row.processes} ${row.processes === 1 ? 'process' : 'processes'}`],
    ['rate', `${significant(row.gflops)} GFLOP/s on the non-zeros, ${significant(row.denseGflops)} dense-equivalent`],
    [
      'limit',
      row.limit === null ? null : `${percent(row.limitShare)} of it: ${milliseconds(row.limit)} ms by ${row.limitPeak}`,
    ],
    ['over dense', row.best === null ? null : `${times(row.best)} over ${row.bestOver}: ${row.verdict}`],
    [
      'error',
      `${row.maxAbs?.toExponential(2)} at most, ${row.rms?.toExponential(2)} rms, ${row.bound?.toExponential(2)} permitted`,
    ],
    ...parts.map(([name, ns]): [string, string | null] => [name, ns === null ? null : `${milliseconds(ns)} ms`]),
    [
      'weights',
      row.packedBytes === null
        ? null
        : `${bytesLabel(row.packedBytes)}, ${significant(row.bytesPerWeight)} bytes per weight`,
    ],
    ...about,
  ]
}

function workloadOf({ workload, bytes }: PageRow): Facts {
  return [
    ['id', workload.id],
    ['layer', `${workload.model}, ${workload.layer}, ${workload.phase}`],
    ['source', workload.source],
    [
      'shape',
      [workload.shape, workload.n === null ? '' : `N ${workload.n}`, workload.layout]
        .filter((part) => part !== '')
        .join(', '),
    ],
    [
      'zeros',
      `${sparsityLabel(workload.sparsity)}, ${workload.pattern}${workload.seed === null ? '' : `, seed ${workload.seed}`}${workload.nnz === null ? '' : `, ${workload.nnz} non-zeros`}`,
    ],
    ['work', `${significant(workload.flops / 1e6)} MFLOP, ${bytesLabel(bytes)} to move at least`],
  ]
}
