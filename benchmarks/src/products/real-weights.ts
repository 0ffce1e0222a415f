import { tokenPhase } from './layers.ts'
import { createWorkload, type ProductWorkload } from './workload.ts'

const MINILM_FILE = 'model.safetensors'
const MINILM_LAYERS: readonly [layer: string, tensor: string, m: number, k: number][] = [
  ['query', 'attention.self.query', 384, 384],
  ['attention-output', 'attention.output.dense', 384, 384],
  ['ffn-up', 'intermediate.dense', 1536, 384],
  ['ffn-down', 'output.dense', 384, 1536],
]

const DRED_COLUMNS = [1, 16]
/** Every matrix of the two files that has a block index: outputs, inputs and kept elements. */
const DRED_MATRICES: Readonly<Record<string, readonly [layer: string, m: number, k: number, nnz: number][]>> = {
  'dred_rdovae_enc_data.c': [
    ['gdense1', 128, 544, 34816],
    ['enc_conv_dense1', 64, 96, 6144],
    ['enc_conv_dense2', 64, 192, 9824],
    ['enc_conv_dense3', 64, 288, 11072],
    ['enc_conv_dense4', 64, 384, 9824],
    ['enc_conv_dense5', 64, 480, 9216],
    ['enc_gru1_input', 96, 64, 3680],
    ['enc_gru2_input', 96, 160, 5120],
    ['enc_gru3_input', 96, 256, 5728],
    ['enc_gru4_input', 96, 352, 5056],
    ['enc_gru5_input', 96, 448, 6464],
  ],
  'dred_rdovae_dec_data.c': [
    ['dec_output', 80, 576, 23040],
    ['dec_conv_dense1', 32, 160, 5120],
    ['dec_conv_dense2', 32, 256, 6560],
    ['dec_conv_dense3', 32, 352, 6752],
    ['dec_conv_dense4', 32, 448, 5728],
    ['dec_conv_dense5', 32, 544, 5216],
    ['dec_gru_init', 320, 128, 20480],
    ['dec_gru1_input', 192, 96, 11072],
    ['dec_gru2_input', 192, 192, 12288],
    ['dec_gru3_input', 192, 288, 12896],
    ['dec_gru4_input', 192, 384, 11072],
    ['dec_gru5_input', 192, 480, 13824],
  ],
}

/** Weights of the first and the last layer of all-MiniLM-L6-v2, pruned by magnitude. */
export function prunedWorkloads(sparsities: readonly number[]): ProductWorkload[] {
  const model = 'all-minilm-l6-v2'
  return [0, 5].flatMap((index) =>
    MINILM_LAYERS.map(([layer, name, m, k]) => {
      const tensor = `encoder.layer.${index}.${name}.weight`
      return createWorkload({
        model,
        layer: `layer${index}-${layer}`,
        source: `all-MiniLM-L6-v2, ${MINILM_FILE}, ${tensor}`,
        phase: 'prefill',
        m,
        k,
        n: 128,
        layout: 'csr',
        pattern: { kind: 'magnitude', model, file: MINILM_FILE, tensor },
        sparsities,
      })
    }),
  )
}

/** The matrices of Opus DRED, trained sparse in blocks of 8x4. */
export function trainedWorkloads(): ProductWorkload[] {
  const model = 'opus-dred'
  return Object.entries(DRED_MATRICES).flatMap(([file, matrices]) =>
    matrices.flatMap(([layer, m, k, nnz]) =>
      DRED_COLUMNS.map((n) =>
        createWorkload({
          model,
          layer,
          source: `Opus, dnn/${file}, ${layer}`,
          phase: tokenPhase(n),
          m,
          k,
          n,
          layout: 'bsr',
          pattern: { kind: 'trained', model, file, layer },
          sparsities: [1 - nnz / (m * k)],
        }),
      ),
    ),
  )
}
