import uPlot from 'uplot'
import { significant } from '../format.ts'
import type { PageQuality } from '../quality.ts'
import { el, once } from './dom.ts'
import { colourOf, cssValue, drawMark, markIcon, markOf } from './marks.ts'

const HEIGHT = 300

/** Quality against sparsity: a plot for each model, with its numbers below. Undefined where nothing was judged. */
export function qualitySection(sections: readonly PageQuality[]): HTMLElement | undefined {
  if (sections.length === 0) return undefined
  return el(
    'section',
    { id: 'quality-section' },
    el('h2', {}, 'Quality against sparsity'),
    el('div', { class: 'charts' }, ...sections.map((section, index) => new QualityChart(section, index).element)),
  )
}

/** One model: a line for each method, of the metric that is chosen. */
class QualityChart {
  readonly element: HTMLElement
  readonly #section: PageQuality
  readonly #host: HTMLElement
  readonly #numbers = el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'numbers' })
  #metric = 0
  #plot: uPlot | null = null

  constructor(section: PageQuality, index: number) {
    this.#section = section
    this.#host = el('div', {
      class: 'quality-plot',
      role: 'img',
      'aria-label': `${section.title}: the numbers stand below`,
    })
    const choice = el(
      'select',
      {
        name: `metric-${index}`,
        onchange: (event: Event) => {
          this.#metric = (event.target as HTMLSelectElement).selectedIndex
          this.#show()
        },
      },
      ...section.metrics.map((name) => el('option', {}, name)),
    )
    this.element = el(
      'section',
      { class: 'chart' },
      el('h3', {}, section.title),
      el('p', { class: 'note' }, section.data.join('; ')),
      el('p', {}, el('label', {}, 'shown: ', choice)),
      this.#host,
      el(
        'ul',
        { class: 'quality-legend' },
        ...section.lines.map(({ method }, line) => el('li', {}, markIcon(markOf(line)), method)),
      ),
      el('details', {}, el('summary', {}, 'Numbers'), this.#numbers),
    )
    new ResizeObserver(once(() => this.#show())).observe(this.#host)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#show())
  }

  #show(): void {
    const { lines, metrics } = this.#section
    const sparsities = [...new Set(lines.flatMap(({ points }) => points.map(({ sparsity }) => sparsity)))].sort(
      (a, b) => a - b,
    )
    const values = lines.map(({ points }) =>
      sparsities.map((sparsity) => points.find((point) => point.sparsity === sparsity)?.values[this.#metric] ?? null),
    )
    this.#plot?.destroy()
    const axis = { stroke: cssValue('--muted'), grid: { stroke: cssValue('--line'), width: 1 } }
    this.#plot = new uPlot(
      {
        width: Math.max(240, this.#host.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: [-2, 102] } },
        axes: [
          { ...axis, label: 'sparsity', values: (_, splits) => splits.map((split) => `${split} %`) },
          {
            ...axis,
            label: metrics[this.#metric]!,
            size: 64,
            values: (_, splits) => splits.map((split) => significant(split)),
          },
        ],
        series: [
          {},
          ...lines.map((_, line): uPlot.Series => {
            const colour = colourOf(markOf(line))
            return { stroke: colour, width: 2, spanGaps: true, points: { show: false } }
          }),
        ],
        hooks: { draw: [(plot) => drawMarks(plot, values)] },
      },
      [sparsities.map((sparsity) => 100 * sparsity), ...values],
      this.#host,
    )
    this.#numbers.replaceChildren(this.#table(sparsities, values))
  }

  #table(sparsities: readonly number[], values: readonly (readonly (number | null)[])[]): HTMLElement {
    const head = ['sparsity', ...this.#section.lines.map(({ method }) => method)]
    return el(
      'table',
      {},
      el('thead', {}, el('tr', {}, ...head.map((text) => el('th', { scope: 'col' }, text)))),
      el(
        'tbody',
        {},
        ...sparsities.map((sparsity, i) =>
          el(
            'tr',
            {},
            el('th', { scope: 'row' }, `${Number((100 * sparsity).toFixed(1))} %`),
            ...values.map((line) => el('td', {}, significant(line[i], 4))),
          ),
        ),
      ),
    )
  }
}

function drawMarks(plot: uPlot, values: readonly (readonly (number | null)[])[]): void {
  const xs = plot.data[0]
  values.forEach((line, index) => {
    plot.ctx.fillStyle = colourOf(markOf(index))
    line.forEach((value, i) => {
      if (value !== null)
        drawMark(
          plot.ctx,
          markOf(index),
          plot.valToPos(xs[i]!, 'x', true),
          plot.valToPos(value, 'y', true),
          4 * devicePixelRatio,
        )
    })
  })
}
