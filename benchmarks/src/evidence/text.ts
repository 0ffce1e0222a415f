import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
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

/** Lines that are prose: not empty, and no headings such as ` = Title = `. */
export function proseLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.length > 60 && !line.startsWith('='))
}
