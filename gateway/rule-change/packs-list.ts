import { isScalar, isSeq, parseDocument, type Scalar } from 'yaml'

/**
 * The text of box.yaml with one pack in place of another, or added to the end of the list; all else, comments too, stays
 * as people wrote it. Undefined when the list is not written as one.
 */
export function withPack(text: string, pack: string, insteadOf: string | undefined): string | undefined {
  const list = parseDocument(text).get('packs')
  if (!isSeq(list)) return undefined
  const items = list.items.filter((item): item is Scalar => isScalar(item))
  if (insteadOf !== undefined) {
    const old = items.find(({ value }) => value === insteadOf)
    return old?.range ? spliced(text, old.range[0], old.range[1], pack) : undefined
  }
  const last = items.at(-1)
  if (!last?.range) return undefined
  const [begin, end] = last.range
  if (list.flow === true) return spliced(text, end, end, `, ${pack}`)
  const lineBegin = text.lastIndexOf('\n', begin) + 1
  const newline = text.indexOf('\n', end)
  const lineEnd = newline < 0 ? text.length : newline
  // The indentation of the item and its dash.
  return spliced(text, lineEnd, lineEnd, `\n${text.slice(lineBegin, begin)}${pack}`)
}

const spliced = (text: string, from: number, to: number, by: string): string =>
  text.slice(0, from) + by + text.slice(to)
