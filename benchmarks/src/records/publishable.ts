import { type Identity, localIdentity } from './local-identity.ts'

export interface PrivateFinding {
  /** Where it stands: `environment.machine`, `records.3.reason`. */
  readonly path: string
  readonly what: 'host name' | 'user name' | 'home path'
}

/** Names that say nothing about anyone, and that occur in honest records (`node`, `linux`). A home path is refused all the same. */
const ANONYMOUS = new Set(
  'localhost vm linux debian ubuntu fedora darwin macos windows docker container node root user admin administrator runner home test bench build ci dev wasm native'.split(
    ' ',
  ),
)
/** Someone's home folder on Linux, macOS or Windows, whoever it is. */
const HOME_PATH = /(?:^|[^\w.-])(?:\/(?:home|Users)\/[^/\s]+|\/root)(?=$|[/\s'":)])|[A-Za-z]:[\\/]Users[\\/][^\\/\s]+/

/** Names that makers and authors gave: a user called Max may publish from an "M4 Max", and one called Bert measures BERT. */
const NAMES_OF_OTHERS = /(?:^|\.)(?:cpu\.model|id|operation|workload\.(?:model|layer)|contender\.name)$/

/** The names to look for, as whole words. */
function wordsOf({ hostName, userName }: Identity): { what: 'host name' | 'user name'; pattern: RegExp }[] {
  const names = [
    { what: 'host name', name: hostName },
    { what: 'host name', name: hostName.split('.')[0] ?? '' },
    { what: 'user name', name: userName },
  ] as const
  return names
    .filter(({ name }) => name.length > 1 && !ANONYMOUS.has(name.toLowerCase()))
    .map(({ what, name }) => {
      const literal = name.replace(/[^A-Za-z0-9]/g, '\\$&')
      return { what, pattern: new RegExp(`(?:^|[^A-Za-z0-9])${literal}(?:$|[^A-Za-z0-9])`, 'i') }
    })
}

/** The text with home paths, host name and user name blotted out: for messages of errors that become a record's reason. */
export function redact(text: string, identity: Identity = localIdentity()): string {
  const everywhere = (pattern: RegExp) => new RegExp(pattern.source, 'gi')
  let out = identity.home.length > 1 ? text.replaceAll(identity.home, '~') : text
  out = out.replace(everywhere(HOME_PATH), ' ~')
  for (const word of wordsOf(identity)) out = out.replace(everywhere(word.pattern), ` <${word.what}> `)
  return out
}

/** Every string and key in `data` that holds the host name, the user name, or a home path. */
export function findPrivate(data: unknown, identity: Identity = localIdentity()): PrivateFinding[] {
  const words = wordsOf(identity)
  const home = identity.home.length > 1 ? identity.home : null
  const findings: PrivateFinding[] = []

  const check = (value: string, path: string) => {
    const word = NAMES_OF_OTHERS.test(path) ? undefined : words.find(({ pattern }) => pattern.test(value))
    if ((home !== null && value.includes(home)) || HOME_PATH.test(value)) findings.push({ path, what: 'home path' })
    else if (word !== undefined) findings.push({ path, what: word.what })
  }
  const visit = (value: unknown, path: string) => {
    if (typeof value === 'string') check(value, path)
    else if (typeof value === 'object' && value !== null)
      for (const [key, entry] of Object.entries(value)) {
        const inner = path === '' ? key : `${path}.${key}`
        if (!Array.isArray(value)) check(key, `${inner} (the key)`)
        visit(entry, inner)
      }
  }
  visit(data, '')
  return findings
}

/**
 * Refuses what would give away the host, the user or the home folder.
 * @throws {RangeError} naming every field, without repeating what it holds.
 */
export function assertPublishable(data: unknown, identity?: Identity): void {
  const findings = findPrivate(data, identity)
  if (findings.length === 0) return
  const where = findings.slice(0, 5).map(({ path, what }) => `${path} holds the ${what}`)
  throw new RangeError(`records are for publishing, but ${where.join(', ')}${findings.length > 5 ? ' and more' : ''}`)
}
