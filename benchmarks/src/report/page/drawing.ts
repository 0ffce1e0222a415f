import { colourOf, cssValue, drawMark, type Mark } from './marks.ts'
import type { Guide, Point, Series } from './series.ts'

/** Where a value stands on the canvas. */
export type Place = (x: number, y: number) => [number, number]

/** A mark on the canvas, in CSS pixels. */
export interface Placed<T> {
  readonly label: string
  readonly point: Point<T>
  readonly x: number
  readonly y: number
}

/** From here on points are drawn small and faint, and the means carry the picture. */
const MANY = 400

/** Draws marks with their intervals; what was drawn can be found by pointer and keyboard. */
export function drawPoints<T>(
  context: CanvasRenderingContext2D,
  series: readonly Series<T>[],
  markOf: (label: string) => Mark,
  place: Place,
): Placed<T>[] {
  const ratio = devicePixelRatio
  const many = series.reduce((sum, { points }) => sum + points.length, 0) > MANY
  const radius = (many ? 2.2 : 3.4) * ratio
  const placed: Placed<T>[] = []
  for (const { label, points } of series) {
    const mark = markOf(label)
    context.fillStyle = colourOf(mark)
    context.strokeStyle = context.fillStyle
    context.lineWidth = 1.25 * ratio
    context.globalAlpha = many ? 0.35 : 0.75
    for (const point of points) {
      const [x, y] = place(point.x, point.y)
      if (point.low !== undefined && point.high !== undefined) {
        drawWhisker(context, x, place(point.x, point.low)[1], place(point.x, point.high)[1], 3 * ratio)
      }
      drawMark(context, mark, x, y, radius)
      placed.push({ label, point, x: x / ratio, y: y / ratio })
    }
  }
  context.globalAlpha = 1
  return placed
}

function drawWhisker(context: CanvasRenderingContext2D, x: number, low: number, high: number, half: number): void {
  context.beginPath()
  context.moveTo(x, low)
  context.lineTo(x, high)
  for (const end of [low, high]) {
    context.moveTo(x - half, end)
    context.lineTo(x + half, end)
  }
  context.stroke()
}

export function drawLines<T>(
  context: CanvasRenderingContext2D,
  series: readonly Series<T>[],
  markOf: (label: string) => Mark,
  place: Place,
): void {
  context.lineWidth = 2 * devicePixelRatio
  context.lineJoin = 'round'
  for (const { label, line } of series) {
    context.strokeStyle = colourOf(markOf(label))
    context.beginPath()
    for (const [x, y] of line) context.lineTo(...place(x, y))
    context.stroke()
  }
}

/** A broad band behind the points that no other one beats. */
export function drawFront(
  context: CanvasRenderingContext2D,
  front: readonly (readonly [x: number, y: number])[],
  place: Place,
): void {
  context.strokeStyle = cssValue('--front')
  context.lineWidth = 9 * devicePixelRatio
  context.lineJoin = 'round'
  context.lineCap = 'round'
  context.beginPath()
  for (const [x, y] of front) context.lineTo(...place(x, y))
  context.stroke()
  context.lineCap = 'butt'
}

/** Dashed lines, each with its name at its end; the names stand side by side, since the lines may be close. */
export function drawGuides(context: CanvasRenderingContext2D, guides: readonly Guide[], place: Place): void {
  const ratio = devicePixelRatio
  context.strokeStyle = cssValue('--guide')
  context.fillStyle = cssValue('--muted')
  context.lineWidth = 1.25 * ratio
  context.font = `${11 * ratio}px system-ui, sans-serif`
  context.textAlign = 'right'
  let shift = 4 * ratio
  for (const { label, points } of guides) {
    context.setLineDash([5 * ratio, 4 * ratio])
    context.beginPath()
    for (const [x, y] of points) context.lineTo(...place(x, y))
    context.stroke()
    context.setLineDash([])
    const [x, y] = place(...points.at(-1)!)
    context.fillText(label, x - shift, y - 4 * ratio)
    shift += context.measureText(label).width + 8 * ratio
  }
}
