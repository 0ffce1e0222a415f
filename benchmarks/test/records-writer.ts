import { openStore } from '../src/records/index.ts'
import { makeEnvironment, makeRecords } from './report-fixture.ts'

// Run as a process of its own by records.test.ts, which kills it: appends records, says how many, and never ends by itself.
const [folder = '', count = '0'] = process.argv.slice(2)
const store = await openStore({ folder, environment: makeEnvironment() })
for (const record of makeRecords().slice(0, Number(count))) await store.append(record)
process.stdout.write('appended\n')
setInterval(() => undefined, 1000)
