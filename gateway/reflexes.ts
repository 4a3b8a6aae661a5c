import { targetsOf } from './act.ts'
import type { CommandRecord } from './command-record.ts'
import type { CommandKind } from './command-kind.ts'
import type { Commanding } from './commanding.ts'
import type { Draft } from './draft.ts'
import type { OpenCase } from './open-cases.ts'
import type { Raise } from './rule.ts'
import type { Slot } from './slots.ts'

/** What a rule asks for, at one raise. */
export interface Asked {
  readonly command: CommandKind
  readonly at: 'same' | 'place' | 'site'
  /** Begins the request ids, so that the same raise asks once. */
  readonly id: string
  readonly caseKey?: string
}

/** Writes down in the raise's own unit what its rule asks for; it goes out once that is stored. */
export function askFor(
  commanding: Commanding,
  draft: Draft,
  given: { readonly slot: Slot; readonly raise: Raise; readonly asked: Asked },
): readonly CommandRecord[] {
  const { slot, raise, asked } = given
  const { command, at, id, caseKey } = asked
  const { title } = slot.rule.text
  return targetsOf({ command, at }, slot, raise).map(({ device, part }) =>
    commanding.plan(draft, {
      requestId: [id, device.id, ...(part === '' ? [] : [part]), command].join('.'),
      deviceId: device.id,
      command,
      part,
      by: { kind: 'rule', id: slot.rule.id },
      reason: `${title.zh} ${title.en}`,
      ...(caseKey !== undefined && { caseKey }),
      isLifeSafety: slot.class.isLifeSafety,
    }),
  )
}

/** 本地反射: asks for all that the rule's `act:` says. A drill moves nothing, and neither does what is past. */
export function reflexes(
  commanding: Commanding,
  draft: Draft,
  given: { readonly slot: Slot; readonly raise: Raise; readonly open: OpenCase },
): void {
  const { slot, raise, open } = given
  if (raise.drill || draft.isRetained) return
  const { key, revision } = open.case
  for (const { command, at = 'same' } of slot.rule.acts ?? []) {
    const asked = { command, at, id: `${key.slice(0, 16)}.${revision}`, caseKey: key }
    askFor(commanding, draft, { slot, raise, asked })
  }
}
