import { homedir, hostname, userInfo } from 'node:os'

/** What must not enter a record. */
export interface Identity {
  readonly hostName: string
  readonly userName: string
  readonly home: string
}

/** Of whoever runs this process. */
export function localIdentity(): Identity {
  let userName = ''
  try {
    userName = userInfo().username
  } catch {
    // A user id without an account has no name to protect.
  }
  return { hostName: hostname(), userName, home: homedir() }
}
