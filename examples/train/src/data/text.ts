import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Random } from '@nnz/backprop/kit'
import { tensor } from '@nnz/core'
import { readStrings } from './r-strings.ts'
import type { Batch, Task } from './task.ts'

/** The texts of a folder: `.txt` files in order of their names, and the strings of R packages' `.rdb` files. */
export async function readTexts(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort()
  const texts: string[] = []
  for (const name of names) {
    if (name.endsWith('.txt')) texts.push(await readFile(join(folder, name), 'utf8'))
    if (name.endsWith('.rdb')) {
      for (const lines of readStrings(await readFile(join(folder, name)), name)) texts.push(lines.join('\n'))
    }
  }
  if (texts.length === 0) throw new RangeError('the folder has neither .txt nor .rdb files')
  return texts.join('\n')
}

/** Windows that the held-out text is judged on. */
const HELD_WINDOWS = 128

/**
 * Guessing the next character. Characters that are rarer than one in 10,000 become one of their own; the last twentieth of
 * the text is judged on.
 */
export function textTask(name: string, text: string, context: number): Task {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  const common = [...counts].filter(([, count]) => count * 10_000 >= text.length).map(([character]) => character)
  const idOf = new Map(common.sort().map((character, i) => [character, i + 1]))
  const ids = Uint8Array.from(text, (character) => idOf.get(character) ?? 0)
  const end = Math.floor(ids.length * 0.95)
  const room = Math.floor((ids.length - end - 1) / context)
  if (end <= context || room < 1)
    throw new RangeError(`${name}: ${ids.length} characters are too few for windows of ${context}`)
  const windows = (begins: ArrayLike<number>): Batch => {
    const x = new Float32Array(begins.length * context)
    const labels = new Uint32Array(x.length)
    for (let i = 0; i < x.length; i++) {
      const at = begins[Math.floor(i / context)] + (i % context)
      x[i] = ids[at]
      labels[i] = ids[at + 1]
    }
    return { x: tensor(x, [begins.length, context]), labels }
  }
  return {
    description: `${name}, ${ids.length} characters, the last twentieth to judge on (${Math.min(HELD_WINDOWS, room)} windows of ${context})`,
    classes: idOf.size + 1,
    side: 0,
    context,
    batch(seed, step, size) {
      const random = new Random(seed, 2, step)
      return windows(Array.from({ length: size }, () => random.below(end - context)))
    },
    *held(size) {
      const count = Math.min(HELD_WINDOWS, room)
      const apart = Math.floor(room / count) * context
      for (let begin = 0; begin < count; begin += size)
        yield windows(Array.from({ length: Math.min(size, count - begin) }, (_, i) => end + (begin + i) * apart))
    },
  }
}
