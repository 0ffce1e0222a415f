import type { Suite } from '../operations/operation.ts'
import { layers } from './layers.ts'
import { createWorkload, type ProductWorkload } from './workload.ts'

/** Patterns [n, m, g]: 50 % to 94 %, single rows and rows that share their columns. */
const PATTERNS = [
  [2, 4, 1],
  [1, 4, 1],
  [2, 8, 1],
  [4, 8, 1],
  [1, 8, 1],
  [1, 16, 1],
  [2, 4, 2],
  [2, 4, 4],
  [1, 4, 4],
  [2, 8, 4],
  [1, 8, 4],
] as const

/** Convolutions of the models are pruned without a pattern. */
const MODELS = ['bert-base', 'minilm-l6', 'gpt2-small', 'smollm2-135m', 'vit-b16', 'llama-2-7b', 'llama-3-8b']

const QUICK = [
  'bert-base/ffn-up/n128/nm-2-4',
  'bert-base/ffn-up/n128/nm-2-4-g2',
  'bert-base/ffn-up/n128/nm-2-8-g4',
  'bert-base/ffn-up/n1/nm-2-4',
]

/** The workloads of N:M weights; layers of one shape are measured once. */
export function nmWorkloads(suite: Suite): ProductWorkload[] {
  const all = withoutRepetition().flatMap(({ model, layer, m, k, columns, phase, source }) =>
    columns.flatMap((count) =>
      PATTERNS.map(([n, of, g]) =>
        createWorkload({
          operation: 'nm-gemm',
          model,
          layer,
          source,
          phase: phase(count),
          m,
          k,
          n: count,
          layout: g === 1 ? 'nm' : 'nmg',
          pattern: { kind: 'nm', n, m: of, g },
          sparsities: [1 - n / of],
        }),
      ),
    ),
  )
  return suite === 'full' ? all : QUICK.map((id) => all.find((workload) => workload.id === id)!)
}

function withoutRepetition(): typeof layers {
  const chosen = layers.filter(({ model }) => MODELS.includes(model))
  return [...Map.groupBy(chosen, ({ m, k }) => `${m}x${k}`).values()].map(([first]) => first!)
}
