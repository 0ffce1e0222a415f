/** How a contender is drawn: told apart by colour and by form. */
export interface Mark {
  readonly colour: number
  readonly form: number
}

const COLOURS = 10
/** Outlines within a square from -1 to 1. */
const FORMS: readonly (readonly (readonly [number, number])[])[] = [
  Array.from({ length: 12 }, (_, i) => [Math.cos((i * Math.PI) / 6), Math.sin((i * Math.PI) / 6)] as const),
  [
    [-0.85, -0.85],
    [0.85, -0.85],
    [0.85, 0.85],
    [-0.85, 0.85],
  ],
  [
    [0, -1.1],
    [1.05, 0.8],
    [-1.05, 0.8],
  ],
  [
    [0, -1.2],
    [1.2, 0],
    [0, 1.2],
    [-1.2, 0],
  ],
  [
    [0, 1.1],
    [1.05, -0.8],
    [-1.05, -0.8],
  ],
]

export function markOf(index: number): Mark {
  return { colour: index % COLOURS, form: (index + Math.floor(index / COLOURS)) % FORMS.length }
}

/** The colour in the scheme that is shown now. */
export function colourOf({ colour }: Mark): string {
  return cssValue(`--mark-${colour}`)
}

export function cssValue(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

export function drawMark(
  context: CanvasRenderingContext2D,
  { form }: Mark,
  x: number,
  y: number,
  radius: number,
): void {
  context.beginPath()
  for (const [dx, dy] of FORMS[form]!) context.lineTo(x + dx * radius, y + dy * radius)
  context.closePath()
  context.fill()
}

export function markIcon(mark: Mark): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', '-1.4 -1.4 2.8 2.8')
  svg.setAttribute('aria-hidden', 'true')
  const polygon = document.createElementNS(svg.namespaceURI, 'polygon')
  polygon.setAttribute('points', FORMS[mark.form]!.map((point) => point.join(',')).join(' '))
  polygon.setAttribute('fill', `var(--mark-${mark.colour})`)
  svg.append(polygon)
  return svg
}
