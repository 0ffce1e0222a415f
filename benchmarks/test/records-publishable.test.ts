import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { assertPublishable, findPrivate, localIdentity, redact } from '../src/records/index.ts'

const identity = { hostName: 'thinkpad.example.org', userName: 'max', home: '/srv/people/max' }

describe('assertPublishable', () => {
  test.each([
    ['the home folder', { a: 'in /srv/people/max/code' }, 'a', 'home path'],
    ["someone else's home folder", { a: { b: ['at file:///home/eve/x.js:3'] } }, 'a.b.0', 'home path'],
    ['a macOS home folder', { a: '/Users/eve/x' }, 'a', 'home path'],
    ['a Windows home folder', { a: 'C:\\Users\\eve\\x' }, 'a', 'home path'],
    ["root's home folder", { a: 'cannot open /root/.cache/x' }, 'a', 'home path'],
    ['the host name', { a: 'on thinkpad.example.org' }, 'a', 'host name'],
    ['its first label, in capitals', { a: 'THINKPAD' }, 'a', 'host name'],
    ['the user name', { a: 'run by max.' }, 'a', 'user name'],
    ['a key', { max: 1 }, 'max (the key)', 'user name'],
  ])('refuses %s', (_, data, path, what) => {
    expect(findPrivate(data, identity)).toEqual([{ path, what }])
    expect(() => assertPublishable(data, identity)).toThrow(`${path} holds the ${what}`)
  })

  test.each([
    ['a word that contains a name', { a: 'maximum, maxAbs, thinkpads' }],
    ['a processor that is called like the user', { environment: { cpu: { model: 'Apple M4 Max' } } }],
    ['a model that is called like the user', { record: { workload: { model: 'max-7b', id: 'max-7b/x' } } }],
    ['paths that are nobody’s', { a: '/usr/bin/node https://example.org/home/page /rooted' }],
    ['numbers and nulls', { a: [1, null, true] }],
  ])('lets %s pass', (_, data) => expect(findPrivate(data, identity)).toEqual([]))

  test('names that everyone has say nothing about anyone', () => {
    expect(
      findPrivate({ a: 'node on linux, run by root' }, { hostName: 'linux', userName: 'root', home: '/root' }),
    ).toEqual([])
  })

  test('the message does not repeat the name', () => {
    expect(() => assertPublishable({ a: 'run by max' }, identity)).toThrow(expect.not.stringContaining('max'))
  })
})

test('redact leaves nothing to find', () => {
  const reason = redact('ENOENT (/srv/people/max/a, /home/eve/b) by max on thinkpad', identity)
  expect(findPrivate(reason, identity)).toEqual([])
  expect(reason).toMatch(/^ENOENT/)
})

test('the identity is that of this host', () => {
  expect(localIdentity().hostName).toBe(hostname())
})
