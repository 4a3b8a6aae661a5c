import type { Speaker } from './speaker.ts'
import { isBelow } from './topic.ts'

/** Which of many speakers a topic belongs to. */
export class Routes {
  readonly #exact = new Map<string, Speaker>()
  readonly #roots = new Map<string, Speaker>()

  constructor(speakers: Iterable<Speaker>) {
    for (const speaker of speakers) {
      for (const filter of speaker.says) {
        if (filter.endsWith('/#')) this.#roots.set(filter.slice(0, -2), speaker)
        else this.#exact.set(filter, speaker)
      }
    }
  }

  /** The one whose filter is the longest. */
  speakerOf(topic: string): Speaker | undefined {
    const exact = this.#exact.get(topic)
    if (exact) return exact
    for (let end = topic.lastIndexOf('/'); end > 0; end = topic.lastIndexOf('/', end - 1)) {
      const speaker = this.#roots.get(topic.slice(0, end))
      if (speaker) return speaker
    }
    return undefined
  }
}

/** Without those that another one covers: a broker may send what matches two of them twice. */
export function withoutCovered(filters: Iterable<string>): readonly string[] {
  const all = [...new Set(filters)].sort()
  const roots = all.filter((filter) => filter.endsWith('/#')).map((filter) => filter.slice(0, -2))
  return all.filter((filter) => !roots.some((root) => isBelow(root, filter) && filter !== `${root}/#`))
}
