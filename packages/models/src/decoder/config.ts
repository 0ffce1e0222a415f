import { z } from 'zod'

/** The sizes of a Llama decoder (Touvron et al., arXiv 2302.13971) with tied embeddings. */
export interface DecoderConfig {
  readonly vocabulary: number
  readonly positions: number
  readonly layers: number
  readonly heads: number
  readonly keyHeads: number
  readonly width: number
  readonly innerWidth: number
  readonly epsilon: number
  readonly ropeBase: number
}

const count = z.int().positive()

const described = z
  .object({
    vocabulary: count,
    positions: count,
    layers: count,
    heads: count,
    keyHeads: count,
    width: count,
    innerWidth: count,
    epsilon: z.number().nonnegative(),
    ropeBase: z.number().positive(),
  })
  .refine(({ heads, keyHeads }) => heads % keyHeads === 0, { error: 'the key heads have to divide the heads' })
  .refine(({ width, heads }) => width % (4 * heads) === 0, {
    error: 'the width has to be a multiple of four times the heads',
  })

/** Checks sizes that a file states. Throws RangeError that names the file. */
export function checkedConfig(config: unknown, file: string): DecoderConfig {
  const parsed = described.safeParse(config)
  if (parsed.success) return parsed.data
  const [{ path, message }] = parsed.error.issues
  throw new RangeError(`${file}: the configuration does not fit a decoder: ${path.join('.')}: ${message}`)
}

/** The sizes that the metadata of a GGUF file state. Throws RangeError where it is of another architecture. */
export function configOfGguf(metadata: ReadonlyMap<string, unknown>, file: string): DecoderConfig {
  const architecture = metadata.get('general.architecture')
  if (architecture !== 'llama')
    throw new RangeError(`${file}: expected a model of the architecture llama, got ${String(architecture)}`)
  const of = (key: string) => metadata.get(`llama.${key}`)
  const tokens = metadata.get('tokenizer.ggml.tokens')
  return checkedConfig(
    {
      vocabulary: of('vocab_size') ?? (Array.isArray(tokens) ? tokens.length : undefined),
      positions: of('context_length'),
      layers: of('block_count'),
      heads: of('attention.head_count'),
      keyHeads: of('attention.head_count_kv'),
      width: of('embedding_length'),
      innerWidth: of('feed_forward_length'),
      epsilon: of('attention.layer_norm_rms_epsilon'),
      ropeBase: of('rope.freq_base'),
    },
    file,
  )
}
