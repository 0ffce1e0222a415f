declare const NNZ_VERSION: string

/** The version of this package, known when the page is built. */
export const version: string = NNZ_VERSION
