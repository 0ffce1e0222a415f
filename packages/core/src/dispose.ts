/** Lets `using` release instances of a class, on hosts that have Symbol.dispose. */
export function registerDispose(prototype: { dispose(): void }): void {
  if (Symbol.dispose) Object.defineProperty(prototype, Symbol.dispose, { value: prototype.dispose })
}
