import { type BenchRecord, type Environment, environmentSchema, parseWith, recordSchema } from './schema.ts'

/** A run as it is written: a first line with the environment, then one line per record. A later line replaces an earlier one of the same id. */
export interface Journal {
  environment: Environment
  records: Map<string, BenchRecord>
  /** Bytes up to the end of the last whole line; what follows was cut off in the middle of a write. */
  wholeBytes: number
}

export function headLine(environment: Environment): string {
  return `${JSON.stringify({ schema: 1, environment })}\n`
}

/**
 * Reads a journal. A last line without its line break was cut off by a crash and is dropped; anything else that does not fit is an error.
 * @throws {RangeError} that names the file and the line.
 */
export function parseJournal(text: string, source: string): Journal {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const lines = whole.split('\n').slice(0, -1)
  const data = lines.map((line, index) => {
    try {
      return JSON.parse(line) as unknown
    } catch {
      throw new RangeError(`${source}: line ${index + 1} is not JSON`)
    }
  })
  const head = data[0] as { schema?: unknown; environment?: unknown } | undefined
  if (head?.schema !== 1) throw new RangeError(`${source}: expected a first line with schema 1 and the environment`)
  const environment = parseWith(environmentSchema, head.environment, `${source}: line 1`)
  const records = new Map<string, BenchRecord>()
  for (let index = 1; index < data.length; index++) {
    const record = parseWith(recordSchema, data[index], `${source}: line ${index + 1}`)
    records.set(record.id, record)
  }
  return { environment, records, wholeBytes: Buffer.byteLength(whole) }
}
