import type { Section } from './aggregate.ts'

/** Where the rows of a section stand inside the results folder. */
export function tableFile({ environment, operation }: Pick<Section, 'environment' | 'operation'>): string {
  const { machine, runtime } = environment
  const name = runtime.name === 'node' ? operation : `${operation}-${runtime.name}`
  return `${machine}/${name.replace(/[^A-Za-z0-9-]+/g, '-')}.md`
}
