// Every results file that is published must fit the schema.
import { readResults } from '../benchmarks/dist/records/index.js'

const { runs, leftOut } = await readResults('results')
for (const { reason } of leftOut) console.error(`results/${reason}`)
console.log(`results: ${runs.length} runs, ${leftOut.length} left out`)
process.exitCode = leftOut.length > 0 ? 1 : 0
