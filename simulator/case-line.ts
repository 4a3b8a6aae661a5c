import type { Fact, Words } from './platform/received.ts'
import { ownWords } from './platform/stage-walk.ts'

export type Arrival = Extract<Fact, { readonly is: 'arrival' }>

/** One line for a person per case that arrives: time, class, where, why, proof, stage. */
export function caseLine({ at, data, stage, proofs }: Arrival, timeZone = 'Asia/Shanghai'): string {
  const parts = [
    `${clockTime(at, timeZone)} ${word(data)} ${data.classCode} ${data.className.zh}${data.drill ? ' 〔演练 drill〕' : ''}`,
    `${data.siteName.zh} ${data.address}`,
    `网格 ${data.gridCode}`,
    both(data.why.text),
    proofOf(data, proofs),
    `${ownWords[stage] ?? stage} ${stage}`,
  ]
  return parts.map(printable).join(' | ')
}

function word({ clearedAt, count, revision }: Arrival['data']): string {
  if (clearedAt !== null) return '✓ 解除'
  if (revision === 1) return '● 产生'
  return count > 1 ? `● 再次(${count})` : '· 更新'
}

function proofOf({ proof, proofMissing, why }: Arrival['data'], verified: number): string {
  const sent = proof.filter(({ keep }) => keep === 'sent').length
  const kept = proof.length - sent
  const words = [
    ...(sent > 0 ? [`图 ${verified}/${sent} verified`] : []),
    ...(kept > 0 ? [`原件 ${kept} sealed`] : []),
    ...(why.readings.length > 0 ? [`读数 ${why.readings.length}`] : []),
    ...(why.detections.length > 0 ? [`检出 ${why.detections.length}`] : []),
    ...(proofMissing === null ? [] : [`缺 missing: ${short(proofMissing, 40)}`]),
  ]
  return `证据 ${words.join(', ') || '无 none'}`
}

const both = ({ zh, en }: Words): string => `${short(zh, 60)} (${short(en, 60)})`

const short = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text

/** A case comes over the wire: it may not move the cursor or colour the terminal. */
const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '')

const formats = new Map<string, Intl.DateTimeFormat>()

function clockTime(at: number, timeZone: string): string {
  const known = formats.get(timeZone)
  const format = known ?? new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'medium' })
  if (!known) formats.set(timeZone, format)
  return format.format(at)
}
