// As a program: threads as its argument, the findings on its standard output.
import { everyPackage } from './every-package.js'

const threads = globalThis.process?.argv[2]
console.log(JSON.stringify(await everyPackage(threads === undefined ? {} : { threads: Number(threads) })))
