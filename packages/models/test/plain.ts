import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { DecoderConfig } from '../src/decoder/config.ts'
import type { EncoderConfig } from '../src/encoder/config.ts'
import type { FloatTensor, WeightSource } from '../src/weights.ts'

/** Seeded tensors of any name and shape, the same at each reading. */
export class RandomWeights implements WeightSource {
  readonly #shapes: ReadonlyMap<string, readonly number[]>
  readonly #tensors = new Map<string, FloatTensor>()
  readonly #generator = xoroshiro128plus(1)

  constructor(shapes: Record<string, readonly number[]>) {
    this.#shapes = new Map(Object.entries(shapes))
  }

  get names(): readonly string[] {
    return [...this.#shapes.keys()]
  }

  get(name: string): FloatTensor {
    const known = this.#tensors.get(name)
    if (known) return known
    const shape = this.#shapes.get(name)
    if (!shape) throw new RangeError(`no tensor ${name}`)
    const count = shape.reduce((product, extent) => product * extent, 1)
    const data = Float32Array.from({ length: count }, () => this.#generator.next() / 2 ** 31)
    const tensor = { name, shape, data }
    this.#tensors.set(name, tensor)
    return tensor
  }

  async read(name: string): Promise<FloatTensor> {
    return this.get(name)
  }
}

type Rows = number[][]

const embed = ({ shape, data }: FloatTensor, index: number): number[] => [
  ...data.slice(index * shape[1], (index + 1) * shape[1]),
]

function linear(weights: RandomWeights, name: string, rows: Rows, biased: boolean): Rows {
  const { shape, data } = weights.get(`${name}.weight`)
  const bias = biased ? weights.get(`${name}.bias`).data : undefined
  return rows.map((row) =>
    Array.from({ length: shape[0] }, (_, output) =>
      row.reduce((sum, value, input) => sum + value * data[output * shape[1] + input], bias?.[output] ?? 0),
    ),
  )
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const plus = (a: Rows, b: Rows): Rows => a.map((row, i) => row.map((value, j) => value + b[i][j]))

function layerNorm(weights: RandomWeights, name: string, rows: Rows, epsilon: number): Rows {
  const [scale, shift] = ['weight', 'bias'].map((part) => weights.get(`${name}.${part}`).data)
  return rows.map((row) => {
    const middle = mean(row)
    const deviation = Math.sqrt(mean(row.map((value) => (value - middle) ** 2)) + epsilon)
    return row.map((value, i) => ((value - middle) / deviation) * scale[i] + shift[i])
  })
}

function rmsNorm(weights: RandomWeights, name: string, rows: Rows, epsilon: number): Rows {
  const scale = weights.get(`${name}.weight`).data
  return rows.map((row) => {
    const size = Math.sqrt(mean(row.map((value) => value ** 2)) + epsilon)
    return row.map((value, i) => (value / size) * scale[i])
  })
}

/** Attention inside one sequence. */
function attend(q: Rows, k: Rows, v: Rows, heads: number, keyHeads: number, causal: boolean): Rows {
  const headDim = q[0].length / heads
  return q.map((row, query) =>
    row.map((_, at) => {
      const head = Math.floor(at / headDim)
      const keyAt = Math.floor(head / (heads / keyHeads)) * headDim
      const scores = k.slice(0, causal ? query + 1 : k.length).map((key) => {
        let sum = 0
        for (let i = 0; i < headDim; i++) sum += row[head * headDim + i] * key[keyAt + i]
        return Math.exp(sum / Math.sqrt(headDim))
      })
      const total = scores.reduce((sum, score) => sum + score, 0)
      return scores.reduce((sum, score, key) => sum + (score / total) * v[key][keyAt + (at % headDim)], 0)
    }),
  )
}

/** The error function by its series: slow and exact. */
function erf(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

/** The hidden states of one sequence, in f64 by the plainest loops. */
export function plainEncoder(weights: RandomWeights, config: EncoderConfig, sequence: readonly number[]): Rows {
  const { heads, epsilon } = config
  const type = embed(weights.get('embeddings.token_type_embeddings.weight'), 0)
  let x: Rows = sequence.map((token, position) => {
    const place = embed(weights.get('embeddings.position_embeddings.weight'), position)
    return embed(weights.get('embeddings.word_embeddings.weight'), token).map((value, i) => value + place[i] + type[i])
  })
  x = layerNorm(weights, 'embeddings.LayerNorm', x, epsilon)
  for (let index = 0; index < config.layers; index++) {
    const at = `encoder.layer.${index}`
    const [q, k, v] = ['query', 'key', 'value'].map((part) => linear(weights, `${at}.attention.self.${part}`, x, true))
    const mixed = linear(weights, `${at}.attention.output.dense`, attend(q, k, v, heads, heads, false), true)
    x = layerNorm(weights, `${at}.attention.output.LayerNorm`, plus(mixed, x), epsilon)
    const inner = linear(weights, `${at}.intermediate.dense`, x, true).map((row) =>
      row.map((value) => (value * (1 + erf(value / Math.SQRT2))) / 2),
    )
    x = layerNorm(
      weights,
      `${at}.output.LayerNorm`,
      plus(linear(weights, `${at}.output.dense`, inner, true), x),
      epsilon,
    )
  }
  return x
}

/** The logits after each token of a sequence, in f64 by the plainest loops. */
export function plainLogits(weights: RandomWeights, config: DecoderConfig, sequence: readonly number[]): Rows {
  const { heads, keyHeads, epsilon, width, ropeBase } = config
  const turn = (rows: Rows): Rows => {
    const headDim = width / heads
    return rows.map((row, position) =>
      row.map((value, at) => {
        const pair = Math.floor((at % headDim) / 2)
        const angle = position / ropeBase ** ((2 * pair) / headDim)
        return at % 2 === 0
          ? value * Math.cos(angle) - row[at + 1] * Math.sin(angle)
          : value * Math.cos(angle) + row[at - 1] * Math.sin(angle)
      }),
    )
  }
  let x: Rows = sequence.map((token) => embed(weights.get('token_embd.weight'), token))
  for (let index = 0; index < config.layers; index++) {
    const at = `blk.${index}`
    const input = rmsNorm(weights, `${at}.attn_norm`, x, epsilon)
    const [q, k, v] = ['q', 'k', 'v'].map((part) => linear(weights, `${at}.attn_${part}`, input, false))
    const mixed = attend(turn(q), turn(k), v, heads, keyHeads, true)
    x = plus(x, linear(weights, `${at}.attn_output`, mixed, false))
    const inner = rmsNorm(weights, `${at}.ffn_norm`, x, epsilon)
    const gate = linear(weights, `${at}.ffn_gate`, inner, false)
    const up = linear(weights, `${at}.ffn_up`, inner, false)
    const product = gate.map((row, i) => row.map((value, j) => (value / (1 + Math.exp(-value))) * up[i][j]))
    x = plus(x, linear(weights, `${at}.ffn_down`, product, false))
  }
  return linear(weights, 'token_embd', rmsNorm(weights, 'output_norm', x, epsilon), false)
}
