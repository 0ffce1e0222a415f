import { rangeError } from '@nnz/core'
import { z } from 'zod'

/** The sizes of a BERT encoder (Devlin et al., arXiv 1810.04805), by the names of its configuration file. */
export interface EncoderConfig {
  readonly vocabulary: number
  readonly positions: number
  readonly layers: number
  readonly heads: number
  readonly width: number
  readonly innerWidth: number
  readonly epsilon: number
}

const count = z.number().int().positive()

const described = z.looseObject({
  vocab_size: count,
  max_position_embeddings: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  hidden_size: count,
  intermediate_size: count,
  layer_norm_eps: z.number().positive().default(1e-12),
  hidden_act: z.literal('gelu').default('gelu'),
  position_embedding_type: z.literal('absolute').default('absolute'),
})

/** What a `config.json` has: a BERT encoder's own names. */
export type EncoderDescription = z.input<typeof described>

/** Reads the contents of a `config.json`. Throws RangeError where it does not describe a BERT encoder that this can run. */
export function encoderConfig(description: unknown, file: string): EncoderConfig {
  const parsed = described.safeParse(description)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw rangeError('NNZ_VALUE', `${file}: ${issue.path.join('.') || 'the description'}: ${issue.message}`)
  }
  const data = parsed.data
  return checkedConfig(
    {
      vocabulary: data.vocab_size,
      positions: data.max_position_embeddings,
      layers: data.num_hidden_layers,
      heads: data.num_attention_heads,
      width: data.hidden_size,
      innerWidth: data.intermediate_size,
      epsilon: data.layer_norm_eps,
    },
    file,
  )
}

/** The other way round. */
export function describeEncoder(config: EncoderConfig): EncoderDescription {
  return {
    vocab_size: config.vocabulary,
    max_position_embeddings: config.positions,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    hidden_size: config.width,
    intermediate_size: config.innerWidth,
    layer_norm_eps: config.epsilon,
  }
}

/** Refuses sizes that the kernels do not have. */
export function checkedConfig(config: EncoderConfig, name: string): EncoderConfig {
  const headDim = config.width / config.heads
  if (!Number.isInteger(headDim) || headDim % 4 !== 0)
    throw rangeError(
      'NNZ_VALUE',
      `${name}: expected heads whose size is a multiple of 4, got ${config.heads} of ${config.width} together`,
    )
  return config
}
