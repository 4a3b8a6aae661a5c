import type { Scenario } from './scenario.ts'
import { sceneNames, type SceneName } from './scene-names.ts'

export const isScene = (name: string): name is SceneName => sceneNames.some((known) => known === name)

/** What a camera sees before anything happens: the empty scene of the kind that the scenario shows it first. */
export function firstScene({ timeline }: Pick<Scenario, 'timeline'>, camera: string): SceneName {
  const shown = timeline.find((happening) => happening.kind === 'scene' && happening.device === camera)
  const name = shown?.kind === 'scene' ? shown.scene : ''
  return (
    sceneNames.find(
      (known) => known.endsWith('-empty') && name.startsWith(known.slice(0, -'empty'.length)),
    ) ?? 'fire-lane-empty'
  )
}
