/**
 * The first name that stands twice in one object of a JSON text, which JSON.parse would pass over in silence.
 *
 * @param json text that JSON.parse accepts
 */
export function duplicateKey(json: string): string | undefined {
  // For each object that is open the names so far; undefined for an open array.
  const open: (Set<string> | undefined)[] = []
  for (const { 0: token, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else {
      const names = open[open.length - 1]
      if (!names || !/^\s*:/.test(json.slice(index + token.length, index + token.length + 64))) continue
      const name = JSON.parse(token)
      if (names.has(name)) return name
      names.add(name)
    }
  }
  return undefined
}
