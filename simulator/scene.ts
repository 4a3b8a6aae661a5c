import { fireLane, stairwell, storefront } from './scene/backgrounds.ts'
import { bicycle, type BicycleLook } from './scene/bicycle.ts'
import { crates } from './scene/crates.ts'
import { softened } from './scene/grain.ts'
import { person } from './scene/person.ts'
import { render, sheet, type Drawing } from './scene/svg.ts'
import type { SceneName } from './scene-names.ts'

export type SceneKind = 'fire-lane' | 'stairwell' | 'storefront'

/** Something that stands in a scene. */
export interface Figure {
  /** Its middle, in parts of the picture's width. */
  readonly x: number
  /** Where it touches the ground, in parts of the picture's height. */
  readonly y?: number
  /** 1 by default: a bicycle takes 27 % of the picture's width. */
  readonly scale?: number
}

/** What a drawn camera sees: a background, and who and what stands before it. */
export interface Scene {
  readonly kind: SceneKind
  readonly bicycles: readonly Figure[]
  readonly persons: readonly Figure[]
  /** Crates of fruit: no class of any detector. */
  readonly goods?: readonly Figure[]
}

type Polygon = readonly (readonly [x: number, y: number])[]

/** The ground that must stay free, in parts of the picture; the fire lane's is painted, so are the shop's edges. */
export const keptFree: Readonly<Record<SceneKind, Polygon>> = {
  'fire-lane': [
    [0.234, 0.694],
    [0.875, 0.694],
    [0.953, 0.94],
    [0.156, 0.94],
  ],
  stairwell: [
    [0.03, 0.7],
    [0.78, 0.7],
    [0.78, 0.98],
    [0.03, 0.98],
  ],
  storefront: [
    [0, 0.728],
    [1, 0.728],
    [1, 0.98],
    [0, 0.98],
  ],
}

export const scenes: Readonly<Record<SceneName, Scene>> = {
  'fire-lane-empty': { kind: 'fire-lane', bicycles: [], persons: [] },
  'fire-lane-person': { kind: 'fire-lane', bicycles: [], persons: [{ x: 0.62 }] },
  'fire-lane-bicycle': { kind: 'fire-lane', bicycles: [{ x: 0.45 }], persons: [] },
  'fire-lane-two-bicycles': { kind: 'fire-lane', bicycles: [{ x: 0.36 }, { x: 0.68 }], persons: [] },
  'fire-lane-bicycle-and-person': { kind: 'fire-lane', bicycles: [{ x: 0.42 }], persons: [{ x: 0.72 }] },
  'stairwell-empty': { kind: 'stairwell', bicycles: [], persons: [] },
  'stairwell-person': { kind: 'stairwell', bicycles: [], persons: [{ x: 0.55 }] },
  'stairwell-bicycle': { kind: 'stairwell', bicycles: [{ x: 0.5 }], persons: [] },
  'storefront-empty': { kind: 'storefront', bicycles: [], persons: [] },
  'storefront-person': { kind: 'storefront', bicycles: [], persons: [{ x: 0.62 }] },
  'storefront-bicycle': { kind: 'storefront', bicycles: [{ x: 0.42 }], persons: [] },
  'storefront-goods': {
    kind: 'storefront',
    bicycles: [],
    persons: [],
    goods: [{ x: 0.3 }, { x: 0.55, scale: 1.2 }],
  },
}

/** Draws a scene, named or put together; the same scene and size give the same bytes. */
export function drawScene(scene: Scene | SceneName, width: number, height: number): Drawing {
  const { kind, bicycles, persons, goods = [] } = typeof scene === 'string' ? scenes[scene] : scene
  const look: BicycleLook = kind === 'stairwell' ? eBike : plainBicycle
  const content = [
    backgrounds[kind](),
    kind === 'stairwell' ? '' : painted(keptFree[kind]),
    ...goods.map((figure) => placed(figure, crates())),
    ...persons.map((figure) => placed(figure, person())),
    ...bicycles.map((figure) => placed(figure, bicycle(look))),
  ]
  return softened(render(content.join(''), width, height))
}

const backgrounds: Readonly<Record<SceneKind, () => string>> = {
  'fire-lane': fireLane,
  stairwell,
  storefront,
}
const plainBicycle: BicycleLook = { frame: '#b3262b', drive: 'pedals' }
const eBike: BicycleLook = { frame: '#a82a2e', drive: 'battery' }

/** Where figures stand unless they say otherwise: near the lower edge, clear of it. */
const GROUND = 0.86

function placed(figure: Figure, drawing: string): string {
  const x = (figure.x * sheet.width).toFixed(1)
  const y = ((figure.y ?? GROUND) * sheet.height).toFixed(1)
  return `<g transform="translate(${x} ${y}) scale(${(figure.scale ?? 1).toFixed(3)})">${drawing}</g>`
}

/** The yellow line around ground that must stay free. */
function painted(polygon: Polygon): string {
  const points = polygon.map(([x, y]) => `${(x * sheet.width).toFixed(1)},${(y * sheet.height).toFixed(1)}`)
  return `<polygon points="${points.join(' ')}" fill="none" stroke="#d9b53c" stroke-width="4"/>`
}
