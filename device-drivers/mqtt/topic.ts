/** Does the topic fall under the filter (`+` one level, `#` the rest)? Topics in `$` answer no leading wildcard. */
export function topicMatches(filter: string, topic: string): boolean {
  if (filter === topic) return true
  if (topic.startsWith('$') && !filter.startsWith('$')) return false
  const wanted = filter.split('/')
  const levels = topic.split('/')
  for (const [i, word] of wanted.entries()) {
    if (word === '#') return true
    const level = levels[i]
    if (level === undefined || (word !== '+' && word !== level)) return false
  }
  return wanted.length === levels.length
}

export const hasWildcard = (filter: string): boolean => filter.includes('+') || filter.includes('#')

/** Does one of our own filters, whose only wildcard is a last `#`, cover all that another filter or topic means? */
export const filterAllows = (own: string, filterOrTopic: string): boolean =>
  own.endsWith('/#') ? isBelow(own.slice(0, -2), filterOrTopic) : own === filterOrTopic

/** Everything that a filter can match lies below the base: its own levels carry no wildcard. */
export const isBelow = (base: string, filterOrTopic: string): boolean =>
  filterOrTopic.startsWith(base) && filterOrTopic.charCodeAt(base.length) === 0x2f
