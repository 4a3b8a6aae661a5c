/** The drawn scenes that a scenario can show by name. */
export const sceneNames = [
  'fire-lane-empty',
  'fire-lane-person',
  'fire-lane-bicycle',
  'fire-lane-two-bicycles',
  'fire-lane-bicycle-and-person',
  'stairwell-empty',
  'stairwell-person',
  'stairwell-bicycle',
  'storefront-empty',
  'storefront-person',
  'storefront-bicycle',
  'storefront-goods',
] as const

export type SceneName = (typeof sceneNames)[number]
