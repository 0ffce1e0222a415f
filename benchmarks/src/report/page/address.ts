/** What is chosen on the page stands in its address, so that a view can be linked to; each part of the page keeps its own. */
export class Address {
  readonly #parts = new Map<string, URLSearchParams>()

  write(part: string, parameters: URLSearchParams): void {
    this.#parts.set(part, parameters)
    const all = [...this.#parts.values()].map(String).filter((text) => text !== '')
    history.replaceState(null, '', `#${all.join('&')}`)
  }
}
