import type { Section } from './aggregate.ts'

/** Where the rows of a section stand inside the results folder. */
export function tableFile({ machine, operation }: Pick<Section, 'machine' | 'operation'>): string {
  return `${machine}/${operation.replace(/[^A-Za-z0-9-]+/g, '-')}.md`
}
