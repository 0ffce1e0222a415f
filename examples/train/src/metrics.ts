import { appendFile, readFile, writeFile } from 'node:fs/promises'

/** One line of the metrics: a step's loss, or what the network does on data that it does not train on. */
export interface Metrics {
  /** Steps taken. */
  readonly step: number
  readonly [name: string]: number
}

/** A file of JSON lines. */
export interface MetricsFile {
  add(metrics: Metrics): Promise<void>
}

/**
 * Opens a file of JSON lines. A run that goes on drops what an interrupted one wrote after its checkpoint, and half a last
 * line; a new one begins an empty file.
 *
 * @param step steps that the checkpoint has
 */
export async function openMetrics(path: string | undefined, step: number): Promise<MetricsFile> {
  if (path === undefined) return { async add() {} }
  const text = step === 0 ? '' : await readFile(path, 'utf8').catch(() => '')
  const kept = text.split('\n').filter((line) => {
    try {
      return (JSON.parse(line) as Metrics).step <= step
    } catch {
      return false
    }
  })
  await writeFile(path, kept.map((line) => `${line}\n`).join(''))
  return { add: (metrics) => appendFile(path, `${JSON.stringify(metrics)}\n`) }
}
