import { type Pattern, patternName, unitsOf } from '../pattern/pattern.ts'

/** How patterns are written on the command line. */
export const PATTERN_HELP = 'unstructured, 2:4, 2:4g8 (8 rows share their columns), block 4x8, column 8'

/**
 * The pattern that a text stands for; {@link patternName} is understood, too.
 *
 * @throws RangeError that says what was expected
 */
export function parsePattern(text: string): Pattern {
  const words = text.trim().toLowerCase()
  const nm = /^(\d+):(\d+)(?: ?g=?(\d+))?$/.exec(words)
  const block = /^block[ :]?(\d+)x(\d+)$/.exec(words)
  const column = /^column(?:-vector)?[ :]?(\d+)$/.exec(words)
  let pattern: Pattern | undefined
  if (words === 'unstructured') pattern = { kind: 'unstructured' }
  else if (nm?.[3] !== undefined) pattern = { kind: 'grouped-nm', n: +nm[1], m: +nm[2], group: +nm[3] }
  else if (nm) pattern = { kind: 'nm', n: +nm[1], m: +nm[2] }
  else if (block) pattern = { kind: 'block', height: +block[1], width: +block[2] }
  else if (column) pattern = { kind: 'column-vector', height: +column[1] }
  if (!pattern) throw new RangeError(`expected a pattern such as ${PATTERN_HELP}, got ${JSON.stringify(text)}`)
  unitsOf(pattern, patternName(pattern))
  return pattern
}
