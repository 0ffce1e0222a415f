import type { CostModel, KernelCost } from '@nnz/core'
import type { TuneFamily } from './family.ts'

/** The modules that the packages ship their costs in. Those of the dense kernels stand for core's gemm, too. */
export function modulesOf(costs: CostModel, families: readonly Pick<TuneFamily, 'module' | 'kernels'>[]): string {
  const gemm = Object.entries(costs)
    .filter(([name]) => /^spmm_csr_f32__.*_dense$/.test(name))
    .map(([name, cost]): [string, KernelCost] => [
      name.replace('spmm_csr_f32', 'gemm_f32').replace(/_dense$/, ''),
      cost,
    ])
  const modules = Map.groupBy(families, ({ module }) => module)
  return [
    ...[...modules].flatMap(([module, members]) => {
      const names = new Set(members.flatMap(({ kernels }) => kernels.map(({ name }) => name)))
      const own = Object.entries(costs).filter(([name]) => names.has(name))
      return [`// ${module}`, moduleOf('COSTS', own, '@nnz/core')]
    }),
    '// packages/core/src/gemm/costs.ts',
    moduleOf('GEMM_COSTS', gemm, '../plan/cost-model.ts'),
  ].join('\n')
}

function moduleOf(name: string, costs: readonly [string, KernelCost][], source: string): string {
  const lines = costs.map(
    ([kernel, { run, pack }]) => `  ${kernel}: { run: [${run.join(', ')}], pack: [${pack.join(', ')}] },`,
  )
  return `import type { CostModel } from '${source}'

/** Nanoseconds for each of a kernel's features; fitted by \`nnz-bench tune\`. */
export const ${name}: CostModel = {
${lines.join('\n')}
}
`
}
