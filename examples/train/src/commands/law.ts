import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fitLaw, type Outcome } from '../law.ts'

/** The trainings of a quality file. Throws RangeError that names the file where it is not one. */
function outcomes(text: string, file: string): Outcome[] {
  try {
    const { records } = JSON.parse(text) as { records: { operation: string; metrics: Record<string, number> }[] }
    return records
      .filter(({ operation }) => operation === 'train')
      .map(({ metrics }) => ({
        averageParameters: metrics['average parameters'],
        tokens: metrics.samples,
        loss: metrics.loss,
      }))
  } catch {
    throw new RangeError(`${file}: expected a file of quality records`)
  }
}

/** Fits a law to the trainings of several files and prints it. */
export async function law(files: readonly string[]): Promise<void> {
  const all = await Promise.all(files.map(async (file) => outcomes(await readFile(file, 'utf8'), basename(file))))
  console.log(JSON.stringify(fitLaw(all.flat()), null, 2))
}
