import type { Figure } from './metrics.ts'

/** What stands where there is nothing to say. */
export const NONE = '–'

/** Three significant digits without an exponent: `0.00123`, `12.3`, `4560`. */
export function significant(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE
  if (value === 0) return '0'
  const magnitude = Math.floor(Math.log10(Math.abs(value)))
  const decimals = Math.max(0, digits - 1 - magnitude)
  return decimals > 8 ? value.toExponential(digits - 1) : value.toFixed(decimals)
}

/** Milliseconds of nanoseconds. */
export function milliseconds(ns: number | null | undefined): string {
  return significant(ns === null || ns === undefined ? null : ns / 1e6)
}

/** `83 %`; with one decimal below 10 %. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return NONE
  const value = share * 100
  return `${value.toFixed(value !== 0 && value < 9.95 ? 1 : 0)} %`
}

/** `2.35x`. */
export function times(ratio: number | null | undefined): string {
  return ratio === null || ratio === undefined ? NONE : `${significant(ratio)}x`
}

/** Share of zeros as the field writes it: `90 %`, `82.5 %`. */
export function sparsityLabel(sparsity: number): string {
  return `${Number((sparsity * 100).toFixed(1))} %`
}

/** `32 KiB`, `33.5 MiB`. */
export function bytesLabel(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return NONE
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return `${Number((bytes / 1024 ** unit).toFixed(1))} ${units[unit]}`
}

/** A figure with its interval where it has one: `85.2 (84.1 to 86.3)`. */
export function withInterval(figure: Figure | null | undefined, digits = 4): string {
  if (figure === null || figure === undefined) return NONE
  const { value, low, high } = figure
  const shown = significant(value, digits)
  return low === undefined ? shown : `${shown} (${significant(low, digits)} to ${significant(high, digits)})`
}
