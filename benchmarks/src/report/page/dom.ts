type Child = Node | string | null | undefined | false
type Properties = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>

/** Makes an element. Functions become listeners (`onclick`), true and false switch an attribute, everything else is set as text. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value as EventListener)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value))
  }
  element.append(
    ...children.filter((child): child is Node | string => child instanceof Node || typeof child === 'string'),
  )
  return element
}

/** Puts a newly made element into its place; the control that had the focus has it again, found by its name. */
export function renew(place: HTMLElement, element: HTMLElement): void {
  const focused = place.contains(document.activeElement) ? document.activeElement!.getAttribute('name') : null
  place.replaceChildren(element)
  if (focused !== null) element.querySelector<HTMLElement>(`[name="${CSS.escape(focused)}"]`)?.focus()
}

/** Runs the last of many calls in a row once, before the next frame. */
export function once(action: () => void): () => void {
  let waiting = false
  return () => {
    if (waiting) return
    waiting = true
    requestAnimationFrame(() => {
      waiting = false
      action()
    })
  }
}

/** Whether an address leads to a part of the page, and says nothing of what is chosen there. */
export function isAnchor(hash: string): boolean {
  return hash.length > 1 && document.getElementById(hash.slice(1)) !== null
}
