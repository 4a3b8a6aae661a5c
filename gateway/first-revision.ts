import { isClockSet, isoTime, type Instant } from '../base/clock.ts'
import type { Breach } from './case-book.ts'
import { caseKey, CONTRACT, type Case, type Why } from './case.ts'
import type { CaseClass } from './catalogue.ts'

export interface FirstRevision {
  readonly boxId: string
  readonly breach: Breach
  readonly cls: CaseClass
  /** With class and place the key of the case. */
  readonly since: Instant
  readonly now: Instant
  readonly why: Why
  readonly source: Case['source']
}

/** A new case, as it is before anybody else has said a word about it. */
export function firstRevision({ boxId, breach, cls, since, now, why, source }: FirstRevision): Case {
  const { site, place, drill, follows } = breach
  const { file } = site
  return {
    contract: CONTRACT,
    key: caseKey({ class: cls.id, place, since, drill }),
    revision: 1,
    boxId,
    class: cls.id,
    classCode: cls.code,
    classLocal: cls.local,
    className: cls.name,
    severity: cls.severity,
    source,
    siteId: site.id,
    siteName: file.name,
    place,
    address: file.address,
    gridCode: file.gridCode,
    position: file.position,
    since: isoTime(since),
    raisedAt: isoTime(now),
    clearedAt: null,
    count: 1,
    ...(follows === undefined ? {} : { follows }),
    why,
    proof: [],
    proofMissing: null,
    drill,
    use: 'lead',
    timeUnsure: !isClockSet(now),
    stage: 'raised',
    stageVersion: 0,
    platformStage: null,
    platformCase: null,
    complete: false,
  }
}
