import { z } from 'zod'

/** A name that someone chose: a machine, a suite, a shard. It becomes part of a path, so it is kept plain. */
export const chosenName = z
  .string()
  .max(40)
  .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, 'expected lower-case letters, digits and inner hyphens')

const text = z.string().max(2000)
const label = z.string().min(1).max(500)
const whole = z.int().nonnegative()
const nanoseconds = z.number().nonnegative()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hex')
const plain = z.union([text, z.number(), z.boolean(), z.null()])

/** What one thread or several reach at best on this machine, measured in the same run as the records. */
export const peakSchema = z.strictObject({
  /** For example `wasm-relaxed`, `wasm-base`, `js`, `native`. */
  name: label,
  threads: z.int().positive(),
  flopsPerSecond: z.number().positive(),
  bytesPerSecond: z.number().positive(),
})

export const environmentSchema = z.strictObject({
  machine: chosenName,
  suite: chosenName,
  /** `2of4`, or null for a whole matrix. */
  shard: chosenName.nullable(),
  /** When the run began, UTC. */
  date: z.iso.datetime(),
  cpu: z.strictObject({
    model: label.nullable(),
    physicalCores: z.int().positive().nullable(),
    logicalCores: z.int().positive().nullable(),
    /** Instruction-set extensions that matter here, as the operating system names them; null when it does not tell. */
    features: z.array(label).nullable(),
    governor: label.nullable(),
    /** Bytes. */
    caches: z.strictObject({
      l1d: whole.nullable(),
      l1i: whole.nullable(),
      l2: whole.nullable(),
      l3: whole.nullable(),
    }),
  }),
  /** Bytes of memory. */
  memory: whole.nullable(),
  os: z.strictObject({
    platform: label,
    arch: label,
    name: label.nullable(),
    version: label.nullable(),
    kernel: label.nullable(),
  }),
  runtime: z.strictObject({ name: label, version: label, v8: label.nullable() }),
  wasm: z.strictObject({ simd: z.boolean(), relaxed: z.boolean(), threads: z.boolean() }),
  gpu: z.strictObject({ model: label, driver: label.nullable(), cuda: label.nullable() }).nullable(),
  /** Load average over one minute when the run began; null where the system has none. */
  loadAverage: z.number().nonnegative().nullable(),
  source: z.strictObject({
    commit: z
      .string()
      .regex(/^[0-9a-f]{40,64}$/, 'expected a full commit hash')
      .nullable(),
    /** Whether tracked or new files differed from the commit; null without a commit. */
    dirty: z.boolean().nullable(),
    version: label,
    /** Over the benchmark's own code. */
    bench: sha256,
    /** Over each set of kernels. */
    kernels: z.record(label, sha256),
  }),
  peaks: z.array(peakSchema).max(100),
})

export const workloadSchema = z.strictObject({
  /** Unique for a problem with its pattern: `bert-base/ffn.in/n128/uniform/0.90`. */
  id: label,
  model: label,
  layer: label,
  /** Where the shapes, or the weights, come from. */
  source: text,
  phase: label,
  /** `uniform`, `uneven`, `block`, `pruned`, `file`… */
  pattern: label,
  seed: whole.nullable(),
})

/** What a call computes, as plain data. Only `sparsity` is the same for every operation; the fields named here have one meaning each. */
export const problemSchema = z
  .object({
    sparsity: z.number().min(0).max(1),
    m: whole.optional(),
    k: whole.optional(),
    n: whole.optional(),
    nnz: whole.optional(),
    layout: label.optional(),
    blockShape: z.tuple([z.int().positive(), z.int().positive()]).optional(),
  })
  .catchall(z.union([plain, z.array(plain).max(64)]))

export const contenderSchema = z.strictObject({
  type: z.enum(['kernel', 'baseline']),
  name: label,
  /** The headline compares within a class: `nnz-wasm`, `nnz-js`, `nnz-cuda`, `wasm`, `js`, `native`, `cuda`. */
  class: label,
  /** Whether it multiplies the zeros. The fastest dense contenders are what every other one is compared with. */
  method: z.enum(['dense', 'sparse']),
  version: label.nullable(),
  settings: z.record(label, plain),
  threads: z.int().positive(),
  dtype: label,
})

export const errorSchema = z.strictObject({
  /** Largest absolute difference from the f64 reference; null where it is not finite. */
  maxAbs: z.number().nonnegative().nullable(),
  rms: z.number().nonnegative().nullable(),
  /** The largest difference that counts as correct. */
  bound: z.number().nonnegative(),
  /** Rows of the output that were compared, spread over its height; all where it is not stated. */
  rows: z.int().positive().optional(),
})

export const statusSchema = z.enum(['passed', 'incorrect', 'error', 'unsupported', 'missing', 'timeout'])

export const recordSchema = z
  .strictObject({
    id: text.min(1),
    operation: label,
    workload: workloadSchema,
    problem: problemSchema,
    contender: contenderSchema,
    /** `hot`: operands were used just before; `cold`: caches were flushed before each sample. */
    cache: z.enum(['hot', 'cold']),
    status: statusSchema,
    /** In words, wherever the status is not `passed`. */
    reason: text.min(1).nullable(),
    error: errorSchema.nullable(),
    /** Nanoseconds of one whole run, every sample kept: one list per fresh process. */
    samples: z.array(z.array(z.number().positive()).min(1)),
    /** Runs within one sample; the sample is their mean. */
    iterations: z.int().positive().nullable(),
    /** Runs before the first sample. */
    warmup: whole.nullable(),
    /** Place in the shuffled order, one per process. */
    order: z.array(whole),
    /** Floating-point operations on the non-zeros. */
    flops: z.number().nonnegative(),
    /** The same for the dense problem. */
    denseFlops: z.number().nonnegative(),
    /** Bytes that a run must read and write at least once. */
    bytes: z.number().nonnegative(),
    /** Nanoseconds to plan, packing of the weights included. */
    planning: nanoseconds.nullable(),
    /** Nanoseconds of a run spent on packing activations, and inside the microkernel. */
    packing: nanoseconds.nullable(),
    kernel: nanoseconds.nullable(),
    /** Nanoseconds to bring operands to a device and results back. */
    transfer: nanoseconds.nullable(),
    packedBytes: whole.nullable(),
    /** The kernel that automatic dispatch chose. */
    chosen: label.optional(),
    /** Packed bytes per weight of the dense matrix. */
    bytesPerWeight: z.number().nonnegative().nullable(),
    /** The least time that this machine's measured peak allows. */
    limit: z
      .strictObject({ peak: label, boundBy: z.enum(['compute', 'memory']), ns: z.number().positive() })
      .nullable(),
  })
  .superRefine((record, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (record.status === 'passed') {
      const { error } = record
      if (error === null) issue('error', 'a passed record states its error')
      else if (error.maxAbs === null || error.rms === null) issue('error', 'a passed record has a finite error')
      else if (error.maxAbs > error.bound) issue('error', `maxAbs ${error.maxAbs} is above the bound ${error.bound}`)
      if (record.reason !== null) issue('reason', 'a passed record gives no reason')
      if (record.samples.length === 0) issue('samples', 'a passed record has samples')
      if (record.iterations === null || record.warmup === null)
        issue('iterations', 'a passed record states iterations and warmup')
    } else {
      if (record.samples.length > 0)
        issue('samples', `no time without a passed check, but the status is ${record.status}`)
      if (record.reason === null) issue('reason', `a record with status ${record.status} says why`)
    }
    if (record.order.length !== record.samples.length) issue('order', 'expected one place per process')
  })

export const resultsFileSchema = z
  .strictObject({ schema: z.literal(1), environment: environmentSchema, records: z.array(recordSchema) })
  .superRefine(({ records }, context) => {
    const seen = new Set<string>()
    for (const [index, { id }] of records.entries()) {
      if (seen.has(id))
        context.addIssue({ code: 'custom', path: ['records', index, 'id'], message: `${id} is there twice` })
      seen.add(id)
    }
  })

export type Peak = z.infer<typeof peakSchema>
export type Environment = z.infer<typeof environmentSchema>
export type Workload = z.infer<typeof workloadSchema>
export type BenchProblem = z.infer<typeof problemSchema>
export type Contender = z.infer<typeof contenderSchema>
export type Status = z.infer<typeof statusSchema>
export type BenchRecord = z.infer<typeof recordSchema>
export type ResultsFile = z.infer<typeof resultsFileSchema>

/**
 * Reads JSON against a schema.
 * @throws {RangeError} that names `source` and what does not fit.
 */
export function parseJsonWith<T>(schema: z.ZodType<T>, text: string, source: string): T {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (error) {
    throw new RangeError(`${source}: not JSON: ${(error as Error).message}`)
  }
  return parseWith(schema, data, source)
}

/**
 * Reads unknown data against a schema.
 * @throws {RangeError} that names `source` and every field that does not fit.
 */
export function parseWith<T>(schema: z.ZodType<T>, data: unknown, source: string): T {
  const result = schema.safeParse(data)
  if (result.success) return result.data
  const issues = result.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join('.') || 'top level'}: ${message}`)
  const more = result.error.issues.length - issues.length
  throw new RangeError(`${source}: ${issues.join('; ')}${more > 0 ? `; and ${more} more` : ''}`)
}
