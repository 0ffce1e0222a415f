// On a page: the findings as a global, for whoever opened it.
import { everyPackage } from './every-package.js'

everyPackage().then(
  (findings) => {
    globalThis.findings = findings
  },
  (error) => {
    globalThis.findings = { error: String(error.stack) }
  },
)
