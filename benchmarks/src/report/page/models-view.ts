import { sparsityLabel, withInterval } from '../format.ts'
import { lessIsBetter } from '../metrics.ts'
import type { PageQuality, PageQualitySection } from '../page-quality.ts'
import type { Address } from './address.ts'
import { type Axes, Chart } from './chart.ts'
import { legend } from './controls.ts'
import { el, isAnchor, once, renew } from './dom.ts'
import { select } from './fields.ts'
import { distinct } from './filters.ts'
import type { Judged } from './judgement-sheet.ts'
import { formatPercent, PERCENTS } from './kernels-view.ts'
import { markIcon } from './marks.ts'
import {
  firstAxes,
  formatMetric,
  isDense,
  patternOf,
  qualityMarks,
  qualityPicture,
  SPARSITY,
} from './quality-series.ts'
import { logFor } from './scales.ts'
import type { Series } from './series.ts'
import { plainTable, scrollRegion } from './sheet.ts'

/** What is chosen. */
interface Choice {
  readonly section: number
  readonly x: string
  readonly y: string
  readonly pattern: string
  readonly off: ReadonlySet<string>
}

/** What networks still do: quality against speed or sparsity, one model at a time, with the front that no point beats. */
export function modelsView(quality: PageQuality, address: Address, open: (judged: Judged) => void): HTMLElement {
  const { sections } = quality
  const [controlPlace, notePlace, legendPlace] = [el('div'), el('p', { class: 'note' }), el('div')]
  const numbers = scrollRegion('Figures of what is shown')
  let marks = qualityMarks(sections[0]!)
  const chart = new Chart<Judged>({
    title: 'Quality',
    note: 'The broad band joins the points that no other one beats on both axes; dashed, the dense network. Bars are 95 % bootstrap intervals.',
    axes: axesOf('', SPARSITY, []),
    markOf: (label) => marks.get(label)!,
    nameOf: ({ section, point }) => `${section.model}, ${sparsityLabel(point.sparsity)}`,
    open,
  })
  let choice = choiceOf(location.hash)

  const show = once(() => {
    const section = sections[choice.section]!
    address.write('models', parametersOf(choice))
    marks = qualityMarks(section)
    const lines = section.lines.filter(({ method, label }) => isDense(label) || inPattern(method))
    const { series, front, guides } = qualityPicture({ ...section, lines }, choice, choice.off)
    const { x, y } = choice
    notePlace.textContent = `Judged on ${section.judgedOn}. ${direction(y)}. ${direction(x)}.`
    const shownLabels = lines.map(({ label }) => label)
    renew(
      legendPlace,
      legend(
        'Methods and patterns',
        shownLabels,
        choice.off,
        (label) => marks.get(label)!,
        (off) => change({ off }),
      ),
    )
    chart.update({ series, guides, front: front.map((point) => [point.x, point.y]), axes: axesOf(y, x, series) })
    const onFront = new Set(front.map(({ item }) => item.point))
    numbers.replaceChildren(figuresTable(section, series, onFront))
  })
  const showControls = () => renew(controlPlace, controls())

  function inPattern(method: string): boolean {
    return choice.pattern === '' || patternOf(method) === choice.pattern
  }

  function change(part: Partial<Choice>): void {
    const moved = part.section !== undefined
    choice = { ...choice, ...part }
    if (moved) choice = { section: part.section!, pattern: '', off: new Set(), ...firstAxes(sections[part.section!]!) }
    if (moved) showControls()
    show()
  }

  function controls(): HTMLElement {
    const { place, metrics, lines } = sections[choice.section]!
    const same = (value: string) => [value, value] as const
    const patterns = distinct(lines.map(({ method }) => patternOf(method) || null))
    const here = sections.flatMap((section, index) =>
      section.place === place ? [[String(index), titleOf(section)] as const] : [],
    )
    return el(
      'form',
      {
        class: 'controls',
        'aria-label': 'Choice of model and axes',
        onsubmit: (event: Event) => event.preventDefault(),
      },
      select(
        'models-place',
        'Judged on machine',
        distinct(sections.map((section) => section.place)).map(same),
        place,
        (value) => change({ section: alike(value) }),
      ),
      select('models-section', 'Model and data', here, String(choice.section), (value) =>
        change({ section: Number(value) }),
      ),
      select('models-y', 'Quality (up)', metrics.map(same), choice.y, (y) => change({ y })),
      select('models-x', 'Against (across)', [SPARSITY, ...metrics].map(same), choice.x, (x) => change({ x })),
      select('models-pattern', 'Pattern', [['', 'all'], ...patterns.map(same)], choice.pattern, (pattern) =>
        change({ pattern }),
      ),
    )
  }

  /** The same model of another machine, or what that has first. */
  function alike(place: string): number {
    const { model, operation, judgedOn } = sections[choice.section]!
    const there = sections.filter((section) => section.place === place)
    const same = there.find((one) => one.model === model && one.operation === operation && one.judgedOn === judgedOn)
    return sections.indexOf(same ?? there[0]!)
  }

  function figuresTable(
    section: PageQualitySection,
    series: readonly Series<Judged>[],
    onFront: ReadonlySet<unknown>,
  ): HTMLElement {
    const rows = series.flatMap(({ label, points }) =>
      points.map(({ item }) => [
        el('button', { type: 'button', onclick: () => open(item) }, markIcon(marks.get(label)!), label),
        sparsityLabel(item.point.sparsity),
        onFront.has(item.point) ? 'yes' : '',
        ...item.point.figures.map((figure) => withInterval(figure)),
      ]),
    )
    return plainTable(['method', 'sparsity', 'on the front', ...section.metrics], rows)
  }

  function parametersOf({ section, x, y, pattern, off }: Choice): URLSearchParams {
    const { place, operation, model, judgedOn } = sections[section]!
    const parameters = new URLSearchParams({ judged: [place, operation, model, judgedOn].join('|'), y, x })
    if (pattern !== '') parameters.set('zeros', pattern)
    for (const label of off) parameters.append('without', label)
    return parameters
  }

  function choiceOf(hash: string): Choice {
    const parameters = new URLSearchParams(hash.replace(/^#/, ''))
    const judged = parameters.get('judged')
    const section = Math.max(
      0,
      sections.findIndex((one) => [one.place, one.operation, one.model, one.judgedOn].join('|') === judged),
    )
    const { metrics } = sections[section]!
    const usual = firstAxes(sections[section]!)
    const known = (name: string | null) => name !== null && (name === SPARSITY || metrics.includes(name))
    const [x, y] = [parameters.get('x'), parameters.get('y')]
    return {
      section,
      x: known(x) ? x! : usual.x,
      y: known(y) && y !== SPARSITY ? y! : usual.y,
      pattern: parameters.get('zeros') ?? '',
      off: new Set(parameters.getAll('without')),
    }
  }

  addEventListener('hashchange', () => {
    if (isAnchor(location.hash)) return
    choice = choiceOf(location.hash)
    showControls()
    show()
  })
  showControls()
  show()
  return el(
    'section',
    { id: 'models' },
    el('h2', {}, 'Models: quality against speed'),
    controlPlace,
    notePlace,
    legendPlace,
    el('div', { class: 'charts' }, chart.element),
    el('section', {}, el('h3', {}, 'Figures of what is shown'), numbers),
  )
}

function titleOf({ model, operation, judgedOn }: PageQualitySection): string {
  return `${model}: ${operation}, ${judgedOn}`
}

function direction(metric: string): string {
  if (metric === SPARSITY) return 'More sparsity leaves less to compute'
  return `${lessIsBetter(metric) ? 'Less' : 'More'} is better: ${metric}`
}

function axesOf(y: string, x: string, series: readonly Series<Judged>[]): Axes {
  const points = series.flatMap((one) => one.points)
  const bySparsity = x === SPARSITY
  return {
    xLabel: x,
    yLabel: y,
    xLog: bySparsity ? 0 : logFor(points.map((point) => point.x)),
    yLog: logFor(points.flatMap(({ y: value, low = value }) => [value, low])),
    ...(bySparsity ? { xRange: PERCENTS } : {}),
    formatX: bySparsity ? formatPercent : formatMetric,
    formatY: formatMetric,
    fromZero: false,
  }
}
