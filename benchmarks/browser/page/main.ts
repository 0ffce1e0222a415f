import { wasmFeatures, wasmSupport } from '@nnz/core'
import { milliseconds } from '../../src/report/format.ts'
import { contenderLabel, machineLine } from '../../src/report/labels.ts'
import { el } from '../../src/report/page/dom.ts'
import { pageEnvironment, type Source } from '../matrix/environment.ts'
import type { FromMatrix } from '../matrix/messages.ts'
import type { PageSuite } from '../matrix/operations.ts'
import { type SavedRun, savedRun, whyNotResumed } from '../matrix/saved-run.ts'
import { conform } from './conformance.ts'
import { canSave, download, save } from './file.ts'
import { measureMatrix } from './matrix.ts'
import { conformanceTable, resultTables } from './tables.ts'

const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T
const button = (name: string) => document.querySelector<HTMLButtonElement>(`button[name="${name}"]`)!
const form = byId<HTMLFormElement>('form')
const [bar, stage, current, status] = [byId<HTMLProgressElement>('bar'), byId('stage'), byId('current'), byId('status')]
const field = <T extends HTMLInputElement | HTMLSelectElement>(name: string) => form.elements.namedItem(name) as T
const MACHINE = 'nnz-bench-machine'
/** `?seconds=60&workloads=sddmm,decode`: what the whole run may take, and what ids of workloads contain. */
const search = new URLSearchParams(location.search)
const seconds = Number(search.get('seconds')) || undefined
const matching = search.get('workloads')?.split(',')

const source: Source = await (await fetch('source.json')).json()
let run: SavedRun | undefined

function say(text: string, wrong = false): void {
  status.textContent = text
  status.classList.toggle('wrong', wrong)
}

function progress(title: string, share: number, what: string): void {
  byId('progress').hidden = false
  stage.textContent = title
  bar.setAttribute('aria-label', title)
  bar.value = share
  current.textContent = what
}

async function showHost(): Promise<void> {
  const environment = await pageEnvironment({ machine: 'this', suite: 'quick', peaks: [], source })
  const { threads } = wasmFeatures()
  const support = wasmSupport()
  const facts = [
    ['browser', machineLine(environment)],
    ...(support === true ? [] : [['WebAssembly', support] as const]),
    ['threads', threads ? 'yes: the page is cross-origin isolated' : 'no: the page is not cross-origin isolated'],
    [
      'code',
      `version ${source.version}, commit ${source.commit?.slice(0, 10) ?? 'unknown'}${source.dirty ? ', changed' : ''}`,
    ],
  ] as const
  byId('host').replaceChildren(...facts.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]))
}

/** Offers to go on where the saved run fits this browser and this code; what it has is shown in any case. */
async function showSaved(): Promise<void> {
  run = await savedRun()
  if (run === undefined) return
  field<HTMLInputElement>('machine').value = run.environment.machine
  field<HTMLSelectElement>('suite').value = run.environment.suite
  const { machine, suite } = run.environment
  const difference = whyNotResumed(run, await pageEnvironment({ machine, suite, peaks: [], source }))
  button('resume').hidden = difference !== null
  say(
    difference === null
      ? `${run.records.length} records of ${run.environment.date.slice(0, 10)} are kept here: resume, or start anew.`
      : `${run.records.length} records of ${run.environment.date.slice(0, 10)} are kept here; other than now: ${difference}.`,
  )
  showTables()
}

function showTables(): void {
  byId('results').hidden = run === undefined || run.records.length === 0
  if (run) byId('tables').replaceChildren(...resultTables(run.environment, run.records))
}

/** Checks, then measures. What was measured before it is stopped is kept. */
async function start(resume: boolean): Promise<void> {
  const machine = field<HTMLInputElement>('machine').value
  const suite = field<HTMLSelectElement>('suite').value as PageSuite
  localStorage.setItem(MACHINE, machine)
  const abort = new AbortController()
  const stop = () => {
    button('stop').disabled = true
    say('Stopping after the current contender.')
    abort.abort()
  }
  button('stop').addEventListener('click', stop)
  setRunning(true)
  say('Running.')
  try {
    if (field<HTMLInputElement>('check').checked && !resume) await check(abort.signal)
    if (!abort.signal.aborted) {
      const threads = wasmFeatures().threads && navigator.hardwareConcurrency > 1 ? [1, 2] : [1]
      const baselines = field<HTMLInputElement>('baselines').checked
      await measureMatrix({ suite, machine, threads, baselines, resume, matching, seconds, source }, hear, abort.signal)
    }
    say(`${abort.signal.aborted ? 'Stopped' : 'Done'}: ${run?.records.length ?? 0} records.`)
  } catch (error) {
    say(`Failed: ${error instanceof Error ? error.message : error}`, true)
  } finally {
    button('stop').removeEventListener('click', stop)
    setRunning(false)
    byId('progress').hidden = true
    button('resume').hidden = !abort.signal.aborted || run === undefined
    showTables()
  }
}

async function check(signal: AbortSignal): Promise<void> {
  const outcomes = await conform(
    {
      at: (share, what) => progress('Checking every kernel', share, what),
      outcomes(found, skipped) {
        byId('checks').hidden = false
        byId('outcomes').replaceChildren(...conformanceTable(found, skipped))
      },
    },
    signal,
  )
  const failed = outcomes.filter((outcome) => outcome.failed > 0).length
  if (failed > 0) say('Some kernels are wrong in this browser: see the table.', true)
}

function hear(message: FromMatrix): void {
  if (message.type === 'begun') run = { environment: message.environment, records: message.records }
  else if (message.type === 'point')
    progress(`Measuring: workload ${message.done + 1} of ${message.total}`, message.done / message.total, message.id)
  else if (message.type === 'record' && run) {
    const { record } = message
    const others = run.records.filter(({ id }) => id !== record.id)
    run = { ...run, records: [...others, record] }
    const time = record.samples[0]?.toSorted((a, b) => a - b)[record.samples[0].length >> 1]
    current.textContent = `${record.workload.id}: ${contenderLabel(record.contender, record.cache)} ${
      time === undefined ? record.status : `${milliseconds(time)} ms`
    }`
  }
}

function setRunning(running: boolean): void {
  for (const control of form.elements) (control as HTMLInputElement).disabled = running
  button('stop').disabled = !running
  if (running) button('stop').focus()
  else button('start').focus()
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  void start(false)
})
button('resume').addEventListener('click', () => form.reportValidity() && void start(true))
button('download').addEventListener('click', () => run && download(run))
button('save').addEventListener('click', () => {
  if (run)
    save(run).then(
      (path) => say(`Wrote ${path} into the results folder; npm run report renders it with the others.`),
      (error: Error) => say(`Not saved: ${error.message}`, true),
    )
})

field<HTMLInputElement>('machine').value = localStorage.getItem(MACHINE) ?? ''
button('save').hidden = !(await canSave())
await showHost()
await showSaved()
