import { wasmFeatures } from '@nnz/core'
import type { Environment, Peak } from '../../src/records/schema.ts'

/** What only the server that built the page knows. */
export type Source = Environment['source']

/** Chromium's own words about itself; other browsers have only the user agent's text. */
interface UserAgentData {
  getHighEntropyValues(hints: readonly string[]): Promise<{
    readonly platform?: string
    readonly platformVersion?: string
    readonly architecture?: string
    readonly bitness?: string
    readonly fullVersionList?: readonly { readonly brand: string; readonly version: string }[]
  }>
}

/** Where the user agent's text names the browser, the most telling pattern first. */
const BROWSERS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['firefox', /Firefox\/([\d.]+)/],
  ['edge', /Edg\/([\d.]+)/],
  ['chrome', /Chrome\/([\d.]+)/],
  ['safari', /Version\/([\d.]+).* Safari\//],
]
/** Brands that stand for an engine, or for nothing. */
const NO_BROWSER = /^Chromium$|Not.*Brand/i

/** Captures what the records of this run are measured on, as far as a page may know. What it may not know is null. */
export async function pageEnvironment(options: {
  readonly machine: string
  readonly suite: string
  readonly peaks: readonly Peak[]
  readonly source: Source
}): Promise<Environment> {
  const { simd, relaxed, threads } = wasmFeatures()
  const agent = (navigator as { userAgentData?: UserAgentData }).userAgentData
  const told = await agent?.getHighEntropyValues(['platformVersion', 'architecture', 'bitness', 'fullVersionList'])
  return {
    machine: options.machine,
    suite: options.suite,
    shard: null,
    date: new Date().toISOString(),
    cpu: {
      model: null,
      physicalCores: null,
      logicalCores: navigator.hardwareConcurrency || null,
      features: null,
      governor: null,
      caches: { l1d: null, l1i: null, l2: null, l3: null },
    },
    // Browsers round it, and some cap it at 8 GiB.
    memory: null,
    os: {
      platform: (told?.platform || platformOf(navigator.userAgent)).toLowerCase(),
      arch: architectureOf(told?.architecture, told?.bitness),
      name: told?.platform || null,
      version: told?.platformVersion || null,
      kernel: null,
    },
    runtime: { ...browserOf(told?.fullVersionList ?? [], navigator.userAgent), v8: null },
    wasm: { simd, relaxed, threads },
    gpu: null,
    loadAverage: null,
    source: options.source,
    peaks: [...options.peaks],
  }
}

/** The browser's name and version. */
export function browserOf(
  brands: readonly { readonly brand: string; readonly version: string }[],
  userAgent: string,
): { name: string; version: string } {
  const brand = brands.find((one) => !NO_BROWSER.test(one.brand)) ?? brands.find((one) => one.brand === 'Chromium')
  if (brand) return { name: brand.brand.toLowerCase().replaceAll(' ', '-'), version: brand.version }
  for (const [name, pattern] of BROWSERS) {
    const version = pattern.exec(userAgent)?.[1]
    if (version) return { name, version }
  }
  return { name: 'browser', version: 'unknown' }
}

function platformOf(userAgent: string): string {
  return /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(userAgent)?.[0] ?? 'unknown'
}

/** As Node.js names it. */
function architectureOf(architecture: string | undefined, bitness: string | undefined): string {
  if (!architecture) return 'unknown'
  return bitness === '64' ? ({ x86: 'x64', arm: 'arm64' }[architecture] ?? architecture) : architecture
}
