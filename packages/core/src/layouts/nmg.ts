import type { Compact } from '../compact/layout.ts'
import { type NmRecord, type NmRecordParts, nmLayout } from './nm-layout.ts'

/**
 * Grouped N:M weights (n:m:g of STen, arXiv 2304.07613, with the rows of a group next to each other): g rows share the
 * columns they keep, so that kernels load activations once for all of them. See {@link NmRecord}.
 */
export interface Nmg extends NmRecord<'nmg'> {}

/** An {@link Nmg} whose values are stored in a compact type. */
export type CompactNmg = Compact<Nmg>

/** The parts of an {@link Nmg}. */
export type NmgParts = NmRecordParts<'nmg'>

/**
 * Grouped N:M weights, with the functions of {@link nm} but `transpose` and the tensor core form.
 * `nmg.fromDense(data, shape, { n, m, g })` keeps in each group the n columns with the largest sums of magnitudes over the
 * g rows (fewer in the last group of rows). `fromMasked` and `fromCsr` keep every column that one of the g rows needs.
 */
export const nmg = nmLayout('nmg')
