import { markdownTable } from 'markdown-table'

/** A link definition without a use: a comment that is no HTML. */
export const GENERATED = '[//]: # (Rendered by `nnz-bench report` from the records in this folder. Do not edit.)'

/** A table of plain text, whose first columns hold words and the others numbers. Not padded: that would double the size, and one long cell would change every line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], textColumns: number): string {
  return markdownTable(
    [head, ...rows].map((row) => row.map(safe)),
    {
      align: head.map((_, column) => (column < textColumns ? 'l' : 'r')),
      alignDelimiters: false,
    },
  )
}

export function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n')
}

/** Records come from anyone, and Markdown renders HTML. */
export function safe(text: string): string {
  return text.replace(/[&<>|\r\n]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '|': '\\|' })[c] ?? ' ')
}
