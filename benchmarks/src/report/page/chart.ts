import uPlot from 'uplot'
import { el, once } from './dom.ts'
import { drawFront, drawGuides, drawLines, drawPoints, type Place, type Placed } from './drawing.ts'
import { cssValue, type Mark } from './marks.ts'
import { type Log, rangeOf } from './scales.ts'
import type { Guide, Point, Series } from './series.ts'

export interface Axes {
  readonly xLabel: string
  readonly yLabel: string
  readonly xLog: Log
  readonly yLog: Log
  /** A fixed range where the values have one. */
  readonly xRange?: readonly [number, number]
  readonly formatX: (x: number) => string
  readonly formatY: (y: number) => string
  /** Whether linear scales begin at 0. */
  readonly fromZero: boolean
}

export interface ChartOptions<T> {
  readonly title: string
  readonly note: string
  readonly axes: Axes
  readonly markOf: (label: string) => Mark
  /** What tells the items of one series apart. */
  readonly nameOf: (item: T) => string
  readonly open: (item: T) => void
}

/** What a chart shows. */
export interface Picture<T> {
  readonly series: readonly Series<T>[]
  readonly guides: readonly Guide[]
  /** The points that no other one beats, joined. */
  readonly front?: readonly (readonly [x: number, y: number])[]
  /** Where others than at first are chosen. */
  readonly axes?: Axes
}

const REACH = 24

/** A plot of records. uPlot keeps the scales and the axes; the marks, and finding one by pointer or keyboard, are done here. */
export class Chart<T> {
  readonly element: HTMLElement
  readonly #options: ChartOptions<T>
  readonly #host = el('div', { class: 'plot', tabindex: 0, role: 'application' })
  readonly #tip = el('div', { class: 'tip', hidden: true, 'aria-hidden': 'true' })
  readonly #live = el('p', { class: 'hidden', 'aria-live': 'polite' })
  readonly #empty = el(
    'p',
    { class: 'empty', hidden: true },
    'Nothing to plot: no record here has a value, or none has a dense contender to compare with.',
  )
  #picture: Picture<T> = { series: [], guides: [] }
  #plot: uPlot | null = null
  #placed: Placed<T>[] = []
  #current: Placed<T> | null = null

  constructor(options: ChartOptions<T>) {
    this.#options = options
    const id = `plot-${options.title.toLowerCase().replace(/\W+/g, '-')}`
    this.#host.setAttribute('aria-labelledby', id)
    this.#host.setAttribute('aria-describedby', `${id}-note`)
    this.element = el(
      'section',
      { class: 'chart' },
      el('h2', { id }, options.title),
      el(
        'p',
        { id: `${id}-note`, class: 'note' },
        `${options.note} `,
        el('span', { class: 'hidden' }, 'Arrow keys move between records, Enter opens one.'),
      ),
      this.#host,
      this.#empty,
      this.#live,
    )
    this.#host.addEventListener('pointermove', (event) => this.#show(this.#nearest(event)))
    this.#host.addEventListener('pointerleave', () => this.#show(null))
    this.#host.addEventListener('click', (event) => this.#openAt(this.#nearest(event)))
    this.#host.addEventListener('keydown', (event) => this.#onKey(event))
    this.#host.addEventListener('blur', () => this.#show(null))
    new ResizeObserver(once(() => this.#resize())).observe(this.#host)
  }

  update(picture: Picture<T>): void {
    this.#picture = picture
    this.redraw()
  }

  get #axes(): Axes {
    return this.#picture.axes ?? this.#options.axes
  }

  /** Draws anew, also after the colours changed. */
  redraw(): void {
    this.#plot?.destroy()
    this.#plot = null
    this.#current = null
    const empty = this.#picture.series.length === 0
    this.#empty.hidden = !empty
    this.#host.hidden = empty
    if (!empty) this.#plot = new uPlot(this.#uplotOptions(), this.#domain(), this.#host)
    this.#host.append(this.#tip)
    this.#tip.hidden = true
  }

  #size(): { width: number; height: number } {
    const width = Math.max(240, this.#host.clientWidth)
    return { width, height: Math.round(Math.min(440, Math.max(280, width * 0.6))) }
  }

  #resize(): void {
    if (this.#plot !== null && this.#plot.width !== this.#size().width) this.#plot.setSize(this.#size())
  }

  /** uPlot wants data to make scales from; the ranges are fixed, so two ends do. */
  #domain(): uPlot.AlignedData {
    const [low, high] = this.#xRange()
    return [
      [low, high],
      [null, null],
    ]
  }

  #xRange(): [number, number] {
    const { xRange, xLog, fromZero } = this.#axes
    if (xRange !== undefined) return [...xRange]
    return rangeOf(
      this.#values(({ x }) => [x]),
      xLog,
      fromZero,
    )
  }

  #yRange(): [number, number] {
    const { yLog, fromZero } = this.#axes
    const guides = this.#picture.guides.flatMap(({ points }) => points.map(([, y]) => y))
    return rangeOf([...this.#values(({ y, low = y, high = y }) => [low, high]), ...guides], yLog, fromZero)
  }

  #values(of: (point: Point<T>) => number[]): number[] {
    return this.#picture.series.flatMap(({ points }) => points.flatMap(of))
  }

  #uplotOptions(): uPlot.Options {
    const { xLabel, yLabel, xLog, yLog, formatX, formatY } = this.#axes
    const [xRange, yRange] = [this.#xRange(), this.#yRange()]
    const axis = (label: string, format: (value: number) => string): uPlot.Axis => ({
      label,
      labelSize: 22,
      labelFont: '13px system-ui, sans-serif',
      font: '12px system-ui, sans-serif',
      stroke: cssValue('--muted'),
      grid: { stroke: cssValue('--line'), width: 1 },
      ticks: { stroke: cssValue('--line'), width: 1 },
      values: (_, splits) => splits.map((value) => (value === null ? '' : format(value))),
    })
    const scale = (log: Log, range: [number, number]): uPlot.Scale =>
      log === 0 ? { time: false, range } : { time: false, distr: 3, log, range }
    return {
      ...this.#size(),
      padding: [8, 14, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: scale(xLog, xRange), y: scale(yLog, yRange) },
      series: [{}, { show: false }],
      axes: [
        { ...axis(xLabel, formatX), size: 36 },
        { ...axis(yLabel, formatY), size: 56 },
      ],
      hooks: { draw: [(plot) => this.#draw(plot)] },
    }
  }

  #draw(plot: uPlot): void {
    const { ctx, bbox } = plot
    const { series, guides, front = [] } = this.#picture
    const { markOf } = this.#options
    const place: Place = (x, y) => [plot.valToPos(x, 'x', true), plot.valToPos(y, 'y', true)]
    ctx.save()
    ctx.beginPath()
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
    ctx.clip()
    drawFront(ctx, front, place)
    drawGuides(ctx, guides, place)
    this.#placed = drawPoints(ctx, series, markOf, place)
    drawLines(ctx, series, markOf, place)
    ctx.restore()
  }

  #nearest(event: MouseEvent): Placed<T> | null {
    const box = this.#host.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    let [nearest, distance]: [Placed<T> | null, number] = [null, REACH * REACH]
    for (const placed of this.#placed) {
      const squared = (placed.x - x) ** 2 + (placed.y - y) ** 2
      if (squared < distance) [nearest, distance] = [placed, squared]
    }
    return nearest
  }

  #show(placed: Placed<T> | null): void {
    this.#current = placed
    this.#tip.hidden = placed === null
    this.#host.classList.toggle('pointing', placed !== null)
    if (placed === null) return
    const { label, ...lines } = this.#words(placed)
    this.#tip.replaceChildren(el('strong', {}, label), ...Object.values(lines).map((line) => el('span', {}, line)))
    const right = placed.x > this.#host.clientWidth / 2
    this.#tip.style.left = right ? 'auto' : `${placed.x + 10}px`
    this.#tip.style.right = right ? `${this.#host.clientWidth - placed.x + 10}px` : 'auto'
    this.#tip.style.top = `${Math.max(0, placed.y - 20)}px`
  }

  #words({ label, point }: Placed<T>) {
    const { formatX, formatY, xLabel, yLabel } = this.#axes
    const { x, y, low, high } = point
    const interval = low === undefined || high === undefined ? '' : ` (${formatY(low)} to ${formatY(high)})`
    return {
      label,
      name: this.#options.nameOf(point.item),
      value: `${yLabel}: ${formatY(y)}${interval}`,
      place: `${xLabel}: ${formatX(x)}`,
    }
  }

  #openAt(placed: Placed<T> | null): void {
    if (placed !== null) this.#options.open(placed.point.item)
  }

  #onKey(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const jump = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (event.key === 'Enter') this.#openAt(this.#current)
    else if (event.key === 'Escape') this.#show(null)
    else if (step !== undefined || jump !== undefined) this.#move(step ?? 0, jump ?? 0)
    else return
    event.preventDefault()
  }

  /** Along the records of one contender, or to the record of the next contender that is nearest. */
  #move(step: number, jump: number): void {
    const current = this.#current ?? this.#placed[0]
    if (current === undefined) return
    const labels = [...new Set(this.#placed.map(({ label }) => label))]
    const chosen = labels[(labels.indexOf(current.label) + jump + labels.length) % labels.length]
    const group = this.#placed.filter(({ label }) => label === chosen)
    const index =
      jump === 0 ? group.indexOf(current) + (this.#current === null ? 0 : step) : nearestIndex(group, current.x)
    const next = group[(index + group.length) % group.length]!
    this.#show(next)
    this.#live.textContent = Object.values(this.#words(next)).join(', ')
  }
}

function nearestIndex<T>(group: readonly Placed<T>[], x: number): number {
  return group.reduce((best, { x: own }, index) => (Math.abs(own - x) < Math.abs(group[best]!.x - x) ? index : best), 0)
}
