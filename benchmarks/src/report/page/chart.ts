import uPlot from 'uplot'
import type { PageRow } from './data.ts'
import { el, once } from './dom.ts'
import { colourOf, cssValue, drawMark, type Mark } from './marks.ts'
import type { Guide, Point, Series } from './series.ts'

export interface ChartOptions {
  readonly title: string
  readonly note: string
  readonly xLabel: string
  readonly yLabel: string
  /** Base of a logarithmic scale; 0 for a linear one. */
  readonly xLog: 0 | 2 | 10
  readonly yLog: 0 | 2 | 10
  /** A fixed range where the values have one. */
  readonly xRange?: readonly [number, number]
  readonly formatX: (x: number) => string
  readonly formatY: (y: number) => string
  readonly markOf: (label: string) => Mark
  readonly open: (row: PageRow) => void
}

interface Placed {
  readonly point: Point
  readonly mark: Mark
  readonly x: number
  readonly y: number
}

const REACH = 24
/** From here on points are drawn small and faint, and the means carry the picture. */
const MANY = 400

/** A plot of records. uPlot keeps the scales and the axes; the marks, and finding one by pointer or keyboard, are done here. */
export class Chart {
  readonly element: HTMLElement
  readonly #options: ChartOptions
  readonly #host = el('div', { class: 'plot', tabindex: 0, role: 'application' })
  readonly #tip = el('div', { class: 'tip', hidden: true, 'aria-hidden': 'true' })
  readonly #live = el('p', { class: 'hidden', 'aria-live': 'polite' })
  readonly #empty = el(
    'p',
    { class: 'empty', hidden: true },
    'Nothing to plot: no record here has passed, or none has a dense contender to compare with.',
  )
  #series: readonly Series[] = []
  #guides: readonly Guide[] = []
  #plot: uPlot | null = null
  #placed: Placed[] = []
  #current: Placed | null = null

  constructor(options: ChartOptions) {
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

  update(series: readonly Series[], guides: readonly Guide[]): void {
    this.#series = series
    this.#guides = guides
    this.redraw()
  }

  /** Draws anew, also after the colours changed. */
  redraw(): void {
    this.#plot?.destroy()
    this.#plot = null
    this.#current = null
    const empty = this.#series.length === 0
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
    const { xRange, xLog } = this.#options
    if (xRange !== undefined) return [...xRange]
    const xs = this.#series.flatMap(({ points }) => points.map(({ x }) => x))
    return padded(xs, xLog)
  }

  #yRange(): [number, number] {
    const { yLog } = this.#options
    const ys = [
      ...this.#series.flatMap(({ points }) => points.map(({ y }) => y)),
      ...this.#guides.flatMap(({ points }) => points.map(([, y]) => y)),
    ]
    return padded(ys, yLog)
  }

  #uplotOptions(): uPlot.Options {
    const { xLabel, yLabel, xLog, yLog, formatX, formatY } = this.#options
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
    const scale = (log: 0 | 2 | 10, range: [number, number]): uPlot.Scale =>
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
    const ratio = devicePixelRatio
    const place = (x: number, y: number): [number, number] => [plot.valToPos(x, 'x', true), plot.valToPos(y, 'y', true)]
    ctx.save()
    ctx.beginPath()
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
    ctx.clip()
    drawGuides(ctx, this.#guides, place, ratio)

    const count = this.#series.reduce((sum, { points }) => sum + points.length, 0)
    const radius = (count > MANY ? 2.2 : 3.4) * ratio
    this.#placed = []
    for (const { label, points } of this.#series) {
      const mark = this.#options.markOf(label)
      ctx.fillStyle = colourOf(mark)
      ctx.globalAlpha = count > MANY ? 0.35 : 0.75
      for (const point of points) {
        const [x, y] = place(point.x, point.y)
        drawMark(ctx, mark, x, y, radius)
        this.#placed.push({ point, mark, x: x / ratio, y: y / ratio })
      }
    }
    ctx.globalAlpha = 1
    ctx.lineWidth = 2 * ratio
    ctx.lineJoin = 'round'
    for (const { label, line } of this.#series) {
      ctx.strokeStyle = colourOf(this.#options.markOf(label))
      ctx.beginPath()
      for (const [x, y] of line) ctx.lineTo(...place(x, y))
      ctx.stroke()
    }
    ctx.restore()
  }

  #nearest(event: MouseEvent): Placed | null {
    const box = this.#host.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    let [nearest, distance]: [Placed | null, number] = [null, REACH * REACH]
    for (const placed of this.#placed) {
      const squared = (placed.x - x) ** 2 + (placed.y - y) ** 2
      if (squared < distance) [nearest, distance] = [placed, squared]
    }
    return nearest
  }

  #show(placed: Placed | null): void {
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

  #words({ point }: Placed) {
    const { formatX, formatY, xLabel, yLabel } = this.#options
    return {
      label: point.row.contender.label,
      workload: point.row.workload.id,
      value: `${yLabel}: ${formatY(point.y)}`,
      place: `${xLabel}: ${formatX(point.x)}`,
    }
  }

  #openAt(placed: Placed | null): void {
    if (placed !== null) this.#options.open(placed.point.row)
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
    const labels = [...new Set(this.#placed.map(({ point }) => point.row.contender.label))]
    const own = labels.indexOf(current.point.row.contender.label)
    const label = labels[(own + jump + labels.length) % labels.length]
    const group = this.#placed.filter(({ point }) => point.row.contender.label === label)
    const index =
      jump === 0 ? group.indexOf(current) + (this.#current === null ? 0 : step) : nearestIndex(group, current.x)
    const next = group[(index + group.length) % group.length]!
    this.#show(next)
    this.#live.textContent = Object.values(this.#words(next)).join(', ')
  }
}

function nearestIndex(group: readonly Placed[], x: number): number {
  return group.reduce((best, { x: own }, index) => (Math.abs(own - x) < Math.abs(group[best]!.x - x) ? index : best), 0)
}

function padded(values: readonly number[], log: number): [number, number] {
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)]
  if (log === 0) return [Math.min(0, low), high * 1.06]
  // uPlot counts its powers of two from the lower end.
  if (log === 2) return [2 ** Math.floor(Math.log2(low)), 2 ** Math.ceil(Math.log2(high * 1.01))]
  const margin = low === high ? 2 : 1.15
  return [low / margin, high * margin * margin]
}

/** Dashed lines, each with its name at the right end; the names stand side by side, since the lines may be close. */
function drawGuides(
  ctx: CanvasRenderingContext2D,
  guides: readonly Guide[],
  place: (x: number, y: number) => [number, number],
  ratio: number,
): void {
  ctx.strokeStyle = cssValue('--guide')
  ctx.fillStyle = cssValue('--muted')
  ctx.lineWidth = 1.25 * ratio
  ctx.font = `${11 * ratio}px system-ui, sans-serif`
  ctx.textAlign = 'right'
  let shift = 4 * ratio
  for (const { label, points } of guides) {
    ctx.setLineDash([5 * ratio, 4 * ratio])
    ctx.beginPath()
    for (const [x, y] of points) ctx.lineTo(...place(x, y))
    ctx.stroke()
    ctx.setLineDash([])
    const [x, y] = place(...points.at(-1)!)
    ctx.fillText(label, x - shift, y - 4 * ratio)
    shift += ctx.measureText(label).width + 8 * ratio
  }
}
