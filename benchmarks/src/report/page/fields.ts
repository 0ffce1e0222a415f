import { el } from './dom.ts'

/** A control with its name above. */
export function field(label: string, control: HTMLElement): HTMLElement {
  return el('label', {}, el('span', {}, label), control)
}

/** A choice of values, each with the words that are shown for it. */
export function select(
  name: string,
  label: string,
  options: readonly (readonly [value: string, text: string])[],
  chosen: string,
  changed: (value: string) => void,
): HTMLElement {
  return field(
    label,
    el(
      'select',
      { name, onchange: (event: Event) => changed((event.target as HTMLSelectElement).value) },
      ...options.map(([value, text]) => el('option', { value, selected: value === chosen }, text)),
    ),
  )
}
