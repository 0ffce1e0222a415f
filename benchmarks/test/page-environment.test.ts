import { describe, expect, test } from 'vitest'
import { browserOf } from '../browser/matrix/environment.ts'

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36'

describe('the browser that a record names', () => {
  test.each([
    [
      'brands, the greased one left out',
      [
        { brand: 'Chromium', version: '156.0.8078.79' },
        { brand: 'Google Chrome', version: '156.0.8078.79' },
        { brand: 'Not=A?Brand', version: '24.0.0.0' },
      ],
      CHROME,
      { name: 'google-chrome', version: '156.0.8078.79' },
    ],
    ['an engine alone', [{ brand: 'Chromium', version: '156.1' }], CHROME, { name: 'chromium', version: '156.1' }],
    ['a text', [], CHROME, { name: 'chrome', version: '156.0.0.0' }],
    ['Edge, which says Chrome, too', [], `${CHROME} Edg/156.0.1.2`, { name: 'edge', version: '156.0.1.2' }],
    [
      'Firefox',
      [],
      'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0',
      { name: 'firefox', version: '150.0' },
    ],
    [
      'Safari',
      [],
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15',
      { name: 'safari', version: '26.1' },
    ],
    ['nothing known', [], 'curl/8', { name: 'browser', version: 'unknown' }],
  ])('%s', (_, brands, userAgent, expected) => {
    expect(browserOf(brands, userAgent)).toEqual(expected)
  })
})
