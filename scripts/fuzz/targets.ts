import { readExamples } from './examples.ts'
import { payloadTargets } from './payloads.ts'
import { pushTargets } from './pushes.ts'
import { streamTargets } from './streams.ts'
import type { Target } from './target.ts'
import { textTargets } from './texts.ts'

/** Every frame, codec and stream parser that reads what comes from outside. */
export async function allTargets(): Promise<readonly Target[]> {
  const examples = await readExamples()
  return [
    ...streamTargets(examples),
    ...(await payloadTargets(examples)),
    ...textTargets,
    ...(await pushTargets()),
  ]
}
