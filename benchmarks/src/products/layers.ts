/** What a call computes with a layer: one token, a few, a prompt, the positions of an image, or gradients. */
export type Phase = 'decode' | 'small-batch' | 'prefill' | 'convolution' | 'training'

/** A weight matrix of a real model. */
export interface Layer {
  readonly model: string
  readonly layer: string
  /** Outputs. */
  readonly m: number
  /** Inputs. */
  readonly k: number
  /** The columns of X that are measured: tokens, or positions for a convolution. */
  readonly columns: readonly number[]
  readonly phase: (columns: number) => Phase
  /** Where the shapes come from. */
  readonly source: string
}

interface LayerGroup {
  readonly model: string
  readonly source: string
  readonly columns: readonly number[]
  readonly shapes: Readonly<Record<string, readonly [outputs: number, inputs: number]>>
}

const TOKENS = [1, 16, 128, 512]

const transformers: readonly LayerGroup[] = [
  {
    model: 'bert-base',
    source: 'BERT-base, hidden 768, intermediate 3072 (Devlin et al., arXiv 1810.04805)',
    columns: TOKENS,
    shapes: { attention: [768, 768], 'ffn-up': [3072, 768], 'ffn-down': [768, 3072] },
  },
  {
    model: 'minilm-l6',
    source: 'MiniLM-L6-H384, hidden 384, intermediate 1536 (Wang et al., arXiv 2002.10957)',
    columns: TOKENS,
    shapes: { attention: [384, 384], 'ffn-up': [1536, 384], 'ffn-down': [384, 1536] },
  },
  {
    model: 'vit-b16',
    source: 'ViT-B/16, hidden 768, 196 patches and a class token at 224x224 (Dosovitskiy et al., arXiv 2010.11929)',
    columns: [197],
    shapes: { attention: [768, 768], 'mlp-up': [3072, 768], 'mlp-down': [768, 3072] },
  },
  {
    model: 'gpt2-small',
    source: 'GPT-2 small, hidden 768, fused query, key and value (Radford et al., 2019)',
    columns: TOKENS,
    shapes: { qkv: [2304, 768], 'attention-output': [768, 768], 'mlp-up': [3072, 768], 'mlp-down': [768, 3072] },
  },
  {
    model: 'smollm2-135m',
    source: 'SmolLM2-135M, hidden 576, 3 key-value heads of 64, intermediate 1536 (Allal et al., arXiv 2502.02737)',
    columns: TOKENS,
    shapes: { query: [576, 576], 'key-value': [192, 576], 'ffn-up': [1536, 576], 'ffn-down': [576, 1536] },
  },
  {
    model: 'llama-2-7b',
    source: 'Llama-2-7B, hidden 4096, intermediate 11008 (Touvron et al., arXiv 2307.09288)',
    columns: TOKENS,
    shapes: { attention: [4096, 4096], 'ffn-up': [11008, 4096], 'ffn-down': [4096, 11008] },
  },
  {
    model: 'llama-3-8b',
    source:
      'Llama-3-8B, hidden 4096, 8 key-value heads of 128, intermediate 14336 (Grattafiori et al., arXiv 2407.21783)',
    columns: TOKENS,
    shapes: { query: [4096, 4096], 'key-value': [1024, 4096], 'ffn-up': [14336, 4096], 'ffn-down': [4096, 14336] },
  },
  {
    model: 'dlmc-transformer',
    source: 'Transformer of the Deep Learning Matrix Collection (Gale et al., arXiv 2006.10901)',
    columns: TOKENS,
    shapes: { attention: [512, 512], 'ffn-up': [2048, 512], 'ffn-down': [512, 2048] },
  },
]

/** 1x1 convolutions on images of 224x224, grouped by the positions of their feature map. */
const convolutions: readonly LayerGroup[] = [
  ...onFeatureMaps('resnet-50', 'ResNet-50, bottleneck blocks (He et al., arXiv 1512.03385)', {
    56: { 'conv2-reduce': [64, 256], 'conv2-expand': [256, 64] },
    28: { 'conv3-reduce': [128, 512], 'conv3-expand': [512, 128], 'conv3-shortcut': [512, 256] },
    14: { 'conv4-reduce': [256, 1024], 'conv4-expand': [1024, 256], 'conv4-shortcut': [1024, 512] },
    7: { 'conv5-reduce': [512, 2048], 'conv5-expand': [2048, 512], 'conv5-shortcut': [2048, 1024] },
  }),
  ...onFeatureMaps('mobilenet-v1', 'MobileNet 1.0, pointwise convolutions (Howard et al., arXiv 1704.04861)', {
    112: { pointwise1: [64, 32] },
    56: { pointwise2: [128, 64], pointwise3: [128, 128] },
    28: { pointwise4: [256, 128], pointwise5: [256, 256] },
    14: { pointwise6: [512, 256], pointwise7: [512, 512] },
    7: { pointwise12: [1024, 512], pointwise13: [1024, 1024] },
  }),
]

/** Every layer of the matrix. */
export const layers: readonly Layer[] = [
  ...transformers.flatMap((group) => expand(group, tokenPhase)),
  ...convolutions.flatMap((group) => expand(group, () => 'convolution')),
]

/** The phase in which a transformer's layer sees that many tokens. */
export function tokenPhase(columns: number): Phase {
  if (columns === 1) return 'decode'
  return columns <= 16 ? 'small-batch' : 'prefill'
}

function expand({ model, source, columns, shapes }: LayerGroup, phase: Layer['phase']): Layer[] {
  return Object.entries(shapes).map(([layer, [m, k]]) => ({ model, layer, m, k, columns, phase, source }))
}

function onFeatureMaps(
  model: string,
  source: string,
  maps: Readonly<Record<number, LayerGroup['shapes']>>,
): LayerGroup[] {
  return Object.entries(maps).map(([side, shapes]) => ({
    model,
    source: `${source}, ${side}x${side} positions`,
    columns: [Number(side) ** 2],
    shapes,
  }))
}
