import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { publicPackages, root } from '../support/packages.ts'

/** A piece of TypeScript in a document or docstring. */
export interface Snippet {
  /** File and line, and what the snippet's file is called. */
  readonly name: string
  readonly file: string
  readonly code: string
  /** Lines that it must print: the texts behind `// prints:`. Undefined if it states none. */
  readonly prints: readonly string[] | undefined
}

const FENCE = /^([ \t]*)```ts\r?\n([\s\S]*?)^\1```$/gm
/** The star at the beginning of a docstring's lines. */
const STAR = /^[ \t]*\* ?/gm

function snippetsOf(path: string, text: string): Snippet[] {
  return [...text.matchAll(FENCE)].map((match) => {
    const line = text.slice(0, match.index).split('\n').length
    const code = match[2]
    const prints = [...code.matchAll(/\/\/ prints: (.*)/g)].map(([, printed]) => printed.trimEnd())
    const file = `${path.replace(/[^\w]+/g, '-')}-${line}.ts`
    return { name: `${path}:${line}`, file, code, prints: prints.length > 0 ? prints : undefined }
  })
}

/** Documentation comments, with their lines in place and everything else blank. */
function docstrings(source: string): string {
  let at = 0
  let text = ''
  for (const match of source.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    text += source.slice(at, match.index).replace(/[^\n]/g, '')
    text += match[0].replace(STAR, '')
    at = match.index + match[0].length
  }
  return text
}

/** Every `ts` fence of the documents in the root, of every package, and of every docstring of a public package. */
export function allSnippets(): Snippet[] {
  const folder = fileURLToPath(root)
  const documents = [
    ...readdirSync(folder).filter((name) => name.endsWith('.md')),
    ...publicPackages.map(({ url }) => url.href.slice(root.href.length)).map((path) => `${path}README.md`),
  ]
  const sources = publicPackages.flatMap(({ url, library }) => {
    const path = url.href.slice(root.href.length)
    if (!library) return []
    return readdirSync(new URL('src/', url), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('generated'))
      .map((name) => `${path}src/${name.replaceAll('\\', '/')}`)
  })
  const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
  return [
    ...documents.flatMap((path) => snippetsOf(path, read(path))),
    ...sources.flatMap((path) => snippetsOf(path, docstrings(read(path)))),
  ]
}
