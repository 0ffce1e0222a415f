import type { Identity } from '../../../src/records/local-identity.ts'

export type { Identity }

/** A page knows neither host nor user; the server that saves its records looks for its own names. */
export function localIdentity(): Identity {
  return { hostName: '', userName: '', home: '' }
}
