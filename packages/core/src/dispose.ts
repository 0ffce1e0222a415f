// Emitted with the declarations, so that users whose `lib` is older than Disposable can compile.
/// <reference lib="esnext.disposable" preserve="true" />
/** Lets `using` release instances of a class, on hosts that have Symbol.dispose. */
export function registerDispose(prototype: { dispose(): void }): void {
  if (Symbol.dispose) Object.defineProperty(prototype, Symbol.dispose, { value: prototype.dispose })
}
